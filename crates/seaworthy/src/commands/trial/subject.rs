//! What is under trial: a command, or the built-in service.

use std::{path::Path, time::Duration};

use seaworthy_core::deployment::{Check, Deployment, Probe};
use seaworthy_trial::{local, manifest::Manifest, target::Target};

use super::asked;
use crate::{cli::Failure, commands::load::redact, settings::Values};

/// What is under trial.
#[derive(Debug)]
pub(crate) enum Subject {
    /// The service that this binary is.
    BuiltIn { bad_command: Vec<String>, environment: Vec<(String, String)>, ports: Vec<String>, database: Database },
    /// Somebody's command.
    Command { target: Box<Unruled>, names_its_port: bool },
}

/// The built-in service's database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Database {
    /// A file in the folder of the run.
    Sqlite,
    /// A MariaDB that is started for it.
    MariaDb,
    /// One that runs somewhere else, or another file.
    Url(String),
}

/// A target without its rules.
#[derive(Debug)]
pub(crate) struct Unruled {
    pub(crate) command: Vec<String>,
    bad_command: Vec<String>,
    environment: Vec<(String, String)>,
    directory: Option<std::path::PathBuf>,
    ports: Vec<String>,
    /// Whether there is a database beside it, whose port can be named, too.
    has_database: bool,
}

/// The built-in service's port for probes.
const OPS: &str = "ops";

/// Understands what is under trial, as far as the flags say it.
pub(crate) fn subject(values: &Values<'_>, command: Vec<String>) -> Result<Subject, Failure> {
    let environment = values.all("env");
    let environment = environment.iter().map(|given| variable(&given.origin, &given.text)).collect::<Result<_, _>>()?;
    let mut ports = Vec::new();
    for given in values.all("port") {
        let port = given.parse(port_name)?;
        if ports.contains(&port) {
            return Err(Failure::usage(format!("{}: {port:?} is given twice", given.origin)));
        }
        ports.push(port);
    }
    let bad_command = bad_release(&values.text("bad-release"));
    let directory = values.path("directory")?;
    if let Some(directory) = &directory
        && !directory.is_dir()
    {
        return Err(Failure::usage(format!("--directory: {} is no directory", directory.display())));
    }
    let is_built_in = command.is_empty() && !values.is_given("file");
    if is_built_in {
        if directory.is_some() {
            return Err(Failure::usage("--directory goes with a command; the built-in service has its own"));
        }
        ports.insert(0, OPS.to_owned());
        let database = match asked::url(values) {
            Some(url) if has_password(&url) => {
                return Err(Failure::usage(
                    "--database: a password on a command line can be seen; leave it out, and name a file that has it in SEAWORTHY_MYSQL_PASSWORD_FILE",
                ));
            }
            Some(url) => Database::Url(url),
            None if asked::is_mariadb(values) => Database::MariaDb,
            None => Database::Sqlite,
        };
        return Ok(Subject::BuiltIn { bad_command, environment, ports, database });
    }
    if asked::url(values).is_some() {
        return Err(Failure::usage(
            "--database: a URL is for the built-in service; give the command its own, or a database's command here",
        ));
    }
    let has_database = values.is_given("database");
    let target = Unruled { command, bad_command, environment, directory, ports, has_database };
    Ok(Subject::Command { target: Box::new(target), names_its_port: false })
}

impl Subject {
    /// Its ports other than the one for requests.
    pub(crate) fn ports(&self) -> &[String] {
        match self {
            Self::BuiltIn { ports, .. } => ports,
            Self::Command { target, .. } => &target.ports,
        }
    }

    /// Whether somebody said what is to be run.
    pub(crate) fn has_command(&self) -> bool {
        matches!(self, Self::Command { target, .. } if !target.command.is_empty())
    }

    /// When it is ready, where that is known.
    pub(crate) fn readiness(&self) -> Option<Probe> {
        match self {
            Self::BuiltIn { .. } => {
                let port = Some(OPS.to_owned());
                let check = Check::Http { port, path: "/readyz".to_owned(), headers: Vec::new(), tls: false };
                Some(Probe { period: Duration::from_secs(1), ..Probe::new(check) })
            }
            Self::Command { .. } => None,
        }
    }

