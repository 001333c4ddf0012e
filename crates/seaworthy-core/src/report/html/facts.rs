//! How a trial was made, so that it can be made again, and be compared with another.

use crate::{
    deployment::{Deployment, Hook, Probe, ProbeKind, Strategy},
    report::trial::{TrialReport, target},
    text::{counted, long_time, number},
    time::Moment,
};

/// A fact, and whether trials that differ in it are hard to compare.
#[derive(Clone, Debug)]
pub(super) struct Fact {
    /// What it is.
    pub(super) name: &'static str,
    /// What it was, a line each.
    pub(super) lines: Vec<String>,
    /// Whether trials that differ in it are unlike: what was done to the target, or with what, was another thing.
    pub(super) unlike: bool,
}

/// All facts of a trial.
pub(super) fn of(report: &TrialReport<'_>) -> Vec<Fact> {
    let header = report.header;
    let unlike = |name, line: String| Fact { name, lines: vec![line], unlike: true };
    let alike = |name, lines| Fact { name, lines, unlike: false };
    let (least, most) = (long_time(header.propagation_least), long_time(header.propagation_most));
    let drills: Vec<&str> = header.drills.iter().map(|drill| drill.label()).collect();
    let fresh = number((header.fresh * 1_000.0).round() / 10.0);
    vec![
        alike("command", vec![header.command.clone()]),
        unlike("target", header.target.clone()),
        unlike("platform", header.platform.clone()),
        unlike("drills", drills.join(", ")),
        unlike("seed", header.seed.to_string()),
        unlike("rate", format!("{}/s, evenly spaced", number(header.rate))),
        unlike("request", header.request.clone()),
        unlike("connections", format!("{}, and {fresh}% of requests on fresh ones", header.connections)),
        unlike("propagation", if least == most { least } else { format!("{least} to {most}") }),
        unlike("good is", header.expected.clone()),
        unlike("time-out", long_time(header.timeout)),
        unlike("expected", expected(report).join("; ")),
        alike("rules", rules(&header.deployment)),
        alike("assumed", header.assumptions.clone()),
        alike("version", vec![format!("seaworthy {}", header.tool_version)]),
        alike("began", vec![began(report)]),
        unlike("machine", header.machine.clone()),
    ]
}

fn began(report: &TrialReport<'_>) -> String {
    let took = super::scale::clock(super::picture::to_millis(Moment::from(report.took())));
    format!("{}, and took {took}", report.header.began)
}

/// What it was held to.
fn expected(report: &TrialReport<'_>) -> Vec<String> {
    let held = &report.header.expectations;
    let mut lines = vec![match held.max_lost {
        0 => "no drill loses a request beyond what it allows".to_owned(),
        most => format!("no drill loses more than {} beyond what it allows", counted(most, "request")),
    }];
    lines.extend(held.max_p99.map(|most| format!("p99 of at most {} in each part of a drill", long_time(most))));
    lines.extend(held.thresholds.iter().cloned());
    lines.extend(held.client_retries.as_ref().map(|policy| format!("replayed: {}", policy.words())));
    lines
}

/// The target's rules.
fn rules(of: &Deployment) -> Vec<String> {
    let strategy = match of.strategy {
        Strategy::RollingUpdate { max_surge, max_unavailable } => {
            let [surge, unavailable] = [max_surge, max_unavailable].map(target::share);
            format!("RollingUpdate with maxSurge {surge} and maxUnavailable {unavailable}")
        }
        Strategy::Recreate => "Recreate".to_owned(),
    };
    let mut lines = vec![format!("{}, {strategy}", counted(u64::from(of.replicas), "replica"))];
    let template = &of.template;
    let probes = ProbeKind::ALL.into_iter().filter_map(|kind| template.probe(kind).map(|probe| (kind, probe)));
    lines.extend(probes.map(|(kind, probe)| format!("{}: {}", kind.label(), self::probe(probe))));
    lines.extend(template.pre_stop.as_ref().map(|hook| match hook {
        Hook::Sleep(time) => format!("preStop: sleep {}", long_time(*time)),
        Hook::Ask(question) => format!("preStop: {}", target::check(question)),
    }));
    lines.push(format!("grace period {}", long_time(template.grace)));
    if !of.min_ready.is_zero() {
        lines.push(format!("minReadySeconds {}", of.min_ready.as_secs_f64()));
    }
    lines
}

fn probe(of: &Probe) -> String {
    let delay =
        if of.initial_delay.is_zero() { String::new() } else { format!(", after {}", long_time(of.initial_delay)) };
    format!(
        "{} every {}, time-out {}, {} or {}{delay}",
        target::check(&of.check),
        long_time(of.period),
        long_time(of.timeout),
        counted(u64::from(of.failure_threshold), "failure"),
        counted(u64::from(of.success_threshold), "success").replace("successs", "successes"),
    )
}
