//! `seaworthy trial`: the sea trial of a service, under load, with things going wrong on purpose.
//!
//! ```text
//! flags, manifest ─> options ─> drive: platform ─events─┐
//!                               load ────intervals──────┴─> history (and its file) ─> conclude ─> report, exit code
//!                                                      └─> view, lines
//! ```

mod asked;
pub(crate) mod audit;
mod conclude;
pub(crate) mod drive;
pub(crate) mod flags;
mod flood;
pub(crate) mod folder;
mod mend;
mod network;
mod never_ready;
pub(crate) mod options;
mod rules;
mod said;
mod subject;
mod view;

use std::{
    io::{self, Write as _},
    process::ExitCode,
    time::Duration,
};

use clap::{Arg, ArgMatches, Command};
use jiff::{Timestamp, Unit};
use seaworthy_core::{
    assessment::assess,
    drill::Drill,
    event::Event,
    fix::Proposal,
    history::{Header, History, lines},
    text,
    trial::End,
};
use seaworthy_load::tls::{self, TlsFiles};
use seaworthy_trial::{
    journal::{self, Journal},
    local::{self, Ended, Local, Network},
    simulated::{self, Behaviour, World},
};
use tokio::{runtime, task, time::Instant};

pub(crate) use self::{
    conclude::{conclude, list},
    options::{expectations, runs},
};
use self::{
    drive::Driven,
    flags::SETTINGS,
    folder::Folder,
    mend::First,
    options::{Options, Shown},
};
use crate::{
    cli::{Failure, exit, printable},
    commands::restore,
    screen::Screen,
    settings::{Environment, Setting, Values},
    signals::Signals,
};

pub(crate) const NAME: &str = "trial";

/// The argument that names what is under trial.
pub(crate) const COMMAND: &str = "COMMAND";

pub(crate) fn command() -> Command {
    let target = "The target: what is run for each replica, after a --; else the built-in service";
    Command::new(NAME)
        .about("Will it survive a deploy? Run a service's replicas, disturb them under load, and judge")
        .after_help(flags::AFTER_HELP)
        .arg(Arg::new(COMMAND).help(target).num_args(0..).last(true))
        .args(SETTINGS.iter().map(Setting::arg))
}

/// Makes a trial, to its end or until it is told to stop.
pub(crate) fn run(matches: &ArgMatches, environment: Environment<'_>) -> Result<ExitCode, Failure> {
    let values = Values::new(SETTINGS, matches, environment);
    if values.switch("list-drills")? {
        return list(&drills());
    }
    if values.given("plant").is_some_and(|given| given.text == "list") {
        return list(&plants());
    }
    network::enter(&values)?;
    let options = options::options(&values, words(matches), NAME)?;
    let now = Timestamp::now();
    let folder = Folder::make(&options.runs, now).map_err(no_folder(&options))?;
    if let Some(plant) = options.simulated.clone() {
        return simulate(options, &plant, folder);
    }
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::could_not_run(format!("cannot start the runtime: {error}")))?;
    let code = runtime.block_on(local(options, folder, now));
    runtime.shutdown_background();
    code
}

/// What stands after the --.
pub(crate) fn words(matches: &ArgMatches) -> Vec<String> {
    matches.get_many::<String>(COMMAND).into_iter().flatten().cloned().collect()
}

/// What each drill does, a block each.
fn drills() -> String {
    let all = Drill::ALL.map(|drill| {
        let promise = format!("promise: {}", drill.promise());
        let texts = [(drill.label(), drill.what()), ("", &*promise), ("", drill.allowance())];
        texts.map(|(label, text)| conclude::wrapped(&format!("{label:<16}  "), text)).concat()
    });
    all.concat()
}

/// What can be planted into the simulated world, a line each.
fn plants() -> String {
    let lines: Vec<String> = simulated::PLANTS.iter().map(|(name, what)| format!("{name:<30}  {what}\n")).collect();
    lines.concat()
}

/// Why nothing is known of the changes.
const UNTRIED: &str = "interrupted";

/// The longest that a simulated trial may take, in its own time.
const LONGEST: Duration = Duration::from_hours(12);

