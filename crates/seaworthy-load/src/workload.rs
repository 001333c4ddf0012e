//! What is sent, and what its answers mean.

use std::{rc::Rc, sync::Arc, time::Duration};

use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;
use seaworthy_core::{
    ledger::{Ledger, Met},
    outcome::{Failure, FailureKind, Phase},
};

use crate::{
    expectation::{Expectation, Shape},
    http1::response::ResponseReader,
    plan::{Plan, Weighted, Workload},
    read_back::Errands,
    request::Request,
    truncation::References,
    users::Users,
    writes::Writes,
};

/// Bytes of a body that are kept where it has to be looked at.
pub(crate) const MOST_BODY: usize = 1 << 20;

/// The next request.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) request: Rc<Request>,
    /// What it is, for who made it.
    pub(crate) tag: u64,
    /// Bytes of the answer's body that are wanted.
    pub(crate) keep: usize,
    /// Whether it may be sent again by itself.
    pub(crate) resend: bool,
}

/// An answer, by whatever protocol it came.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) media_type: &'a [u8],
    /// Where it says that something is.
    pub(crate) location: &'a [u8],
    /// The first byte of the body that is no white space.
    pub(crate) first_byte: Option<u8>,
    /// The body, as far as it was wanted.
    pub(crate) body: &'a [u8],
    pub(crate) length: u64,
    /// Whether it said where it ends.
    pub(crate) framed: bool,
}

impl<'a> Answer<'a> {
    pub(crate) fn of(reader: &'a ResponseReader) -> Self {
        Self {
            status: reader.status().unwrap_or(0),
            media_type: reader.media_type(),
            location: reader.location(),
            first_byte: reader.first_byte(),
            body: reader.body(),
            length: reader.length(),
            framed: reader.is_framed(),
        }
    }
}

/// What one thread sends.
#[derive(Debug)]
pub(crate) enum Jobs {
    Requests(Requests),
    Users(Box<Users>),
    Writes(Box<Writes>),
    ReadBack(Box<Errands>),
}

impl Jobs {
    /// Those of a plan.
    pub(crate) fn of(plan: &Plan, thread: usize) -> Self {
        let (seed, threads) = (plan.seed, plan.threads.get());
        let requests = |requests: &[Weighted]| Requests::new(requests, &plan.expectation, seed, thread);
        match &plan.workload {
            Workload::Requests(all) => Self::Requests(requests(all)),
            Workload::Users(users) => Self::Users(Box::new(Users::new(Arc::clone(users), seed, thread, threads))),
            Workload::Writes(writes) => {
                let others = requests(&writes.requests);
                Self::Writes(Box::new(Writes::new(Arc::clone(writes), others, seed, thread, threads)))
            }
        }
    }

    /// Whether there is nothing left to send.
    pub(crate) fn is_exhausted(&self) -> bool {
        matches!(self, Self::ReadBack(back) if back.is_exhausted())
    }

    /// Whether the next one wants a connection of its own, whatever the others have.
    pub(crate) fn wants_fresh(&self) -> bool {
        matches!(self, Self::ReadBack(back) if back.wants_fresh())
    }

    /// How long to wait before the next.
    pub(crate) fn take_pause(&mut self) -> Option<Duration> {
        match self {
            Self::Requests(_) | Self::Users(_) | Self::Writes(_) => None,
            Self::ReadBack(back) => back.take_pause(),
        }
    }

    pub(crate) fn next(&mut self) -> Job {
        match self {
            Self::Requests(requests) => requests.next(),
            Self::Users(users) => users.next(),
            Self::Writes(writes) => writes.next(),
            Self::ReadBack(back) => back.next(),
        }
    }

    /// Whether an answer is good.
    pub(crate) fn answered(
        &mut self,
        job: &Job,
        answer: &Answer<'_>,
        met: Met,
        expectation: &Expectation,
    ) -> Result<(), Failure> {
        match self {
            Self::Requests(requests) => requests.judge(job, answer, expectation),
            Self::Users(users) => users.answered(job, answer, met),
            Self::Writes(writes) => writes.answered(job, answer, met, expectation),
            Self::ReadBack(back) => back.answered(job, answer),
        }
    }

    /// There was no answer.
    pub(crate) fn failed(&mut self, job: &Job, failure: &Failure, met: Met) {
        match self {
            Self::Requests(_) => {}
            Self::Users(users) => users.failed(job, failure, met),
            Self::Writes(writes) => writes.failed(job, failure, met),
            Self::ReadBack(back) => back.failed(job),
        }
    }

