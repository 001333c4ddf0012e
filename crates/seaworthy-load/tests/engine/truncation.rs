//! Answers that say no length, and end too early.

use std::{
    io::Write as _,
    net::{SocketAddr, TcpStream},
};

use seaworthy_core::outcome::{FailureKind as Kind, Phase};

use crate::server::{failure, plan, read_request, run, serve};

/// A server whose answers end with their connections: each has the next of these bodies.
fn unframed(media_type: &'static str, bodies: &'static [&'static str]) -> SocketAddr {
    serve(move |mut stream: TcpStream, n| {
        if read_request(&mut stream) {
            let body = bodies[n.min(bodies.len() - 1)];
            let _sent = write!(stream, "HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\n\r\n{body}");
        }
    })
}

#[test]
fn the_beginning_of_what_was_whole_before() {
    let server = unframed("text/plain", &["hello, world", "hello", "hello, world", "hello, w"]);
    let (recording, _) = run(plan(server, 4));
    assert_eq!((recording.counts.good, recording.counts.failed), (2, 2), "{:?}", recording.failures);
    let (phase, kind, status, words) = failure(&recording);
    assert_eq!((phase, kind, status), (Phase::Receive, Kind::Truncated, Some(200)));
    assert_eq!(words, "cut off after 5 of 12 bytes: the answer says no length");
    assert_eq!(recording.counts.unframed, 2);
}

#[test]
fn json_that_breaks_off() {
    let server = unframed("application/json", &[r#"{"at":1}"#, r#"{"at":2,"items":["#, r#"{"at":3}"#]);
    let (recording, _) = run(plan(server, 3));
    assert_eq!((recording.counts.good, recording.counts.failed), (2, 1), "{:?}", recording.failures);
    assert_eq!(failure(&recording).1, Kind::Truncated);
}

#[test]
fn what_merely_differs_is_good() {
    let server = unframed("text/plain", &["hello, world", "hello, moon", "goodbye", "hello, world!"]);
    let (recording, _) = run(plan(server, 4));
    assert_eq!((recording.counts.good, recording.counts.failed), (4, 0), "{:?}", recording.failures);
}
