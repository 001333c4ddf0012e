//! Servers that do as they are told, right or wrong, and a run against them.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    num::NonZero,
    sync::Arc,
    thread,
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Method};
use seaworthy_core::{
    arrivals::{Profile, Rate, Spacing},
    outcome::{FailureKind, Phase},
    recording::Recording,
};
use seaworthy_load::{
    Ended, Plan, Run,
    endpoints::Endpoints,
    expectation::Expectation,
    plan::{Connections, Pace, Protocol, Timeouts, Weighted, Workload},
    request::Request,
};

/// A good answer.
pub(crate) const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok";

/// Serves each connection with a function, in a thread of its own; it is told how many connections were before.
pub(crate) fn serve(one: impl Fn(TcpStream, usize) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let one = Arc::new(one);
    thread::spawn(move || {
        for (n, stream) in listener.incoming().enumerate() {
            let (stream, one) = (stream.unwrap(), Arc::clone(&one));
            thread::spawn(move || one(stream, n));
        }
    });
    address
}

/// Reads a request without a body. False: the client has closed.
pub(crate) fn read_request(stream: &mut impl Read) -> bool {
    let mut end = 0;
    let mut byte = [0];
    while end < 4 {
        if !matches!(stream.read(&mut byte), Ok(1)) {
            return false;
        }
        end = match (byte[0], end) {
            (b'\r', 0 | 2) | (b'\n', 1 | 3) => end + 1,
            (b'\r', _) => 1,
            _ => 0,
        };
    }
    true
}

/// Answers each request with these bytes, and keeps the connection.
pub(crate) fn answering(answer: impl Into<Vec<u8>>) -> SocketAddr {
    let answer = answer.into();
    serve(move |mut stream, _| while read_request(&mut stream) && stream.write_all(&answer).is_ok() {})
}

/// Answers one request with these bytes, and closes the connection.
pub(crate) fn answering_once(answer: impl Into<Vec<u8>>) -> SocketAddr {
    let answer = answer.into();
    serve(move |mut stream, _| {
        if read_request(&mut stream) {
            let _sent = stream.write_all(&answer);
        }
    })
}

/// A request to a server.
pub(crate) fn request(method: Method, url: &str) -> Request {
    Request::new(method, url.parse().unwrap(), HeaderMap::new(), Bytes::new()).unwrap()
}

/// So many requests, a hundred a second, one thread, time-outs of half a second.
pub(crate) fn plan(to: SocketAddr, requests: u64) -> Plan {
    let request = request(Method::GET, &format!("http://{to}/"));
    Plan {
        pace: Pace::Open {
            profile: Profile::constant(Rate::per_second(100.0).unwrap(), None),
            spacing: Spacing::Even,
            limit: Some(requests),
        },
        workload: Workload::Requests(Arc::new([Weighted { request, weight: 1 }])),
        expectation: Expectation::default(),
        endpoints: Endpoints::Fixed(to),
        protocol: Protocol::Http1,
        tls: None,
        connections: Connections { keep: 1, most: 10, fresh: 0.0, sources: Vec::new() },
        timeouts: Timeouts { connect: Duration::from_millis(500), request: Duration::from_millis(500) },
        resend: true,
        keep_answers: false,
        threads: NonZero::<usize>::MIN,
        seed: 1,
    }
}

/// Runs it to its end.
pub(crate) fn run(plan: Plan) -> (Recording, Ended) {
    watched(plan, |_, _| {})
}

/// Runs it to its end, and looks at each interval's end at how it goes.
pub(crate) fn watched(plan: Plan, mut look: impl FnMut(&Run, &Recording)) -> (Recording, Ended) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut run = seaworthy_load::start(plan).unwrap();
        let mut recording = Recording::default();
        while let Some(interval) = run.next().await {
            recording.add(interval);
            look(&run, &recording);
        }
        (recording, run.end().unwrap())
    })
}

/// The one kind of failure that a run has, and its first words.
pub(crate) fn failure(recording: &Recording) -> (Phase, FailureKind, Option<u16>, String) {
    let classes: Vec<_> = recording.failures.keys().collect();
    let kinds: Vec<_> = classes.iter().map(|class| (class.phase, class.kind, class.status)).collect();
    assert!(kinds.windows(2).all(|two| two[0] == two[1]) && !kinds.is_empty(), "{:?}", recording.failures);
    let (phase, kind, status) = kinds[0];
    let words = recording.words.keys().next().map(|(_, words)| words.to_string()).unwrap_or_default();
    (phase, kind, status, words)
}
