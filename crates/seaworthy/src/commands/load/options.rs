//! What was asked for: the flags, understood and checked, before anything is done.

use std::{
    io::{self, IsTerminal as _},
    net::{IpAddr, SocketAddr},
    time::{Duration, SystemTime},
};

use clap::ArgMatches;
use seaworthy_core::{
    report::{self, Format},
    text,
    threshold::Threshold,
};
use seaworthy_load::{
    Plan,
    endpoints::Endpoints,
    expectation::{Expectation, Statuses},
    plan::{Connections, Protocol, Timeouts, Tls},
    tls::{self, TlsFiles},
};

use super::{
    URL, command_line,
    flags::SETTINGS,
    pace::{self, Paced},
    redact, requests,
    target::{self, Route, Target},
};
use crate::{
    cli::{Failure, printable},
    outputs::Output,
    settings::{self, Environment, Source, Values},
};

/// The variable that names the target, as the tutorials' load generator has it.
const SERVER_ADDR: &str = "SERVER_ADDR";

/// The most connections, unless something says so.
const MOST_CONNECTIONS: usize = 100;

/// The shortest time-out.
const SHORTEST: Duration = Duration::from_millis(1);

/// What is shown while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// A picture on the terminal.
    View { colour: bool },
    /// A line on stderr from time to time.
    Lines,
    /// A line on stdout each second, as a pod's log.
    Log,
    /// Nothing.
    Nothing,
}

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) plan: Plan,
    pub(crate) target: Target,
    pub(crate) route: Route,
    pub(crate) paced: Paced,
    /// What is sent, in words.
    pub(crate) scenario: String,
    pub(crate) outputs: Vec<Output<Format>>,
    pub(crate) thresholds: Vec<Threshold>,
    pub(crate) shown: Shown,
    /// Whether it runs in a pod, and nobody looks at a terminal.
    pub(crate) workload: bool,
    pub(crate) quiet: bool,
    pub(crate) ops_listen: Option<SocketAddr>,
    /// The command line, without its secrets.
    pub(crate) command: String,
}

/// The most connections that can be asked for: more than a machine has source ports for.
const BOUND_OF_CONNECTIONS: usize = 100_000;

/// The most requests at once on an HTTP/2 connection that can be asked for.
const BOUND_OF_STREAMS: usize = 10_000;

/// The most requests at once of a closed loop.
const BOUND_AT_ONCE: usize = 1_000_000;

/// The most requests at once on an HTTP/2 connection of an open loop.
const STREAMS: usize = 100;

/// Understands what was asked for.
pub(crate) fn options(matches: &ArgMatches, environment: Environment<'_>) -> Result<Options, Failure> {
    let values = Values::new(SETTINGS, matches, environment);
    let typed = matches.get_one::<String>(URL).map(String::as_str);
    let entries = requests::from_file(&values)?;
    let server = values.platform(SERVER_ADDR);
    let workload = typed.is_none() && server.is_some();
    let first = entries.as_ref().and_then(|all| all.first()).map(|entry| &*entry.url);
    let target = target(typed, server.as_deref(), first.filter(|url| url.contains("://")))?;
    let route = target::route(&values, &target)?;
    let paced = pace::pace(&values, workload)?;
    let connections = connections(&values, &paced, &route)?;
    let protocol = protocol(&values, &paced, connections.most)?;
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let seed = values.optional("seed", |text| text.parse().map_err(|_error| "is not a whole number"))?;
    // Six digits: short enough to be typed again.
    let seed = seed.unwrap_or_else(|| u64::from(since_epoch.subsec_micros()));
    let mark = format!("{:x}-{seed:x}", since_epoch.as_millis());
    let sent = requests::sent(&values, &target, route.host.as_ref(), entries, mark)?;
    let (shown, quiet) = shown(&values, workload)?;
    let plan = Plan {
        threads: pace::threads(&values, &paced, connections.most)?,
        pace: paced.pace.clone(),
        workload: sent.workload,
        expectation: expectation(&values)?,
        endpoints: route.endpoints.clone(),
        tls: encryption(&values, &target, &route, protocol)?,
        protocol,
        connections,
        timeouts: Timeouts {
            connect: values.duration_of_at_least("connect-timeout", SHORTEST)?,
            request: values.duration_of_at_least("timeout", SHORTEST)?,
        },
        resend: !values.switch("no-resend")?,
        keep_answers: false,
        seed,
    };
    Ok(Options {
        plan,
        route,
        paced,
        // A file's name may have anything in it, and this is shown on terminals.
        scenario: printable(&sent.words),
        outputs: Output::all(&values, report::by_ending)?,
        thresholds: values.all("threshold").iter().map(|given| given.parse(str::parse)).collect::<Result<_, _>>()?,
        shown,
        workload,
        quiet,
        ops_listen: values.optional("ops-listen", settings::address)?,
        command: command_line::shown(&values, super::NAME, typed),
        target,
    })
}

