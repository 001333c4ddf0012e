//! What is not certain is no error, and what cannot be known is not said.

use super::{RIGHT, SCALER, found, line, of, storage::told, with};

/// Something of another API, with these labels in its template.
fn other(version: &str, kind: &str, name: &str, spec: &str) -> String {
    format!("---\napiVersion: {version}\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n")
}

const LOST: &str = "---\napiVersion: v1\nkind: Service\nmetadata: {name: shop}\nspec: {selector: {app: shop}, ports: [{port: 80}]}\n---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: shop}\nspec: {maxUnavailable: 1, selector: {matchLabels: {app: shop}}}\n";

#[test]
fn pods_that_something_else_makes_are_not_missed() {
    let lost = RIGHT.to_owned() + LOST;
    assert_eq!(told(&lost), ["warning selector-or-port-mismatch", "warning selector-or-port-mismatch"]);
    for (version, kind, spec) in [
        ("argoproj.io/v1alpha1", "Rollout", "{template: {metadata: {labels: {app: shop}}}}"),
        ("postgresql.cnpg.io/v1", "Cluster", "{instances: 3}"),
        ("apps.openshift.io/v1", "DeploymentConfig", "{}"),
        ("serving.knative.dev/v1", "Service", "{}"),
        ("batch/v1", "Job", "{template: {metadata: {labels: {app: shop}}}}"),
        ("batch/v1", "CronJob", "{jobTemplate: {spec: {template: {metadata: {labels: {app: shop}}}}}}"),
    ] {
        let text = lost.clone() + &other(version, kind, "shop-pods", spec);
        assert_eq!(found(&text), Vec::<String>::new(), "{kind}");
    }
    // What makes no pods explains nothing.
    let job = lost + &other("batch/v1", "Job", "migrate", "{template: {metadata: {labels: {app: migrate}}}}");
    assert_eq!(told(&job).len(), 2);
}

#[test]
fn a_selector_beside_the_pods_that_it_means_is_an_error() {
    let text = with("selector: {app: web} # service", "selector: {app: www} # service");
    assert_eq!(told(&text), ["error selector-or-port-mismatch"]);
}

#[test]
fn routes_to_what_is_no_service_of_the_cluster() {
    let backend = |to: &str| with("service: {name: web, port: {name: http}}", &format!("service: {to}"));
    let action = "service: {name: ssl-redirect, port: {name: use-annotation}}";
    let text = backend("{name: ssl-redirect, port: {name: use-annotation}}");
    assert_eq!(found(&text), [format!("selector-or-port-mismatch {}", line(&text, action))]);
    let text = text.replace(
        "kind: Ingress\nmetadata: {name: web}",
        "kind: Ingress\nmetadata: {name: web, annotations: {alb.ingress.kubernetes.io/actions.ssl-redirect: '{}'}}",
    );
    assert_eq!(found(&text), Vec::<String>::new());
    let away = "---\napiVersion: v1\nkind: Service\nmetadata: {name: away}\nspec: {type: ExternalName, externalName: shop.example}\n";
    let text = backend("{name: away, port: {number: 443}}");
    assert_eq!(found(&(text.clone() + away)), Vec::<String>::new());
    let cluster = away.replace("type: ExternalName, externalName: shop.example", "ports: [{port: 80}]");
    assert_eq!(found(&(text + &cluster)).len(), 1);
    // An operator makes Services for what it runs.
    let text = backend("{name: shop-rw, port: {number: 80}}");
    assert_eq!(found(&text).len(), 1);
    assert_eq!(found(&(text + &other("postgresql.cnpg.io/v1", "Cluster", "shop", "{}"))), Vec::<String>::new());
}

/// The right system, with a second Deployment of one replica.
fn canary(labels: &str) -> String {
    let (deployment, _) = RIGHT.split_once("---\n").unwrap();
    let canary = deployment
        .replace("metadata: {name: web} # deployment", "metadata: {name: web-canary}")
        .replace("replicas: 3 # web", "replicas: 1 # canary")
        .replace("app: web}", labels);
    format!("{RIGHT}---\n{canary}")
}

#[test]
fn a_canary_is_not_alone() {
    let beside = canary("app: web, track: canary}");
    assert_eq!(found(&beside), Vec::<String>::new());
    let replaced = beside.replace(
        "replicas: 1 # canary\n  strategy: {type: RollingUpdate, rollingUpdate: {maxUnavailable: 0, maxSurge: 1}}",
        "replicas: 1 # canary\n  strategy: {type: Recreate}",
    );
    assert_eq!(found(&replaced), Vec::<String>::new());
    let own = "---\napiVersion: v1\nkind: Service\nmetadata: {name: canary}\nspec: {selector: {track: canary}, ports: [{name: http, port: 80, targetPort: http}]}\n";
    let called = beside.clone() + own;
    assert_eq!(found(&called), [format!("single-replica-gap {}", line(&called, "# canary"))]);
    let gone = beside.replace("replicas: 3 # web", "replicas: 0");
    assert_eq!(found(&gone), [format!("single-replica-gap {}", line(&gone, "# canary"))]);
}

#[test]
fn a_scaled_one_is_told_what_would_do() {
    let text = with("  replicas: 3 # web\n", "") + &SCALER.replace("minReplicas: 3", "minReplicas: 1");
    let report = of(&text);
    let one = report.findings.iter().find(|finding| finding.cause == "single-replica-gap").unwrap();
    assert_eq!(one.fix, "`minReplicas: 2` or more");
}

