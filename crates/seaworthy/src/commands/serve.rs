//! `seaworthy serve`: the built-in service.

use std::{
    hash::{BuildHasher as _, Hasher as _, RandomState},
    io::{self, Write as _},
    net::SocketAddr,
    num::NonZero,
    process::ExitCode,
    thread,
    time::Duration,
};

use clap::{ArgMatches, Command};
use seaworthy_service::{
    Ended, Process, Service, Stop,
    config::{Access, Config, DatabaseConfig, Limits, TlsFiles},
};
use tokio::runtime;
use tracing_subscriber::EnvFilter;

use crate::{
    cli::{Failure, exit},
    descriptors,
    logs::{self, Format},
    settings::{Environment, Setting, Values, address, setting, switch},
    signals::{Asked, Signals},
};

pub(crate) const NAME: &str = "serve";

/// Who started it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Somebody who ran the binary to see what it is.
    Newcomer,
    /// Somebody who said `serve`.
    Operator,
}

/// Where a newcomer's users are kept: a folder that is easy to find and to throw away.
const NEWCOMERS_DATABASE: &str = "sqlite:seaworthy-data/seaworthy.db";

/// The environment variable that says where traces go (OpenTelemetry, "OTLP Exporter Configuration").
const OTLP_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// The shortest time-out: a shorter one would refuse requests that are on their way.
const SHORTEST: Duration = Duration::from_millis(100);

const ADDRESSES: &str = "Addresses and names";
const DATABASE: &str = "Database";
const ACCESS: &str = "Who may, and TLS";
const LIMITS: &str = "Limits";
const LEAVING: &str = "Leaving";
const LOGS: &str = "Logs";

/// Everything that `serve` can be told, in the order of its help.
#[rustfmt::skip]
pub(crate) const SETTINGS: &[Setting] = &[
    setting(ADDRESSES, "listen", "ADDR", "127.0.0.1:8080", "Where the greeting and the users are served; port 0 takes a free one. PORT alone sets the port"),
    setting(ADDRESSES, "ops-listen", "ADDR", "127.0.0.1:9090", "Where probes and metrics are served: /livez, /readyz, /startupz, /metrics, /version; open to whoever reaches it"),
    setting(ADDRESSES, "message", "TEXT", "Hello World!", "What the greeting says"),
    setting(ADDRESSES, "replica", "NAME", "", "This replica's name, told in x-served-by; else POD_NAME, HOSTNAME or the process id"),
    setting(DATABASE, "database", "URL", "sqlite:seaworthy.db", "sqlite:PATH or mysql://user@host:3306/name").variable_named("DATABASE_URL"),
    setting(DATABASE, "database-password-file", "FILE", "", "The database's password, read again at each connection"),
    setting(DATABASE, "database-connections", "N", "10", "Connections to a MySQL server that this replica may hold"),
    setting(DATABASE, "database-timeout", "TIME", "2s", "How long a request may wait for the database before it is answered 503"),
    setting(DATABASE, "idempotency-retention", "TIME", "24h", "How long an Idempotency-Key is remembered"),
    setting(ACCESS, "api-tokens-file", "FILE", "", "Bearer tokens that open the users routes, one a line, at least 16 characters; read again when it changes"),
    switch(ACCESS, "allow-anonymous", "Listen beyond loopback although nobody is asked who they are"),
    setting(ACCESS, "tls-cert", "FILE", "", "Certificate chain in PEM, leaf first; turns TLS on; read again when it changes"),
    setting(ACCESS, "tls-key", "FILE", "", "Its private key in PEM"),
    setting(ACCESS, "client-ca", "FILE", "", "Authorities in PEM: clients must then show a certificate of theirs (mTLS)"),
    setting(ACCESS, "reload-interval", "TIME", "10s", "How often files that may change are looked at; at least 100ms"),
    setting(LIMITS, "max-connections", "N", "10000", "Open connections; one more is answered 503"),
    setting(LIMITS, "max-requests", "N", "1024", "Requests being answered; one more is answered 503"),
    setting(LIMITS, "max-header-bytes", "N", "16384", "Bytes of a request's line and headers, at least 8192; more is answered 431"),
    setting(LIMITS, "max-body-bytes", "N", "65536", "Bytes of a request's body; more is answered 413"),
    setting(LIMITS, "header-timeout", "TIME", "10s", "How long a request's headers, or a TLS handshake, may take to arrive; then 408"),
    setting(LIMITS, "request-timeout", "TIME", "10s", "How long a request may take in all: 408 if its body is still missing, else 503"),
    setting(LIMITS, "keep-alive", "TIME", "75s", "How long a connection may be idle, or an answer unread; longer than the load balancer's own idle time"),
    setting(LEAVING, "drain", "TIME", "5s", "After SIGTERM: how long to go on serving, unready, while clients learn of it"),
    setting(LEAVING, "drain-timeout", "TIME", "20s", "After that: how long to wait for requests that are being answered"),
    setting(LOGS, "log", "FORMAT", "", "text or json; by default text on a terminal and json otherwise"),
    setting(LOGS, "log-level", "LEVEL", "info", "error, warn, info, debug (with headers) or trace; or directives such as info,seaworthy::access=warn"),
];