/// The target: as typed, else of the environment, else of the first request in the file.
fn target(typed: Option<&str>, server: Option<&str>, first: Option<&str>) -> Result<Target, Failure> {
    let (origin, text) = match (typed, server, first) {
        (Some(typed), ..) => ("the URL", typed),
        (None, Some(server), _) => (SERVER_ADDR, server),
        (None, None, Some(first)) => ("--targets", first),
        (None, None, None) => {
            return Err(Failure::usage(
                "there is no target; give its URL, such as: seaworthy load http://127.0.0.1:8080/",
            ));
        }
    };
    let shown = settings::quoted(&redact::url(text));
    Target::parse(text).map_err(|error| Failure::usage(format!("{origin}: {shown} {error}")))
}

fn connections(values: &Values<'_>, paced: &Paced, route: &Route) -> Result<Connections, Failure> {
    let number = |text: &str| from_one_to(BOUND_OF_CONNECTIONS, text);
    let most_given = values.optional("max-connections", number)?;
    let keep_given = values.optional("connections", number)?;
    let keep: usize = keep_given.unwrap_or_else(|| most_given.unwrap_or(usize::MAX).min(10));
    let mut most = most_given.unwrap_or_else(|| if keep_given.is_some() { keep } else { MOST_CONNECTIONS });
    if paced.is_closed() {
        if values.source("max-connections") == Some(Source::Flag) {
            return Err(Failure::usage("--max-connections goes with a rate; with --max there are as many as -c says"));
        }
        most = keep;
    }
    if keep > most {
        return Err(Failure::usage(format!("--connections: {keep} are more than --max-connections, which are {most}")));
    }
    let sources = values
        .all("source-address")
        .iter()
        .map(|given| {
            given.parse(|text| text.parse::<IpAddr>().map_err(|_error| "is not an IP address of this machine"))
        })
        .collect::<Result<Vec<_>, _>>()?;
    if let Endpoints::Fixed(address) = route.endpoints
        && let Some(other) = sources.iter().find(|source| source.is_ipv4() != address.is_ipv4())
    {
        return Err(Failure::usage(format!(
            "--source-address: from {other} there is no way to {address}; give one of the same family"
        )));
    }
    Ok(Connections { keep, most, fresh: fresh(values)?, sources })
}

/// The share of requests that have a connection of their own.
fn fresh(values: &Values<'_>) -> Result<f64, Failure> {
    let share = values.optional("fresh", |text| {
        let percent = text.strip_suffix('%').unwrap_or(text).trim().parse::<f64>().ok();
        percent.filter(|percent| (0.0..=100.0).contains(percent)).ok_or("is not a percentage; give 0 to 100")
    })?;
    match (values.switch("disable-keepalive")?, share) {
        (true, Some(_)) => Err(Failure::usage("--disable-keepalive is --fresh 100; leave one of them out")),
        (true, None) => Ok(1.0),
        (false, share) => Ok(share.unwrap_or(0.0) / 100.0),
    }
}

/// A whole number, of which there are at least 1 and at most so many.
pub(crate) fn from_one_to(most: usize, text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if number > most => Err(format!("are too many; give at most {}", text::thousands(most as u64))),
        Ok(number) if number > 0 => Ok(number),
        _ => Err("is not a whole number of at least 1".into()),
    }
}

fn protocol(values: &Values<'_>, paced: &Paced, connections: usize) -> Result<Protocol, Failure> {
    let given = values.optional("streams", |text| from_one_to(BOUND_OF_STREAMS, text))?;
    // A closed loop is as wide as it is told to be, and no wider.
    let streams = given.unwrap_or_else(|| if paced.is_closed() { 1 } else { STREAMS });
    if values.switch("http2")? {
        if paced.is_closed() && connections.saturating_mul(streams) > BOUND_AT_ONCE {
            return Err(Failure::usage(format!(
                "--streams: with --max {connections} connections of {streams} streams are too many; give at most {} in all",
                text::thousands(BOUND_AT_ONCE as u64)
            )));
        }
        Ok(Protocol::Http2 { streams })
    } else if values.source("streams") == Some(Source::Flag) {
        Err(Failure::usage("--streams goes with --http2: HTTP/1.1 has one request at a time on a connection"))
    } else {
        Ok(Protocol::Http1)
    }
}

