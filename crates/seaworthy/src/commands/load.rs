//! `seaworthy load`: sends requests when they are due, and tells what became of them.
//!
//! ```text
//! flags ─> options ─> preflight ─> drive (the engine's intervals ─> recording) ─> conclude ─> exit code
//!            │                        ├─> live ─> snapshot ─> view ─> screen
//!   pace, target, requests            └─> metrics <─ ops
//! ```

pub(crate) mod command_line;
pub(crate) mod conclude;
mod dialect;
mod drive;
pub(crate) mod flags;
mod headers;
pub(crate) mod health;
mod lines;
pub(crate) mod live;
mod metrics;
mod ops;
pub(crate) mod options;
mod pace;
mod preflight;
pub(crate) mod redact;
pub(crate) mod requests;
mod snapshot;
pub(crate) mod target;
mod targets;
mod view;
pub(crate) mod writes;

use std::{ffi::OsString, io, net::SocketAddr, process::ExitCode, sync::Arc, time::Duration};

use clap::{Arg, ArgMatches, Command};
use jiff::Timestamp;
use seaworthy_core::{ledger::Ledger, text};
use seaworthy_load::{
    read_back::{CleanedUp, read_back},
    run,
};
use tokio::{runtime, sync::mpsc, task};

use self::{drive::Seen, flags::SETTINGS, ops::Question, options::Options};
use crate::{
    cli::{Failure, exit, printable},
    screen::Screen,
    settings::{Environment, Setting},
    signals::Signals,
};

pub(crate) const NAME: &str = "load";

/// The argument that names the target.
const URL: &str = "URL";

/// Questions of scrapers that may wait.
const QUESTIONS: usize = 8;

/// How long reading back what was acknowledged may take.
const READ_BACK: Duration = Duration::from_mins(1);

pub(crate) fn command() -> Command {
    let url = "The target, such as http://127.0.0.1:8080/path; http where it has no scheme\n[env: SERVER_ADDR]";
    Command::new(NAME)
        .about("Send requests at a constant rate, and tell what became of each: an honest load generator")
        .after_help(flags::AFTER_HELP)
        .arg(Arg::new(URL).help(url))
        .args(SETTINGS.iter().map(Setting::arg))
}

/// What is said to somebody who brings another tool's flags, in one line.
pub(crate) fn foreign(arguments: &[OsString]) -> Option<String> {
    dialect::recognise(arguments, SETTINGS)
}

/// Sends until it is done, or told to stop.
pub(crate) fn run(matches: &ArgMatches, environment: Environment<'_>) -> Result<ExitCode, Failure> {
    let options = Arc::new(options::options(matches, environment)?);
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::could_not_run(format!("cannot start the runtime: {error}")))?;
    let code = runtime.block_on(load(options));
    // A name that is still being looked up must not keep this from ending, and neither must a terminal that is stopped.
    runtime.shutdown_background();
    code
}

async fn load(options: Arc<Options>) -> Result<ExitCode, Failure> {
    // Before anything else: as PID 1 a signal without a handler is not delivered at all.
    let mut signals =
        Signals::install().map_err(|error| Failure::could_not_run(format!("cannot handle signals: {error}")))?;
    let mut questions = answer_questions(options.ops_listen)?;
    tokio::select! {
        resolved = preflight::resolve(&options) => resolved?,
        _ = signals.next() => return Ok(exit::INTERRUPTED.into()),
    }
    let warnings = preflight::warnings(&options);
    let mut screen =
        Screen::start().map_err(|error| Failure::could_not_run(format!("cannot start a thread: {error}")))?;
    if !options.quiet {
        say(&mut screen, &preflight::announced(&options));
        for warning in warnings {
            say(&mut screen, &format!("warning: {warning}"));
        }
    }
    let began = Timestamp::now();
    let mut run = run::start(options.plan.clone())
        .map_err(|error| Failure::could_not_run(format!("cannot start the load: {error}")))?;
    let mut seen = drive::drive(&mut run, &options, &mut signals, &mut questions, &mut screen).await;
    let mut ended = run.end().map_err(|error| Failure::could_not_run(format!("the load broke off: {error}")))?;
    let ledger = match ended.ledger.take() {
        Some(ledger) => Some(verified(&options, ledger, &mut signals, &mut screen, &mut seen).await),
        None => None,
    };
    // Whoever reads a terminal or a pipe may have stopped, so what writes to them must not keep a signal waiting.
    let concluded =
        task::spawn_blocking(move || conclude::conclude(&options, began, seen, &ended, ledger.as_ref(), screen));
    tokio::select! {
        biased;
        code = concluded => {
            code.unwrap_or_else(|error| Err(Failure::could_not_run(format!("the result was not told: {error}"))))
        }
        _ = signals.next() => Ok(exit::INTERRUPTED.into()),
    }
}

/// Questions of scrapers, where there is somewhere to ask them.
fn answer_questions(address: Option<SocketAddr>) -> Result<mpsc::Receiver<Question>, Failure> {
    let (ask, questions) = mpsc::channel(QUESTIONS);
    if let Some(address) = address {
        let listener = ops::listen(address).map_err(|error| {
            Failure::could_not_run(format!(
                "cannot listen on {address}: {error}; choose another address with --ops-listen"
            ))
        })?;
        tokio::spawn(ops::serve(listener, ask, ops::STAY));
    }
    Ok(questions)
}

/// The ledger with what is really there. Whoever cannot wait for it has the ledger as it is.
async fn verified(
    options: &Options,
    ledger: Ledger,
    signals: &mut Signals,
    screen: &mut Screen,
    seen: &mut Seen,
) -> Ledger {
    let records = ledger.to_read().len() as u64;
    if !options.quiet {
        say(screen, &format!("reading back {}", text::counted(records, "record")));
    }
    let mut read = ledger.clone();
    let done = tokio::select! {
        done = read_back(&options.plan, &mut read, READ_BACK) => done,
        _ = signals.next() => {
            seen.unread = true;
            Err(io::Error::other("it was interrupted"))
        }
    };
    match done {
        Ok(cleaned) => {
            if cleaned != CleanedUp::default() && !options.quiet {
                say(screen, &super::trial::audit::words(cleaned));
            }
            read
        }
        Err(error) => {
            say(screen, &format!("cannot read back what was acknowledged: {error}"));
            ledger
        }
    }
}

/// A line on stderr. Nobody may be reading; then nobody misses it.
fn say(screen: &mut Screen, line: &str) {
    screen.err(printable(line));
}
