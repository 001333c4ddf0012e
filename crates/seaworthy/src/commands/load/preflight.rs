//! What is looked at and said before the first request.

use seaworthy_core::text;
use seaworthy_load::{
    endpoints::Endpoints,
    machine,
    plan::{Pace, Protocol},
};

use super::options::Options;
use crate::{cli::Failure, descriptors};

/// More file descriptors than any run needs.
const DESCRIPTORS: u64 = 1 << 20;

/// What will be done, in two lines.
pub(crate) fn announced(options: &Options) -> String {
    let plan = &options.plan;
    let by = options.route.words.as_ref().map(|words| format!(" by way of {words}")).unwrap_or_default();
    format!(
        "{}{by}\n{}; {}, {}; seed {}",
        options.scenario,
        options.paced.words(plan.connections.most),
        connections(options),
        text::counted(plan.threads.get() as u64, "thread"),
        plan.seed,
    )
}

/// How many connections, and how they are used.
pub(crate) fn connections(options: &Options) -> String {
    let connections = &options.plan.connections;
    let most = connections.most as u64;
    if connections.fresh >= 1.0 {
        return format!("a fresh connection for each request, at most {} at once", text::thousands(most));
    }
    let kept = text::counted(connections.keep as u64, "connection");
    let up_to = if connections.most > connections.keep {
        format!(", at most {}", text::thousands(most))
    } else {
        String::new()
    };
    let fresh = match connections.fresh {
        share if share > 0.0 => format!(", {}% of requests on fresh ones", text::number(share * 100.0)),
        _ => String::new(),
    };
    format!("{kept}{up_to}{fresh}")
}

/// The protocol: `HTTP/2, TLS`.
pub(crate) fn protocol(options: &Options) -> String {
    let protocol = match options.plan.protocol {
        Protocol::Http1 => "HTTP/1.1".to_owned(),
        Protocol::Http2 { streams } => format!("HTTP/2 ({streams} streams)"),
    };
    let tls = if options.plan.tls.is_some() { ", TLS" } else { "" };
    format!("{protocol}{tls}")
}

/// Asks the system for what the run needs, and says what it will lack.
pub(crate) fn warnings(options: &Options) -> Vec<String> {
    let allowed = descriptors::allow(DESCRIPTORS).unwrap_or_else(|_error| descriptors::allowed());
    let connections = &options.plan.connections;
    let mut warnings = Vec::new();
    if (connections.most as u64).saturating_add(descriptors::OTHERS) > allowed {
        warnings.push(format!(
            "{} connections may be too many: the system allows {} file descriptors (ulimit -n)",
            text::thousands(connections.most as u64),
            text::thousands(allowed),
        ));
    }
    warnings
        .extend(machine::fresh_connections_per_second(connections.sources.len()).and_then(|most| ports(options, most)));
    warnings
}

/// Fresh connections leave their ports in `TIME_WAIT` for a minute, so a machine makes only so many per second for long.
fn ports(options: &Options, most: f64) -> Option<String> {
    let Pace::Open { profile, .. } = &options.plan.pace else { return None };
    let rate = profile.peak().as_per_second() * options.plan.connections.fresh;
    let ports = most * machine::TIME_WAIT.as_secs_f64();
    let lasts = options.paced.duration.is_some_and(|duration| rate * duration.as_secs_f64() <= ports);
    (rate > most && !lasts).then(|| {
        format!(
            "{} fresh connections per second are more than the {} that this machine has source ports for; \
             give more addresses with --source-address, or a lower rate",
            text::number(rate.round()),
            text::number(most.floor()),
        )
    })
}

/// A name that nobody knows is a typing error, unless it is still to come, as a Service's may be.
pub(crate) async fn resolve(options: &Options) -> Result<(), Failure> {
    let Endpoints::Name { host, port, .. } = &options.plan.endpoints else { return Ok(()) };
    if options.workload {
        return Ok(());
    }
    tokio::net::lookup_host((&**host, *port))
        .await
        .map(drop)
        .map_err(|error| Failure::could_not_run(format!("cannot look up {host:?}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::load::{command, options};

    fn options(line: &[&str]) -> Options {
        let matches = command().try_get_matches_from([&["load", "http://127.0.0.1:8080/x"], line].concat()).unwrap();
        options::options(&matches, &|_| None).map_err(|failure| failure.message).unwrap()
    }

    #[test]
    fn what_will_be_done_is_said_first() {
        for (line, says) in [
            (
                &["-q", "1000", "-z", "30s", "--seed", "7"] as &[&str],
                "GET http://127.0.0.1:8080/x\n\
                 1,000/s for 30s, evenly spaced; 10 connections, at most 100, 1 thread; seed 7",
            ),
            (
                &["--max", "-c", "1", "--seed", "7"],
                "GET http://127.0.0.1:8080/x\nas fast as 1 connection goes for 10s; 1 connection, 1 thread; seed 7",
            ),
            (
                &["--fresh", "12.5", "-c", "4", "-n", "1k", "--seed", "7", "--connect-to", "[::1]:80"],
                "GET http://127.0.0.1:8080/x by way of [::1]:80\n\
                 50/s, evenly spaced, at most 1,000 requests; 4 connections, 12.5% of requests on fresh ones, 1 thread; \
                 seed 7",
            ),
        ] {
            assert_eq!(announced(&options(line)), says);
        }
    }

    #[test]
    fn more_fresh_connections_than_ports_are_told() {
        let ports_for = |line: &[&str]| ports(&options(line), 470.0);
        assert!(ports_for(&["-q", "1000", "-z", "1m", "--disable-keepalive"]).is_some_and(|warning| {
            warning.starts_with("1,000 fresh connections per second are more than the 470")
        }));
        // It ends before the ports do, or there are few.
        assert_eq!(ports_for(&["-q", "1000", "-z", "10s", "--disable-keepalive"]), None);
        assert_eq!(ports_for(&["-q", "1000", "-z", "1m", "--fresh", "10"]), None);
    }
}
