//! HTTP/2, also where it breaks.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use seaworthy_core::outcome::{ConnectionKind, FailureKind as Kind, Phase};
use seaworthy_load::{Plan, plan::Protocol};

use crate::server::{OK, answering, failure, plan, run, serve};

fn over_http2(to: SocketAddr, requests: u64) -> Plan {
    let mut plan = plan(to, requests);
    plan.protocol = Protocol::Http2 { streams: 10 };
    plan
}

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;

/// A frame (RFC 9113, 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Status 200 in HPACK's static table, and the end of the stream.
fn ok(stream: u32) -> Vec<u8> {
    frame(HEADERS, 0x5, stream, &[0x88])
}

/// A server that greets, and does something with each stream that is opened.
fn on_streams(one: impl Fn(&mut TcpStream, u32, usize) + Send + Sync + 'static) -> SocketAddr {
    serve(move |mut stream, n| {
        let mut preface = [0; 24];
        stream.read_exact(&mut preface).unwrap();
        stream.write_all(&frame(SETTINGS, 0, 0, &[])).unwrap();
        let mut head = [0; 9];
        while stream.read_exact(&mut head).is_ok() {
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let mut payload = vec![0; length as usize];
            stream.read_exact(&mut payload).unwrap();
            if head[3] == HEADERS {
                one(&mut stream, u32::from_be_bytes(head[5..9].try_into().unwrap()), n);
            }
        }
    })
}

#[test]
fn many_requests_share_a_connection() {
    let server = on_streams(|stream, id, _| stream.write_all(&ok(id)).unwrap());
    let (recording, _) = run(over_http2(server, 20));
    assert_eq!((recording.counts.good, recording.counts.opened), (20, 1), "{:?}", recording.words);
    assert_eq!(recording.times_over(ConnectionKind::First).response.count(), 1);
}

#[test]
fn a_refused_stream_is_sent_again_on_another_connection() {
    let refuse =
        |stream: &mut TcpStream, id| stream.write_all(&frame(RST_STREAM, 0, id, &7_u32.to_be_bytes())).unwrap();
    let server =
        on_streams(move |stream, id, n| if n == 0 { refuse(stream, id) } else { stream.write_all(&ok(id)).unwrap() });
    let (recording, _) = run(over_http2(server, 3));
    assert_eq!((recording.counts.good, recording.counts.failed), (3, 0), "{:?}", recording.words);
    assert_eq!(recording.counts.retried, 1);

    let always = on_streams(move |stream, id, _| refuse(stream, id));
    let (recording, _) = run(over_http2(always, 3));
    assert_eq!((failure(&recording).1, recording.counts.retried), (Kind::RefusedStream, 3));
}

#[test]
fn a_server_that_leaves_says_what_it_has_not_worked_on() {
    let server = on_streams(|stream, id, n| {
        if n == 0 {
            // The last stream that it has worked on is none.
            stream.write_all(&frame(GOAWAY, 0, 0, &[0; 8])).unwrap();
        } else {
            stream.write_all(&ok(id)).unwrap();
        }
    });
    let mut once = over_http2(server, 1);
    once.resend = false;
    assert_eq!(failure(&run(once).0).1, Kind::GoAway);
}

#[test]
fn a_reset_stream_is_no_reason_to_send_again() {
    let server = on_streams(|stream, id, _| {
        stream.write_all(&frame(RST_STREAM, 0, id, &2_u32.to_be_bytes())).unwrap();
    });
    let (recording, _) = run(over_http2(server, 3));
    let (phase, kind, ..) = failure(&recording);
    assert_eq!((phase, kind, recording.counts.retried), (Phase::Wait, Kind::StreamReset, 0));
}

#[test]
fn a_connection_that_ends_under_a_stream() {
    let server = on_streams(|stream, _, _| stream.shutdown(std::net::Shutdown::Both).unwrap());
    let (recording, _) = run(over_http2(server, 3));
    let kinds: Vec<_> = recording.failures.keys().map(|class| class.kind).collect();
    assert!(!kinds.is_empty() && kinds.iter().all(|kind| matches!(kind, Kind::Closed | Kind::Reset)), "{kinds:?}");
}

#[test]
fn what_is_no_http2() {
    let (recording, _) = run(over_http2(answering(OK), 2));
    assert_eq!(recording.counts.failed, 2);
    assert!(recording.failures.keys().all(|class| matches!(class.kind, Kind::Http2 | Kind::NotHttp2)), "{recording:?}");
}

#[test]
fn connections_that_break_are_not_replaced_by_a_herd() {
    let open = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let (now, seen) = (Arc::clone(&open), Arc::clone(&most));
    // Each connection breaks under its tenth stream.
    let server = on_streams(move |stream, id, _| {
        if id == 1 {
            seen.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        }
        if id >= 19 {
            if id == 19 {
                now.fetch_sub(1, Ordering::SeqCst);
            }
            let _closed_already = stream.shutdown(std::net::Shutdown::Both);
        }
    });
    let mut plan = over_http2(server, 200);
    plan.connections.keep = 1;
    plan.connections.most = 1;
    let (recording, ended) = run(plan);
    assert_eq!(recording.counts.arrived, recording.counts.failed + recording.counts.good + ended.not_sent);
    assert!(recording.counts.retried > 0);
    // One may be in the place of another that has not quite ended.
    assert!(most.load(Ordering::SeqCst) <= 3, "{most:?} of {}", recording.counts.opened);
}

#[test]
fn a_stream_that_stops_in_the_middle() {
    let server = on_streams(|stream, id, _| {
        // The head, and three bytes of a body without its end.
        stream.write_all(&frame(HEADERS, 0x4, id, &[0x88])).unwrap();
        stream.write_all(&frame(0, 0, id, b"abc")).unwrap();
    });
    let (recording, _) = run(over_http2(server, 2));
    let (phase, kind, status, _) = failure(&recording);
    assert_eq!((phase, kind, status), (Phase::Receive, Kind::TimedOut, Some(200)));
    assert_eq!(recording.counts.bytes, 6);
}

#[test]
fn a_stream_that_is_never_answered() {
    let server = on_streams(|_, _, _| {});
    let (recording, ended) = run(over_http2(server, 3));
    assert_eq!((failure(&recording).1, recording.counts.failed, ended.unfinished), (Kind::TimedOut, 3, 0));
}
