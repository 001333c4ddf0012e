//! What is too much, and what is no HTTP.

use proptest::{
    collection::vec,
    prelude::{any, prop, prop_oneof},
    strategy::Strategy as _,
    test_runner::{Config, TestRunner},
};
use seaworthy_console::Settings;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::client::{ask, console, get};

/// Sends bytes, says that there are no more, and reads what comes.
async fn sent(address: std::net::SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // It may have answered and closed before all was sent.
    let _closed = stream.write_all(bytes).await;
    let _closed = stream.shutdown().await;
    let mut answer = Vec::new();
    let _reset = stream.read_to_end(&mut answer).await;
    answer
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let (console, _asked) = console(Settings::default());
    let address = console.address();
    let long = "x".repeat(40_000);
    let answer = ask(address, "GET", "/", &[("x-long", &long)], "").await;
    assert_eq!(answer.status, 431);
    assert_eq!(get(address, "/state").await.status, 200);
}

#[tokio::test]
async fn a_request_for_another_host_is_refused() {
    let (console, _asked) = console(Settings { names: vec!["console.test".to_owned()], ..Settings::default() });
    let address = console.address();
    let port = address.port();
    for (lines, status) in [
        (format!("Host: localhost:{port}"), 200),
        ("Host: 127.0.0.1:9".to_owned(), 200),
        ("Host: console.test".to_owned(), 200),
        ("Host: evil.example".to_owned(), 421),
        (format!("Host: {address}\r\nHost: evil.example"), 421),
        ("X: no host".to_owned(), 421),
    ] {
        let answer =
            sent(address, format!("GET /state HTTP/1.1\r\n{lines}\r\nConnection: close\r\n\r\n").as_bytes()).await;
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{lines}: {answer}");
    }
}

#[test]
fn no_bytes_end_it() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _inside = runtime.enter();
    let (console, _asked) = console(Settings::default());
    let address = console.address();
    let pieces = [
        "GET ",
        "POST ",
        "/",
        "/events",
        "/drills",
        " HTTP/1.1\r\n",
        "Host: ",
        "127.0.0.1",
        "\r\n",
        "\r\n\r\n",
        ":",
        "%",
        "?token=",
        "Content-Length: ",
        "99999999999999999999",
        "Transfer-Encoding: chunked",
        "ffffffffffffffff\r\n",
        "Last-Event-ID: ",
        "\0",
        "\u{fffd}",
        "HTTP/0.9",
    ];
    let piece = prop_oneof![
        prop::sample::select(pieces.to_vec()).prop_map(|piece| piece.as_bytes().to_vec()),
        vec(any::<u8>(), 0..20)
    ];
    // Most begin like a request, so that they get further than its first line.
    let garbage = (any::<bool>(), vec(piece, 0..30)).prop_map(|(head, pieces)| {
        let begin: &[u8] = if head { b"POST /drills HTTP/1.1\r\nHost: 127.0.0.1\r\n" } else { b"" };
        [begin, &pieces.concat()].concat()
    });
    let mut runner = TestRunner::new(Config { cases: 300, failure_persistence: None, ..Config::default() });
    let tried = runner.run(&garbage, |bytes| {
        runtime.block_on(async {
            sent(address, &bytes).await;
            assert_eq!(get(address, "/state").await.status, 200);
        });
        Ok(())
    });
    tried.unwrap();
}
