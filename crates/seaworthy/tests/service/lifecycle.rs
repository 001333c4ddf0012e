//! Start, drain and end, as an orchestrator and its clients see them.

use std::{
    io::ErrorKind,
    process::Command,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;
use serde_json::json;

use crate::{
    client::Client,
    server::{Backend, JSON, Server, eventually, seaworthy},
};

/// Time between two requests of one client: a constant load, not as fast as it goes.
const PACE: Duration = Duration::from_millis(2);

/// How long clients go on sending after the replica has turned unready: what it takes a cluster to tell them.
const PROPAGATION: Duration = Duration::from_millis(700);

/// A client that keeps its connection for as long as the server lets it.
fn keep_alive(server: &Server, stop: &AtomicBool, answered: &AtomicUsize) {
    let mut client = None;
    let mut closed_politely = 0;
    while !stop.load(Ordering::Relaxed) {
        let mut connection: Client = client.take().unwrap_or_else(|| server.connect());
        let path = if answered.load(Ordering::Relaxed).is_multiple_of(3) { "/v1/users?limit=1" } else { "/" };
        let answer = connection.request("GET", path, &[], b"").expect("no request fails");
        assert_eq!(answer.status, 200, "{answer:?}");
        answered.fetch_add(1, Ordering::Relaxed);
        if answer.closes() {
            closed_politely += 1;
            assert!(connection.is_closed());
        } else {
            client = Some(connection);
        }
        thread::sleep(PACE);
    }
    assert!(closed_politely > 0, "a keep-alive client is told to go elsewhere");
}

/// A client that connects anew each time.
fn fresh(server: &Server, stop: &AtomicBool, answered: &AtomicUsize) {
    while !stop.load(Ordering::Relaxed) {
        let answer = server.connect().request("GET", "/", &[], b"").expect("no request fails");
        assert_eq!(answer.status, 200, "{answer:?}");
        answered.fetch_add(1, Ordering::Relaxed);
        thread::sleep(PACE);
    }
}

fn drained_under_load(backend: &Backend) {
    let mut server = backend.start_with(&["--drain", "1500ms"]);
    let (stop, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| keep_alive(&server, &stop, &answered));
            scope.spawn(|| fresh(&server, &stop, &answered));
        }
        eventually("there is load", || answered.load(Ordering::Relaxed) > 200);
        assert_eq!(server.ops("/readyz").status, 200);
        server.signal(Signal::TERM);
        eventually("it is unready", || server.ops("/readyz").status == 503);
        assert_eq!((server.ops("/livez").status, server.ops("/startupz").status), (200, 200));
        assert!(server.ops("/readyz").text().contains("[-]not-draining failed"));
        // Clients hear of it after a while; until then all of them are served.
        thread::sleep(PROPAGATION);
        stop.store(true, Ordering::Relaxed);
    });
    let log = server.wait();
    assert_eq!(log.code(), Some(0));
    let after = server.await_line(|line| line["message"] == "stopped");
    assert_eq!(after["clean"], true);
}

#[test]
fn no_request_fails_while_it_drains_on_sqlite() {
    drained_under_load(&Backend::sqlite());
}

#[test]
fn no_request_fails_while_it_drains_on_mariadb() {
    drained_under_load(&Backend::mariadb());
}

#[test]
fn what_is_in_flight_at_the_end_is_finished() {
    let backend = Backend::sqlite();
    let mut server = backend.start_with(&["--drain", "0", "--drain-timeout", "30s"]);
    // The body comes in two parts, with the end of the drain between them.
    let body = json!({"name": "Ada", "email": "ada@example.org"}).to_string();
    let (first, second) = body.as_bytes().split_at(5);
    let mut client = server.connect();
    let head = format!(
        "POST /v1/users HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    client.send(&[head.as_bytes(), first].concat()).unwrap();
    eventually("it is in flight", || server.metric("seaworthy_http_requests_in_flight") == Some(1.0));
    server.signal(Signal::TERM);
    server.await_line(|line| line["message"] == "stopping: finishing what is in flight");
    eventually("it does not listen any more", || Client::connect(server.address).is_err());
    assert_eq!(server.ops("/livez").status, 200, "it is alive to the end");
    client.send(second).unwrap();
    let answer = client.answer(false).unwrap();
    assert_eq!((answer.status, answer.closes()), (201, true));
    assert_eq!(server.wait().code(), Some(0));
    drop(server);
    assert_eq!(backend.start().all_users().len(), 1);
}

#[test]
fn what_does_not_finish_is_cut_off_and_told() {
    let backend = Backend::sqlite();
    let mut server = backend.start_with(&["--drain", "0", "--drain-timeout", "200ms"]);
    let mut client = server.connect();
    client
        .send(b"POST /v1/users HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{")
        .unwrap();
    eventually("it is in flight", || server.metric("seaworthy_http_requests_in_flight") == Some(1.0));
    server.signal(Signal::TERM);
    assert_eq!(server.wait().code(), Some(1));
    assert_eq!(client.answer(false).unwrap_err().kind(), ErrorKind::UnexpectedEof);
}

#[test]
fn idle_connections_do_not_hold_it_up() {
    let backend = Backend::sqlite();
    let mut server = backend.start_with(&["--drain", "0"]);
    let mut used = server.connect();
    used.request("GET", "/", &[], b"").unwrap();
    let mut silent = server.connect();
    eventually("both are open", || server.metric("seaworthy_http_connections") == Some(2.0));
    server.signal(Signal::TERM);
    assert_eq!(server.wait().code(), Some(0));
    assert!(used.is_closed() && silent.is_closed());
}

#[test]
fn a_lock_that_somebody_else_holds_does_not_hold_it_up() {
    let backend = Backend::sqlite();
    let args = ["--drain", "0", "--drain-timeout", "1s", "--database-timeout", "200ms"];
    let mut server = backend.start_with(&args);
    let Backend::Sqlite(dir) = &backend else { unreachable!("made above") };
    // As a replica does that was frozen in the middle of a commit.
    let lock = std::fs::File::open(dir.path().join("users.db-lock")).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let refused = server.create("Ada", "ada@example.org");
    assert_eq!(refused.status, 503);
    assert!(refused.detail().contains("not known"), "{refused:?}");
    assert_eq!(server.get("/v1/users").status, 200, "reading goes on");
    server.signal(Signal::TERM);
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn a_second_signal_ends_it_at_once() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        let backend = Backend::sqlite();
        let mut server = backend.start_with(&["--drain", "1h"]);
        server.signal(Signal::TERM);
        server.await_line(|line| line["message"].as_str().is_some_and(|message| message.starts_with("draining")));
        server.signal(signal);
        assert_eq!(server.wait().code(), Some(code));
    }
}