pub(crate) fn command() -> Command {
    Command::new(NAME)
        .about("Run the built-in REST service: a greeting and users, on SQLite or MySQL")
        .after_help(
            "Times are such as 5s, 500ms or 1m30s.\n\
             In a pod the database is also found by MYSQL_SERVICE_HOST, MYSQL_SERVICE_PORT,\n\
             db_name and db_root_password.\n\
             OTEL_EXPORTER_OTLP_ENDPOINT turns traces on (OTLP over http).\n\
             SIGTERM drains and exits 0; Ctrl-C does not wait; a second signal exits at once.\n",
        )
        .args(SETTINGS.iter().map(Setting::arg))
}

/// Serves until it is told to stop.
pub(crate) fn run(matches: &ArgMatches, environment: Environment<'_>, audience: Audience) -> Result<ExitCode, Failure> {
    let values = Values::new(SETTINGS, matches, environment);
    let mut config = config(&values, audience)?;
    let format = values.parse("log", Format::parse)?;
    let filter = values.parse("log-level", log_filter)?;
    let otlp_endpoint = otlp_endpoint(&values)?;
    let logs = logs::start(format, filter, values.platform("NO_COLOR").is_none());
    fit_descriptors(&mut config.limits);

    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    // One thread needs no queue to share work through, and costs a few percent less for it.
    let mut builder =
        if cores == 1 { runtime::Builder::new_current_thread() } else { runtime::Builder::new_multi_thread() };
    let runtime = builder
        .worker_threads(cores)
        .enable_all()
        .build()
        .map_err(|error| Failure::could_not_run(format!("cannot start the runtime: {error}")))?;
    let dropped = logs.dropped.clone();
    let process = Process {
        version: env!("CARGO_PKG_VERSION"),
        revision: option_env!("SEAWORTHY_REVISION").unwrap_or_default(),
        // The standard library seeds its hash maps from the system's randomness; so does this.
        seed: [RandomState::new().build_hasher().finish(), RandomState::new().build_hasher().finish()],
        cores,
        otlp_endpoint,
        log_lines_dropped: Box::new(move || dropped.dropped_lines() as u64),
    };
    let code = runtime.block_on(serve(config, process, audience));
    // A blocked thread (a lock held by a frozen process, say) must not keep this one from ending.
    runtime.shutdown_background();
    drop(logs);
    code
}

async fn serve(config: Config, process: Process, audience: Audience) -> Result<ExitCode, Failure> {
    // Before anything else: as PID 1 a signal without a handler is not delivered at all.
    let mut signals =
        Signals::install().map_err(|error| Failure::could_not_run(format!("cannot handle signals: {error}")))?;
    let database = config.database.to_string();
    let service = Service::bind(config, process).map_err(|error| Failure::could_not_run(error.to_string()))?;
    let address = service.address().map_err(|error| Failure::could_not_run(error.to_string()))?;
    let ops = service.ops_address().map_err(|error| Failure::could_not_run(error.to_string()))?;
    tracing::info!(listen = %address, ops = %ops, database, "listening");
    let started = move || {
        tracing::info!(listen = %address, ops = %ops, "ready");
        if audience == Audience::Newcomer {
            welcome(address, ops, &database);
        }
    };
    let (ask, asked) = tokio::sync::oneshot::channel();
    let run = service.run(started, async move { asked.await.unwrap_or(Stop::Now) });
    let second = async move {
        let stop = match signals.next().await {
            Asked::Terminate => Stop::Drain,
            Asked::Interrupt => Stop::Now,
        };
        let _ended_already = ask.send(stop);
        signals.next().await.number()
    };
    tokio::select! {
        ended = run => match ended {
            Ended::Clean => Ok(ExitCode::SUCCESS),
            Ended::CutOff(connections) => Err(Failure {
                code: exit::FAILED,
                message: format!("{connections} connections still had a request when --drain-timeout was over"),
            }),
        },
        // As a shell reports a process that the signal ended.
        number = second => Ok(ExitCode::from(128 + number)),
    }
}

