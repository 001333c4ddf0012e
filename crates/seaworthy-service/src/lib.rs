//! The REST service that every sea trial is compared with: a greeting, users on SQLite or MySQL, and a life
//! cycle that loses no request.
//!
//! [`Service::bind`] takes a [`Config`] and opens the listeners; [`Service::run`] serves until it is asked
//! to [`Stop`]. The crate knows nothing of flags, environment variables or exit codes, and nothing of the
//! rest of Seaworthy: the tested must not be able to help the tester.
//!
//! Reading order: [`users`] (what a user is), `store` (where they are kept), `database` (whether that is
//! there), `http` (the contract), `connection` and `server` (the wire), `lifecycle` (start and stop).

pub mod config;
pub mod users;

mod app;
mod attempts;
mod connection;
mod database;
#[cfg(fuzzing)]
pub mod fuzz;
mod http;
mod lifecycle;
mod ops;
mod password;
mod reload;
mod server;
mod store;
mod telemetry;
mod tls;

use std::{fmt, future::Future, net::SocketAddr, sync::Arc, time::Duration};

use rustls::ServerConfig;
use tokio::{net::TcpListener, sync::watch, task::JoinSet, time::timeout};

use app::{App, Greeting, now_us};
use config::Config;
use connection::{Canned, Serve, Site};
use database::Database;
use http::{Routes, answer::Budget, auth::Tokens, edge::RequestIds};
use lifecycle::{Lifecycle, Phase};
use ops::Ops;
use password::Passwords;
use server::Open;
use telemetry::{metrics::Metrics, traces::Traces};

pub use lifecycle::Stop;

/// Why the service did not start; one line that says what would do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StartError(String);

/// What the service is given besides its configuration: facts of this process.
pub struct Process {
    /// The version of the binary.
    pub version: &'static str,
    /// The commit it was built from, or an empty string.
    pub revision: &'static str,
    /// Random bits that no other process has: the request ids are made from them.
    pub seed: [u64; 2],
    /// Cores that this process may use.
    pub cores: usize,
    /// Where to send traces (an OTLP endpoint over HTTP), if anywhere.
    pub otlp_endpoint: Option<String>,
    /// Log lines that could not be written so far.
    pub log_lines_dropped: Box<dyn Fn() -> u64 + Send + Sync>,
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process").field("version", &self.version).finish_non_exhaustive()
    }
}

/// A service that listens and is ready to run.
pub struct Service {
    app: Arc<App>,
    main: TcpListener,
    ops: TcpListener,
    tls: Option<Tls>,
    watched_tokens: Option<reload::Contents>,
    state: watch::Sender<database::State>,
    revision: &'static str,
    log_lines_dropped: Box<dyn Fn() -> u64 + Send + Sync>,
}

/// The certificate in use, and what it was made from.
struct Tls {
    config: watch::Sender<Arc<ServerConfig>>,
    contents: reload::Contents,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("config", &self.app.config).finish_non_exhaustive()
    }
}

/// How the service ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Every request was answered.
    Clean,
    /// So many connections still had a request when their time was up.
    CutOff(usize),
}

