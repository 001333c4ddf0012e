//! The writes of a trial: what is asked for, and reading back what became of them when the drills are over.

use std::{
    io,
    process::{Command, Stdio},
    time::Duration,
};

use seaworthy_core::{audit::Audit, interval::INTERVAL, ledger::Ledger, text};
use seaworthy_load::{
    plan::{Plan as Load, Workload},
    read_back::{CleanedUp, read_back},
};
use tokio::task::{self, JoinHandle};

use super::{options::Options, subject::Subject};
use crate::{
    cli::Failure,
    commands::load::{
        requests::{self, Sent},
        target::Target,
        writes,
    },
    settings::Values,
};

/// How long reading back may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// Settings of requests that the users scenario makes by itself.
const OF_REQUESTS: [&str; 6] = ["method", "body", "content-type", "targets", "write", "read"];

/// What is sent: a request, with writes among it where that is asked for, or the users scenario.
pub(crate) fn sent(values: &Values<'_>, url: &Target, seed: u64, simulated: bool) -> Result<Sent, Failure> {
    let users = values.switch("users")?;
    if simulated && (users || values.is_given("write")) {
        let name = if users { "users" } else { "write" };
        return Err(Failure::usage(format!("--{name} is for a real target: nothing is stored in the simulated world")));
    }
    let now = jiff::Timestamp::now().as_millisecond();
    let mark = format!("{now:x}-{seed:x}");
    if users {
        if let Some(name) = OF_REQUESTS.iter().find(|name| values.is_given(name)) {
            return Err(Failure::usage(format!("--{name} does not go with --users, which makes its own requests")));
        }
        return requests::users(values, url, None, mark);
    }
    let sent = requests::plain(values, url, None, requests::from_file(values)?)?;
    writes::among(values, url, None, sent, &mark)
}

/// What is known of how durable the target's writes are, a line each.
fn settings(options: &Options) -> Vec<String> {
    match (&options.beside.database, &options.subject) {
        (Some(command), _) => vec![match command.iter().find(|word| word.ends_with("/mariadbd")) {
            Some(server) => mariadb(server).unwrap_or_else(|| {
                "the settings of MariaDB are not known: `mariadbd --no-defaults --verbose --help` does not say them"
                    .to_owned()
            }),
            None => "the database's settings are not known: it was not asked for them".to_owned(),
        }],
        (None, Subject::BuiltIn { .. }) => {
            vec!["SQLite, journal_mode WAL, synchronous FULL: on the disk before it is acknowledged".to_owned()]
        }
        (None, Subject::Command { .. }) => Vec::new(),
    }
}

/// What a private MariaDB runs with: it is started without anybody's files, and with no flag that concerns durability, so
/// that what its program says of its defaults is what holds.
fn mariadb(server: &str) -> Option<String> {
    // Root has to say whom it runs as, and for others it changes nothing.
    let flags = ["--no-defaults", "--user=root", "--verbose", "--help"];
    let output = Command::new(server).args(flags).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    durability(&String::from_utf8_lossy(&output.stdout))
}

/// The settings that decide what a crash may lose, out of what the program says of itself.
fn durability(help: &str) -> Option<String> {
    let of = |name: &str| {
        let value = |line: &str| {
            let rest = line.strip_prefix(name).filter(|rest| rest.starts_with(char::is_whitespace))?;
            Some(rest.trim().to_owned())
        };
        // Those that follow the values are only explained there.
        help.lines().rev().find_map(value).filter(|value| !value.is_empty())
    };
    let version = help.split_whitespace().skip_while(|word| *word != "Ver").nth(1).unwrap_or("of an unknown version");
    let flush = of("innodb-flush-log-at-trx-commit")?;
    let doublewrite = of("innodb-doublewrite").unwrap_or_else(|| "not known".to_owned());
    let sync = of("sync-binlog").unwrap_or_else(|| "not known".to_owned());
    let is_off = of("log-bin").is_some_and(|value| ["(No default value)", "FALSE", "OFF"].contains(&&*value));
    let binlog = if is_off { ", without effect, since there is no binary log" } else { "" };
    Some(format!(
        "MariaDB {version}, by its own defaults: innodb_flush_log_at_trx_commit {flush}, innodb_doublewrite \
         {doublewrite}, sync_binlog {sync}{binlog}"
    ))
}

