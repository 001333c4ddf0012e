//! The operations listener: metrics for a scraper, and probes for an orchestrator. It asks the loop for a text, and
//! touches nothing that a request waits for.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc, oneshot},
    time,
};

use super::metrics::MEDIA_TYPE;

/// Somebody wants to know how the run goes.
pub(crate) type Question = oneshot::Sender<String>;

/// Connections at once. A scraper has one.
const MOST: usize = 64;

/// How long a request's head may take, and the answer to a question.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a connection may be there in all: one that does not read its answers would have its place for ever.
pub(crate) const STAY: Duration = Duration::from_mins(1);

/// How long to wait after an error of accept, such as having no descriptor left.
const PAUSE: Duration = Duration::from_millis(100);

/// Listens, so that an address that cannot be had is known before anything is sent.
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

/// Answers until it is dropped, each connection for so long.
pub(crate) async fn serve(listener: TcpListener, questions: mpsc::Sender<Question>, stay: Duration) {
    let room = Arc::new(Semaphore::new(MOST));
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            time::sleep(PAUSE).await;
            continue;
        };
        let questions = questions.clone();
        tokio::spawn(async move {
            // Whoever is not done by then has to come again.
            let _done = time::timeout(stay, connection(stream, questions)).await;
            drop(place);
        });
    }
}

async fn connection(stream: TcpStream, questions: mpsc::Sender<Question>) {
    let service = service_fn(move |request| {
        let questions = questions.clone();
        async move { Ok::<_, Infallible>(answer(&request, &questions).await) }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
    // A client that is gone needs no answer.
    let _served = builder.serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(request: &Request<Incoming>, questions: &mpsc::Sender<Question>) -> Response<Full<Bytes>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return respond(StatusCode::METHOD_NOT_ALLOWED, "this answers GET and HEAD\n".into());
    }
    match request.uri().path() {
        "/livez" | "/readyz" => respond(StatusCode::OK, "ok\n".into()),
        "/metrics" => match time::timeout(PATIENCE, ask(questions)).await {
            Ok(Some(text)) => {
                let mut response = respond(StatusCode::OK, text);
                response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
                response
            }
            Ok(None) | Err(_) => respond(StatusCode::SERVICE_UNAVAILABLE, "the run has ended\n".into()),
        },
        _ => respond(StatusCode::NOT_FOUND, "there are /metrics, /livez and /readyz\n".into()),
    }
}

async fn ask(questions: &mpsc::Sender<Question>) -> Option<String> {
    let (question, answer) = oneshot::channel();
    questions.send(question).await.ok()?;
    answer.await.ok()
}

fn respond(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    async fn get(address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn a_scraper_is_answered_by_the_loop() {
        let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let (questions, mut asked) = mpsc::channel::<Question>(4);
        tokio::spawn(serve(listener, questions, STAY));
        let told = tokio::spawn(async move { asked.recv().await.unwrap().send("metric 1\n".to_owned()).unwrap() });
        let metrics = get(address, "/metrics").await;
        assert!(metrics.starts_with("HTTP/1.1 200 OK") && metrics.ends_with("metric 1\n"), "{metrics}");
        told.await.unwrap();
        assert!(get(address, "/livez").await.ends_with("ok\n"));
        assert!(get(address, "/readyz").await.starts_with("HTTP/1.1 200"));
        assert!(get(address, "/other").await.starts_with("HTTP/1.1 404"));
        assert!(get(address, "/metrics").await.starts_with("HTTP/1.1 503"), "the loop is gone");
    }

    #[tokio::test]
    async fn whoever_does_not_read_its_answer_loses_its_place() {
        /// More than any buffer between the two.
        const LENGTH: usize = 1 << 25;
        let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let (questions, mut asked) = mpsc::channel::<Question>(4);
        let stay = Duration::from_millis(500);
        tokio::spawn(serve(listener, questions, stay));
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
        asked.recv().await.unwrap().send("x".repeat(LENGTH)).unwrap();
        time::sleep(stay * 2).await;
        let mut answer = Vec::new();
        let _end_or_reset = time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("it was closed");
        assert!(answer.len() < LENGTH, "{}", answer.len());
    }
}
