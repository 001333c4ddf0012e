//! `seaworthy up`: the whole system on this machine, seen working, and disturbed from a page.
//!
//! ```text
//! flags ─> options (a trial's) ─> drive: platform ─events──┐
//!                                        load ──intervals──┼─> picture ─> console (a snapshot a second)
//!                                        console ─drills─> platform      drills: each judged as a trial
//!                                        ways: sidecars, the address
//! ```

mod drills;
mod drive;
mod flags;
mod picture;
mod process;
mod ways;

use std::{
    fs,
    io::{self, IsTerminal as _},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
    time::Duration,
};

use clap::{Arg, ArgMatches, Command};
use jiff::Timestamp;
use seaworthy_console::{Console, Settings};
use seaworthy_core::{history::History, text};
use seaworthy_load::tls::{self, TlsFiles};
use seaworthy_trial::{
    journal::{self, Journal},
    local::{self, Local, Running},
};
use tokio::{runtime, sync::mpsc, time::Instant};

use self::{
    drills::Drills,
    drive::System,
    flags::SETTINGS,
    picture::{Picture, Scene},
    ways::Ways,
};
use crate::{
    cli::{Failure, printable},
    commands::{
        restore,
        trial::{self, folder::Folder, options::Options},
    },
    screen::Screen,
    settings::{self, Environment, Values},
    signals::Signals,
};

pub(crate) const NAME: &str = "up";

/// Drills that may wait to be answered.
const ASKED: usize = 4;

/// The shortest life of a certificate.
const SHORTEST: Duration = Duration::from_secs(10);

pub(crate) fn command() -> Command {
    let target = "What is run for each replica, after a --; else the built-in service";
    Command::new(NAME)
        .about(
            "The whole system on this machine: replicas behind one address, load, and a page that shows who calls whom",
        )
        .after_help(flags::AFTER_HELP)
        .arg(Arg::new(trial::COMMAND).help(target).num_args(0..).last(true))
        .args(SETTINGS.iter().map(|setting| setting.arg().hide(flags::is_hidden(setting.name))))
}

/// Runs the system until somebody ends it.
pub(crate) fn run(matches: &ArgMatches, environment: Environment<'_>) -> Result<ExitCode, Failure> {
    let values = Values::new(&SETTINGS, matches, environment);
    flags::refuse(&values)?;
    let up = Up::of(&values, trial::words(matches))?;
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::could_not_run(format!("cannot start the runtime: {error}")))?;
    let done = runtime.block_on(up.run());
    runtime.shutdown_background();
    done
}

/// What was asked for, with its addresses taken already.
struct Up {
    options: Options,
    listener: TcpListener,
    console: TcpListener,
    token: Option<String>,
    state: PathBuf,
    plaintext: bool,
    lifetime: Duration,
    has_load: bool,
    scene: Scene,
}

impl Up {
    fn of(values: &Values<'_>, words: Vec<String>) -> Result<Self, Failure> {
        let is_built_in = words.is_empty() && !values.is_given("file");
        let mut options = trial::options::options(values, words, NAME)?;
        options.plan.drills.clear();
        options.header.drills.clear();
        let lifetime = values.duration_of_at_least("certificate-lifetime", SHORTEST)?;
        let has_load = !values.switch("no-load")?;
        let database = match values.given("database").map(|given| given.text) {
            None if is_built_in => Some(("SQLite".to_owned(), true)),
            None => None,
            Some(url) if url.starts_with("sqlite:") => Some(("SQLite".to_owned(), true)),
            Some(url) if url.starts_with("mysql://") => Some(("MySQL or MariaDB".to_owned(), false)),
            Some(name) if name == "mariadb" => Some(("MariaDB".to_owned(), false)),
            Some(_) => Some(("a database".to_owned(), false)),
        };
        Ok(Self {
            listener: listen(values, "listen")?,
            console: listen(values, "console")?,
            token: token(values)?,
            state: values.path("state")?.unwrap_or_else(|| values.text("state").into()),
            plaintext: values.switch("plaintext")?,
            lifetime,
            has_load,
            scene: Scene { has_load, database, processors: thread::available_parallelism().map_or(1, usize::from) },
            options,
        })
    }