/// Reading back that goes on.
#[derive(Debug)]
pub(crate) struct Reading {
    task: JoinHandle<(Ledger, io::Result<CleanedUp>)>,
    /// As it is if nobody can wait for it.
    unread: Ledger,
    deletes: bool,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Audited {
    pub(crate) audit: Audit,
    /// What is to be said of it, a line each.
    pub(crate) said: Vec<String>,
}

impl Reading {
    /// Begins it, of a load that began so many intervals after the trial.
    pub(crate) fn begin(load: Load, mut ledger: Ledger, later: u64) -> Self {
        ledger.later(INTERVAL.saturating_mul(u32::try_from(later).unwrap_or(u32::MAX)));
        let deletes = match &load.workload {
            Workload::Requests(_) => false,
            Workload::Users(plan) => plan.clean_up,
            Workload::Writes(plan) => plan.delete.is_some(),
        };
        let unread = ledger.clone();
        let task = task::spawn(async move {
            let done = read_back(&load, &mut ledger, PATIENCE).await;
            (ledger, done)
        });
        Self { task, unread, deletes }
    }

    /// How many records are read, in words.
    pub(crate) fn words(&self) -> String {
        format!("reading back {}", text::counted(self.unread.to_read().len() as u64, "record"))
    }

    /// Nobody waits for it any more.
    pub(crate) fn abandon(&self) {
        self.task.abort();
    }

    /// What came of it, once it is over. Cancel-safe.
    async fn over(&mut self, options: &Options) -> Audited {
        let cannot = |error: &dyn std::fmt::Display| format!("cannot read back what was acknowledged: {error}");
        let (ledger, said) = match (&mut self.task).await {
            Ok((ledger, Ok(cleaned))) => (ledger, self.cleaned(cleaned)),
            Ok((_, Err(error))) => (self.unread.clone(), vec![cannot(&error)]),
            Err(error) if error.is_cancelled() => (self.unread.clone(), vec![cannot(&"it was interrupted")]),
            Err(error) => (self.unread.clone(), vec![cannot(&error)]),
        };
        Audited { audit: Audit { settings: settings(options), ..ledger.audit() }, said }
    }

    fn cleaned(&self, cleaned: CleanedUp) -> Vec<String> {
        if self.deletes { vec![words(cleaned)] } else { Vec::new() }
    }
}

/// What became of what was to be taken away: `cleaned up: 120 records deleted, 3 are left`.
pub(crate) fn words(cleaned: CleanedUp) -> String {
    let deleted = text::counted(cleaned.deleted, "record");
    match cleaned.left {
        0 => format!("cleaned up: {deleted} deleted"),
        left => format!("cleaned up: {deleted} deleted, {} left", text::thousands(left)),
    }
}

/// What came of a reading; never, where there is none. Cancel-safe.
pub(crate) async fn next(reading: &mut Option<Reading>, options: &Options) -> Audited {
    match reading {
        Some(reading) => reading.over(options).await,
        None => std::future::pending().await,
    }
}

/// A ledger of which nothing was read back.
pub(crate) fn unread(reading: &Reading, options: &Options) -> Audit {
    Audit { settings: settings(options), ..reading.unread.audit() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_mariadb_says_of_itself() {
        let help = "mariadbd  Ver 10.11.19-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64 (Debian 12)\n  \
                    --sync-binlog=#     Synchronously flush binary log to disk after every\n\
                    innodb-doublewrite                                           TRUE\n\
                    innodb-flush-log-at-timeout                                  1\n\
                    innodb-flush-log-at-trx-commit                               2\n\
                    log-bin                                                      (No default value)\n\
                    log-bin-compress                                             FALSE\n\
                    sync-binlog                                                  0\n";
        let said = durability(help).unwrap();
        assert_eq!(
            said,
            "MariaDB 10.11.19-MariaDB-0+deb12u1, by its own defaults: innodb_flush_log_at_trx_commit 2, \
             innodb_doublewrite TRUE, sync_binlog 0, without effect, since there is no binary log"
        );
        let logs = durability(&help.replace("(No default value)", "here")).unwrap();
        assert!(logs.ends_with("sync_binlog 0"), "{logs}");
        let less = durability(&help.replace("innodb-doublewrite ", "x ")).unwrap();
        assert!(less.contains("innodb_doublewrite not known"), "{less}");
        for nothing in ["", "mariadbd  Ver 10.11", "innodb-flush-log-at-trx-commit"] {
            assert_eq!(durability(nothing), None, "{nothing}");
        }
        assert_eq!(mariadb("/none/mariadbd"), None);
    }
}
