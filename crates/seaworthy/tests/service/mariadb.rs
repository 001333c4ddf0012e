//! A private MariaDB: its own folder, its own loopback address, gone with the tests.

use std::{
    io::Read as _,
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::server::PATIENCE;

/// One MariaDB server.
pub(crate) struct MariaDb {
    dir: TempDir,
    address: Ipv4Addr,
    running: Mutex<Option<Running>>,
    names: AtomicU32,
}

/// The server's process, and the shell that ends it when this process ends, however that happens.
struct Running {
    shell: Child,
    pid: Pid,
}

const PORT: u16 = 3306;

impl MariaDb {
    /// The one that tests share which do not end it.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<MariaDb> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// A new one, empty.
    pub(crate) fn start() -> Self {
        let dir = TempDir::new().expect("a folder");
        let mut install = Command::new(tool("mariadb-install-db"));
        install.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]);
        install.arg(format!("--datadir={}", dir.path().join("data").display()));
        // One that starts removes what it takes for leftovers in the folder that all others share.
        install.arg(format!("--tmpdir={}", dir.path().display()));
        if rustix::process::geteuid().is_root() {
            install.arg("--user=root");
        }
        let done = install.output().unwrap_or_else(|error| panic!("{error}: {MISSING}"));
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let server = Self { dir, address: own_address(), running: Mutex::new(None), names: AtomicU32::new(0) };
        server.up();
        server
    }

    /// Starts the server and waits until it answers.
    pub(crate) fn up(&self) {
        let path = |name: &str| self.dir.path().join(name).display().to_string();
        let mut command = Command::new("sh");
        // The shell reads from a pipe that only this process holds: its end is the end of both.
        command.args(["-c", r#""$@" </dev/null & echo $!; cat >/dev/null; kill -9 $!"#, "sh", &tool("mariadbd")]);
        command.args([
            "--no-defaults",
            &format!("--datadir={}", path("data")),
            &format!("--tmpdir={}", self.dir.path().display()),
            &format!("--socket={}", path("socket")),
            &format!("--pid-file={}", path("pid")),
            &format!("--log-error={}", path("log")),
            &format!("--bind-address={}", self.address),
            &format!("--port={PORT}"),
            "--skip-name-resolve",
            "--innodb-buffer-pool-size=32M",
            "--innodb-flush-log-at-trx-commit=1",
            "--max-connections=200",
        ]);
        if rustix::process::geteuid().is_root() {
            command.arg("--user=root");
        }
        let mut shell =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("a shell");
        let mut pid = Vec::new();
        let mut out = shell.stdout.take().expect("a pipe");
        let mut byte = [0];
        while out.read_exact(&mut byte).is_ok() && byte != *b"\n" {
            pid.push(byte[0]);
        }
        let pid = String::from_utf8_lossy(&pid).trim().parse().ok().and_then(Pid::from_raw).expect("a process id");
        *self.running.lock().unwrap() = Some(Running { shell, pid });
        let begun = Instant::now();
        while !self.answers() {
            let log = || std::fs::read_to_string(path("log")).unwrap_or_default();
            assert!(begun.elapsed() < PATIENCE, "MariaDB did not start: {}", log());
            std::thread::yield_now();
        }
    }

    /// Whether it greets who connects: the first bytes of its handshake.
    fn answers(&self) -> bool {
        let address = SocketAddr::from((self.address, PORT));
        TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok_and(|mut stream| {
            // A server that is starting accepts and says nothing yet.
            stream.set_read_timeout(Some(Duration::from_secs(1))).is_ok() && stream.read_exact(&mut [0; 5]).is_ok()
        })
    }

    /// Sends a signal to the server.
    pub(crate) fn signal(&self, signal: Signal) {
        let running = self.running.lock().unwrap();
        kill_process(running.as_ref().expect("running").pid, signal).expect("it is there");
    }

    /// As a crash: no time to write anything.
    pub(crate) fn kill(&self) {
        self.signal(Signal::KILL);
        let mut running = self.running.lock().unwrap().take().expect("running");
        drop(running.shell.stdin.take());
        running.shell.wait().expect("the shell ends");
    }

    /// A database name that no other test has.
    pub(crate) fn new_name(&self) -> String {
        format!("test_{}", self.names.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn url(&self, name: &str) -> String {
        format!("mysql://root@{}:{PORT}/{name}", self.address)
    }

    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    /// Runs SQL by the ordinary client; the database is made if it is missing.
    pub(crate) fn sql(&self, name: &str, sql: &str) -> String {
        let done = Command::new("mariadb")
            .args(["--no-defaults", "--batch", "--skip-column-names", "--user=root"])
            .args([format!("--host={}", self.address), format!("--port={PORT}")])
            .arg(format!("--execute=CREATE DATABASE IF NOT EXISTS `{name}`; USE `{name}`; {sql}"))
            .output()
            .unwrap_or_else(|error| panic!("{error}: {MISSING}"));
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).into_owned()
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        let running = self.running.lock().unwrap().take();
        if let Some(mut running) = running {
            drop(running.shell.stdin.take());
            let _unused = running.shell.wait();
        }
    }
}

const MISSING: &str = "the tests need MariaDB; `cargo xtask test` installs it";

/// Debian keeps servers where users' PATH does not look.
fn tool(name: &str) -> String {
    let places = ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"];
    let found = places.iter().map(|place| Path::new(place).join(name)).find(|path| path.exists());
    found.unwrap_or_else(|| PathBuf::from(name)).display().to_string()
}

/// An address in 127.0.0.0/8 that nobody else uses, so that no port can be taken.
fn own_address() -> Ipv4Addr {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let [_, _, high, low] = std::process::id().to_be_bytes();
    let n = u8::try_from(NEXT.fetch_add(1, Ordering::Relaxed)).expect("few servers");
    Ipv4Addr::new(127, 16 + n, high, low)
}
