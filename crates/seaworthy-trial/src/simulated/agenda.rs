//! What is going to happen, in the order of virtual time.

use std::{collections::BTreeMap, time::Duration};

use seaworthy_core::{event::Replica, time::Moment, trial::Input};

use super::{
    network::{Answer, Link, ToClient, ToServer},
    truth::Blame,
};

/// Something that is going to happen.
#[derive(Clone, Debug)]
pub(crate) enum Task {
    /// Something reaches a server's end of a connection.
    ToServer(Link, ToServer),
    /// Something reaches the client's end of it.
    ToClient(Link, ToClient),
    /// A process comes to something of its own: the run of its replica that is meant, and what.
    Process(Replica, u64, Step),
    /// A probe's time is over.
    ProbeOver(Question),
    /// A process crashes.
    Crash,
    /// The trial hears of something.
    Tell(Input),
    /// The prober connects to every replica.
    Look,
    /// Requests arrive from now on.
    BeginLoad,
    /// A request is due.
    Arrive,
    /// A request has had its time.
    Late {
        /// Over what it went.
        link: Link,
        /// Which one.
        number: u64,
    },
}

/// What a process comes to. While it is frozen it comes to nothing of this, and to all of it afterwards.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// It opens its listener.
    Listen,
    /// It ends by itself, with a failure.
    Fail,
    /// It has read SIGTERM.
    Term,
    /// It closes the connections that it has not read from since then.
    Sweep,
    /// It has served for as long as it wanted to after SIGTERM.
    Leave,
    /// The answer to a request is ready.
    Answer {
        /// To whom.
        link: Link,
        /// It.
        answer: Answer,
    },
    /// A connection has been idle for long enough, if it has had so many requests only.
    Idle {
        /// Which.
        link: Link,
        /// How many.
        served: u64,
    },
    /// A probe reaches it.
    Probe(Question),
    /// A hook reaches it.
    PreStop,
}

/// A probe that was put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) replica: Replica,
    pub(crate) probe: seaworthy_core::deployment::ProbeKind,
    pub(crate) number: u64,
    pub(crate) put: Moment,
}

/// What is going to happen. What is due at the same moment happens in the order in which it was entered.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    now: Moment,
    entered: u64,
    tasks: BTreeMap<(Moment, u64), Task>,
    /// Who is to blame for what happens on a connection, as whoever does it has noted. Nobody acts on it.
    notes: BTreeMap<Link, Blame>,
}

impl Agenda {
    pub(crate) const fn now(&self) -> Moment {
        self.now
    }

    /// Time passes. It never goes back.
    pub(crate) fn pass(&mut self, to: Moment) {
        self.now = self.now.max(to);
    }

    pub(crate) fn after(&mut self, delay: Duration, task: Task) {
        self.at(self.now + delay, task);
    }

    /// Whoever is at the other end, this is why it fares badly.
    pub(crate) fn note(&mut self, link: Link, blame: Blame) {
        self.notes.insert(link, blame);
    }

    /// This, too, makes it fare badly, unless something worse is known.
    pub(crate) fn suspect(&mut self, link: Link, blame: Blame) {
        self.notes.entry(link).or_insert(blame);
    }

    /// What was noted of a connection, once.
    pub(crate) fn noted(&mut self, link: Link) -> Option<Blame> {
        self.notes.remove(&link)
    }

    /// What is due in the past happens now.
    pub(crate) fn at(&mut self, at: Moment, task: Task) {
        self.entered += 1;
        self.tasks.insert((at.max(self.now), self.entered), task);
    }

    /// When the next task is due.
    pub(crate) fn next_at(&self) -> Option<Moment> {
        self.tasks.first_key_value().map(|((at, _), _)| *at)
    }

    /// The next task: time passes until it is due.
    pub(crate) fn pop(&mut self) -> Option<Task> {
        let ((at, _), task) = self.tasks.pop_first()?;
        self.pass(at);
        Some(task)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_come_in_the_order_of_time_and_then_of_entry() {
        let mut agenda = Agenda::default();
        let ms = Duration::from_millis;
        agenda.after(ms(2), Task::Look);
        agenda.after(ms(1), Task::Crash);
        agenda.after(ms(2), Task::Arrive);
        agenda.after(ms(1), Task::BeginLoad);
        assert!(matches!(agenda.pop(), Some(Task::Crash)));
        assert!(matches!(agenda.pop(), Some(Task::BeginLoad)));
        assert_eq!(agenda.now(), Moment::from(ms(1)));
        // What should have happened already happens now, and after what was entered for now before.
        agenda.pass(Moment::from(ms(2)));
        agenda.at(Moment::START, Task::Crash);
        assert!(matches!(agenda.pop(), Some(Task::Look)));
        assert!(matches!(agenda.pop(), Some(Task::Arrive)));
        assert!(matches!(agenda.pop(), Some(Task::Crash)));
        assert_eq!(agenda.now(), Moment::from(ms(2)));
        assert!(agenda.pop().is_none());
    }
}
