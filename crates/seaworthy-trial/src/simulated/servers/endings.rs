//! Signals, and how processes end.

use std::time::Duration;

use seaworthy_core::{
    cluster,
    event::{Event, Exit, Replica, Signal},
    time::Moment,
    trial::Input,
};

use super::{Manner, Place, Servers};
use crate::simulated::{
    agenda::{Agenda, Step, Task},
    behaviour::OnTerm,
    truth::{Blame, LEFT},
};

/// From what happens to a process until the platform hears of it.
const HEARD: Duration = Duration::from_micros(300);

/// From a signal until the process itself has read it.
const SIGNALLED: Duration = Duration::from_micros(100);

/// From when a process runs again until it does what it has missed.
const AWAKE: Duration = Duration::from_millis(1);

impl Servers {
    /// A signal is sent to a process.
    pub(crate) fn signal(&mut self, replica: Replica, signal: Signal, agenda: &mut Agenda) {
        let Some(Place { run, process: Some(process), .. }) = self.places.get_mut(&replica) else { return };
        let frozen = match signal {
            Signal::Kill => {
                let blame = self.of_kill(replica, agenda.now());
                return self.end(replica, Exit::Signal(9), blame, agenda);
            }
            Signal::Term => return agenda.after(SIGNALLED, Task::Process(replica, *run, Step::Term)),
            Signal::Stop => true,
            Signal::Cont => false,
        };
        if process.frozen == frozen {
            return;
        }
        process.frozen = frozen;
        self.blame_frozen(replica, agenda);
        let Some(Place { run, process: Some(process), .. }) = self.places.get_mut(&replica) else { return };
        agenda.after(HEARD, Task::Tell(Input::Frozen { replica, frozen }));
        if !frozen {
            for step in std::mem::take(&mut process.missed) {
                agenda.after(AWAKE, Task::Process(replica, *run, step));
            }
            self.accept(replica, agenda);
        }
    }

    /// It has read SIGTERM.
    pub(super) fn terminate(&mut self, replica: Replica, run: u64, agenda: &mut Agenda) {
        let on_term = self.behaviour.on_term;
        let Some(process) = self.process(replica).filter(|process| process.manner == Manner::Serving) else { return };
        process.told = Some(agenda.now());
        if on_term == OnTerm::Ignore {
            return;
        }
        let blame = Blame::on("exit-on-sigterm").signalled(replica, agenda.now());
        if !process.listening {
            // Its handler is not there yet.
            return self.end(replica, Exit::Signal(15), blame, agenda);
        }
        process.manner =
            if matches!(on_term, OnTerm::DiscardQueue { .. }) { Manner::Discarding } else { Manner::Draining };
        let leaves_after = match on_term {
            OnTerm::ExitAtOnce => return self.end(replica, Exit::Signal(15), blame, agenda),
            OnTerm::Drain { serve_on: after } | OnTerm::DiscardQueue { after } => after,
            OnTerm::DropIdle { sweep, serve_on } => {
                self.turn_away(replica);
                agenda.after(sweep, Task::Process(replica, run, Step::Sweep));
                serve_on
            }
            OnTerm::CloseListenerAndFinish | OnTerm::Ignore => Duration::ZERO,
        };
        if leaves_after.is_zero() {
            self.leave(replica, agenda);
        } else {
            agenda.after(leaves_after, Task::Process(replica, run, Step::Leave));
        }
    }

    /// A process crashes: the first that serves.
    pub(crate) fn crash(&mut self, agenda: &mut Agenda) {
        let serves = |place: &Place| place.process.as_ref().is_some_and(|process| process.listening);
        if let Some(replica) = self.places.iter().find(|(_, place)| serves(place)).map(|(replica, _)| *replica) {
            self.end(replica, Exit::Code(1), Blame::on("crash"), agenda);
        }
    }

    /// What a process that is killed is cut short in.
    fn of_kill(&mut self, replica: Replica, now: Moment) -> Blame {
        let ignores = self.behaviour.on_term == OnTerm::Ignore;
        let process = self.process(replica);
        if process.as_ref().is_some_and(|process| process.frozen) {
            // Whoever kills it now has found that it hangs.
            return Blame::on("hung");
        }
        let told = process.is_some_and(|process| process.told.is_some());
        Blame::on(match (told, ignores) {
            (false, _) => "killed",
            (true, true) => "sigterm-ignored",
            (true, false) => "grace-period-too-short",
        })
        .signalled(replica, now)
    }

    /// Why it is that a process closes connections, or its listener: this, and that it was told to end.
    pub(super) fn as_told(&mut self, replica: Replica, cause: &'static str) -> Blame {
        let told = self.process(replica).and_then(|process| process.told);
        let blame = Blame::on(cause);
        told.map_or(blame, |told| blame.signalled(replica, told))
    }

    /// A process ends, and the kernel closes all that it had open.
    pub(super) fn end(&mut self, replica: Replica, exit: Exit, blame: Blame, agenda: &mut Agenda) {
        let told = self.as_told(replica, LEFT);
        let Some(place) = self.places.get_mut(&replica) else { return };
        let Some(process) = place.process.take() else { return };
        // Who ends as it was told to is only connected to by whoever has not heard of it.
        place.closed = if process.told.is_some() { told } else { blame };
        self.close(replica, |_| true, blame, agenda);
        let heard = process.known.max(agenda.now()) + HEARD;
        agenda.at(heard, Task::Tell(Input::Cluster(cluster::Input::Exited { replica, exit })));
    }

    /// Its place is free. The prober looks a last time, so that no port is left open in the history.
    pub(crate) fn remove(&mut self, replica: Replica, agenda: &mut Agenda) -> Option<Event> {
        self.end(replica, Exit::Signal(9), Blame::on("killed"), agenda);
        let event = self.look_at(replica);
        if let Some(place) = self.places.remove(&replica) {
            self.gone.insert(replica, place.closed);
        }
        event
    }
}
