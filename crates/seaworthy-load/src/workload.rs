//! What is sent, and what its answers mean.

use std::{rc::Rc, sync::Arc};

use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;
use seaworthy_core::{
    ledger::Ledger,
    outcome::{Failure, FailureKind, Phase},
};

use crate::{
    expectation::{Expectation, Shape},
    http1::response::ResponseReader,
    plan::{Weighted, Workload},
    request::Request,
    users::{ReadBack, Users},
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
    ReadBack(Box<ReadBack>),
}

impl Jobs {
    pub(crate) fn of(workload: &Workload, expectation: &Expectation, seed: u64, thread: usize) -> Self {
        match workload {
            Workload::Requests(requests) => Self::Requests(Requests::new(requests, expectation, seed, thread)),
            Workload::Users(plan) => Self::Users(Box::new(Users::new(Arc::clone(plan), seed, thread))),
        }
    }

    /// Whether there is nothing left to send.
    pub(crate) fn is_exhausted(&self) -> bool {
        matches!(self, Self::ReadBack(back) if back.is_exhausted())
    }

    /// Whether to wait a little before the next.
    pub(crate) fn take_pause(&mut self) -> bool {
        match self {
            Self::Requests(_) | Self::Users(_) => false,
            Self::ReadBack(back) => back.take_pause(),
        }
    }

    pub(crate) fn next(&mut self) -> Job {
        match self {
            Self::Requests(requests) => requests.next(),
            Self::Users(users) => users.next(),
            Self::ReadBack(back) => back.next(),
        }
    }

    /// Whether an answer is good.
    pub(crate) fn answered(
        &mut self,
        job: &Job,
        answer: &Answer<'_>,
        expectation: &Expectation,
    ) -> Result<(), Failure> {
        match self {
            Self::Requests(requests) => requests.judge(job, answer, expectation),
            Self::Users(users) => users.answered(job, answer),
            Self::ReadBack(back) => back.answered(job, answer),
        }
    }

    /// There was no answer.
    pub(crate) fn failed(&mut self, job: &Job, failure: &Failure) {
        match self {
            Self::Requests(_) => {}
            Self::Users(users) => users.failed(job, failure),
            Self::ReadBack(back) => back.failed(job),
        }
    }

    pub(crate) fn take_ledger(&mut self) -> Option<Ledger> {
        match self {
            Self::Requests(_) => None,
            Self::Users(users) => Some(users.take_ledger()),
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
    /// The shape of the first good answer to each, by status.
    shapes: Vec<Vec<(u16, Shape)>>,
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
        }
    }

    fn next(&mut self) -> Job {
        let all = self.ends.last().copied().unwrap_or(0);
        let chosen = if self.jobs.len() > 1 {
            let at = self.random.random_range(0..all);
            self.ends.partition_point(|end| *end <= at)
        } else {
            0
        };
        self.jobs[chosen].clone()
    }

    fn judge(&mut self, job: &Job, answer: &Answer<'_>, expectation: &Expectation) -> Result<(), Failure> {
        if !expectation.status_is_good(answer.status) {
            return Err(unexpected(FailureKind::Status, answer.status, None));
        }
        if let Some(wanted) = &expectation.body
            && !answer.body.windows(wanted.len().max(1)).any(|part| part == &**wanted)
        {
            let seen = if answer.length > MOST_BODY as u64 { "its first MiB does" } else { "it does" };
            let detail = format!("{seen} not contain what was expected");
            return Err(unexpected(FailureKind::Body, answer.status, Some(detail.into())));
        }
        if expectation.any_shape {
            return Ok(());
        }
        let shape = Shape::of(answer.media_type, answer.first_byte);
        let shapes = &mut self.shapes[usize::try_from(job.tag).unwrap_or(0)];
        let Some((_, first)) = shapes.iter().find(|(status, _)| *status == answer.status) else {
            shapes.push((answer.status, shape));
            return Ok(());
        };
        match shape.contradicts(*first) {
            Some(how) => Err(unexpected(FailureKind::Body, answer.status, Some(how.into()))),
            None => Ok(()),
        }
    }
}
