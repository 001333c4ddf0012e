//! The tables in MySQL and MariaDB and how they came to be.
//!
//! These servers commit around every change of a table, so a step cannot be undone when its process is
//! killed in the middle of it. Instead each step looks at what is there and adds what is missing: run
//! again, it goes on where the last one stopped. A named lock lets one replica at a time do so; the server
//! gives it back when the connection ends, however it ends.

use sqlx::{AssertSqlSafe, Executor as _, MySqlConnection, Row as _};

use super::{StoreError, away};
use crate::{
    password,
    users::{fold, search_key},
};

/// Seconds to wait for another replica's migration. Start-up is tried again after it, so it only bounds
/// how long one try says nothing.
const LOCK_WAIT: u32 = 60;

/// How many steps there are; a step that was released never changes.
const STEPS: u32 = 3;

pub(super) async fn run(connection: &mut MySqlConnection) -> Result<(), StoreError> {
    let locked: Option<i64> =
        sqlx::query_scalar("SELECT GET_LOCK(CONCAT('seaworthy.', LEFT(SHA1(DATABASE()), 40)), ?)")
            .bind(LOCK_WAIT)
            .fetch_one(&mut *connection)
            .await
            .map_err(away)?;
    if locked != Some(1) {
        return Err(StoreError::Busy("another replica is still migrating".into()));
    }
    let done = steps(connection).await.map_err(away);
    let done = match done {
        Ok(()) => adopt(connection).await,
        failed => failed,
    };
    // The connection stays open, so the lock is given back by hand. If this fails the connection is dead,
    // and the lock is free.
    let _free_anyway = connection.execute("SELECT RELEASE_ALL_LOCKS()").await;
    done
}

async fn steps(connection: &mut MySqlConnection) -> sqlx::Result<()> {
    connection.execute("CREATE TABLE IF NOT EXISTS seaworthy_migrations (version INT PRIMARY KEY)").await?;
    let done: i64 = sqlx::query_scalar("SELECT CAST(COALESCE(MAX(version), 0) AS SIGNED) FROM seaworthy_migrations")
        .fetch_one(&mut *connection)
        .await?;
    for version in 1..=STEPS {
        if i64::from(version) <= done {
            continue;
        }
        match version {
            1 => users_table(connection).await?,
            2 => kept_current(connection).await?,
            _ => idempotency_keys(connection).await?,
        }
        sqlx::query("INSERT INTO seaworthy_migrations (version) VALUES (?)")
            .bind(version)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// The tutorials' table. One that was made with another character set or shorter columns is widened: names
/// are 255 characters of any script, and a hash has about a hundred.
async fn users_table(connection: &mut MySqlConnection) -> sqlx::Result<()> {
    connection
        .execute(
            "CREATE TABLE IF NOT EXISTS users (user_id INT PRIMARY KEY AUTO_INCREMENT, user_name VARCHAR(255), \
             user_email VARCHAR(255), user_password VARCHAR(255)) DEFAULT CHARACTER SET utf8mb4",
        )
        .await?;
    connection
        .execute(
            "ALTER TABLE users MODIFY user_name VARCHAR(255) CHARACTER SET utf8mb4, \
             MODIFY user_email VARCHAR(255) CHARACTER SET utf8mb4, MODIFY user_password VARCHAR(255) CHARACTER SET utf8mb4",
        )
        .await?;
    Ok(())
}

/// What the users API needs beyond it. All may be NULL, so that an application that knows only the
/// tutorials' columns can still write during a rolling update. Keys are bytes: no collation has a say.
async fn kept_current(connection: &mut MySqlConnection) -> sqlx::Result<()> {
    for (column, definition) in [
        ("created_us", "BIGINT NULL"),
        ("updated_us", "BIGINT NULL"),
        ("email_key", "VARBINARY(1016) NULL"),
        ("search_key", "TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL"),
    ] {
        let there: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM information_schema.columns \
             WHERE table_schema = DATABASE() AND table_name = 'users' AND column_name = ?",
        )
        .bind(column)
        .fetch_one(&mut *connection)
        .await?;
        if there == 0 {
            // Both parts are literals from the list above.
            connection.execute(AssertSqlSafe(format!("ALTER TABLE users ADD COLUMN {column} {definition}"))).await?;
        }
    }
    let there: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM information_schema.statistics \
         WHERE table_schema = DATABASE() AND table_name = 'users' AND index_name = 'users_email_key'",
    )
    .fetch_one(&mut *connection)
    .await?;
    if there == 0 {
        connection.execute("CREATE UNIQUE INDEX users_email_key ON users (email_key)").await?;
    }
    Ok(())
}

async fn idempotency_keys(connection: &mut MySqlConnection) -> sqlx::Result<()> {
    connection
        .execute(
            "CREATE TABLE IF NOT EXISTS idempotency_keys (idempotency_key VARBINARY(255) PRIMARY KEY, \
             fingerprint VARCHAR(64) NOT NULL, password_hash VARCHAR(255) NULL, response TEXT NULL, \
             created_us BIGINT NOT NULL, INDEX idempotency_keys_created_us (created_us)) DEFAULT CHARACTER SET utf8mb4",
        )
        .await?;
    Ok(())
}

/// Completes rows that another application wrote: hashes their passwords and fills in our columns. Of
/// several rows with one email the first keeps the claim to it; the others stay as they are.
async fn adopt(connection: &mut MySqlConnection) -> Result<(), StoreError> {
    const BATCH: u32 = 100;
    let mut hasher = password::Hasher::default();
    loop {
        let rows = sqlx::query(
            "SELECT user_id, COALESCE(user_name, ''), COALESCE(user_email, ''), user_password FROM users \
             WHERE search_key IS NULL ORDER BY user_id LIMIT ?",
        )
        .bind(BATCH)
        .fetch_all(&mut *connection)
        .await
        .map_err(away)?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in rows {
            let read = || Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?));
            let (id, name, email, stored) = read().map_err(away)?;
            let stored = match stored {
                Some(clear) if !String::is_empty(&clear) && !password::is_hash(&clear) => {
                    let hashed = tokio::task::spawn_blocking(move || {
                        let hash = hasher.hash(clear.as_bytes());
                        (hasher, hash)
                    });
                    let (back, hash) = hashed.await.map_err(|error| StoreError::Refused(error.to_string()))?;
                    hasher = back;
                    Some(hash.map_err(StoreError::Refused)?)
                }
                other => other,
            };
            adopt_row(connection, id, name, email, stored).await?;
        }
    }
}

async fn adopt_row(
    connection: &mut MySqlConnection,
    id: i64,
    name: String,
    email: String,
    stored: Option<String>,
) -> Result<(), StoreError> {
    let key = Some(fold(&email).into_bytes()).filter(|key| !key.is_empty() && key.len() <= 1016);
    let taken: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM users WHERE email_key = ?")
        .bind(&key)
        .fetch_one(&mut *connection)
        .await
        .map_err(away)?;
    sqlx::query(
        "UPDATE users SET user_password = ?, email_key = ?, search_key = ?, \
         created_us = COALESCE(created_us, CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS SIGNED)), \
         updated_us = COALESCE(updated_us, CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS SIGNED)) WHERE user_id = ?",
    )
    .bind(stored)
    .bind(key.filter(|_| taken == 0))
    .bind(search_key(&name, &email))
    .bind(id)
    .execute(connection)
    .await
    .map_err(away)?;
    Ok(())
}
