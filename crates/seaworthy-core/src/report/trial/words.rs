//! What several forms of the report say in the same words.

use std::{collections::BTreeSet, time::Duration};

use super::TrialReport;
use crate::{
    assessment::{Counted, Group, Row},
    diagnosis::{self, Finding, Harm},
    drill::Drill,
    event::{Disposition, Event, Reason, Signal},
    outcome::Failure,
    report::text::layout::WIDTH,
    text::{counted, long_time, number, thousands, time},
    verdict::Verdict,
};

/// What a target without a handler for SIGTERM would do elsewhere.
const NO_HANDLER: &str = "it has no handler for SIGTERM, and dies of it at once here; as PID 1 of a container \
                                     it would ignore it until SIGKILL: --as-pid-1 shows that";

/// The verdict on a trial in a word for people.
pub(in crate::report) const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "SEAWORTHY",
        Verdict::Fail => "NOT SEAWORTHY",
        Verdict::Inconclusive | Verdict::Unjudged => "INCONCLUSIVE",
    }
}

/// Whether a replica had no handler for SIGTERM when it was about to get it. One that had not come so far as to listen may
/// yet have got one.
fn has_no_handler(report: &TrialReport<'_>) -> bool {
    let mut listened = BTreeSet::new();
    report.events.iter().any(|(_, event)| {
        if let Event::ListenerUp { replica } = event {
            listened.insert(*replica);
        }
        matches!(event, Event::Disposition { replica, of_sigterm: Disposition::Default } if listened.contains(replica))
    })
}

/// What the verdict stands on, in a line.
pub(in crate::report) fn headline(report: &TrialReport<'_>) -> String {
    let assessment = report.assessment;
    let said = match assessment.verdict {
        Verdict::Pass => {
            let ended = counted(assessment.terminations, "replica");
            let lost = lost(report);
            let long = if assessment.terminations == 0 { lost } else { format!("{lost}, {ended} ended") };
            // With the verdict before it.
            if long.chars().count() + 11 <= WIDTH { long } else { long.replace(" requests", "") }
        }
        // Nothing is worse than to lose what was acknowledged, whatever else was lost.
        Verdict::Fail if lost_too_many(report) => {
            let lost = format!("{}{}", lost(report), causes(report));
            harmed(report).into_iter().chain([&*lost]).collect::<Vec<_>>().join("; ")
        }
        Verdict::Fail | Verdict::Inconclusive | Verdict::Unjudged => first_reason(report),
    };
    match report.partial() {
        Some(partial) => format!("{partial}; {said}"),
        None => said,
    }
}

/// What is wrong with acknowledged writes, before what else is said.
fn harmed<'a>(report: &TrialReport<'a>) -> Vec<&'a str> {
    report.assessment.writes.iter().flat_map(|writes| &writes.failures).map(String::as_str).collect()
}

/// Whether it is for its losses that it fails.
fn lost_too_many(report: &TrialReport<'_>) -> bool {
    let failed = |row: &&Row| row.verdict == Verdict::Fail && row.keep_alive.lost + row.fresh.lost > 0;
    report.assessment.drills.iter().find(failed).is_some()
}

/// How many were lost of how many.
fn lost(report: &TrialReport<'_>) -> String {
    let (total, failed) = (&report.assessment.total, report.assessment.verdict == Verdict::Fail);
    let of = counted(total.ended, "request");
    let again = match total.retried {
        // What was lost matters more.
        0 => String::new(),
        _ if failed => String::new(),
        retried => format!(", {} sent again", thousands(retried)),
    };
    let lost = match (total.lost, total.allowed) {
        (0, 0) => format!("nothing lost in {of}"),
        (0, allowed) => format!("{} of {of} lost, all allowed", thousands(allowed)),
        (lost, _) if failed => format!("{} of {of} lost", thousands(lost)),
        (lost, _) => format!("{} of {of} lost, as many as may be", thousands(lost)),
    };
    lost + &again
}

fn causes(report: &TrialReport<'_>) -> String {
    let those: Vec<&Finding> = blamed(report).collect();
    match &*those {
        [] => String::new(),
        [one] => format!(": {}", one.cause),
        [most, rest @ ..] => format!(": {} and {} more", most.cause, rest.len()),
    }
}

