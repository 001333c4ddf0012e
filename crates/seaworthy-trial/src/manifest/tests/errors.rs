//! What is wrong with a manifest is said in one line: where, and what would do.

use super::{problem, with_container, with_spec};

/// Lines in a container, where in it something is wrong, and what is said.
const CONTAINERS: &[(&str, &str, &str)] = &[
    (
        "readinessProbe: {httpGet: {port: 1}, periodSeconds: 0}",
        "readinessProbe.periodSeconds",
        "is 0; it has to be from 1 to 86400; leave it out for the default",
    ),
    (
        "readinessProbe: {httpGet: {port: 1}, timeoutSeconds: -1}",
        "readinessProbe.timeoutSeconds",
        "is -1; it has to be from 1 to 86400",
    ),
    (
        "readinessProbe: {httpGet: {port: 1}, initialDelaySeconds: 86401}",
        "readinessProbe.initialDelaySeconds",
        "is 86401; it has to be from 0 to 86400",
    ),
    (
        "readinessProbe: {httpGet: {port: 1}, failureThreshold: 0}",
        "readinessProbe.failureThreshold",
        "is 0; it has to be from 1 to 4294967295; leave it out for the default",
    ),
    (
        "livenessProbe: {httpGet: {port: 1}, successThreshold: 2}",
        "livenessProbe.successThreshold",
        "is 2; of a liveness probe it has to be 1",
    ),
    (
        "startupProbe: {httpGet: {port: 1}, successThreshold: 3}",
        "startupProbe.successThreshold",
        "is 3; of a startup probe it has to be 1",
    ),
    (
        "readinessProbe: {httpGet: {port: 1}, terminationGracePeriodSeconds: 5}",
        "readinessProbe.terminationGracePeriodSeconds",
        "is not possible here: a readiness probe restarts nothing; remove it",
    ),
    (
        "livenessProbe: {httpGet: {port: 1}, terminationGracePeriodSeconds: 0}",
        "livenessProbe.terminationGracePeriodSeconds",
        "is 0; it has to be from 1 to 86400; leave it out for the default",
    ),
    ("readinessProbe: {periodSeconds: 5}", "readinessProbe", "asks nothing; give it httpGet, tcpSocket or exec"),
    (
        "readinessProbe: {httpGet: {port: 1}, exec: {command: [x]}}",
        "readinessProbe",
        "asks in more than one way; keep one of httpGet, tcpSocket, exec and grpc",
    ),
    (
        "readinessProbe: {httpGet: {port: 1}, grpc: {port: 1}}",
        "readinessProbe",
        "asks in more than one way; keep one of httpGet, tcpSocket, exec and grpc",
    ),
    ("readinessProbe: {exec: {}}", "readinessProbe.exec.command", "is empty; give a program and its arguments"),
    (
        "readinessProbe: {httpGet: {path: /}}",
        "readinessProbe.httpGet.port",
        "is missing; give the container's port, by number or by name",
    ),
    (
        "readinessProbe: {httpGet: {port: 70000}}",
        "readinessProbe.httpGet.port",
        "is not a port; give one from 1 to 65535",
    ),
    (
        "readinessProbe: {httpGet: {port: '8080'}}",
        "readinessProbe.httpGet.port",
        "is a number in quotes, which Kubernetes takes for a name; write it without quotes",
    ),
    (
        "readinessProbe: {tcpSocket: {port: htpp}}\nports: [{name: http, containerPort: 1}, {containerPort: 2}]",
        "readinessProbe.tcpSocket.port",
        "is htpp, which none of the container's ports is called: http",
    ),
    (
        "readinessProbe: {tcpSocket: {port: web}}",
        "readinessProbe.tcpSocket.port",
        "is web, which none of the container's ports is called: none has a name",
    ),
    ("readinessProbe: {httpGet: {port: [1]}}", "readinessProbe.httpGet.port", "has to be a whole number or text"),
    (
        "readinessProbe: {httpGet: {port: 1, scheme: FTP}}",
        "readinessProbe.httpGet.scheme",
        "is FTP; HTTP and HTTPS are possible",
    ),
    (
        "readinessProbe: {httpGet: {port: 1, path: /a b}}",
        "readinessProbe.httpGet.path",
        "has a space or a letter that is not ASCII; write it as %20 and the like",
    ),
    (
        "readinessProbe: {httpGet: {port: 1, httpHeaders: [{name: 'a:', value: b}]}}",
        "readinessProbe.httpGet.httpHeaders[0].name",
        "is no header's name; give one such as X-Probe",
    ),
    (
        "readinessProbe: {httpGet: {port: 1, httpHeaders: [{name: a, value: \"b\\nc\"}]}}",
        "readinessProbe.httpGet.httpHeaders[0].value",
        "has a control character in it, such as a line's end; remove it",
    ),
    (
        "readinessProbe: {httpGet: {port: 1}, periodSeconds: '5'}",
        "readinessProbe.periodSeconds",
        "has to be a whole number, without quotes",
    ),
    (
        "readinessProbe: {httpGet: {port: 1}, periodSeconds: 1.5}",
        "readinessProbe.periodSeconds",
        "has to be a whole number, without quotes",
    ),
    ("readinessProbe: 5", "readinessProbe", "has to have fields of its own"),
    ("lifecycle: {preStop: {}}", "lifecycle.preStop", "does nothing; give it sleep, exec or httpGet"),
    (
        "lifecycle: {preStop: {sleep: {seconds: 1}, exec: {command: [x]}}}",
        "lifecycle.preStop",
        "does more than one thing; keep one of sleep, exec and httpGet",
    ),
    ("lifecycle: {preStop: {sleep: {}}}", "lifecycle.preStop.sleep.seconds", "is missing"),
    (
        "lifecycle: {preStop: {sleep: {seconds: 31}}}",
        "lifecycle.preStop.sleep.seconds",
        "is 31, more than terminationGracePeriodSeconds, 30; raise that, or sleep less",
    ),
    ("ports: [{name: http}]", "ports[0].containerPort", "is missing"),
    ("ports: [{containerPort: 0}]", "ports[0].containerPort", "is not a port; give one from 1 to 65535"),
    (
        "ports: [{containerPort: 1, name: a}, {containerPort: 2, name: a}]",
        "ports[1].name",
        "is a, as of another port; give each its own",
    ),
    (
        "ports: [{containerPort: 1, name: My_Port}]",
        "ports[0].name",
        "is no port's name: up to 15 of a-z, 0-9 and -, with a letter among them",
    ),
    ("command: nginx -g", "command", "has to be a list"),
    ("command: ['']", "command[0]", "is empty; give the program to run"),
    ("command: [x, \"a\\0b\"]", "command", "has a zero byte in it, which no argument can have; remove it"),
    ("command: [x, 8080]", "command[1]", "has to be text: put it in quotes"),
    ("resources: {limits: {cpu: [1]}}", "resources.limits.cpu", "has to be a quantity such as 500m or 256Mi"),
];

