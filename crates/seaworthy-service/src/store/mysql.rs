//! Users in MySQL or MariaDB.
//!
//! Every method is one transaction or one statement. InnoDB commits concurrent transactions in groups by
//! itself, so there is no single writer here; the pool bounds what one replica may ask of the server.

mod migrations;

use std::{path::PathBuf, time::Duration};

use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, MySqlConnection, MySqlPool, Row as _,
    mysql::{MySqlConnectOptions, MySqlDatabaseError, MySqlPoolOptions, MySqlRow},
};

use super::{
    Change, Changed, Condition, Created, NewUser, Once, Page, Pending, Record, Store, StoreError, StoredPassword,
};
use crate::users::{User, search_key};

/// How long a request waits for a free connection before it is told that the database is busy.
const ACQUIRE: Duration = Duration::from_secs(1);

/// Connections are replaced after this time, so that a server's own limit (`wait_timeout`, 8 hours by
/// default) or a firewall's never ends one in use.
const LIFETIME: Duration = Duration::from_mins(30);

/// How often a transaction that lost a deadlock is run again: the server has undone all of it.
const TRIES: usize = 3;

/// The query for whole users, with what follows `FROM users`.
macro_rules! select_users {
    ($rest:literal) => {
        concat!(
            "SELECT user_id, COALESCE(user_name, ''), COALESCE(user_email, ''), \
             COALESCE(created_us, 0), COALESCE(updated_us, 0) FROM users ",
            $rest
        )
    };
}

/// Users in MySQL or MariaDB.
pub(crate) struct MysqlStore {
    pool: MySqlPool,
    /// A connection of its own for [`Store::ping`]: a busy pool is not a database that is away.
    watch: tokio::sync::Mutex<MySqlConnection>,
}

impl MysqlStore {
    /// Connects and brings the tables up to date. Replicas that do so at the same time wait for each other.
    pub(crate) async fn open(
        options: &MySqlConnectOptions,
        password_file: Option<&PathBuf>,
        connections: u32,
    ) -> Result<Self, StoreError> {
        let mut options = options.clone().disable_statement_logging();
        if let Some(path) = password_file {
            let password = tokio::fs::read_to_string(path)
                .await
                .map_err(|error| StoreError::Away(format!("cannot read {}: {error}", path.display())))?;
            options = options.password(password.trim_end_matches(['\r', '\n']));
        }
        let mut watch = connect(&options).await?;
        migrations::run(&mut watch).await?;
        let pool = MySqlPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(ACQUIRE)
            .max_lifetime(LIFETIME)
            .idle_timeout(LIFETIME)
            // A connection that died in the pool is found and replaced here, and no client hears of it.
            .test_before_acquire(true)
            .connect_lazy_with(options);
        Ok(Self { pool, watch: tokio::sync::Mutex::new(watch) })
    }

