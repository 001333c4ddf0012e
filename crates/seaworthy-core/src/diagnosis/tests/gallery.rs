//! A made-up timeline for each cause that a trial can find.

use crate::{
    assessment::{
        assess,
        sample::{Ending, Failing, Sample, address, at},
    },
    audit::{Acknowledged, Audit, Harm, Harmed},
    deployment::{Check, Probe, Share, Strategy},
    diagnosis::{Finding, rules},
    event::{Disposition, Event, Exit, Reason, Release, Replica, Revision, Signal},
    outcome::{ConnectionKind, FailureKind, Phase},
};

const FRESH: ConnectionKind = ConnectionKind::Fresh;
const REUSED: ConnectionKind = ConnectionKind::Reused;

fn with(mut sample: Sample, failing: Failing) -> Sample {
    sample.fail(failing);
    sample
}

/// Not sent as far as any replica.
fn unsent(kind: FailureKind, phase: Phase, detail: &'static str) -> Failing {
    Failing { kind, phase, replica: None, detail: Some(detail), ..Failing::refused(13.0, 0) }
}

pub(super) fn timed_out(begun: f64, took: f64, replica: u32) -> Failing {
    Failing::cut(begun, took, FailureKind::TimedOut, FRESH, replica)
}

/// Clients find nobody from 15.2 s on, in a rollout of three replicas.
fn deserted(failing: Failing) -> Sample {
    let mut sample = with(Sample::rollout(Ending::GRACEFUL), failing);
    sample.endpoints(15.2, &[], &[]);
    sample
}

/// All replicas turn unready at 15 s, and ready again at 19 s.
fn unready() -> Sample {
    let mut sample = with(Sample::quiet(), Failing::nobody(16.5));
    for replica in (0..3).map(Replica) {
        sample.event(15.0, Event::Unready { replica }).event(19.0, Event::Ready { replica });
    }
    sample.endpoints(15.0, &[], &[]).view(16.0, &[]).endpoints(19.0, &[0, 1, 2], &[]).view(20.0, &[0, 1, 2]);
    sample
}

/// The database is away from 13 s to 14 s.
fn outage(failing: Failing) -> Sample {
    let mut sample = with(Sample::quiet(), failing);
    let exit = Some(Exit::Signal(9));
    sample.event(0.5, Event::DatabaseUp).event(13.0, Event::DatabaseDown { exit }).event(14.0, Event::DatabaseUp);
    sample
}

/// A replica's process that ends at 16 s, of a signal, and listens again at 17 s.
pub(super) fn signalled(signal: Signal, reason: Reason, failing: Failing) -> Sample {
    let mut sample = with(Sample::quiet(), failing);
    let replica = Replica(2);
    sample.event(15.9, Event::Signalled { replica, signal, reason });
    sample.event(16.0, Event::Exited { replica, exit: Exit::Signal(9) }).event(16.02, Event::ListenerDown { replica });
    sample.event(16.5, Event::Started { replica, restart: 1, pid: None }).event(17.0, Event::ListenerUp { replica });
    sample
}

/// Acknowledged writes that came to harm, on a trial.
pub(super) fn harmed(mut sample: Sample, harm: Harm, of: impl Iterator<Item = (f64, u32)>) -> Sample {
    let of: Vec<(f64, u32)> = of.collect();
    let harmed: Vec<Harmed> = of
        .iter()
        .copied()
        .map(|(acknowledged, replica)| Harmed {
            key: format!("k{}", at(acknowledged).nanos() / 1_000_000),
            id: None,
            harm,
            acknowledged: at(acknowledged),
            endpoint: Some(address(replica)),
            read: if harm == Harm::Duplicated { "2 times in the list" } else { "404" }.into(),
        })
        .collect();
    let count = harmed.len() as u64;
    let gone: Vec<(f64, u32)> = if harm == Harm::Lost { of } else { Vec::new() };
    let mut timeline = acknowledged(&gone);
    // Without its database a service acknowledges nothing.
    let is_away = |slot: u64| {
        let changes = sample.events.iter().filter(|(when, _)| when.nanos() / 100_000_000 <= slot);
        let mut of_database =
            changes.filter(|(_, event)| matches!(event, Event::DatabaseUp | Event::DatabaseDown { .. }));
        matches!(of_database.next_back(), Some((_, Event::DatabaseDown { .. })))
    };
    for part in &mut timeline {
        part.slots.retain(|(slot, there, _)| *there == 0 || !is_away(*slot));
    }
    let kept = timeline.iter().flat_map(|part| &part.slots).map(|(_, there, _)| there).sum();
    let acknowledged = if harm == Harm::Lost { kept + count } else { kept };
    let kept = if harm == Harm::Stale { kept - count } else { kept };
    let mut audit = Audit { acknowledged, kept, timeline, ..Audit::default() };
    match harm {
        Harm::Lost => audit.lost = count,
        Harm::Stale => audit.stale = count,
        Harm::Duplicated => audit.duplicated = count,
    }
    audit.settings = vec!["innodb_flush_log_at_trx_commit: 0".into()];
    sample.audit = Some(Audit { harmed, ..audit });
    sample
}

