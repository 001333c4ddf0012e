//! TLS and mTLS, with certificates made for each test.

use std::{net::SocketAddr, path::PathBuf, process::Command, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
    version::{TLS12, TLS13},
};
use tempfile::TempDir;

use crate::{
    client::{self, Client},
    server::{Backend, Server, eventually},
};

/// An authority and a folder for what it signs.
struct Authority {
    dir: TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key, in PEM.
struct Signed {
    cert: String,
    key: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "Test authority");
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { dir: TempDir::new().unwrap(), issuer }
    }

    fn sign(&self, name: &str, spiffe: Option<&str>) -> Signed {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        if let Some(id) = spiffe {
            params.subject_alt_names.push(SanType::URI(id.try_into().unwrap()));
        }
        let key = KeyPair::generate().unwrap();
        let cert = params.signed_by(&key, &self.issuer).unwrap();
        Signed { cert: cert.pem(), key: key.serialize_pem() }
    }

    fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        // As Kubernetes and careful people replace a file: whole, at once.
        let new = self.dir.path().join(format!("{name}.new"));
        std::fs::write(&new, content).unwrap();
        std::fs::rename(&new, &path).unwrap();
        path
    }

    fn put(&self, signed: &Signed) -> [String; 4] {
        let (cert, key) = (self.file("cert.pem", &signed.cert), self.file("key.pem", &signed.key));
        ["--tls-cert".into(), cert.display().to_string(), "--tls-key".into(), key.display().to_string()]
    }

    fn ca_file(&self) -> String {
        self.file("ca.pem", &self.issuer.pem()).display().to_string()
    }

    /// What a client that trusts this authority is configured with.
    fn client(
        &self,
        own: Option<&Signed>,
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.issuer.pem().as_bytes()).unwrap()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots);
        Arc::new(match own {
            Some(own) => builder
                .with_client_auth_cert(
                    vec![CertificateDer::from_pem_slice(own.cert.as_bytes()).unwrap()],
                    PrivateKeyDer::from_pem_slice(own.key.as_bytes()).unwrap(),
                )
                .unwrap(),
            None => builder.with_no_client_auth(),
        })
    }
}

fn connect(address: SocketAddr, config: &Arc<ClientConfig>) -> Client {
    let name = ServerName::try_from("localhost").unwrap();
    let connection = ClientConnection::new(Arc::clone(config), name).unwrap();
    Client::over(StreamOwned::new(connection, client::tcp(address).unwrap()))
}

fn start(backend: &Backend, args: &[String], more: &[&str]) -> Server {
    let args: Vec<&str> = args.iter().map(String::as_str).chain(more.iter().copied()).collect();
    backend.start_with(&args)
}

const BOTH: &[&rustls::SupportedProtocolVersion] = &[&TLS13, &TLS12];

