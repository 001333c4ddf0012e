//! Probes and hooks, as the kubelet puts them: a GET, a connection, or a command.

use std::{io, net::SocketAddr, process::Stdio, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, StatusCode, header};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, pki_types::ServerName};
use seaworthy_core::{deployment::Check, event::Signal};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    process::Command,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::{network::Network, place::Place, process};

/// The kubelet says so, too, and applications look for it to keep probes out of their logs.
const USER_AGENT: &str = concat!("kube-probe/seaworthy-", env!("CARGO_PKG_VERSION"));

/// What a check came to: what was answered, or why it failed.
pub(crate) type Checked = Result<String, String>;

/// Puts a check to a replica, for at most a time.
pub(crate) async fn check(check: &Check, place: &Place, tls: Option<&Arc<ClientConfig>>, limit: Duration) -> Checked {
    match check {
        Check::Exec { command } => exec(command, place, limit).await,
        Check::Tcp { port } => {
            let address = address(place, port.as_deref())?;
            within(limit, async { TcpStream::connect(address).await.map(drop).map_err(|error| words(&error)) })
                .await
                .map(|()| "connected".to_owned())
        }
        Check::Http { port, path, headers, tls: secure } => {
            let address = address(place, port.as_deref())?;
            let tls = if *secure { tls } else { None };
            let status = within(limit, get(address, path, headers, tls)).await?;
            let said = format!("answered {}", status.as_u16());
            // As the kubelet has it.
            if (200..400).contains(&status.as_u16()) { Ok(said) } else { Err(said) }
        }
    }
}

fn address(place: &Place, port: Option<&str>) -> Result<SocketAddr, String> {
    place.port(port).ok_or_else(|| format!("there is no port {}", port.unwrap_or_default()))
}

async fn within<T>(limit: Duration, of: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    timeout(limit, of).await.unwrap_or_else(|_late| Err(format!("no answer within {limit:?}")))
}

/// An error of the operating system; the most frequent ones in words without its number.
fn words(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::ConnectionRefused {
        "connection refused".to_owned()
    } else if error.kind() == io::ErrorKind::ConnectionReset {
        "connection reset".to_owned()
    } else {
        error.to_string()
    }
}

async fn get(
    address: SocketAddr,
    path: &str,
    headers: &[(String, String)],
    tls: Option<&Arc<ClientConfig>>,
) -> Result<StatusCode, String> {
    let request = request(address, path, headers)?;
    let tcp = TcpStream::connect(address).await.map_err(|error| words(&error))?;
    match tls {
        None => ask(tcp, request).await,
        Some(config) => {
            let name = ServerName::from(address.ip());
            let stream =
                TlsConnector::from(Arc::clone(config)).connect(name, tcp).await.map_err(|error| words(&error))?;
            ask(stream, request).await
        }
    }
}

fn request(address: SocketAddr, path: &str, headers: &[(String, String)]) -> Result<Request<Empty<Bytes>>, String> {
    let mut request = Request::new(Empty::new());
    *request.uri_mut() = path.parse().map_err(|error| format!("{path:?} is no path: {error}"))?;
    let all = request.headers_mut();
    let host = HeaderValue::from_str(&address.to_string()).map_err(|error| error.to_string())?;
    all.insert(header::HOST, host);
    all.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    all.insert(header::CONNECTION, HeaderValue::from_static("close"));
    for (name, value) in headers {
        let name = HeaderName::try_from(name).map_err(|error| format!("{name:?}: {error}"))?;
        let value = HeaderValue::try_from(value).map_err(|error| format!("the header {name}: {error}"))?;
        all.insert(name, value);
    }
    Ok(request)
}

async fn ask(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Empty<Bytes>>,
) -> Result<StatusCode, String> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| chain(&error))?;
    // It ends with the connection, which ends at the latest when the answer is dropped.
    let driven = tokio::spawn(connection);
    let answer = sender.send_request(request).await;
    driven.abort();
    answer.map(|answer| answer.status()).map_err(|error| chain(&error))
}

/// An error with what is behind it.
fn chain(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {}", chain(source)))
}

/// A command in a group of its own, which ends with its time.
async fn exec(command: &[String], place: &Place, limit: Duration) -> Checked {
    let [program, arguments @ ..] = command else { return Err("the command is empty".to_owned()) };
    let mut child = Command::new(program)
        .args(arguments)
        .envs(place.environment.iter().map(|(name, value)| (name, value)))
        .env_remove(Network::OUTSIDE)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(|error| format!("{program}: {error}"))?;
    let group = child.id();
    let waited = timeout(limit, child.wait()).await;
    if let Some(group) = group {
        process::signal(group, Signal::Kill);
    }
    match waited {
        Ok(Ok(status)) if status.success() => Ok("exit code 0".to_owned()),
        Ok(Ok(status)) => Err(format!("exit code {}", process::exit(status).code())),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_late) => {
            // It was killed just now.
            let _status = child.wait().await;
            Err(format!("not done within {limit:?}"))
        }
    }
}
