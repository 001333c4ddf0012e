//! Manifests as users have them.

use seaworthy_core::deployment::{Check, Deployment, Hook, Probe, Share, Strategy, Template};

use super::{http, problem, read, seconds, with_spec};
use crate::manifest::Manifest;

/// What `apps/v1` and `core/v1` say where a manifest says nothing.
fn defaults() -> Deployment {
    Deployment {
        replicas: 1,
        strategy: Strategy::RollingUpdate { max_surge: Share::Percent(25), max_unavailable: Share::Percent(25) },
        min_ready: seconds(0),
        progress_deadline: seconds(600),
        revision_history: 10,
        template: Template { startup: None, readiness: None, liveness: None, pre_stop: None, grace: seconds(30) },
    }
}

#[test]
fn the_first_deployment_that_anybody_writes() {
    let manifest = read(
        "
apiVersion: apps/v1
kind: Deployment
metadata:
  name: proxy
  labels:
    app: proxy
spec:
  replicas: 3
  selector:
    matchLabels:
      app: proxy
  template:
    metadata:
      labels:
        app: proxy
    spec:
      containers:
      - name: proxy
        image: nginx:1.29
        ports:
        - containerPort: 80
",
    );
    let wanted = Manifest {
        name: "proxy".into(),
        deployment: Deployment { replicas: 3, ..defaults() },
        command: Vec::new(),
        environment: Vec::new(),
        ports: Vec::new(),
        not_followed: Vec::new(),
    };
    assert_eq!(manifest, wanted);
}

const FLASK: &str = "
apiVersion: v1
kind: Secret
metadata: {name: mysql}
type: Opaque
data:
  # hunter2, wrapped
  password: |
    aHVu
    dGVyMg==
stringData:
  user: shop
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data:
  GREETING: hello
  LOG-LEVEL: debug
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: flask}
spec:
  template:
    metadata:
      labels: {app: flask}
    spec:
      initContainers:
      - {name: migrate, image: flask:1}
      containers:
      - name: flask
        image: flask:1
        command: [gunicorn, 'app:app']
        args: ['-b', '0.0.0.0:$(PORT)', '--name', $$(HOME)]
        envFrom:
        - configMapRef: {name: settings}
        - prefix: AWS_
          secretRef: {name: aws}
        env:
        - {name: PORT, value: '5000'}
        - name: MYSQL_USER
          valueFrom: {secretKeyRef: {name: mysql, key: user}}
        - name: MYSQL_PASSWORD
          valueFrom: {secretKeyRef: {name: mysql, key: password}}
        - {name: DATABASE_URL, value: 'mysql://$(MYSQL_USER):$(MYSQL_PASSWORD)@db/shop'}
        - name: API_KEY
          valueFrom: {secretKeyRef: {name: elsewhere, key: key}}
        - name: POD_IP
          valueFrom: {fieldRef: {fieldPath: status.podIP}}
        ports:
        - containerPort: 5000
        volumeMounts:
        - {name: data, mountPath: /data}
      volumes:
      - {name: data, emptyDir: {}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: mysql}
";

#[test]
fn a_flask_application_with_its_secrets_and_its_database() {
    let manifest = read(FLASK);
    assert_eq!(manifest.command, ["gunicorn", "app:app", "-b", "0.0.0.0:5000", "--name", "$(HOME)"]);
    let environment: Vec<(&str, &str)> =
        manifest.environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(
        environment,
        [
            ("GREETING", "hello"),
            ("LOG-LEVEL", "debug"),
            ("PORT", "5000"),
            ("MYSQL_USER", "shop"),
            ("MYSQL_PASSWORD", "hunter2"),
            ("DATABASE_URL", "mysql://shop:hunter2@db/shop"),
        ]
    );
    assert_eq!(
        manifest.not_followed,
        [
            "initContainers: migrate not run; do before the trial what they do",
            "envFrom: Secret aws is not in this file; set what it holds with --env NAME=VALUE",
            "env API_KEY: Secret elsewhere is not in this file; set it with --env API_KEY=VALUE",
            "env POD_IP: status.podIP is not known here; set it with --env POD_IP=VALUE",
            "env PORT: each replica gets the number of its own port as PORT, in place of the manifest's",
            "command: it names port 5000, and each replica gets its own; give it after -- with {port} in its place",
            "not followed on this machine: volumeMounts, volumes",
        ]
    );
    assert!(!format!("{manifest:?}").contains("hunter2"), "a Secret's value was shown");
}

