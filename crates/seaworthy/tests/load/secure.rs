//! TLS by files, HTTP/2, and secrets that are not repeated.

use std::{fs, path::Path};

use crate::{
    run::{file, report, run, url},
    server::Backend,
};

/// An authority, a server's certificate for localhost, and a client's, in a folder.
fn certificates(dir: &Path) {
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().unwrap();
    fs::write(dir.join("ca.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
    let issuer = rcgen::Issuer::new(params, key);
    for name in ["localhost", "client"] {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new([name.to_owned()]).unwrap();
        fs::write(dir.join(format!("{name}.pem")), params.signed_by(&key, &issuer).unwrap().pem()).unwrap();
        fs::write(dir.join(format!("{name}.key")), key.serialize_pem()).unwrap();
    }
}

#[test]
fn mutual_tls_over_both_protocols() {
    let dir = tempfile::TempDir::new().unwrap();
    certificates(dir.path());
    let path = |name: &str| file(dir.path(), name).1;
    let (ca, cert, key) = (path("ca.pem"), path("localhost.pem"), path("localhost.key"));
    let database = Backend::sqlite();
    let server = database.start_with(&["--tls-cert", &cert, "--tls-key", &key, "--client-ca", &ca]);
    let url = format!("https://localhost:{}/", server.address.port());
    let (cert, key) = (path("client.pem"), path("client.key"));
    for protocol in [&[][..], &["--http2"]] {
        let with =
            [&[&*url, "-n", "50", "-q", "100", "--cacert", &ca, "--cert", &cert, "--key", &key], protocol].concat();
        let (done, report) = report(&with);
        assert_eq!((done.code, &report["counts"]["good"]), (0, &50.into()), "{done:?}");
        assert!(report["tls_ms"]["count"].as_u64().unwrap() > 0);
    }
    // Who shows no certificate is not let in.
    let done = run(&[&url, "-n", "5", "-q", "100", "--cacert", &ca]);
    assert_eq!(done.code, 1, "{done:?}");
    assert!(done.stdout.contains("TLS failed") || done.stdout.contains("connection reset"), "{done:?}");
    // And whom nobody vouches for is not spoken to.
    let done = run(&[&url, "-n", "5", "-q", "100"]);
    assert_eq!(done.code, 1, "{done:?}");
    assert!(done.stdout.contains("certificate"), "{done:?}");
}

#[test]
fn http2_with_prior_knowledge() {
    let database = Backend::sqlite();
    let server = database.start();
    let (done, report) = report(&[&url(server.address), "--http2", "-n", "100", "-q", "500", "-c", "2"]);
    assert_eq!((done.code, &report["counts"]["good"]), (0, &100.into()), "{done:?}");
    assert_eq!(report["counts"]["opened"], 2);
}

#[test]
fn secrets_are_not_repeated() {
    let database = Backend::sqlite();
    let server = database.start();
    let (done, report) = report(&[
        &url(server.address),
        "-n",
        "5",
        "-q",
        "100",
        "-H",
        "Authorization: Bearer s3cret",
        "-H",
        "Cookie: id=s3cret",
        "-m",
        "GET",
        "-d",
        "password=s3cret",
    ]);
    for said in [&done.stdout, &done.stderr, &report.to_string()] {
        assert!(!said.contains("s3cret"), "{said}");
    }
    assert!(report["run"]["command"].as_str().unwrap().contains("Authorization"), "{report}");
}
