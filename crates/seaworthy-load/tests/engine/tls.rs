//! TLS: good certificates, wrong ones, and what is no TLS at all.

use std::{
    io::{Read as _, Write as _},
    net::SocketAddr,
    sync::Arc,
};

use rustls::{
    RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    pki_types::{PrivateKeyDer, ServerName},
    server::WebPkiClientVerifier,
};
use seaworthy_core::outcome::{FailureKind as Kind, Phase};
use seaworthy_load::{
    Plan,
    plan::{Protocol, Tls},
    tls::{TlsFiles, config, ready},
};

use crate::server::{OK, failure, plan, read_request, run, serve};

/// An authority, and certificates that it has signed, as files.
struct Authority {
    dir: tempfile::TempDir,
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
    certificate: rcgen::Certificate,
}

impl Authority {
    fn new() -> Self {
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let dir = tempfile::TempDir::new().unwrap();
        std::fs::write(dir.path().join("ca.pem"), certificate.pem()).unwrap();
        Self { dir, issuer: rcgen::Issuer::new(params, key), certificate }
    }

    fn sign(&self, name: &str) -> (rcgen::Certificate, rcgen::KeyPair) {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new([name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }

    /// A server with a certificate for this name. It wants one of its clients, too, if `mutual`.
    fn serve(&self, name: &str, mutual: bool) -> SocketAddr {
        let (certificate, key) = self.sign(name);
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let builder = ServerConfig::builder();
        let builder = if mutual {
            let mut roots = RootCertStore::empty();
            roots.add(self.certificate.der().clone()).unwrap();
            builder.with_client_cert_verifier(WebPkiClientVerifier::builder(Arc::new(roots)).build().unwrap())
        } else {
            builder.with_no_client_auth()
        };
        let config = Arc::new(builder.with_single_cert(vec![certificate.der().clone()], key).unwrap());
        serve(move |stream, _| {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(connection, stream);
            while read_request(&mut stream) && stream.write_all(OK).is_ok() {}
        })
    }

    fn files(&self) -> TlsFiles {
        TlsFiles { ca: Some(self.dir.path().join("ca.pem")), ..TlsFiles::default() }
    }
}

fn over_tls(to: SocketAddr, files: &TlsFiles, http2: bool) -> Plan {
    let mut plan = plan(to, 2);
    plan.tls = Some(Tls { config: config(files, http2).unwrap(), name: ServerName::try_from("localhost").unwrap() });
    if http2 {
        plan.protocol = Protocol::Http2 { streams: 10 };
    }
    plan
}

#[test]
fn a_certificate_is_checked() {
    let authority = Authority::new();
    let server = authority.serve("localhost", false);
    let mut one = over_tls(server, &authority.files(), false);
    one.connections.most = 1;
    let (recording, _) = run(one);
    assert_eq!(recording.counts.good, 2, "{:?}", recording.words);
    assert_eq!(recording.times(|_| true).tls.count(), 1);

    let (phase, kind, _, words) = failure(&run(over_tls(server, &Authority::new().files(), false)).0);
    assert_eq!((phase, kind), (Phase::Tls, Kind::Tls));
    assert!(words.contains("certificate"), "{words}");

    let other = authority.serve("other.example", false);
    let (_, kind, _, words) = failure(&run(over_tls(other, &authority.files(), false)).0);
    assert_eq!(kind, Kind::Tls);
    assert!(words.contains("not valid for name"), "{words}");

    let anybody = TlsFiles { insecure: true, ..TlsFiles::default() };
    assert_eq!(run(over_tls(other, &anybody, false)).0.counts.good, 2);
}

#[test]
fn a_client_certificate_is_shown() {
    let authority = Authority::new();
    let server = authority.serve("localhost", true);
    let (certificate, key) = authority.sign("client");
    let (chain, secret) = (authority.dir.path().join("client.pem"), authority.dir.path().join("client.key"));
    std::fs::write(&chain, certificate.pem()).unwrap();
    std::fs::write(&secret, key.serialize_pem()).unwrap();
    let with = TlsFiles { identity: Some((chain, secret)), ..authority.files() };
    assert_eq!(run(over_tls(server, &with, false)).0.counts.good, 2);

    let (recording, _) = run(over_tls(server, &authority.files(), false));
    assert_eq!((recording.counts.good, recording.counts.failed), (0, 2));
    assert!(recording.failures.keys().all(|class| matches!(class.kind, Kind::Tls | Kind::Reset)), "{recording:?}");
}

#[test]
fn a_configuration_that_is_ready_is_used_as_it_is() {
    let authority = Authority::new();
    let (certificate, key) = authority.sign("client");
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(authority.certificate.der().clone()).unwrap();
    let mut made = rustls::ClientConfig::builder()
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![certificate.der().clone()], key)
        .unwrap();
    made.alpn_protocols = vec![b"other".to_vec()];
    let name = ServerName::try_from("localhost").unwrap();
    for (http2, protocol) in [(false, b"http/1.1".to_vec()), (true, b"h2".to_vec())] {
        assert_eq!(ready(&made, name.clone(), http2).config.alpn_protocols, [protocol]);
    }
    let mut one = plan(authority.serve("localhost", true), 2);
    one.tls = Some(ready(&made, name, false));
    let (recording, _) = run(one);
    assert_eq!(recording.counts.good, 2, "{:?}", recording.words);
    let mut other = plan(authority.serve("localhost", true), 2);
    other.tls = Some(ready(&made, ServerName::try_from("other.example").unwrap(), false));
    let (_, kind, _, words) = failure(&run(other).0);
    assert_eq!(kind, Kind::Tls);
    assert!(words.contains("not valid for name"), "{words}");
}

#[test]
fn what_is_no_tls() {
    let authority = Authority::new();
    let named = |server| {
        let (phase, kind, ..) = failure(&run(over_tls(server, &authority.files(), false)).0);
        (phase, kind)
    };
    let plain = serve(|mut stream, _| {
        let _greeted = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        let mut rest = Vec::new();
        let _rest = stream.read_to_end(&mut rest);
    });
    assert_eq!(named(plain), (Phase::Tls, Kind::Tls));
    let closes = serve(|mut stream, _| {
        let mut hello = [0; 2000];
        let _hello = stream.read(&mut hello);
    });
    assert_eq!(named(closes), (Phase::Tls, Kind::Closed));
    let silent = serve(|mut stream, _| {
        let mut rest = Vec::new();
        let _rest = stream.read_to_end(&mut rest);
    });
    assert_eq!(named(silent), (Phase::Tls, Kind::TimedOut));
}

#[test]
fn a_server_that_does_not_choose_http2() {
    let authority = Authority::new();
    let server = authority.serve("localhost", false);
    let (phase, kind, _, words) = failure(&run(over_tls(server, &authority.files(), true)).0);
    assert_eq!((phase, kind), (Phase::Tls, Kind::NotHttp2), "{words}");
}

#[test]
fn plain_http_to_a_tls_port() {
    let authority = Authority::new();
    let (recording, _) = run(plan(authority.serve("localhost", false), 2));
    assert_eq!(failure(&recording).1, Kind::Malformed);
}

#[test]
fn files_that_are_of_no_use_are_named() {
    let authority = Authority::new();
    let missing = TlsFiles { ca: Some("/nowhere/ca.pem".into()), ..TlsFiles::default() };
    let error = config(&missing, false).unwrap_err().to_string();
    assert!(error.starts_with("/nowhere/ca.pem: "), "{error}");
    let empty = authority.dir.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    let error = config(&TlsFiles { ca: Some(empty), ..TlsFiles::default() }, false).unwrap_err().to_string();
    assert!(error.ends_with("there is no certificate in PEM in it"), "{error}");
}