    async fn create(&self, new: &NewUser, once: Option<&Once>) -> Result<Created, StoreError> {
        let mut transaction = self.pool.begin().await.map_err(away)?;
        if let Some(once) = once
            && !claim(&mut transaction, new, once).await?
        {
            drop(transaction);
            let before = self.recall(&once.key).await?;
            // It is gone only if it was forgotten between the two statements.
            return before.map(Created::Before).ok_or_else(|| StoreError::Busy("the key is in use".into()));
        }
        let inserted = sqlx::query(
            "INSERT INTO users (user_name, user_email, user_password, email_key, search_key, created_us, updated_us) \
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(new.name.as_str())
        .bind(new.email.as_str())
        .bind(&new.password_hash)
        .bind(new.email.key().into_bytes())
        .bind(search_key(new.name.as_str(), new.email.as_str()))
        .bind(new.now_us)
        .bind(new.now_us)
        .execute(&mut *transaction)
        .await;
        let created = match inserted {
            Ok(row) => Created::New(User {
                id: i64::try_from(row.last_insert_id()).unwrap_or(i64::MAX),
                name: new.name.as_str().to_owned(),
                email: new.email.as_str().to_owned(),
                created_us: new.now_us,
                updated_us: new.now_us,
            }),
            Err(error) if is_taken(&error) => Created::EmailTaken,
            Err(error) => return Err(away(error)),
        };
        if let (Some(once), Created::New(user)) = (once, &created) {
            sqlx::query("UPDATE idempotency_keys SET response = ? WHERE idempotency_key = ?")
                .bind(serde_json::to_string(user).map_err(|error| StoreError::Refused(error.to_string()))?)
                .bind(once.key.as_bytes())
                .execute(&mut *transaction)
                .await
                .map_err(away)?;
        }
        transaction.commit().await.map_err(away)?;
        Ok(created)
    }

    async fn recall(&self, key: &str) -> Result<Option<Record>, StoreError> {
        let row =
            sqlx::query("SELECT fingerprint, password_hash, response FROM idempotency_keys WHERE idempotency_key = ?")
                .bind(key.as_bytes())
                .fetch_optional(&self.pool)
                .await
                .map_err(away)?;
        row.map(|row| {
            Ok(Record { fingerprint: row.try_get(0)?, password_hash: row.try_get(1)?, response: row.try_get(2)? })
        })
        .transpose()
        .map_err(away)
    }

    async fn update(&self, id: i64, change: &Change, condition: &Condition) -> Result<Changed<User>, StoreError> {
        let mut transaction = self.pool.begin().await.map_err(away)?;
        let Some(before) = locked(&mut transaction, id).await? else { return Ok(Changed::NoSuchUser) };
        if !condition.holds(&before) {
            return Ok(Changed::ConditionFailed);
        }
        let Some(after) = change.apply(&before) else { return Ok(Changed::Done(before)) };
        // A key that is not given stays: a row that was taken over may share its email with another.
        let email_key = change.email.as_ref().filter(|email| email.as_str() != before.email);
        let updated = sqlx::query(
            "UPDATE users SET user_name = ?, user_email = ?, user_password = COALESCE(?, user_password), \
             email_key = COALESCE(?, email_key), search_key = ?, updated_us = ? WHERE user_id = ?",
        )
        .bind(&after.name)
        .bind(&after.email)
        .bind(&change.password_hash)
        .bind(email_key.map(|email| email.key().into_bytes()))
        .bind(search_key(&after.name, &after.email))
        .bind(after.updated_us)
        .bind(id)
        .execute(&mut *transaction)
        .await;
        match updated {
            Ok(_) => {}
            Err(error) if is_taken(&error) => return Ok(Changed::EmailTaken),
            Err(error) => return Err(away(error)),
        }
        transaction.commit().await.map_err(away)?;
        Ok(Changed::Done(after))
    }

    async fn delete(&self, id: i64, condition: &Condition) -> Result<Changed<()>, StoreError> {
        let mut transaction = self.pool.begin().await.map_err(away)?;
        let Some(before) = locked(&mut transaction, id).await? else { return Ok(Changed::NoSuchUser) };
        if !condition.holds(&before) {
            return Ok(Changed::ConditionFailed);
        }
        sqlx::query("DELETE FROM users WHERE user_id = ?").bind(id).execute(&mut *transaction).await.map_err(away)?;
        transaction.commit().await.map_err(away)?;
        Ok(Changed::Done(()))
    }
}

impl Store for MysqlStore {
    fn create(&self, new: NewUser, once: Option<Once>) -> Pending<'_, Created> {
        Box::pin(async move {
            let mut tries = 1;
            loop {
                match self.create(&new, once.as_ref()).await {
                    Err(StoreError::Busy(_)) if tries < TRIES => tries += 1,
                    done => return done,
                }
            }
        })
    }

    fn recall(&self, key: &str) -> Pending<'_, Option<Record>> {
        let key = key.to_owned();
        Box::pin(async move { self.recall(&key).await })
    }

    fn get(&self, id: i64) -> Pending<'_, Option<User>> {
        Box::pin(async move {
            let row = sqlx::query(select_users!("WHERE user_id = ?"))
                .bind(id)
                .fetch_optional(&self.pool)
                .await
                .map_err(away)?;
            row.map(|row| user(&row)).transpose()
        })
    }

    fn list(&self, page: Page) -> Pending<'_, Vec<User>> {
        Box::pin(async move {
            sqlx::query(select_users!(
                "WHERE user_id > ? AND (? IS NULL OR LOCATE(?, search_key) > 0) ORDER BY user_id LIMIT ?"
            ))
            .bind(page.after)
            .bind(&page.query)
            .bind(&page.query)
            .bind(page.limit)
            .fetch_all(&self.pool)
            .await
            .map_err(away)?
            .iter()
            .map(user)
            .collect()
        })
    }

    fn update(&self, id: i64, change: Change, condition: Condition) -> Pending<'_, Changed<User>> {
        Box::pin(async move {
            let mut tries = 1;
            loop {
                match self.update(id, &change, &condition).await {
                    Err(StoreError::Busy(_)) if tries < TRIES => tries += 1,
                    done => return done,
                }
            }
        })
    }

    fn delete(&self, id: i64, condition: Condition) -> Pending<'_, Changed<()>> {
        Box::pin(async move {
            let mut tries = 1;
            loop {
                match self.delete(id, &condition).await {
                    Err(StoreError::Busy(_)) if tries < TRIES => tries += 1,
                    done => return done,
                }
            }
        })
    }

    fn password(&self, id: i64) -> Pending<'_, StoredPassword> {
        Box::pin(async move {
            let row = sqlx::query("SELECT user_password FROM users WHERE user_id = ?")
                .bind(id)
                .fetch_optional(&self.pool)
                .await
                .map_err(away)?;
            row.map(|row| row.try_get(0)).transpose().map(StoredPassword::from_row).map_err(away)
        })
    }

    fn forget(&self, before_us: i64) -> Pending<'_, u64> {
        Box::pin(async move {
            // Bounded, since a long transaction would hold up the requests that come in meanwhile.
            sqlx::query("DELETE FROM idempotency_keys WHERE created_us < ? LIMIT 10000")
                .bind(before_us)
                .execute(&self.pool)
                .await
                .map(|done| done.rows_affected())
                .map_err(away)
        })
    }

    fn ping(&self) -> Pending<'_, ()> {
        Box::pin(async move { self.watch.lock().await.ping().await.map_err(away) })
    }

    fn connections(&self) -> (u32, u32) {
        let idle = u32::try_from(self.pool.num_idle()).unwrap_or(u32::MAX);
        (self.pool.size().saturating_sub(idle), idle)
    }

    fn close(&self) -> Pending<'_, ()> {
        Box::pin(async move {
            self.pool.close().await;
            Ok(())
        })
    }
}

