//! Reading back what was written, when nothing is written any more; and taking it away, where that is asked for.

mod how;

use std::{
    collections::{BTreeMap, VecDeque},
    io, mem,
    num::NonZero,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use seaworthy_core::{
    ledger::{Ledger, ToRead},
    outcome::{Failure, FailureKind},
};
use tokio::time::{Instant, sleep};

use self::how::How;
use crate::{
    plan::{Pace, Plan},
    run,
    workload::{Answer, Job, Jobs, unexpected},
};

/// How often something is tried that fails.
const TRIES: u32 = 3;

/// After something has failed: it may do better then.
const AFTER_FAILURE: Duration = Duration::from_millis(300);

/// After this, what lags behind should have come.
const BEFORE_SECOND_READ: Duration = Duration::from_secs(2);

/// Reads at once.
const AT_ONCE: usize = 16;

/// What became of what was to be taken away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CleanedUp {
    /// Taken away.
    pub deleted: u64,
    /// Still there, as far as is known.
    pub left: u64,
}

/// Reads back what was written: the ledger then knows what was kept and what was lost. Sends to the same target as the plan,
/// for at most `patience`, over new connections where something failed or was not there. Then, if that is asked for, what
/// was made is deleted. Dropped before it is done, it leaves the ledger empty and ends its thread.
pub async fn read_back(plan: &Plan, ledger: &mut Ledger, patience: Duration) -> io::Result<CleanedUp> {
    let Some(how) = How::of(&plan.workload) else { return Ok(CleanedUp::default()) };
    let trip = Trip { plan, how: &how, until: Instant::now() + patience };
    if !ledger.to_read().is_empty() {
        trip.make(ledger, [Errand::Control].into(), false).await?;
    }
    if ledger.echoes() {
        return Ok(CleanedUp::default());
    }
    trip.make(ledger, trip.reads(ledger.to_read()), false).await?;
    let missing = ledger.to_read_again();
    if !missing.is_empty() {
        sleep(BEFORE_SECOND_READ).await;
        trip.make(ledger, trip.reads(missing), true).await?;
    }
    if how.has_list() {
        ledger.list_wanted();
        trip.make(ledger, [Errand::List].into(), false).await?;
        if !ledger.unread().is_empty() {
            // The list is all that is known of those, and it may lag behind, too.
            sleep(BEFORE_SECOND_READ).await;
            trip.make(ledger, [Errand::List].into(), true).await?;
        }
    }
    if !how.deletes() {
        return Ok(CleanedUp::default());
    }
    let present = ledger.present();
    let all = present.len() as u64;
    let deletes = present.into_iter().map(Errand::Delete).filter(|errand| how.request(errand).is_some()).collect();
    let deleted = trip.make(ledger, deletes, false).await?.min(all);
    Ok(CleanedUp { deleted, left: all - deleted })
}

/// What is asked of the target.
#[derive(Clone, Debug)]
enum Errand {
    /// A record that was never written: whoever has it says what it is asked for.
    Control,
    Read(ToRead),
    List,
    Delete(ToRead),
}

/// What is sent on the way.
struct Trip<'a> {
    plan: &'a Plan,
    how: &'a Arc<How>,
    until: Instant,
}

