//! What became of one request.

use std::{net::SocketAddr, time::Duration};

use serde::{Deserialize, Serialize};

use crate::time::Moment;

/// What kind of connection a request went over. The kinds lose requests for different reasons, so they are
/// never mixed in what is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionKind {
    /// Opened for this request alone, and closed after it.
    Fresh,
    /// Opened for this request, and kept for others.
    First,
    /// Used before.
    Reused,
}

impl ConnectionKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Fresh, Self::First, Self::Reused];

    /// Its name in documents.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::First => "first",
            Self::Reused => "reused",
        }
    }
}

/// How far a request came, in the order in which it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Waiting for a free connection.
    Queue,
    /// Looking up the host's name.
    Dns,
    /// Opening the TCP connection.
    Connect,
    /// The TLS handshake, and that of HTTP/2.
    Tls,
    /// Handing the request to the kernel.
    Send,
    /// Waiting for the first byte of the answer.
    Wait,
    /// Receiving the answer.
    Receive,
}

impl Phase {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Queue, Self::Dns, Self::Connect, Self::Tls, Self::Send, Self::Wait, Self::Receive];

    /// Its name in documents.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Send => "send",
            Self::Wait => "wait",
            Self::Receive => "receive",
        }
    }

    /// When it happened, in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Queue => "waiting for a free connection",
            Self::Dns => "looking up the name",
            Self::Connect => "connecting",
            Self::Tls => "in the handshake",
            Self::Send => "sending the request",
            Self::Wait => "before any byte of an answer",
            Self::Receive => "in the middle of the answer",
        }
    }
}

/// Why a request has no good answer, as far as a client can see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The client has no free source port (EADDRNOTAVAIL).
    NoPort,
    /// The client may open no more files (EMFILE, ENFILE).
    NoDescriptor,
    /// There was no endpoint to send it to.
    NoEndpoint,
    /// The name was not resolved.
    Dns,
    /// The connection was refused (ECONNREFUSED).
    Refused,
    /// No way there (EHOSTUNREACH, ENETUNREACH).
    Unreachable,
    /// The TLS handshake failed.
    Tls,
    /// The server does not speak HTTP/2, or not to this client.
    NotHttp2,
    /// The connection was reset (ECONNRESET, EPIPE).
    Reset,
    /// The server closed the connection.
    Closed,
    /// It took longer than the time-out.
    TimedOut,
    /// The answer is not HTTP.
    Malformed,
    /// The answer's head has no end.
    HeadTooLarge,
    /// The server sent more than the answer that it announced.
    Excess,
    /// HTTP/2: the server refused the stream, and has not worked on it (RFC 9113, 8.7).
    RefusedStream,
    /// HTTP/2: the server is leaving, and has not worked on it (GOAWAY; RFC 9113, 6.8).
    #[serde(rename = "goaway")]
    GoAway,
    /// HTTP/2: the server reset the stream.
    StreamReset,
    /// HTTP/2: the protocol was broken.
    Http2,
    /// Another error of the operating system.
    Io,
    /// An answer, but not with a status that was expected.
    Status,
    /// An answer, but not with a body that was expected.
    Body,
    /// An answer that does not say where it ends, and that ended too early: only its connection's end ends it, and a
    /// server that dies looks the same (RFC 9112, 6.3).
    Truncated,
    /// Still open when the run was cut short.
    Unfinished,
}

/// Whether a server can have executed a request that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Executed {
    /// Certainly not.
    No,
    /// Nobody can know from here.
    Unknown,
}

impl FailureKind {
    /// All of them.
    pub const ALL: [Self; 23] = [
        Self::NoPort,
        Self::NoDescriptor,
        Self::NoEndpoint,
        Self::Dns,
        Self::Refused,
        Self::Unreachable,
        Self::Tls,
        Self::NotHttp2,
        Self::Reset,
        Self::Closed,
        Self::TimedOut,
        Self::Malformed,
        Self::HeadTooLarge,
        Self::Excess,
        Self::RefusedStream,
        Self::GoAway,
        Self::StreamReset,
        Self::Http2,
        Self::Io,
        Self::Status,
        Self::Body,
        Self::Truncated,
        Self::Unfinished,
    ];

