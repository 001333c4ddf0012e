//! The body of an answer: known whole, handed over in parts, and counted for as long as it is kept.
//!
//! A client decides when it reads. Until then its answer takes memory, so large ones are taken from a budget
//! that all connections share, and what does not fit is refused instead of kept.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes handed over at a time: HTTP/2 asks for the next part when its window has room.
const PART: usize = 64 * 1024;

/// Bytes of large answers that may be kept at a time, in all.
const BUDGET: usize = 64 * 1024 * 1024;

/// The unit of the budget: semaphores count in 32 bits, and an answer is at least this large.
const UNIT: usize = 1024;

/// The body of an answer.
#[derive(Debug, Default)]
pub(crate) struct Body {
    bytes: Bytes,
    /// Its share of the budget, given back when it has been sent or given up.
    _share: Option<OwnedSemaphorePermit>,
    /// Counted up with each part: whoever watches sees that the client reads.
    progress: Option<Arc<AtomicU32>>,
}

impl Body {
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Tells of each part that is handed over, where there is more than one.
    pub(crate) fn report_to(&mut self, progress: &Arc<AtomicU32>) {
        if self.bytes.len() > PART {
            self.progress = Some(Arc::clone(progress));
        }
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self { bytes, _share: None, progress: None }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.bytes.is_empty() {
            return Poll::Ready(None);
        }
        let part = self.bytes.len().min(PART);
        let part = self.bytes.split_to(part);
        if let Some(progress) = &self.progress {
            progress.fetch_add(1, Ordering::Relaxed);
        }
        Poll::Ready(Some(Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.len() as u64)
    }
}

/// The memory that unread answers may take.
#[derive(Debug)]
pub(crate) struct Budget(Arc<Semaphore>);

impl Budget {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(BUDGET / UNIT)))
    }

    /// A body within the budget; `None` where too much is unread already.
    pub(crate) fn body(&self, bytes: Vec<u8>) -> Option<Body> {
        let units = u32::try_from(bytes.len() / UNIT).ok()?;
        let share = match units {
            0 => None,
            units => Some(Arc::clone(&self.0).try_acquire_many_owned(units).ok()?),
        };
        Some(Body { bytes: bytes.into(), _share: share, progress: None })
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn a_body_arrives_whole_and_gives_back_its_share() {
        let budget = Budget::new();
        let long: Vec<u8> = (0..=255).cycle().take(BUDGET - 5).collect();
        let progress = Arc::new(AtomicU32::new(0));
        let mut body = budget.body(long.clone()).unwrap();
        assert!(budget.body(vec![0; 10 * UNIT]).is_none(), "there is no room for another");
        assert!(budget.body(vec![0; 10]).is_some(), "small ones are not counted");
        body.report_to(&progress);
        assert!(body.collect().await.unwrap().to_bytes() == long);
        assert_eq!(progress.load(Ordering::Relaxed) as usize, BUDGET / PART);
        assert!(budget.body(vec![0; BUDGET]).is_some(), "there is room again");
    }
}
