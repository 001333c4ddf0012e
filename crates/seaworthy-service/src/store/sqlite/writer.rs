//! The one thread that writes: it commits whatever has come in since its last commit, together.
//!
//! A commit costs one `fdatasync`, however many writes it holds, so under load the group grows until the
//! disk keeps up, and an idle service commits each write at once.

use std::{
    fs::{File, OpenOptions},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    thread,
};

use rusqlite::{Connection, TransactionBehavior};
use rustix::fs::{FlockOperation, flock};
use tokio::sync::{mpsc, oneshot};

use super::{StoreError, refused};

/// Writes in one commit: enough for the disk, few enough that the first does not wait for long.
const GROUP: usize = 256;

/// Writes that may wait. The next is told to come back later.
const QUEUE: usize = 1024;

/// One write. Given the group's transaction it changes the data and returns how to tell its caller once
/// the group's fate is known; given a failure it tells that. It makes its checks before its first change,
/// so an error in the middle of it is the database's and undoes the whole group.
type Job = Box<dyn FnOnce(Result<&Connection, StoreError>) -> rusqlite::Result<Tell> + Send>;

/// Tells the caller: committed, or why not.
type Tell = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// The writing thread's other end.
pub(super) struct Writer {
    queue: Mutex<Option<mpsc::Sender<Job>>>,
    finished: tokio::sync::Mutex<Option<oneshot::Receiver<()>>>,
}

impl Writer {
    pub(super) fn start(connection: Connection, lock: WriteLock) -> Result<Self, StoreError> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let (done, finished) = oneshot::channel();
        thread::Builder::new()
            .name("sqlite-writer".into())
            .spawn(move || {
                serve(connection, &lock, receiver);
                let _nobody_waits = done.send(());
            })
            .map_err(|error| StoreError::Away(format!("cannot start the writer: {error}")))?;
        Ok(Self { queue: Mutex::new(Some(sender)), finished: tokio::sync::Mutex::new(Some(finished)) })
    }

    /// Runs `change` and returns its answer once it is on the disk.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |transaction| {
            // A caller that gave up before anything was done is left with nothing done.
            if reply.is_closed() {
                return Ok(Box::new(|_| ()));
            }
            let tell = |reply: oneshot::Sender<_>, answer| drop(reply.send(answer));
            match transaction.map(change) {
                Ok(Ok(value)) => Ok(Box::new(move |fate| tell(reply, fate.map(|()| value)))),
                Ok(Err(error)) => {
                    tell(reply, Err(refused(&error)));
                    Err(error)
                }
                Err(failure) => {
                    tell(reply, Err(failure));
                    Ok(Box::new(|_| ()))
                }
            }
        });
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let queue = queue.ok_or_else(|| StoreError::Away("closing".into()))?;
        queue.try_send(job).map_err(|_full| StoreError::Busy("too many writes are waiting".into()))?;
        answer.await.map_err(|_lost| StoreError::Away("the writer has ended".into()))?
    }

    /// Takes no more writes and returns when the last is done.
    pub(super) async fn close(&self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        let finished = self.finished.lock().await.take();
        if let Some(finished) = finished {
            let _ended_anyway = finished.await;
        }
    }
}

fn serve(mut connection: Connection, lock: &WriteLock, mut queue: mpsc::Receiver<Job>) {
    let mut group = Vec::with_capacity(GROUP);
    let mut tell = Vec::with_capacity(GROUP);
    while queue.blocking_recv_many(&mut group, GROUP) > 0 {
        let fate = commit(&mut connection, lock, &mut group, &mut queue, &mut tell);
        if let Err(failure) = &fate {
            for job in group.drain(..) {
                // It only tells its caller, which cannot fail.
                let _told = job(Err(failure.clone()));
            }
        }
        for tell in tell.drain(..) {
            tell(fate.clone());
        }
    }
}

/// Runs `group`, and what comes in meanwhile, as one transaction. After a failure nothing of it is kept.
fn commit(
    connection: &mut Connection,
    lock: &WriteLock,
    group: &mut Vec<Job>,
    queue: &mut mpsc::Receiver<Job>,
    tell: &mut Vec<Tell>,
) -> Result<(), StoreError> {
    let _held = lock.hold()?;
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(|error| refused(&error))?;
    group.reverse();
    while tell.len() < GROUP
        && let Some(job) = group.pop().or_else(|| queue.try_recv().ok())
    {
        tell.push(job(Ok(&transaction)).map_err(|error| refused(&error))?);
    }
    transaction.commit().map_err(|error| refused(&error))
}

/// The right to write, among all processes that use the file.
///
/// SQLite's own lock makes whoever waits poll, with sleeps that grow to 100 ms, and favours whoever asks
/// most often. The kernel's lock on a file beside the database wakes the one that waits, and is given back
/// when its holder dies, however it dies.
pub(super) struct WriteLock {
    file: File,
}

impl WriteLock {
    /// The lock of the database at `database`.
    pub(super) fn open(database: &Path) -> Result<Self, StoreError> {
        let mut path = database.as_os_str().to_owned();
        path.push("-lock");
        let path = PathBuf::from(path);
        OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map(|file| Self { file })
            .map_err(|error| StoreError::Away(format!("cannot open {}: {error}", path.display())))
    }

    /// Waits for the lock and holds it until the guard is dropped.
    pub(super) fn hold(&self) -> Result<Held<'_>, StoreError> {
        loop {
            match flock(&self.file, FlockOperation::LockExclusive) {
                Ok(()) => return Ok(Held(self)),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(StoreError::Away(format!("cannot lock the database: {error}"))),
            }
        }
    }
}

/// The lock, held.
pub(super) struct Held<'a>(&'a WriteLock);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        // Unlocking an open file that is locked cannot fail.
        let _unlocked = flock(&self.0.file, FlockOperation::Unlock);
    }
}
