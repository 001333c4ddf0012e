//! Everything, for programs: a versioned document, described by `docs/trial.schema.json`.
//!
//! Every time has its unit in its key. What there was nothing of is null.

mod document;
pub(super) mod events;
mod proof;
pub(in crate::report) mod target;
mod writes;

use std::{borrow::Borrow, time::Duration};

use self::document::{
    Counted, Document, Expectations, Finding, Generator, Group, Row, SCHEMA, Server, Threshold, Times, Trial, Used,
};
use super::{TrialReport, words};
use crate::{
    assessment,
    change::Change,
    diagnosis::{self, Entry, Rule},
    drill::Drill,
    generator,
    threshold::Judged,
    time::Moment,
};

/// The report in this form.
pub(super) fn render(report: &TrialReport<'_>) -> String {
    // Neither a key that is not text nor a type that refuses is in it.
    let mut json = serde_json::to_string_pretty(&document(report)).expect("a document of plain values");
    json.push('\n');
    json
}

fn document<'a>(report: &TrialReport<'a>) -> Document<'a> {
    let assessment = report.assessment;
    Document {
        schema: SCHEMA,
        tool_version: &report.header.tool_version,
        verdict: assessment.verdict.label(),
        headline: words::headline(report),
        conclusion: words::conclusion(report),
        reasons: &assessment.reasons,
        interrupted: assessment.interrupted,
        complete: report.footer.is_some(),
        trial: trial(report),
        deployment: target::deployment(&report.header.deployment),
        expectations: Expectations {
            max_lost: report.header.expectations.max_lost,
            max_p99_ms: report.header.expectations.max_p99.map(ms),
            thresholds: &report.header.expectations.thresholds,
        },
        total: counted(&assessment.total),
        terminations: assessment.terminations,
        bound: assessment.bound,
        resolution_ms: ms(assessment.resolution),
        drills: assessment.drills.iter().map(row).collect(),
        missing: labels(&assessment.missing),
        groups: assessment.groups.iter().map(group).collect(),
        findings: assessment.findings.iter().map(finding).collect(),
        thresholds: assessment.thresholds.iter().map(threshold).collect(),
        tried: assessment.tried.as_ref().map(proof::tried),
        replay: assessment.replay.as_ref().map(proof::replay),
        writes: assessment.writes.as_ref().map(writes::of),
        generator: report.footer.map(|footer| generator(&footer.generator)),
        events: report.events.iter().filter_map(|(at, event)| events::told(*at, event)).collect(),
    }
}

fn ms(time: Duration) -> f64 {
    time.as_nanos() as f64 / 1e6
}

fn at_ms(moment: Moment) -> f64 {
    ms(moment.since_start())
}

fn labels(drills: impl IntoIterator<Item: Borrow<Drill>>) -> Vec<&'static str> {
    drills.into_iter().map(|drill| drill.borrow().label()).collect()
}

fn trial<'a>(report: &TrialReport<'a>) -> Trial<'a> {
    let header = report.header;
    Trial {
        began: &header.began,
        command: &header.command,
        target: &header.target,
        platform: &header.platform,
        machine: &header.machine,
        seed: header.seed.to_string(),
        assumptions: &header.assumptions,
        drills: labels(&header.drills),
        propagation_least_ms: ms(header.propagation_least),
        propagation_most_ms: ms(header.propagation_most),
        requests_per_second: header.rate,
        fresh_share: header.fresh,
        connections: header.connections,
        request: &header.request,
        idempotent: header.idempotent,
        expected: &header.expected,
        timeout_ms: ms(header.timeout),
        duration_ms: report.footer.map(|footer| ms(footer.duration)),
        not_sent: report.footer.map(|footer| footer.not_sent),
        unfinished: report.footer.map(|footer| footer.unfinished),
    }
}

fn counted(of: &assessment::Counted) -> Counted {
    let assessment::Counted { ended, good, lost, allowed, retried, shed, unknown } = *of;
    Counted { ended, good, lost, allowed, retried, shed, unknown }
}

fn times(of: &assessment::Percentiles) -> Times {
    Times { count: of.count, p50: of.p50.map(ms), p99: of.p99.map(ms), max: of.max.map(ms) }
}

fn row(row: &assessment::Row) -> Row<'_> {
    let [before, during, after] = &row.times;
    let (Ok(proof) | Err(proof)) = &row.happened;
    Row {
        drill: row.drill.label(),
        promise: row.drill.promise(),
        allowance: row.drill.allowance(),
        verdict: row.verdict.label(),
        reasons: &row.reasons,
        happened: row.happened.is_ok(),
        proof,
        begin_ms: at_ms(row.window.0),
        end_ms: at_ms(row.window.1),
        disturbed_ms: row.disturbed.map(|(from, _)| at_ms(from)),
        settled_ms: row.disturbed.map(|(_, to)| at_ms(to)),
        keep_alive: counted(&row.keep_alive),
        fresh: counted(&row.fresh),
        before_ms: times(before),
        during_ms: times(during),
        after_ms: times(after),
        recovery_ms: row.recovery.map(ms),
    }
}

fn group(group: &assessment::Group) -> Group<'_> {
    Group {
        drill: group.drill.label(),
        kind: group.kind.label(),
        phase: group.phase.label(),
        status: group.status,
        fresh: group.fresh,
        replica: group.replica.map(|replica| replica.0),
        count: group.count,
        allowed: group.allowed,
        retried: group.retried,
        first_ms: at_ms(group.when.0),
        last_ms: at_ms(group.when.1),
        place: &group.place,
        cause: &group.cause,
    }
}

fn finding(finding: &diagnosis::Finding) -> Finding<'_> {
    let rules = finding.rules();
    let servers = rules.iter().flat_map(|rule| rule.entry.servers);
    Finding {
        harm: finding.harm.label(),
        explains: of_each(&rules, |entry| entry.explains),
        changes: finding.changes.iter().map(Change::words).collect(),
        servers: servers.map(|(name, line)| Server { name, line }).collect(),
        check: of_each(&rules, |entry| entry.check),
        cause: &finding.cause,
        confidence: finding.confidence.label(),
        title: &finding.title,
        mends: &finding.mends,
        evidence: &finding.evidence,
        count: finding.count,
        allowed: finding.allowed,
        retried: finding.retried,
        drills: labels(&finding.drills),
        replicas: finding.replicas.iter().map(|replica| replica.0).collect(),
        own: finding.own,
    }
}

/// What the registry says of a cause; of several, each with its name.
fn of_each(rules: &[&'static Rule], text: fn(&Entry) -> &'static str) -> Option<String> {
    match rules {
        [] => None,
        [rule] => Some(text(&rule.entry).to_owned()),
        rules => {
            let each: Vec<String> = rules.iter().map(|rule| format!("{}: {}", rule.id, text(&rule.entry))).collect();
            Some(each.join("\n"))
        }
    }
}

fn threshold(judged: &Judged) -> Threshold<'_> {
    Threshold {
        threshold: judged.threshold.to_string(),
        judgement: judged.judgement.label(),
        measured: judged.measured.as_deref(),
        why: judged.why.as_deref(),
    }
}

fn generator(generator: &generator::Generator) -> Generator {
    let used = |(used, of)| Used { used, of };
    Generator {
        threads: generator.threads,
        cpu_ms: ms(generator.cpu),
        busy_for_ms: ms(generator.busy_for),
        busy: generator.busy(),
        time_wait: generator.time_wait,
        descriptors: generator.descriptors.map(used),
        ports: generator.ports.map(used),
        backlog: generator.backlog,
    }
}