/// Findings that explain more than a drill allows.
pub(in crate::report) fn blamed<'a>(report: &TrialReport<'a>) -> impl Iterator<Item = &'a Finding> {
    report.assessment.findings.iter().filter(|finding| finding.lost() > 0)
}

fn first_reason(report: &TrialReport<'_>) -> String {
    report.assessment.reasons.first().cloned().unwrap_or_else(|| "no reason was given".to_owned())
}

/// The verdict with all that may be claimed: in one line, as far as it can be.
pub(in crate::report) fn conclusion(report: &TrialReport<'_>) -> String {
    let assessment = report.assessment;
    let partial = report.partial().map_or_else(String::new, |partial| format!(" ({partial})"));
    match assessment.verdict {
        Verdict::Pass => {
            let over = counted(assessment.terminations, "termination");
            let long = format!("seaworthy: {}, {over}{}{partial}", lost(report), bound(report));
            if long.chars().count() <= WIDTH { long } else { long.replace(" requests", "") }
        }
        Verdict::Fail if lost_too_many(report) || !harmed(report).is_empty() => failed(report, &partial),
        Verdict::Fail => format!("not seaworthy: {}{partial}", first_reason(report)),
        Verdict::Inconclusive | Verdict::Unjudged => format!("inconclusive: {}{partial}", first_reason(report)),
    }
}

/// The same of one that lost something: as much of it as goes into a line, the worst first.
fn failed(report: &TrialReport<'_>, partial: &str) -> String {
    let mend = to_mend(report).map_or_else(String::new, |first| format!("; mend {} first", first.cause));
    let writes = harmed(report).join("; ");
    if !lost_too_many(report) {
        return shortest(&[format!("{writes}{mend}{partial}"), format!("{writes}{partial}")]);
    }
    let (lost, drills) = (lost(report), in_drills(report));
    if writes.is_empty() {
        return shortest(&[format!("{lost}{drills}{mend}{partial}"), format!("{lost}{mend}{partial}")]);
    }
    let few = format!("{} lost", counted(report.assessment.total.lost, "request"));
    shortest(&[
        format!("{writes}; {lost}{drills}{mend}{partial}"),
        format!("{writes}; {lost}{mend}{partial}"),
        format!("{writes}; {few}{mend}{partial}"),
        format!("{writes}; {few}{partial}"),
    ])
}

/// The first that goes into a line; the last where none does.
fn shortest(all: &[String]) -> String {
    let mut said = all.iter().map(|said| format!("not seaworthy: {said}"));
    let fits = said.clone().find(|said| said.chars().count() <= WIDTH);
    fits.or_else(|| said.next_back()).unwrap_or_default()
}

/// What is to be mended first: what harms writes before what loses requests.
fn to_mend<'a>(report: &TrialReport<'a>) -> Option<&'a Finding> {
    let findings = || report.assessment.findings.iter();
    let gone = !harmed(report).is_empty();
    let of_writes = |finding: &&Finding| gone && !finding.own && diagnosis::are_harmed(finding);
    // What nobody can name, and what fails without any drill, is no place to begin.
    let named = |finding: &&Finding| !["unexplained", "also-in-baseline"].contains(&&*finding.cause);
    findings().find(of_writes).or_else(|| blamed(report).find(named))
}

/// What may be lost all the same: rounded up, since it is what is promised at the most.
fn bound(report: &TrialReport<'_>) -> String {
    let bound = report.assessment.bound;
    let beyond = if report.assessment.total.allowed > 0 { "rest " } else { "" };
    bound.map_or_else(String::new, |bound| format!("; {beyond}< {} (95%)", share(bound)))
}

/// A share, 0 to 1, as a percentage with two digits that mean something, rounded up: it is a bound.
pub(super) fn share(share: f64) -> String {
    let percent = share * 100.0;
    let enough = |digits: &usize| {
        let shown = format!("{percent:.digits$}");
        shown.trim_start_matches(['0', '.']).replace('.', "").len() >= 2
    };
    let digits = (0..12).find(enough).unwrap_or(12);
    let scale = (0..digits).fold(1.0, |scale, _| scale * 10.0);
    // What is exact stays as it is, whatever the last bit says.
    let up = (percent * scale - 1e-9).ceil() / scale;
    format!("{up:.digits$}%")
}

