//! Databases, and what becomes of writes.

use crate::diagnosis::rule::Entry;

pub(in crate::diagnosis) const DB_AWAY: Entry = Entry {
    explains: "The database is away, and the service says so honestly with errors: from all replicas, for as long as it \
               takes to end, start, recover and accept. A pool that waits for a connection turns fast errors into slow \
               ones (30 s by HikariCP's default), and these into time-outs.",
    needs: "Errors of 500 and above, or time-outs, of any replica while the database did not take connections, and a second \
            around.",
    apart: "stale-db-pool comes after the database is back. dependency-readiness-collapse leaves nobody to answer.",
    fix: "A database that fails over; a bounded wait for a connection (1 to 2 s); idempotent requests sent again.",
    check: "seaworthy trial --drills database-restart --database COMMAND -- COMMAND: errors end with the database's return.",
    servers: &[
        ("Java/Spring Boot", "spring.datasource.hikari.connection-timeout=1000"),
        ("gunicorn", "with SQLAlchemy: create_engine(url, pool_timeout=2)"),
        ("Go net/http", "db.QueryContext with context.WithTimeout(r.Context(), 2*time.Second)"),
    ],
    source: &["HikariCP: https://github.com/brettwooldridge/HikariCP"],
};

pub(in crate::diagnosis) const STALE_POOL: Entry = Entry {
    explains: "Connections in a pool die with the database, and the pool does not know. Each fails at its first use after \
               the database is back: at most as many errors as there are connections, spread over minutes where little \
               is asked, mixed with good answers over connections that were opened anew.",
    needs: "Errors of 500 and above within 60 s after the database was back (and a second), from a replica that is older \
            than the outage and gives good answers as well.",
    apart: "db-unavailable-window: the database was away. traffic-before-ready: the replica is new.",
    fix: "Test a connection before it is used, and bound its age.",
    check: "seaworthy trial --drills database-restart --database COMMAND -- COMMAND: no error later than a second after \
            the database is back.",
    servers: &[
        ("gunicorn", "with SQLAlchemy: create_engine(url, pool_pre_ping=True)"),
        ("uvicorn", "with SQLAlchemy: create_async_engine(url, pool_pre_ping=True)"),
        ("Java/Spring Boot", "spring.datasource.hikari.max-lifetime=60000 (HikariCP tests what was idle by itself)"),
        ("Go net/http", "db.SetConnMaxLifetime(time.Minute)"),
        ("axum", "with sqlx: PoolOptions::new().test_before_acquire(true)"),
        ("actix", "with sqlx: PoolOptions::new().test_before_acquire(true)"),
    ],
    source: &["SQLAlchemy, pooling: https://docs.sqlalchemy.org/en/20/core/pooling.html#dealing-with-disconnects"],
};

pub(in crate::diagnosis) const UNKNOWN_WRITE: Entry = Entry {
    explains: "A request that must not be sent twice timed out. It may have been executed, may not have been, and may be \
               yet. Why it took so long is not known; that nobody can tell what became of it is what is wrong here.",
    needs: "A request that is not idempotent, timed out after it was sent, with nothing else that explains it.",
    apart: "Idempotent requests can be sent again and lose nothing by that. Everything else that is known goes first.",
    fix: "An idempotency key with a unique index, or a way to ask what became of it; a client's time-out above the \
          server's.",
    check: "seaworthy trial --write 'POST /items {\"name\":\"{key}\"}' --read 'GET /items/{id}' -- COMMAND: each unknown \
            write is found to have been executed or not.",
    servers: &[],
    source: &["Idempotent methods: https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2"],
};

pub(in crate::diagnosis) const ACK_FIRST: Entry = Entry {
    explains: "The service answers success before the write is kept: it sits in a queue, a cache or a task of the process, \
               and goes with it. What is lost was acknowledged shortly before that process ended, and by that replica.",
    needs: "Acknowledged writes that are gone, acknowledged by one replica within 5 s before its process ended, while no \
            database ended.",
    apart: "non-durable-commit: the database ended. ephemeral-db-storage: everything from before is gone, and not only \
            the last of it.",
    fix: "Answer after the commit. What may be done later goes into an outbox in the same transaction. Drain queues on \
          SIGTERM, which does not help against a kill.",
    check: "seaworthy trial --drills kill,rollout --write ... --read ... -- COMMAND: no acknowledged write is gone.",
    servers: &[],
    source: &[],
};