/// What to try, for somebody who sees this for the first time.
fn welcome(address: SocketAddr, ops: SocketAddr, database: &str) {
    // Nobody may be reading; then nobody misses it.
    let _printed = writeln!(
        io::stderr(),
        "\nSeaworthy's service is ready. Users are kept in {database}. Try:\n\n  \
         curl http://{address}/\n  \
         curl http://{address}/v1/users -H 'Content-Type: application/json' \\\n       \
         -d '{{\"name\":\"Ada\",\"email\":\"ada@example.org\",\"password\":\"correct horse\"}}'\n  \
         curl http://{address}/v1/users\n  \
         curl 'http://{ops}/readyz?verbose'\n\n\
         All of it, to try in a browser: http://{address}/docs\n\
         Every setting: seaworthy serve --help. Ctrl-C stops it.\n"
    );
}

fn config(values: &Values<'_>, audience: Audience) -> Result<Config, Failure> {
    Ok(Config {
        listen: listen(values)?,
        ops_listen: values.parse("ops-listen", address)?,
        message: values.text("message"),
        replica: values.parse("replica", |name| replica(name, values))?,
        database: database(values, audience)?,
        database_connections: u32::try_from(values.count("database-connections", 1)?).unwrap_or(u32::MAX),
        database_timeout: values.duration_of_at_least("database-timeout", SHORTEST)?,
        access: Access {
            tokens_file: values.path("api-tokens-file")?,
            allow_anonymous: values.switch("allow-anonymous")?,
        },
        tls: tls(values)?,
        reload_interval: values.duration_of_at_least("reload-interval", Duration::from_millis(100))?,
        limits: Limits {
            connections: values.count("max-connections", 1)?,
            requests: values.count("max-requests", 1)?,
            header_bytes: values.count("max-header-bytes", 8192)?,
            body_bytes: values.count("max-body-bytes", 1)?,
            header_timeout: values.duration_of_at_least("header-timeout", SHORTEST)?,
            request_timeout: values.duration_of_at_least("request-timeout", SHORTEST)?,
            keep_alive: values.duration_of_at_least("keep-alive", SHORTEST)?,
        },
        drain: values.duration("drain")?,
        drain_timeout: values.duration("drain-timeout")?,
        idempotency_retention: values.duration("idempotency-retention")?,
    })
}

/// The address, or the default address on the port that the platform gives by `PORT`.
fn listen(values: &Values<'_>) -> Result<SocketAddr, Failure> {
    let mut listen = values.parse("listen", address)?;
    if let Some(port) = values.platform("PORT").filter(|_| !values.is_given("listen")) {
        let port = port
            .parse()
            .map_err(|_error| Failure::usage(format!("PORT: {port:?} is not a port; give a number from 0 to 65535")))?;
        listen.set_port(port);
    }
    Ok(listen)
}

fn replica(name: &str, values: &Values<'_>) -> Result<String, &'static str> {
    let name = match name {
        "" => values
            .platform("POD_NAME")
            .or_else(|| values.platform("HOSTNAME"))
            .unwrap_or_else(|| format!("seaworthy-{}", std::process::id())),
        name => name.to_owned(),
    };
    if name.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(name)
    } else {
        Err("cannot be sent in a header; give visible ASCII characters")
    }
}

