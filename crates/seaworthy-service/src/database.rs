//! Whether the database is there, and what to do when it is not.
//!
//! One task connects, watches and connects again. While the database is away every request that needs it
//! is refused at once, those that are waiting included, and nothing else is affected: liveness and
//! readiness do not ask here. When it returns it is a new [`Store`] with new connections, so that no
//! connection from before can fail a request after.

use std::{future::Future, sync::Arc, time::Duration};

use tokio::{
    sync::{Notify, watch},
    time::{Instant, timeout},
};

use crate::{
    config::DatabaseConfig,
    store::{MysqlStore, Pending, SqliteStore, Store, StoreError},
    telemetry::{
        metrics::{Metrics, Outcome},
        traces::Traces,
    },
};

/// How often a database that is there is asked whether it still is.
const WATCH: Duration = Duration::from_millis(250);

/// How long one such question, or one try to connect, may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// Pauses between tries to connect: the first is short, and none is so long that a return goes unseen for
/// a second.
const RETRY: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_millis(400);

/// The database as the requests see it.
#[derive(Clone)]
pub(crate) struct Database {
    state: watch::Receiver<State>,
    /// A request met an error: look now, not at the next turn.
    suspect: Arc<Notify>,
    patience: Duration,
    metrics: Arc<Metrics>,
    traces: Arc<Traces>,
}

/// Where the database stands.
#[derive(Clone)]
pub(crate) enum State {
    /// Never reached so far: tables may be missing.
    Starting {
        why: String,
    },
    Up(Arc<dyn Store>),
    Away {
        why: String,
    },
}

impl Database {
    /// A database that `supervise` will look after.
    pub(crate) fn new(patience: Duration, metrics: Arc<Metrics>, traces: Arc<Traces>) -> (Self, watch::Sender<State>) {
        let (sender, state) = watch::channel(State::Starting { why: "connecting".into() });
        (Self { state, suspect: Arc::default(), patience, metrics, traces }, sender)
    }

    /// Where the database stands now.
    pub(crate) fn state(&self) -> State {
        self.state.borrow().clone()
    }

    /// Returns when the tables have been brought up to date once.
    pub(crate) async fn started(&self) {
        let mut state = self.state.clone();
        // The sender lives as long as the service; without it nobody waits.
        let _ended = state.wait_for(|state| !matches!(state, State::Starting { .. })).await;
    }

    /// Asks the database for something, within the time that a request may wait for it.
    pub(crate) async fn ask<T>(
        &self,
        operation: &'static str,
        question: impl for<'a> FnOnce(&'a dyn Store) -> Pending<'a, T>,
    ) -> Result<T, StoreError> {
        let store = match self.state() {
            State::Up(store) => store,
            State::Starting { why } | State::Away { why } => return Err(StoreError::Away(why)),
        };
        let begun = Instant::now();
        let end_span = self.traces.database_span(operation);
        let answer = tokio::select! {
            biased;
            answer = question(&*store) => answer,
            why = self.left(&store) => Err(StoreError::Away(why)),
            () = tokio::time::sleep(self.patience) => Err(StoreError::Busy("it did not answer in time".into())),
        };
        let outcome = match &answer {
            Ok(_) => Outcome::Done,
            Err(error) => {
                self.suspect.notify_one();
                tracing::debug!(operation, %error, "the database did not do it");
                match error {
                    StoreError::Away(_) => Outcome::Away,
                    StoreError::Busy(_) => Outcome::Busy,
                    StoreError::Refused(_) => Outcome::Refused,
                }
            }
        };
        end_span(answer.as_ref().err().map(ToString::to_string).as_deref());
        self.metrics.database_operation(operation, outcome, begun.elapsed());
        answer
    }

    /// Returns when `store` is no longer the one in use.
    async fn left(&self, store: &Arc<dyn Store>) -> String {
        let mut state = self.state.clone();
        let gone = state.wait_for(|now| !matches!(now, State::Up(now) if Arc::ptr_eq(now, store))).await;
        match gone.as_deref() {
            Ok(State::Away { why } | State::Starting { why }) => why.clone(),
            Ok(State::Up(_)) | Err(_) => "the connection was replaced".into(),
        }
    }
}

/// Connects, watches, and connects again, until `stop` is ready; then closes the database.
pub(crate) async fn supervise(
    config: DatabaseConfig,
    connections: u32,
    database: Database,
    state: watch::Sender<State>,
    stop: impl Future<Output = ()>,
) {
    let work = async {
        let mut pause = RETRY;
        loop {
            match connect(&config, connections).await {
                Ok(store) => {
                    tracing::info!(database = %config, "the database is there");
                    pause = RETRY;
                    state.send_replace(State::Up(Arc::clone(&store)));
                    let why = watch_over(&*store, &database.suspect).await;
                    tracing::warn!(database = %config, why, "the database is away");
                    state.send_replace(State::Away { why });
                    // What its connections were doing is lost; nothing waits for them.
                    drop(store);
                }
                Err(error) => {
                    let error = error.to_string();
                    state.send_if_modified(|now| note(now, &error, &config));
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(RETRY_MAX);
                }
            }
        }
    };
    tokio::select! {
        () = stop => {}
        () = work => {}
    }
    let last = state.send_replace(State::Away { why: "the service is stopping".into() });
    if let State::Up(store) = last
        && let Err(error) = store.close().await
    {
        tracing::warn!(%error, "the database was not closed cleanly");
    }
}

/// Remembers why the database is away, and says it once, not at every try.
fn note(now: &mut State, error: &str, config: &DatabaseConfig) -> bool {
    match now {
        State::Starting { why } | State::Away { why } => {
            if why != error {
                tracing::warn!(database = %config, error, "cannot reach the database yet; trying on");
                error.clone_into(why);
            }
        }
        State::Up(_) => *now = State::Away { why: error.to_owned() },
    }
    true
}

async fn connect(config: &DatabaseConfig, connections: u32) -> Result<Arc<dyn Store>, StoreError> {
    match config {
        // The first start may take over many users, and hashes each one's password.
        DatabaseConfig::Sqlite { path } => Ok(Arc::new(SqliteStore::open(path).await?)),
        DatabaseConfig::Mysql { options, password_file } => {
            Ok(Arc::new(MysqlStore::open(options, password_file.as_ref(), connections).await?))
        }
    }
}

/// Returns when the database does not answer any more, with the reason.
async fn watch_over(store: &dyn Store, suspect: &Notify) -> String {
    loop {
        // Either is a reason to look; a time-out is the ordinary one.
        let _looked_at_anyway = timeout(WATCH, suspect.notified()).await;
        match timeout(PATIENCE, store.ping()).await {
            Ok(Ok(()) | Err(StoreError::Busy(_))) => {}
            Ok(Err(error)) => return error.to_string(),
            Err(_elapsed) => return format!("it did not answer within {} s", PATIENCE.as_secs()),
        }
    }
}