fn simulate(mut options: Options, plant: &str, mut folder: Folder) -> Result<ExitCode, Failure> {
    let quiet = options.shown == Shown::Nothing;
    // The same seed gives the same history, so it does not say when.
    "1970-01-01T00:00:00Z".clone_into(&mut options.header.began);
    let load = &options.load;
    let mut world = World {
        rate: options.header.rate,
        fresh: load.connections.fresh,
        connections: load.connections.keep,
        timeout: load.timeouts.request,
        idempotent: options.header.idempotent,
        behaviour: Behaviour::default(),
        seed: options.header.seed,
        limit: LONGEST,
    };
    // Whether there is such a plant was looked at before. It may change the rules, too.
    simulated::plant(plant, &mut options.plan, &mut world);
    options.header.deployment = rules::without_secrets(&options.plan.deployment);
    options.header.drills.clone_from(&options.plan.drills);
    options.header.timeout = world.timeout;
    options.header.connections = world.connections;
    options.header.idempotent = world.idempotent;
    let history = made_up(&options, &world, &mut folder)?;
    let mut first = First::new(history, folder);
    let mut next = first.proposal(&options);
    announce(&options, &first, next.as_ref());
    if next.is_some() {
        first.keep();
    }
    let mut broken_off = None;
    while let Some(proposal) = next.take() {
        let folder = first.folder.beside(folder::WITH_FIX).map_err(no_folder(&options));
        options.with(&proposal, &first.history.header);
        let second = folder.and_then(|mut folder| made_up(&options, &world, &mut folder));
        match second.and_then(|second| first.tried(&second, &proposal)) {
            Ok(further) => next = further,
            Err(failure) => broken_off = Some(failure),
        }
        if next.is_some() {
            announce(&options, &first, next.as_ref());
        }
    }
    mend::ended(first.conclude(&options, quiet), broken_off)
}

/// Says what is to be tried, where somebody asked for it.
fn announce(options: &Options, first: &First, next: Option<&Proposal>) {
    if options.try_fix && options.shown != Shown::Nothing {
        // Nobody may be reading; then nobody misses it.
        let _told = writeln!(io::stderr(), "{}", printable(&first.announced(next)));
    }
}

/// A trial in a made-up world, with its history written down.
fn made_up(options: &Options, world: &World, folder: &mut Folder) -> Result<History, Failure> {
    let seen = simulated::run(options.plan.clone(), *world);
    let history = History {
        header: options.header.clone(),
        events: seen.events,
        intervals: seen.intervals,
        floods: Vec::new(),
        audit: None,
        footer: Some(seen.footer),
    };
    for line in lines::all(&history).lines() {
        folder.record(line);
    }
    folder.flush();
    whole(folder)?;
    if seen.end == Some(End::NeverReady) {
        return Err(Failure::could_not_run("the simulated target did not become ready in time; see --patience"));
    }
    Ok(history)
}

async fn local(mut options: Options, folder: Folder, now: Timestamp) -> Result<ExitCode, Failure> {
    // Before anything else: as PID 1 a signal without a handler is not delivered at all.
    let mut signals = Signals::install().map_err(cannot("cannot handle signals"))?;
    let quiet = options.shown == Shown::Nothing;
    let (history, folder) = sail(&options, folder, now, &mut signals).await?;
    let mut first = First::new(history, folder);
    let mut next = first.proposal(&options);
    announce(&options, &first, next.as_ref());
    if next.is_some() {
        first.keep();
    }
    let mut broken_off = None;
    while let Some(proposal) = next.take() {
        let folder = first.folder.beside(folder::WITH_FIX).map_err(no_folder(&options));
        options.with(&proposal, &first.history.header);
        // What it says is still true of the first one, whatever becomes of the others.
        let second = match folder {
            Ok(folder) => sail(&options, folder, Timestamp::now(), &mut signals).await,
            Err(failure) => Err(failure),
        };
        let further = second.and_then(|(second, _)| {
            if assess(&second).interrupted {
                return Err(Failure { code: exit::INTERRUPTED, message: UNTRIED.to_owned() });
            }
            first.tried(&second, &proposal)
        });
        match further {
            Ok(further) => next = further,
            Err(failure) => broken_off = Some(failure),
        }
        if next.is_some() {
            announce(&options, &first, next.as_ref());
        }
    }
    // Whoever reads a terminal or a pipe may have stopped, so what writes to them must not keep a signal waiting.
    let told = task::spawn_blocking(move || first.conclude(&options, quiet));
    let code = tokio::select! {
        biased;
        code = told => {
            code.unwrap_or_else(|error| Err(Failure::could_not_run(format!("the result was not told: {error}"))))
        }
        _ = signals.next() => Ok(exit::INTERRUPTED.into()),
    };
    mend::ended(code, broken_off)
}

fn cannot(what: &'static str) -> impl Fn(io::Error) -> Failure {
    move |error| Failure::could_not_run(format!("{what}: {error}"))
}

