//! Whole trials for the tests of reports: one for each verdict, and one that was interrupted.

use std::{collections::BTreeSet, time::Duration};

use crate::{
    assessment::{Assessment, Counted, Group, Percentiles, Row, Writes},
    audit::{self, Audit, Harmed},
    change::Change,
    diagnosis::{Confidence, Finding, Harm},
    drill::Drill,
    event::{Event, Replica},
    fix::{Compared, Proof, Tried},
    generator::Generator,
    history::{Footer, Header, History},
    outcome::{FailureKind, Phase},
    replay::Replay,
    threshold::{Holds, Judged},
    time::Moment,
    verdict::Verdict,
};

/// A character that turns the direction of what follows.
pub(in crate::report) const TURNING: char = '\u{202e}';

/// Everything that a report borrows.
#[derive(Clone, Debug)]
pub(in crate::report) struct Sample {
    pub(in crate::report) history: History,
    pub(in crate::report) assessment: Assessment,
}

impl Sample {
    pub(in crate::report) fn report(&self) -> super::TrialReport<'_> {
        super::TrialReport::new(&self.history, &self.assessment)
    }
}

const fn at(millis: u64) -> Moment {
    Moment::from_nanos(millis * 1_000_000)
}

fn header() -> Header {
    Header {
        target: "gunicorn app:app -b 127.0.0.1:{port}".into(),
        machine: "2 CPUs, Linux 6.12; it shows the process and its lifecycle, not a cluster's network".into(),
        seed: 7,
        rate: 150.0,
        assumptions: vec!["readiness: a GET of / that is answered, since there is no probe".into()],
        ..crate::history::tests::header()
    }
}

fn times(of: u64) -> [Percentiles; 3] {
    let one = |count, p50, p99, max| Percentiles {
        count,
        p50: Some(Duration::from_micros(p50)),
        p99: Some(Duration::from_micros(p99)),
        max: Some(Duration::from_micros(max)),
    };
    [one(300, 650, 1_210, 8_120), one(1_200, 712, 4_320 * of, 24_100 * of), one(300, 655, 1_250, 8_200)]
}

fn row(n: u64, drill: Drill) -> Row {
    let begin = 2_000 + n * 12_000;
    let quiet = drill == Drill::Baseline;
    let [before, during, after] = times(1 + n);
    let none = Percentiles::default();
    let counted = |ended| Counted { ended, good: ended, ..Counted::default() };
    Row {
        drill,
        verdict: Verdict::Pass,
        reasons: vec![],
        happened: Ok("3 replicas were replaced".into()),
        window: (at(begin), at(begin + 12_000)),
        disturbed: (!quiet).then(|| (at(begin + 2_000), at(begin + 9_500))),
        keep_alive: counted(1_348),
        fresh: counted(337),
        times: if quiet { [before, none, none] } else { [before, during, after] },
        recovery: None,
    }
}

fn of(rows: Vec<Row>, verdict: Verdict, reasons: &[&str]) -> Sample {
    let mut total = Counted::default();
    for row in &rows {
        total.add(&row.keep_alive);
        total.add(&row.fresh);
    }
    let mut events = vec![(at(1_900), Event::Established)];
    for row in &rows {
        let drill = row.drill;
        events.push((row.window.0, Event::DrillBegun { drill }));
        if let Some((from, to)) = row.disturbed {
            events.push((from, Event::Disturbed { drill, replica: Some(Replica(2)) }));
            events.push((from, Event::View { replicas: vec![Replica(1)] }));
            events.push((to, Event::Settled { drill }));
        }
        events.push((row.window.1, Event::DrillEnded { drill }));
    }
    let assessment = Assessment {
        verdict,
        reasons: reasons.iter().map(|&reason| reason.into()).collect(),
        bound: (total.lost + total.allowed == 0).then(|| 3.0 / total.ended as f64),
        drills: rows,
        missing: vec![],
        groups: vec![],
        findings: vec![],
        thresholds: vec![],
        writes: None,
        total,
        terminations: 9,
        resolution: Duration::from_nanos(6_666_667),
        replay: None,
        tried: None,
        interrupted: false,
    };
    let generator = Generator {
        threads: 2,
        cpu: Duration::from_secs(3),
        busy_for: Duration::from_secs(98),
        ..Generator::default()
    };
    let footer = Footer { duration: Duration::from_secs(98), generator, ..Footer::default() };
    Sample {
        history: History {
            header: header(),
            events,
            intervals: vec![],
            floods: vec![],
            audit: None,
            footer: Some(footer),
        },
        assessment,
    }
}

fn all() -> Vec<Row> {
    (0..).zip(Drill::DEFAULT).map(|(n, drill)| row(n, drill)).collect()
}

fn change(rows: &mut [Row], drill: Drill, by: impl FnOnce(&mut Row)) {
    by(rows.iter_mut().find(|row| row.drill == drill).unwrap());
}

