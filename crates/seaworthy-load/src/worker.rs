//! One thread's work: what is due is given to connections, and what became of it is recorded.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    io,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;
use seaworthy_core::{
    interval::{Gauges, INTERVAL, Interval, Recorder},
    ledger::{Ledger, Met},
    outcome::{ConnectionKind, Failure, FailureKind, Outcome, Phase, Phases},
    time::Moment,
};
use tokio::{
    select,
    sync::{Mutex, Notify, mpsc, watch},
    task::{spawn_local, yield_now},
    time::{Instant, sleep_until},
};

use crate::{
    connect::{Connector, Opening},
    http1::{Http1, Idle, Sending},
    http2, machine,
    plan::{Pace, Plan, Protocol},
    pool::{Assigned, Parked, Pool, Wanted, Work},
    timer::Timer,
    workload::{Answer, Job, Jobs},
};

/// Bytes that are read at once.
const SCRATCH: usize = 64 << 10;

/// How many late arrivals are handed on before answers are looked at again.
const BATCH: usize = 64;

/// Arrivals per second of a thread up to which it wakes for each at its own moment. Beyond that, waking costs more than
/// sending (about 30 us of a processor each time, where sending takes 8), and the thread would run out of time.
const EACH_BY_ITSELF: f64 = 10_000.0;

/// How often a thread wakes beyond that. What is due in between is sent together, up to this much late, which is part
/// of its response time and reported as send lag. More threads are finer.
const TICK: Duration = Duration::from_micros(800);

/// After a tick, answers come one close after the other: for so long after each the thread looks for the next instead of
/// going to sleep and being woken for it, which would cost more.
const LINGER: Duration = Duration::from_micros(40);

/// How long a closed loop waits after it could not connect, so that it does not spin.
pub(crate) const AFTER_REFUSAL: Duration = Duration::from_millis(10);

/// What one read goes into. One thread reads one thing at a time, so one is enough for all its connections.
pub(crate) type Scratch = RefCell<Box<[u8]>>;

/// The clock of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(pub(crate) Instant);

impl Clock {
    pub(crate) fn now(self) -> Moment {
        self.at(Instant::now())
    }

    pub(crate) fn at(self, instant: Instant) -> Moment {
        instant.saturating_duration_since(self.0).into()
    }

    fn instant(self, moment: Moment) -> Instant {
        self.0 + moment.since_start()
    }
}

/// What a run's threads are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Go,
    /// No more arrivals.
    Stop,
    /// End at once.
    Abandon,
}

/// What a thread is given besides the plan.
#[derive(Debug)]
pub(crate) struct Share {
    pub(crate) index: usize,
    pub(crate) clock: Clock,
    pub(crate) commands: watch::Receiver<Command>,
    pub(crate) intervals: mpsc::Sender<Interval>,
    /// How many requests a closed loop has begun, on all threads.
    pub(crate) begun: Arc<AtomicU64>,
}

/// What a thread leaves.
#[derive(Debug, Default)]
pub(crate) struct Left {
    /// The last moment at which something could be due.
    pub(crate) until: Moment,
    pub(crate) done: Moment,
    pub(crate) not_sent: u64,
    pub(crate) unfinished: u64,
    pub(crate) backlog: u64,
    pub(crate) ledger: Option<Ledger>,
}

/// A request that is worked on.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    work: Work,
    begun: Moment,
    /// How long its connection had been idle, where it was used before.
    idle: Option<Duration>,
    pub(crate) job: Job,
    pub(crate) connection: ConnectionKind,
    pub(crate) opening: Opening,
    pub(crate) deadline: Instant,
}