    /// Its name in documents.
    pub const fn label(self) -> &'static str {
        match self {
            Self::NoPort => "no_port",
            Self::NoDescriptor => "no_descriptor",
            Self::NoEndpoint => "no_endpoint",
            Self::Dns => "dns",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::Tls => "tls",
            Self::NotHttp2 => "not_http2",
            Self::Reset => "reset",
            Self::Closed => "closed",
            Self::TimedOut => "timed_out",
            Self::Malformed => "malformed",
            Self::HeadTooLarge => "head_too_large",
            Self::Excess => "excess",
            Self::RefusedStream => "refused_stream",
            Self::GoAway => "goaway",
            Self::StreamReset => "stream_reset",
            Self::Http2 => "http2",
            Self::Io => "io",
            Self::Status => "status",
            Self::Body => "body",
            Self::Truncated => "truncated",
            Self::Unfinished => "unfinished",
        }
    }

    /// What happened, in words that a phase can follow.
    pub const fn words(self) -> &'static str {
        match self {
            Self::NoPort => "no free source port",
            Self::NoDescriptor => "no free file descriptor",
            Self::NoEndpoint => "no endpoint to send to",
            Self::Dns => "name not resolved",
            Self::Refused => "connection refused",
            Self::Unreachable => "unreachable",
            Self::Tls => "TLS failed",
            Self::NotHttp2 => "no HTTP/2 there",
            Self::Reset => "connection reset",
            Self::Closed => "connection closed",
            Self::TimedOut => "timed out",
            Self::Malformed => "not HTTP",
            Self::HeadTooLarge => "headers without end",
            Self::Excess => "more than was announced",
            Self::RefusedStream => "stream refused",
            Self::GoAway => "server going away",
            Self::StreamReset => "stream reset",
            Self::Http2 => "HTTP/2 broken",
            Self::Io => "system error",
            Self::Status => "unexpected status",
            Self::Body => "unexpected body",
            Self::Truncated => "cut off",
            Self::Unfinished => "cut short by the end of the run",
        }
    }

    /// Whether it says something of the generator, and nothing of the target.
    pub const fn is_local(self) -> bool {
        matches!(self, Self::NoPort | Self::NoDescriptor | Self::Unfinished)
    }
}

/// Characters of an error's own words that are kept.
const MOST_DETAIL: usize = 200;

/// A failure with its evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// How far the request had come.
    pub phase: Phase,
    /// What happened.
    pub kind: FailureKind,
    /// The status, where there was an answer.
    pub status: Option<u16>,
    /// The error's own words, or what was not as expected.
    pub detail: Option<Box<str>>,
}

impl Failure {
    /// One without more words.
    pub const fn new(phase: Phase, kind: FailureKind) -> Self {
        Self { phase, kind, status: None, detail: None }
    }

    /// One with the error's own words, or as many as fit. They may be a server's, which must not fill the memory.
    pub fn detailed(phase: Phase, kind: FailureKind, detail: impl Into<String>) -> Self {
        let mut detail = detail.into();
        if let Some((end, _)) = detail.char_indices().nth(MOST_DETAIL) {
            detail.truncate(end);
            detail.push('…');
        }
        Self { phase, kind, status: None, detail: Some(detail.into()) }
    }

    /// Whether the server can have executed the request. Where in doubt it can.
    pub const fn executed(&self) -> Executed {
        match (self.phase, self.kind) {
            (Phase::Queue | Phase::Dns | Phase::Connect | Phase::Tls, _)
            | (_, FailureKind::RefusedStream | FailureKind::GoAway) => Executed::No,
            _ => Executed::Unknown,
        }
    }

    /// The failure in a line: `connection reset before any byte of an answer`.
    pub fn words(&self) -> String {
        match (self.kind, self.status) {
            (FailureKind::Status, Some(status)) => format!("answered {status}"),
            (FailureKind::Body, Some(status)) => format!("answered {status}, but with an unexpected body"),
            (
                FailureKind::Dns
                | FailureKind::Refused
                | FailureKind::NoEndpoint
                | FailureKind::Tls
                | FailureKind::NotHttp2
                | FailureKind::Unfinished,
                _,
            ) => self.kind.words().to_owned(),
            _ => format!("{} {}", self.kind.words(), self.phase.words()),
        }
    }
}

/// How long each part of a request took; nothing for the parts that there were not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Phases {
    /// Looking up the name.
    pub dns: Option<Duration>,
    /// Opening the TCP connection.
    pub connect: Option<Duration>,
    /// The TLS handshake.
    pub tls: Option<Duration>,
    /// From the first byte sent to the first byte received.
    pub first_byte: Option<Duration>,
}