#[test]
fn containers_that_a_cluster_would_not_take() {
    let at = "spec.template.spec.containers[0]";
    for (lines, place, wanted) in CONTAINERS {
        assert_eq!(problem(&with_container(lines)), format!("{at}.{place}: {wanted}"), "{lines}");
    }
}

/// Lines in a Deployment's `spec`, and what is said.
const SPECS: &[(&str, &str)] = &[
    ("replicas: 0", "spec.replicas: is 0; from 1 to 20 can run on one machine"),
    ("replicas: 21", "spec.replicas: is 21; from 1 to 20 can run on one machine"),
    ("replicas: 100000", "spec.replicas: is 100000; from 1 to 20 can run on one machine"),
    ("replicas: -1", "spec.replicas: is -1; from 1 to 20 can run on one machine"),
    ("replicas: 4294967297", "spec.replicas: is 4294967297; from 1 to 20 can run on one machine"),
    ("replicas: 1e30", "spec.replicas: has to be a whole number, without quotes"),
    ("replicas: three", "spec.replicas: has to be a whole number, without quotes"),
    ("strategy: {type: Canary}", "spec.strategy.type: is Canary; a Deployment's are RollingUpdate and Recreate"),
    (
        "strategy: {type: Recreate, rollingUpdate: {}}",
        "spec.strategy.rollingUpdate: is not possible with type Recreate; remove one of them",
    ),
    (
        "strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 0%}}",
        "spec.strategy.rollingUpdate: has 0 for maxSurge and maxUnavailable, so nothing could ever be replaced; raise one",
    ),
    (
        "strategy: {rollingUpdate: {maxSurge: -1}}",
        "spec.strategy.rollingUpdate.maxSurge: is -1; give a number such as 1 or a share such as \"25%\", up to 1000",
    ),
    (
        "strategy: {rollingUpdate: {maxSurge: '1'}}",
        "spec.strategy.rollingUpdate.maxSurge: is \"1\"; give a number such as 1 or a share such as \"25%\", up to 1000",
    ),
    (
        "strategy: {rollingUpdate: {maxSurge: +5%}}",
        "spec.strategy.rollingUpdate.maxSurge: is \"+5%\"; give a number such as 1 or a share such as \"25%\", up to 1000",
    ),
    (
        "replicas: 5\nstrategy: {rollingUpdate: {maxSurge: 401%}}",
        "spec.strategy.rollingUpdate.maxSurge: is 21 more replicas; up to 20 more can run meanwhile",
    ),
    (
        "strategy: {rollingUpdate: {maxUnavailable: 101%}}",
        "spec.strategy.rollingUpdate.maxUnavailable: is 101%; up to 100% can be unavailable",
    ),
    ("minReadySeconds: 600", "spec.progressDeadlineSeconds: is 600; it has to be more than minReadySeconds, 600"),
    ("progressDeadlineSeconds: 90000", "spec.progressDeadlineSeconds: is 90000; it has to be from 1 to 86400"),
    ("revisionHistoryLimit: -1", "spec.revisionHistoryLimit: is -1; it has to be from 0 to 2147483647"),
];

