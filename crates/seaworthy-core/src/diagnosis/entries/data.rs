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
               is asked, mixed with good answers over connections that were opened anew. A pool, or a single connection, \
               that is never opened anew fails until the process is restarted.",
    needs: "Errors of 500 and above, later than a second after the database was back, from a replica that is older than \
            the outage: for 60 s where it gives good answers as well; for as long as it gives none (then it is only \
            possible, and good answers before the outage are needed).",
    apart: "db-unavailable-window: the database was away. traffic-before-ready: the replica is new. Where no replica ever \
            answers again, tables that went with the database (ephemeral-db-storage) look alike.",
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
               yet. Why it took so long is not known; that its client cannot tell what became of it is what is wrong \
               here.",
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
    explains: "The service answers success before the write is kept: it sits in a queue, a cache or a task of the process. \
               It goes with the process, and is then among the last that this replica acknowledged; or the database that \
               it waits for goes away, and it is dropped.",
    needs: "Acknowledged writes that are gone, and were acknowledged by one replica within 5 s before its process ended, \
            with others of that replica kept from before; or while the database was away, later than half a second \
            after its end.",
    apart: "non-durable-commit: the database ended, and nothing was acknowledged without it; where something was, both \
            stand side by side. ephemeral-db-storage: everything from before is gone, and not only the last of it; where \
            nothing from before is known to be kept, both stand side by side.",
    fix: "Answer after the commit. What may be done later goes into an outbox in the same transaction. Drain queues on \
          SIGTERM, which does not help against a kill.",
    check: "seaworthy trial --drills kill,rollout --write ... --read ... -- COMMAND: no acknowledged write is gone.",
    servers: &[],
    source: &[],
};

pub(in crate::diagnosis) const EPHEMERAL: Entry = Entry {
    explains: "The data lived in what ended: in the process's memory, in the container's own files, or in an emptyDir. All \
               that was acknowledged before is gone, not only the last of it.",
    needs: "All acknowledged writes since its start are gone that an end of the database, or of the replica that had \
            acknowledged them, could take along: 20 or more, over 4 s or more, and not one is there.",
    apart: "non-durable-commit and ack-before-persist lose the last, and keep what is from before. With fewer writes, or \
            with fewer than 5 kept from before, they stand side by side.",
    fix: "A StatefulSet with a persistent volume for the data, and no state in replicas of a Deployment.",
    check: "seaworthy trial --drills kill --write ... --read ... -- COMMAND: what was written before the kill is there.",
    servers: &[],
    source: &["Volumes: https://kubernetes.io/docs/concepts/storage/volumes/"],
};

pub(in crate::diagnosis) const NON_DURABLE: Entry = Entry {
    explains: "The database acknowledges a commit before it is safe from the end of its process: it is flushed once a \
               second or so, or at a checkpoint. A kill of the database loses that tail. A commit that only waits in the \
               kernel's page cache survives a kill of the process, and not a power cut, which a trial cannot show.",
    needs: "Acknowledged writes that are gone, the last before the database ended and up to 60 s long: what was \
            acknowledged before them is there (5 or more), and of what was acknowledged after the first of them about \
            nothing is.",
    apart: "ack-before-persist: the application ended, or went on acknowledging without a database. ephemeral-db-storage: \
            nothing from before is there.",
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
    explains: "One write was sent once, and is there more often. Either something behind this tool sent it again after an \
               answer was lost (a proxy with retries for requests that are not idempotent, a driver or client library \
               inside the service, a queue that delivers at least once), or the service writes it twice by itself. What \
               is there does not tell which.",
    needs: "A key that is listed more often than it was sent. This tool never sends a write again.",
    apart: "It was sent once, so it is not this tool's retry. Where it was written while nothing was disturbed, nobody had \
            a reason to try again: look at the service first.",
    fix: "A unique index on an idempotency key; no second insert in the handler; no retries of POST in proxies.",
    check: "seaworthy trial --drills kill,rollout --write ... --list ... -- COMMAND: each key is there once.",
    servers: &[("nginx", "no non_idempotent in proxy_next_upstream")],
    source: &["Idempotent methods: https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2"],
};

pub(in crate::diagnosis) const STALE_READ: Entry = Entry {
    explains: "A write was acknowledged, was not there when it was first read, and was there later. Nothing is lost. Most \
               often the read went to a cache, or to a copy of the database that lags behind; a service that answers \
               before its write is committed looks the same.",
    needs: "An acknowledged write that was missing in the first read and found in a later one.",
    apart: "A lost write is missing in the last read as well. Whether the read or the write was late is not seen from \
            outside: a kill tells, since only a write that was late can be lost by it (ack-before-persist).",
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