    /// With what the manifest says, where no flag says it.
    pub(crate) fn with(self, manifest: Option<Manifest>) -> Result<Self, Failure> {
        let Self::Command { mut target, .. } = self else { return Ok(self) };
        if let Some(manifest) = manifest {
            if target.command.is_empty() {
                target.command = manifest.command;
            }
            for (name, value) in manifest.environment {
                if !target.environment.iter().any(|(known, _)| *known == name) {
                    target.environment.push((name, value));
                }
            }
            for port in manifest.ports {
                if !target.ports.contains(&port) {
                    target.ports.push(port);
                }
            }
        }
        if target.command.is_empty() {
            return Err(Failure::usage(
                "the manifest has no command for its container; give one after a --: seaworthy trial -f FILE -- COMMAND",
            ));
        }
        let database = target.has_database.then(|| local::DATABASE.to_owned());
        let ports: Vec<String> = target.ports.iter().cloned().chain(database).collect();
        let placeholders = local::placeholders(&target.command, &ports)
            .and_then(|found| local::placeholders(&target.bad_command, &ports).map(|_bad| found))
            .map_err(|error| Failure::usage(format!("the command {error}")))?;
        let names_its_port = placeholders.iter().any(|name| name == "port");
        Ok(Self::Command { target, names_its_port })
    }

    /// What is assumed of it, a line each.
    pub(crate) fn assumptions(&self) -> Vec<String> {
        match self {
            Self::BuiltIn { database: Database::MariaDb, .. } => {
                vec!["a MariaDB of its own for all replicas, which goes with the trial".to_owned()]
            }
            Self::BuiltIn { database: Database::Sqlite, .. } => {
                vec!["one SQLite file for all replicas: for trying out, not for production".to_owned()]
            }
            Self::BuiltIn { database: Database::Url(_), .. } | Self::Command { names_its_port: true, .. } => Vec::new(),
            Self::Command { .. } => {
                vec!["the command has no {port}: it is taken to listen where PORT in its environment says".to_owned()]
            }
        }
    }

    /// The words of its command, without what is secret in them.
    pub(crate) fn shown(&self) -> Vec<String> {
        match self {
            Self::BuiltIn { .. } => Vec::new(),
            Self::Command { target, .. } => redact::words(&target.command, &target.environment),
        }
    }

    /// It in words.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::BuiltIn { .. } => "the built-in service".to_owned(),
            Self::Command { .. } => self.shown().join(" "),
        }
    }

    /// It with its rules, and with its files in the folder of a run.
    pub(crate) fn target(&self, deployment: &Deployment, folder: &Path) -> Result<Target, Failure> {
        let deployment = deployment.clone();
        match self {
            Self::BuiltIn { bad_command, environment, ports, database } => Ok(Target {
                deployment,
                command: built_in(folder, database)?,
                bad_command: bad_command.clone(),
                environment: environment.clone(),
                directory: None,
                ports: ports.clone(),
            }),
            Self::Command { target, .. } => Ok(Target {
                deployment,
                command: target.command.clone(),
                bad_command: target.bad_command.clone(),
                environment: target.environment.clone(),
                directory: target.directory.clone(),
                ports: target.ports.clone(),
            }),
        }
    }
}

/// Whether a URL has a password in it.
fn has_password(url: &str) -> bool {
    let authority = url.split_once("://").map_or("", |(_, rest)| rest.split('/').next().unwrap_or_default());
    authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
}

/// The built-in service's command: this binary.
fn built_in(folder: &Path, database: &Database) -> Result<Vec<String>, Failure> {
    let database = match database {
        Database::MariaDb => format!("mysql://root@127.0.0.1:{{port:{}}}/seaworthy", local::DATABASE),
        Database::Sqlite => format!("sqlite:{}", folder.join("users.db").display()),
        Database::Url(url) => url.clone(),
    };
    let own = std::env::current_exe()
        .map_err(|error| Failure::could_not_run(format!("cannot find the program that this is: {error}")))?;
    let words = [
        own.to_string_lossy().into_owned(),
        "serve".to_owned(),
        "--listen=127.0.0.1:{port}".to_owned(),
        format!("--ops-listen=127.0.0.1:{{port:{OPS}}}"),
        format!("--database={database}"),
        "--replica=replica-{replica}".to_owned(),
        "--log=text".to_owned(),
        "--log-level=warn".to_owned(),
    ];
    Ok(words.into())
}

/// A release that is broken on purpose.
fn bad_release(what: &str) -> Vec<String> {
    let script = match what {
        "crash" => "echo 'this release is broken on purpose' >&2; exit 1",
        "never-ready" => "exec sleep 86400",
        command => command,
    };
    ["sh", "-c", script].map(str::to_owned).into()
}

/// `NAME=VALUE`. The value may be a secret, and is not repeated.
fn variable(origin: &str, text: &str) -> Result<(String, String), Failure> {
    let wrong = || Failure::usage(format!("{origin}: what was given is no variable; give it as NAME=VALUE"));
    let (name, value) = text.split_once('=').ok_or_else(wrong)?;
    if name.is_empty() || name.contains('\0') || value.contains('\0') {
        return Err(wrong());
    }
    Ok((name.to_owned(), value.to_owned()))
}

fn port_name(text: &str) -> Result<String, &'static str> {
    let fits =
        !text.is_empty() && text.len() <= 63 && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if fits { Ok(text.to_owned()) } else { Err("is no name for a port; give letters, digits and dashes") }
}
