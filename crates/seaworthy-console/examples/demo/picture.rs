//! What one sees of it.

use std::collections::BTreeMap;

use seaworthy_console::model::{
    Database, Edge, Figures, Instance, Mesh, Node, NodeKind, Peers, Phase, ReplicaSignals, Security, Signals, Snapshot,
};
use seaworthy_core::event::{Replica, Revision};

use super::{Store, Unit, World};

impl World {
    pub(super) fn picture(&mut self) -> Snapshot {
        let serving: Vec<u32> =
            self.units.iter().filter(|(_, unit)| unit.phase == Phase::Ready).map(|(replica, _)| *replica).collect();
        let arrivals = if serving.is_empty() { 0.0 } else { 50.0 };
        let lost: u64 = self.lost_now.iter().map(|(_, count)| count).sum();
        let mut replicas = Vec::new();
        for replica in self.units.clone().into_keys() {
            let share = if serving.contains(&replica) { arrivals / serving.len() as f64 } else { 0.0 };
            let signals = self.signals(share, share > 0.0, replica);
            replicas.push(ReplicaSignals { replica: Replica(replica), signals });
        }
        let mut overall = self.signals(arrivals, !serving.is_empty(), 0);
        overall.failures_per_s = lost as f64;
        overall.max_ms = overall.p99_ms.map(|p99| p99 * 1.6 + self.slow_ms);
        self.sums.seconds += 1;
        self.sums.requests += if serving.is_empty() { 0 } else { 50 };
        self.sums.failed += lost;
        Snapshot {
            second: self.second,
            wall_ms: self.wall_begin_ms + self.second * 1000,
            wanted: self.wanted,
            sums: self.sums,
            nodes: self.nodes(),
            edges: self.edges(&overall, &replicas),
            overall,
            replicas,
            phases: std::mem::take(&mut self.phases),
            marks: std::mem::take(&mut self.marks),
            drills: std::mem::take(&mut self.changed),
            busy: self.busy(),
        }
    }

    fn signals(&mut self, share: f64, answers: bool, replica: u32) -> Signals {
        let noise = self.chance();
        let failed = self.lost_now.iter().filter(|(of, _)| *of == replica).map(|(_, count)| *count as f64).sum();
        let p50 = 1.9 + noise * 0.5;
        let p99 = 6.0 + self.chance() * 4.0 + (self.slow_ms * (0.2 + noise * 0.1)).min(400.0);
        Signals {
            arrivals_per_s: share + if replica > 0 && share > 0.0 { (self.chance() * 4.0 - 2.0).round() } else { 0.0 },
            failures_per_s: failed,
            p50_ms: answers.then_some(p50),
            p99_ms: answers.then_some(p99),
            max_ms: answers.then_some(p99 * 1.5),
            saturation: Some(0.04 + share / 400.0 + noise * 0.03),
        }
    }

    fn nodes(&mut self) -> Vec<Node> {
        let node = |id: &str, label: &str, place: Option<&str>, kind, figures| Node {
            id: id.to_owned(),
            label: label.to_owned(),
            place: place.map(str::to_owned),
            kind,
            figures,
        };
        let busy = Figures { cpu_cores: Some(0.06), connections: Some(12), ..Figures::default() };
        let mut nodes = vec![
            node("load", "load generator", Some("50.0/s, open loop"), NodeKind::Load, busy),
            node("clients", "outside clients", None, NodeKind::Clients, Figures::default()),
            node(
                "address",
                "service",
                Some("127.0.0.1:8080"),
                NodeKind::Address,
                Figures { connections: Some(14), ..Figures::default() },
            ),
        ];
        for (number, unit) in self.units.clone() {
            let Unit { phase, revision, restarts } = unit;
            let port = u16::try_from(9000 + number).ok();
            let pid = (phase != Phase::Gone).then_some(41_000 + number * 17 + restarts);
            let instance =
                Instance { replica: Replica(number), phase, revision: Revision(revision), restarts, pid, port };
            let figures = Figures {
                in_flight: Some(self.second % 3),
                cpu_cores: Some(0.03 + self.chance() * 0.04),
                memory_bytes: Some(14_200_000 + u64::from(number) * 70_000 + self.second % 7 * 4_096),
                connections: Some(4),
            };
            nodes.push(node(
                &format!("replica-{number}"),
                &format!("replica {number}"),
                None,
                NodeKind::Replica(instance),
                figures,
            ));
        }
        let (product, place) = match self.store {
            Store::Sqlite => ("SQLite", "service.db"),
            Store::MariaDb => ("MariaDB", "127.0.0.1:3306"),
        };
        let database = NodeKind::Database(Database { product: product.to_owned(), up: true });
        nodes.push(node(
            "database",
            product,
            Some(place),
            database,
            Figures { connections: Some(9), ..Figures::default() },
        ));
        nodes
    }

    fn edges(&self, overall: &Signals, replicas: &[ReplicaSignals]) -> Vec<Edge> {
        let mtls = |client: &str, server: &str| Security::MutualTls(self.peers(client, server));
        let mut edges = vec![
            edge("load", "address", overall, mtls("spiffe://seaworthy/load", "spiffe://seaworthy/service")),
            edge(
                "clients",
                "address",
                &Signals { arrivals_per_s: 2.0, p50_ms: Some(2.2), p99_ms: Some(7.9), ..Signals::default() },
                Security::Plaintext,
            ),
        ];
        for of in replicas {
            let id = format!("replica-{}", of.replica.0);
            let security = mtls("spiffe://seaworthy/service", &format!("spiffe://seaworthy/{id}"));
            let mut to = edge("address", &id, &of.signals, security);
            let identity = "By=spiffe://seaworthy/replica;URI=spiffe://seaworthy/load".to_owned();
            to.mesh = Some(Mesh { header: "X-Forwarded-Client-Cert".to_owned(), identity });
            edges.push(to);
            let query = Signals {
                arrivals_per_s: of.signals.arrivals_per_s * 0.6,
                p50_ms: of.signals.p50_ms.map(|ms| ms * 0.3),
                p99_ms: of.signals.p99_ms.map(|ms| ms * 0.4),
                ..Signals::default()
            };
            let security = match self.store {
                Store::Sqlite => Security::InProcess,
                Store::MariaDb => mtls(&format!("CN={id}"), "CN=database"),
            };
            edges.push(edge(&id, "database", &query, security));
        }
        edges
    }

    fn peers(&self, client: &str, server: &str) -> Peers {
        Peers {
            client: Some(client.to_owned()),
            server: server.to_owned(),
            version: "TLSv1.3".to_owned(),
            cipher: "TLS13_AES_256_GCM_SHA384".to_owned(),
            expires_s: i64::try_from(self.wall_begin_ms / 1000).unwrap_or(0) + 23 * 3600,
        }
    }
}

fn edge(from: &str, to: &str, signals: &Signals, security: Security) -> Edge {
    let failures = BTreeMap::from([("reset".to_owned(), signals.failures_per_s)]);
    Edge {
        from: from.to_owned(),
        to: to.to_owned(),
        requests_per_s: Some(signals.arrivals_per_s),
        failures_per_s: failures,
        p50_ms: signals.p50_ms,
        p99_ms: signals.p99_ms,
        connections: Some(if signals.arrivals_per_s > 0.0 { 4 } else { 0 }),
        bytes_per_s: Some(signals.arrivals_per_s * 412.0),
        security,
        mesh: None,
    }
}
