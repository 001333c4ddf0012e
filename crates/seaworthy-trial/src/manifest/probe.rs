//! Probes and hooks.

use std::time::Duration;

use seaworthy_core::deployment::{Check, Hook, Probe, ProbeKind};

use super::{
    environment::without_zeros,
    field::{Field, Invalid, Notes, shown},
    ports::Ports,
    rules::{count, seconds},
    wire,
};

/// What a probe or a hook may ask.
struct Asked<'a> {
    http: Option<&'a wire::HttpGet>,
    tcp: Option<&'a wire::TcpSocket>,
    exec: Option<&'a wire::Exec>,
}

/// A probe as it is to run; none where this machine cannot ask what it asks.
pub(super) fn probe(
    probe: &wire::Probe,
    kind: ProbeKind,
    place: &Field,
    ports: &mut Ports,
    notes: &mut Notes,
) -> Result<Option<Probe>, Invalid> {
    let label = kind.label();
    let asked = Asked { http: probe.http_get.as_ref(), tcp: probe.tcp_socket.as_ref(), exec: probe.exec.as_ref() };
    let check = match (asked.number(), &probe.grpc) {
        (1, None) => Some(check(&asked, &format!("{label}Probe"), place, ports, notes)?),
        (0, Some(_)) => {
            notes.add(format!("{label}Probe: grpc is not asked here, and so there is none; httpGet and tcpSocket are"));
            None
        }
        (0, None) => return Err(place.invalid("asks nothing; give it httpGet, tcpSocket or exec")),
        (_, _) => return Err(place.invalid("asks in more than one way; keep one of httpGet, tcpSocket, exec and grpc")),
    };
    let (defaults, once) = (Probe::new(Check::Tcp { port: None }), i64::from(u32::MAX));
    let read = Probe {
        initial_delay: seconds(probe.initial_delay_seconds, 0, 0, &place.of("initialDelaySeconds"))?,
        period: seconds(probe.period_seconds, 10, 1, &place.of("periodSeconds"))?,
        timeout: seconds(probe.timeout_seconds, 1, 1, &place.of("timeoutSeconds"))?,
        success_threshold: successes(probe.success_threshold, kind, place)?,
        failure_threshold: count(probe.failure_threshold, 3, 1..=once, &place.of("failureThreshold"))?,
        grace: grace(probe.termination_grace_period_seconds, kind, place)?,
        check: defaults.check,
    };
    Ok(check.map(|check| Probe { check, ..read }))
}

fn successes(wanted: Option<i64>, kind: ProbeKind, place: &Field) -> Result<u32, Invalid> {
    let place = place.of("successThreshold");
    let threshold = count(wanted, 1, 1..=i64::from(u32::MAX), &place)?;
    match kind {
        ProbeKind::Readiness => Ok(threshold),
        ProbeKind::Startup | ProbeKind::Liveness if threshold == 1 => Ok(threshold),
        ProbeKind::Startup | ProbeKind::Liveness => {
            Err(place.invalid(format!("is {threshold}; of a {} probe it has to be 1", kind.label())))
        }
    }
}

fn grace(wanted: Option<i64>, kind: ProbeKind, place: &Field) -> Result<Option<Duration>, Invalid> {
    let place = place.of("terminationGracePeriodSeconds");
    match (wanted, kind) {
        (None, _) => Ok(None),
        (Some(_), ProbeKind::Readiness) => {
            Err(place.invalid("is not possible here: a readiness probe restarts nothing; remove it"))
        }
        (Some(_), ProbeKind::Startup | ProbeKind::Liveness) => seconds(wanted, 1, 1, &place).map(Some),
    }
}

