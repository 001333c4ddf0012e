//! A system that runs, as somebody at its console sees it.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, ChildStderr, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// `seaworthy up` in a folder of its own. It ends with this.
pub(crate) struct System {
    child: Child,
    said: BufReader<ChildStderr>,
    pub(crate) service: String,
    pub(crate) console: String,
}

impl System {
    /// Runs until it says that all is there.
    pub(crate) fn up(place: &TempDir, flags: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_seaworthy"));
        command.args(["up", "--listen", "127.0.0.1:0", "--console", "127.0.0.1:0"]).args(flags);
        let mut child = command.current_dir(place.path()).stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(child.stderr.take().unwrap());
        let mut system = Self { child, said, service: String::new(), console: String::new() };
        system.service = system.line("service  http://");
        system.console = system.line("console  http://");
        system
    }

    /// What follows on the next line that begins so, up to a space.
    pub(crate) fn line(&mut self, beginning: &str) -> String {
        let mut all = String::new();
        loop {
            let mut line = String::new();
            assert!(self.said.read_line(&mut line).unwrap() > 0, "it ended before {beginning:?}: {all}");
            if let Some(rest) = line.strip_prefix(beginning) {
                return rest.split_whitespace().next().unwrap_or_default().to_owned();
            }
            all.push_str(&line);
        }
    }

    /// Reads what the console tells until something is so, and gives that second.
    pub(crate) fn until(&self, mut is_so: impl FnMut(&Value) -> bool) -> Value {
        let mut stream = TcpStream::connect(&self.console).unwrap();
        write!(stream, "GET /events HTTP/1.1\r\nHost: {}\r\n\r\n", self.console).unwrap();
        for line in BufReader::new(stream).lines() {
            let line = line.unwrap();
            // Chunks have lines of their own, which are no JSON.
            let Some(data) = line.strip_prefix("data: ") else { continue };
            let told: Value = serde_json::from_str(data).unwrap();
            if let Some(now) = told.get("now").filter(|now| is_so(now)) {
                return now.clone();
            }
            if is_so(&told) {
                return told;
            }
        }
        panic!("the console ended");
    }

    /// Asks for a drill as the page does, and says what it was told.
    pub(crate) fn drill(&self, command: &str) -> (u16, Value) {
        let (_, page) = request(&self.console, "GET / HTTP/1.1", "", "");
        let token = page.split("seaworthy-token\" content=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        let headers = format!(
            "Origin: http://{}\r\nX-Seaworthy-Token: {token}\r\nContent-Type: application/json\r\n",
            self.console
        );
        let (status, body) = request(&self.console, "POST /drills HTTP/1.1", &headers, command);
        (status, serde_json::from_str(&body).unwrap())
    }

    /// The record of a drill that was asked for, once it is done.
    pub(crate) fn done(&self, command: &str) -> Value {
        let (status, answer) = self.drill(command);
        assert!(status < 300, "{status} {answer}");
        let id = answer["id"].clone();
        let mut record = Value::Null;
        self.until(|told| {
            let mut drills = told["drills"].as_array().into_iter().flatten();
            record = drills.rfind(|drill| drill["id"] == id).cloned().unwrap_or_else(|| record.take());
            record["state"] == "done"
        });
        record
    }

    /// As Ctrl-C, and how it ended.
    pub(crate) fn interrupt(mut self) -> (Option<i32>, String) {
        kill_process(Pid::from_raw(self.child.id().cast_signed()).unwrap(), Signal::INT).unwrap();
        let mut rest = String::new();
        self.said.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }
}

impl Drop for System {
    fn drop(&mut self) {
        // It may have ended; what a test leaves is ended by the next start, too.
        let _ended = kill_process(Pid::from_raw(self.child.id().cast_signed()).unwrap(), Signal::TERM);
        let _waited = self.child.wait();
    }
}

/// A request over a connection of its own: its status and its body.
pub(crate) fn request(address: &str, line: &str, headers: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    write!(stream, "{line}\r\nHost: {address}\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{body}")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}
