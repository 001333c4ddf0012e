//! A listener whose connections end with it.

use std::{io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::sleep,
};

use crate::stream::reset;

/// How long nothing is accepted after the system could not, for want of descriptors or memory.
const WANT: Duration = Duration::from_millis(50);

/// What is done with connections.
pub(crate) trait Handle: Send + Sync + 'static {
    /// One that may be.
    fn handle(self: Arc<Self>, stream: TcpStream) -> impl Future<Output = ()> + Send;
    /// One is refused, since there are as many as may be.
    fn full(&self);
}

/// Accepts connections until it is drained or dropped.
#[derive(Debug)]
pub(crate) struct Door {
    address: SocketAddr,
    drain: watch::Sender<bool>,
    /// Its sender is dropped with the last connection.
    over: watch::Receiver<()>,
    task: JoinHandle<()>,
}

impl Door {
    pub(crate) fn open(listener: TcpListener, most: usize, handler: Arc<impl Handle>) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (drain, drained) = watch::channel(false);
        let (ends, over) = watch::channel(());
        let task = tokio::spawn(async move {
            let mut guests = Guests { tasks: JoinSet::new(), most, handler };
            guests.welcome(listener, drained).await;
            while guests.tasks.join_next().await.is_some() {}
            drop(ends);
        });
        Ok(Self { address, drain, over, task })
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more connections, and returns when the last has ended.
    pub(crate) async fn drain(&self) {
        self.drain.send_replace(true);
        let mut over = self.over.clone();
        while over.changed().await.is_ok() {}
    }
}

impl Drop for Door {
    /// The set of connections is dropped with the task, which aborts them.
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Guests<H> {
    tasks: JoinSet<()>,
    most: usize,
    handler: Arc<H>,
}

impl<H: Handle> Guests<H> {
    async fn welcome(&mut self, listener: TcpListener, mut drained: watch::Receiver<bool>) {
        let mut stop = pin!(async move { drop(drained.wait_for(|drain| *drain).await) });
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => self.take(stream),
                    Err(error) => pause_after(&error).await,
                },
                Some(_) = self.tasks.join_next() => {}
                () = &mut stop => break,
            }
        }
        // The kernel has completed the handshake of these: their clients believe that they are connected. The runtime
        // may not have heard of the newest yet, so the kernel itself is asked.
        let Ok(listener) = listener.into_std() else { return };
        while let Ok((stream, _)) = listener.accept() {
            if stream.set_nonblocking(true).is_ok()
                && let Ok(stream) = TcpStream::from_std(stream)
            {
                self.take(stream);
            }
        }
    }

    fn take(&mut self, stream: TcpStream) {
        while self.tasks.try_join_next().is_some() {}
        if self.tasks.len() >= self.most {
            reset(stream);
            self.handler.full();
            return;
        }
        // What is written has been gathered already; waiting for more would only delay it.
        let _best_effort = stream.set_nodelay(true);
        self.tasks.spawn(Arc::clone(&self.handler).handle(stream));
    }
}

async fn pause_after(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset};
    if !matches!(error.kind(), ConnectionAborted | ConnectionReset) {
        sleep(WANT).await;
    }
}