fn in_drills(report: &TrialReport<'_>) -> String {
    let drills = report.assessment.drills.iter().filter(|row| row.keep_alive.lost + row.fresh.lost > 0);
    let names: Vec<&str> = drills.map(|row| row.drill.label()).collect();
    if names.is_empty() { String::new() } else { format!(" in {}", names.join(", ")) }
}

/// Failures that look alike, in a line.
pub(in crate::report) fn group(group: &Group) -> String {
    let failure = Failure { phase: group.phase, kind: group.kind, status: group.status, detail: None };
    let over = if group.fresh { "fresh" } else { "kept" };
    let to = group.replica.map(|replica| replica.to_string()).filter(|replica| !group.place.contains(replica));
    let some = |count: u64, what: &str| match count {
        0 => None,
        all if all == group.count => Some(what.to_owned()),
        count => Some(format!("{} {what}", thousands(count))),
    };
    let (allowed, again) = (some(group.allowed, "allowed"), some(group.retried, "sent again"));
    let parts = [Some(failure.words()), to, Some(group.place.clone()), allowed, again];
    let parts: Vec<String> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
    format!("{}, {over}: {} ({})", group.drill, parts.join(", "), group.cause)
}

/// What a finding is of, in a line.
pub(in crate::report) fn finding(finding: &Finding) -> String {
    let Finding { cause, confidence, allowed, retried, drills, count, .. } = finding;
    let parts = match finding.harm {
        Harm::Requests => vec![(finding.lost(), "lost"), (*allowed, "lost as allowed"), (*retried, "sent again")],
        Harm::Writes => vec![(*count, if *count == 1 { "write" } else { "writes" })],
        Harm::Slowness => vec![(*count, if *count == 1 { "slow answer" } else { "slow answers" })],
        Harm::Spread => vec![(*count, if *count == 1 { "request misplaced" } else { "requests misplaced" })],
        Harm::Restarts => {
            let restarts = if *count == 1 { "restart" } else { "restarts" };
            vec![(*count, restarts), (*allowed, "lost as allowed"), (*retried, "sent again")]
        }
    };
    let parts = parts.into_iter().filter(|(count, _)| *count > 0);
    let lost: Vec<String> = parts.map(|(count, what)| format!("{} {what}", thousands(count))).collect();
    let lost = lost.join(", ");
    let drills: Vec<&str> = drills.iter().map(|drill| drill.label()).collect();
    let among = if drills.is_empty() { String::new() } else { format!(" in {}", drills.join(", ")) };
    let own = if finding.own { "; this tool's own doing, and not the target's" } else { "" };
    // A cause may be known of which nothing was lost.
    let lost = if lost.is_empty() && !drills.is_empty() { "nothing lost".to_owned() } else { lost };
    format!("{} ({}): {lost}{among}{own}", self::cause(cause), confidence.label())
}

/// The name of a cause as it is read: `this or that`, where nothing tells which it was.
pub(in crate::report) fn cause(cause: &str) -> String {
    cause.strip_prefix("ambiguous:").map_or_else(|| cause.to_owned(), |all| all.replace('|', " or "))
}

/// What to ask for to read more of a finding; nothing where the registry has no more.
pub(in crate::report) fn more(finding: &Finding) -> Option<String> {
    let names: Vec<&str> = finding.rules().iter().map(|rule| rule.id).collect();
    (!names.is_empty()).then(|| format!("seaworthy causes {}", names.join(" ")))
}

/// Why a drill did not pass: what the row says, without what was said before.
pub(in crate::report) fn reasons<'a>(report: &TrialReport<'a>, row: &'a Row) -> Vec<&'a str> {
    let missing = row.happened.as_ref().err();
    let all = row.reasons.iter().chain(missing.filter(|missing| !row.reasons.contains(missing)));
    let with_name = |reason: &str| format!("{}: {reason}", row.drill);
    let said = |reason: &str| report.assessment.reasons.iter().any(|said| said == reason || *said == with_name(reason));
    all.map(String::as_str).filter(|reason| !said(reason)).collect()
}

