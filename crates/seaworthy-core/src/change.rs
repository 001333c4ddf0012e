//! What can be changed of a target's rules, so that a cause goes away: told as it is written in a manifest, and applied to
//! make the trial again.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::deployment::{Check, Deployment, Hook, Probe, ProbeKind, Share, Strategy};

/// One change of a target's rules.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// A preStop hook that sleeps for so long (`lifecycle.preStop.sleep.seconds`).
    PreStopSleep(#[serde(with = "crate::time::as_nanos")] Duration),
    /// So much time from the beginning of the end to SIGKILL (`terminationGracePeriodSeconds`).
    Grace(#[serde(with = "crate::time::as_nanos")] Duration),
    /// So many replicas (`replicas`).
    Replicas(u32),
    /// A rolling update that takes none away before a new one is there (`strategy`: `maxUnavailable: 0`, `maxSurge: 1`).
    RollingUpdate,
    /// A replica has to be ready for so long before it counts (`minReadySeconds`).
    MinReady(#[serde(with = "crate::time::as_nanos")] Duration),
    /// A probe asks this path over HTTP.
    Path(ProbeKind, String),
    /// A probe has so long for its answer (`timeoutSeconds`), and fails so often in a row before it counts
    /// (`failureThreshold`).
    Patience(ProbeKind, #[serde(with = "crate::time::as_nanos")] Duration, u32),
    /// There is no such probe.
    Without(ProbeKind),
    /// There is a startup probe: what it asks, how often (`periodSeconds`), and how often it fails in a row before it
    /// counts (`failureThreshold`).
    Startup(Check, #[serde(with = "crate::time::as_nanos")] Duration, u32),
}

impl Change {
    /// The change in words, as one would tell it: `preStop sleep 3 s`.
    pub fn words(&self) -> String {
        let seconds = |time: &Duration| format!("{} s", time.as_secs_f64());
        match self {
            Self::PreStopSleep(sleep) => format!("preStop sleep {}", seconds(sleep)),
            Self::Grace(grace) => format!("a grace period of {}", seconds(grace)),
            Self::Replicas(replicas) => format!("{replicas} replicas"),
            Self::RollingUpdate => "RollingUpdate with maxUnavailable 0 and maxSurge 1".to_owned(),
            Self::MinReady(time) => format!("minReadySeconds {}", time.as_secs_f64()),
            Self::Path(kind, path) => format!("a {} probe that asks {path}", kind.label()),
            Self::Patience(kind, timeout, failures) => {
                format!("a {} probe with a time-out of {} and {failures} failures", kind.label(), seconds(timeout))
            }
            Self::Without(kind) => format!("no {} probe", kind.label()),
            Self::Startup(check, period, failures) => {
                format!("a startup probe ({}) every {} with {failures} failures", asks(check), seconds(period))
            }
        }
    }

    /// Changes the rules. What is so already stays as it is.
    pub fn apply(&self, deployment: &mut Deployment) {
        let template = &mut deployment.template;
        match self {
            Self::PreStopSleep(sleep) => template.pre_stop = Some(Hook::Sleep(*sleep)),
            Self::Grace(grace) => template.grace = *grace,
            Self::Replicas(replicas) => deployment.replicas = *replicas,
            Self::RollingUpdate => {
                deployment.strategy =
                    Strategy::RollingUpdate { max_surge: Share::Count(1), max_unavailable: Share::Count(0) };
            }
            Self::MinReady(time) => deployment.min_ready = *time,
            Self::Path(kind, path) => {
                let check = Check::Http { port: None, path: path.clone(), headers: Vec::new(), tls: false };
                if let Some(probe) = template.probe_mut(*kind) {
                    probe.check = check;
                }
            }
            Self::Patience(kind, timeout, failures) => {
                if let Some(probe) = template.probe_mut(*kind) {
                    probe.timeout = *timeout;
                    probe.failure_threshold = *failures;
                }
            }
            Self::Without(kind) => template.without(*kind),
            Self::Startup(check, period, failures) => {
                let new = Probe { period: *period, failure_threshold: *failures, ..Probe::new(check.clone()) };
                template.startup.get_or_insert(new);
            }
        }
    }
}

/// Changes that go together: of each kind the one that goes furthest, in the order in which they stand in a manifest.
pub fn merged(changes: impl IntoIterator<Item = Change>) -> Vec<Change> {
    let mut all: Vec<Change> = changes.into_iter().collect();
    // The larger one of a kind comes later.
    all.sort();
    let mut merged: Vec<Change> = Vec::new();
    for change in all {
        match merged.last_mut().filter(|last| last.slot() == change.slot()) {
            Some(last) => *last = change,
            None => merged.push(change),
        }
    }
    merged
}

impl Change {
    /// What it sets, so that two of the same exclude each other.
    const fn slot(&self) -> (u8, Option<ProbeKind>) {
        match self {
            Self::PreStopSleep(_) => (0, None),
            Self::Grace(_) => (1, None),
            Self::Replicas(_) => (2, None),
            Self::RollingUpdate => (3, None),
            Self::MinReady(_) => (4, None),
            Self::Path(kind, _) => (5, Some(*kind)),
            Self::Patience(kind, ..) => (6, Some(*kind)),
            Self::Without(kind) => (7, Some(*kind)),
            Self::Startup(..) => (8, None),
        }
    }
}

/// The part of a Deployment's manifest that says the changes, to be pasted, or to be given to `kubectl patch`. Whole
/// seconds, rounded up, since Kubernetes has no others.
pub fn fragment(changes: &[Change]) -> String {
    let mut spec = Vec::new();
    let mut pod = Vec::new();
    let mut container = Vec::new();
    for change in changes {
        match change {
            Change::Replicas(replicas) => spec.push(format!("replicas: {replicas}")),
            Change::RollingUpdate => {
                let strategy = "strategy: {type: RollingUpdate, rollingUpdate: {maxUnavailable: 0, maxSurge: 1}}";
                spec.push(strategy.to_owned());
            }
            Change::MinReady(time) => spec.push(format!("minReadySeconds: {}", seconds(*time))),
            Change::Grace(grace) => pod.push(format!("terminationGracePeriodSeconds: {}", seconds(*grace))),
            Change::PreStopSleep(sleep) => {
                container.push(format!("lifecycle: {{preStop: {{sleep: {{seconds: {}}}}}}}", seconds(*sleep)));
            }
            Change::Path(kind, path) => {
                container.push(format!("{}Probe: {{httpGet: {{path: {path:?}}}}}", kind.label()));
            }
            Change::Patience(kind, timeout, failures) => container.push(format!(
                "{}Probe: {{timeoutSeconds: {}, failureThreshold: {failures}}}",
                kind.label(),
                seconds(*timeout)
            )),
            Change::Without(kind) => container.push(format!("{}Probe: null", kind.label())),
            Change::Startup(check, period, failures) => container.push(format!(
                "startupProbe: {{{}, periodSeconds: {}, failureThreshold: {failures}}}",
                handler(check),
                seconds(*period).max(1)
            )),
        }
    }
    let mut lines = vec!["spec:".to_owned()];
    lines.extend(spec.iter().map(|line| format!("  {line}")));
    if !pod.is_empty() || !container.is_empty() {
        lines.extend(["  template:".to_owned(), "    spec:".to_owned()]);
        lines.extend(pod.iter().map(|line| format!("      {line}")));
    }
    if !container.is_empty() {
        lines.extend(["      containers:".to_owned(), "      - name: YOUR-CONTAINER".to_owned()]);
        lines.extend(container.iter().map(|line| format!("        {line}")));
    }
    lines.join("\n") + "\n"
}

/// What a probe asks, in words.
fn asks(check: &Check) -> String {
    match check {
        Check::Http { path, .. } => format!("GET {path}"),
        Check::Tcp { .. } => "a connection".to_owned(),
        Check::Exec { .. } => "a command".to_owned(),
    }
}

/// What a probe asks, as a manifest has it. Which port that is in a cluster, and what a header holds, is not said here: the
/// one is not known, and the other may be a secret.
fn handler(check: &Check) -> String {
    let port = |port: &Option<String>| port.clone().unwrap_or_else(|| "YOUR-PORT".to_owned());
    match check {
        Check::Http { port: named, path, headers, tls } => {
            let scheme = if *tls { ", scheme: HTTPS" } else { "" };
            let headers: Vec<String> =
                headers.iter().map(|(name, _)| format!("{{name: {name:?}, value: YOUR-VALUE}}")).collect();
            let headers =
                if headers.is_empty() { String::new() } else { format!(", httpHeaders: [{}]", headers.join(", ")) };
            format!("httpGet: {{path: {path:?}, port: {}{scheme}{headers}}}", port(named))
        }
        Check::Tcp { port: named } => format!("tcpSocket: {{port: {}}}", port(named)),
        Check::Exec { command } => format!("exec: {{command: {command:?}}}"),
    }
}

fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: fn(u64) -> Duration = Duration::from_secs;

    #[test]
    fn of_each_kind_the_furthest_stays() {
        let changes = [
            Change::PreStopSleep(S(3)),
            Change::Grace(S(40)),
            Change::PreStopSleep(S(5)),
            Change::Patience(ProbeKind::Liveness, S(5), 6),
            Change::Patience(ProbeKind::Readiness, S(2), 3),
            Change::Grace(S(40)),
        ];
        assert_eq!(
            merged(changes),
            [
                Change::PreStopSleep(S(5)),
                Change::Grace(S(40)),
                Change::Patience(ProbeKind::Readiness, S(2), 3),
                Change::Patience(ProbeKind::Liveness, S(5), 6),
            ]
        );
    }

    #[test]
    fn a_fragment_can_be_pasted() {
        let changes = [
            Change::PreStopSleep(Duration::from_millis(2_500)),
            Change::Grace(S(40)),
            Change::Replicas(2),
            Change::RollingUpdate,
            Change::Path(ProbeKind::Readiness, "/ready".to_owned()),
            Change::Without(ProbeKind::Liveness),
        ];
        assert_eq!(
            fragment(&changes),
            "spec:\n  replicas: 2\n  strategy: {type: RollingUpdate, rollingUpdate: {maxUnavailable: 0, maxSurge: 1}}\n  \
             template:\n    spec:\n      terminationGracePeriodSeconds: 40\n      containers:\n      \
             - name: YOUR-CONTAINER\n        lifecycle: {preStop: {sleep: {seconds: 3}}}\n        \
             readinessProbe: {httpGet: {path: \"/ready\"}}\n        livenessProbe: null\n"
        );
        assert_eq!(fragment(&[Change::MinReady(S(5))]), "spec:\n  minReadySeconds: 5\n");
        let http =
            Check::Http { port: None, path: "/live".into(), headers: vec![("X-Key".into(), "s3".into())], tls: true };
        let exec = Check::Exec { command: vec!["cat".into(), "/tmp/up".into()] };
        for (check, written) in [
            (
                http,
                "{httpGet: {path: \"/live\", port: YOUR-PORT, scheme: HTTPS, httpHeaders: [{name: \"X-Key\", value: \
                 YOUR-VALUE}]}, periodSeconds: 1, failureThreshold: 60}",
            ),
            (
                Check::Tcp { port: Some("web".into()) },
                "{tcpSocket: {port: web}, periodSeconds: 1, failureThreshold: 60}",
            ),
            (exec, "{exec: {command: [\"cat\", \"/tmp/up\"]}, periodSeconds: 1, failureThreshold: 60}"),
        ] {
            let fragment = fragment(&[Change::Startup(check, S(1), 60)]);
            assert!(fragment.ends_with(&format!("        startupProbe: {written}\n")), "{fragment}");
        }
    }

    #[test]
    fn a_startup_probe_comes_where_there_is_none() {
        let mut deployment = crate::assessment::sample::header(&[]).deployment;
        let change = Change::Startup(Check::Tcp { port: None }, S(1), 60);
        assert_eq!(change.words(), "a startup probe (a connection) every 1 s with 60 failures");
        change.apply(&mut deployment);
        let added = deployment.template.startup.clone().unwrap();
        assert_eq!((added.period, added.failure_threshold, added.check), (S(1), 60, Check::Tcp { port: None }));
        Change::Startup(Check::Tcp { port: None }, S(1), 5).apply(&mut deployment);
        assert_eq!(deployment.template.startup.unwrap().failure_threshold, 60, "one that is there stays");
    }
}
