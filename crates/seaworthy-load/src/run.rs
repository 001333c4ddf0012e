//! A run: threads that send, and what they hand over.

use std::{
    io,
    sync::{Arc, atomic::AtomicU64},
    thread::{self, JoinHandle},
    time::Duration,
};

use seaworthy_core::{interval::Interval, ledger::Ledger};
use tokio::{
    runtime::{self, LocalOptions},
    sync::{mpsc, watch},
    time::Instant,
};

use crate::{
    plan::Plan,
    worker::{Clock, Command, Left, Share, work},
    workload::Jobs,
};

/// Intervals that may wait to be taken, of each thread: some seconds' worth.
const CHANNEL: usize = 64;

/// How long threads have to start before the first request is due.
pub(crate) const LEAD: Duration = Duration::from_millis(10);

/// A run that goes on. Dropping it abandons it.
#[derive(Debug)]
pub struct Run {
    began: Instant,
    intervals: mpsc::Receiver<Interval>,
    commands: watch::Sender<Command>,
    threads: Vec<JoinHandle<io::Result<Left>>>,
}

/// What is known when a run has ended.
#[derive(Debug, Default)]
pub struct Ended {
    /// When the last arrival was due, or when it was stopped. Rates are over this time.
    pub duration: Duration,
    /// When the last request had ended.
    pub elapsed: Duration,
    /// Arrivals that were due and never sent.
    pub not_sent: u64,
    /// Requests that were still open when the run was abandoned.
    pub unfinished: u64,
    /// Intervals that were handed over late, since nobody had taken the ones before.
    pub backlog: u64,
    /// What was written where a ledger is kept, and whether it was acknowledged.
    pub ledger: Option<Ledger>,
}

/// Starts what is planned.
pub fn start(plan: Plan) -> io::Result<Run> {
    start_at(plan, Instant::now() + LEAD)
}

/// Starts what is planned, with its clock at zero at a moment to come.
pub fn start_at(plan: Plan, began: Instant) -> io::Result<Run> {
    start_with(plan, began, Jobs::of)
}

/// Starts the threads, each with what it is to send. That is made there, since it does not leave its thread.
pub(crate) fn start_with(
    plan: Plan,
    began: Instant,
    jobs: impl Fn(&Plan, usize) -> Jobs + Clone + Send + 'static,
) -> io::Result<Run> {
    let plan = Arc::new(plan);
    let (sender, intervals) = mpsc::channel(CHANNEL * plan.threads.get());
    let (commands, told) = watch::channel(Command::Go);
    let begun = Arc::new(AtomicU64::new(0));
    let mut threads = Vec::with_capacity(plan.threads.get());
    for index in 0..plan.threads.get() {
        let share = Share {
            index,
            clock: Clock(began),
            commands: told.clone(),
            intervals: sender.clone(),
            begun: Arc::clone(&begun),
        };
        let (plan, jobs) = (Arc::clone(&plan), jobs.clone());
        let thread = thread::Builder::new().name(format!("load-{index}")).spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
            let jobs = jobs(&plan, index);
            runtime.block_on(work(plan, share, jobs))
        })?;
        threads.push(thread);
    }
    Ok(Run { began, intervals, commands, threads })
}

impl Run {
    /// When it began, on the clock that its moments are on.
    pub const fn began(&self) -> Instant {
        self.began
    }

    /// The next interval of one of the threads; nothing once all have ended. Each thread hands over one every
    /// [`INTERVAL`](seaworthy_core::interval::INTERVAL). Cancel-safe.
    pub async fn next(&mut self) -> Option<Interval> {
        self.intervals.recv().await
    }

    /// No more arrivals; what is open is finished, for at most the time-out.
    pub fn stop(&self) {
        self.commands.send_if_modified(|command| {
            let stops = *command == Command::Go;
            if stops {
                *command = Command::Stop;
            }
            stops
        });
    }

    /// Ends at once: what is open is counted as unfinished.
    pub fn abandon(&self) {
        self.commands.send_replace(Command::Abandon);
    }

    /// What is known at the end. To be called after [`next`](Self::next) has given nothing.
    pub fn end(self) -> io::Result<Ended> {
        drop(self.intervals);
        let mut ended = Ended::default();
        for thread in self.threads {
            let left = thread.join().map_err(|_panic| io::Error::other("a load thread has panicked"))??;
            ended.duration = ended.duration.max(left.until.since_start());
            ended.elapsed = ended.elapsed.max(left.done.since_start());
            ended.not_sent += left.not_sent;
            ended.unfinished += left.unfinished;
            ended.backlog += left.backlog;
            if let Some(ledger) = left.ledger {
                ended.ledger.get_or_insert_default().merge(ledger);
            }
        }
        Ok(ended)
    }
}
