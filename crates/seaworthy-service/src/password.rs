//! Argon2id, on threads of its own.
//!
//! A hash costs tens of milliseconds and 19 MiB on purpose. On the async threads it would stall every
//! other request, so it runs on a few threads with a bounded queue and a lower priority: a storm of
//! sign-ups makes sign-ups slow, and nothing else.

use std::{
    sync::{Arc, Mutex, OnceLock, PoisonError, mpsc},
    thread,
};

use argon2::{
    Algorithm, Argon2, Block, Params, PasswordHash, Version,
    password_hash::{
        phc::{Output, ParamsString, Salt},
        try_generate_salt,
    },
};
use subtle::ConstantTimeEq as _;
use tokio::sync::oneshot;

use crate::users::Password;

/// Jobs that may wait. A hash takes about 20 ms, so the last in the queue waits a second or so.
const QUEUE: usize = 64;

/// How much nicer (setpriority(2)) hashing is to the rest of the process.
const NICE: i32 = 10;

/// The most memory, in KiB, that checking a hash may take. Ours take 19 MiB; a row that was taken over can
/// ask for anything.
const MOST: usize = 64 * 1024;

type Job = Box<dyn FnOnce(&mut Hasher) + Send>;

/// Hashes and checks passwords.
#[derive(Clone, Debug)]
pub(crate) struct Passwords {
    threads: usize,
    /// Started with the first password: many services never see one.
    queue: Arc<OnceLock<mpsc::SyncSender<Job>>>,
}

/// Why a password was not hashed or checked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PasswordError {
    /// Too many are waiting.
    #[error("too many passwords are waiting to be hashed")]
    Busy,
    /// The hash could not be made; never the client's fault.
    #[error("hashing failed: {0}")]
    Failed(String),
}

impl Passwords {
    /// Hashing on `threads` threads, at least one.
    pub(crate) fn new(threads: usize) -> Self {
        Self { threads: threads.max(1), queue: Arc::default() }
    }

    /// The password's Argon2id hash in PHC form, with a salt of its own.
    pub(crate) async fn hash(&self, password: Password) -> Result<String, PasswordError> {
        self.run(move |hasher| hasher.hash(password.as_bytes())).await?.map_err(PasswordError::Failed)
    }

    /// Whether `hash` was made from `password`.
    pub(crate) async fn verify(&self, password: Password, hash: String) -> Result<bool, PasswordError> {
        self.run(move |hasher| hasher.verify(password.as_bytes(), &hash)).await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Hasher) -> T + Send + 'static,
    ) -> Result<T, PasswordError> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |hasher| {
            // A client that has gone does not need its answer, and the work is not worth doing.
            if !reply.is_closed() {
                let _gone = reply.send(work(hasher));
            }
        });
        let queue = self.queue.get_or_init(|| start(self.threads));
        queue.try_send(job).map_err(|_full| PasswordError::Busy)?;
        answer.await.map_err(|lost| PasswordError::Failed(lost.to_string()))
    }
}

/// Hashes on this thread, with working memory that is used again and again: a new 19 MiB for each hash
/// would be given back to the allocator, and by it to nobody.
#[derive(Default)]
pub(crate) struct Hasher {
    memory: Vec<Block>,
}

impl Hasher {
    /// The password's Argon2id hash in PHC form, with a salt of its own.
    pub(crate) fn hash(&mut self, password: &[u8]) -> Result<String, String> {
        let argon2 = Argon2::default();
        let salt = try_generate_salt().map_err(|error| error.to_string())?;
        let mut out = [0; Params::DEFAULT_OUTPUT_LEN];
        self.run(&argon2, password, &salt, &mut out)?;
        let phc = || {
            Ok::<_, argon2::password_hash::phc::Error>(PasswordHash {
                algorithm: Algorithm::Argon2id.ident(),
                version: Some(Version::V0x13.into()),
                params: ParamsString::try_from(argon2.params()).unwrap_or_default(),
                salt: Some(Salt::new(&salt)?),
                hash: Some(Output::new(&out)?),
            })
        };
        phc().map(|hash| hash.to_string()).map_err(|error| error.to_string())
    }