/// What three replicas acknowledged, ten a second from 2 s to 24 s: all of it is there but what is gone, and nothing else
/// was acknowledged around that.
pub(super) fn acknowledged(gone: &[(f64, u32)]) -> Vec<Acknowledged> {
    let kept = (0..220_u32).map(|n| (2.05 + 0.1 * f64::from(n), n % 3));
    let near = |of: u32, by: u32| if of == by { 0.5 } else { 0.15 };
    let kept = kept.filter(|(at, of)| gone.iter().all(|(lost, by)| (lost - at).abs() > near(*of, *by)));
    let all: Vec<(f64, u32, bool)> =
        kept.map(|(at, of)| (at, of, true)).chain(gone.iter().map(|(at, of)| (*at, *of, false))).collect();
    (0..3)
        .map(|replica| {
            let own = all.iter().filter(|(_, of, _)| *of == replica);
            let slots = own
                .map(|(moment, _, there)| (at(*moment).nanos() / 100_000_000, u64::from(*there), u64::from(!*there)));
            Acknowledged { endpoint: Some(address(replica)), slots: slots.collect() }
        })
        .collect()
}

/// From one moment to another, so many, evenly.
pub(super) fn every(from: f64, to: f64, count: u32, replica: u32) -> impl Iterator<Item = (f64, u32)> {
    (0..count).map(move |n| (from + (to - from) * f64::from(n) / f64::from(count), replica))
}

/// A replica is added at 14 s, and watched until 100 s.
pub(super) fn scaled_up() -> Sample {
    let mut sample = Sample::quiet();
    sample.answers = vec![(2.0, 100.0)];
    sample.header.connections = 40;
    sample.event(13.0, Event::Scaled { from: 3, to: 4 }).up(13.0, 3, 1, Release::Good).view(14.0, &[0, 1, 2, 3]);
    sample
}

/// The timeline of a cause.
pub(crate) fn timeline(cause: &str) -> Sample {
    let gallery = [termination, startup, own, health, connections, data, writes, times];
    gallery.iter().find_map(|part| part(cause)).unwrap_or_else(|| panic!("{cause} has no timeline"))
}

fn own(cause: &str) -> Option<Sample> {
    let rollout = || Sample::rollout(Ending::GRACEFUL);
    Some(match cause {
        "fp-ephemeral-ports" => with(rollout(), Failing { kind: FailureKind::NoPort, ..Failing::refused(15.4, 0) }),
        "fp-fd-limit" => with(rollout(), Failing { kind: FailureKind::NoDescriptor, ..Failing::refused(15.4, 0) }),
        "fp-client-saturation" => with(rollout(), Failing { late: 0.4, ..timed_out(15.4, 1.0, 0) }),
        "killed" => with(Sample::kill(), Failing::refused(15.2, 1)),
        "hung" => with(Sample::freeze(), timed_out(16.0, 5.0, 1)),
        "network-partition" => with(Sample::network(), timed_out(16.0, 5.0, 1)),
        "also-in-baseline" => {
            let mut sample = Sample::quiet();
            for n in 0..10 {
                sample.fail(Failing::status(3.0 + f64::from(n) * 0.5, 500, 1));
                sample.fail(Failing::status(15.0 + f64::from(n) * 0.5, 500, 1));
            }
            sample.header.drills.retain(|drill| *drill != crate::drill::Drill::Baseline);
            sample.header.drills.insert(0, crate::drill::Drill::Baseline);
            sample
        }
        "unexplained" => with(Sample::quiet(), Failing::status(16.0, 500, 1)),
        _ => return None,
    })
}