fn no_folder(options: &Options) -> impl Fn(io::Error) -> Failure {
    let runs = options.runs.display().to_string();
    move |error| Failure::could_not_run(format!("--runs: {runs}: {error}"))
}

/// Makes a trial with real processes.
async fn sail(
    options: &Options,
    mut folder: Folder,
    now: Timestamp,
    signals: &mut Signals,
) -> Result<(History, Folder), Failure> {
    let mut screen = Screen::start().map_err(cannot("cannot start a thread"))?;
    let mut header = options.header.clone();
    header.began = now.round(Unit::Millisecond).unwrap_or(now).to_string();
    greet(options, &header, &mut screen)?;
    folder.record(&lines::header(&header));
    folder.flush();
    let trial = format!("{}-{}", folder.name(), std::process::id());
    let journal = Journal::begin(&folder.path, &trial).map_err(cannot("cannot write the journal"))?;
    let epoch = Instant::now();
    let anybody = TlsFiles { insecure: true, ..TlsFiles::default() };
    let mut running = local::start(Local {
        target: options.target(&folder.path)?,
        plan: options.plan.clone(),
        folder: folder.path.clone(),
        journal,
        epoch,
        probe_tls: tls::config(&anybody, false).ok(),
        as_first_process: options.as_first_process,
        open: false,
        database: options.beside.database.clone(),
        memory_limit: options.beside.memory_limit,
        network: options
            .beside
            .breaker
            .clone()
            .map(|nft| Network { nft, clients: options.load.connections.sources.clone() }),
    })
    .map_err(cannot("cannot start the platform"))?;
    let history =
        History { header, events: Vec::new(), intervals: Vec::new(), floods: Vec::new(), audit: None, footer: None };
    let driven = drive::drive(options, &mut folder, history, epoch, &mut running, signals, &mut screen).await;
    let ended = running.end().map_err(cannot("the platform broke off"))?;
    drop(screen);
    whole(&folder)?;
    let history = recorded(options, &folder, driven, &ended)?;
    Ok((history, folder))
}

/// What is said before a trial.
fn greet(options: &Options, header: &Header, screen: &mut Screen) -> Result<(), Failure> {
    let mut say = |line: String| {
        if options.shown != Shown::Nothing {
            screen.err(printable(&line));
        }
    };
    for left in journal::restore(&options.runs).map_err(cannot("cannot restore what an earlier trial left"))? {
        let ended = restore::processes(left.processes);
        say(format!("a trial that was killed had left {ended}: ended now ({})", left.folder.display()));
    }
    say(format!(
        "sea trial of {}, {} on this machine",
        header.target,
        text::counted(header.deployment.replicas.into(), "replica")
    ));
    for assumption in &header.assumptions {
        say(format!("  {assumption}"));
    }
    Ok(())
}

/// What came of it: an error where there was no trial that could be judged.
fn recorded(options: &Options, folder: &Folder, driven: Driven, ended: &Ended) -> Result<History, Failure> {
    let Driven { history, interrupted, .. } = could_run(options, folder, driven, ended)?;
    let began = history.events.iter().any(|(_, event)| matches!(event, Event::DrillBegun { .. }));
    if interrupted && !began {
        return Err(Failure { code: exit::INTERRUPTED, message: "interrupted before the first drill".to_owned() });
    }
    Ok(history)
}

/// An error where the target, or the load, could not be run.
pub(crate) fn could_run(options: &Options, folder: &Folder, driven: Driven, ended: &Ended) -> Result<Driven, Failure> {
    let Driven { history, foreign, not_started, broken, .. } = &driven;
    if let Some(error) = broken {
        return Err(Failure::could_not_run(format!("the load broke off: {error}")));
    }
    if let Some(why) = not_started {
        return Err(Failure::could_not_run(format!("the target cannot be started: {why}")));
    }
    if let Some(foreign) = foreign {
        return Err(Failure::could_not_run(format!(
            "{foreign}: its answers would be judged in place of the target's; end it, or have the command use {{port}}"
        )));
    }
    if ended.end == End::NeverReady {
        return Err(Failure::could_not_run(never_ready::words(options, folder, history, ended)));
    }
    Ok(driven)
}

/// The history is what all else is made of: if it is not whole, somebody has to know.
fn whole(folder: &Folder) -> Result<(), Failure> {
    folder.broken().map_or(Ok(()), |error| {
        Err(Failure::could_not_run(format!("cannot write {}: {error}", folder.path.join(folder::HISTORY).display())))
    })
}
