//! Databases and their volumes: what is kept, what is not, and what could not be told.

use super::{found, of};

/// What is predicted, as `severity cause`.
pub(super) fn told(text: &str) -> Vec<String> {
    let report = of(text);
    assert!(report.unreadable.is_empty(), "{:?}", report.unreadable);
    report.findings.iter().map(|finding| format!("{} {}", finding.severity.label(), finding.cause)).collect()
}

/// A `StatefulSet` of one container, whose claim template is `data`.
fn database(container: &str, mounted: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {{name: db}}\nspec:\n  selector: {{matchLabels: {{app: db}}}}\n  template:\n    metadata: {{labels: {{app: db}}}}\n    spec:\n      containers:\n        - name: db\n          {container}\n          volumeMounts: [{mounted}]\n      volumes: [{{name: scratch, emptyDir: {{}}}}, {{name: settings, configMap: {{name: x, optional: true}}}}, {{name: node, hostPath: {{path: /x}}}}]\n  volumeClaimTemplates: [{{metadata: {{name: data}}, spec: {{accessModes: [ReadWriteOnce]}}}}]\n"
    )
}

const LOST: &str = "error ephemeral-db-storage";
const UNKNOWN: &str = "warning ephemeral-db-storage";

/// A container, what is mounted, and what comes of its data.
#[rustfmt::skip]
const KEPT: &[(&str, &str, Option<&str>)] = &[
    ("image: mysql:8.4", "{name: data, mountPath: /var/lib/mysql}", None),
    ("image: mysql:8.4", "{name: data, mountPath: /var/lib/mysql/}", None),
    ("image: mysql:8.4", "{name: data, mountPath: /var/lib}", None),
    ("image: mysql:8.4", "", Some(LOST)),
    ("image: mysql:8.4", "{name: scratch, mountPath: /var/lib/mysql}", Some(LOST)),
    ("image: mysql:8.4", "{name: node, mountPath: /var/lib/mysql}", Some(LOST)),
    ("image: mysql:8.4", "{name: settings, mountPath: /etc/mysql}", Some(LOST)),
    ("image: mysql:8.4", "{name: settings, mountPath: /var/lib/mysql/conf.d}, {name: data, mountPath: /var/lib/mysql}", None),
    ("image: mysql:8.4", "{name: data, mountPath: /var/lib/mysqlx}", Some(UNKNOWN)),
    ("image: mysql:8.4", "{name: data, mountPath: /data}", Some(UNKNOWN)),
    ("image: mysql:8.4", "{name: data, mountPath: /data}, {name: scratch, mountPath: /var/lib/mysql}", Some(UNKNOWN)),
    ("image: mysql:8.4\n          args: [--datadir=/data/mysql]", "{name: data, mountPath: /data}", None),
    ("image: mysql:8.4\n          args: [--datadir, /data/mysql]", "{name: data, mountPath: /data}", None),
    ("image: mysql:8.4\n          args: [mysqld, '--datadir=/data/mysql']", "{name: scratch, mountPath: /data}", Some(LOST)),
    ("image: mysql:8.4\n          args: [--datadir=/data/mysql]", "{name: data, mountPath: /var/lib/mysql}", Some(UNKNOWN)),
    ("image: docker.io/bitnami/mysql:9", "{name: data, mountPath: /bitnami/mysql}", None),
    ("image: bitnamilegacy/mariadb", "{name: data, mountPath: /bitnami/mariadb}", None),
    ("image: bitnami/postgresql:17", "{name: data, mountPath: /bitnami/postgresql}", None),
    ("image: bitnami/mongodb", "{name: data, mountPath: /bitnami/mongodb}", None),
    ("image: bitnami/mysql", "", Some(LOST)),
    ("image: postgres:16", "{name: data, mountPath: /var/lib/postgresql/data}", None),
    ("image: postgres:18", "{name: data, mountPath: /var/lib/postgresql}", None),
    ("image: postgres:16\n          env: [{name: PGDATA, value: /pgdata/data}]", "{name: data, mountPath: /pgdata}", None),
    ("image: postgres:16\n          args: [-D, /pgdata/data]", "{name: data, mountPath: /pgdata}", None),
    ("image: postgres:16\n          env: [{name: PGDATA, value: /pgdata/data}]", "{name: scratch, mountPath: /pgdata}", Some(LOST)),
    ("image: postgres:16", "{name: data, mountPath: /pgdata}", Some(UNKNOWN)),
    ("image: postgres:16\n          env: [{name: PGDATA, value: /pgdata}]", "{name: data, mountPath: /pgdata/pg_wal}", Some(UNKNOWN)),
    ("image: postgres:16\n          command: [sh, -c, 'while sleep 60; do pg_dump -U postgres > /x; done']", "", None),
    ("image: postgres:16\n          command: [sh, -c, 'chown x /y && exec docker-entrypoint.sh postgres']", "", Some(LOST)),
    ("image: postgres:16\n          args: [pg_dump, -h, db]", "", None),
    ("image: postgres:16\n          command: [docker-entrypoint.sh]\n          args: [-c, fsync=on]", "", Some(LOST)),
    ("image: postgres:16@sha256:00", "", Some(LOST)),
    ("image: registry:5000/library/postgres", "", Some(LOST)),
    ("image: postgrest/postgrest:v12", "", None),
    ("image: prom/mysqld-exporter", "", None),
    ("image: mysql-router", "", None),
    ("image: mongo:8\n          args: [--dbpath, /data/other]", "{name: data, mountPath: /data}", None),
    ("image: cockroachdb/cockroach:v24\n          command: [/cockroach/cockroach]\n          args: [start, --insecure]", "{name: data, mountPath: /cockroach/cockroach-data}", None),
    ("image: cockroachdb/cockroach:v24\n          command: [/cockroach/cockroach]\n          args: [sql]", "", None),
];