fn termination(cause: &str) -> Option<Sample> {
    let graceful = || Sample::rollout(Ending::GRACEFUL);
    let killed = Ending { pre_stop: 0.0, listens: 4.02, runs: 4.0, exit: Exit::Signal(9), killed: true };
    Some(match cause {
        "endpoint-removal-race" => with(Sample::rollout(Ending::AT_ONCE), Failing::refused(15.4, 0)),
        "stale-endpoint-after-teardown" => {
            let failing = Failing { kind: FailureKind::TimedOut, took: 1.0, ..Failing::refused(15.7, 0) };
            with(Sample::rollout(Ending::AT_ONCE), failing)
        }
        "exit-on-sigterm" => {
            with(Sample::rollout(Ending::AT_ONCE), Failing::cut(14.6, 0.41, FailureKind::Reset, FRESH, 0))
        }
        "sigterm-ignored" => {
            let mut sample = with(Sample::rollout(killed), Failing::cut(17.7, 1.31, FailureKind::Closed, REUSED, 0));
            sample.event(15.0, Event::Disposition { replica: Replica(0), of_sigterm: Disposition::Ignored });
            sample
        }
        "grace-period-too-short" => {
            let cut = Failing { phase: Phase::Receive, ..Failing::cut(14.2, 4.81, FailureKind::Closed, FRESH, 0) };
            with(Sample::rollout(Ending { listens: 0.1, ..killed }), cut)
        }
        "prestop-failed" => {
            let mut sample = with(Sample::rollout(Ending::AT_ONCE), Failing::refused(15.4, 0));
            let failed = Some("exec: sleep: not found".into());
            sample.event(15.0, Event::PreStopEnded { replica: Replica(0), failed });
            sample
        }
        "force-delete" => {
            let mut sample = with(graceful(), Failing::cut(14.9, 0.2, FailureKind::Reset, FRESH, 0));
            for (_, event) in &mut sample.events {
                if let Event::Terminating { grace, .. } = event {
                    *grace = std::time::Duration::ZERO;
                }
            }
            sample
        }
        "shutdown-closes-idle-keepalive" => {
            with(graceful(), Failing::cut(15.02, 0.004, FailureKind::Closed, REUSED, 0))
        }
        "accept-queue-discard" => {
            let ending = Ending { listens: 0.9, runs: 0.9, ..Ending::GRACEFUL };
            with(Sample::rollout(ending), Failing::cut(15.1, 0.8, FailureKind::Reset, FRESH, 0))
        }
        _ => return None,
    })
}

