//! A console to ask, and clients that ask it.

use std::net::{SocketAddr, TcpListener};

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use seaworthy_console::{Asked, Console, Settings};
use tokio::{net::TcpStream, sync::mpsc};

/// A console on a port of its own, and what is asked of it.
pub(crate) fn console(settings: Settings) -> (Console, mpsc::Receiver<Asked>) {
    let (commands, asked) = mpsc::channel(2);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    (Console::new(listener, settings, commands).unwrap(), asked)
}

/// An answer, whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Why it was refused.
    pub(crate) fn detail(&self) -> String {
        let problem: serde_json::Value = serde_json::from_str(&self.body).unwrap_or_default();
        problem["detail"].as_str().unwrap_or(&self.body).to_owned()
    }
}

/// Sends a request over a connection of its own.
pub(crate) async fn send(address: SocketAddr, request: Request<Full<Bytes>>) -> http::Response<Incoming> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender.send_request(request).await.unwrap()
}

/// Asks with headers, of which Host is there unless it is given.
pub(crate) async fn ask(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        request = request.header("host", address.to_string());
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = send(address, request.body(Full::new(body.into())).unwrap()).await;
    let (head, body) = response.into_parts();
    let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    Answer { status: head.status, headers: head.headers, body }
}

pub(crate) async fn get(address: SocketAddr, path: &str) -> Answer {
    ask(address, "GET", path, &[], "").await
}

/// What a page knows: the token in its document.
pub(crate) async fn page_token(address: SocketAddr) -> String {
    let page = get(address, "/").await.body;
    let (_, after) = page.split_once("name=\"seaworthy-token\" content=\"").unwrap();
    after.split('"').next().unwrap().to_owned()
}

/// An event of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) data: String,
}

impl Event {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.data).unwrap()
    }

    pub(crate) fn seq(&self) -> u64 {
        self.id.rsplit(':').next().unwrap().parse().unwrap()
    }
}

/// A stream that is read.
pub(crate) struct Viewer {
    pub(crate) head: http::response::Parts,
    body: Incoming,
    unread: String,
}

impl Viewer {
    pub(crate) async fn new(address: SocketAddr, path: &str, last_event_id: Option<&str>) -> Self {
        let mut request = Request::builder().uri(path).header("host", address.to_string());
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        let (head, body) = send(address, request.body(Full::default()).unwrap()).await.into_parts();
        Self { head, body, unread: String::new() }
    }

    /// The next event as it was sent; `None` at the end of the stream.
    pub(crate) async fn raw(&mut self) -> Option<String> {
        loop {
            if let Some((event, rest)) = self.unread.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.unread = rest;
                return Some(event);
            }
            let bytes = self.body.frame().await?.ok()?.into_data().ok()?;
            self.unread.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }

    /// The next event with data.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            let raw = self.raw().await?;
            let field =
                |name: &str| raw.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned();
            let event = Event { id: field("id: "), name: field("event: "), data: field("data: ") };
            if !event.data.is_empty() {
                return Some(event);
            }
        }
    }

    /// Events up to and with one of a number.
    pub(crate) async fn up_to(&mut self, seq: u64) -> Vec<Event> {
        let mut events = Vec::new();
        while events.last().is_none_or(|last: &Event| last.seq() < seq) {
            events.push(self.next().await.expect("the stream goes on"));
        }
        events
    }
}
