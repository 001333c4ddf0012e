//! The servers that are compared, each on the first core.

use std::{
    convert::Infallible,
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use http_body_util::Full;
use hyper::{Response, body::Bytes, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;

use crate::client;

/// What this program is called with to be the bare server.
pub(crate) const BARE_HYPER: &str = "serve-bare-hyper";

/// A server that is ready; ended when dropped.
pub(crate) struct Running {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Running {
    fn start(mut command: Command, address: SocketAddr) -> Self {
        let child = command.stdout(Stdio::null()).spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let running = Self { child, address };
        await_answer(address);
        running
    }

    /// CPU seconds of all its threads so far (`/proc/PID/task/*/schedstat`, in nanoseconds).
    pub(crate) fn cpu(&self) -> f64 {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let nanos: u64 = tasks
            .filter_map(|task| fs::read_to_string(task.ok()?.path().join("schedstat")).ok())
            .filter_map(|line| line.split(' ').next()?.parse::<u64>().ok())
            .sum();
        nanos as f64 / 1e9
    }

    pub(crate) fn resident_mib(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ended = self.child.kill().and_then(|()| self.child.wait());
    }
}

/// An address that is free now.
fn free() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}

fn await_answer(address: SocketAddr) {
    let begun = Instant::now();
    while !client::answers(address) {
        assert!(begun.elapsed() < Duration::from_secs(30), "nothing answers at {address}");
    }
}

/// On the first core.
fn pinned(program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", "0"]).arg(program);
    command
}

pub(crate) fn nginx(dir: &Path) -> Running {
    let address = free();
    let config = dir.join("nginx.conf");
    let text = format!(
        "daemon off; master_process off; pid {0}/nginx.pid; error_log {0}/nginx.log;
         events {{ worker_connections 1024; }}
         http {{
             access_log off; keepalive_requests 1000000000; client_body_temp_path {0}/body; proxy_temp_path {0}/proxy;
             fastcgi_temp_path {0}/fastcgi; uwsgi_temp_path {0}/uwsgi; scgi_temp_path {0}/scgi;
             server {{ listen {address}; location / {{ default_type text/plain; return 200 \"Hello World!\\n\"; }} }}
         }}",
        dir.display()
    );
    fs::write(&config, text).unwrap();
    let program = ["/usr/sbin/nginx", "/usr/bin/nginx"].map(Path::new).into_iter().find(|path| path.exists());
    let mut command = pinned(program.expect("nginx; `cargo xtask bench` installs it"));
    command.arg("-c").arg(config);
    Running::start(command, address)
}

fn arguments(command: &mut Command, dir: &Path, more: &[&str]) -> SocketAddr {
    let address = free();
    let database = format!("sqlite:{}", dir.join("bench.db").display());
    command.env_clear().args(["serve", "--ops-listen", "127.0.0.1:0", "--database", &database]);
    command.args(["--listen", &address.to_string()]).args(more);
    address
}

pub(crate) fn seaworthy(dir: &Path, more: &[&str]) -> Running {
    let mut command = pinned(Path::new(env!("CARGO_BIN_EXE_seaworthy")));
    let address = arguments(&mut command, dir, more);
    Running::start(command, address)
}

pub(crate) fn seaworthy_anywhere(dir: &Path, more: &[&str]) -> Running {
    let (command, address) = seaworthy_command(dir, more);
    Running::start(command, address)
}

pub(crate) fn seaworthy_command(dir: &Path, more: &[&str]) -> (Command, SocketAddr) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seaworthy"));
    let address = arguments(&mut command, dir, more);
    (command, address)
}

pub(crate) fn bare_hyper_command() -> (Command, SocketAddr) {
    let address = free();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([BARE_HYPER, &address.port().to_string()]);
    (command, address)
}

pub(crate) fn start_bare_hyper() -> Running {
    let address = free();
    let mut command = pinned(&std::env::current_exe().unwrap());
    command.args([BARE_HYPER, &address.port().to_string()]);
    Running::start(command, address)
}

/// From exec to the first answer.
pub(crate) fn first_answer((command, address): &mut (Command, SocketAddr)) -> Duration {
    let begun = Instant::now();
    let child = command.stdout(Stdio::null()).spawn().unwrap();
    let running = Running { child, address: *address };
    await_answer(running.address);
    begun.elapsed()
}

/// The least that hyper can do: one thread, one answer.
pub(crate) fn bare_hyper(port: u16) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async move {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.unwrap();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            let answer = service_fn(|_request| async {
                let mut response = Response::new(Full::new(Bytes::from_static(b"Hello World!\n")));
                let kind = hyper::header::HeaderValue::from_static("text/plain; charset=utf-8");
                response.headers_mut().insert(hyper::header::CONTENT_TYPE, kind);
                Ok::<_, Infallible>(response)
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
        }
    });
}