fn startup(cause: &str) -> Option<Sample> {
    Some(match cause {
        "recreate-gap" => {
            let mut sample = with(Sample::rollout(Ending::GRACEFUL), Failing::nobody(15.5));
            sample.header.deployment.strategy = Strategy::Recreate;
            sample
        }
        "single-replica-gap" => {
            let mut sample = with(Sample::rollout(Ending::GRACEFUL), Failing::nobody(15.5));
            sample.header.deployment.replicas = 1;
            sample
        }
        "rollout-capacity-dip" => {
            let mut sample = deserted(Failing::nobody(15.5));
            let (max_surge, max_unavailable) = (Share::Count(0), Share::Percent(100));
            sample.header.deployment.strategy = Strategy::RollingUpdate { max_surge, max_unavailable };
            sample
        }
        "rollout-stuck" => {
            let mut sample = deserted(Failing::nobody(15.5));
            sample.event(15.3, Event::RolloutStuck { revision: Revision(2) });
            sample
        }
        "traffic-before-ready" => {
            let mut sample = with(Sample::rollout(Ending::GRACEFUL), Failing::refused(15.5, 3));
            sample.header.deployment.template.readiness = None;
            sample.events.retain(|(_, event)| *event != Event::ListenerUp { replica: Replica(3) });
            sample.event(16.0, Event::ListenerUp { replica: Replica(3) });
            sample
        }
        "bad-release-served" => {
            let mut sample = Sample::rollout(Ending::GRACEFUL);
            for n in 0..12 {
                sample.fail(Failing::status(16.0 + f64::from(n) * 0.3, 500, 3 + u32::from(n > 7) * (n % 2)));
            }
            sample
        }
        "incompatible-migration" => {
            let mut sample = Sample::rollout(Ending::GRACEFUL);
            for n in 0..12 {
                sample.fail(Failing::status(15.5 + f64::from(n) * 0.2, 500, 1 + n % 2));
            }
            sample
        }
        "probe-kill-while-starting" => {
            let mut sample = Sample::quiet();
            let period = std::time::Duration::from_secs(1);
            let probe = Probe { period, ..Probe::new(Check::Tcp { port: None }) };
            sample.header.deployment.template.liveness = Some(probe);
            sample.up(14.0, 3, 1, Release::Good);
            let replica = Replica(3);
            sample.events.retain(|(when, event)| {
                *when <= at(14.0)
                    || !matches!(event, Event::ListenerUp { .. } | Event::Ready { .. } | Event::Available { .. })
            });
            let (signal, reason) = (Signal::Term, Reason::Liveness);
            sample.event(17.0, Event::Signalled { replica, signal, reason });
            sample.event(17.1, Event::Exited { replica, exit: Exit::Signal(15) });
            sample.event(17.2, Event::Started { replica, restart: 1, pid: None });
            sample.event(19.0, Event::ListenerUp { replica }).event(19.2, Event::Ready { replica });
            sample.event(19.2, Event::Available { replica });
            sample
        }
        "crash" => {
            let mut sample = signalled(Signal::Term, Reason::Drill, Failing::refused(16.3, 2));
            sample.events.retain(|(_, event)| !matches!(event, Event::Signalled { .. }));
            sample
        }
        _ => return None,
    })
}

fn health(cause: &str) -> Option<Sample> {
    Some(match cause {
        "readiness-flap" => unready(),
        "dependency-readiness-collapse" => {
            let mut sample = unready();
            sample.event(0.5, Event::DatabaseUp).event(14.0, Event::DatabaseDown { exit: None });
            sample.event(18.0, Event::DatabaseUp);
            sample
        }
        "oom-killed" => {
            signalled(Signal::Kill, Reason::OutOfMemory, Failing::cut(15.6, 0.41, FailureKind::Closed, FRESH, 2))
        }
        "liveness-kill-under-load" => {
            let mut sample = signalled(Signal::Term, Reason::Liveness, Failing::refused(16.3, 2));
            sample.header.deployment.template.liveness = Some(Probe::new(Check::Tcp { port: None }));
            sample
        }
        "accept-queue-overflow" => {
            let late = Failing { connect: Some(3.06), ..Failing::cut(15.0, 4.0, FailureKind::TimedOut, FRESH, 1) };
            with(Sample::quiet(), late)
        }
        "overload-shedding" => {
            let mut sample = with(Sample::quiet(), Failing::status(16.0, 503, 1));
            let drill = crate::drill::Drill::ScaleUp;
            sample.event(15.0, Event::Flooded { drill, rate: 1_600 }).event(18.0, Event::FloodEnded { drill });
            sample
        }
        _ => return None,
    })
}

