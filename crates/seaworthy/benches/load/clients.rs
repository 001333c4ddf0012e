//! The load generators that are compared, each on the second core.

use std::{
    env,
    ffi::OsString,
    fs,
    net::SocketAddr,
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::target::Target;

/// How long one turn lasts.
const TURN: &str = "5s";

/// A load generator, and how to run it against an address.
pub(crate) struct Client {
    pub(crate) name: &'static str,
    program: OsString,
    arguments: Arguments,
}

/// The arguments, for a URL.
type Arguments = Box<dyn Fn(&str) -> Vec<String>>;

/// What a run came to.
pub(crate) struct Seen {
    pub(crate) requests: u64,
    pub(crate) cpu: Duration,
    pub(crate) took: Duration,
}

impl Client {
    fn new(name: &'static str, program: impl Into<OsString>, arguments: &'static str) -> Self {
        let arguments = move |url: &str| arguments.split(' ').map(|word| word.replace("URL", url)).collect();
        Self { name, program: program.into(), arguments: Box::new(arguments) }
    }

    fn is_there(&self) -> bool {
        let path = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&path).any(|place| place.join(&self.program).exists())
    }

    pub(crate) fn run(&self, target: &Target) -> Seen {
        let (requests, cpu, begun) = (target.requests(), children_cpu(), Instant::now());
        let url = format!("http://{}/", target.address);
        let mut command = pinned(&self.program);
        let done = command.args((self.arguments)(&url)).stdout(Stdio::null()).stderr(Stdio::null()).status();
        assert!(done.is_ok(), "{}", self.name);
        Seen {
            requests: target.requests() - requests - 1,
            cpu: children_cpu().saturating_sub(cpu),
            took: begun.elapsed(),
        }
    }
}

/// CPU time of all programs that were run and have ended (`/proc/self/stat`, in hundredths of a second).
fn children_cpu() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let after_name = stat.rsplit(") ").next().unwrap();
    let ticks: u64 = after_name.split(' ').skip(13).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10)
}

fn pinned(program: &OsString) -> Command {
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", "1"]).arg(program);
    command
}

const SEAWORTHY: &str = env!("CARGO_BIN_EXE_seaworthy");

fn program(variable: &str, name: &str) -> OsString {
    env::var_os(variable).unwrap_or_else(|| name.into())
}

fn there(clients: Vec<Client>) -> Vec<Client> {
    clients.into_iter().filter(Client::is_there).collect()
}

/// At full speed; the first is what the others are compared with.
pub(crate) fn at_full_speed() -> Vec<Client> {
    there(vec![
        Client::new("wrk", "wrk", "-t1 -c32 -d5s URL"),
        Client::new("seaworthy", SEAWORTHY, "load --max --threads 1 -c 32 -z 5s --quiet URL"),
        Client::new("h2load", "h2load", "--h1 -t1 -c32 -D5 URL"),
        Client::new("oha", program("OHA", "oha"), "--no-tui -c 32 -z 5s URL"),
        Client::new("hey", "hey", "-c 32 -z 5s URL"),
    ])
}

/// At a constant rate, which is 20,000 a second.
pub(crate) fn at_rate(rate: u32) -> Vec<Client> {
    assert_eq!(rate, 20_000, "it stands in the arguments");
    there(vec![
        // It measures itself for its first ten seconds, which are not like the others.
        Client::new("wrk2", program("WRK2", "wrk2"), "-t1 -c32 -d15s -R20000 URL"),
        Client::new("seaworthy", SEAWORTHY, "load --rate 20000 -c 32 -z 5s --quiet URL"),
        Client::new("h2load", "h2load", "--h1 -t1 -c32 -D5 --rps 625 URL"),
        Client::new("oha", program("OHA", "oha"), "--no-tui --latency-correction -q 20000 -c 32 -z 5s URL"),
        Client::new("hey", "hey", "-c 32 -q 625 -z 5s URL"),
    ])
}

/// On a terminal, with nothing shown.
pub(crate) fn unwatched() -> Client {
    let command = format!("{SEAWORTHY} load --rate 20000 -c 32 -z {TURN} --no-tui --quiet URL");
    on_a_terminal(command)
}

/// On a terminal, with the live view.
pub(crate) fn watched() -> Client {
    on_a_terminal(format!("{SEAWORTHY} load --rate 20000 -c 32 -z {TURN} URL"))
}

fn on_a_terminal(command: String) -> Client {
    let arguments = move |url: &str| {
        ["--quiet", "--return", "--command", &command.replace("URL", url), "/dev/null"].map(str::to_owned).to_vec()
    };
    Client { name: "script", program: "script".into(), arguments: Box::new(arguments) }
}

pub(crate) fn seaworthy(address: SocketAddr, more: &[&str]) -> Command {
    let mut command = pinned(&SEAWORTHY.into());
    command.arg("load").args(more).arg(format!("http://{address}/"));
    command
}

/// What a run of ours reports, as JSON.
pub(crate) fn report_at(address: SocketAddr, more: &[&str]) -> Value {
    let dir = tempfile::TempDir::new().unwrap();
    let file: PathBuf = dir.path().join("report.json");
    let mut command = seaworthy(address, more);
    command.arg("--quiet").arg("-o").arg(&file).stdout(Stdio::null());
    command.status().unwrap();
    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

pub(crate) fn report(target: &Target, more: &[&str]) -> Value {
    report_at(target.address, more)
}

/// Percentiles of a steady server at 2,000/s, in the words of others.
pub(crate) fn percentiles(target: &Target) -> Vec<(&'static str, String)> {
    let url = format!("http://{}/", target.address);
    let clients = there(vec![
        Client::new("wrk2", program("WRK2", "wrk2"), "-t1 -c32 -d20s -R2000 --latency URL"),
        Client::new("oha", program("OHA", "oha"), "--no-tui --latency-correction -q 2000 -c 32 -z 10s URL"),
    ]);
    let lines = |client: &Client| {
        let output = pinned(&client.program).args((client.arguments)(&url)).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let shown = text.lines().map(str::trim).filter(|line| {
            ["50.000%", "90.000%", "99.000%", "99.900%", "100.000%", "50.00%", "90.00%", "99.00%", "99.90%"]
                .iter()
                .any(|share| line.starts_with(share))
        });
        shown.take(5).collect::<Vec<_>>().join("  ")
    };
    clients.iter().map(|client| (client.name, lines(client))).collect()
}
