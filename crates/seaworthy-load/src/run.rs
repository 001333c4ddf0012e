//! A run: threads that send, and what they hand over.

use std::{
    io,
    num::NonZero,
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
    plan::{Pace, Plan, Workload},
    users::ReadBack,
    worker::{Clock, Command, Left, Share, work},
    workload::Jobs,
};

/// Intervals that may wait to be taken, of each thread: some seconds' worth.
const CHANNEL: usize = 64;

/// How long threads have to start before the first request is due.
const LEAD: Duration = Duration::from_millis(10);

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
    /// What the users scenario has written, and whether it was acknowledged.
    pub ledger: Option<Ledger>,
}

/// Starts what is planned.
pub fn start(plan: Plan) -> io::Result<Run> {
    start_at(plan, Instant::now() + LEAD)
}

/// Starts what is planned, with its clock at zero at a moment to come.
pub fn start_at(plan: Plan, began: Instant) -> io::Result<Run> {
    start_with(plan, began, |plan, thread| Jobs::of(&plan.workload, &plan.expectation, plan.seed, thread))
}

/// Starts the threads, each with what it is to send. That is made there, since it does not leave its thread.
fn start_with(
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

/// Reads back what the users scenario was told is stored: the ledger then knows what was kept and what was lost.
/// Sends to the same target as the plan, as fast as its connections go, for at most `patience`. Dropped before it is
/// done, it leaves the ledger empty and ends its thread.
pub async fn read_back(plan: &Plan, ledger: &mut Ledger, patience: Duration) -> io::Result<()> {
    let Workload::Users(users) = &plan.workload else { return Ok(()) };
    let (like, taken) = (users.like.clone(), ledger.take());
    let mut plan = plan.clone();
    plan.pace = Pace::Closed { duration: Some(patience), limit: None };
    plan.threads = NonZero::<usize>::MIN;
    plan.connections.fresh = 0.0;
    let jobs = move |_: &Plan, _| Jobs::ReadBack(Box::new(ReadBack::new(like.clone(), taken.clone())));
    let mut run = start_with(plan, Instant::now() + LEAD, jobs)?;
    while run.next().await.is_some() {}
    *ledger = run.end()?.ledger.unwrap_or_default();
    Ok(())
}
