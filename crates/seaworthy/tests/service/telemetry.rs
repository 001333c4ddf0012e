//! What the service tells of itself.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    process::Command,
    sync::mpsc,
    thread,
};

use crate::{
    client::Client,
    server::{Backend, Server, eventually, seaworthy},
};

#[test]
fn one_line_for_each_request() {
    let backend = Backend::sqlite();
    let server = backend.start_with(&["--log-level", "debug"]);
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let traceparent = format!("00-{trace}-00f067aa0ba902b7-01");
    let headers = [
        ("x-request-id", "order-7"),
        ("traceparent", &traceparent),
        ("authorization", "Bearer hunter2"),
        ("cookie", "hunter2"),
    ];
    let answer = server.request("GET", "/v1/users?q=private", &headers, b"");
    assert_eq!(answer.header("x-request-id"), Some("order-7"));
    let line = server.await_line(|line| line["message"] == "request");
    assert_eq!((&line["method"], &line["path"], &line["status"]), (&"GET".into(), &"/v1/users".into(), &200.into()));
    assert_eq!(
        (&line["request_id"], &line["trace_id"], &line["level"]),
        (&"order-7".into(), &trace.into(), &"INFO".into())
    );
    assert!(line["duration_ms"].as_f64().unwrap() > 0.0);
    assert!(line["peer"].as_str().unwrap().starts_with("127.0.0.1:"));
    server.await_line(|line| line["message"] == "headers" && line["headers"].as_str().unwrap().contains("traceparent"));
    assert!(!server.log().contains("hunter2") && !server.log().contains("private"), "{}", server.log());
    let other = server.get("/");
    assert_eq!(other.header("x-request-id").unwrap().len(), 32);
}

#[test]
fn metrics_in_both_formats() {
    let backend = Backend::sqlite();
    let server = backend.start();
    server.get("/");
    server.get("/v1/users/7");
    server.get("/nowhere/at/all");
    let text = server.ops("/metrics");
    assert_eq!(text.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    for line in [
        r#"seaworthy_http_requests_total{route="/",method="GET",status="200"} 1"#,
        r#"seaworthy_http_requests_total{route="/v1/users/{id}",method="GET",status="404"} 1"#,
        r#"seaworthy_http_requests_total{route="(none)",method="GET",status="404"} 1"#,
        r#"seaworthy_http_caller_requests_total{caller="(unknown)",security="plaintext"} 3"#,
        "seaworthy_database_up 1",
    ] {
        assert!(text.text().lines().any(|l| l == line), "{line} is not in\n{}", text.text());
    }
    for name in [
        "seaworthy_http_request_duration_seconds_bucket{",
        r#"seaworthy_database_operation_duration_seconds_count{operation="get",outcome="done"} "#,
        r#"seaworthy_database_connections{state="idle"} "#,
        "seaworthy_http_requests_in_flight 0",
        "process_cpu_seconds_total ",
        "process_resident_memory_bytes ",
        "process_open_fds ",
        "process_start_time_seconds ",
        r#"seaworthy_build_info{version=""#,
        "seaworthy_log_lines_dropped_total 0",
    ] {
        assert!(text.text().contains(name), "{name} is not in\n{}", text.text());
    }
    let accept = [("accept", "application/openmetrics-text; version=1.0.0")];
    let open = Client::connect(server.ops).unwrap().request("GET", "/metrics", &accept, b"").unwrap();
    assert!(open.header("content-type").unwrap().starts_with("application/openmetrics-text; version=1.0.0"));
    assert!(open.text().ends_with("# EOF\n"));
}

#[test]
fn the_formats_are_what_prometheus_reads() {
    // The reference parsers of both formats, from the Prometheus project's Python client.
    let python = crate::tools::python();
    let backend = Backend::sqlite();
    let server = backend.start();
    server.create("Ada", "ada@example.org");
    let ops = server.ops;
    let script = format!(
        "import urllib.request as r
from prometheus_client.parser import text_string_to_metric_families as old
from prometheus_client.openmetrics.parser import text_string_to_metric_families as new
get = lambda accept: r.urlopen(r.Request('http://{ops}/metrics', headers={{'Accept': accept}})).read().decode()
print(sum(len(f.samples) for f in old(get('*/*'))) > 50, sum(len(f.samples) for f in new(get('application/openmetrics-text'))) > 50)"
    );
    let done = Command::new(python).args(["-c", &script]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&done.stdout), "True True\n", "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn the_operations_listener_answers_what_it_is_asked() {
    let backend = Backend::sqlite();
    let server = backend.start();
    for path in ["/livez", "/readyz", "/startupz"] {
        assert_eq!((server.ops(path).status, server.ops(path).text()), (200, "ok\n"), "{path}");
        assert!(server.ops(&format!("{path}?verbose")).text().ends_with("check passed\n"));
    }
    assert_eq!(server.ops("/version").json()["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(server.ops("/nothing").status, 404);
    let posted = Client::connect(server.ops).unwrap().request("POST", "/livez", &[], b"").unwrap();
    assert_eq!((posted.status, posted.header("allow")), (405, Some("GET, HEAD")));
    assert_eq!((server.get("/healthz").status, server.get("/livez").status), (200, 404));
}

/// A collector that answers every export with 200 and hands on what it got.
fn collector() -> (String, mpsc::Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut got = Vec::new();
            let mut buffer = [0; 4096];
            loop {
                let n = stream.read(&mut buffer).unwrap_or(0);
                got.extend(&buffer[..n]);
                let text = String::from_utf8_lossy(&got).to_lowercase();
                let length =
                    text.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse::<usize>().ok());
                let head = got.windows(4).position(|four| four == b"\r\n\r\n");
                if n == 0 || matches!((head, length), (Some(head), Some(length)) if got.len() >= head + 4 + length) {
                    break;
                }
            }
            let _gone = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            if sender.send(got).is_err() {
                return;
            }
        }
    });
    (endpoint, receiver)
}