#[test]
fn secrets_that_something_that_was_read_makes_are_not_missed() {
    for (kind, name, spec) in [
        ("SealedSecret", "db-passwort", "{}"),
        ("ExternalSecret", "db-passwort", "{}"),
        ("ExternalSecret", "other", "{target: {name: db-passwort}}"),
        ("Certificate", "other", "{secretName: db-passwort}"),
        ("VaultStaticSecret", "other", "{destination: {name: db-passwort}}"),
        ("Cluster", "db", "{}"),
    ] {
        let text = with("secretKeyRef: {name: db-password", "secretKeyRef: {name: db-passwort");
        let made = text.clone() + &other("example.org/v1", kind, name, spec);
        assert_eq!(found(&made), Vec::<String>::new(), "{kind} {name}");
        let unlike =
            text + &other("example.org/v1", kind, "else", "{target: {name: x}, secretName: x, destination: {name: x}}");
        assert_eq!(told(&unlike), ["warning rollout-stuck"], "{kind}");
    }
    // Its name begins like the Secret's, and no operator would call that so.
    let text = with("secretKeyRef: {name: db-password", "secretKeyRef: {name: db-passwort");
    assert_eq!(told(&(text + &other("postgresql.cnpg.io/v1", "Cluster", "db-pass", "{}"))), ["warning rollout-stuck"]);
}

#[test]
fn a_mesh_chooses_a_replica_for_each_request() {
    let grpc = with("ports: [{name: http, port: 80", "ports: [{name: grpc, port: 80")
        .replace("port: {name: http}", "port: {number: 80}");
    assert_eq!(told(&grpc), ["warning connection-pinning"]);
    for (injected, fine) in [
        ("annotations: {linkerd.io/inject: enabled}", true),
        ("annotations: {linkerd.io/inject: disabled}", false),
        ("annotations: {sidecar.istio.io/inject: 'true'}", true),
    ] {
        let text = grpc
            .replace("      labels: {app: web} # pod", &format!("      {injected}\n      labels: {{app: web}} # pod"));
        assert_eq!(found(&text).is_empty(), fine, "{injected}: {:?}", found(&text));
    }
    let namespace =
        "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: shop, annotations: {linkerd.io/inject: enabled}}\n";
    let here = grpc.replace("metadata: {name: web} # deployment", "metadata: {name: web, namespace: shop}");
    assert_eq!(found(&(here.clone() + namespace)), Vec::<String>::new());
    assert_eq!(found(&(here + &namespace.replace("name: shop", "name: other"))).len(), 1);
}

#[test]
fn a_readiness_gate_waits_for_the_load_balancer() {
    let slow = with("  ports: [{name: http, port: 80", "  type: LoadBalancer\n  ports: [{name: http, port: 80");
    assert_eq!(told(&slow), ["warning new-endpoint-not-propagated"]);
    let gated =
        slow.replace("spec: # pod", "spec: # pod\n      readinessGates: [{conditionType: target-health.example/x}]");
    assert_eq!(found(&gated), Vec::<String>::new());
}

#[test]
fn two_budgets_of_one_pod_refuse_every_eviction() {
    let second = "---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: second}\nspec:\n  maxUnavailable: 2\n  selector: {matchExpressions: [{key: app, operator: Exists}]} # second\n";
    let text = RIGHT.to_owned() + second;
    let own = found(&text);
    assert_eq!(own, [format!("replacement-unschedulable {}", line(&text, "# second"))]);
    assert!(of(&text).findings[0].what.contains("500"));
    // One that was read twice is one.
    assert_eq!(found(&text.replace("name: second", "name: web")), Vec::<String>::new());
    assert_eq!(found(&text.replace("operator: Exists", "operator: In, values: [x]")).len(), 1);
}

#[test]
fn a_rollout_without_room_is_refused_and_no_more_is_said_of_it() {
    for none in ["0", "0%", "'0'"] {
        let text = with("maxUnavailable: 0, maxSurge: 1", &format!("maxUnavailable: {none}, maxSurge: {none}"));
        assert_eq!(told(&text), ["error rollout-stuck"], "{none}");
    }
    // Shares that come to nothing are rounded so that something can move.
    let few = with("maxUnavailable: 0, maxSurge: 1", "maxUnavailable: 10%, maxSurge: 0");
    assert_eq!(told(&few), ["warning rollout-capacity-dip"]);
}

#[test]
fn what_is_a_part_of_an_object_is_not_refused() {
    let part = |image: &str| {
        format!(
            "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {{name: x}}\nspec:\n  updateStrategy: {{rollingUpdate: {{maxUnavailable: 0}}}}\n  selector: {{matchLabels: {{a: b}}}}\n  template:\n    metadata: {{labels: {{a: b}}}}\n    spec: {{containers: [{{name: x{image}, readinessProbe: {{periodSeconds: 3}}}}]}}\n"
        )
    };
    assert_eq!(found(&part("")), Vec::<String>::new());
    assert_eq!(told(&part(", image: x")), ["error rollout-stuck", "error rollout-stuck"]);
}

#[test]
fn an_image_is_bare_by_its_whole_name() {
    for (image, expected) in [
        ("gcr.io/distroless/static-debian12:nonroot", Some("error")),
        ("gcr.io/distroless/base:debug", None),
        ("gcr.io/distroless/base:debug-nonroot", None),
        ("cgr.dev/chainguard/static:latest", Some("error")),
        ("cgr.dev/chainguard/static:latest-dev", None),
        ("registry.example/web:1-distroless", Some("warning")),
        ("registry.example/shop/static-site:1", None),
        ("registry.example/scratchpad:1", None),
    ] {
        let text = with(
            "image: web:1 # web\n          lifecycle: {preStop: {sleep: {seconds: 5}}}",
            &format!("image: {image}\n          lifecycle: {{preStop: {{exec: {{command: [sleep, '5']}}}}}}"),
        );
        let own: Vec<String> = expected.iter().map(|severity| format!("{severity} prestop-failed")).collect();
        assert_eq!(told(&text), own, "{image}");
    }
}