#[test]
fn deployments_that_a_cluster_or_this_machine_would_not_take() {
    for (lines, wanted) in SPECS {
        assert_eq!(problem(&with_spec(lines)), *wanted, "{lines}");
    }
}

/// Whole texts, and what is said.
const TEXTS: &[(&str, &str)] = &[
    ("", "manifest: is empty; give a file that has a Deployment of apps/v1"),
    ("# nothing\n---\n---\n", "manifest: is empty; give a file that has a Deployment of apps/v1"),
    (
        "hello",
        "manifest: has no Deployment, only something without a kind; give a file that has a Deployment of apps/v1",
    ),
    (
        "kind: Service\n---\nkind: StatefulSet\n---\nkind: Service",
        "manifest: has no Deployment, only Service, StatefulSet; give a file that has a Deployment of apps/v1",
    ),
    (
        "kind: Kustomization",
        "manifest: has no Deployment, only Kustomization; render it first, as with `kubectl kustomize`",
    ),
    (
        "kind: \"a\\nb\\e[31m\"",
        "manifest: has no Deployment, only a b [31m; give a file that has a Deployment of apps/v1",
    ),
    (
        "kind: Deployment\napiVersion: extensions/v1beta1",
        "apiVersion: is \"extensions/v1beta1\"; a Deployment is of apps/v1",
    ),
    ("kind: Deployment\napiVersion: apps/v1", "metadata.name: is missing; give the Deployment a name"),
    (
        "kind: Deployment\napiVersion: apps/v1\nmetadata: {name: x}",
        "spec.template.spec.containers: is empty; a Deployment needs a container to run",
    ),
    (
        "a: 1\nb: 2\na: 3",
        "line 3, column 1: the key a is there twice, and only one of them can count; remove the other",
    ),
    (
        "{\"a\": 1, \"a\": 2}",
        "line 1, column 10: the key a is there twice, and only one of them can count; remove the other",
    ),
    ("a:\n\tb: 1", "line 2, column 2: is indented by a tab; YAML takes only spaces"),
    ("a: [1\n", "line 1, column 4: is neither YAML nor JSON: unclosed bracket '['"),
    ("a: *b", "line 1, column 4: an alias has no anchor before it; put text that begins with * in quotes"),
    (
        "replicas: {{ .Values.replicas }}",
        "line 1, column 12: a key has to be text; it looks like a template: render it first, as with `helm template`",
    ),
    ("password: @hunter2", "line 1, column 11: is neither YAML nor JSON"),
];