pub(in crate::diagnosis) const EPHEMERAL: Entry = Entry {
    explains: "The data lived in what ended: in the process's memory, in the container's own files, or in an emptyDir. All \
               that was acknowledged before is gone, not only the last of it.",
    needs: "Acknowledged writes that are gone, from the whole time before an end of the database or of the replica that \
            had acknowledged them, and about as many as there were.",
    apart: "non-durable-commit and ack-before-persist lose a tail of a second or so.",
    fix: "A StatefulSet with a persistent volume for the data, and no state in replicas of a Deployment.",
    check: "seaworthy trial --drills kill --write ... --read ... -- COMMAND: what was written before the kill is there.",
    servers: &[],
    source: &["Volumes: https://kubernetes.io/docs/concepts/storage/volumes/"],
};

pub(in crate::diagnosis) const NON_DURABLE: Entry = Entry {
    explains: "The database acknowledges a commit before it is safe from the end of its process: it is flushed once a \
               second or so. A kill of the database loses that tail. A commit that only waits in the kernel's page cache \
               survives a kill of the process, and not a power cut, which a trial cannot show.",
    needs: "Acknowledged writes that are gone, all acknowledged within 2 s before the database ended.",
    apart: "ack-before-persist: it was the application that ended. ephemeral-db-storage: all is gone.",
    fix: "Make commits durable: innodb_flush_log_at_trx_commit=1 and sync_binlog=1 (MySQL, MariaDB), \
          synchronous_commit=on (PostgreSQL), PRAGMA synchronous=FULL (SQLite).",
    check: "seaworthy trial --drills database-restart --database COMMAND --write ... --read ... -- COMMAND: no \
            acknowledged write is gone.",
    servers: &[],
    source: &[
        "MySQL: https://dev.mysql.com/doc/refman/8.4/en/innodb-parameters.html",
        "PostgreSQL: https://www.postgresql.org/docs/current/wal-async-commit.html",
        "SQLite: https://www.sqlite.org/pragma.html#pragma_synchronous",
    ],
};

pub(in crate::diagnosis) const DUPLICATE: Entry = Entry {
    explains: "One write was sent once, and is there more often. Something behind this tool sent it again after an answer \
               was lost: a proxy with retries for requests that are not idempotent, a client library inside the service, \
               or a queue that delivers at least once.",
    needs: "A key that is listed more often than it was sent. This tool never sends a write again.",
    apart: "It was sent once.",
    fix: "A unique index on an idempotency key; no retries of POST in proxies.",
    check: "seaworthy trial --drills kill,rollout --write ... --list ... -- COMMAND: each key is there once.",
    servers: &[("nginx", "no non_idempotent in proxy_next_upstream")],
    source: &["Idempotent methods: https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2"],
};

pub(in crate::diagnosis) const STALE_READ: Entry = Entry {
    explains: "A write was acknowledged, was not there when it was first read, and was there later. Nothing is lost: the \
               read went to a cache, or to a copy of the database that lags behind.",
    needs: "An acknowledged write that was missing in the first read and found in a later one.",
    apart: "A lost write is missing in the last read as well.",
    fix: "Read your own writes from where they were written, or tell clients that they may lag.",
    check: "seaworthy trial --write ... --read ... -- COMMAND: each write is there when first read.",
    servers: &[],
    source: &[],
};

pub(in crate::diagnosis) const LOST_WRITES: Entry = Entry {
    explains: "Acknowledged writes are gone, and neither an end of a process nor one of the database explains when.",
    needs: "Acknowledged writes that are gone and fit none of the other causes.",
    apart: "It is what is left.",
    fix: "Look at the target's own log at these moments, and at what the replicas do not share.",
    check: "seaworthy trial --write ... --read ... -- COMMAND: no acknowledged write is gone.",
    servers: &[],
    source: &[],
};
