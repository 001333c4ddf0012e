//! The service as a process of its own.

use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::Duration,
};

use rusqlite::fallible_iterator::FallibleIterator as _;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    client::{Answer, Client},
    mariadb::MariaDb,
};

/// Waiting longer than this is a hang. What is waited for takes milliseconds.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Lines that the process has written, and whether it has ended.
type Lines = Arc<(Mutex<(Vec<String>, bool)>, Condvar)>;

/// A running service; killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    lines: Lines,
    pub(crate) address: SocketAddr,
    pub(crate) ops: SocketAddr,
}

/// Where users are kept, and everything that must live as long.
pub(crate) enum Backend {
    Sqlite(TempDir),
    MariaDb { server: &'static MariaDb, name: String },
}

impl Backend {
    pub(crate) fn sqlite() -> Self {
        Self::Sqlite(TempDir::new().expect("a folder"))
    }

    /// A database of its own on the MariaDB that all tests of this process share.
    pub(crate) fn mariadb() -> Self {
        let server = MariaDb::shared();
        Self::MariaDb { server, name: server.new_name() }
    }

    pub(crate) fn url(&self) -> String {
        match self {
            Self::Sqlite(dir) => sqlite_url(dir.path()),
            Self::MariaDb { server, name } => server.url(name),
        }
    }

    /// Runs SQL as another application would.
    pub(crate) fn sql(&self, sql: &str) -> String {
        match self {
            Self::Sqlite(dir) => {
                let connection = rusqlite::Connection::open(dir.path().join("users.db")).expect("the file");
                connection.busy_timeout(PATIENCE).expect("a timeout");
                let mut out = String::new();
                let mut statements = rusqlite::Batch::new(&connection, sql);
                while let Some(mut statement) = statements.next().expect("a statement") {
                    let columns = statement.column_count();
                    let mut rows = statement.query([]).expect("rows");
                    while let Some(row) = rows.next().expect("a row") {
                        let cells: Vec<String> = (0..columns)
                            .map(|n| match row.get_ref(n).expect("a cell") {
                                rusqlite::types::ValueRef::Null => "NULL".into(),
                                rusqlite::types::ValueRef::Integer(n) => n.to_string(),
                                rusqlite::types::ValueRef::Real(n) => n.to_string(),
                                rusqlite::types::ValueRef::Text(text) | rusqlite::types::ValueRef::Blob(text) => {
                                    String::from_utf8_lossy(text).into_owned()
                                }
                            })
                            .collect();
                        out.push_str(&cells.join("\t"));
                        out.push('\n');
                    }
                }
                out
            }
            Self::MariaDb { server, name } => server.sql(name, sql),
        }
    }

    pub(crate) fn start(&self) -> Server {
        self.start_with(&[])
    }

    pub(crate) fn start_with(&self, args: &[&str]) -> Server {
        Server::start(&[&["--database", &self.url()], args].concat())
    }
}

pub(crate) fn sqlite_url(dir: &Path) -> String {
    format!("sqlite:{}", dir.join("users.db").display())
}

/// The binary with an empty environment: what the machine has set must not matter.
pub(crate) fn seaworthy() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seaworthy"));
    command.env_clear();
    command
}

impl Server {
    /// Starts it on free ports and waits until it says that it is ready.
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::start_until("ready", seaworthy().arg("serve").args(args))
    }

    /// Starts it and waits for this message in its log.
    pub(crate) fn start_until(message: &str, command: &mut Command) -> Self {
        let mut child = command
            .args(["--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0", "--log", "json"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let lines = Lines::default();
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let fill = Arc::clone(&lines);
        thread::spawn(move || {
            for line in stdout.lines() {
                let Ok(line) = line else { break };
                fill.0.lock().unwrap().0.push(line);
                fill.1.notify_all();
            }
            fill.0.lock().unwrap().1 = true;
            fill.1.notify_all();
        });
        let mut server = Self { child, lines, address: ([0; 4], 0).into(), ops: ([0; 4], 0).into() };
        let ready = server.await_line(|line| line["message"] == message);
        server.address = ready["listen"].as_str().expect("an address").parse().expect("an address");
        server.ops = ready["ops"].as_str().expect("an address").parse().expect("an address");
        server
    }

    /// Waits for a line of the log, from the first on.
    pub(crate) fn await_line(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let (lock, changed) = &*self.lines;
        let mut lines = lock.lock().unwrap();
        loop {
            let found = lines.0.iter().filter_map(|line| serde_json::from_str(line).ok()).find(|line| wanted(line));
            if let Some(found) = found {
                return found;
            }
            assert!(!lines.1, "it ended without the line: {:#?}", lines.0);
            let (next, timeout) = changed.wait_timeout(lines, PATIENCE).unwrap();
            lines = next;
            assert!(!timeout.timed_out(), "the line did not come: {:#?}", lines.0);
        }
    }

    /// The whole log so far.
    pub(crate) fn log(&self) -> String {
        self.lines.0.lock().unwrap().0.join("\n")
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("it is there");
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.wait().expect("it ends")
    }

    /// As the kernel kills: no handler runs.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it is there");
        self.wait();
    }

    pub(crate) fn connect(&self) -> Client {
        Client::connect(self.address).expect("a connection")
    }

    /// One request on a connection of its own.
    pub(crate) fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.connect().request(method, path, headers, body).expect("an answer")
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.request("GET", path, &[], b"")
    }

    /// A request with a JSON body.
    pub(crate) fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.request(method, path, &[JSON], body.to_string().as_bytes())
    }

    pub(crate) fn create(&self, name: &str, email: &str) -> Answer {
        self.send("POST", "/v1/users", &json!({"name": name, "email": email}))
    }

    /// A request to the operations listener.
    pub(crate) fn ops(&self, path: &str) -> Answer {
        Client::connect(self.ops).and_then(|mut client| client.request("GET", path, &[], b"")).expect("an answer")
    }

    /// The value of one sample.
    pub(crate) fn metric(&self, sample: &str) -> Option<f64> {
        let text = self.ops("/metrics").text().to_owned();
        text.lines().find_map(|line| line.strip_prefix(sample)?.trim().parse().ok())
    }

    /// Every user, page by page.
    pub(crate) fn all_users(&self) -> Vec<Value> {
        let mut client = self.connect();
        let (mut all, mut after) = (Vec::new(), "0".to_owned());
        loop {
            let page = client.request("GET", &format!("/v1/users?limit=1000&after={after}"), &[], b"").expect("a page");
            assert_eq!(page.status, 200, "{page:?}");
            let mut page = page.json();
            all.append(page["items"].as_array_mut().expect("items"));
            match page["next"].as_str() {
                Some(next) => next.clone_into(&mut after),
                None => return all,
            }
        }
    }
}

pub(crate) const JSON: (&str, &str) = ("content-type", "application/json");

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _unused = self.child.kill();
        let _unused = self.child.wait();
    }
}

/// Waits until something holds, without a guess at how long that takes.
pub(crate) fn eventually(what: &str, holds: impl Fn() -> bool) {
    let begun = std::time::Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "never: {what}");
        thread::yield_now();
    }
}