#[test]
fn both_versions_and_no_plaintext() {
    let authority = Authority::new();
    let backend = Backend::sqlite();
    let server = start(&backend, &authority.put(&authority.sign("server", None)), &["--header-timeout", "300ms"]);
    for version in [&TLS12, &TLS13] {
        let answer =
            connect(server.address, &authority.client(None, &[version])).request("GET", "/", &[], b"").unwrap();
        assert_eq!(answer.status, 200);
    }
    assert_eq!(server.metric(r#"seaworthy_http_caller_requests_total{caller="(unknown)",security="tls"}"#), Some(2.0));
    let mut plain = server.connect();
    assert!(plain.request("GET", "/", &[], b"").is_err());
    // A handshake that never comes does not hold a connection for ever.
    assert!(server.connect().is_closed());
    assert_eq!(server.metric(r#"seaworthy_http_refused_total{reason="handshake"}"#), Some(2.0));
}

#[test]
fn a_client_certificate_is_required_and_names_the_caller() {
    let authority = Authority::new();
    let backend = Backend::sqlite();
    let ca = authority.ca_file();
    // With client certificates the service may listen beyond loopback without --allow-anonymous.
    let server = start(&backend, &authority.put(&authority.sign("server", None)), &["--client-ca", &ca]);
    let spiffe = authority.sign("ignored", Some("spiffe://shop.example/ns/shop/sa/checkout"));
    let subject = authority.sign("billing", None);
    for (own, caller) in [(&spiffe, "spiffe://shop.example/ns/shop/sa/checkout"), (&subject, "CN=billing")] {
        let mut client = connect(server.address, &authority.client(Some(own), BOTH));
        assert_eq!(client.request("GET", "/v1/users", &[], b"").unwrap().status, 200);
        let sample = format!(r#"seaworthy_http_caller_requests_total{{caller="{caller}",security="mtls"}}"#);
        assert_eq!(server.metric(&sample), Some(1.0), "{}", server.ops("/metrics").text());
        server.await_line(|line| line["message"] == "request" && line["caller"] == caller);
    }
    assert!(connect(server.address, &authority.client(None, BOTH)).request("GET", "/", &[], b"").is_err());
    let stranger = Authority::new().sign("stranger", None);
    assert!(connect(server.address, &authority.client(Some(&stranger), BOTH)).request("GET", "/", &[], b"").is_err());
}

#[test]
fn changed_files_are_used_and_no_connection_is_dropped() {
    let authority = Authority::new();
    let backend = Backend::sqlite();
    let server = start(&backend, &authority.put(&authority.sign("server", None)), &["--reload-interval", "100ms"]);
    let trusting = authority.client(None, BOTH);
    let mut before = connect(server.address, &trusting);
    assert_eq!(before.request("GET", "/", &[], b"").unwrap().status, 200);

    // A key without its certificate is not taken, and the old pair stays.
    authority.file("cert.pem", "nonsense");
    server.await_line(|line| line["message"].as_str().is_some_and(|message| message.contains("not usable")));
    assert_eq!(connect(server.address, &trusting).request("GET", "/", &[], b"").unwrap().status, 200);

    let other = Authority::new();
    let signed = other.sign("server", None);
    authority.put(&signed);
    let trusting_other = other.client(None, BOTH);
    eventually("the new certificate is shown", || {
        connect(server.address, &trusting_other).request("GET", "/", &[], b"").is_ok_and(|answer| answer.status == 200)
    });
    assert!(connect(server.address, &trusting).request("GET", "/", &[], b"").is_err(), "the old one is gone");
    assert_eq!(before.request("GET", "/", &[], b"").unwrap().status, 200, "the old connection lives on");
    assert!(server.metric(r#"seaworthy_file_reloads_total{file="tls",outcome="taken"}"#).unwrap() >= 1.0);
}

#[test]
fn http2_by_alpn_and_by_prior_knowledge() {
    let authority = Authority::new();
    let backend = Backend::sqlite();
    let server = start(&backend, &authority.put(&authority.sign("server", None)), &[]);
    let plain = backend.start();
    let curl = |args: &[&str]| {
        let done = Command::new("curl")
            .args(["-sS", "-o", "/dev/null", "-w", "%{http_version} %{http_code}"])
            .args(args)
            .output();
        let done = done.expect("curl; `cargo xtask test` installs it");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).into_owned()
    };
    let url = format!("https://localhost:{}/", server.address.port());
    let ca = authority.ca_file();
    assert_eq!(curl(&["--cacert", &ca, &url]), "2 200");
    assert_eq!(curl(&["--cacert", &ca, "--http1.1", &url]), "1.1 200");
    let url = format!("http://{}/v1/users", plain.address);
    assert_eq!(curl(&["--http2-prior-knowledge", &url]), "2 200");
    assert_eq!(curl(&[&url]), "1.1 200");
    let big = "x".repeat(20_000);
    assert_eq!(curl(&["--http2-prior-knowledge", "-H", &format!("x: {big}"), &url]), "2 431");
}

#[test]
fn files_that_are_no_certificates_say_which() {
    let authority = Authority::new();
    let good = authority.put(&authority.sign("server", None));
    let bad = authority.file("bad.pem", "nonsense").display().to_string();
    let [cert, cert_path, key, key_path] = &good;
    let other = authority.file("other.pem", &authority.sign("x", None).key).display().to_string();
    for args in [[cert, &bad, key, key_path], [cert, cert_path, key, &bad], [cert, cert_path, key, &other]] {
        let done = crate::server::seaworthy()
            .arg("serve")
            .args(args)
            .args(["--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"])
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&done.stderr);
        assert_eq!((done.status.code(), error.lines().count()), (Some(4), 1), "{error}");
        assert!(error.contains(".pem: "), "{error}");
    }
}
