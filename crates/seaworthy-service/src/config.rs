//! What the service is told before it starts: plain values, already checked for their form.
//!
//! Where they come from (flags, environment, files) is the caller's business.

use std::{fmt, net::SocketAddr, path::PathBuf, str::FromStr, time::Duration};

use sqlx::mysql::MySqlConnectOptions;

/// Everything that the service can be told.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the greeting and the users are served.
    pub listen: SocketAddr,
    /// Where probes and metrics are served.
    pub ops_listen: SocketAddr,
    /// What the greeting says.
    pub message: String,
    /// The name of this replica, as `x-served-by` tells it. Visible ASCII.
    pub replica: String,
    /// Where users are kept.
    pub database: DatabaseConfig,
    /// Connections to a database server that this replica may hold.
    pub database_connections: u32,
    /// How long one request may wait for the database before it is answered 503.
    pub database_timeout: Duration,
    /// Who may call the users routes.
    pub access: Access,
    /// TLS on the main listener.
    pub tls: Option<TlsFiles>,
    /// How often watched files (certificates, tokens) are looked at for a change.
    pub reload_interval: Duration,
    /// Bounds on what clients may ask at once.
    pub limits: Limits,
    /// How long it goes on serving after it was asked to stop, while clients learn that it leaves.
    pub drain: Duration,
    /// How long it then waits for the requests that are still being answered.
    pub drain_timeout: Duration,
    /// How long an `Idempotency-Key` is remembered.
    pub idempotency_retention: Duration,
}

/// Who may call the users routes.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// A file of bearer tokens, one a line; without it no token is asked for.
    pub tokens_file: Option<PathBuf>,
    /// Listen beyond loopback although nobody is asked who they are.
    pub allow_anonymous: bool,
}

/// PEM files for TLS.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The certificate chain, leaf first.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Authorities whose client certificates are accepted; with it one is required.
    pub client_ca: Option<PathBuf>,
}

/// Bounds on what clients may ask at once; each has an answer and a metric when it is met.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Open connections; one more is answered 503 and closed.
    pub connections: usize,
    /// Requests being answered; one more is answered 503.
    pub requests: usize,
    /// Bytes of a request's line and headers; more is answered 431. At least 8192.
    pub header_bytes: usize,
    /// Bytes of a request's body; more is answered 413.
    pub body_bytes: usize,
    /// How long a request's headers may take to arrive; then 408.
    pub header_timeout: Duration,
    /// How long a request may take in all: 408 if its body is still missing then, else 503.
    pub request_timeout: Duration,
    /// How long a connection may stay open between requests.
    pub keep_alive: Duration,
}

/// Where users are kept.
#[derive(Clone)]
pub enum DatabaseConfig {
    /// A file of this machine.
    Sqlite {
        /// The database file; it and its folder are created.
        path: PathBuf,
    },
    /// A MySQL or MariaDB server.
    Mysql {
        /// Host, port, user and so on.
        options: Box<MySqlConnectOptions>,
        /// A file with the password, read again at every connection so that it can be rotated.
        password_file: Option<PathBuf>,
    },
}

impl DatabaseConfig {
    /// A MySQL or MariaDB server, in parts.
    #[must_use]
    pub fn mysql(host: &str, port: u16, user: &str, password: Option<&str>, name: &str) -> Self {
        let mut options = MySqlConnectOptions::new().host(host).port(port).username(user).database(name);
        if let Some(password) = password {
            options = options.password(password);
        }
        Self::Mysql { options: Box::new(options), password_file: None }
    }
}

impl FromStr for DatabaseConfig {
    type Err = String;

    /// Reads `sqlite:PATH` or `mysql://user[:password]@host[:port]/name`. The error never repeats the URL,
    /// which may hold a password.
    fn from_str(url: &str) -> Result<Self, String> {
        const WANTED: &str = "give sqlite:PATH or mysql://user@host:3306/name";
        if let Some(path) = url.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() || path.starts_with(':') || path.contains('?') {
                return Err(format!("does not name a file after sqlite:; {WANTED}"));
            }
            return Ok(Self::Sqlite { path: path.into() });
        }
        if url.starts_with("mysql:") || url.starts_with("mariadb:") {
            let options =
                url.parse::<MySqlConnectOptions>().map_err(|_secret| format!("is not a MySQL URL; {WANTED}"))?;
            if options.get_database().is_none_or(str::is_empty) {
                return Err(format!("does not name a database; {WANTED}"));
            }
            return Ok(Self::Mysql { options: Box::new(options), password_file: None });
        }
        Err(format!("is not a database; {WANTED}"))
    }
}

impl fmt::Display for DatabaseConfig {
    /// Without user or password: this is what logs show.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite { path } => write!(f, "sqlite:{}", path.display()),
            Self::Mysql { options, .. } => write!(
                f,
                "mysql://{}:{}/{}",
                options.get_host(),
                options.get_port(),
                options.get_database().unwrap_or_default()
            ),
        }
    }
}

impl fmt::Debug for DatabaseConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_with_a_password_is_shown_without_it() {
        let config: DatabaseConfig = "mysql://root:hunter2@db:3307/shop".parse().unwrap();
        assert_eq!(config.to_string(), "mysql://db:3307/shop");
        assert_eq!(format!("{config:?}"), "mysql://db:3307/shop");
    }

    #[test]
    fn a_bad_url_says_what_would_do_and_keeps_the_secret() {
        for url in [
            "",
            "users.db",
            "postgres://a:hunter2@b/c",
            "mysql://root:hunter2@db:no/shop",
            "mysql://root:hunter2@db",
            "sqlite:",
            "sqlite::memory:",
        ] {
            let error = url.parse::<DatabaseConfig>().unwrap_err();
            assert!(error.contains("sqlite:PATH") && !error.contains("hunter2"), "{url}: {error}");
        }
    }

    #[test]
    fn sqlite_paths_with_and_without_slashes() {
        for (url, path) in
            [("sqlite:a.db", "a.db"), ("sqlite:///var/a.db", "/var/a.db"), ("sqlite:/var/a.db", "/var/a.db")]
        {
            assert_eq!(url.parse::<DatabaseConfig>().unwrap().to_string(), format!("sqlite:{path}"));
        }
    }
}
