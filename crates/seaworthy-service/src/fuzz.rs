//! What the fuzzers call; compiled for them only.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use tokio::{io::AsyncWriteExt as _, runtime::Runtime};

use crate::{
    Process, Service,
    config::{Access, Config, DatabaseConfig, Limits},
    connection::Peer,
    http::fuzz,
    site,
    telemetry::metrics::{Security, to_prometheus_text},
};

/// A service whose database is never there: everything up to the question to it is reached.
fn service() -> &'static (Runtime, Service) {
    static SERVICE: OnceLock<(Runtime, Service)> = OnceLock::new();
    SERVICE.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let any = ([127, 0, 0, 1], 0).into();
        let second = Duration::from_secs(1);
        let config = Config {
            listen: any,
            ops_listen: any,
            message: "Hello World!".into(),
            replica: "fuzz".into(),
            database: DatabaseConfig::Sqlite { path: "/nonexistent/users.db".into() },
            database_connections: 1,
            database_timeout: second,
            access: Access::default(),
            tls: None,
            reload_interval: second,
            limits: Limits {
                connections: 10,
                requests: 10,
                header_bytes: 8192,
                body_bytes: 4096,
                header_timeout: second,
                request_timeout: second,
                keep_alive: second,
            },
            drain: second,
            drain_timeout: second,
            idempotency_retention: second,
        };
        let process = Process {
            version: "0",
            revision: "",
            seed: [1, 2],
            cores: 1,
            otlp_endpoint: None,
            log_lines_dropped: Box::new(|| 0),
        };
        let service = runtime.block_on(async { Service::bind(config, process) }).expect("free ports");
        (runtime, service)
    })
}

/// Any bytes on a connection: nothing panics, and the connection ends.
pub fn connection(bytes: &[u8]) {
    let (runtime, service) = service();
    let app = &service.app;
    runtime.block_on(async {
        let (mut client, server) = tokio::io::duplex(64 * 1024);
        let requests = app.metrics.caller("fuzz", Security::Plaintext);
        let peer = Arc::new(Peer { address: app.config.listen, caller: None, requests });
        let site = site(app, app);
        let serve = site.run(server, peer);
        let send = async move {
            // The server may have closed before all was sent.
            let _closed = client.write_all(bytes).await;
            let _closed = client.shutdown().await;
            let mut answers = Vec::new();
            let _closed = tokio::io::AsyncReadExt::read_to_end(&mut client, &mut answers).await;
        };
        tokio::join!(serve, send);
    });
}

/// Any bytes as a body, a header or a file: nothing panics.
pub fn values(bytes: &[u8]) {
    fuzz::body(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        fuzz::header(text);
        let _judged = text.parse::<DatabaseConfig>();
        let _converted = to_prometheus_text(text);
    }
}