pub(crate) fn expectation(values: &Values<'_>) -> Result<Expectation, Failure> {
    let statuses = values.optional("expect-status", str::parse::<Statuses>)?;
    let body = values.optional("expect-body", |text| match text {
        "" => Err("is in every body; give what it must contain, or leave it out"),
        text => Ok(text.as_bytes().into()),
    })?;
    Ok(Expectation {
        statuses: statuses.map(|Statuses(ranges)| ranges).unwrap_or_default(),
        body,
        any_shape: values.switch("any-body")?,
    })
}

fn encryption(values: &Values<'_>, target: &Target, route: &Route, protocol: Protocol) -> Result<Option<Tls>, Failure> {
    let files = TlsFiles {
        ca: values.path("cacert")?,
        identity: match (values.path("cert")?, values.path("key")?) {
            (Some(cert), Some(key)) => Some((cert, key)),
            (None, None) => None,
            (Some(_), None) => return Err(Failure::usage("--cert wants its private key too; give it with --key")),
            (None, Some(_)) => return Err(Failure::usage("--key goes with a certificate; give it with --cert")),
        },
        insecure: values.switch("insecure")?,
    };
    if !target.tls {
        for name in ["insecure", "cacert", "cert", "key"] {
            if values.source(name) == Some(Source::Flag) {
                let kept = if name == "insecure" { " (ab's -k: connections are kept anyway)" } else { "" };
                return Err(Failure::usage(format!(
                    "--{name} goes with https, and {} is not{kept}; leave it out, or give an https URL",
                    target.shown()
                )));
            }
        }
        return Ok(None);
    }
    if files.insecure && files.ca.is_some() {
        return Err(Failure::usage("--insecure takes any certificate, so --cacert has no use; leave one of them out"));
    }
    let name = target::certificate_name(target, route)?;
    let http2 = matches!(protocol, Protocol::Http2 { .. });
    let config = tls::config(&files, http2).map_err(|error| Failure::could_not_run(format!("TLS: {error}")))?;
    Ok(Some(Tls { config, name }))
}

