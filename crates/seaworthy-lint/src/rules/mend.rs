//! What to write, so that it can be pasted: what stands between backticks is YAML, what stands outside is prose.

use super::{
    calls::target,
    databases::{Kind, image},
};
use crate::{object::Object, yaml::Node};

/// Ports of protocols that have no request of HTTP's.
const PLAIN: [i64; 13] = [1433, 1521, 1883, 2181, 3306, 4222, 5432, 5672, 6379, 9042, 9092, 11211, 27017];

/// How such ports are called.
const PLAIN_NAMES: [&str; 13] = [
    "tcp", "redis", "valkey", "mysql", "mariadb", "postgres", "pg", "mongo", "amqp", "kafka", "memcache", "sql", "mqtt",
];

/// A readiness probe for a container that a Service calls.
pub(super) fn readiness(node: &Node, service: &Object) -> String {
    let port = target(node, service).or_else(|| node.get("ports").items().next());
    let of_service = || service.spec().get("ports").items().next();
    let number = port.and_then(|port| port.get("containerPort").number()).or_else(|| {
        let of = of_service()?;
        of.get("targetPort").number().or_else(|| of.get("port").number())
    });
    let name = port.or_else(of_service).and_then(|port| port.get("name").text()).unwrap_or_default();
    if let Some(command) = client(node, number) {
        return format!("`readinessProbe: {{exec: {{command: {command}}}, periodSeconds: 5, timeoutSeconds: 3}}`");
    }
    let number = number.unwrap_or(8080);
    let is_plain = PLAIN.contains(&number) || PLAIN_NAMES.iter().any(|plain| name.starts_with(plain));
    if name.starts_with("grpc") {
        return format!(
            "`readinessProbe: {{grpc: {{port: {number}}}, periodSeconds: 2}}`, served only once requests can be"
        );
    }
    let named = port.and_then(|port| port.get("name").text()).filter(|name| is_plain_word(name));
    let asked = named.map_or_else(|| number.to_string(), str::to_owned);
    if is_plain {
        return format!(
            "`readinessProbe: {{tcpSocket: {{port: {asked}}}, periodSeconds: 2}}`, or better by `exec` its own client's ping"
        );
    }
    format!(
        "`readinessProbe: {{httpGet: {{path: /readyz, port: {asked}}}, periodSeconds: 2}}`, answered 200 only once requests can be"
    )
}

/// How a database or store is asked by the client that its image has.
fn client(node: &Node, port: Option<i64>) -> Option<String> {
    let at = |own: i64, option: &str| {
        port.filter(|port| *port != own).map_or_else(String::new, |port| format!("{option}{port}"))
    };
    let client = match image(node) {
        "redis" | "redis-stack" | "redis-stack-server" | "keydb" => Some("redis-cli"),
        "valkey" => Some("valkey-cli"),
        _ => None,
    };
    if let Some(client) = client {
        // It ends with 0 whatever the answer is; only a server that has loaded its data answers PONG.
        return Some(format!("[sh, -c, '{client}{} ping | grep -q PONG']", at(6379, " -p ")));
    }
    match Kind::of_image(node)? {
        // By TCP: while they set themselves up they listen on their socket alone.
        Kind::MySql => Some(format!("[mysqladmin, ping, --host=127.0.0.1{}]", at(3306, ", --port="))),
        Kind::MariaDb => Some(format!("[mariadb-admin, ping, --host=127.0.0.1{}]", at(3306, ", --port="))),
        Kind::Postgres => Some(format!("[pg_isready, --host=127.0.0.1{}]", at(5432, ", --port="))),
        Kind::Mongo | Kind::Cassandra | Kind::Cockroach => None,
    }
}

/// A map of labels as YAML has it in one line.
pub(super) fn labels(labels: &Node) -> String {
    let pairs = labels.entries().iter().filter_map(|entry| {
        let value = entry.node.text()?;
        (is_label(&entry.key) && is_label(value)).then(|| format!("{}: {}", word(&entry.key), word(value)))
    });
    format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
}

fn is_label(text: &str) -> bool {
    !text.is_empty() && text.len() <= 253 && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c))
}

/// A label, in quotes where it could be taken for something else than a text.
fn word(text: &str) -> String {
    let is_text = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&&*text.to_ascii_lowercase());
    if is_text { text.to_owned() } else { format!("'{text}'") }
}

/// Whether a port's name is one that Kubernetes takes, and YAML reads as a text.
fn is_plain_word(name: &str) -> bool {
    is_label(name) && word(name) == name
}
