//! What nobody should send: each gets a clear answer, and the next client notices nothing.

use std::{io::Read as _, thread, time::Duration};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;

use crate::{
    client::{self, Answer, Client},
    server::{Backend, JSON, Server, eventually},
};

/// Sends bytes as they are and reads one answer.
fn raw(server: &Server, bytes: &[u8]) -> Answer {
    let mut client = server.connect();
    client.send(bytes).unwrap();
    client.answer(false).unwrap()
}

#[test]
fn bodies_that_are_wrong() {
    let backend = Backend::sqlite();
    let server = backend.start();
    let deep = "[".repeat(50_000);
    let cases: &[(&[u8], u16, &str)] = &[
        (b"", 400, "empty"),
        (b"{", 400, "not JSON"),
        (b"{\"name\": \"\xff\"}", 400, "not JSON"),
        (b"{\"name\": \"\\ud800\", \"email\": \"a@b\"}", 400, "not JSON"),
        (b"\xef\xbb\xbf{}", 400, "not JSON"),
        (b"{} {}", 400, "not JSON"),
        (deep.as_bytes(), 400, "not JSON"),
        (b"{\"id\": 1e999}", 400, "not JSON"),
        (b"null", 422, "JSON object"),
        (b"[{\"name\": \"a\"}]", 422, "JSON object"),
        (
            b"{\"name\": 1, \"email\": []}",
            422,
            "name: must be a string, not a number; email: must be a string, not an array",
        ),
        (b"{\"name\": \"a\", \"email\": \"a@b\", \"admin\": true}", 422, "admin: is not a field"),
        (b"{\"name\": \"a\", \"name\": \"b\", \"email\": \"a@b\"}", 422, "name: is given twice"),
        (b"{\"name\": \"a\\u0000\", \"email\": \"a@b\"}", 422, "name: must not contain control characters"),
        (b"{\"name\": \"a\", \"email\": \"nobody\"}", 422, "email: must have one @"),
        (b"{\"name\": \"a\", \"email\": \"a@b\", \"password\": \"short\"}", 422, "password: must be at least 8 bytes"),
    ];
    for (body, status, says) in cases {
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        let answer = server.request("POST", "/v1/users", &[JSON], body);
        // Nothing sent means no Content-Length either.
        assert_eq!(answer.status, *status, "{shown}: {answer:?}");
        assert!(answer.detail().contains(says), "{shown}: {answer:?}");
        assert!(answer.header("x-request-id").is_some() && answer.header("x-served-by").is_some());
    }
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""] {
        let answer = server.request("POST", "/v1/users", &[("content-type", kind)], b"{}");
        assert_eq!((answer.status, answer.header("accept")), (415, Some("application/json")), "{kind}");
    }
    let long =
        json!({"name": "n".repeat(256), "email": format!("{}@b", "e".repeat(253)), "password": "p".repeat(1025)});
    let answer = server.send("POST", "/v1/users", &long);
    assert_eq!(
        answer.detail(),
        "name: must be at most 255 characters; email: must be at most 254 characters; password: must be at most 1024 bytes"
    );
    assert!(server.all_users().is_empty());
}

#[test]
fn numbers_and_paths_that_lead_nowhere() {
    let backend = Backend::sqlite();
    let server = backend.start();
    for id in [
        "9223372036854775808",
        "99999999999999999999999",
        "-1",
        "0",
        "1.5",
        "+1",
        "0x1",
        "%31%00",
        "..%2f..%2fetc",
        "%ff",
        "1'--",
    ] {
        let answer = server.get(&format!("/v1/users/{id}"));
        assert_eq!((answer.status, answer.detail().as_str()), (404, "There is no user with this id."), "{id}");
    }
    for path in [
        "/../../etc/passwd",
        "/v1/users/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//etc/passwd",
        "/v1/users/1/",
        "/V1/USERS",
    ] {
        assert_eq!(server.get(path).status, 404, "{path}");
    }
    for (id, status) in [
        (json!(9_223_372_036_854_775_807_i64), 404),
        (json!(18_446_744_073_709_551_615_u64), 404),
        (json!(1.5), 404),
        (json!("x"), 404),
        (json!([1]), 422),
    ] {
        let body = json!({"user_id": id, "name": "n", "email": "a@b", "pwd": "p"});
        assert_eq!(server.send("POST", "/update", &body).status, status, "{id}");
    }
    for (method, path, allow) in [
        ("DELETE", "/", "GET, HEAD"),
        ("GET", "/create", "POST"),
        ("BREW", "/v1/users", "GET, POST, HEAD"),
        ("GET", "/delete/1", "DELETE, POST"),
    ] {
        let answer = server.request(method, path, &[], b"");
        assert_eq!((answer.status, answer.header("allow")), (405, Some(allow)), "{method} {path}");
    }
}

