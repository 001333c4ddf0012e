//! Which database an image is, and where it keeps its data.

use super::commands::{option, runs};
use crate::yaml::Node;

/// Databases, by what they call their server and its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    MySql,
    MariaDb,
    Postgres,
    Mongo,
    Cassandra,
    Cockroach,
}

/// Images by the last part of their name, all of it: `postgrest` is none, nor is `mysqld-exporter`.
const IMAGES: [(&str, Kind); 18] = [
    ("mysql", Kind::MySql),
    ("mysql-server", Kind::MySql),
    ("percona", Kind::MySql),
    ("percona-server", Kind::MySql),
    ("percona-xtradb-cluster", Kind::MySql),
    ("mariadb", Kind::MariaDb),
    ("mariadb-galera", Kind::MariaDb),
    ("postgres", Kind::Postgres),
    ("postgresql", Kind::Postgres),
    ("postgresql-repmgr", Kind::Postgres),
    ("postgis", Kind::Postgres),
    ("pgvector", Kind::Postgres),
    ("timescaledb", Kind::Postgres),
    ("mongo", Kind::Mongo),
    ("mongodb", Kind::Mongo),
    ("mongodb-community-server", Kind::Mongo),
    ("cassandra", Kind::Cassandra),
    ("cockroach", Kind::Cockroach),
];

/// An image's name without its registry, tag and digest: its parts.
pub(super) fn parts(image: &str) -> Vec<&str> {
    let name = image.split('@').next().unwrap_or_default();
    let mut parts: Vec<&str> = name.split('/').collect();
    if let Some(last) = parts.last_mut() {
        *last = last.split(':').next().unwrap_or_default();
    }
    parts
}

/// The last part of a container's image.
pub(super) fn image(node: &Node) -> &str {
    parts(node.get("image").text().unwrap_or_default()).pop().unwrap_or_default()
}

impl Kind {
    /// The database that an image is.
    pub(super) fn of_image(node: &Node) -> Option<Self> {
        let name = image(node);
        IMAGES.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
    }

    /// The database whose server a container runs: not a dump of one, nor a client, of the same image.
    pub(super) fn of(node: &Node) -> Option<Self> {
        Self::of_image(node).filter(|kind| runs(node, kind.servers()))
    }

    const fn servers(self) -> &'static [&'static str] {
        match self {
            Self::MySql | Self::MariaDb => &["mysqld", "mysqld_safe", "mariadbd", "mariadbd-safe"],
            Self::Postgres => &["postgres"],
            Self::Mongo => &["mongod"],
            Self::Cassandra => &["cassandra"],
            Self::Cockroach => &["start", "start-single-node"],
        }
    }

    /// Where an image keeps its data unless it is told otherwise.
    pub(super) fn home(self, node: &Node) -> &'static str {
        let is_bitnami =
            parts(node.get("image").text().unwrap_or_default()).iter().any(|part| part.starts_with("bitnami"));
        match (self, is_bitnami) {
            (Self::MySql | Self::MariaDb, false) => "/var/lib/mysql",
            (Self::MySql, true) => "/bitnami/mysql",
            (Self::MariaDb, true) => "/bitnami/mariadb",
            (Self::Postgres, false) => "/var/lib/postgresql",
            (Self::Postgres, true) => "/bitnami/postgresql",
            (Self::Mongo, false) => "/data/db",
            (Self::Mongo, true) => "/bitnami/mongodb",
            (Self::Cassandra, false) => "/var/lib/cassandra",
            (Self::Cassandra, true) => "/bitnami/cassandra",
            (Self::Cockroach, _) => "/cockroach/cockroach-data",
        }
    }

    /// Where a container says that the data is: by an option, or by a variable that `variable` reads.
    pub(super) fn told(self, node: &Node, variable: impl Fn(&str) -> Option<String>) -> Option<String> {
        let told = match self {
            Self::MySql | Self::MariaDb => option(node, &["--datadir", "-h"]).map(str::to_owned),
            Self::Postgres => {
                let by_option = option(node, &["-D", "--data_directory", "--data-directory", "data_directory"]);
                let by_option = by_option.map(str::to_owned);
                by_option.or_else(|| variable("PGDATA")).or_else(|| variable("POSTGRESQL_DATA_DIR"))
            }
            Self::Mongo => option(node, &["--dbpath"]).map(str::to_owned),
            Self::Cassandra => None,
            Self::Cockroach => option(node, &["--store", "-s"]).map(|store| {
                let parts = store.split(',').map(|part| part.strip_prefix("path=").unwrap_or(part));
                parts.into_iter().find(|part| !part.contains('=')).unwrap_or_default().to_owned()
            }),
        };
        let told = told.filter(|told| !told.is_empty())?;
        let is_within = self == Self::Cockroach && !told.starts_with('/');
        Some(if is_within { format!("/cockroach/{told}") } else { told })
    }

    /// The option or variable that says where the data is.
    pub(super) const fn teller(self) -> &'static str {
        match self {
            Self::MySql | Self::MariaDb => "--datadir",
            Self::Postgres => "PGDATA",
            Self::Mongo => "--dbpath",
            Self::Cassandra => "data_file_directories",
            Self::Cockroach => "--store",
        }
    }
}

/// Whether a directory is another one, or has it.
pub(super) fn has(directory: &str, other: &str) -> bool {
    let rest = other.strip_prefix(directory.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
