//! Variables, and where their values come from.

use super::{problem, read, with_container};

const SECRET: &str = "---
apiVersion: v1
kind: Secret
metadata: {name: db}
data: {password: aHVudGVyMg==, binary: /w==, both: b2xk}
stringData: {both: new}
";

fn environment(env: &str, beside: &str) -> (String, Vec<String>) {
    let manifest = read(&format!("{}{beside}", with_container(&format!("env: {env}"))));
    let values: Vec<String> = manifest.environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
    (values.join(" "), manifest.not_followed)
}

#[test]
fn values_are_put_together_in_their_order() {
    for (env, wanted) in [
        ("[{name: A, value: x}, {name: B, value: $(A)y}]", "A=x B=xy"),
        ("[{name: B, value: $(A)y}, {name: A, value: x}]", "B=$(A)y A=x"),
        ("[{name: A, value: x}, {name: A, value: $(A)y}]", "A=xy"),
        ("[{name: A}, {name: B, value: ''}]", "A= B="),
        ("[{name: A, value: $$(B)}]", "A=$(B)"),
    ] {
        assert_eq!(environment(env, "").0, wanted, "{env}");
    }
    let (_, notes) = environment("[{name: URL, value: 'http://$(DB_HOST)/$(a b)'}]", "");
    assert_eq!(notes, ["env URL: $(DB_HOST) has no value here and stays as it is written"]);
}

#[test]
fn secrets_and_config_maps_of_the_same_file_are_looked_up() {
    let secret =
        |key: &str, more: &str| format!("[{{name: A, valueFrom: {{secretKeyRef: {{name: db, key: {key}{more}}}}}}}]");
    assert_eq!(environment(&secret("password", ""), SECRET).0, "A=hunter2");
    assert_eq!(environment(&secret("both", ""), SECRET).0, "A=new");
    assert_eq!(environment(&secret("none", ", optional: true"), SECRET), (String::new(), Vec::new()));
    assert_eq!(
        environment(&secret("binary", ""), SECRET).1,
        ["env A: binary of Secret db is not text; set it with --env A=VALUE"]
    );
    let elsewhere = SECRET.replace("name: db", "name: db, namespace: other");
    let here = with_container(&format!("env: {}", secret("password", "")))
        .replace("name: web\nspec", "name: web\n  namespace: shop\nspec");
    assert_eq!(
        read(&format!("{here}{elsewhere}")).not_followed,
        ["env A: Secret db is not in this file; set it with --env A=VALUE"]
    );
    let config = SECRET.replace("Secret", "ConfigMap");
    let of_config = secret("password", "").replace("secretKeyRef", "configMapKeyRef");
    assert_eq!(environment(&of_config, &config).0, "A=aHVudGVyMg==");
    // The later one counts, as where both are applied.
    let later = SECRET.replace("aHVudGVyMg==", "bmV3");
    assert_eq!(environment(&secret("password", ""), &format!("{SECRET}{later}")).0, "A=new");
}

#[test]
fn whole_secrets_are_taken_with_their_prefix() {
    let text = with_container(
        "envFrom: [{prefix: DB_, secretRef: {name: db}}]\nenv: [{name: DB_both, value: '$(DB_password)!'}]",
    );
    let manifest = read(&format!("{text}{SECRET}"));
    let values: Vec<&str> = manifest.environment.iter().map(|(_, value)| value.as_str()).collect();
    assert_eq!(values, ["hunter2!", "hunter2"]);
    assert_eq!(manifest.not_followed, ["envFrom: binary of Secret db is not set as a variable"]);
}

#[test]
fn wrong_variables_are_told_without_their_values() {
    let at = "spec.template.spec.containers[0]";
    for (lines, beside, wanted) in [
        ("env: [{value: hunter2}]", "", "env[0].name: has to be a variable's name, of printable ASCII without ="),
        (
            "env: [{name: A=B, value: hunter2}]",
            "",
            "env[0].name: has to be a variable's name, of printable ASCII without =",
        ),
        ("env: [{name: A, value: 8080}]", "", "env[0].value: has to be text: put it in quotes"),
        ("env: [{name: A, value: no}]", "", "env[0].value: has to be text: put it in quotes"),
        (
            "env: [{name: A, value: \"hunter2\\0\"}]",
            "",
            "env[0].value: has a zero byte in it, which no variable can have; remove it",
        ),
        ("env: [{name: A, value: x, valueFrom: {}}]", "", "env[0]: has value and valueFrom; keep one of them"),
        (
            "env: [{name: A, valueFrom: {secretKeyRef: {name: db, key: none}}}]",
            SECRET,
            "env[0].valueFrom.secretKeyRef.key: is none, which Secret db does not have; add it there",
        ),
        (
            "env: [{name: A, valueFrom: {secretKeyRef: {key: none}}}]",
            SECRET,
            "env[0].valueFrom.secretKeyRef.name: is missing",
        ),
        (
            "env: [{name: A, valueFrom: {secretKeyRef: {name: db}}}]",
            SECRET,
            "env[0].valueFrom.secretKeyRef.key: is missing",
        ),
        ("envFrom: [{prefix: A_}]", "", "envFrom[0]: needs one of secretRef and configMapRef"),
    ] {
        let several = if beside.is_empty() { "" } else { "document 1 (line 1), " };
        let problem = problem(&format!("{}{beside}", with_container(lines)));
        assert_eq!(problem, format!("{several}{at}.{wanted}"), "{lines}");
    }
    let wants = with_container("env: [{name: A, valueFrom: {secretKeyRef: {name: db, key: password}}}]");
    for (wrong, wanted) in [
        ("'%hunter2'", "data.password: is not base64; encode it, or move it to stringData as it is"),
        ("[hunter2]", "data.password: has to be text: put it in quotes"),
        ("2147483647", "data.password: has to be text: put it in quotes"),
    ] {
        let secret = SECRET.replace("aHVudGVyMg==", wrong);
        assert_eq!(problem(&format!("{wants}{secret}")), format!("document 2 (line 14), {wanted}"));
    }
}

#[test]
fn values_do_not_grow_without_end() {
    let mut env = format!("[{{name: V0, value: {}}}", "x".repeat(1000));
    for level in 1..30 {
        let below = format!("$(V{})", level - 1).repeat(10);
        env.extend([format!(", {{name: V{level}, value: {below}}}")]);
    }
    let wanted = "spec.template.spec.containers[0].env[3].value: is longer than a process can be given: 128 KiB each, 1 MiB together";
    assert_eq!(problem(&with_container(&format!("env: {env}]"))), wanted);
    let many = (0..20)
        .map(|n| format!("{{name: W{n}, value: $(V1)$(V1)$(V1)$(V1)$(V1)$(V1)}}, "))
        .collect::<Vec<_>>()
        .concat();
    let env =
        format!("[{{name: V0, value: {}}}, {{name: V1, value: {}}}, {many}]", "x".repeat(1000), "$(V0)".repeat(10));
    let wanted = "spec.template.spec.containers[0].env[19].value: is longer than a process can be given: 128 KiB each, 1 MiB together";
    assert_eq!(problem(&with_container(&format!("env: {env}"))), wanted);
}

#[test]
fn many_lines_are_cut_short() {
    let env = (0..150).map(|n| format!("{{name: V{n}, valueFrom: {{}}}}, ")).collect::<Vec<_>>().concat();
    let (_, notes) = environment(&format!("[{env}]"), "");
    assert_eq!(notes.len(), 101);
    assert_eq!(notes.last().map(String::as_str), Some("and 50 more lines like these"));
}