#[test]
fn what_is_no_http() {
    let backend = Backend::sqlite();
    let server = backend.start();
    let cases: &[&[u8]] = &[
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\nx: a\0b\r\n\r\n",
        b"POST /v1/users HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        b"POST /v1/users HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST /v1/users HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked, gzip\r\n\r\n",
    ];
    for bytes in cases {
        let answer = raw(&server, bytes);
        assert_eq!(answer.status, 400, "{:?}", String::from_utf8_lossy(bytes));
        assert!(answer.header("x-served-by").is_some() && !answer.detail().is_empty(), "{answer:?}");
    }
    // What hyper refuses is counted when its connection has ended, which is after its answer.
    let malformed = r#"seaworthy_http_refused_total{reason="malformed"}"#;
    eventually("they are counted", || server.metric(malformed).is_some_and(|count| count >= 8.0));
    // Both lengths: only the chunks count, and nothing after them is taken for a request.
    let answer = raw(
        &server,
        b"POST /v1/users HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    );
    assert!(matches!(answer.status, 400 | 422), "{answer:?}");
    assert_eq!(server.get("/").status, 200);
}

#[test]
fn a_request_names_one_host() {
    let backend = Backend::sqlite();
    let server = backend.start();
    for request in ["GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n"] {
        let answer = raw(&server, request.as_bytes());
        assert_eq!(answer.status, 400, "{answer:?}");
        assert!(answer.detail().contains("one Host header"));
    }
}

#[test]
fn too_much_of_everything() {
    let backend = Backend::sqlite();
    let server = backend.start_with(&["--max-body-bytes", "1000"]);
    let refused = |reason: &str| server.metric(&format!("seaworthy_http_refused_total{{reason=\"{reason}\"}}"));

    let big = server.request("POST", "/v1/users", &[JSON], &vec![b' '; 1001]);
    assert_eq!((big.status, big.detail().as_str()), (413, "The body may have at most 1000 bytes."));
    // One that is said to be huge is refused before it is sent, and one that is sent all the same does not
    // keep the client from reading why.
    let mut client = server.connect();
    client.send(b"POST /v1/users HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 99999999999\r\n\r\n").unwrap();
    assert_eq!(client.answer(false).unwrap().status, 413);
    let huge = server.request("POST", "/v1/users", &[JSON], &vec![b' '; 32 << 20]);
    assert_eq!((huge.status, huge.closes()), (413, true));
    let mut chunked =
        b"POST /v1/users HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
            .to_vec();
    for _ in 0..100 {
        chunked.extend(b"64\r\n");
        chunked.extend([b' '; 100]);
        chunked.extend(b"\r\n");
    }
    assert_eq!(raw(&server, &chunked).status, 413);
    assert_eq!(refused("body_bytes"), Some(4.0));

    let long = "x".repeat(17_000);
    assert_eq!(raw(&server, format!("GET / HTTP/1.1\r\nhost: x\r\nx: {long}\r\n\r\n").as_bytes()).status, 431);
    let many = raw(&server, format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(1000)).as_bytes());
    assert_eq!((many.status, many.detail().as_str()), (431, "The headers are too large, or too many."));
    assert!(many.header("x-served-by").is_some() && many.closes());
    assert_eq!(raw(&server, format!("GET / HTTP/1.1\r\n{}", "x: y\r\n".repeat(100_000)).as_bytes()).status, 431);
    let uri = raw(&server, format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(70_000)).as_bytes());
    assert!(matches!(uri.status, 414 | 431), "{uri:?}");
    eventually("each is counted", || refused("header_bytes") == Some(4.0));
    assert_eq!(server.get("/").status, 200);
}