/// One thread's work.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) plan: Arc<Plan>,
    pub(crate) clock: Clock,
    index: usize,
    pub(crate) connector: Connector,
    scratch: Scratch,
    pub(crate) pool: RefCell<Pool>,
    pub(crate) recorder: RefCell<Recorder>,
    jobs: RefCell<Jobs>,
    random: RefCell<Pcg64Mcg>,
    /// Told when the last open request has ended.
    empty: Notify,
    intervals: mpsc::Sender<Interval>,
    backlog: RefCell<VecDeque<Interval>>,
    handed_over_late: Cell<u64>,
    cpu: Cell<Duration>,
    begun: Arc<AtomicU64>,
    /// Held by who opens an HTTP/2 connection in place of one that broke.
    pub(crate) replacing: Mutex<()>,
}

/// This thread's part of a whole.
const fn part(whole: usize, threads: usize, index: usize) -> usize {
    let part = whole / threads + (index < whole % threads) as usize;
    if part == 0 { 1 } else { part }
}

/// Works until everything that was due has ended.
pub(crate) async fn work(plan: Arc<Plan>, share: Share, jobs: Jobs) -> io::Result<Left> {
    let Share { index, clock, mut commands, intervals, begun } = share;
    let threads = plan.threads.get();
    let seed = plan.seed.wrapping_add(index as u64 + 1);
    let pool = Pool::new(part(plan.connections.keep, threads, index), part(plan.connections.most, threads, index));
    let worker = Rc::new(Worker {
        clock,
        index,
        connector: Connector::new(Arc::clone(&plan), Pcg64Mcg::seed_from_u64(seed ^ 0x5eed)),
        scratch: RefCell::new(vec![0; SCRATCH].into()),
        pool: RefCell::new(pool),
        recorder: RefCell::new(Recorder::new(index).keep_answers(plan.keep_answers)),
        jobs: RefCell::new(jobs),
        random: RefCell::new(Pcg64Mcg::seed_from_u64(seed)),
        empty: Notify::new(),
        intervals,
        backlog: RefCell::default(),
        handed_over_late: Cell::new(0),
        cpu: Cell::new(machine::thread_cpu()),
        begun,
        replacing: Mutex::new(()),
        plan,
    });
    let ticker = spawn_local(Rc::clone(&worker).tick());
    let until = worker.send(&mut commands).await?;
    let left = worker.finish(until, &mut commands).await;
    ticker.abort();
    worker.flush().await;
    let ledger = worker.jobs.borrow_mut().take_ledger(Met { at: worker.clock.now(), endpoint: None });
    Ok(Left { ledger, backlog: worker.handed_over_late.get(), ..left })
}