fn connections(cause: &str) -> Option<Sample> {
    let words = "invalid peer certificate: certificate expired: verification time 1795280400";
    Some(match cause {
        "dns-failure" => {
            with(Sample::quiet(), unsent(FailureKind::Dns, Phase::Dns, "failed to lookup address information"))
        }
        "tls-cert-expired" => with(Sample::quiet(), unsent(FailureKind::Tls, Phase::Tls, words)),
        "tls-failure" => {
            with(Sample::quiet(), unsent(FailureKind::Tls, Phase::Tls, "invalid peer certificate: UnknownIssuer"))
        }
        "silent-truncation" => {
            let (kind, phase, status) = (FailureKind::Truncated, Phase::Receive, Some(200));
            let detail = Some("cut off after 512 of 4,096 bytes: the answer says no length");
            with(Sample::quiet(), Failing { kind, phase, status, detail, ..Failing::refused(16.0, 1) })
        }
        "h2-goaway-race" => {
            let cut = Failing::cut(15.02, 0.004, FailureKind::GoAway, REUSED, 0);
            with(Sample::rollout(Ending::GRACEFUL), cut)
        }
        "error-with-success-status" => {
            let (kind, phase, status) = (FailureKind::Body, Phase::Receive, Some(200));
            let detail = Some("no JSON object");
            with(Sample::quiet(), Failing { kind, phase, status, detail, ..Failing::refused(16.0, 1) })
        }
        "keepalive-idle-race" => {
            let mut sample = Sample::quiet();
            for (n, idle) in [4.98, 5.0, 5.01, 5.2].into_iter().enumerate() {
                let cut = Failing::cut(14.0 + n as f64, 0.001, FailureKind::Reset, REUSED, 1);
                sample.fail(Failing { idle: Some(idle), ..cut });
            }
            sample
        }
        "unknown-outcome-write" => {
            let mut sample = with(Sample::quiet(), timed_out(14.0, 5.0, 1));
            sample.header.idempotent = false;
            sample.header.request = "POST /items".into();
            sample
        }
        _ => return None,
    })
}

fn data(cause: &str) -> Option<Sample> {
    Some(match cause {
        "db-unavailable-window" => outage(Failing::status(13.5, 500, 1)),
        "stale-db-pool" => outage(Failing::status(16.5, 500, 0)),
        _ => return None,
    })
}

fn writes(cause: &str) -> Option<Sample> {
    let durable = || {
        let mut sample = Sample::quiet();
        sample.event(0.5, Event::DatabaseUp).event(16.0, Event::DatabaseDown { exit: Some(Exit::Signal(9)) });
        sample.event(19.0, Event::DatabaseUp);
        sample
    };
    Some(match cause {
        "ack-before-persist" => harmed(Sample::kill(), Harm::Lost, every(14.2, 14.9, 7, 1)),
        "ephemeral-db-storage" => harmed(Sample::kill(), Harm::Lost, every(2.1, 14.9, 44, 1)),
        "non-durable-commit" => harmed(durable(), Harm::Lost, every(15.1, 15.9, 8, 0)),
        "retry-duplicate-write" => harmed(Sample::kill(), Harm::Duplicated, every(14.0, 15.0, 3, 1)),
        "stale-replica-read" => harmed(Sample::kill(), Harm::Stale, every(14.0, 15.0, 3, 0)),
        "lost-writes-unexplained" => harmed(Sample::quiet(), Harm::Lost, every(13.0, 14.0, 3, 0)),
        _ => return None,
    })
}

fn times(cause: &str) -> Option<Sample> {
    Some(match cause {
        "cold-start" => {
            let mut sample = Sample::rollout(Ending::GRACEFUL);
            sample.slow =
                [(3, 15.0), (4, 18.0), (5, 21.0)].map(|(replica, from)| (replica, from, from + 2.0, 0.3)).into();
            sample
        }
        "slow-replica" => {
            let mut sample = Sample::quiet();
            sample.answers = vec![(2.0, 26.0)];
            sample.slow = vec![(1, 0.0, 99.0, 0.06)];
            sample
        }
        "connection-pinning" => {
            let mut sample = Sample::quiet();
            (sample.answers, sample.header.connections) = (vec![(2.0, 90.0)], 50);
            (sample.slow, sample.kept) = (vec![(1, 0.0, 99.0, 0.06)], vec![1, 1, 1, 1, 1, 0, 2]);
            sample
        }
        "no-rebalance-after-scale-up" => {
            let mut sample = scaled_up();
            sample.kept = vec![0, 1, 2];
            sample
        }
        _ => return None,
    })
}

/// What is found on each timeline.
pub(crate) fn findings() -> Vec<Finding> {
    let find = |cause: &str| {
        let found = assess(&timeline(cause).history()).findings;
        found.into_iter().find(|finding| finding.cause == cause).unwrap_or_else(|| panic!("{cause} is not found"))
    };
    rules().map(|rule| find(rule.id)).collect()
}