#[test]
fn too_slow() {
    let backend = Backend::sqlite();
    let server = backend.start_with(&["--header-timeout", "300ms", "--request-timeout", "1s", "--keep-alive", "400ms"]);
    let refused = |reason: &str| server.metric(&format!("seaworthy_http_refused_total{{reason=\"{reason}\"}}"));

    // A header section that never ends, also as the second of a connection.
    let slow = raw(&server, b"GET / HTTP/1.1\r\nhost: x\r\n");
    assert_eq!(
        (slow.status, slow.closes(), slow.detail().as_str()),
        (408, true, "The headers did not arrive in time.")
    );
    let mut client = server.connect();
    assert_eq!(client.request("GET", "/", &[], b"").unwrap().status, 200);
    client.send(b"GET /v1").unwrap();
    assert_eq!(client.answer(false).unwrap().status, 408);
    assert!(client.is_closed());
    assert_eq!(refused("header_timeout"), Some(2.0));

    // One that trickles gets no more time than one that stalls.
    let mut client = server.connect();
    let trickled = (0..10_000).find_map(|_| {
        thread::sleep(Duration::from_millis(20));
        client.send(b"x").err()
    });
    assert!(trickled.is_some(), "it was cut off");

    let body = raw(
        &server,
        b"POST /v1/users HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{",
    );
    assert_eq!((body.status, body.closes(), body.detail().as_str()), (408, true, "The body did not arrive in time."));
    assert_eq!(refused("request_timeout"), Some(1.0));

    // Silence is no mistake: the connection just ends.
    let mut used = server.connect();
    assert_eq!(used.request("GET", "/", &[], b"").unwrap().status, 200);
    assert!(used.is_closed() && server.connect().is_closed());
    assert_eq!(refused("header_timeout"), Some(3.0));
}

#[test]
fn an_answer_that_nobody_reads_is_given_up() {
    let backend = Backend::sqlite();
    let server = backend.start_with(&["--keep-alive", "400ms"]);
    backend.sql(
        "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 2000)
         INSERT INTO users(user_name, user_email, search_key) SELECT 'u' || n, n || '@x', 'u' FROM n",
    );
    let mut client = server.connect();
    // Far more than the sockets' buffers hold.
    client.send("GET /users HTTP/1.1\r\nhost: x\r\n\r\n".repeat(200).as_bytes()).unwrap();
    let given_up = r#"seaworthy_http_refused_total{reason="answer_timeout"}"#;
    eventually("it is given up", || server.metric(given_up) == Some(1.0));
    eventually("its connection is gone", || server.metric("seaworthy_http_connections") == Some(0.0));
}

