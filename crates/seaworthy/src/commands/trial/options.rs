//! What was asked for: the flags, understood and checked, before anything is done.

use std::{
    io::{self, IsTerminal as _},
    net::{IpAddr, Ipv4Addr},
    num::NonZero,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use seaworthy_core::{
    arrivals::{Profile, Rate, Spacing},
    cluster::Propagation,
    deployment::{Deployment, Probe},
    history::{Expectations, Header},
    replay::Policy,
    report::trial::TrialFormat,
    text,
    threshold::Threshold,
    trial::{Plan, Timing},
};
use seaworthy_load::{
    endpoints::Endpoints,
    plan::{Connections, Pace, Plan as Load, Protocol, Timeouts, Weighted, Workload},
};
use seaworthy_trial::{simulated::Behaviour, target::Target};

use super::{
    asked::{self, Beside},
    audit,
    rules::{self, Rules},
    subject::{self, Subject},
};
use crate::{
    cli::Failure,
    commands::load::{
        command_line,
        conclude::{expected, machine},
        options::{expectation, from_one_to},
        redact,
        target::Target as Url,
        writes,
    },
    outputs::Output,
    settings::{self, Values},
};

/// The shortest time-out.
const SHORTEST: Duration = Duration::from_millis(1);

/// The most connections at once. A replica that hangs holds on to all that were opened to it.
const MOST_CONNECTIONS: usize = 4_000;

/// The most connections that can be kept.
const MOST_KEPT: usize = 1_000;

/// The highest rate: a trial is about what is lost, and not about how much a target can do.
const MOST_RATE: f64 = 20_000.0;

/// Where clients connect from: one address has about 28,000 source ports, and each is taken for a minute after its
/// connection was closed, which is enough for 470 a second.
const SOURCES: std::ops::RangeInclusive<u8> = 11..=18;

/// The longest that anything in a trial may take.
pub(crate) const LONGEST: Duration = Duration::from_hours(1);

/// The longest freeze that is not asked for.
const LONGEST_FREEZE: Duration = Duration::from_mins(2);

/// What is shown while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// A picture on the terminal.
    View { colour: bool },
    /// A line on stderr from time to time.
    Lines,
    /// Nothing.
    Nothing,
}

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Options {
    /// Where the world is made up: what is planted into it.
    pub(crate) simulated: Option<String>,
    pub(crate) subject: Subject,
    pub(crate) beside: Beside,
    pub(crate) plan: Plan,
    /// The load; where it goes is known later.
    pub(crate) load: Load,
    /// All but when it began.
    pub(crate) header: Header,
    pub(crate) outputs: Vec<Output<TrialFormat>>,
    pub(crate) shown: Shown,
    pub(crate) runs: PathBuf,
    pub(crate) as_first_process: bool,
    pub(crate) try_fix: bool,
}

/// Understands what was asked for, of the command of this name.
pub(crate) fn options(values: &Values<'_>, words: Vec<String>, name: &str) -> Result<Options, Failure> {
    let simulated = simulated(values, &words)?;
    let propagation = values.parse("propagation", propagation)?;
    let subject = subject::subject(values, words)?;
    let Rules { deployment, manifest, mut assumptions } =
        rules::rules(values, subject.readiness(), subject.ports(), subject.has_command())?;
    let subject = subject.with(manifest)?;
    if simulated.is_none() {
        assumptions.extend(subject.assumptions());
    }
    asked::fits(values, &subject)?;
    let beside = asked::beside(values, simulated.is_some(), &mut assumptions)?;
    let drills = asked::drills(values, &deployment, simulated.is_some(), &mut assumptions)?;
    let plan = Plan {
        timing: timing(values, &deployment, propagation)?,
        asked: asked::asked(values, &drills, rate(values)?.as_per_second(), beside.database.is_some())?,
        seed: seed(values)?,
        deployment,
        drills,
        propagation,
    };
    let (load, request, idempotent) = load(values, plan.seed, simulated.is_some())?;
    let header = Header {
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        began: String::new(),
        command: shown_command(values, &subject, name),
        target: if simulated.is_some() { "a simulated service".to_owned() } else { subject.words() },
        platform: if simulated.is_some() { "simulated" } else { "local" }.to_owned(),
        machine: measured_from(simulated.is_some()),
        seed: plan.seed,
        deployment: rules::without_secrets(&plan.deployment),
        assumptions,
        drills: plan.drills.clone(),
        propagation_least: propagation.least,
        propagation_most: propagation.most,
        rate: rate(values)?.as_per_second(),
        fresh: load.connections.fresh,
        connections: load.connections.keep,
        request,
        idempotent,
        expected: expected(&load.workload, &load.expectation),
        timeout: load.timeouts.request,
        expectations: expectations(values)?,
        writes: !matches!(load.workload, Workload::Requests(_)),
        tried: None,
    };
    Ok(Options {
        simulated,
        subject,
        beside,
        plan,
        load,
        header,
        outputs: Output::all(values, TrialFormat::by_ending)?,
        shown: shown(values)?,
        runs: runs(values)?,
        as_first_process: values.switch("as-pid-1")?,
        try_fix: values.switch("try-fix")?,
    })
}