const PODINFO: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: podinfo, namespace: test}
spec:
  replicas: 2
  minReadySeconds: 3
  revisionHistoryLimit: 5
  progressDeadlineSeconds: 60
  strategy:
    type: RollingUpdate
    rollingUpdate: {maxSurge: 50%, maxUnavailable: 0}
  template:
    metadata:
      labels: {app: podinfo, tier: web}
      annotations: {kubectl.kubernetes.io/default-container: podinfo}
    spec:
      terminationGracePeriodSeconds: 45
      affinity: {podAntiAffinity: {}}
      securityContext: {}
      containers:
      - name: mesh
        ports: [{name: admin, containerPort: 15000}]
      - name: podinfo
        command: [./podinfo, --port=http]
        ports:
        - {name: http, containerPort: 9898, protocol: TCP}
        - {name: metrics, containerPort: 9797}
        - {name: grpc, containerPort: 9999}
        - {name: dns, containerPort: 53, protocol: UDP}
        startupProbe:
          tcpSocket: {port: http}
          failureThreshold: 30
          periodSeconds: 2
        readinessProbe:
          httpGet:
            path: readyz?full=1
            port: 9898
            scheme: HTTPS
            httpHeaders: [{name: Host, value: shop.example}]
          initialDelaySeconds: 5
          timeoutSeconds: 5
          successThreshold: 2
        livenessProbe:
          httpGet: {path: /healthz, port: 9797}
          terminationGracePeriodSeconds: 10
        lifecycle:
          preStop: {sleep: {seconds: 15}}
        resources:
          limits: {cpu: 500m, memory: 256Mi}
          requests: {cpu: 0.5, memory: 64Mi}
";

#[test]
fn one_with_all_probes_a_hook_and_a_sidecar() {
    let manifest = read(PODINFO);
    let headers = vec![("Host".to_owned(), "shop.example".to_owned())];
    let ready = Check::Http { port: None, path: "/readyz?full=1".into(), headers, tls: true };
    let template = Template {
        startup: Some(Probe { failure_threshold: 30, period: seconds(2), ..Probe::new(Check::Tcp { port: None }) }),
        readiness: Some(Probe {
            initial_delay: seconds(5),
            timeout: seconds(5),
            success_threshold: 2,
            ..Probe::new(ready)
        }),
        liveness: Some(Probe { grace: Some(seconds(10)), ..http(Some("metrics"), "/healthz") }),
        pre_stop: Some(Hook::Sleep(seconds(15))),
        grace: seconds(45),
    };
    let deployment = Deployment {
        replicas: 2,
        strategy: Strategy::RollingUpdate { max_surge: Share::Percent(50), max_unavailable: Share::Count(0) },
        min_ready: seconds(3),
        progress_deadline: seconds(60),
        revision_history: 5,
        template,
    };
    assert_eq!(manifest.deployment, deployment);
    assert_eq!(manifest.ports, ["metrics", "grpc"]);
    assert_eq!(manifest.command, ["./podinfo", "--port=http"]);
    assert_eq!(
        manifest.not_followed,
        [
            "containers: podinfo is run here, mesh not",
            "port 53: UDP is not followed, only TCP is",
            "resources: limits cpu 500m, memory 256Mi and requests cpu 0.5, memory 64Mi are not enforced on this machine",
            "not followed on this machine: affinity",
        ]
    );
}

#[test]
fn what_helm_and_kubectl_write() {
    let helm = "---
# Source: shop/templates/serviceaccount.yaml
---
# Source: shop/templates/deployment.yaml
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Service
  metadata: {name: shop}
  spec:
    selector: {app: shop}
    ports:
    - {name: metrics, port: 9000, targetPort: metrics}
    - {name: http, port: 80, targetPort: app}
- apiVersion: apps/v1
  kind: Deployment
  metadata:
    name: shop
    annotations:
    creationTimestamp: null
  spec:
    replicas: 2
    strategy: {}
    template:
      metadata:
        annotations:
        labels: {app: shop}
      spec:
        volumes:
        containers:
        - name: shop
          env:
          args: null
          resources: {}
          securityContext: {}
          ports:
          - {name: metrics, containerPort: 9000}
          - {name: app, containerPort: 8080}
          readinessProbe: {httpGet: {port: app}}
  status: {}
---
";
    let manifest = read(helm);
    assert_eq!(manifest.deployment.strategy, Strategy::default());
    assert_eq!(manifest.deployment.template.readiness, Some(http(None, "/")));
    assert_eq!(manifest.ports, ["metrics"]);
    assert_eq!(manifest.not_followed, <[String; 0]>::default());
}