    /// Whether `hash` was made from `password`. What is no Argon2 hash was made from nothing.
    pub(crate) fn verify(&mut self, password: &[u8], hash: &str) -> bool {
        let Ok(hash) = PasswordHash::new(hash) else { return false };
        let algorithm = Algorithm::try_from(hash.algorithm.as_str());
        let version = hash.version.map_or_else(|| Ok(Version::default()), Version::try_from);
        let (Ok(algorithm), Ok(version), Ok(params)) = (algorithm, version, Params::try_from(&hash)) else {
            return false;
        };
        let (Some(salt), Some(expected)) = (hash.salt, hash.hash) else { return false };
        let mut out = vec![0; expected.as_bytes().len()];
        self.run(&Argon2::new(algorithm, version, params), password, &salt, &mut out).is_ok()
            && bool::from(out.ct_eq(expected.as_bytes()))
    }

    fn run(&mut self, argon2: &Argon2<'_>, password: &[u8], salt: &[u8], out: &mut [u8]) -> Result<(), String> {
        let blocks = argon2.params().block_count();
        if blocks > MOST {
            return Err(format!("the hash asks for {blocks} KiB of memory"));
        }
        if self.memory.len() < blocks {
            self.memory.resize(blocks, Block::default());
        }
        let memory = self.memory.get_mut(..blocks).unwrap_or_default();
        argon2.hash_password_into_with_memory(password, salt, out, memory).map_err(|error| error.to_string())
    }
}

/// Whether a stored value is an Argon2 hash, and not a password in the clear.
pub(crate) fn is_hash(stored: &str) -> bool {
    PasswordHash::new(stored).is_ok_and(|hash| hash.algorithm.as_str().starts_with("argon2"))
}

fn start(threads: usize) -> mpsc::SyncSender<Job> {
    let (sender, receiver) = mpsc::sync_channel::<Job>(QUEUE);
    let receiver = Arc::new(Mutex::new(receiver));
    for n in 0..threads {
        let receiver = Arc::clone(&receiver);
        let started = thread::Builder::new().name(format!("password-{n}")).spawn(move || {
            // Where it is not allowed, hashing merely competes as an equal.
            let _best_effort = rustix::process::setpriority_process(None, NICE);
            let mut hasher = Hasher::default();
            loop {
                let job = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
                let Ok(job) = job else { break };
                job(&mut hasher);
            }
        });
        if let Err(error) = started {
            tracing::error!(%error, "a password thread could not be started");
        }
    }
    sender
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::new(text.to_owned()).unwrap()
    }

    #[tokio::test]
    async fn a_hash_knows_its_password_and_no_other() {
        let passwords = Passwords::new(1);
        let hash = passwords.hash(password("correct horse")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(is_hash(&hash) && !is_hash("correct horse") && !is_hash("$argon2id$"));
        assert!(passwords.verify(password("correct horse"), hash.clone()).await.unwrap());
        assert!(!passwords.verify(password("correct house"), hash).await.unwrap());
        assert!(!passwords.verify(password("correct horse"), "in the clear".into()).await.unwrap());
    }

    #[tokio::test]
    async fn a_full_queue_says_busy_at_once() {
        let passwords = Passwords::new(1);
        let mut waiting = tokio::task::JoinSet::new();
        let (release, gate) = mpsc::channel::<()>();
        let first = passwords.clone();
        waiting.spawn(async move { first.run(move |_| gate.recv().is_err()).await.is_ok() });
        let mut refused = false;
        // One runs, QUEUE wait, and the next is refused.
        for _ in 0..QUEUE + 8 {
            let next = passwords.clone();
            waiting.spawn(async move { next.run(|_| ()).await.is_ok() });
            tokio::task::yield_now().await;
        }
        drop(release);
        while let Some(done) = waiting.join_next().await {
            refused |= !done.unwrap();
        }
        assert!(refused);
    }
}
