//! Users in a SQLite file.
//!
//! All writes go through one thread that commits them in groups (`writer`): SQLite lets one connection
//! write at a time and makes the others poll, so sixteen writing connections starve each other where one
//! writer serves all sixteen with one `fdatasync`. Reads have connections of their own, which in
//! write-ahead-log mode neither wait for the writer nor hold it up.

mod migrations;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, params};
use tokio::sync::Semaphore;

use super::{
    Change, Changed, Condition, Created, NewUser, Once, Page, Pending, Record, Store, StoreError, StoredPassword,
};
use crate::users::{User, search_key};
use writer::{WriteLock, Writer};

/// Reads at a time. More would not be faster: they compete for the same few cores.
const READERS: usize = 4;

/// How long SQLite itself waits for a lock that another program holds.
const LOCK_WAIT: Duration = Duration::from_secs(1);

const COLUMNS: &str = "user_id, COALESCE(CAST(user_name AS TEXT), ''), COALESCE(CAST(user_email AS TEXT), ''), COALESCE(created_us, 0), COALESCE(updated_us, 0)";

/// Users in a SQLite file.
pub(crate) struct SqliteStore {
    writer: Writer,
    readers: Arc<Readers>,
    watch: Arc<Mutex<Watch>>,
}

/// What [`Store::ping`] looks with: a connection of its own, since busy readers are not a database that is
/// away, and the file that was opened, since another one of the same name is another database.
struct Watch {
    connection: Connection,
    file: u64,
}

/// Connections that read. They are opened as they are needed and kept.
struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
    busy: AtomicU32,
}

impl SqliteStore {
    /// Opens (and makes) the file and brings its tables up to date. Replicas that do so at the same time
    /// wait for each other.
    pub(crate) async fn open(path: &Path) -> Result<Self, StoreError> {
        let owned = path.to_owned();
        let (writer, watch) = blocking(move || {
            if let Some(folder) = owned.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                std::fs::create_dir_all(folder)
                    .map_err(|error| StoreError::Away(format!("cannot make {}: {error}", folder.display())))?;
            }
            let lock = WriteLock::open(&owned)?;
            let mut connection = connect(&owned)?;
            {
                let _held = lock.hold()?;
                // Only a commit that has reached the disk is acknowledged: FULL syncs the log at each one.
                connection
                    .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
                    .map_err(|error| refused(&error))?;
                migrations::run(&mut connection)?;
            }
            let watch = Watch { connection: connect(&owned)?, file: inode(&owned)? };
            Ok((Writer::start(connection, lock)?, watch))
        })
        .await?;
        let readers = Readers {
            path: path.to_owned(),
            idle: Mutex::default(),
            permits: Arc::new(Semaphore::new(READERS)),
            busy: AtomicU32::new(0),
        };
        Ok(Self { writer, readers: Arc::new(readers), watch: Arc::new(Mutex::new(watch)) })
    }

    /// Whether the file can be a database at all: what is wrong with it will not pass by waiting.
    pub(crate) fn check(path: &Path) -> Result<(), String> {
        use std::io::Read as _;
        /// How every database begins (SQLite, "Database File Format", 1.3).
        const MAGIC: &[u8] = b"SQLite format 3\0";
        if path.is_dir() {
            return Err(format!("{} is a folder; name a file in it", path.display()));
        }
        let Ok(file) = std::fs::File::open(path) else { return Ok(()) };
        let mut begins = Vec::new();
        file.take(MAGIC.len() as u64)
            .read_to_end(&mut begins)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        if begins.is_empty() || begins == MAGIC {
            Ok(())
        } else {
            Err(format!("{} is no SQLite database; name another file", path.display()))
        }
    }

    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let readers = Arc::clone(&self.readers);
        let permits = Arc::clone(&self.readers.permits);
        let permit = permits.acquire_owned().await.map_err(|_closed| StoreError::Away("closing".into()))?;
        blocking(move || {
            // Kept by the work, not by who waits for it: a query goes on when its client has given up.
            let _permit = permit;
            let idle = readers.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = match idle {
                Some(connection) => connection,
                None => connect(&readers.path)?,
            };
            readers.busy.fetch_add(1, Ordering::Relaxed);
            let answer = query(&connection).map_err(|error| refused(&error));
            readers.busy.fetch_sub(1, Ordering::Relaxed);
            // A connection that failed may be the reason; the next read opens another.
            if answer.is_ok() {
                readers.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            }
            answer
        })
        .await
    }
}