#[test]
fn texts_that_are_no_manifest() {
    let deployment = with_container("image: x");
    for (text, wanted) in TEXTS {
        assert_eq!(problem(text), *wanted, "{text}");
    }
    let two = format!("{deployment}---\n{}", deployment.replace("name: web", "name: api"));
    assert_eq!(problem(&two), "manifest: has 2 Deployments: web, api; name the one that is meant");
    let second = format!("kind: Service\n---\n{deployment}").replace("image: x", "ports: 5");
    assert_eq!(problem(&second), "document 2 (line 3), spec.template.spec.containers[0].ports: has to be a list");
    let listed = "kind: List\napiVersion: v1\nitems:\n- kind: Service\n- kind: Deployment\n  apiVersion: apps/v1\n  metadata: {name: x}\n  spec: {replicas: no}";
    assert_eq!(problem(listed), "items[1].spec.replicas: has to be a whole number, without quotes");
    let other =
        deployment.replace("labels: ", "annotations: {kubectl.kubernetes.io/default-container: a}\n      labels: ");
    assert_eq!(
        problem(&other),
        "spec.template.metadata.annotations.kubectl.kubernetes.io/default-container: is a; the containers are web"
    );
}

#[test]
fn services_that_lead_nowhere() {
    for (target, wanted) in [
        ("htpp", "is htpp, and no port of the Deployment is called so"),
        ("0", "is not a port; give one from 1 to 65535"),
        ("'80'", "is a number in quotes, which Kubernetes takes for a name; write it without quotes"),
    ] {
        let service = format!(
            "---\napiVersion: v1\nkind: Service\nspec: {{selector: {{app: web}}, ports: [{{port: 1, targetPort: {target}}}]}}"
        );
        let text = format!("{}{service}", with_container("ports: [{name: http, containerPort: 1}]"));
        assert_eq!(problem(&text), format!("document 2 (line 14), spec.ports[0].targetPort: {wanted}"));
    }
}

#[test]
fn what_is_too_much_is_refused_at_once() {
    const TOO_MUCH: &str = "nests deeper or repeats more by its aliases than a manifest does; write it out";
    let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let below = vec![format!("*a{}", level - 1); 10].join(", ");
        laughs.extend([format!("a{level}: &a{level} [{below}]\n")]);
    }
    let copies = format!("a: &a \"{}\"\nb: [{}]", "x".repeat(500_000), vec!["*a"; 90].join(", "));
    let stairs = (0..400).map(|depth| format!("{}k:\n", " ".repeat(depth))).collect::<Vec<_>>().concat();
    let brackets = "[".repeat(100_000);
    let braces = "{\"a\":".repeat(100_000);
    for text in [laughs, copies, stairs, brackets, braces, "a: &a [*a]".into()] {
        let problem = problem(&text);
        assert!(problem.ends_with(TOO_MUCH), "{problem}");
    }
    let long = format!("{}# {}", with_container("image: x"), "x".repeat(1 << 20));
    assert_eq!(
        problem(&long),
        "manifest: has 1025 KiB, and 1024 are read; give the file that has the Deployment and little else"
    );
}
