//! What happens after each command, and when.

use seaworthy_console::{
    Command,
    model::{Cost, DrillState, Finding, MarkKind, Phase},
};

use super::{Action, World, millis};

impl World {
    pub(super) fn carry_out(&mut self, command: Command) {
        let begin = self.second * 1000 + 120;
        self.plan(begin, Action::Mark(MarkKind::DrillBegun, None, format!("drill: {command}")));
        if let Some(drill) = &mut self.drill {
            (drill.state, drill.began, drill.cost) =
                (DrillState::Running, Some(millis(begin)), Some(Cost { worst_ms: Some(9.4), ..Cost::default() }));
            self.changed.push(drill.clone());
        }
        let end = match command {
            Command::RollOut {} => self.roll_out(begin),
            Command::Kill { replica } => self.kill(begin, replica.0),
            Command::Freeze { replica, seconds } => self.freeze(begin, replica.0, u64::from(seconds) * 1000),
            Command::Scale { replicas } => self.scale(begin, replicas),
            Command::BadRelease {} => self.bad_release(begin),
        };
        self.plan(end, Action::End);
    }

    fn roll_out(&mut self, begin: u64) -> u64 {
        let next = self.revision + 1;
        self.plan(begin, Action::NextRevision);
        self.plan(begin, Action::Mark(MarkKind::RolloutBegun, None, format!("rollout to revision {next}")));
        let mut at = begin;
        for old in self.ready() {
            let new = self.number();
            self.plan(at, Action::Create(new));
            self.plan(at + 1_700, Action::Phase(new, Phase::Ready));
            self.plan(at + 1_750, Action::Slow(38.0));
            at = self.terminate(at + 1_800, old);
        }
        self.plan(at, Action::Mark(MarkKind::RolloutDone, None, format!("rollout to revision {next} is done")));
        at + 1_000
    }

    /// Ends a replica; when it is gone.
    fn terminate(&mut self, at: u64, replica: u32) -> u64 {
        self.plan(at, Action::Phase(replica, Phase::Terminating));
        self.plan(at, Action::Mark(MarkKind::Sigterm, Some(replica), "was sent SIGTERM".to_owned()));
        self.plan(at + 300, Action::Retry(1));
        self.plan(at + 2_100, Action::Phase(replica, Phase::Gone));
        at + 2_100
    }

    fn kill(&mut self, at: u64, replica: u32) -> u64 {
        self.plan(at, Action::Mark(MarkKind::Killed, Some(replica), "was killed".to_owned()));
        self.plan(at, Action::Phase(replica, Phase::Unready));
        self.plan(at + 100, Action::Lose(replica, 2));
        self.plan(at + 120, Action::Retry(3));
        self.plan(at + 200, Action::Slow(412.0));
        self.plan(at + 900, Action::Restart(replica));
        self.plan(at + 2_600, Action::Phase(replica, Phase::Ready));
        self.plan(
            at + 3_500,
            found(
                "killed",
                "the drill killed the replica that had these requests: nobody can keep them",
                &[
                    format!("replica {replica} had 2 requests in flight when it got SIGKILL"),
                    "its listener was back after 0.9 s, and it was ready after 2.6 s".to_owned(),
                ],
                "retry requests that are idempotent, in the client or in the mesh",
            ),
        );
        at + 3_600
    }

    fn freeze(&mut self, at: u64, replica: u32, lasts: u64) -> u64 {
        self.plan(at, Action::Mark(MarkKind::Frozen, Some(replica), "was frozen (SIGSTOP)".to_owned()));
        for second in 1..=(lasts / 1000).min(3) {
            self.plan(
                at + second * 1000,
                Action::Mark(MarkKind::ProbeFailed, Some(replica), "readiness probe failed".to_owned()),
            );
            self.plan(at + second * 1000 - 200, Action::Lose(replica, 5));
            self.plan(at + second * 1000 - 100, Action::Slow(1_000.0 * second as f64));
        }
        if lasts >= 3_000 {
            self.plan(at + 3_000, Action::Phase(replica, Phase::Unready));
        }
        self.plan(at + lasts, Action::Mark(MarkKind::Thawed, Some(replica), "goes on (SIGCONT)".to_owned()));
        self.plan(at + lasts + 900, Action::Phase(replica, Phase::Ready));
        self.plan(at + lasts + 1_500, found(
            "hung",
            "the drill froze the replica that had these requests, and clients could not know yet",
            &[
                format!("replica {replica} answered nothing for {} s", lasts / 1000),
                "the readiness probe needed 3 failures, 1 s apart, to take it out".to_owned(),
                "requests to it timed out; those to others were answered".to_owned(),
            ],
            "a shorter readiness probe (periodSeconds: 1, failureThreshold: 1), and time-outs with a retry in clients",
        ));
        at + lasts + 1_600
    }

    fn scale(&mut self, at: u64, replicas: u32) -> u64 {
        let was = self.wanted;
        self.plan(at, Action::Wanted(replicas));
        self.plan(at, Action::Mark(MarkKind::Scaled, None, format!("scaled from {was} to {replicas}")));
        for index in was..replicas {
            let new = self.number();
            self.plan(at + 50, Action::Create(new));
            self.plan(at + 1_700 + u64::from(index) * 150, Action::Phase(new, Phase::Ready));
        }
        let ready = self.ready();
        for old in ready.into_iter().rev().take(was.saturating_sub(replicas) as usize) {
            self.terminate(at + 50, old);
        }
        at + 3_800
    }

    fn bad_release(&mut self, at: u64) -> u64 {
        let (bad, good) = (self.revision + 1, self.revision + 2);
        let new = self.number();
        self.plan(at, Action::NextRevision);
        self.plan(
            at,
            Action::Mark(MarkKind::RolloutBegun, None, format!("rollout to revision {bad}, which is broken")),
        );
        self.plan(at + 10, Action::Create(new));
        self.plan(at + 1_100, Action::Mark(MarkKind::ProbeFailed, Some(new), "startup probe failed".to_owned()));
        self.plan(at + 1_800, Action::Restart(new));
        self.plan(at + 3_900, Action::Restart(new));
        self.plan(at + 5_000, Action::NextRevision);
        self.plan(
            at + 5_000,
            Action::Mark(MarkKind::RolloutDone, None, format!("undone: revision {good} is what ran before")),
        );
        self.terminate(at + 5_100, new) + 800
    }

    fn ready(&self) -> Vec<u32> {
        self.units.iter().filter(|(_, unit)| unit.phase == Phase::Ready).map(|(replica, _)| *replica).collect()
    }
}

fn found(cause: &str, what: &str, evidence: &[String], fix: &str) -> Action {
    let (cause, what, fix) = (cause.to_owned(), what.to_owned(), fix.to_owned());
    Action::Found(Finding { cause, what, evidence: evidence.to_vec(), fix })
}