#[test]
fn an_autoscaler_beside_it_has_the_number_of_replicas() {
    let scaler = |name: &str, spec: &str| {
        format!(
            "---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {{name: web}}\nspec:
  scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: {name}}}\n  maxReplicas: 9\n{spec}"
        )
    };
    let cases = [
        ("", scaler("web", "  minReplicas: 4\n"), 4, true),
        ("", scaler("web", ""), 1, true),
        ("replicas: 2", scaler("web", "  minReplicas: 4\n"), 2, false),
        ("", scaler("another", "  minReplicas: 4\n"), 1, false),
    ];
    for (own, beside, replicas, is_told) in cases {
        let manifest = read(&format!("{}{beside}", with_spec(own)));
        assert_eq!(manifest.deployment.replicas, replicas, "{own} {beside}");
        let told = manifest.not_followed.iter().any(|line| line.contains("the least of the HorizontalPodAutoscaler's"));
        assert_eq!(told, is_told, "{:?}", manifest.not_followed);
    }
    let text = format!("{}{}", with_spec(""), scaler("web", "  minReplicas: 0\n"));
    assert!(problem(&text).contains("spec.minReplicas: is 0"), "{}", problem(&text));
}

#[test]
fn json_is_read_as_yaml_is() {
    let json = "{\n\t\"apiVersion\": \"apps/v1\",\n\t\"kind\": \"Deployment\",\n\t\"metadata\": {\"name\": \"web\"},\n\t\"spec\": {\n\
        \t\t\"replicas\": 4,\n\t\t\"strategy\": {\"type\": \"Recreate\"},\n\t\t\"template\": {\"spec\": {\"containers\": [\n\
        \t\t\t{\"name\": \"web\", \"env\": [{\"name\": \"A\", \"value\": \"\\/ \\ud83d\\ude00\"}]}\n\t\t]}}\n\t}\n}\n";
    let manifest = read(json);
    assert_eq!((manifest.deployment.replicas, manifest.deployment.strategy), (4, Strategy::Recreate));
    assert_eq!(manifest.environment, [("A".to_owned(), "/ \u{1f600}".to_owned())]);
}

#[test]
fn one_of_several_is_named() {
    let named = |namespace: &str, replicas: u32| {
        format!(
            "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web, namespace: {namespace}}}\nspec:\n  \
             replicas: {replicas}\n  template: {{spec: {{containers: [{{name: web}}]}}}}\n"
        )
    };
    let text = format!("{}{}", named("blue", 2), named("green", 3)).replacen("name: web", "name: api", 1);
    for (wanted, replicas) in [("api", 2), ("blue/api", 2), ("web", 3), ("green/web", 3)] {
        let manifest = Manifest::read(&text, Some(wanted)).expect(wanted);
        assert_eq!(manifest.deployment.replicas, replicas, "{wanted}");
    }
    for wanted in ["shop", "green/api", "we"] {
        let problem = Manifest::read(&text, Some(wanted)).expect_err(wanted).to_string();
        assert_eq!(problem, format!("manifest: has no Deployment {wanted}; it has blue/api, green/web"));
    }
    // One that nobody wants may be as wrong as it likes.
    assert!(Manifest::read(&text.replace("replicas: 2", "replicas: no"), Some("web")).is_ok());
}

#[test]
fn the_port_that_serves_is_the_one_that_a_service_leads_to() {
    let service = |ports: &str, selector: &str| {
        format!(
            "---\napiVersion: v1\nkind: Service\nmetadata: {{name: s}}\nspec:\n  selector: {selector}\n  ports: {ports}\n"
        )
    };
    let container = super::with_container(
        "ports: [{name: first, containerPort: 1}, {name: http, containerPort: 2}, {containerPort: 3}]\n\
         readinessProbe: {tcpSocket: {port: 3}}\nlivenessProbe: {tcpSocket: {port: 9}}",
    );
    for (ports, selector, others, readiness) in [
        ("[{port: 80, targetPort: 3}]", "{app: web}", "first http 9", None),
        ("[{port: 80, targetPort: first}]", "{app: web}", "http 3 9", Some("3")),
        ("[{port: 3}]", "{app: web}", "first http 9", None),
        ("[{port: 80, targetPort: 7}]", "{app: web}", "first http 3 9", Some("3")),
        ("[{port: 9, name: a}, {port: 1, name: https}, {port: 3, name: web}]", "{app: web}", "first http 9", None),
        ("[{port: 3, protocol: UDP}]", "{app: web}", "first 3 9", Some("3")),
        ("[{port: 3}]", "{app: other}", "first 3 9", Some("3")),
        ("[{port: 3}]", "{app: web, tier: x}", "first 3 9", Some("3")),
        ("[{port: 3}]", "{}", "first 3 9", Some("3")),
    ] {
        let manifest = read(&format!("{container}{}", service(ports, selector)));
        assert_eq!(manifest.ports.join(" "), others, "{ports} {selector}");
        let probe = manifest.deployment.template.readiness.expect("it has one");
        assert_eq!(probe.check, Check::Tcp { port: readiness.map(Into::into) }, "{ports} {selector}");
    }
}