impl Service {
    /// Checks what can be checked and opens both listeners. Nothing is served yet, and the database is not
    /// asked: a service whose database is away starts, and says so to whoever asks for users.
    pub fn bind(config: Config, process: Process) -> Result<Self, StartError> {
        let start = StartError;
        beyond_loopback(&config).map_err(start)?;
        let (tokens, watched_tokens) = match &config.access.tokens_file {
            Some(path) => {
                let contents = reload::read(std::slice::from_ref(path))
                    .map_err(|error| start(format!("--api-tokens-file: {error}")))?;
                let text = String::from_utf8_lossy(contents.first().map_or(&[], Vec::as_slice)).into_owned();
                (
                    Tokens::from_text(path, &text).map_err(|error| start(format!("--api-tokens-file: {error}")))?,
                    Some(contents),
                )
            }
            None => (Tokens::not_asked_for(), None),
        };
        let tls = match &config.tls {
            Some(files) => {
                let contents = reload::read(&tls::files(files)).map_err(|error| start(format!("TLS: {error}")))?;
                let config = watch::Sender::new(
                    tls::server_config(files, &contents).map_err(|error| start(format!("TLS: {error}")))?,
                );
                Some(Tls { config, contents })
            }
            None => None,
        };
        let metrics = Arc::new(Metrics::new(process.version, process.revision));
        let traces = match &process.otlp_endpoint {
            Some(endpoint) => Traces::export(endpoint, process.version, &config.replica, Arc::clone(&metrics))
                .map_err(|error| start(format!("OTEL_EXPORTER_OTLP_ENDPOINT: {error}")))?,
            None => Traces::default(),
        };
        if let config::DatabaseConfig::Sqlite { path } = &config.database {
            store::SqliteStore::check(path).map_err(|error| start(format!("--database: {error}")))?;
        }
        let main = server::listen(config.listen, "--listen").map_err(start)?;
        let ops = server::listen(config.ops_listen, "--ops-listen").map_err(start)?;
        let traces = Arc::new(traces);
        let (database, state) = Database::new(config.database_timeout, Arc::clone(&metrics), Arc::clone(&traces));
        let replica = ::http::HeaderValue::from_str(&config.replica)
            .map_err(|_bytes| start(format!("the replica's name {:?} must be visible ASCII", config.replica)))?;
        let app = App {
            version: process.version,
            greeting: Greeting::new(&config.message, &config.replica, process.version),
            replica,
            routes: Routes::new(),
            tokens,
            request_ids: RequestIds::new(process.seed),
            lifecycle: Arc::new(Lifecycle::new(config.limits.requests)),
            database,
            passwords: Passwords::new(process.cores / 2),
            attempts: attempts::Attempts::default(),
            answers: Budget::new(),
            metrics,
            traces,
            config,
        };
        let log_lines_dropped = process.log_lines_dropped;
        let revision = process.revision;
        Ok(Self { app: Arc::new(app), main, ops, tls, watched_tokens, state, revision, log_lines_dropped })
    }

    /// Where the greeting and the users are served.
    pub fn address(&self) -> Result<SocketAddr, StartError> {
        self.main.local_addr().map_err(|error| StartError(error.to_string()))
    }

    /// Where probes and metrics are served.
    pub fn ops_address(&self) -> Result<SocketAddr, StartError> {
        self.ops.local_addr().map_err(|error| StartError(error.to_string()))
    }

    /// Serves until `stop` says how to end, and ends: unready at once, still serving while clients learn of
    /// it, then no new connections, then the last answers, then the database. `started` is called once the
    /// tables are up to date.
    pub async fn run(self, started: impl FnOnce() + Send, stop: impl Future<Output = Stop>) -> Ended {
        let Self { app, main, ops, tls, watched_tokens, state, revision, log_lines_dropped } = self;
        let life = Arc::clone(&app.lifecycle);
        let open = Arc::new(Open::default());
        let close_database = Arc::new(tokio::sync::Notify::new());
        let mut side = JoinSet::new();
        let database = {
            let close = Arc::clone(&close_database);
            let (config, connections) = (app.config.database.clone(), app.config.database_connections);
            tokio::spawn(database::supervise(config, connections, app.database.clone(), state, async move {
                close.notified().await;
            }))
        };
        side.spawn({
            let app = Arc::clone(&app);
            async move { forget_keys(app).await }
        });
        if let Some(contents) = watched_tokens {
            side.spawn(follow_tokens(Arc::clone(&app), contents));
        }
        let certificates = tls.as_ref().map(|tls| tls.config.subscribe());
        if let Some(tls) = tls {
            side.spawn(follow_certificates(Arc::clone(&app), tls));
        }
        let main = tokio::spawn(server::accept(main, certificates, site(&app, &app), Arc::clone(&open)));
        let ops_service = Arc::new(Ops {
            app: Arc::clone(&app),
            revision,
            connections: Box::new({
                let open = Arc::clone(&open);
                move || open.count()
            }),
            log_lines_dropped,
        });
        // Probes are answered until the very end: their listener is not told to stop, it is ended.
        side.spawn(server::accept(ops, None, ops_site(&app, &ops_service), Arc::default()));

        let mut stop = std::pin::pin!(stop);
        let how = tokio::select! {
            how = &mut stop => how,
            () = app.database.started() => {
                life.advance(Phase::Serving);
                started();
                stop.await
            }
        };
        life.advance(Phase::Draining);
        if how == Stop::Drain {
            tracing::info!(seconds = app.config.drain.as_secs_f64(), "draining: not ready, still serving");
            tokio::time::sleep(app.config.drain).await;
        }
        life.advance(Phase::Stopping);
        // Its end means that nobody is waiting in the kernel's queue any more.
        let _ended = main.await;
        tracing::info!(
            connections = open.count(),
            in_flight = life.in_flight(),
            "stopping: finishing what is in flight"
        );
        let finished = timeout(app.config.drain_timeout, open.none_left()).await;
        let ended = if finished.is_ok() { Ended::Clean } else { Ended::CutOff(open.count()) };
        close_database.notify_one();
        // A commit that waits for a lock of somebody else's must not keep this process from ending.
        if timeout(CLOSE, database).await.is_err() {
            tracing::warn!("the database could not be closed in time; what was acknowledged is on the disk");
        }
        side.abort_all();
        let traces = Arc::clone(&app.traces);
        let _sent = tokio::task::spawn_blocking(move || traces.shutdown(Duration::from_secs(2))).await;
        tracing::info!(clean = ended == Ended::Clean, "stopped");
        ended
    }
}