    pub(crate) fn take_ledger(&mut self, now: Met) -> Option<Ledger> {
        match self {
            Self::Requests(_) => None,
            Self::Users(users) => Some(users.take_ledger(now)),
            Self::Writes(writes) => Some(writes.take_ledger(now)),
            Self::ReadBack(back) => Some(back.take_ledger()),
        }
    }
}

/// An answer that was not expected.
pub(crate) fn unexpected(kind: FailureKind, status: u16, detail: Option<Box<str>>) -> Failure {
    Failure { phase: Phase::Receive, kind, status: Some(status), detail }
}

/// Requests that are chosen by their weights.
#[derive(Debug)]
pub(crate) struct Requests {
    jobs: Vec<Job>,
    /// Where each one's part of all weights ends.
    ends: Vec<u64>,
    random: Pcg64Mcg,
    /// The shape of the first good answer to each, by status or its first digit.
    shapes: Vec<Vec<(u16, Shape)>>,
    /// What answers without a length are compared with, for each.
    references: Vec<References>,
}

impl Requests {
    fn new(weighted: &[Weighted], expectation: &Expectation, seed: u64, thread: usize) -> Self {
        let keep = if expectation.body.is_some() { MOST_BODY } else { 0 };
        let mut end = 0;
        Self {
            jobs: weighted
                .iter()
                .zip(0..)
                .map(|(one, tag)| {
                    let resend = one.request.is_idempotent();
                    Job { request: Rc::new(one.request.clone()), tag, keep, resend }
                })
                .collect(),
            ends: weighted
                .iter()
                .map(|one| {
                    end += u64::from(one.weight);
                    end
                })
                .collect(),
            random: Pcg64Mcg::seed_from_u64(seed.rotate_left(17) ^ thread as u64),
            shapes: vec![Vec::new(); weighted.len()],
            references: weighted.iter().map(|_| References::default()).collect(),
        }
    }

    pub(crate) fn next(&mut self) -> Job {
        let all = self.ends.last().copied().unwrap_or(0);
        let chosen = if self.jobs.len() > 1 {
            let at = self.random.random_range(0..all);
            self.ends.partition_point(|end| *end <= at)
        } else {
            0
        };
        self.jobs[chosen].clone()
    }

    pub(crate) fn judge(&mut self, job: &Job, answer: &Answer<'_>, expectation: &Expectation) -> Result<(), Failure> {
        if !expectation.status_is_good(answer.status) {
            return Err(unexpected(FailureKind::Status, answer.status, None));
        }
        let request = usize::try_from(job.tag).unwrap_or(0);
        if answer.framed {
            return self.compare(request, answer, expectation);
        }
        // Only those that do not say where they end pay for being looked at.
        if let Some(how) = self.references[request].cut_off(answer) {
            return Err(unexpected(FailureKind::Truncated, answer.status, Some(how.into())));
        }
        self.compare(request, answer, expectation)?;
        self.references[request].keep(answer);
        Ok(())
    }

    /// Whether a body is what was expected, or like the first good one.
    fn compare(&mut self, request: usize, answer: &Answer<'_>, expectation: &Expectation) -> Result<(), Failure> {
        if let Some(wanted) = &expectation.body
            && !answer.body.windows(wanted.len().max(1)).any(|part| part == &**wanted)
        {
            let seen = if answer.length > MOST_BODY as u64 { "its first MiB does" } else { "it does" };
            let detail = format!("{seen} not contain what was expected");
            return Err(unexpected(FailureKind::Body, answer.status, Some(detail.into())));
        }
        let shape = Shape::of(answer.media_type, answer.first_byte);
        let shapes = &mut self.shapes[request];
        // Whoever names statuses means that each may come; else the first good answer says which kind does: the same request
        // has no reason to be redirected, not modified or without content from one moment to the next.
        let named = !expectation.statuses.is_empty();
        let key = if named { answer.status } else { answer.status / 100 };
        let Some((_, first)) = shapes.iter().find(|(status, _)| *status == key) else {
            if !named && let Some((first, _)) = shapes.first() {
                let how = format!("the first good answer was {first}xx; --expect-status says that both are good");
                return Err(unexpected(FailureKind::Status, answer.status, Some(how.into())));
            }
            shapes.push((key, shape));
            return Ok(());
        };
        match shape.contradicts(*first).filter(|_| !expectation.any_shape) {
            Some(how) => Err(unexpected(FailureKind::Body, answer.status, Some(how.into()))),
            None => Ok(()),
        }
    }
}