#[test]
fn too_many_connections() {
    let backend = Backend::sqlite();
    let server = backend.start_with(&["--max-connections", "10"]);
    let mut open: Vec<Client> = (0..10).map(|_| server.connect()).collect();
    for client in &mut open {
        assert_eq!(client.request("GET", "/", &[], b"").unwrap().status, 200);
    }
    let refused = server.get("/");
    assert_eq!((refused.status, refused.header("retry-after"), refused.closes()), (503, Some("1"), true));
    assert!(refused.header("x-served-by").is_some());
    assert!(server.ops("/readyz").text().contains("[-]not-saturated failed"));
    assert_eq!(server.ops("/livez").status, 200);
    assert_eq!(server.metric(r#"seaworthy_http_refused_total{reason="connections"}"#), Some(1.0));
    open.clear();
    eventually("there is room again", || server.get("/").status == 200 && server.ops("/readyz").status == 200);
}

#[test]
fn too_many_requests() {
    let backend = Backend::sqlite();
    let server = backend.start_with(&["--max-requests", "1"]);
    let mut busy = server.connect();
    busy.send(b"POST /v1/users HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{")
        .unwrap();
    eventually("it is in flight", || server.metric("seaworthy_http_requests_in_flight") == Some(1.0));
    let refused = server.get("/v1/users");
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    assert_eq!((server.get("/").status, server.get("/healthz").status), (200, 200), "what costs nothing goes on");
    assert!(server.ops("/readyz").text().contains("[-]not-saturated failed"));
    assert_eq!(server.metric(r#"seaworthy_http_refused_total{reason="requests"}"#), Some(1.0));
    busy.send(b"}").unwrap();
    assert_eq!(busy.answer(false).unwrap().status, 422);
    assert_eq!(server.get("/v1/users").status, 200);
}

#[test]
fn ten_thousand_connections() {
    const MANY: usize = 10_000;
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
    let room = limit.maximum.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX).saturating_sub(500));
    if room < MANY {
        println!("only {room} connections: this machine allows no more file descriptors");
    }
    let many = MANY.min(room);
    let backend = Backend::sqlite();
    let server = backend.start();
    server.get("/v1/users");
    eventually("only ours is open", || server.metric("seaworthy_http_connections") == Some(0.0));
    let before = server.metric("process_open_fds").unwrap();
    let mut all: Vec<Client> = (0..many).map(|_| server.connect()).collect();
    for client in &mut all {
        client.send(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    }
    for client in &mut all {
        assert_eq!(client.answer(false).unwrap().status, 200);
    }
    assert_eq!(server.metric("seaworthy_http_connections"), Some(f64::from(u32::try_from(many).unwrap())));
    assert_eq!(server.create("Ada", "ada@example.org").status, 503, "one more is told that there is no room");
    drop(all.pop());
    eventually("there is room for one", || server.create("Ada", "ada@example.org").status == 201);
    drop(all);
    eventually("all are gone", || server.metric("seaworthy_http_connections") == Some(0.0));
    eventually("and their descriptors", || server.metric("process_open_fds").unwrap() <= before + 2.0);
}

#[test]
fn a_client_that_leaves_is_noticed_and_nothing_leaks() {
    let backend = Backend::sqlite();
    let server = backend.start();
    for _ in 0..50 {
        let mut client = server.connect();
        client
            .send(b"POST /v1/users HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{")
            .unwrap();
    }
    eventually("all are counted out", || {
        server.metric("seaworthy_http_connections") == Some(0.0)
            && server.metric("seaworthy_http_requests_in_flight") == Some(0.0)
    });
    assert_eq!(server.get("/").status, 200);
}

#[test]
fn requests_in_a_pipeline_are_answered_in_order() {
    let backend = Backend::sqlite();
    let server = backend.start();
    let mut client = server.connect();
    client
        .send("GET /v1/users HTTP/1.1\r\nhost: x\r\n\r\nGET / HTTP/1.1\r\nhost: x\r\n\r\n".repeat(20).as_bytes())
        .unwrap();
    for _ in 0..20 {
        assert_eq!(client.answer(false).unwrap().header("content-type"), Some("application/json"));
        assert_eq!(client.answer(false).unwrap().text(), "Hello World!\n");
    }
    let mut old = client::tcp(server.address).unwrap();
    std::io::Write::write_all(&mut old, b"GET / HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    old.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.0 200") && answer.ends_with("Hello World!\n"), "{answer}");
}

#[test]
fn a_page_of_another_site_changes_nothing() {
    let backend = Backend::sqlite();
    let server = backend.start();
    let body = json!({"name": "Ada", "email": "ada@example.org"}).to_string();
    for site in ["cross-site", "same-site"] {
        let refused = server.request("POST", "/v1/users", &[JSON, ("sec-fetch-site", site)], body.as_bytes());
        assert_eq!(refused.status, 403, "{refused:?}");
        assert_eq!(server.request("POST", "/delete/1", &[("sec-fetch-site", site)], b"").status, 403);
        assert_eq!(server.request("GET", "/v1/users", &[("sec-fetch-site", site)], b"").status, 200);
    }
    let own = server.request("POST", "/v1/users", &[JSON, ("sec-fetch-site", "same-origin")], body.as_bytes());
    assert_eq!(own.status, 201);
}