/// How long closing the database may take at the end.
const CLOSE: Duration = Duration::from_secs(2);

/// Nobody is asked who they are: then only this machine may ask.
fn beyond_loopback(config: &Config) -> Result<(), String> {
    let asked = config.access.tokens_file.is_some() || config.tls.as_ref().is_some_and(|tls| tls.client_ca.is_some());
    if asked || config.listen.ip().is_loopback() {
        return Ok(());
    }
    if config.access.allow_anonymous {
        tracing::warn!(listen = %config.listen, "anyone who reaches this address can read and change all users");
        return Ok(());
    }
    Err(format!(
        "--listen {} is open to other machines and nobody is asked who they are; \
         give --api-tokens-file or --client-ca, or say --allow-anonymous",
        config.listen
    ))
}

fn site<S: Serve>(app: &Arc<App>, service: &Arc<S>) -> Arc<Site<S>> {
    Arc::new(Site {
        service: Arc::clone(service),
        limits: app.config.limits.clone(),
        lifecycle: Arc::clone(&app.lifecycle),
        metrics: Arc::clone(&app.metrics),
        replica: app.replica.clone(),
        canned: Arc::new(Canned::new(&app.config.replica)),
    })
}

/// The operations listener has limits of its own: clients that fill the other one must not shut out the
/// probes. It has a life of its own too, which never ends.
fn ops_site(app: &Arc<App>, ops: &Arc<Ops>) -> Arc<Site<Ops>> {
    const CONNECTIONS: usize = 256;
    let limits = config::Limits { connections: CONNECTIONS, ..app.config.limits.clone() };
    Arc::new(Site {
        service: Arc::clone(ops),
        limits,
        lifecycle: Arc::new(Lifecycle::new(CONNECTIONS)),
        metrics: Arc::clone(&app.metrics),
        replica: app.replica.clone(),
        canned: Arc::new(Canned::new(&app.config.replica)),
    })
}

/// Forgets idempotency keys that are older than they are kept.
async fn forget_keys(app: Arc<App>) -> ! {
    const EACH: Duration = Duration::from_mins(10);
    loop {
        tokio::time::sleep(EACH).await;
        let kept = i64::try_from(app.config.idempotency_retention.as_micros()).unwrap_or(i64::MAX);
        let before = now_us().saturating_sub(kept);
        // If the database is away the next turn does it.
        let _next_time = app.database.ask("forget", |store| store.forget(before)).await;
    }
}

async fn follow_tokens(app: Arc<App>, contents: reload::Contents) {
    let Some(path) = app.config.access.tokens_file.clone() else { return };
    reload::follow(vec![path.clone()], contents, app.config.reload_interval, |contents| {
        let text = String::from_utf8_lossy(contents.first().map_or(&[], Vec::as_slice)).into_owned();
        let taken = app.tokens.reload(&path, &text);
        reloaded(&app, "api_tokens", taken);
    })
    .await;
}

async fn follow_certificates(app: Arc<App>, tls: Tls) {
    let Some(files) = app.config.tls.clone() else { return };
    reload::follow(tls::files(&files), tls.contents, app.config.reload_interval, |contents| {
        let taken = tls::server_config(&files, contents).map(|new| drop(tls.config.send_replace(new)));
        reloaded(&app, "tls", taken);
    })
    .await;
}

fn reloaded(app: &App, file: &'static str, taken: Result<(), String>) {
    app.metrics.reloaded(file, taken.is_ok());
    match taken {
        Ok(()) => tracing::info!(file, "read again since it changed"),
        Err(error) => tracing::error!(file, error, "the changed file is not usable; keeping what it said"),
    }
}