/// The database: as set; else as the tutorials' pods find it; else a file here.
fn database(values: &Values<'_>, audience: Audience) -> Result<DatabaseConfig, Failure> {
    let password_file = values.path("database-password-file")?;
    let given = values.is_given("database");
    let mut database = match (given, values.platform("MYSQL_SERVICE_HOST"), audience) {
        (false, Some(host), _) => in_a_pod(values, &host)?,
        (false, _, Audience::Newcomer) => NEWCOMERS_DATABASE.parse().map_err(Failure::usage)?,
        (_, _, _) => values.url("database", str::parse)?,
    };
    match (&mut database, password_file) {
        (_, None) => {}
        (DatabaseConfig::Mysql { password_file, .. }, file @ Some(_)) => *password_file = file,
        (DatabaseConfig::Sqlite { .. }, Some(_)) => {
            return Err(Failure::usage(
                "--database-password-file goes with a mysql:// database; SQLite has no password",
            ));
        }
    }
    Ok(database)
}

fn in_a_pod(values: &Values<'_>, host: &str) -> Result<DatabaseConfig, Failure> {
    let name = values.platform("db_name").ok_or_else(|| {
        Failure::usage("MYSQL_SERVICE_HOST is set but db_name is not; name the database with it, or give --database")
    })?;
    let port = values.platform("MYSQL_SERVICE_PORT").unwrap_or_else(|| "3306".into());
    let port = port.parse().map_err(|_error| {
        Failure::usage(format!("MYSQL_SERVICE_PORT: {port:?} is not a port; give a number from 1 to 65535"))
    })?;
    Ok(DatabaseConfig::mysql(host, port, "root", values.platform("db_root_password").as_deref(), &name))
}

fn tls(values: &Values<'_>) -> Result<Option<TlsFiles>, Failure> {
    let client_ca = values.path("client-ca")?;
    match (values.path("tls-cert")?, values.path("tls-key")?) {
        (Some(cert), Some(key)) => Ok(Some(TlsFiles { cert, key, client_ca })),
        (None, None) if client_ca.is_none() => Ok(None),
        _ => Err(Failure::usage("TLS wants both --tls-cert and --tls-key, and --client-ca only goes with them")),
    }
}

/// A level, or directives. A lone word that is no level would be taken for the name of a module, and turn
/// everything else off.
fn log_filter(text: &str) -> Result<EnvFilter, &'static str> {
    const WANTED: &str = "is not a level; give error, warn, info, debug, trace or off, or directives such as info,seaworthy::access=warn";
    const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];
    let levels = text.split(',').map(|part| part.rsplit('=').next().unwrap_or_default().trim());
    if !levels.into_iter().all(|level| LEVELS.contains(&level.to_ascii_lowercase().as_str())) {
        return Err(WANTED);
    }
    EnvFilter::try_new(text).map_err(|_parse| WANTED)
}

/// Where traces go. The exporter speaks OTLP over plain HTTP, as to a collector beside it.
fn otlp_endpoint(values: &Values<'_>) -> Result<Option<String>, Failure> {
    let traces = values.platform("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
    let (name, typed, path) = match (traces, values.platform(OTLP_ENDPOINT)) {
        (Some(whole), _) => ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", whole, ""),
        (None, Some(base)) => (OTLP_ENDPOINT, base, "/v1/traces"),
        (None, None) => return Ok(None),
    };
    if !typed.starts_with("http://") {
        // Whatever follows a user's name may be a password.
        let typed = if typed.contains('@') { "the URL".to_owned() } else { format!("{typed:?}") };
        return Err(Failure::usage(format!(
            "{name}: {typed} is not a plain http URL; give one such as http://localhost:4318"
        )));
    }
    Ok(Some(format!("{}{path}", typed.trim_end_matches('/'))))
}

/// Asks for as many file descriptors as the system allows, and lowers the limit on connections where that
/// is not enough: a connection that is refused with a reason is better than one that cannot be accepted.
fn fit_descriptors(limits: &mut Limits) {
    let wanted = (limits.connections as u64).saturating_add(descriptors::OTHERS);
    let most = descriptors::allow(wanted)
        .inspect_err(|error| tracing::warn!(%error, "the limit on file descriptors could not be raised"))
        .unwrap_or_else(|_error| descriptors::allowed());
    if most < wanted {
        let fits = usize::try_from(most.saturating_sub(descriptors::OTHERS)).unwrap_or(usize::MAX).max(1);
        tracing::warn!(
            max_connections = fits,
            file_descriptors = most,
            "fewer connections than --max-connections: the system allows no more file descriptors (ulimit -n)"
        );
        limits.connections = fits;
    }
}
