//! A browser that does what it is told.

use std::{
    future::Future,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    pin::Pin,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use http::{Method, Request, Response, header};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::{
    Capabilities, WebDriver,
    common::command::{Command as Asked, ExtensionCommand},
    error::{WebDriverError, WebDriverResult},
    session::http::{Body, HttpClient},
};
use tokio::{
    net::TcpStream,
    sync::{Mutex, MutexGuard},
};

/// One browser at a time: they are large.
static ONE: Mutex<()> = Mutex::const_new(());

/// A browser, and the program that leads it.
pub(crate) struct Browser {
    pub(crate) page: WebDriver,
    leader: Child,
    port: u16,
    _profile: TempDir,
    _one: MutexGuard<'static, ()>,
}

/// A browser; `None`, said, where this machine has none.
pub(crate) async fn browser() -> Option<Browser> {
    let works = |name: &str| Command::new(name).arg("--version").output().is_ok_and(|done| done.status.success());
    if !works("chromium") || !works("chromedriver") {
        println!("skipped: there is no Chromium with its driver here, and `cargo xtask setup` could not install them");
        return None;
    }
    let one = ONE.lock().await;
    let mut leader =
        Command::new("chromedriver").arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let port = port(&mut leader);
    let profile = TempDir::new().unwrap();
    let folder = format!("--user-data-dir={}", profile.path().display());
    let mut arguments = vec!["--headless=new", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"];
    arguments.extend([
        "--disable-background-networking",
        "--disable-component-update",
        "--force-device-scale-factor=1",
    ]);
    arguments.push(&folder);
    if rustix::process::geteuid().is_root() {
        // Chromium refuses to make its sandbox as root, and it only sees our own page.
        arguments.push("--no-sandbox");
    }
    let mut wanted = Capabilities::new();
    wanted.set("browserName", "chrome").unwrap();
    wanted.set("goog:loggingPrefs", json!({"browser": "ALL"})).unwrap();
    wanted.set("goog:chromeOptions", json!({"args": arguments})).unwrap();
    let page = WebDriver::builder(format!("http://127.0.0.1:{port}"), wanted).client(Plain).connect().await.unwrap();
    Some(Browser { page, leader, port, _profile: profile, _one: one })
}

/// The port that the driver chose.
fn port(leader: &mut Child) -> u16 {
    let said = BufReader::new(leader.stdout.take().unwrap());
    let mut lines = said.lines().map_while(Result::ok);
    let line = lines.find(|line| line.contains("started successfully on port")).expect("the driver says its port");
    // What it says later goes nowhere, and must not block it.
    std::thread::spawn(move || lines.for_each(drop));
    line.rsplit(' ').next().unwrap().trim_end_matches('.').parse().unwrap()
}

impl Browser {
    /// Makes the window so wide, and the system so light or dark.
    pub(crate) async fn looks(&self, width: u32, scheme: &str) {
        let size = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.devtools("Emulation.setEmulatedMedia", media).await;
    }

    pub(crate) async fn devtools(&self, command: &str, parameters: Value) -> Value {
        let body = json!({"cmd": command, "params": parameters});
        self.ask("/goog/cdp/execute", body).await
    }

    async fn ask(&self, path: &'static str, body: Value) -> Value {
        let command = Asked::ExtensionCommand(Box::new(Extension { path, body }));
        self.page.handle().cmd(command).await.unwrap().value_json().unwrap()
    }

    /// What a script of the page gives back.
    pub(crate) async fn get(&self, expression: &str) -> Value {
        self.page.execute(format!("return {expression}"), vec![]).await.unwrap().json().clone()
    }

    pub(crate) async fn text(&self, selector: &str) -> String {
        let said = self.get(&format!("document.querySelector('{selector}').textContent")).await;
        said.as_str().unwrap().to_owned()
    }

    /// Waits until something is so: it is looked at before each frame, for as long as a script may take.
    pub(crate) async fn until(&self, expression: &str) {
        let script = format!(
            "const done = arguments[arguments.length - 1]; \
             const look = () => {{ if ({expression}) done(true); else setTimeout(look, 20); }}; look();"
        );
        if let Err(error) = self.page.execute_async(script, vec![]).await {
            panic!("{expression} did not come about: {error}; the page: {}", self.text("body").await);
        }
    }

    /// What the browser complained about since this was last asked.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let log = self.ask("/se/log", json!({"type": "browser"})).await;
        log.as_array().unwrap().iter().map(|entry| format!("{} {}", entry["level"], entry["message"])).collect()
    }

    /// Ends it. Where a test fails first, dropping does.
    pub(crate) async fn close(self) {
        let page = self.page.clone();
        page.quit().await.unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Asked to end, the driver takes its browser with it; killed, it would leave it behind.
        if let Ok(mut stream) = std::net::TcpStream::connect(("127.0.0.1", self.port)) {
            let _closed = stream.set_read_timeout(Some(Duration::from_secs(10)));
            let _closed = stream.write_all(b"GET /shutdown HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
            let _closed = stream.read_to_end(&mut Vec::new());
        }
        let _ended = self.leader.kill();
        let _status = self.leader.wait();
    }
}

#[derive(Debug)]
struct Extension {
    path: &'static str,
    body: Value,
}

impl ExtensionCommand for Extension {
    fn parameters_json(&self) -> Option<Value> {
        Some(self.body.clone())
    }

    fn method(&self) -> Method {
        Method::POST
    }

    fn endpoint(&self) -> Arc<str> {
        self.path.into()
    }
}

type Promise<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// HTTP to the driver. The library's own client would be a second HTTP stack with a second TLS.
struct Plain;

impl HttpClient for Plain {
    fn send<'this, 'body, 'promise>(
        &'this self,
        request: Request<Body<'body>>,
    ) -> Promise<'promise, WebDriverResult<Response<Bytes>>>
    where
        'this: 'promise,
        'body: 'promise,
        Self: 'promise,
    {
        let (mut head, body) = request.into_parts();
        let body = match body {
            Body::Empty => Bytes::new(),
            Body::Json(json) => Bytes::from(json.to_string()),
        };
        Box::pin(async move {
            let failed =
                |error: String| WebDriverError::from_inner(thirtyfour::error::WebDriverErrorInner::HttpError(error));
            let address = head.uri.authority().map(ToString::to_string).unwrap_or_default();
            let stream = TcpStream::connect(&address).await.map_err(|error| failed(error.to_string()))?;
            let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
            let (mut sender, connection) = handshake.map_err(|error| failed(error.to_string()))?;
            tokio::spawn(connection);
            // A server is asked for a path, and only a proxy for an address.
            head.uri = head.uri.path().parse().map_err(|error: http::uri::InvalidUri| failed(error.to_string()))?;
            head.headers.insert(header::HOST, address.parse().unwrap());
            head.headers.remove(header::CONTENT_LENGTH);
            let answer = sender.send_request(Request::from_parts(head, Full::new(body))).await;
            let (head, body) = answer.map_err(|error| failed(error.to_string()))?.into_parts();
            let body = body.collect().await.map_err(|error| failed(error.to_string()))?.to_bytes();
            Ok(Response::from_parts(head, body))
        })
    }

    fn new<'this, 'promise>(&'this self) -> Promise<'promise, Arc<dyn HttpClient>>
    where
        'this: 'promise,
        Self: 'promise,
    {
        Box::pin(async { Arc::new(Self) as Arc<dyn HttpClient> })
    }
}