/// What somebody should know also where nothing was lost of it, a line each.
pub(in crate::report) fn notes(report: &TrialReport<'_>) -> Vec<String> {
    let count = |is: fn(&Event) -> bool| report.events.iter().filter(|(_, event)| is(event)).count() as u64;
    // A probe tells a replica to end, too.
    let ended = count(|event| {
        matches!(event, Event::Terminating { .. })
            || matches!(
                event,
                Event::Signalled { signal: Signal::Term, reason: Reason::Liveness | Reason::Startup, .. }
            )
    });
    let killed =
        count(|event| matches!(event, Event::Signalled { signal: Signal::Kill, reason: Reason::GraceOver, .. }));
    let mut notes = Vec::new();
    if killed > 0 {
        notes.push(format!(
            "{killed} of {} had not ended when the grace period of {} was over: SIGKILL did it",
            if ended == 1 {
                "1 replica that was told to end".to_owned()
            } else {
                format!("{ended} replicas that were told to end")
            },
            long_time(report.header.deployment.template.grace)
        ));
    } else if has_no_handler(report) {
        notes.push(NO_HANDLER.to_owned());
    }
    let failed = report.events.iter().filter_map(|(_, event)| {
        if let Event::PreStopEnded { failed: Some(why), .. } = event { Some(why) } else { None }
    });
    if let Some(why) = failed.clone().next() {
        notes.push(format!("the preStop hook failed {}: {why}", counted(failed.count() as u64, "time")));
    }
    let restarted = count(|event| {
        matches!(event, Event::Signalled { signal: Signal::Term, reason: Reason::Liveness | Reason::Startup, .. })
    });
    if restarted > 0 {
        notes.push(format!("liveness or startup probes restarted replicas {}", counted(restarted, "time")));
    }
    notes.extend(report.assessment.drills.iter().filter_map(measured));
    notes.extend(report.assessment.drills.iter().find(|row| is_untouched(row)).map(|_| UNTOUCHED.to_owned()));
    notes
}

/// What a database drill says of requests that did not notice it.
const UNTOUCHED: &str = "no request failed while the database was away: do any of them use it? See --path";

fn is_untouched(row: &Row) -> bool {
    let failed = |of: &Counted| of.lost + of.allowed + of.retried + of.shed + of.unknown;
    row.drill == Drill::DatabaseRestart && failed(&row.keep_alive) + failed(&row.fresh) == 0
}

/// What a drill measured that no column has.
fn measured(row: &Row) -> Option<String> {
    let measures = matches!(row.drill, Drill::Overload | Drill::Liveness | Drill::Balance);
    row.happened.as_ref().ok().filter(|_| measures).map(|words| format!("{}: {words}", row.drill))
}

/// How it was run.
pub(in crate::report) fn how(report: &TrialReport<'_>) -> String {
    let header = report.header;
    let (least, most) = (long_time(header.propagation_least), long_time(header.propagation_most));
    let lag = if least == most { least } else { format!("{least} to {most}") };
    format!(
        "{}, {} ({}, seed {}); {} at {}/s, {} fresh, propagation {lag}; sees {} outages",
        header.target,
        counted(u64::from(header.deployment.replicas), "replica"),
        header.platform,
        header.seed,
        header.request,
        number(header.rate),
        fresh(header.fresh),
        time(report.assessment.resolution),
    )
}

fn fresh(fresh: f64) -> String {
    format!("{}%", number((fresh * 1_000.0).round() / 10.0))
}

/// A time in milliseconds of four characters or so, and in seconds where it is longer than that.
pub(in crate::report) fn millis(of: Option<Duration>) -> String {
    let Some(of) = of else { return "-".to_owned() };
    match of.as_nanos() as f64 / 1e6 {
        ms if ms < 9.995 => format!("{ms:.2}"),
        ms if ms < 99.95 => format!("{ms:.1}"),
        ms if ms < 9_999.5 => format!("{ms:.0}"),
        ms => format!("{:.0}s", ms / 1e3),
    }
}
