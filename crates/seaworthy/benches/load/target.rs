//! The server that is driven: nginx on the first core. It counts the requests, the same way for all clients.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

pub(crate) struct Target {
    _dir: tempfile::TempDir,
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Target {
    pub(crate) fn start() -> Self {
        let dir = tempfile::TempDir::new().unwrap();
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        let text = format!(
            "daemon off; master_process off; pid {0}/nginx.pid; error_log {0}/nginx.log;
             events {{ worker_connections 1024; }}
             http {{
                 access_log off; keepalive_requests 1000000000; client_body_temp_path {0}/body;
                 proxy_temp_path {0}/proxy; fastcgi_temp_path {0}/fastcgi; uwsgi_temp_path {0}/uwsgi;
                 scgi_temp_path {0}/scgi;
                 server {{ listen {address}; location /status {{ stub_status; }}
                     location / {{ default_type text/plain; return 200 \"Hello World!\\n\"; }} }}
             }}",
            dir.path().display()
        );
        let config = dir.path().join("nginx.conf");
        fs::write(&config, text).unwrap();
        let program = ["/usr/sbin/nginx", "/usr/bin/nginx"].map(Path::new).into_iter().find(|path| path.exists());
        let mut command = Command::new("taskset");
        command.args(["--cpu-list", "0"]).arg(program.expect("nginx; `cargo xtask bench` installs it"));
        let child = command.arg("-c").arg(config).stdout(Stdio::null()).spawn().unwrap();
        let target = Self { _dir: dir, child, address };
        let begun = Instant::now();
        while target.status().is_none() {
            assert!(begun.elapsed() < Duration::from_secs(30), "nginx does not answer");
        }
        target
    }

    fn status(&self) -> Option<u64> {
        let mut stream = TcpStream::connect(self.address).ok()?;
        stream.write_all(b"GET /status HTTP/1.0\r\n\r\n").ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        let counts = text.lines().skip_while(|line| !line.contains("accepts handled requests")).nth(1)?;
        counts.split_whitespace().nth(2)?.parse().ok()
    }

    /// Requests so far, this one included.
    pub(crate) fn requests(&self) -> u64 {
        self.status().expect("an answer")
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        let _ended = self.child.kill().and_then(|()| self.child.wait());
    }
}