impl Store for SqliteStore {
    fn create(&self, new: NewUser, once: Option<Once>) -> Pending<'_, Created> {
        // Folded here: the writer's time is everybody's.
        let keys = (new.email.key(), search_key(new.name.as_str(), new.email.as_str()));
        Box::pin(self.writer.write(move |connection| create(connection, &new, &keys, once.as_ref())))
    }

    fn recall(&self, key: &str) -> Pending<'_, Option<Record>> {
        let key = key.to_owned();
        Box::pin(self.read(move |connection| recall(connection, &key)))
    }

    fn get(&self, id: i64) -> Pending<'_, Option<User>> {
        Box::pin(self.read(move |connection| get(connection, id)))
    }

    fn list(&self, page: Page) -> Pending<'_, Vec<User>> {
        Box::pin(self.read(move |connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM users WHERE user_id > ?1 AND (?2 IS NULL OR instr(search_key, ?2) > 0) ORDER BY user_id LIMIT ?3"
            ))?;
            statement.query_map(params![page.after, page.query, page.limit], user)?.collect()
        }))
    }

    fn update(&self, id: i64, change: Change, condition: Condition) -> Pending<'_, Changed<User>> {
        Box::pin(self.writer.write(move |connection| update(connection, id, &change, &condition)))
    }

    fn delete(&self, id: i64, condition: Condition) -> Pending<'_, Changed<()>> {
        Box::pin(self.writer.write(move |connection| {
            let Some(user) = get(connection, id)? else { return Ok(Changed::NoSuchUser) };
            if !condition.holds(&user) {
                return Ok(Changed::ConditionFailed);
            }
            connection.prepare_cached("DELETE FROM users WHERE user_id = ?1")?.execute([id])?;
            Ok(Changed::Done(()))
        }))
    }

    fn password(&self, id: i64) -> Pending<'_, StoredPassword> {
        Box::pin(self.read(move |connection| {
            connection
                .prepare_cached("SELECT CAST(user_password AS TEXT) FROM users WHERE user_id = ?1")?
                .query_row([id], |row| row.get(0))
                .optional()
                .map(StoredPassword::from_row)
        }))
    }

    fn forget(&self, before_us: i64) -> Pending<'_, u64> {
        Box::pin(self.writer.write(move |connection| {
            connection
                .prepare_cached("DELETE FROM idempotency_keys WHERE created_us < ?1")?
                .execute([before_us])
                .map(|rows| rows as u64)
        }))
    }

    fn ping(&self) -> Pending<'_, ()> {
        let (watch, path) = (Arc::clone(&self.watch), self.readers.path.clone());
        Box::pin(blocking(move || {
            let watch = watch.lock().unwrap_or_else(PoisonError::into_inner);
            if inode(&path)? != watch.file {
                return Err(StoreError::Away(format!("{} is another file than the one in use", path.display())));
            }
            let look = || watch.connection.prepare_cached("SELECT 1 FROM users LIMIT 1")?.exists([]);
            look().map(|_| ()).map_err(|error| refused(&error))
        }))
    }

    fn connections(&self) -> (u32, u32) {
        let idle = self.readers.idle.lock().unwrap_or_else(PoisonError::into_inner).len();
        (self.readers.busy.load(Ordering::Relaxed), u32::try_from(idle).unwrap_or(u32::MAX).saturating_add(1))
    }

    fn close(&self) -> Pending<'_, ()> {
        Box::pin(async {
            self.readers.permits.close();
            self.readers.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
            self.writer.close().await;
            Ok(())
        })
    }
}

/// Which file has this name.
fn inode(path: &Path) -> Result<u64, StoreError> {
    use std::os::unix::fs::MetadataExt as _;
    let away = |error| StoreError::Away(format!("cannot look at {}: {error}", path.display()));
    std::fs::metadata(path).map(|file| file.ino()).map_err(away)
}

