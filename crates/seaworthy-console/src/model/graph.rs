//! Who is there, and who calls whom.

use std::collections::BTreeMap;

use seaworthy_core::event::{Replica, Revision};
use serde::Serialize;

use super::Phase;
use crate::wire::{as_optional_rounded, as_rounded_each};

/// Somebody who calls, or is called.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Node {
    /// Its name in edges: `load`, `address`, `replica-3`.
    pub id: String,
    /// Its name for people.
    pub label: String,
    /// Where it is, in a few words: `127.0.0.1:8080`.
    pub place: Option<String>,
    /// What it is.
    #[serde(flatten)]
    pub kind: NodeKind,
    /// What it uses.
    pub figures: Figures,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum NodeKind {
    /// The load generator.
    Load,
    /// Clients from outside.
    Clients,
    /// The address of the service, which all replicas share.
    Address,
    /// A replica.
    Replica(Instance),
    /// The database.
    Database(Database),
}

/// A replica as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Instance {
    /// Its number.
    pub replica: Replica,
    /// What it is doing.
    pub phase: Phase,
    /// Which version it runs.
    pub revision: Revision,
    /// How often it was restarted in its place.
    pub restarts: u32,
    /// Its first process.
    pub pid: Option<u32>,
    /// Its port.
    pub port: Option<u16>,
}

/// A database as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Database {
    /// What it is: `SQLite`, `MariaDB`.
    pub product: String,
    /// Whether it takes connections.
    pub up: bool,
}

/// What a node uses. A target that tells nothing of itself has none of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Figures {
    /// Requests that it is answering.
    pub in_flight: Option<u64>,
    /// Share of one core, so 2 are two cores.
    #[serde(serialize_with = "as_optional_rounded")]
    pub cpu_cores: Option<f64>,
    /// Resident memory.
    pub memory_bytes: Option<u64>,
    /// Connections that are open.
    pub connections: Option<u64>,
}

/// One calls another.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Edge {
    /// The node that calls.
    pub from: String,
    /// The node that is called.
    pub to: String,
    /// Calls in this second. `None` where nobody can count them.
    #[serde(serialize_with = "as_optional_rounded")]
    pub requests_per_s: Option<f64>,
    /// Failures in this second by their kind: `refused`, `reset`, `timed out`, `5xx`.
    #[serde(serialize_with = "as_rounded_each")]
    pub failures_per_s: BTreeMap<String, f64>,
    /// Median time of a call in milliseconds.
    #[serde(serialize_with = "as_optional_rounded")]
    pub p50_ms: Option<f64>,
    /// Time of a call in milliseconds, 99 of 100 are faster.
    #[serde(serialize_with = "as_optional_rounded")]
    pub p99_ms: Option<f64>,
    /// Connections that are open.
    pub connections: Option<u64>,
    /// Both ways together.
    #[serde(serialize_with = "as_optional_rounded")]
    pub bytes_per_s: Option<f64>,
    /// Whether it is encrypted, and who is at its ends.
    pub security: Security,
    /// What a service mesh says of it in a header, which is a claim and no proof.
    pub mesh: Option<Mesh>,
}

/// How an edge is secured, as far as it was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Security {
    /// TLS, and both ends have shown a certificate.
    #[serde(rename = "mtls")]
    MutualTls(Peers),
    /// TLS, and only the server has shown a certificate.
    Tls(Peers),
    /// Anybody on the way can read it.
    Plaintext,
    /// There is no network: SQLite reads its file.
    InProcess,
    /// Nobody here can see it.
    Unknown,
}

/// What TLS has shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Peers {
    /// Who the client's certificate says it is. `None` where it showed none.
    pub client: Option<String>,
    /// Who the server's certificate says it is.
    pub server: String,
    /// `TLSv1.3`.
    pub version: String,
    /// The cipher suite.
    pub cipher: String,
    /// When the first of the certificates expires, in seconds since 1970.
    pub expires_s: i64,
}

/// What a service mesh says of the caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mesh {
    /// The header: `X-Forwarded-Client-Cert`, `l5d-client-id`.
    pub header: String,
    /// The identity in it.
    pub identity: String,
}