#[test]
fn a_person_who_interrupts_does_not_wait_for_the_drain() {
    let backend = Backend::sqlite();
    let mut server = backend.start_with(&["--drain", "1h"]);
    server.signal(Signal::INT);
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn as_the_first_process_of_a_container() {
    // A process 1 gets only the signals that it handles.
    let unshare = |command: &mut Command| {
        command.args(["--pid", "--fork", "--kill-child"]);
        if !rustix::process::geteuid().is_root() {
            command.args(["--user", "--map-root-user"]);
        }
    };
    let mut probe = Command::new("unshare");
    unshare(&mut probe);
    if !probe.arg("true").status().is_ok_and(|status| status.success()) {
        println!("skipped: this machine does not let us make a process namespace (unshare)");
        return;
    }
    let backend = Backend::sqlite();
    let mut command = Command::new("unshare");
    unshare(&mut command);
    command.env_clear().env("PATH", "/usr/bin:/bin");
    command.args([env!("CARGO_BIN_EXE_seaworthy"), "serve", "--drain", "0", "--database", &backend.url()]);
    let mut server = Server::start_until("ready", &mut command);
    assert_eq!(server.get("/").status, 200);
    let children = format!("/proc/{0}/task/{0}/children", server.pid().as_raw_nonzero());
    let child = std::fs::read_to_string(children).unwrap();
    let child = rustix::process::Pid::from_raw(child.trim().parse().unwrap()).unwrap();
    rustix::process::kill_process(child, Signal::TERM).unwrap();
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn a_dead_database_does_not_keep_it_from_starting() {
    // Nothing listens there.
    let mut command = seaworthy();
    command.args(["serve", "--database", "mysql://root@127.255.255.254:9/none", "--drain", "0"]);
    let mut server = Server::start_until("listening", &mut command);
    eventually("it says why", || server.ops("/startupz").text().contains("migrations are not done"));
    assert_eq!(
        (server.ops("/startupz").status, server.ops("/readyz").status, server.ops("/livez").status),
        (503, 503, 200)
    );
    assert_eq!(server.get("/").status, 200);
    let away = server.get("/v1/users");
    assert_eq!((away.status, away.header("retry-after")), (503, Some("1")));
    server.signal(Signal::TERM);
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn http2_clients_are_told_by_goaway() {
    let backend = Backend::sqlite();
    let mut server = backend.start_with(&["--drain", "500ms"]);
    // Preface, empty SETTINGS, and GET / with :authority x as HPACK literals (RFC 9113, 3.4; RFC 7541).
    let mut client = crate::client::tcp(server.address).unwrap();
    let headers = [0x82, 0x84, 0x86, 0x41, 1, b'x'];
    let mut hello = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
    hello.extend([0, 0, u8::try_from(headers.len()).unwrap(), 1, 5, 0, 0, 0, 1]);
    hello.extend(headers);
    std::io::Write::write_all(&mut client, &hello).unwrap();
    frames_until(&mut client, 0);
    server.signal(Signal::TERM);
    let begun = Instant::now();
    frames_until(&mut client, 7);
    assert!(begun.elapsed() < Duration::from_secs(30), "GOAWAY came");
    drop(client);
    assert_eq!(server.wait().code(), Some(0));
}

/// Reads frames until one of this type (0 DATA, 7 GOAWAY).
fn frames_until(stream: &mut impl std::io::Read, wanted: u8) {
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).expect("a frame");
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        stream.read_exact(&mut vec![0; length]).expect("its payload");
        if head[3] == wanted {
            return;
        }
    }
}

#[test]
fn a_write_during_the_drain_is_a_write() {
    let backend = Backend::sqlite();
    let mut server = backend.start_with(&["--drain", "500ms"]);
    server.signal(Signal::TERM);
    eventually("it is unready", || server.ops("/readyz").status == 503);
    let body = json!({"name": "Ada", "email": "ada@example.org"}).to_string();
    assert_eq!(server.request("POST", "/v1/users", &[JSON], body.as_bytes()).status, 201);
    assert_eq!(server.wait().code(), Some(0));
    drop(server);
    assert_eq!(backend.start().all_users().len(), 1);
}