/// Everything well; the kill lost what it may.
pub(in crate::report) fn passed() -> Sample {
    let mut rows = all();
    change(&mut rows, Drill::Kill, |row| {
        row.keep_alive.retried = 2;
        row.recovery = Some(Duration::from_millis(812));
        row.keep_alive.allowed = 3;
        row.fresh.allowed = 1;
    });
    of(rows, Verdict::Pass, &[])
}

/// Nothing lost at all.
pub(in crate::report) fn spotless() -> Sample {
    of(all(), Verdict::Pass, &[])
}

/// Writes of which two are gone, one is there twice and one came late.
pub(in crate::report) fn writes(said: &str) -> Writes {
    let harmed = |harm: audit::Harm, at_ms: u64, read: &str| Harmed {
        key: format!("sw1{at_ms}"),
        id: (harm == audit::Harm::Lost).then(|| "7".to_owned()),
        harm,
        acknowledged: at(at_ms),
        endpoint: (harm == audit::Harm::Lost).then(|| ([127, 0, 0, 1], 20_001).into()),
        read: read.to_owned(),
    };
    let audit = Audit {
        echoes: false,
        unlisted: false,
        listed: true,
        acknowledged: 1_204,
        unknown: 4,
        recovered: 2,
        not_executed: 1,
        refused: 5,
        kept: 1_200,
        lost: 2,
        stale: 1,
        unverified: 1,
        duplicated: 1,
        first: Some(at(2_000)),
        timeline: vec![],
        harmed: vec![
            harmed(audit::Harm::Lost, 16_010, said),
            harmed(audit::Harm::Lost, 16_020, "404"),
            harmed(audit::Harm::Stale, 17_000, "404"),
            harmed(audit::Harm::Duplicated, 18_000, "2 times in the list"),
        ],
        settings: vec!["SQLite, journal_mode WAL, synchronous FULL".to_owned()],
    };
    let failures = vec!["2 of 1,204 acknowledged writes are gone".to_owned()];
    let replicas = [(([127, 0, 0, 1], 20_001).into(), Replica(1))].into();
    Writes {
        audit,
        terminations: 9,
        restarts: 0,
        replicas,
        failures,
        doubts: vec!["1 could not be read back".to_owned()],
    }
}

fn finding(cause: &str, count: u64, drills: &[Drill]) -> Finding {
    Finding {
        changes: vec![],
        harm: Harm::Requests,
        cause: cause.into(),
        confidence: Confidence::Likely,
        title: "Clients still sent requests to a replica that had stopped listening.".into(),
        mends: "Keep serving after SIGTERM until clients have heard of it: a preStop sleep of 5 s or more, or a drain \
                in the process."
            .into(),
        evidence: vec![
            "replica 2 got SIGTERM at 16.0 s, its listener was down 12 ms later".into(),
            "clients heard of it 840 ms after that; 31 connections were refused in between".into(),
        ],
        count,
        allowed: 0,
        retried: 0,
        drills: drills.iter().copied().collect(),
        replicas: BTreeSet::from([Replica(1), Replica(2)]),
        own: false,
    }
}

fn group(n: u64, drill: Drill, kind: FailureKind, phase: Phase, count: u64) -> Group {
    Group {
        drill,
        kind,
        phase,
        status: (kind == FailureKind::Status).then_some(503),
        fresh: kind == FailureKind::Refused,
        replica: Some(Replica(2)),
        count,
        allowed: 0,
        retried: 0,
        when: (at(16_010 + n), at(16_850 + n)),
        place: "0.01 s to 0.85 s after SIGTERM to replica 2".into(),
        cause: "endpoint-removal-race".into(),
    }
}

/// A rollout that lost requests for two reasons.
pub(in crate::report) fn failed() -> Sample {
    let mut rows = all();
    change(&mut rows, Drill::Rollout, |row| {
        row.verdict = Verdict::Fail;
        row.reasons = vec!["34 requests were lost, and none may be".into(), "p99 was 1.20s, above 250ms".into()];
        (row.keep_alive.lost, row.fresh.lost, row.keep_alive.retried) = (3, 31, 12);
        row.times[1].max = Some(Duration::from_secs(30));
        row.recovery = Some(Duration::from_millis(1_234));
    });
    change(&mut rows, Drill::ScaleDown, |row| {
        row.verdict = Verdict::Fail;
        row.reasons = vec!["3 requests were lost, and none may be".into()];
        row.keep_alive.lost = 3;
        row.recovery = Some(Duration::from_micros(950));
    });
    let mut sample = of(rows, Verdict::Fail, &["rollout: 34 requests were lost, and none may be"]);
    let assessment = &mut sample.assessment;
    let (refused, reset) = (FailureKind::Refused, FailureKind::Reset);
    assessment.groups = vec![
        group(0, Drill::Rollout, refused, Phase::Connect, 31),
        group(1, Drill::Rollout, reset, Phase::Wait, 3),
        Group {
            allowed: 1,
            replica: None,
            place: String::new(),
            ..group(2, Drill::ScaleDown, FailureKind::Status, Phase::Receive, 3)
        },
    ];
    assessment.writes = Some(writes("404"));
    assessment.groups.extend((3..9).map(|n| group(n, Drill::Kill, reset, Phase::Send, 1)));
    let second =
        Finding { confidence: Confidence::Proven, ..finding("killed-in-flight", 6, &[Drill::Rollout, Drill::Kill]) };
    assessment.findings = vec![
        finding("endpoint-removal-race", 31, &[Drill::Rollout]),
        Finding { allowed: 3, title: "Requests that were in flight went with their process.".into(), ..second },
    ];
    let judged = |text: &str, measured: &str, judgement, why: Option<&str>| Judged {
        threshold: text.parse().unwrap(),
        measured: Some(measured.into()),
        judgement,
        why: why.map(str::to_owned),
    };
    assessment.thresholds = vec![
        judged("p99<50ms", "61.2ms", Holds::Fail, None),
        judged("failed<1%", "0.27%", Holds::Pass, None),
        judged("p99.99<1s", "30s", Holds::Inconclusive, Some("13,482 are too few")),
    ];
    let footer = sample.history.footer.as_mut().unwrap();
    footer.generator.ports = Some((760, 28_232));
    footer.generator.descriptors = Some((41, 1_048_576));
    sample
}