#[test]
fn traces_go_to_the_collector_when_there_is_one() {
    let (endpoint, exports) = collector();
    let backend = Backend::sqlite();
    let mut command = seaworthy();
    command.args(["serve", "--database", &backend.url(), "--drain", "0"]).env("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint);
    let mut server = Server::start_until("ready", &mut command);
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let traceparent = format!("00-{trace}-00f067aa0ba902b7-01");
    let answer = server.request("GET", "/v1/users/1", &[("traceparent", &traceparent)], b"");
    let own = answer.header("traceresponse").unwrap();
    assert!(own.starts_with(&format!("00-{trace}-")) && !own.contains("00f067aa0ba902b7"), "{own}");
    server.signal(rustix::process::Signal::TERM);
    assert_eq!(server.wait().code(), Some(0));
    let export = exports.recv_timeout(crate::server::PATIENCE).expect("an export");
    let text = String::from_utf8_lossy(&export);
    assert!(text.starts_with("POST /v1/traces "), "{text}");
    for part in ["GET /v1/users/{id}", "http.response.status_code", "service.version"] {
        assert!(text.contains(part), "{part} is not in {text:?}");
    }
    let id = u128::from_str_radix(trace, 16).unwrap().to_be_bytes();
    let spans = export.windows(16).filter(|window| **window == id).count();
    assert_eq!(spans, 2, "the request's span and its child for the database, both in the client's trace");
}

#[test]
fn a_collector_that_is_away_costs_nobody_anything() {
    let backend = Backend::sqlite();
    let mut command = seaworthy();
    command
        .args(["serve", "--database", &backend.url(), "--drain", "0"])
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9");
    let mut server = Server::start_until("ready", &mut command);
    for _ in 0..100 {
        assert_eq!(server.get("/").status, 200);
    }
    server.await_line(|line| line["message"].as_str().is_some_and(|message| message.contains("does not take traces")));
    assert!(server.metric(r#"seaworthy_trace_exports_total{outcome="lost"}"#).unwrap() >= 1.0);
    server.signal(rustix::process::Signal::TERM);
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn a_log_that_nobody_reads_stalls_nobody() {
    let backend = Backend::sqlite();
    let mut child = seaworthy()
        .args([
            "serve",
            "--database",
            &backend.url(),
            "--listen",
            "127.0.0.1:0",
            "--ops-listen",
            "127.0.0.1:0",
            "--log",
            "json",
            "--log-level",
            "debug",
        ])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // Read the first lines for the address, then leave the pipe full.
    let mut out = child.stdout.take().unwrap();
    let mut first = String::new();
    let mut byte = [0];
    while !first.contains("\"ready\"") || !first.ends_with('\n') {
        out.read_exact(&mut byte).unwrap();
        first.push(byte[0] as char);
    }
    let line: serde_json::Value = first
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .find(|line: &serde_json::Value| line["message"] == "ready")
        .unwrap();
    let ops: std::net::SocketAddr = line["ops"].as_str().unwrap().parse().unwrap();
    let mut client = Client::connect(line["listen"].as_str().unwrap().parse().unwrap()).unwrap();
    let dropped = || {
        let text = Client::connect(ops).unwrap().request("GET", "/metrics", &[], b"").unwrap().text().to_owned();
        text.lines()
            .find_map(|line| line.strip_prefix("seaworthy_log_lines_dropped_total ")?.parse::<u64>().ok())
            .unwrap()
    };
    let batch = "GET / HTTP/1.1\r\nhost: x\r\n\r\n".repeat(100);
    eventually("lines are dropped and counted", || {
        false_after_batch(&mut Client::connect(line["listen"].as_str().unwrap().parse().unwrap()).unwrap(), &batch);
        dropped() > 0
    });
    assert_eq!(client.request("GET", "/", &[], b"").unwrap().status, 200);
    child.kill().unwrap();
    child.wait().unwrap();
}

fn false_after_batch(client: &mut Client, batch: &str) {
    client.send(batch.as_bytes()).unwrap();
    for _ in 0..100 {
        assert_eq!(client.answer(false).unwrap().status, 200);
    }
}