    async fn run(mut self) -> Result<ExitCode, Failure> {
        // Before anything else: as PID 1 a signal without a handler is not delivered at all.
        let mut signals = Signals::install().map_err(cannot("cannot handle signals"))?;
        let mut screen = Screen::start().map_err(cannot("cannot start a thread"))?;
        let quiet = self.options.shown == trial::options::Shown::Nothing;
        let (session, runs) = self.session()?;
        for left in journal::restore(&runs).map_err(cannot("cannot restore what an earlier run left"))? {
            let ended = restore::processes(left.processes);
            screen.err(printable(&format!(
                "a run that was killed had left {ended}: ended now ({})",
                left.folder.display()
            )));
        }
        let ways = Ways::open(self.listener, self.plaintext, self.lifetime)?;
        if self.has_load {
            self.options.load.tls = ways.tls()?;
        }
        let (commands, asked) = mpsc::channel(ASKED);
        let settings = Settings {
            title: self.options.header.target.clone(),
            max_replicas: 20,
            token: self.token,
            ..Settings::default()
        };
        let console = Console::new(self.console, settings, commands)
            .map_err(|error| Failure::usage(format!("--console: {error}")))?;
        let epoch = Instant::now();
        self.options.header.began = Timestamp::now().to_string();
        let mut running = start(&self.options, &self.state, &session, epoch)?;
        let history = History {
            header: self.options.header.clone(),
            events: Vec::new(),
            intervals: Vec::new(),
            floods: Vec::new(),
            audit: None,
            footer: None,
        };
        if !quiet {
            screen.err(printable(&format!("{} starts, {}", self.options.header.target, replicas(&self.options))));
            self.options
                .header
                .assumptions
                .iter()
                .for_each(|assumption| screen.err(printable(&format!("  {assumption}"))));
        }
        let system = System {
            load: self.has_load.then_some(&self.options.load),
            welcome: welcome(&ways, &console, &self.state, self.plaintext),
            ways,
            console,
            asked,
            picture: Picture::new(self.scene, self.options.plan.deployment.replicas),
            drills: Drills::new(history),
            session: &session,
            epoch,
            on_terminal: io::stderr().is_terminal(),
            quiet,
        };
        let driven = drive::drive(system, &mut running, &mut signals, &mut screen).await;
        let ended = running.end().map_err(cannot("the platform broke off"))?;
        drop(screen);
        trial::could_run(&self.options, &session, driven, &ended)?;
        Ok(ExitCode::SUCCESS)
    }

    /// The folder of this run among the others.
    fn session(&self) -> Result<(Folder, PathBuf), Failure> {
        let state = self.state.display().to_string();
        let broken = |error: io::Error| Failure::could_not_run(format!("--state: {state}: {error}"));
        let runs = self.state.join("runs");
        let session = Folder::make(&runs, Timestamp::now()).map_err(broken)?;
        // Each drill has a history of its own, beside it.
        fs::remove_file(session.path.join(trial::folder::HISTORY)).map_err(broken)?;
        Ok((session, runs))
    }
}

/// Starts the replicas.
fn start(options: &Options, state: &Path, session: &Folder, epoch: Instant) -> Result<Running, Failure> {
    let name = format!("{}-{}", session.name(), std::process::id());
    local::start(Local {
        target: options.target(state)?,
        plan: options.plan.clone(),
        folder: session.path.clone(),
        open: true,
        journal: Journal::begin(&session.path, &name).map_err(cannot("cannot write the journal"))?,
        epoch,
        probe_tls: tls::config(&TlsFiles { insecure: true, ..TlsFiles::default() }, false).ok(),
        as_first_process: options.as_first_process,
        database: options.beside.database.clone(),
        memory_limit: None,
        network: None,
    })
    .map_err(cannot("cannot start the platform"))
}

fn replicas(options: &Options) -> String {
    text::counted(options.plan.deployment.replicas.into(), "replica")
}

/// What is said when all is there.
fn welcome(ways: &Ways, console: &Console, state: &Path, plaintext: bool) -> Vec<String> {
    let secured = if plaintext { "all in the clear (--plaintext)" } else { "mTLS to every replica" };
    vec![
        format!("service  http://{}  {secured}", ways.address()),
        format!("console  {}  who calls whom, how fast, and is it encrypted; drills", shown(console)),
        format!("state    {}", state.display()),
        format!("try      curl http://{}/", ways.address()),
        "         roll out, kill or freeze a replica on the console, and see what it cost".to_owned(),
        "         Ctrl-C drains and ends it".to_owned(),
    ]
}

/// The console's address, without its token.
fn shown(console: &Console) -> String {
    format!("http://{}", console.address())
}

/// Takes an address, or says what to do where somebody else has it.
fn listen(values: &Values<'_>, name: &str) -> Result<TcpListener, Failure> {
    let address: SocketAddr = values.parse(name, settings::address)?;
    TcpListener::bind(address).map_err(|error| {
        let what = if error.kind() == io::ErrorKind::AddrInUse {
            format!(
                "{address} is taken; end what listens there, or give another port, such as {}",
                SocketAddr::new(address.ip(), 0)
            )
        } else {
            format!("{address}: {error}")
        };
        Failure::could_not_run(format!("--{name}: {what}"))
    })
}

/// What whoever opens the console must know.
fn token(values: &Values<'_>) -> Result<Option<String>, Failure> {
    let Some(path) = values.path("console-token-file")? else { return Ok(None) };
    let broken =
        |error: io::Error| Failure::could_not_run(format!("--console-token-file: {}: {error}", path.display()));
    Ok(Some(fs::read_to_string(&path).map_err(broken)?.trim().to_owned()))
}

fn cannot(what: &'static str) -> impl Fn(io::Error) -> Failure {
    move |error| Failure::could_not_run(format!("{what}: {error}"))
}