/// What is done before SIGTERM, where it can be done here.
pub(super) fn pre_stop(
    hook: &wire::Handler,
    grace: Duration,
    place: &Field,
    ports: &mut Ports,
    notes: &mut Notes,
) -> Result<Option<Hook>, Invalid> {
    let asked = Asked { http: hook.http_get.as_ref(), tcp: None, exec: hook.exec.as_ref() };
    let only_tcp = hook.tcp_socket.is_some() && hook.sleep.is_none();
    match (asked.number(), &hook.sleep) {
        (0, Some(sleep)) => {
            let place = place.of("sleep.seconds");
            if sleep.seconds.is_none() {
                return Err(place.invalid("is missing"));
            }
            let sleep = seconds(sleep.seconds, 0, 0, &place)?;
            if sleep > grace {
                let (sleep, grace) = (sleep.as_secs(), grace.as_secs());
                return Err(place.invalid(format!(
                    "is {sleep}, more than terminationGracePeriodSeconds, {grace}; raise that, or sleep less"
                )));
            }
            Ok(Some(Hook::Sleep(sleep)))
        }
        (1, None) => check(&asked, "preStop", place, ports, notes).map(|check| Some(Hook::Ask(check))),
        (0, None) if only_tcp => {
            notes.add("preStop: tcpSocket does nothing in Kubernetes either");
            Ok(None)
        }
        (0, None) => Err(place.invalid("does nothing; give it sleep, exec or httpGet")),
        (_, _) => Err(place.invalid("does more than one thing; keep one of sleep, exec and httpGet")),
    }
}

impl Asked<'_> {
    fn number(&self) -> usize {
        usize::from(self.http.is_some()) + usize::from(self.tcp.is_some()) + usize::from(self.exec.is_some())
    }
}

fn check(
    asked: &Asked<'_>,
    label: &str,
    place: &Field,
    ports: &mut Ports,
    notes: &mut Notes,
) -> Result<Check, Invalid> {
    let of_http = asked.http.and_then(|http| http.host.as_ref());
    let host = of_http.or_else(|| asked.tcp.and_then(|tcp| tcp.host.as_ref()));
    if host.is_some_and(|host| !host.is_empty()) {
        notes.add(format!("{label}: its host is not followed; each replica is asked at its own address"));
    }
    if let Some(http) = asked.http {
        return http_get(http, &place.of("httpGet"), ports);
    }
    if let Some(tcp) = asked.tcp {
        return Ok(Check::Tcp { port: ports.ask(tcp.port.as_ref(), &place.of("tcpSocket"))? });
    }
    let place = place.of("exec.command");
    let command = asked.exec.map(|exec| exec.command.clone()).unwrap_or_default();
    if command.first().is_none_or(String::is_empty) {
        return Err(place.invalid("is empty; give a program and its arguments"));
    }
    without_zeros(command, &place).map(|command| Check::Exec { command })
}

fn http_get(http: &wire::HttpGet, place: &Field, ports: &mut Ports) -> Result<Check, Invalid> {
    let path = http.path.as_deref().unwrap_or_default();
    if !path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(place
            .of("path")
            .invalid("has a space or a letter that is not ASCII; write it as %20 and the like"));
    }
    // The kubelet puts the slash there, too.
    let path = if path.starts_with('/') { path.into() } else { format!("/{path}") };
    let tls = match http.scheme.as_deref() {
        None | Some("" | "HTTP") => false,
        Some("HTTPS") => true,
        Some(other) => {
            return Err(place.of("scheme").invalid(format!("is {}; HTTP and HTTPS are possible", shown(other))));
        }
    };
    let mut headers = Vec::with_capacity(http.http_headers.len());
    for (index, header) in http.http_headers.iter().enumerate() {
        let place = place.nth("httpHeaders", index);
        if !is_token(&header.name) {
            return Err(place.of("name").invalid("is no header's name; give one such as X-Probe"));
        }
        if header.value.chars().any(char::is_control) {
            return Err(place.of("value").invalid("has a control character in it, such as a line's end; remove it"));
        }
        headers.push((header.name.clone(), header.value.clone()));
    }
    Ok(Check::Http { port: ports.ask(http.port.as_ref(), place)?, path, headers, tls })
}

/// RFC 9110 5.6.2.
fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}
