//! The target's rules: from the file, changed by flags, and guessed where nobody says anything.

use std::{fs, time::Duration};

use seaworthy_core::deployment::{Check, Deployment, Hook, Probe, ProbeKind, Share, Strategy, Template};
use seaworthy_trial::manifest::Manifest;

use crate::{
    cli::Failure,
    commands::load::redact,
    settings::{self, Values},
};

/// Replicas, unless something says so.
const REPLICAS: u32 = 3;

/// The most replicas of one machine.
pub(crate) const MOST_REPLICAS: u32 = 20;

/// A file that is larger than this is no manifest.
const MOST_BYTES: u64 = 1 << 20;

/// The rules, and where they came from.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) deployment: Deployment,
    /// The file, as far as it was given.
    pub(crate) manifest: Option<Manifest>,
    /// What nobody said, and what is not followed, a line each.
    pub(crate) assumptions: Vec<String>,
}

/// Understands the rules. Without any word on readiness it is what is known of the target, else a guess.
pub(crate) fn rules(
    values: &Values<'_>,
    known: Option<Probe>,
    ports: &[String],
    has_command: bool,
) -> Result<Rules, Failure> {
    let manifest = manifest(values)?;
    let mut assumptions = Vec::new();
    let mut deployment = match &manifest {
        Some(manifest) => {
            // What is said of a command that is not run would only confuse.
            let kept = |note: &&String| !(has_command && note.starts_with("command: "));
            assumptions.extend(manifest.not_followed.iter().filter(kept).cloned());
            manifest.deployment.clone()
        }
        None => defaults(),
    };
    if let Some(replicas) = values.optional("replicas", replicas)? {
        deployment.replicas = replicas;
    }
    strategy(values, &mut deployment)?;
    if values.is_given("min-ready") {
        deployment.min_ready = values.duration("min-ready")?;
    }
    if values.is_given("progress-deadline") {
        deployment.progress_deadline = values.duration_of_at_least("progress-deadline", Duration::from_secs(1))?;
    }
    let template = &mut deployment.template;
    if values.is_given("grace") {
        template.grace = values.duration("grace")?;
    }
    if let Some(hook) = values.optional("pre-stop", hook)? {
        template.pre_stop = hook;
    }
    for (kind, of) in [
        (ProbeKind::Startup, &mut template.startup),
        (ProbeKind::Readiness, &mut template.readiness),
        (ProbeKind::Liveness, &mut template.liveness),
    ] {
        if let Some(given) = values.optional(kind.label(), probe)? {
            *of = given;
        }
    }
    if template.readiness.is_none() && manifest.is_none() && !values.is_given("readiness") {
        let readiness = known.unwrap_or_else(|| {
            let guess = get(&values.text("path"));
            assumptions.push(format!("readiness is a guess: {}; --readiness says another", words(&guess)));
            guess
        });
        template.readiness = Some(readiness);
    }
    let known = manifest.iter().flat_map(|manifest| &manifest.ports).chain(ports);
    let known: Vec<&str> = known.map(String::as_str).collect();
    named_ports(template, &known)?;
    possible(&deployment)?;
    Ok(Rules { deployment, manifest, assumptions })
}

fn manifest(values: &Values<'_>) -> Result<Option<Manifest>, Failure> {
    let Some(path) = values.path("file")? else {
        if values.is_given("name") {
            return Err(Failure::usage("--name names a Deployment of a file; give that with --file"));
        }
        return Ok(None);
    };
    let cannot = |why: String| Failure::could_not_run(format!("--file: cannot read {}: {why}", path.display()));
    let there = fs::metadata(&path).map_err(|error| cannot(error.to_string()))?;
    if !there.is_file() {
        return Err(cannot("it is not a file".to_owned()));
    }
    if there.len() > MOST_BYTES {
        return Err(cannot("it has more than a megabyte, and is no manifest".to_owned()));
    }
    let text = fs::read_to_string(&path).map_err(|error| cannot(error.to_string()))?;
    let name = values.given("name").map(|given| given.text);
    Manifest::read(&text, name.as_deref())
        .map(Some)
        .map_err(|invalid| Failure::usage(format!("--file: {}: {invalid}", path.display())))
}

/// The rules as they may be kept: headers of probes, and parts of their paths, may be secrets.
pub(crate) fn without_secrets(deployment: &Deployment) -> Deployment {
    let mut kept = deployment.clone();
    let Template { startup, readiness, liveness, pre_stop, .. } = &mut kept.template;
    let probes = [startup, readiness, liveness].into_iter().flatten().map(|probe| &mut probe.check);
    let hook = match pre_stop {
        Some(Hook::Ask(check)) => Some(check),
        Some(Hook::Sleep(_)) | None => None,
    };
    for check in probes.chain(hook) {
        match check {
            Check::Http { path, headers, .. } => {
                *path = redact::url(path);
                for (_, value) in headers {
                    redact::HIDDEN.clone_into(value);
                }
            }
            Check::Exec { command } => *command = redact::words(command, &[]),
            Check::Tcp { .. } => {}
        }
    }
    kept
}