/// The same, made again with what mends most of it, and with a client's own retries.
pub(in crate::report) fn tried() -> Sample {
    let mut sample = failed();
    let compared = |cause: &str, before, after, proof| Compared { cause: cause.into(), before, after, proof };
    sample.assessment.tried = Some(Tried {
        changes: vec![Change::PreStopSleep(Duration::from_secs(2)), Change::Grace(Duration::from_secs(32))],
        rounds: vec![vec![Change::PreStopSleep(Duration::from_secs(2))], vec![Change::Grace(Duration::from_secs(32))]],
        drills: vec![Drill::Baseline, Drill::Rollout],
        verdict: Verdict::Fail,
        reasons: vec!["rollout: 3 requests were lost, and none may be".into()],
        lost: (34, 3),
        requests: (3_370, 3_412),
        causes: vec![
            compared("endpoint-removal-race", 31, 0, Proof::Confirmed),
            compared("killed-in-flight", 3, 3, Proof::Unclear),
        ],
    });
    sample.assessment.findings[0].confidence = Confidence::Confirmed;
    sample.assessment.replay = Some(Replay {
        policy: "2 backoff=100ms not-idempotent".parse().unwrap(),
        lost: 37,
        covered: 34,
        hidden: 33.25,
        added: 35.5,
        worst: 1.136,
        doubled: 3,
    });
    sample
}

/// The generator was late, and a drill did not come about.
pub(in crate::report) fn inconclusive() -> Sample {
    let mut rows = all();
    change(&mut rows, Drill::Freeze, |row| {
        row.verdict = Verdict::Inconclusive;
        row.happened = Err("the kernel never said that replica 2 was stopped".into());
        row.reasons = vec!["the disturbance did not happen".into()];
        row.times = [Percentiles::default(); 3];
    });
    of(
        rows,
        Verdict::Inconclusive,
        &["freeze: the disturbance did not happen", "the generator was late: p99 of the send lag was 23.0ms"],
    )
}

/// Ended in the middle of the third drill, in which everything was counted that can be.
pub(in crate::report) fn interrupted() -> Sample {
    let mut rows = all();
    rows.truncate(3);
    change(&mut rows, Drill::Terminate, |row| {
        row.verdict = Verdict::Inconclusive;
        row.reasons = vec!["it was interrupted".into()];
        row.keep_alive.shed = 1_412;
        row.keep_alive.unknown = 17;
        row.fresh.retried = 88;
        row.fresh.allowed = 12;
        row.recovery = Some(Duration::from_secs(3));
    });
    let mut sample = of(rows, Verdict::Inconclusive, &["it was interrupted: 5 of 8 drills were not made"]);
    sample.assessment.missing = Drill::DEFAULT[3..].to_vec();
    sample.assessment.interrupted = true;
    sample.assessment.bound = None;
    sample.history.footer.as_mut().unwrap().interrupted = true;
    sample.history.events.push((at(30_000), Event::Interrupted));
    sample
}

/// A failed trial whose every text is this.
pub(in crate::report) fn saying(text: &str) -> Sample {
    let mut sample = failed();
    let said = || text.to_owned();
    let Sample { history: History { header, events, .. }, assessment } = &mut sample;
    (header.target, header.machine, header.request, header.expected) = (said(), said(), said(), said());
    (header.command, header.platform, header.began, header.assumptions) = (said(), said(), said(), vec![said()]);
    events.push((at(40_000), Event::NotStarted { replica: Replica(1), why: said() }));
    assessment.writes = Some(writes(text));
    assessment.reasons = vec![said()];
    for row in &mut assessment.drills {
        row.reasons = vec![said(), said()];
        row.happened = Err(said());
    }
    for group in &mut assessment.groups {
        (group.place, group.cause) = (said(), said());
    }
    for finding in &mut assessment.findings {
        (finding.cause, finding.title, finding.mends) = (said(), said(), said());
        finding.evidence = vec![said(); 9];
    }
    assessment.thresholds[0].measured = Some(said());
    sample
}