impl Trip<'_> {
    fn reads(&self, records: Vec<ToRead>) -> VecDeque<Errand> {
        let errands = records.into_iter().map(Errand::Read);
        errands.filter(|errand| self.how.request(errand).is_some()).collect()
    }

    /// Runs errands, and returns how many deleted something.
    async fn make(&self, ledger: &mut Ledger, errands: VecDeque<Errand>, fresh: bool) -> io::Result<u64> {
        let left = self.until.saturating_duration_since(Instant::now());
        if errands.is_empty() || left.is_zero() {
            return Ok(0);
        }
        let mut plan = self.plan.clone();
        plan.pace = Pace::Closed { duration: Some(left), limit: None };
        plan.threads = NonZero::<usize>::MIN;
        plan.keep_answers = false;
        plan.connections.fresh = 0.0;
        plan.connections.keep = plan.connections.keep.clamp(1, AT_ONCE);
        let deleted = Arc::new(AtomicU64::new(0));
        let made = Errands {
            how: Arc::clone(self.how),
            waiting: errands.into_iter().map(|errand| (errand, 0)).collect(),
            on_their_way: BTreeMap::new(),
            sent: 0,
            ledger: ledger.take(),
            failing: false,
            fresh,
            deleted: Arc::clone(&deleted),
        };
        let jobs = move |_: &Plan, _| Jobs::ReadBack(Box::new(made.clone()));
        let mut run = run::start_with(plan, Instant::now() + run::LEAD, jobs)?;
        while run.next().await.is_some() {}
        *ledger = run.end()?.ledger.unwrap_or_default();
        Ok(deleted.load(Ordering::Relaxed))
    }
}

/// Errands, one after the other on each connection.
#[derive(Clone, Debug)]
pub(crate) struct Errands {
    how: Arc<How>,
    /// With how often each was tried.
    waiting: VecDeque<(Errand, u32)>,
    on_their_way: BTreeMap<u64, (Errand, u32)>,
    sent: u64,
    ledger: Ledger,
    /// Something has failed since the last pause.
    failing: bool,
    /// Whether each has a connection of its own.
    fresh: bool,
    deleted: Arc<AtomicU64>,
}

impl Errands {
    /// How long to wait before the next.
    pub(crate) fn take_pause(&mut self) -> Option<Duration> {
        mem::replace(&mut self.failing, false).then_some(AFTER_FAILURE)
    }

    pub(crate) fn is_exhausted(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether the next one wants a connection of its own: what failed may be the fault of the one before.
    pub(crate) fn wants_fresh(&self) -> bool {
        self.fresh || self.waiting.front().is_some_and(|(_, tried)| *tried > 0)
    }

    pub(crate) fn next(&mut self) -> Job {
        self.sent += 1;
        let next = self.waiting.pop_front();
        // Somebody else on the same connection may have taken the last one: then anything will do.
        let request = next.as_ref().and_then(|(errand, _)| self.how.request(errand)).unwrap_or_else(|| self.how.idle());
        let keep = next.as_ref().map_or(0, |(errand, _)| How::wanted(errand));
        if let Some(next) = next {
            self.on_their_way.insert(self.sent, next);
        }
        let resend = request.is_idempotent();
        Job { request: Rc::new(request), tag: self.sent, keep, resend }
    }

    pub(crate) fn answered(&mut self, job: &Job, answer: &Answer<'_>) -> Result<(), Failure> {
        let Some((errand, tried)) = self.on_their_way.remove(&job.tag) else { return Ok(()) };
        let done = match &errand {
            Errand::Read(record) => self.how.read(record, answer).map(|(state, words)| {
                self.ledger.read(record.key, state, &words);
            }),
            // Whatever else it says, it does not have it.
            Errand::Control => {
                if self.how.is_echo(answer) {
                    self.ledger.echoed();
                }
                Some(())
            }
            Errand::List => self.how.listed(answer).map(|counts| self.ledger.listed(&counts)),
            Errand::Delete(_) => matches!(answer.status, 200..300 | 404 | 410).then(|| {
                self.deleted.fetch_add(1, Ordering::Relaxed);
            }),
        };
        if done.is_none() {
            self.again(errand, tried);
            return Err(unexpected(FailureKind::Status, answer.status, None));
        }
        Ok(())
    }

    pub(crate) fn failed(&mut self, job: &Job) {
        if let Some((errand, tried)) = self.on_their_way.remove(&job.tag) {
            self.again(errand, tried);
        }
    }

    /// Later, after all others, unless it was tried often enough.
    fn again(&mut self, errand: Errand, tried: u32) {
        self.failing = true;
        if tried + 1 < TRIES {
            self.waiting.push_back((errand, tried + 1));
        }
    }

    pub(crate) fn take_ledger(&mut self) -> Ledger {
        self.ledger.take()
    }
}
