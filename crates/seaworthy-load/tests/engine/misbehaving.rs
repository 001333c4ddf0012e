//! Servers that misbehave: each is named, nothing hangs, and what can be known is kept.

use std::{
    io::Write as _,
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    thread,
};

use http::Method;
use seaworthy_core::{
    arrivals::Spacing,
    outcome::{ConnectionKind, FailureKind as Kind, Phase},
};
use seaworthy_load::{
    endpoints::Endpoints,
    plan::{Pace, Weighted, Workload},
};

use crate::server::{OK, answering, answering_once, failure, plan, read_request, request, run, serve};

/// What three requests to a server come to: all fail in the same way.
fn all_fail(to: SocketAddr) -> (Phase, Kind, Option<u16>, String) {
    let (recording, ended) = run(plan(to, 3));
    assert_eq!((recording.counts.good, recording.counts.failed), (0, 3), "{:?}", recording.failures);
    assert_eq!((ended.not_sent, ended.unfinished), (0, 0));
    failure(&recording)
}

fn named(answer: &str) -> (Phase, Kind, Option<u16>, String) {
    all_fail(answering_once(answer))
}

#[test]
fn nobody_listens() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    assert_eq!(all_fail(address), (Phase::Connect, Kind::Refused, None, String::new()));
}

#[test]
fn a_name_that_is_none() {
    let mut plan = plan(([127, 0, 0, 1], 1).into(), 2);
    plan.endpoints = Endpoints::Name { host: "does-not-exist.invalid".into(), port: 80, each: false };
    let (recording, _) = run(plan);
    let (phase, kind, _, words) = failure(&recording);
    assert_eq!((phase, kind), (Phase::Dns, Kind::Dns));
    assert!(!words.is_empty());
}

#[test]
fn an_empty_view_of_the_endpoints() {
    let (view, seen) = tokio::sync::watch::channel(Arc::from([]));
    let mut plan = plan(([127, 0, 0, 1], 1).into(), 2);
    plan.endpoints = Endpoints::View(seen);
    assert_eq!(failure(&run(plan).0), (Phase::Connect, Kind::NoEndpoint, None, String::new()));
    drop(view);
}

#[test]
fn it_reads_the_request_and_closes() {
    let server = serve(|mut stream, _| {
        read_request(&mut stream);
    });
    assert_eq!(all_fail(server), (Phase::Wait, Kind::Closed, None, String::new()));
}

#[test]
fn it_closes_without_reading() {
    // What was not read makes the kernel reset the connection.
    let server = serve(|stream, _| {
        let mut first = [0];
        stream.peek(&mut first).unwrap();
    });
    assert_eq!(all_fail(server), (Phase::Wait, Kind::Reset, None, String::new()));
}

#[test]
fn it_never_answers() {
    let server = serve(|mut stream, _| while read_request(&mut stream) {});
    let (recording, _) = run(plan(server, 3));
    assert_eq!(failure(&recording), (Phase::Wait, Kind::TimedOut, None, String::new()));
    // A time-out counts as the time that it took, at least.
    assert!(recording.response_times().min().unwrap().as_millis() >= 499);
}

#[test]
fn it_stops_in_the_middle() {
    let half = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nten bytes.";
    assert_eq!(named(half), (Phase::Receive, Kind::Closed, Some(200), String::new()));
    let server = serve(move |mut stream, _| {
        read_request(&mut stream);
        stream.write_all(half.as_bytes()).unwrap();
        while read_request(&mut stream) {}
    });
    assert_eq!(all_fail(server), (Phase::Receive, Kind::TimedOut, None, String::new()));
    assert_eq!(named("HTTP/1.1 200 O"), (Phase::Receive, Kind::Closed, None, String::new()));
    let chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
    assert_eq!(named(chunks), (Phase::Receive, Kind::Closed, Some(200), String::new()));
}

#[test]
fn it_never_stops_sending() {
    let server = serve(|mut stream, _| {
        read_request(&mut stream);
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n";
        if stream.write_all(head).is_ok() {
            let much = vec![b'x'; 16 << 20];
            while stream.write_all(&much).is_ok() {}
        }
    });
    // Several at once, so that there is always something to read. Long after their time-out the run still goes on: it is
    // not its end that ends them.
    let mut several = plan(server, 0);
    several.connections.keep = 4;
    several.pace =
        Pace::Open { profile: "100 for 40ms, 1 for 2s".parse().unwrap(), spacing: Spacing::Even, limit: None };
    let (recording, _) = run(several);
    let (phase, kind, ..) = failure(&recording);
    assert_eq!((phase, kind), (Phase::Receive, Kind::TimedOut));
    assert!(recording.response_times().max().unwrap().as_millis() < 900, "{:?}", recording.response_times());
}