#[test]
fn the_port_that_serves_without_a_service() {
    for (lines, others) in [
        ("ports: [{containerPort: 1}, {name: web, containerPort: 2}, {name: http, containerPort: 3}]", "1 web"),
        ("ports: [{containerPort: 1}, {name: https, containerPort: 2}]", "1"),
        ("ports: [{containerPort: 1}, {name: x, containerPort: 2}]", "x"),
        ("ports: [{containerPort: 1}, {name: x, containerPort: 1}, {name: z, containerPort: 2}]", "z"),
        ("livenessProbe: {tcpSocket: {port: 5}}\nreadinessProbe: {httpGet: {port: 4}}", "5"),
        ("lifecycle: {preStop: {httpGet: {port: 7}}}\nports: [{containerPort: 1}]", "7"),
        ("image: web", ""),
    ] {
        assert_eq!(read(&super::with_container(lines)).ports.join(" "), others, "{lines}");
    }
}

#[test]
fn hooks_and_what_is_not_followed_of_probes() {
    for (lines, pre_stop, not_followed) in [
        (
            "lifecycle: {preStop: {exec: {command: [sleep, '5']}}, postStart: {exec: {command: [x]}}}",
            Some(Hook::Ask(Check::Exec { command: vec!["sleep".into(), "5".into()] })),
            "postStart: is not done here",
        ),
        ("lifecycle: {stopSignal: SIGQUIT}", None, "stopSignal: SIGQUIT is not followed; replicas get SIGTERM"),
        (
            "lifecycle: {preStop: {sleep: {seconds: 30}}}\nreadinessProbe: {grpc: {port: 5}}",
            Some(Hook::Sleep(seconds(30))),
            "readinessProbe: grpc is not asked here, and so there is none; httpGet and tcpSocket are",
        ),
        (
            "livenessProbe: {exec: {command: [x]}, periodSecond: 5}\nworkingDir: /app",
            None,
            "not followed on this machine: livenessProbe.periodSecond, workingDir",
        ),
        (
            "readinessProbe: {httpGet: {port: 5, host: example.com}}",
            None,
            "readinessProbe: its host is not followed; each replica is asked at its own address",
        ),
        (
            "args: [--verbose]",
            None,
            "args: the image's own command, to which they belong, is not known here; give all of it after --",
        ),
    ] {
        let manifest = read(&super::with_container(lines));
        assert_eq!(manifest.deployment.template.pre_stop, pre_stop, "{lines}");
        assert_eq!(manifest.not_followed, [not_followed], "{lines}");
    }
}

#[test]
fn a_command_that_names_the_port_is_told() {
    let told = "command: it names port 8080, and each replica gets its own; give it after -- with {port} in its place";
    for (words, is_told) in [
        ("['-b', '0.0.0.0:8080']", true),
        ("[--port=8080]", true),
        ("['8080']", true),
        ("[--port=18080]", false),
        ("[--port=80800]", false),
        ("[--port=9090]", false),
        ("[--port=http]", false),
    ] {
        let lines =
            format!("command: [serve]\nargs: {words}\nports: [{{containerPort: 8080}}, {{containerPort: 9090}}]");
        let told: &[&str] = if is_told { &[told] } else { &[] };
        assert_eq!(read(&super::with_container(&lines)).not_followed, told, "{words}");
    }
}

#[test]
fn anchors_and_merge_keys_are_followed() {
    let manifest = read(&super::with_container(
        "startupProbe: &probe {httpGet: &get {port: 5, path: /up}, periodSeconds: 3}\n\
         readinessProbe:\n  <<: *probe\n  periodSeconds: 4",
    ));
    let template = manifest.deployment.template;
    assert_eq!(template.startup, Some(Probe { period: seconds(3), ..http(None, "/up") }));
    assert_eq!(template.readiness, Some(Probe { period: seconds(4), ..http(None, "/up") }));
}

#[test]
fn a_sidecar_that_comes_first_is_not_what_gets_requests() {
    let pod = |web: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec:\n  template:\n    metadata: {{labels: \
             {{app: web}}}}\n    spec:\n      containers:\n      - name: envoy\n        ports: [{{containerPort: 15001}}]\n      \
             - name: web\n        command: [serve]\n        ports: [{{containerPort: 8000, name: http}}]\n        {web}\n"
        )
    };
    let service = "---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  selector: {app: web}\n  ports: \
                   [{port: 80, targetPort: http}]\n";
    for text in [
        pod("readinessProbe: {httpGet: {path: /, port: http}}"),
        format!("{}{service}", pod("image: web")),
        format!("{}{}", pod("image: web"), service.replace("targetPort: http", "targetPort: 8000")),
    ] {
        let manifest = Manifest::read(&text, None).unwrap();
        assert_eq!(manifest.command, ["serve"], "{text}");
        assert!(manifest.not_followed.iter().any(|note| note.contains("web is run here, envoy not")), "{manifest:?}");
    }
}