/// One more connection to the file.
fn connect(path: &Path) -> Result<Connection, StoreError> {
    let away = |error: rusqlite::Error| StoreError::Away(format!("cannot open {}: {error}", path.display()));
    let connection = Connection::open(path).map_err(away)?;
    connection.busy_timeout(LOCK_WAIT).map_err(away)?;
    Ok(connection)
}

/// Runs what blocks away from the async threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| StoreError::Refused(error.to_string()))?
}

fn refused(error: &rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            StoreError::Busy("another program holds the lock of the file".into())
        }
        Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure | ErrorCode::CannotOpen | ErrorCode::ReadOnly) => {
            StoreError::Away(error.to_string())
        }
        _ => StoreError::Refused(error.to_string()),
    }
}

/// Whether a statement was refused since a unique value is taken.
fn is_taken(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE)
}

fn user(row: &Row<'_>) -> rusqlite::Result<User> {
    Ok(User {
        id: row.get(0)?,
        name: row.get(1)?,
        email: row.get(2)?,
        created_us: row.get(3)?,
        updated_us: row.get(4)?,
    })
}

fn get(connection: &Connection, id: i64) -> rusqlite::Result<Option<User>> {
    connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM users WHERE user_id = ?1"))?
        .query_row([id], user)
        .optional()
}

fn recall(connection: &Connection, key: &str) -> rusqlite::Result<Option<Record>> {
    connection
        .prepare_cached("SELECT fingerprint, password_hash, response FROM idempotency_keys WHERE idempotency_key = ?1")?
        .query_row([key], |row| {
            Ok(Record { fingerprint: row.get(0)?, password_hash: row.get(1)?, response: row.get(2)? })
        })
        .optional()
}

fn create(
    connection: &Connection,
    new: &NewUser,
    (email_key, search_key): &(String, String),
    once: Option<&Once>,
) -> rusqlite::Result<Created> {
    if let Some(once) = once
        && let Some(before) = recall(connection, &once.key)?
    {
        return Ok(Created::Before(before));
    }
    let inserted = connection
        .prepare_cached(
            "INSERT INTO users (user_name, user_email, user_password, email_key, search_key, created_us, updated_us) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
        )?
        .execute(params![new.name.as_str(), new.email.as_str(), new.password_hash, email_key, search_key, new.now_us]);
    let created = match inserted {
        Ok(_) => Created::New(User {
            id: connection.last_insert_rowid(),
            name: new.name.as_str().to_owned(),
            email: new.email.as_str().to_owned(),
            created_us: new.now_us,
            updated_us: new.now_us,
        }),
        Err(error) if is_taken(&error) => Created::EmailTaken,
        Err(error) => return Err(error),
    };
    if let Some(once) = once {
        let response = match &created {
            Created::New(user) => serde_json::to_string(user).ok(),
            Created::EmailTaken | Created::Before(_) => None,
        };
        connection
            .prepare_cached(
                "INSERT INTO idempotency_keys (idempotency_key, fingerprint, password_hash, response, created_us) \
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![once.key, once.fingerprint, new.password_hash, response, new.now_us])?;
    }
    Ok(created)
}

fn update(connection: &Connection, id: i64, change: &Change, condition: &Condition) -> rusqlite::Result<Changed<User>> {
    let Some(before) = get(connection, id)? else { return Ok(Changed::NoSuchUser) };
    if !condition.holds(&before) {
        return Ok(Changed::ConditionFailed);
    }
    let Some(after) = change.apply(&before) else { return Ok(Changed::Done(before)) };
    // A key that is not given stays: a row that was taken over may share its email with another.
    let email_key = change.email.as_ref().filter(|email| email.as_str() != before.email).map(crate::users::Email::key);
    let updated = connection
        .prepare_cached(
            "UPDATE users SET user_name = ?2, user_email = ?3, user_password = COALESCE(?4, user_password), \
             email_key = COALESCE(?5, email_key), search_key = ?6, updated_us = ?7 WHERE user_id = ?1",
        )?
        .execute(params![
            id,
            after.name,
            after.email,
            change.password_hash,
            email_key,
            search_key(&after.name, &after.email),
            after.updated_us
        ]);
    match updated {
        Ok(_) => Ok(Changed::Done(after)),
        Err(error) if is_taken(&error) => Ok(Changed::EmailTaken),
        Err(error) => Err(error),
    }
}