/// Where it is measured from, and what that place cannot show.
fn measured_from(simulated: bool) -> String {
    if simulated {
        "a simulated world: it shows what a cause looks like, and nothing of a service".to_owned()
    } else {
        format!("{}: a process and its lifecycle, not a cluster's network", machine())
    }
}

/// Where the runs are kept.
pub(crate) fn runs(values: &Values<'_>) -> Result<PathBuf, Failure> {
    match values.path("runs")? {
        Some(path) => Ok(path),
        None => Ok(values.text("runs").into()),
    }
}

/// What a trial is held to.
pub(crate) fn expectations(values: &Values<'_>) -> Result<Expectations, Failure> {
    let thresholds = values.all("threshold");
    for given in &thresholds {
        given.parse(str::parse::<Threshold>)?;
    }
    Ok(Expectations {
        max_lost: values.parse("max-lost", |text| text.parse().map_err(|_error| "is not a number of requests"))?,
        max_p99: values.optional("max-p99", settings::duration)?,
        thresholds: thresholds.into_iter().map(|given| given.text).collect(),
        client_retries: values.optional("client-retries", str::parse::<Policy>)?,
    })
}

fn simulated(values: &Values<'_>, words: &[String]) -> Result<Option<String>, Failure> {
    let simulated = values.parse("platform", |text| match text {
        "local" => Ok(false),
        "simulated" => Ok(true),
        "kubernetes" => Err("is not there yet; give local or simulated"),
        _ => Err("is no platform; give local or simulated"),
    })?;
    if !simulated {
        if values.is_given("plant") {
            return Err(Failure::usage(
                "--plant goes with --platform simulated: nothing is planted into a real target",
            ));
        }
        return Ok(None);
    }
    if !words.is_empty() {
        return Err(Failure::usage("--platform simulated runs no command; leave it out, or the flag"));
    }
    let Some(plant) = values.given("plant") else { return Ok(Some("none".to_owned())) };
    let there_is = |text: &str| Behaviour::named(text).ok_or("is nothing that can be planted; 'list' says what can be");
    plant.parse(there_is).map(|_behaviour| Some(plant.text))
}

fn propagation(text: &str) -> Result<Propagation, String> {
    let time = |text: &str| match settings::duration(text.trim()) {
        Ok(time) if time > Duration::from_mins(1) => Err("is too long; a minute is the most".to_owned()),
        judged => judged.map_err(str::to_owned),
    };
    let (least, most) = match text.split_once("..") {
        Some((least, most)) => (time(least)?, time(most)?),
        None => (time(text)?, time(text)?),
    };
    if least > most {
        return Err("is no range; give the shorter time first".to_owned());
    }
    Ok(Propagation { least, most })
}

fn timing(values: &Values<'_>, deployment: &Deployment, propagation: Propagation) -> Result<Timing, Failure> {
    let time = |name: &str, least: Duration| {
        values.parse(name, |text| match settings::duration(text) {
            Ok(time) if time < least => Err(format!("is too short; give at least {least:?}")),
            Ok(time) if time > LONGEST => Err("is too long; an hour is the most".to_owned()),
            judged => judged.map_err(str::to_owned),
        })
    };
    let noticed = deployment.template.readiness.as_ref().map_or(Duration::from_secs(3), Probe::detection);
    let freeze = if values.is_given("freeze") {
        time("freeze", Duration::from_millis(100))?
    } else {
        noticed.saturating_add(propagation.most).saturating_add(Duration::from_secs(2)).min(LONGEST_FREEZE)
    };
    Ok(Timing {
        baseline: time("baseline", Duration::from_millis(500))?,
        before: time("before", Duration::ZERO)?,
        after: time("after", Duration::ZERO)?,
        freeze,
        observe: time("observe", Duration::from_millis(500))?,
        patience: time("patience", Duration::from_secs(1))?,
        slack: Duration::from_secs(30),
    })
}

