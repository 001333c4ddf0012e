//! Where users are kept: one contract, two databases.
//!
//! A store answers with what became of the request. [`StoreError::Unavailable`] is the only answer that
//! says nothing about the data: the caller turns it into 503, and the [`Database`](crate::database)
//! decides what to do about the connection.

mod mysql;
mod sqlite;

use std::{future::Future, pin::Pin};

use crate::users::{Email, Name, User};

pub(crate) use mysql::MysqlStore;
pub(crate) use sqlite::SqliteStore;

/// What a store's method returns: the trait is used as an object, so its futures are boxed.
pub(crate) type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// The users, wherever they are. An answer of success to a write means that it is durable.
pub(crate) trait Store: Send + Sync {
    /// Adds a user; with `once`, at most once for that key.
    fn create(&self, new: NewUser, once: Option<Once>) -> Pending<'_, Created>;
    /// What was answered to a key before.
    fn recall(&self, key: &str) -> Pending<'_, Option<Record>>;
    /// One user.
    fn get(&self, id: i64) -> Pending<'_, Option<User>>;
    /// Users by ascending id.
    fn list(&self, page: Page) -> Pending<'_, Vec<User>>;
    /// Changes a user if `condition` holds for it.
    fn update(&self, id: i64, change: Change, condition: Condition) -> Pending<'_, Changed<User>>;
    /// Removes a user if `condition` holds for it.
    fn delete(&self, id: i64, condition: Condition) -> Pending<'_, Changed<()>>;
    /// What is stored of a user's password.
    fn password(&self, id: i64) -> Pending<'_, StoredPassword>;
    /// Forgets keys answered before this time (microseconds since the epoch).
    fn forget(&self, before_us: i64) -> Pending<'_, u64>;
    /// Whether the database answers, apart from whatever else is waiting for it.
    fn ping(&self) -> Pending<'_, ()>;
    /// Connections as (in use, idle).
    fn connections(&self) -> (u32, u32);
    /// Gives the database back; called once, after the last request.
    fn close(&self) -> Pending<'_, ()>;
}

/// A user to add. The password is already hashed.
#[derive(Clone, Debug)]
pub(crate) struct NewUser {
    pub(crate) name: Name,
    pub(crate) email: Email,
    pub(crate) password_hash: Option<String>,
    pub(crate) now_us: i64,
}

/// A client's promise that requests with this key are one request
/// (draft-ietf-httpapi-idempotency-key-header).
#[derive(Clone, Debug)]
pub(crate) struct Once {
    pub(crate) key: String,
    pub(crate) fingerprint: String,
}

/// What was answered to a key, and to which request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) fingerprint: String,
    /// To compare the password of a repeated request: a plain digest of it would be a gift to a thief.
    pub(crate) password_hash: Option<String>,
    /// The user as JSON as it was answered, or `None` where the answer was that the email is taken.
    pub(crate) response: Option<String>,
}

/// What is stored of a user's password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StoredPassword {
    NoSuchUser,
    NoPassword,
    Hash(String),
}

impl StoredPassword {
    /// From the column of the row, if there is a row.
    #[expect(clippy::option_option, reason = "a row that may be missing with a column that may be NULL")]
    fn from_row(row: Option<Option<String>>) -> Self {
        match row {
            None => Self::NoSuchUser,
            Some(None) => Self::NoPassword,
            Some(Some(hash)) => Self::Hash(hash),
        }
    }
}

/// What became of a create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Created {
    New(User),
    EmailTaken,
    /// The key was used before.
    Before(Record),
}

/// A part of the list: users with an id above `after` whose name or email contains `query` (folded).
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) after: i64,
    pub(crate) limit: u32,
    pub(crate) query: Option<String>,
}

/// Fields to change; `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Change {
    pub(crate) name: Option<Name>,
    pub(crate) email: Option<Email>,
    pub(crate) password_hash: Option<String>,
    pub(crate) now_us: i64,
}

impl Change {
    /// The user after this change, or `None` where nothing changes. `updated_us` always grows, also
    /// when the clock went back, so that no two states have the same tag.
    fn apply(&self, user: &User) -> Option<User> {
        let name = self.name.as_ref().map_or(user.name.as_str(), Name::as_str);
        let email = self.email.as_ref().map_or(user.email.as_str(), Email::as_str);
        if self.password_hash.is_none() && name == user.name && email == user.email {
            return None;
        }
        Some(User {
            id: user.id,
            name: name.to_owned(),
            email: email.to_owned(),
            created_us: user.created_us,
            updated_us: self.now_us.max(user.updated_us.saturating_add(1)),
        })
    }
}

/// When a change may be made (`If-Match`).
#[derive(Clone, Debug, Default)]
pub(crate) enum Condition {
    #[default]
    Always,
    /// The user's tag is one of these.
    TagIn(Vec<String>),
}

impl Condition {
    fn holds(&self, user: &User) -> bool {
        match self {
            Self::Always => true,
            Self::TagIn(tags) => tags.contains(&user.etag()),
        }
    }
}

/// What became of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Changed<T> {
    Done(T),
    NoSuchUser,
    EmailTaken,
    ConditionFailed,
}

/// Why a store could not say what became of a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StoreError {
    /// The database cannot be reached, or did not answer in time.
    #[error("the database is away: {0}")]
    Away(String),
    /// It is there but has more to do than it can: wait and try again.
    #[error("the database is busy: {0}")]
    Busy(String),
    /// It answered with something that this code did not expect: a bug, here or there.
    #[error("the database refused: {0}")]
    Refused(String),
}