impl Worker {
    /// Sends what the plan says, and returns when the last was due.
    async fn send(self: &Rc<Self>, commands: &mut watch::Receiver<Command>) -> io::Result<Moment> {
        match &self.plan.pace {
            Pace::Open { profile, spacing, limit } => {
                let end = profile.duration().map(Moment::from);
                let arrivals = profile.arrivals(*spacing, self.plan.seed);
                // Each thread takes its turns of the same schedule.
                let mine = arrivals
                    .take(limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX)))
                    .skip(self.index)
                    .step_by(self.plan.threads.get());
                let busiest = profile.peak().as_per_second() / self.plan.threads.get() as f64;
                let tick = if busiest > EACH_BY_ITSELF { TICK } else { Duration::ZERO };
                let stopped = self.schedule(mine, tick, commands).await?;
                // It was over when the next would have been due: 200 at 50/s take 4 s, and not 3.98.
                let next = limit.and_then(|limit| {
                    profile.arrivals(*spacing, self.plan.seed).nth(usize::try_from(limit).unwrap_or(usize::MAX))
                });
                Ok(stopped.or(next).or(end).unwrap_or_else(|| self.clock.now()))
            }
            Pace::Closed { duration, limit } => {
                let end = duration.map(|duration| self.clock.0 + duration);
                // Before it begins the clock stands still.
                sleep_until(self.clock.0).await;
                let keep = self.pool.borrow().keep;
                let shared: Vec<Rc<http2::Shared>> = (0..keep).map(|_| Rc::default()).collect();
                let loops: Vec<_> = shared
                    .iter()
                    .flat_map(|one| std::iter::repeat_n(one, self.streams()))
                    .map(|one| spawn_local(Rc::clone(self).closed_loop(Rc::clone(one), end, *limit)))
                    .collect();
                self.pool.borrow_mut().until = end.map(|end| end + self.plan.timeouts.request);
                for one in loops {
                    select! {
                        joined = one => joined.map_err(io::Error::other)?,
                        _ = commands.wait_for(|command| *command != Command::Go) => break,
                    }
                }
                Ok(end.map_or_else(|| self.clock.now(), |end| self.clock.at(end.min(Instant::now()))))
            }
        }
    }

    /// How many requests a connection takes at once.
    pub(crate) fn streams(&self) -> usize {
        match self.plan.protocol {
            Protocol::Http1 => 1,
            Protocol::Http2 { streams } => streams,
        }
    }

    /// Hands out what is due when it is due. Returns the moment at which it was told to stop.
    async fn schedule(
        self: &Rc<Self>,
        arrivals: impl Iterator<Item = Moment>,
        tick: Duration,
        commands: &mut watch::Receiver<Command>,
    ) -> io::Result<Option<Moment>> {
        let timer = Timer::new()?;
        let mut at_once = 0;
        let mut woken = Instant::now();
        for due in arrivals {
            let at = self.clock.instant(due);
            while Instant::now() < at {
                at_once = 0;
                if !tick.is_zero() {
                    self.linger().await;
                }
                let wait = at.max(woken + tick).saturating_duration_since(Instant::now());
                select! {
                    biased;
                    waited = timer.wait(wait) => waited?,
                    _ = commands.wait_for(|command| *command != Command::Go) => return Ok(Some(self.clock.now())),
                }
                woken = Instant::now();
            }
            self.dispatch(due);
            at_once += 1;
            if at_once == BATCH {
                at_once = 0;
                yield_now().await;
                if *commands.borrow() != Command::Go {
                    return Ok(Some(self.clock.now()));
                }
            }
        }
        Ok(None)
    }

    /// Takes the answers that come close after one another.
    async fn linger(&self) {
        let in_flight = || self.pool.borrow().gauges().in_flight;
        let (mut left, mut since) = (in_flight(), Instant::now());
        while left > 0 {
            yield_now().await;
            let (open, now) = (in_flight(), Instant::now());
            if open != left {
                (left, since) = (open, now);
            } else if now.saturating_duration_since(since) > LINGER {
                return;
            }
        }
    }

    /// Gives a request that is due to a connection, or has it wait for one.
    fn dispatch(self: &Rc<Self>, due: Moment) {
        self.recorder.borrow_mut().counts().arrived += 1;
        let work = Work { due, queued: Duration::ZERO, fresh: self.wants_fresh() };
        let assigned = self.pool.borrow_mut().assign(work, self.plan.protocol, Instant::now());
        let worker = Rc::clone(self);
        match assigned {
            Assigned::Idle | Assigned::Waits => return,
            Assigned::Fresh => spawn_local(worker.once(work)),
            Assigned::Kept => spawn_local(worker.kept(work)),
            Assigned::OpenHttp2 => spawn_local(worker.open_http2(work)),
            Assigned::Http2(connection) => spawn_local(worker.on_http2(connection, work)),
        };
    }

    fn wants_fresh(&self) -> bool {
        let share = self.plan.connections.fresh;
        // The ends are not left to chance.
        share > 0.0 && (share >= 1.0 || self.random.borrow_mut().random::<f64>() < share)
    }

    /// The next of those that wait, if there is one.
    pub(crate) fn next_waiting(&self) -> Option<Work> {
        let work = self.pool.borrow_mut().next_waiting(Instant::now())?;
        self.recorder.borrow_mut().waited(work.queued);
        Some(work)
    }

    /// A request on a connection of its own, and then those that wait for the place.
    async fn once(self: Rc<Self>, work: Work) {
        let mut next = Some(work);
        while let Some(work) = next {
            if !work.fresh {
                // The place goes to a connection that is kept.
                return match self.plan.protocol {
                    Protocol::Http1 => {
                        self.pool.borrow_mut().keep_place();
                        self.kept(work).await;
                    }
                    Protocol::Http2 { .. } => {
                        self.pool.borrow_mut().http2.opening += 1;
                        self.open_http2(work).await;
                    }
                };
            }
            self.fresh(work).await;
            next = self.next_waiting();
        }
        self.pool.borrow_mut().leave_places(1);
    }

    /// One request on one connection.
    async fn fresh(self: &Rc<Self>, work: Work) {
        match self.plan.protocol {
            Protocol::Http1 => self.serve(&mut None, work).await,
            Protocol::Http2 { .. } => self.once_http2(work).await,
        }
    }

    /// A connection that is kept: one request after the other, and waiting between them.
    async fn kept(self: Rc<Self>, mut work: Work) {
        let mut connection = None;
        let parked = Rc::new(Parked::default());
        loop {
            if work.fresh {
                // It was waiting for a place, and this is one.
                connection = None;
            }
            self.serve(&mut connection, work).await;
            if let Some(next) = self.next_waiting() {
                work = next;
                continue;
            }
            let Some(idle) = &mut connection else { break };
            self.pool.borrow_mut().park(&parked);
            match idle.idle(&self.scratch, |cx| parked.wanted(cx.waker())).await {
                Idle::Job(Wanted::Work(next)) => work = next,
                Idle::Job(Wanted::MakeWay) => break,
                Idle::Closed => {
                    self.recorder.borrow_mut().counts().closed_idle += 1;
                    self.pool.borrow_mut().unpark(&parked);
                    connection = None;
                    // It may have been given a job at the same moment: nothing of that was sent.
                    let Some(next) = parked.take_job() else { break };
                    work = next;
                }
            }
        }
        self.pool.borrow_mut().leave_kept();
    }

    /// One request after the other, as fast as answers come.
    async fn closed_loop(self: Rc<Self>, shared: Rc<http2::Shared>, end: Option<Instant>, limit: Option<u64>) {
        let mut connection = None;
        let places = usize::from(self.plan.protocol == Protocol::Http1);
        self.pool.borrow_mut().take_places(places);
        loop {
            let now = Instant::now();
            if self.pool.borrow().stopping || self.jobs.borrow().is_exhausted() || end.is_some_and(|end| now >= end) {
                break;
            }
            if limit.is_some_and(|limit| self.begun.fetch_add(1, Ordering::Relaxed) >= limit) {
                break;
            }
            if self.wants_fresh() || self.jobs.borrow().wants_fresh() {
                self.fresh(self.due_now(true)).await;
            } else if matches!(self.plan.protocol, Protocol::Http1) {
                self.serve(&mut connection, self.due_now(false)).await;
                if connection.is_none() && self.recorder.borrow_mut().counts().good == 0 {
                    tokio::time::sleep(AFTER_REFUSAL).await;
                }
            } else {
                // Whoever waits for the connection that all share is not sending yet.
                let connection = shared.lock().await;
                if !self.pool.borrow().stopping {
                    self.closed_http2(connection, self.due_now(false)).await;
                }
            }
            let pause = self.jobs.borrow_mut().take_pause();
            if let Some(pause) = pause {
                tokio::time::sleep(pause).await;
            }
        }
        self.pool.borrow_mut().leave_places(places);
    }

    /// A closed loop's next request: it is due when the loop has come to it.
    fn due_now(&self, fresh: bool) -> Work {
        self.recorder.borrow_mut().counts().arrived += 1;
        self.pool.borrow_mut().began();
        Work { due: self.clock.now(), queued: Duration::ZERO, fresh }
    }

    /// Begins to work on what is due.
    pub(crate) fn begin(&self, work: Work, connection: ConnectionKind, opening: Opening) -> Attempt {
        let now = Instant::now();
        let mut deadline = now + self.plan.timeouts.request;
        if let Some(until) = self.pool.borrow().until {
            deadline = deadline.min(until);
        }
        let job = self.jobs.borrow_mut().next();
        self.recorder.borrow_mut().counts().begun += 1;
        Attempt { work, begun: self.clock.at(now), idle: None, job, connection, opening, deadline }
    }

    /// Sends a request on a connection, which it opens first if there is none, and leaves it there if it can be
    /// used again.
    async fn serve(&self, connection: &mut Option<Http1>, work: Work) {
        let (kind, opening) = match connection {
            Some(open) => (ConnectionKind::Reused, Opening { endpoint: open.endpoint(), ..Opening::default() }),
            None if work.fresh => (ConnectionKind::Fresh, Opening::default()),
            None => (ConnectionKind::First, Opening::default()),
        };
        let used = connection.as_ref().and_then(Http1::used);
        let mut attempt = self.begin(work, kind, opening);
        attempt.idle = used.map(|used| attempt.begun.since(used));
        loop {
            let mut sent = attempt.begun;
            if connection.is_none() {
                match self.connector.open(&mut attempt.opening, attempt.deadline).await {
                    Ok(stream) => {
                        self.recorder.borrow_mut().counts().opened += 1;
                        *connection = Some(Http1::new(stream, attempt.opening.endpoint, attempt.deadline));
                        sent = self.clock.now();
                    }
                    Err(failure) => return self.failed(attempt, failure, 0),
                }
            }
            let Some(open) = connection else { return };
            let sending = Sending { last: work.fresh, keep: attempt.job.keep, deadline: attempt.deadline };
            match open.exchange(&attempt.job.request, sending, self.clock, &self.scratch).await {
                Ok(received) => {
                    attempt.opening.phases.first_byte = Some(received.first_byte.since(sent));
                    self.answered(attempt, &Answer::of(open.answer()), received.done);
                    if work.fresh || !received.reusable {
                        *connection = None;
                    }
                    return;
                }
                Err(failure) => {
                    let bytes = open.answer().length();
                    *connection = None;
                    if !self.may_resend(&attempt, &failure) {
                        return self.failed(attempt, failure, bytes);
                    }
                    self.retried(&attempt, failure);
                    attempt.connection = ConnectionKind::First;
                    attempt.idle = None;
                    attempt.opening = Opening::default();
                }
            }
        }
    }

    /// Whether HTTP lets a client send a request again by itself (RFC 9110, 9.2.2): it is idempotent, and its reused
    /// connection closed before any byte of an answer. What was sent again goes over a new connection, so not twice.
    pub(crate) fn may_resend(&self, attempt: &Attempt, failure: &Failure) -> bool {
        self.plan.resend
            && attempt.connection == ConnectionKind::Reused
            && matches!(failure.kind, FailureKind::Closed | FailureKind::Reset)
            && matches!(failure.phase, Phase::Send | Phase::Wait)
            && attempt.job.resend
    }

    /// There is an answer, good or not.
    pub(crate) fn answered(&self, attempt: Attempt, answer: &Answer<'_>, done: Moment) {
        let met = Met { at: done, endpoint: attempt.opening.endpoint };
        let judged = self.jobs.borrow_mut().answered(&attempt.job, answer, met, &self.plan.expectation);
        if judged.is_ok() && !answer.framed {
            self.recorder.borrow_mut().counts().unframed += 1;
        }
        self.ended(attempt, judged.map(|()| answer.status), done, answer.length);
    }

    /// There is none.
    pub(crate) fn failed(&self, attempt: Attempt, failure: Failure, bytes: u64) {
        let now = Instant::now();
        let met = Met { at: self.clock.at(now), endpoint: attempt.opening.endpoint };
        self.jobs.borrow_mut().failed(&attempt.job, &failure, met);
        // What was cut short by the end of the run says nothing of the target.
        let had = match failure.phase {
            Phase::Queue | Phase::Dns | Phase::Connect | Phase::Tls => self.plan.timeouts.connect,
            Phase::Send | Phase::Wait | Phase::Receive => self.plan.timeouts.request,
        };
        let cut_short = failure.kind == FailureKind::TimedOut
            && self.clock.at(now).since(attempt.begun) < had.min(self.plan.timeouts.request)
            && self.pool.borrow().until.is_some_and(|until| now >= until);
        let kind = if cut_short { FailureKind::Unfinished } else { failure.kind };
        self.ended(attempt, Err(Failure { kind, ..failure }), self.clock.at(now), bytes);
    }

    fn ended(&self, attempt: Attempt, end: Result<u16, Failure>, done: Moment, bytes: u64) {
        self.recorder.borrow_mut().ended(attempt.outcome(end, done, bytes));
        if self.pool.borrow_mut().ended() {
            self.empty.notify_one();
        }
    }

    pub(crate) fn retried(&self, attempt: &Attempt, failure: Failure) {
        let outcome = attempt.clone().outcome(Err(failure), self.clock.now(), 0);
        self.recorder.borrow_mut().retried(outcome);
    }

    /// Waits until what is open has ended, for at most the time-out.
    async fn finish(self: &Rc<Self>, until: Moment, commands: &mut watch::Receiver<Command>) -> Left {
        let latest = Instant::now() + self.plan.timeouts.request;
        self.stop(latest);
        while !self.pool.borrow().is_empty(Instant::now()) {
            select! {
                () = self.empty.notified() => {
                    // Those that wait are begun by who has just ended.
                    yield_now().await;
                }
                // A moment more than the requests themselves have.
                () = sleep_until(latest + INTERVAL) => break,
                _ = commands.wait_for(|command| *command == Command::Abandon) => break,
            }
        }
        let Gauges { in_flight, waiting, .. } = self.pool.borrow().gauges();
        Left { until, done: self.clock.now(), not_sent: waiting, unfinished: in_flight, ..Left::default() }
    }

    /// Nothing more arrives, and what is open has until then.
    fn stop(&self, latest: Instant) {
        let mut pool = self.pool.borrow_mut();
        pool.stopping = true;
        pool.until = Some(latest);
    }

    /// Hands over an interval whenever one ends.
    async fn tick(self: Rc<Self>) {
        for n in 1.. {
            sleep_until(self.clock.0 + INTERVAL * n).await;
            let interval = self.take();
            let mut backlog = self.backlog.borrow_mut();
            backlog.push_back(interval);
            // Whoever takes them may be slow for a while: nothing is lost, but it is told.
            while let Ok(permit) = self.intervals.try_reserve() {
                let Some(interval) = backlog.pop_front() else { break };
                permit.send(interval);
            }
            self.handed_over_late.set(self.handed_over_late.get() + backlog.len() as u64);
        }
    }

    fn take(&self) -> Interval {
        let gauges = self.pool.borrow().gauges();
        let cpu = machine::thread_cpu();
        let used = cpu.saturating_sub(self.cpu.replace(cpu));
        self.recorder.borrow_mut().take(self.clock.now(), gauges, used)
    }

    async fn flush(&self) {
        let last = self.take();
        let rest: Vec<Interval> = self.backlog.borrow_mut().drain(..).chain([last]).collect();
        for interval in rest {
            // Nobody takes them any more: then nobody wants them.
            let _taken = self.intervals.send(interval).await;
        }
    }
}

impl Attempt {
    fn outcome(self, end: Result<u16, Failure>, done: Moment, bytes: u64) -> Outcome {
        let Self { work, begun, idle, connection, opening, .. } = self;
        let phases: Phases = opening.phases;
        Outcome {
            due: work.due,
            queued: work.queued,
            begun,
            done,
            endpoint: opening.endpoint,
            connection,
            idle,
            phases,
            end,
            bytes,
        }
    }
}
