//! The tables in SQLite and how they came to be.
//!
//! Each step is one transaction together with the note that it was done, so a process killed in the
//! middle leaves it undone. The caller holds the [`WriteLock`](super::writer::WriteLock).

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::{StoreError, refused};
use crate::{
    password,
    users::{fold, search_key},
};

type Step = fn(&Transaction<'_>) -> rusqlite::Result<()>;

/// Every step there ever was, in order. A step that was released never changes.
const STEPS: &[Step] = &[users_table, kept_current, idempotency_keys];

pub(super) fn run(connection: &mut Connection) -> Result<(), StoreError> {
    steps(connection).map_err(|error| refused(&error))?;
    adopt(connection)
}

fn steps(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.execute_batch("CREATE TABLE IF NOT EXISTS seaworthy_migrations (version INTEGER PRIMARY KEY) STRICT")?;
    let done: u32 =
        connection.query_row("SELECT COALESCE(MAX(version), 0) FROM seaworthy_migrations", [], |row| row.get(0))?;
    // One commit for all that is missing: a first start waits for the disk once.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for (version, step) in (1u32..).zip(STEPS).filter(|(version, _)| *version > done) {
        step(&transaction)?;
        transaction.execute("INSERT INTO seaworthy_migrations (version) VALUES (?1)", [version])?;
    }
    transaction.commit()
}

/// The tutorials' table. AUTOINCREMENT: the number of a deleted user must not come back as another's.
///
/// One that is there already is made anew from its rows: SQLite lets a column hold anything and be declared
/// anyhow, and with `INT PRIMARY KEY` (not `INTEGER`) it does not even number the rows.
fn users_table(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    const TABLE: &str = "CREATE TABLE users (user_id INTEGER PRIMARY KEY AUTOINCREMENT, \
                         user_name TEXT, user_email TEXT, user_password TEXT);";
    let there =
        transaction.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND lower(name) = 'users'")?.exists([])?;
    if !there {
        return transaction.execute_batch(TABLE);
    }
    transaction.execute_batch("ALTER TABLE users RENAME TO seaworthy_users_before")?;
    transaction.execute_batch(TABLE)?;
    transaction.execute_batch(
        "INSERT INTO users (user_id, user_name, user_email, user_password)
             SELECT user_id, CAST(user_name AS TEXT), CAST(user_email AS TEXT), CAST(user_password AS TEXT)
             FROM seaworthy_users_before ORDER BY user_id IS NULL, user_id;
         DROP TABLE seaworthy_users_before;",
    )
}

/// What the users API needs beyond it. All may be NULL, so that an application that knows only the
/// tutorials' columns can still write during a rolling update.
fn kept_current(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute_batch(
        "ALTER TABLE users ADD COLUMN created_us INTEGER;
         ALTER TABLE users ADD COLUMN updated_us INTEGER;
         ALTER TABLE users ADD COLUMN email_key TEXT;
         ALTER TABLE users ADD COLUMN search_key TEXT;
         CREATE UNIQUE INDEX users_email_key ON users (email_key);",
    )
}

fn idempotency_keys(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute_batch(
        "CREATE TABLE idempotency_keys (
             idempotency_key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, password_hash TEXT, response TEXT,
             created_us INTEGER NOT NULL) STRICT, WITHOUT ROWID;
         CREATE INDEX idempotency_keys_created_us ON idempotency_keys (created_us);",
    )
}

/// Rows completed in one transaction.
const BATCH: u32 = 100;

/// Completes rows that another application wrote: hashes their passwords and fills in our columns. Of
/// several rows with one email the first keeps the claim to it; the others stay as they are.
fn adopt(connection: &mut Connection) -> Result<(), StoreError> {
    let mut hasher = password::Hasher::default();
    loop {
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(|error| refused(&error))?;
        let rows = strangers(&transaction).map_err(|error| refused(&error))?;
        for (id, name, email, stored) in &rows {
            let hash = match stored {
                Some(clear) if !clear.is_empty() && !password::is_hash(clear) => {
                    Some(hasher.hash(clear.as_bytes()).map_err(StoreError::Refused)?)
                }
                _ => stored.clone(),
            };
            transaction
                .execute(
                    "UPDATE OR FAIL users SET user_password = ?2, search_key = ?3, \
                     created_us = COALESCE(created_us, CAST(unixepoch('subsec') * 1000000 AS INTEGER)), \
                     updated_us = COALESCE(updated_us, CAST(unixepoch('subsec') * 1000000 AS INTEGER)), \
                     email_key = CASE WHEN EXISTS (SELECT 1 FROM users WHERE email_key = ?4) THEN NULL ELSE ?4 END \
                     WHERE user_id = ?1",
                    params![id, hash, search_key(name, email), Some(fold(email)).filter(|key| !key.is_empty())],
                )
                .map_err(|error| refused(&error))?;
        }
        transaction.commit().map_err(|error| refused(&error))?;
        if rows.is_empty() {
            return Ok(());
        }
    }
}

type Stranger = (i64, String, String, Option<String>);

fn strangers(transaction: &Transaction<'_>) -> rusqlite::Result<Vec<Stranger>> {
    transaction
        .prepare(
            "SELECT user_id, COALESCE(user_name, ''), COALESCE(user_email, ''), user_password FROM users \
             WHERE search_key IS NULL ORDER BY user_id LIMIT ?1",
        )?
        .query_map([BATCH], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
        .collect()
}