/// Takes the key for this request; `false` if another request has it. One that is just being answered is
/// waited for, since its row is locked until its transaction ends.
async fn claim(connection: &mut MySqlConnection, new: &NewUser, once: &Once) -> Result<bool, StoreError> {
    let claimed = sqlx::query(
        "INSERT INTO idempotency_keys (idempotency_key, fingerprint, password_hash, created_us) VALUES (?, ?, ?, ?)",
    )
    .bind(once.key.as_bytes())
    .bind(&once.fingerprint)
    .bind(&new.password_hash)
    .bind(new.now_us)
    .execute(connection)
    .await;
    match claimed {
        Ok(_) => Ok(true),
        Err(error) if is_taken(&error) => Ok(false),
        Err(error) => Err(away(error)),
    }
}

/// One user, locked until the transaction ends, so that nobody changes it between the check and the change.
async fn locked(connection: &mut MySqlConnection, id: i64) -> Result<Option<User>, StoreError> {
    let row = sqlx::query(select_users!("WHERE user_id = ? FOR UPDATE"))
        .bind(id)
        .fetch_optional(connection)
        .await
        .map_err(away)?;
    row.map(|row| user(&row)).transpose()
}

fn user(row: &MySqlRow) -> Result<User, StoreError> {
    let read = || {
        Ok(User {
            id: row.try_get(0)?,
            name: row.try_get(1)?,
            email: row.try_get(2)?,
            created_us: row.try_get(3)?,
            updated_us: row.try_get(4)?,
        })
    };
    read().map_err(away)
}

/// Whether a statement was refused since a unique value is taken.
fn is_taken(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}

/// Connects, and makes the database first where the server does not have it: nobody should need a
/// database client to start.
async fn connect(options: &MySqlConnectOptions) -> Result<MySqlConnection, StoreError> {
    const UNKNOWN_DATABASE: u16 = 1049;
    let error = match MySqlConnection::connect_with(options).await {
        Ok(connection) => return Ok(connection),
        Err(error) => error,
    };
    let Some(name) = options.get_database().filter(|_| number(&error) == Some(UNKNOWN_DATABASE)) else {
        return Err(away(error));
    };
    let mut server = MySqlConnection::connect_with(&options.clone().database("")).await.map_err(away)?;
    // A name cannot be bound; in backquotes with backquotes doubled it can be any.
    let create = format!("CREATE DATABASE IF NOT EXISTS `{}` CHARACTER SET utf8mb4", name.replace('`', "``"));
    server.execute(AssertSqlSafe(create)).await.map_err(away)?;
    MySqlConnection::connect_with(options).await.map_err(away)
}

/// The server's own number for an error.
fn number(error: &sqlx::Error) -> Option<u16> {
    error.as_database_error()?.try_downcast_ref::<MySqlDatabaseError>().map(MySqlDatabaseError::number)
}

/// What an error of the driver means. The numbers are MySQL's and MariaDB's.
#[expect(clippy::needless_pass_by_value, reason = "it is what map_err hands over")]
fn away(error: sqlx::Error) -> StoreError {
    if let Some(number) = number(&error) {
        return match number {
            // Too many connections; lock wait timeout; deadlock; user over its limit; query killed.
            1040 | 1205 | 1213 | 1226 | 1317 => StoreError::Busy(error.to_string()),
            // Access denied (a password being rotated); no such database; shutting down; connection killed,
            // aborted or cut off; server in read-only mode (a failover).
            1044 | 1045 | 1049 | 1053 | 1077..=1080 | 1152..=1161 | 1290 | 1836 | 1927 | 3024 => {
                StoreError::Away(error.to_string())
            }
            _ => StoreError::Refused(error.to_string()),
        };
    }
    if matches!(error, sqlx::Error::PoolTimedOut) {
        return StoreError::Busy("no connection became free in time".into());
    }
    let ours = matches!(
        error,
        sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::Decode(_)
            | sqlx::Error::Encode(_)
            | sqlx::Error::ColumnNotFound(_)
    );
    if ours { StoreError::Refused(error.to_string()) } else { StoreError::Away(error.to_string()) }
}