fn seed(values: &Values<'_>) -> Result<u64, Failure> {
    let given = values.optional("seed", |text| text.parse().map_err(|_error| "is not a whole number"))?;
    let since_epoch = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    // Six digits: short enough to be typed again.
    Ok(given.unwrap_or_else(|| u64::from(since_epoch().subsec_micros())))
}

fn rate(values: &Values<'_>) -> Result<Rate, Failure> {
    values.parse("rate", |text| match text.parse::<Rate>() {
        Ok(rate) if rate.as_per_second() > MOST_RATE => {
            Err(format!("is too much for a trial; give at most {}/s", text::number(MOST_RATE)))
        }
        Ok(rate) if rate.as_per_second() < 0.1 => Err("is too little; give at least 0.1/s".to_owned()),
        judged => judged.map_err(str::to_owned),
    })
}

/// Requests in words, and whether they may be sent again without asking.
fn named(requests: &[Weighted], path: &str, words: &str) -> (String, bool) {
    let idempotent = requests.iter().all(|weighted| weighted.request.is_idempotent());
    match requests {
        [one] => (format!("{} {}", one.request.method(), redact::url(path)), idempotent),
        _ => (words.to_owned(), idempotent),
    }
}

/// The load, the request in words, and whether it may be sent again without asking.
fn load(values: &Values<'_>, seed: u64, simulated: bool) -> Result<(Load, String, bool), Failure> {
    let path = values.parse("path", |path| {
        if path.starts_with('/') { Ok(path.to_owned()) } else { Err("is no path; it begins with a /") }
    })?;
    let url = values.parse("host", |host| Url::parse(&format!("http://{host}{path}")))?;
    let sent = audit::sent(values, &url, seed, simulated)?;
    let (request, idempotent) = match &sent.workload {
        Workload::Requests(all) => named(all, &path, &sent.words),
        // Whether an unanswered write was executed is found out at the end, so without an answer it is a lost request.
        Workload::Users(_) => (sent.words.clone(), true),
        Workload::Writes(plan) => {
            let (request, idempotent) = named(&plan.requests, &path, &sent.words);
            (writes::with_writes(&request, plan), idempotent)
        }
    };
    let fresh = values.parse("fresh", |text| {
        let percent = text.strip_suffix('%').unwrap_or(text).trim().parse::<f64>().ok();
        percent.filter(|percent| (0.0..=100.0).contains(percent)).ok_or("is not a percentage; give 0 to 100")
    })?;
    let load = Load {
        pace: Pace::Open { profile: Profile::constant(rate(values)?, None), spacing: Spacing::Even, limit: None },
        workload: sent.workload,
        expectation: expectation(values)?,
        // Until there are replicas.
        endpoints: Endpoints::Fixed((Ipv4Addr::LOCALHOST, 0).into()),
        protocol: Protocol::Http1,
        tls: None,
        connections: Connections {
            keep: values.parse("connections", |text| from_one_to(MOST_KEPT, text))?,
            most: MOST_CONNECTIONS,
            fresh: fresh / 100.0,
            sources: SOURCES.map(|last| IpAddr::from([127, 0, 0, last])).collect(),
        },
        timeouts: Timeouts {
            connect: values.duration_of_at_least("connect-timeout", SHORTEST)?,
            request: values.duration_of_at_least("timeout", SHORTEST)?,
        },
        resend: !values.switch("no-resend")?,
        keep_answers: values.switch("record-all")?,
        threads: NonZero::<usize>::MIN,
        seed,
    };
    Ok((load, request, idempotent))
}

fn shown_command(values: &Values<'_>, subject: &Subject, name: &str) -> String {
    let mut words = command_line::shown(values, name, None);
    if let Subject::Command { .. } = subject {
        words.push_str(" --");
        for word in subject.shown() {
            words.push(' ');
            words.push_str(&command_line::quoted(&word));
        }
    }
    words
}

fn shown(values: &Values<'_>) -> Result<Shown, Failure> {
    let colour = !values.switch("no-color")? && values.platform("NO_COLOR").is_none();
    Ok(if values.switch("quiet")? {
        Shown::Nothing
    } else if values.switch("no-tui")? || !io::stderr().is_terminal() {
        Shown::Lines
    } else {
        Shown::View { colour }
    })
}

impl Options {
    /// What is run, with its files in the folder of a run.
    pub(crate) fn target(&self, folder: &std::path::Path) -> Result<Target, Failure> {
        self.subject.target(&self.plan.deployment, folder)
    }
}