#[test]
fn what_is_kept_is_not_said_to_be_lost() {
    let mut wrong = Vec::new();
    for (container, mounted, expected) in KEPT {
        let told = told(&database(container, mounted));
        let of_data: Vec<&str> = told.iter().map(String::as_str).filter(|one| one.ends_with("db-storage")).collect();
        if of_data != expected.iter().copied().collect::<Vec<_>>() {
            wrong.push(format!("{container} with {mounted}: {told:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let unknown = of(&database("image: mysql:8.4", "{name: data, mountPath: /data}"));
    assert!(unknown.findings[0].what.contains("could not be told"), "{unknown:?}");
}

/// A Deployment that is called, and its claim.
fn claimed(replicas: i64, strategy: &str, mode: &str, image: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: files}}\nspec:\n  replicas: {replicas}\n  strategy: {strategy}\n  selector: {{matchLabels: {{app: files}}}}\n  template:\n    metadata: {{labels: {{app: files}}}}\n    spec:\n      containers:\n        - name: files\n          image: {image}\n          lifecycle: {{preStop: {{sleep: {{seconds: 5}}}}}}\n          readinessProbe: {{exec: {{command: [/bin/check]}}}}\n          resources: {{requests: {{memory: 64Mi}}}}\n          ports: [{{containerPort: 8080}}]\n          volumeMounts: [{{name: data, mountPath: /var/lib/mysql}}]\n      volumes: [{{name: data, persistentVolumeClaim: {{claimName: data}}}}]\n---\napiVersion: v1\nkind: Service\nmetadata: {{name: files}}\nspec: {{selector: {{app: files}}, ports: [{{port: 8080}}]}}\n---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: data}}\nspec: {{accessModes: [{mode}]}}\n"
    )
}

const RECREATE: &str = "{type: Recreate}";
const ROLLING: &str = "{rollingUpdate: {maxUnavailable: 0, maxSurge: 1}}";
const IN_PLACE: &str = "{rollingUpdate: {maxUnavailable: 1, maxSurge: 0}}";

#[test]
fn a_volume_of_one_node_is_wanted_once() {
    for (replicas, strategy, mode, image, expected) in [
        (1, ROLLING, "ReadWriteOnce", "files", Some("warning")),
        (1, ROLLING, "ReadWriteOncePod", "files", Some("error")),
        (1, ROLLING, "ReadWriteOnce", "mysql", Some("error")),
        (1, ROLLING, "ReadWriteMany", "files", None),
        (1, "{}", "ReadWriteOnce", "files", Some("warning")),
        (1, IN_PLACE, "ReadWriteOnce", "files", None),
        (1, RECREATE, "ReadWriteOnce", "files", None),
        (2, RECREATE, "ReadWriteOnce", "files", Some("warning")),
        (2, IN_PLACE, "ReadWriteOnce", "files", Some("warning")),
        (2, RECREATE, "ReadWriteOncePod", "files", Some("error")),
        (2, RECREATE, "ReadWriteMany", "files", None),
    ] {
        let told = told(&claimed(replicas, strategy, mode, image));
        let own: Vec<&str> = told.iter().filter_map(|one| one.strip_suffix(" rwo-multi-attach")).collect();
        // Nor is it asked to be on several nodes.
        assert!(mode == "ReadWriteMany" || !told.iter().any(|one| one.ends_with("replicas-drained")), "{told:?}");
        assert_eq!(own, expected.into_iter().collect::<Vec<_>>(), "{replicas} {strategy} {mode} {image}: {told:?}");
    }
}

#[test]
fn what_mends_one_thing_of_a_volume_does_not_break_another() {
    let mend = |text: &str, cause: &str| {
        let report = of(text);
        let one = report.findings.iter().find(|finding| finding.cause == cause);
        one.map_or_else(|| panic!("{cause}: {report:?}"), |one| one.fix.clone())
    };
    let rolling = claimed(1, ROLLING, "ReadWriteOnce", "files");
    assert!(mend(&rolling, "rwo-multi-attach").contains("`strategy: {type: Recreate}`"));
    for text in [&rolling, &claimed(1, RECREATE, "ReadWriteOnce", "files")] {
        let second = mend(text, "single-replica-gap");
        assert!(!second.contains("replicas: 2") && second.contains("ReadWriteMany"), "{second}");
    }
    let recreate = claimed(1, RECREATE, "ReadWriteOnce", "files");
    let gap = mend(&recreate, "recreate-gap");
    assert!(!gap.contains("RollingUpdate") && gap.contains("# seaworthy: allow recreate-gap because"), "{gap}");
    let accepted =
        recreate.replace("strategy: {type", "# seaworthy: allow recreate-gap because of its volume\n  strategy: {type");
    assert!(!found(&accepted).iter().any(|one| one.starts_with("recreate-gap")), "{:?}", found(&accepted));
    // What is shared can roll, and be two.
    let shared = claimed(1, RECREATE, "ReadWriteMany", "files");
    assert!(mend(&shared, "recreate-gap").contains("type: RollingUpdate"));
    assert!(mend(&shared, "single-replica-gap").contains("`replicas: 2`"));
    // Two databases that know nothing of each other are no replication.
    assert!(!mend(&claimed(1, RECREATE, "ReadWriteMany", "mysql"), "single-replica-gap").contains("replicas: 2"));
}