/// What became of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// When it was due. Its response time counts from here.
    pub due: Moment,
    /// How long it waited for a free connection, which is the rule's doing and not the generator's.
    pub queued: Duration,
    /// When work on it began: sending, or connecting first. Its service time counts from here.
    pub begun: Moment,
    /// When it ended.
    pub done: Moment,
    /// Where it went, as far as it came.
    pub endpoint: Option<SocketAddr>,
    /// Over what.
    pub connection: ConnectionKind,
    /// How long the connection had been idle, where it was used before.
    pub idle: Option<Duration>,
    /// The parts of its time.
    pub phases: Phases,
    /// The status of a good answer, or why there is none.
    pub end: Result<u16, Failure>,
    /// Bytes of the answer's body.
    pub bytes: u64,
}

impl Outcome {
    /// From due to done: what somebody who wanted an answer at that moment waited for it.
    pub const fn response_time(&self) -> Duration {
        self.done.since(self.due)
    }

    /// From begun to done: what the target took.
    pub const fn service_time(&self) -> Duration {
        self.done.since(self.begun)
    }

    /// How late the generator itself was.
    pub const fn send_lag(&self) -> Duration {
        self.begun.since(self.due).saturating_sub(self.queued)
    }

    /// The same, so much later.
    #[must_use]
    pub fn later(self, by: Duration) -> Self {
        Self { due: self.due + by, begun: self.begun + by, done: self.done + by, ..self }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn labels_are_distinct() {
        let labels: BTreeSet<_> = FailureKind::ALL.iter().map(|kind| kind.label()).collect();
        assert_eq!(labels.len(), FailureKind::ALL.len());
        let words: BTreeSet<_> = FailureKind::ALL.iter().map(|kind| kind.words()).collect();
        assert_eq!(words.len(), FailureKind::ALL.len());
    }

    #[test]
    fn files_have_the_same_names_as_documents() {
        let written = |value: serde_json::Value| value.as_str().map(str::to_owned);
        for kind in FailureKind::ALL {
            assert_eq!(written(serde_json::to_value(kind).unwrap()).as_deref(), Some(kind.label()));
        }
        for phase in Phase::ALL {
            assert_eq!(written(serde_json::to_value(phase).unwrap()).as_deref(), Some(phase.label()));
        }
        for kind in ConnectionKind::ALL {
            assert_eq!(written(serde_json::to_value(kind).unwrap()).as_deref(), Some(kind.label()));
        }
    }

    #[test]
    fn only_what_was_never_sent_was_certainly_not_executed() {
        for (phase, kind, executed) in [
            (Phase::Connect, FailureKind::Refused, Executed::No),
            (Phase::Connect, FailureKind::TimedOut, Executed::No),
            (Phase::Tls, FailureKind::Reset, Executed::No),
            (Phase::Send, FailureKind::Reset, Executed::Unknown),
            (Phase::Wait, FailureKind::Closed, Executed::Unknown),
            (Phase::Wait, FailureKind::TimedOut, Executed::Unknown),
            (Phase::Wait, FailureKind::RefusedStream, Executed::No),
            (Phase::Wait, FailureKind::GoAway, Executed::No),
            (Phase::Receive, FailureKind::Status, Executed::Unknown),
        ] {
            assert_eq!(Failure::new(phase, kind).executed(), executed, "{phase:?} {kind:?}");
        }
    }

    #[test]
    fn a_servers_words_have_an_end() {
        let long = Failure::detailed(Phase::Wait, FailureKind::GoAway, "ä".repeat(20_000));
        assert_eq!(long.detail.unwrap().chars().count(), MOST_DETAIL + 1);
        let short = Failure::detailed(Phase::Wait, FailureKind::GoAway, "bye");
        assert_eq!(short.detail.as_deref(), Some("bye"));
    }

    #[test]
    fn waiting_for_a_connection_is_not_the_generators_lag() {
        let outcome = Outcome {
            due: Moment::from_nanos(1_000),
            queued: Duration::from_micros(5),
            begun: Moment::from_nanos(6_500),
            done: Moment::from_nanos(9_000),
            endpoint: None,
            connection: ConnectionKind::Reused,
            idle: None,
            phases: Phases::default(),
            end: Ok(200),
            bytes: 0,
        };
        assert_eq!(outcome.response_time(), Duration::from_micros(8));
        assert_eq!(outcome.service_time(), Duration::from_nanos(2_500));
        assert_eq!(outcome.send_lag(), Duration::from_nanos(500));
    }
}
