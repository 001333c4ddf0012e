//! What is sent: something whole, or a stream of events for as long as somebody reads it.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::{sync::OwnedSemaphorePermit, sync::watch, time::timeout};

use crate::hub::{Cursor, Hub};

/// When nothing happens a stream says so, so that who is no longer there is noticed, and what is in between does not give up.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// The body of an answer.
#[derive(Debug)]
pub(crate) enum Body {
    /// All of it, until it is sent.
    Whole(Option<Bytes>),
    /// A stream of events.
    Events(Box<Events>),
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::Whole((!bytes.is_empty()).then_some(bytes))
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = match self.get_mut() {
            Self::Whole(bytes) => bytes.take(),
            Self::Events(events) => Some(ready!(events.poll_next(cx))),
        };
        Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Self::Events(_) => SizeHint::default(),
        }
    }
}

type Waiting = Pin<Box<dyn Future<Output = (watch::Receiver<u64>, bool)> + Send>>;

/// One viewer's stream. It is asked for the next event only when the last one has gone out, so a viewer that does not read
/// holds nothing up, and holds nothing but its cursor.
pub(crate) struct Events {
    hub: Arc<Hub>,
    cursor: Cursor,
    /// What is said first.
    greeting: Option<Bytes>,
    waiting: Waiting,
    /// One of the places for viewers.
    _place: OwnedSemaphorePermit,
}

impl Events {
    pub(crate) fn new(hub: Arc<Hub>, cursor: Cursor, greeting: Bytes, place: OwnedSemaphorePermit) -> Self {
        let waiting = wait(hub.changes());
        Self { hub, cursor, greeting: Some(greeting), waiting, _place: place }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Bytes> {
        if let Some(greeting) = self.greeting.take() {
            return Poll::Ready(greeting);
        }
        loop {
            if let Some(event) = self.hub.next(&mut self.cursor) {
                return Poll::Ready(event);
            }
            let (changes, is_quiet) = ready!(self.waiting.as_mut().poll(cx));
            self.waiting = wait(changes);
            if is_quiet {
                return Poll::Ready(Bytes::from_static(b":\n\n"));
            }
        }
    }
}

/// Waits for the next snapshot, and says whether there was none for a while.
fn wait(mut changes: watch::Receiver<u64>) -> Waiting {
    Box::pin(async move {
        let quiet = timeout(HEARTBEAT, changes.changed()).await.is_err();
        (changes, quiet)
    })
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events").field("cursor", &self.cursor).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;
    use tokio::{sync::Semaphore, time::Instant};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_quiet_stream_says_that_it_is_there() {
        let hub = Arc::new(Hub::new("r".to_owned(), 8));
        let places = Arc::new(Semaphore::new(1));
        let place = Arc::clone(&places).try_acquire_owned().unwrap();
        let greeting = Bytes::from_static(b"retry: 1\n\n");
        let mut body = Body::Events(Box::new(Events::new(hub, Cursor::Nothing, greeting.clone(), place)));
        let mut next = async || body.frame().await.unwrap().unwrap().into_data().unwrap();
        let began = Instant::now();
        assert_eq!(next().await, greeting);
        assert!(next().await.starts_with(b"id: r:0\nevent: window\n"));
        assert_eq!(began.elapsed(), Duration::ZERO);
        for n in 1..=3 {
            assert_eq!(next().await, ":\n\n");
            assert_eq!(began.elapsed(), HEARTBEAT * n);
        }
        drop(body);
        assert_eq!(places.available_permits(), 1, "its place is free again");
    }
}