#[test]
fn it_sends_more_than_it_announced() {
    let (phase, kind, status, words) = named("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhello");
    assert_eq!((phase, kind, status), (Phase::Receive, Kind::Excess, Some(200)));
    assert_eq!(words, "3 bytes too many");
}

#[test]
fn its_headers_have_no_end() {
    let server = serve(|mut stream, _| {
        read_request(&mut stream);
        if stream.write_all(b"HTTP/1.1 200 OK\r\n").is_ok() {
            while stream.write_all(b"X-Filler: and so on\r\n").is_ok() {}
        }
    });
    let (phase, kind, ..) = all_fail(server);
    assert_eq!((phase, kind), (Phase::Receive, Kind::HeadTooLarge));
}

#[test]
fn its_chunks_are_wrong() {
    for size in ["xyz", "-1", "fffffffffffffffff", "", "5 hello"] {
        let answer = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{size}\r\nhello?\r\n0\r\n\r\n");
        let (phase, kind, status, words) = named(&answer);
        assert_eq!((phase, kind, status), (Phase::Receive, Kind::Malformed, Some(200)), "{size}");
        assert_eq!(words, "a chunk's size is wrong");
    }
}

#[test]
fn it_speaks_something_else() {
    for greeting in ["SSH-2.0-OpenSSH_9.2\r\n", "\u{15}\u{3}\u{1}\u{0}\u{2}\u{2}P", "220 mail ESMTP\r\n", "\0\0\0"] {
        let (phase, kind, _, words) = named(greeting);
        assert_eq!((phase, kind), (Phase::Receive, Kind::Malformed), "{greeting}");
        assert_eq!(words, "it does not begin with HTTP/1");
    }
    let (_, kind, _, words) = named("HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n");
    assert_eq!((kind, &*words), (Kind::Malformed, "Content-Length is no number, or there are two different ones"));
}

#[test]
fn interim_answers_are_passed_over_but_not_for_ever() {
    let early = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    let (recording, _) = run(plan(answering([early.as_bytes(), OK].concat()), 3));
    assert_eq!(recording.counts.good, 3);
    let (_, kind, _, words) = named(&early.repeat(20));
    assert_eq!((kind, &*words), (Kind::Malformed, "more than 32 interim answers (1xx)"));
    let (_, kind, _, words) = named("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n");
    assert_eq!((kind, &*words), (Kind::Malformed, "101 Switching Protocols, unasked"));
}

#[test]
fn an_answer_without_length_is_good_but_told() {
    let (recording, _) = run(plan(answering_once("HTTP/1.1 200 OK\r\n\r\nas long as it lasts"), 3));
    assert_eq!((recording.counts.good, recording.counts.unframed), (3, 3));
}

#[test]
fn a_status_that_was_not_expected() {
    let error = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(named(error), (Phase::Receive, Kind::Status, Some(503), String::new()));
    // A redirect is an answer, and is not followed.
    let elsewhere = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(run(plan(answering(elsewhere), 3)).0.statuses.get(&302), Some(&3));
}

#[test]
fn an_error_behind_a_200() {
    let json = |body: &str| {
        format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    };
    let server = serve(move |mut stream, _| {
        for n in 0_u32.. {
            if !read_request(&mut stream) {
                return;
            }
            // The tutorials' application answers so when its database is away.
            let body = if n == 0 { "[[1, \"Ada\"]]" } else { "\"(2003, 'no connection')\"" };
            stream.write_all(json(body).as_bytes()).unwrap();
        }
    });
    let (recording, _) = run(plan(server, 3));
    assert_eq!(recording.counts.good, 1);
    let (phase, kind, status, words) = failure(&recording);
    assert_eq!((phase, kind, status), (Phase::Receive, Kind::Body, Some(200)));
    assert!(words.contains("JSON is of another kind"), "{words}");
}