/// What is shown while it runs, and whether nothing is to be said at all.
fn shown(values: &Values<'_>, workload: bool) -> Result<(Shown, bool), Failure> {
    let quiet = values.switch("quiet")?;
    let plain = values.switch("no-tui")?;
    let colour = !values.switch("no-color")? && values.platform("NO_COLOR").is_none();
    let shown = if quiet {
        Shown::Nothing
    } else if workload {
        Shown::Log
    } else if plain || !io::stderr().is_terminal() {
        Shown::Lines
    } else {
        Shown::View { colour }
    };
    Ok((shown, quiet))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::load::command;

    fn asked(line: &[&str], environment: &[(&str, &str)]) -> Result<Options, String> {
        let matches = command().try_get_matches_from([&["load"], line].concat()).map_err(|error| error.to_string())?;
        let lookup =
            |name: &str| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        options(&matches, &lookup).map_err(|failure| failure.message)
    }

    #[test]
    fn what_holds_by_default() {
        let options = asked(&["http://127.0.0.1:8080/x"], &[]).unwrap();
        let Connections { keep, most, fresh, .. } = options.plan.connections;
        assert_eq!((keep, most, fresh, options.plan.threads.get()), (10, 100, 0.0, 1));
        assert_eq!(options.plan.timeouts.request, Duration::from_secs(10));
        assert!(options.plan.resend && options.plan.tls.is_none() && !options.workload && options.paced.ends());
        assert_eq!(options.scenario, "GET http://127.0.0.1:8080/x");
    }

    #[test]
    fn connections_follow_from_one_another() {
        for (line, keep, most) in [
            (&["-c", "5"] as &[&str], 5, 5),
            (&["-c", "5", "--max-connections", "50"], 5, 50),
            (&["--max-connections", "5"], 5, 5),
            (&["--max-connections", "50"], 10, 50),
            (&["--max", "-c", "32"], 32, 32),
            (&["--max"], 10, 10),
        ] {
            let connections = asked(&[&["http://h"], line].concat(), &[]).unwrap().plan.connections;
            assert_eq!((connections.keep, connections.most), (keep, most), "{line:?}");
        }
    }

    #[test]
    fn in_a_pod_it_is_a_workload() {
        let options = asked(&[], &[("SERVER_ADDR", "hello-svc:8080"), ("REQUESTS_PER_SECOND", "7")]).unwrap();
        assert!(options.workload && !options.paced.ends() && options.shown == Shown::Log);
        assert_eq!(options.target.url.to_string(), "http://hello-svc:8080/");
        assert_eq!(options.paced.words(1), "7/s, evenly spaced");
        let typed = asked(&["http://other"], &[("SERVER_ADDR", "hello-svc:8080")]).unwrap();
        assert!(!typed.workload && typed.paced.ends());
        assert!(asked(&["-z", "5s"], &[("SERVER_ADDR", "hello-svc:8080")]).unwrap().paced.ends());
    }

    #[test]
    fn another_host_is_asked_for_and_another_address_connected_to() {
        let line = ["https://10.0.0.1/x", "--host", "www.example.org", "--connect-to", "127.0.0.1:8443", "-k"];
        let options = asked(&line, &[]).unwrap();
        let seaworthy_load::plan::Workload::Requests(requests) = &options.plan.workload else { panic!("requests") };
        assert_eq!(requests[0].request.uri().to_string(), "https://www.example.org/x");
        assert!(matches!(options.plan.endpoints, Endpoints::Fixed(address) if address.to_string() == "127.0.0.1:8443"));
        assert_eq!(format!("{:?}", options.plan.tls.unwrap().name), "DnsName(\"www.example.org\")");
    }

    #[test]
    fn what_makes_no_sense_says_why() {
        for (line, says) in [
            (&[] as &[&str], "there is no target; give its URL"),
            (&["http://me:hunter2@h/"], "the URL: what was given has a user in it; give it as a header"),
            (&["ftp://h/?key=hunter2"], "the URL: \"ftp://h/?key=***\" has the scheme"),
            (&["http://h/?key=hunter2", "-k"], "http://h/?key=*** is not (ab"),
            (&["http://h", "--connect-to", "me:hunter2@h:80"], "--connect-to: what was given is not an address"),
            (&["http://h", "--host", "me:hunter2@h"], "--host: what was given is not a host"),
            (&["http://h", "-H", "hunter2"], "--header: what was given is not a header"),
            (&["ftp://h/"], "the URL: \"ftp://h/\" has the scheme \"ftp\""),
            (&["http://h", "--cert", "/x"], "--cert wants its private key too"),
            (&["https://h", "--key", "/x"], "--key goes with a certificate"),
            (&["http://h", "-k"], "--insecure goes with https, and http://h/ is not (ab's -k"),
            (&["https://h", "-k", "--cacert", "/x"], "--cacert has no use"),
            (&["https://h", "--cacert", "/nowhere/ca"], "TLS: /nowhere/ca"),
            (&["http://h", "--streams", "5"], "--streams goes with --http2"),
            (&["http://h", "--http2", "--streams", "0"], "is not a whole number of at least 1"),
            (&["http://h", "--fresh", "101"], "is not a percentage; give 0 to 100"),
            (&["http://h", "--fresh", "5", "--disable-keepalive"], "is --fresh 100; leave one"),
            (&["http://h", "-c", "100001"], "--connections: \"100001\" are too many; give at most 100,000"),
            (&["http://h", "--max-connections", "100001"], "are too many; give at most 100,000"),
            (&["http://h", "-c", "2000", "--threads", "1025"], "are too many; give at most 1024"),
            (&["http://h", "--http2", "--streams", "10001"], "are too many; give at most 10,000"),
            (&["http://h", "--max", "--http2", "-c", "101", "--streams", "10000"], "give at most 1,000,000 in all"),
            (&["http://h", "--expect-body", ""], "--expect-body: \"\" is in every body"),
            (&["http://h", "-c", "0"], "is not a whole number of at least 1"),
            (&["http://h", "-c", "9", "--max-connections", "8"], "9 are more than --max-connections, which are 8"),
            (&["http://h", "--max", "--max-connections", "8"], "--max-connections goes with a rate"),
            (&["http://h", "-c", "2", "--threads", "3"], "are more than connections, of which there are 2"),
            (&["http://h", "--threads", "0"], "is not a whole number of at least 1"),
            (&["http://h", "-t", "0"], "is too short; give at least 1ms"),
            (&["http://h", "--source-address", "here"], "is not an IP address"),
            (&["http://127.0.0.1", "--source-address", "::1"], "from ::1 there is no way to 127.0.0.1:80"),
            (&["http://h", "--expect-status", "fine"], "is not a list of statuses"),
            (&["http://h", "--threshold", "fast"], "--threshold: \"fast\""),
            (&["http://h", "-o", "result.pdf"], "--output: \"result.pdf\" has no known ending"),
            (&["http://h", "-o", "/nowhere/result.json"], "--output: there is no folder /nowhere"),
            (&["http://h", "--connect-to", "there"], "is not an address to connect to"),
            (&["http://h", "--host", "a b"], "is not a host's name"),
            (&["http://h", "--seed", "x"], "is not a whole number"),
            (&["http://h", "--ops-listen", "9090"], "is not an address with a port"),
        ] {
            let error = asked(line, &[]).unwrap_err();
            assert!(error.contains(says), "{line:?}: {error}");
            assert!(error.lines().count() == 1 && !error.contains("hunter2"), "{line:?}: {error}");
        }
    }
}