/// As `apps/v1` and `core/v1` have them, but for the number of replicas.
const fn defaults() -> Deployment {
    Deployment {
        replicas: REPLICAS,
        strategy: Strategy::RollingUpdate { max_surge: Share::Percent(25), max_unavailable: Share::Percent(25) },
        min_ready: Duration::ZERO,
        progress_deadline: Duration::from_mins(10),
        revision_history: 10,
        template: Template {
            startup: None,
            readiness: None,
            liveness: None,
            pre_stop: None,
            grace: Duration::from_secs(30),
        },
    }
}

fn replicas(text: &str) -> Result<u32, String> {
    text.parse()
        .ok()
        .filter(|replicas| (1..=MOST_REPLICAS).contains(replicas))
        .ok_or_else(|| format!("is not a number of replicas; give 1 to {MOST_REPLICAS}"))
}

fn strategy(values: &Values<'_>, deployment: &mut Deployment) -> Result<(), Failure> {
    let surge = values.optional("max-surge", share)?;
    let unavailable = values.optional("max-unavailable", share)?;
    if values.switch("recreate")? {
        if surge.or(unavailable).is_some() {
            return Err(Failure::usage("--recreate has no surge; leave out --max-surge and --max-unavailable"));
        }
        deployment.strategy = Strategy::Recreate;
    } else if surge.or(unavailable).is_some() {
        let (had_surge, had_unavailable) = match deployment.strategy {
            Strategy::RollingUpdate { max_surge, max_unavailable } => (max_surge, max_unavailable),
            Strategy::Recreate => (Share::Percent(25), Share::Percent(25)),
        };
        deployment.strategy = Strategy::RollingUpdate {
            max_surge: surge.unwrap_or(had_surge),
            max_unavailable: unavailable.unwrap_or(had_unavailable),
        };
    }
    Ok(())
}

fn share(text: &str) -> Result<Share, &'static str> {
    const WANTED: &str = "is neither a number of replicas nor a share; give one such as 1 or 25%";
    match text.strip_suffix('%') {
        Some(percent) => percent.parse().ok().filter(|percent| *percent <= 100).map(Share::Percent).ok_or(WANTED),
        None => text.parse().ok().filter(|count| *count <= MOST_REPLICAS).map(Share::Count).ok_or(WANTED),
    }
}

/// A probe in words: `/readyz port=ops period=1s`, `tcp`, `exec timeout=2s -- test -f /tmp/ready`, `none`.
fn probe(text: &str) -> Result<Option<Probe>, String> {
    let (words, command) = match text.split_once(" -- ") {
        Some((words, command)) => (words, Some(command)),
        None => (text, None),
    };
    let mut words = words.split_whitespace();
    let what = words.next().unwrap_or_default();
    if what == "none" {
        return if words.next().is_none() { Ok(None) } else { Err("has words after none; leave them out".into()) };
    }
    let mut probe = Probe::new(Check::Tcp { port: None });
    // What is put to processes on this machine may be put more often than across a cluster.
    probe.period = Duration::from_secs(1);
    let mut port = None;
    for word in words {
        let (name, value) = word.split_once('=').ok_or_else(|| {
            format!(
                "has the word {}; there are port, period, timeout, failures, successes and delay",
                settings::quoted(word)
            )
        })?;
        let time = || settings::duration(value).map_err(|error| format!("has {name}={value}, which {error}"));
        let times = || {
            let count = value.parse().ok().filter(|count| (1..=1_000).contains(count));
            count.ok_or_else(|| format!("has {name}={value}; give a number of at least 1"))
        };
        match name {
            "port" => port = Some(value.to_owned()),
            "period" => probe.period = time()?,
            "timeout" => probe.timeout = time()?,
            "delay" => probe.initial_delay = time()?,
            "failures" => probe.failure_threshold = times()?,
            "successes" => probe.success_threshold = times()?,
            _ => {
                return Err(format!(
                    "has {}=; there are port, period, timeout, failures, successes and delay",
                    settings::quoted(name)
                ));
            }
        }
    }
    if probe.period < Duration::from_millis(100) || probe.timeout < Duration::from_millis(1) {
        return Err("is put too often; a period of 100ms and a timeout of 1ms are the least".into());
    }
    probe.check = check(what, port, command)?;
    Ok(Some(probe))
}

fn check(what: &str, port: Option<String>, command: Option<&str>) -> Result<Check, String> {
    match (what, command) {
        ("exec", Some(command)) if port.is_none() => {
            // A shell splits it into words as its author means them.
            Ok(Check::Exec { command: vec!["sh".to_owned(), "-c".to_owned(), command.to_owned()] })
        }
        ("exec", None) => Err("has no command; give it after a --, as in 'exec -- test -f ready'".into()),
        ("tcp", None) => Ok(Check::Tcp { port }),
        (path, None) if path.starts_with('/') => {
            Ok(Check::Http { port, path: path.to_owned(), headers: Vec::new(), tls: false })
        }
        _ => Err("is no check; give '/path', 'tcp', 'exec -- COMMAND' or 'none'".into()),
    }
}