#[test]
fn an_answer_of_another_kind_behind_a_status_that_is_no_error() {
    for (other, counted) in [
        ("HTTP/1.1 304 Not Modified\r\n\r\n", (Kind::Status, Some(304))),
        ("HTTP/1.1 302 Found\r\nLocation: /error\r\nContent-Length: 0\r\n\r\n", (Kind::Status, Some(302))),
        ("HTTP/1.1 204 No Content\r\n\r\n", (Kind::Body, Some(204))),
    ] {
        let server = serve(move |mut stream, _| {
            for n in 0_u32.. {
                if !read_request(&mut stream) {
                    return;
                }
                stream.write_all(if n == 0 { OK } else { other.as_bytes() }).unwrap();
            }
        });
        let mut wanted = plan(server, 3);
        let (recording, _) = run(wanted.clone());
        let (_, kind, status, _) = failure(&recording);
        assert_eq!((recording.counts.good, (kind, status)), (1, counted), "{other}");
        // Whoever says that both are good has said it.
        wanted.expectation.statuses = vec![200..=399];
        assert_eq!(run(wanted).0.counts.good, 3, "{other}");
    }
}

#[test]
fn a_body_without_what_was_expected() {
    let mut wanted = plan(answering(OK), 2);
    wanted.expectation.body = Some(b"ok"[..].into());
    assert_eq!(run(wanted.clone()).0.counts.good, 2);
    wanted.expectation.body = Some(b"other"[..].into());
    assert_eq!(failure(&run(wanted).0).1, Kind::Body);
}

/// Answers the first request of each connection, and closes when the second has come.
fn closes_under_the_second() -> SocketAddr {
    serve(|mut stream, _| {
        read_request(&mut stream);
        stream.write_all(OK).unwrap();
        read_request(&mut stream);
    })
}

#[test]
fn what_a_reused_connection_loses_is_sent_again_where_http_allows() {
    let (recording, _) = run(plan(closes_under_the_second(), 4));
    assert_eq!((recording.counts.good, recording.counts.failed), (4, 0), "{:?}", recording.failures);
    assert!(recording.counts.retried >= 2, "{:?}", recording.counts);
    let evidence = &recording.whole[0];
    assert!(evidence.retried && evidence.outcome.connection == ConnectionKind::Reused);

    // Not where somebody might have been told to do it twice.
    let server = closes_under_the_second();
    let mut posts = plan(server, 4);
    let request = request(Method::POST, &format!("http://{server}/"));
    posts.workload = Workload::Requests(Arc::new([Weighted { request, weight: 1 }]));
    let (recording, _) = run(posts);
    assert_eq!((recording.counts.good, recording.counts.failed, recording.counts.retried), (2, 2, 0));

    // And not where the user does not want it.
    let mut plain = plan(closes_under_the_second(), 4);
    plain.resend = false;
    let (recording, _) = run(plain);
    assert_eq!((recording.counts.good, recording.counts.failed, recording.counts.retried), (2, 2, 0));
}

#[test]
fn a_connection_that_is_closed_while_idle_costs_no_request() {
    let server = serve(|mut stream, _| {
        read_request(&mut stream);
        stream.write_all(OK).unwrap();
    });
    let (recording, _) = run(plan(server, 5));
    assert_eq!((recording.counts.good, recording.counts.failed, recording.counts.retried), (5, 0, 0));
    assert!(recording.counts.closed_idle >= 4, "{:?}", recording.counts);
}

#[test]
fn an_early_answer_to_a_body_that_nobody_reads() {
    let server = serve(|mut stream: TcpStream, _| {
        read_request(&mut stream);
        stream.write_all(b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        // It stays, so that the answer is not overtaken by a reset.
        thread::park_timeout(std::time::Duration::from_secs(1));
    });
    let mut large = plan(server, 1);
    let body = bytes::Bytes::from(vec![b'x'; 8 << 20]);
    let url = format!("http://{server}/").parse().unwrap();
    let request = seaworthy_load::request::Request::new(Method::POST, url, http::HeaderMap::new(), body).unwrap();
    large.workload = Workload::Requests(Arc::new([Weighted { request, weight: 1 }]));
    let (phase, kind, status, _) = failure(&run(large).0);
    assert_eq!((phase, kind, status), (Phase::Receive, Kind::Status, Some(413)));
}