fn hook(text: &str) -> Result<Option<Hook>, String> {
    if let Ok(sleep) = settings::duration(text) {
        return Ok(Some(Hook::Sleep(sleep)));
    }
    match probe(text) {
        Ok(Some(Probe { check: check @ (Check::Http { .. } | Check::Exec { .. }), .. })) => Ok(Some(Hook::Ask(check))),
        Ok(None) => Ok(None),
        Ok(Some(_)) | Err(_) => Err("is no hook; give a sleep such as 5s, '/path', 'exec -- COMMAND' or 'none'".into()),
    }
}

/// A GET each second.
pub(crate) fn get(path: &str) -> Probe {
    let check = Check::Http { port: None, path: path.to_owned(), headers: Vec::new(), tls: false };
    Probe { period: Duration::from_secs(1), ..Probe::new(check) }
}

/// A probe as people read it.
pub(crate) fn words(probe: &Probe) -> String {
    let what = match &probe.check {
        Check::Http { port: None, path, .. } => format!("GET {}", redact::url(path)),
        Check::Http { port: Some(port), path, .. } => format!("GET {} on port {port}", redact::url(path)),
        Check::Tcp { .. } => "a TCP connection".to_owned(),
        Check::Exec { command } => command.join(" "),
    };
    format!("{what} each {:?}", probe.period)
}

/// What the API server would refuse, and what would only ever end by SIGKILL.
fn possible(deployment: &Deployment) -> Result<(), Failure> {
    if let Some(Hook::Sleep(sleep)) = &deployment.template.pre_stop
        && *sleep >= deployment.template.grace
    {
        return Err(Failure::usage(format!(
            "--pre-stop: a sleep of {sleep:?} leaves nothing of the grace period of {:?}; give a longer --grace",
            deployment.template.grace
        )));
    }
    if let Strategy::RollingUpdate {
        max_surge: Share::Count(0) | Share::Percent(0),
        max_unavailable: Share::Count(0) | Share::Percent(0),
    } = deployment.strategy
    {
        return Err(Failure::usage(
            "--max-surge and --max-unavailable are both 0, so nothing could ever be replaced; give one of them",
        ));
    }
    Ok(())
}

/// Probes and hooks can ask only ports that there are.
fn named_ports(template: &Template, known: &[&str]) -> Result<(), Failure> {
    let probes = ProbeKind::ALL.into_iter().filter_map(|kind| Some((kind.label(), &template.probe(kind)?.check)));
    let hook = match &template.pre_stop {
        Some(Hook::Ask(check)) => Some(("pre-stop", check)),
        Some(Hook::Sleep(_)) | None => None,
    };
    for (name, check) in probes.chain(hook) {
        if let Check::Http { port: Some(port), .. } | Check::Tcp { port: Some(port) } = check
            && !known.contains(&port.as_str())
        {
            return Err(Failure::usage(format!("--{name}: there is no port {port:?}; add --port {port}")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_as_people_write_them() {
        let http = probe("/readyz port=ops period=2s timeout=500ms failures=5 successes=2 delay=3s").unwrap().unwrap();
        let check = Check::Http { port: Some("ops".into()), path: "/readyz".into(), headers: vec![], tls: false };
        assert_eq!(http.check, check);
        assert_eq!(
            (http.period, http.timeout, http.initial_delay, http.failure_threshold, http.success_threshold),
            (Duration::from_secs(2), Duration::from_millis(500), Duration::from_secs(3), 5, 2)
        );
        assert_eq!(words(&http), "GET /readyz on port ops each 2s");
        assert_eq!(probe("tcp").unwrap().unwrap().check, Check::Tcp { port: None });
        let exec = probe("exec period=3s -- test -f 'a b'").unwrap().unwrap();
        assert_eq!(exec.check, Check::Exec { command: vec!["sh".into(), "-c".into(), "test -f 'a b'".into()] });
        assert_eq!(probe("none").unwrap(), None);
    }

    #[test]
    fn what_is_no_probe_says_what_would_do() {
        for (text, says) in [
            ("", "is no check"),
            ("readyz", "is no check"),
            ("exec", "has no command"),
            ("none period=1s", "leave them out"),
            ("/x period", "there are port, period"),
            ("/x interval=1s", "there are port, period"),
            ("/x period=often", "is not a duration"),
            ("/x period=0s", "too often"),
            ("/x failures=0", "at least 1"),
            ("tcp -- true", "is no check"),
        ] {
            let error = probe(text).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
        assert_eq!(hook("5s"), Ok(Some(Hook::Sleep(Duration::from_secs(5)))));
        assert_eq!(hook("none"), Ok(None));
        for text in ["tcp", "later", ""] {
            assert!(hook(text).is_err(), "{text}");
        }
    }

    #[test]
    fn shares_are_counts_or_percentages() {
        assert_eq!(share("1"), Ok(Share::Count(1)));
        assert_eq!(share("25%"), Ok(Share::Percent(25)));
        for text in ["", "-1", "101%", "a", "1.5", "%", "21"] {
            assert!(share(text).is_err(), "{text}");
        }
    }
}
