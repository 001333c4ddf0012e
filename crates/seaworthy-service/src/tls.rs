//! TLS by rustls: the server's certificate, and who a client's certificate says it is.

use std::{path::PathBuf, sync::Arc};

use rustls::{
    RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::WebPkiClientVerifier,
    version::{TLS12, TLS13},
};
use x509_parser::{certificate::X509Certificate, extensions::GeneralName, prelude::FromDer as _};

use crate::{config::TlsFiles, reload::Contents};

/// The files in the order in which [`server_config`] expects their contents.
pub(crate) fn files(tls: &TlsFiles) -> Vec<PathBuf> {
    [Some(&tls.cert), Some(&tls.key), tls.client_ca.as_ref()].into_iter().flatten().cloned().collect()
}

/// A configuration from the files' contents; an error names the file that is to blame.
pub(crate) fn server_config(tls: &TlsFiles, contents: &Contents) -> Result<Arc<ServerConfig>, String> {
    let [cert, key, rest @ ..] = contents.as_slice() else { return Err("a certificate and a key are needed".into()) };
    let blame = |path: &PathBuf, why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
    let chain = certificates(cert).map_err(|why| blame(&tls.cert, &why))?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_secret| blame(&tls.key, &"holds no private key in PEM"))?;
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|error| error.to_string())?;
    let builder = match (&tls.client_ca, rest.first()) {
        (Some(path), Some(authorities)) => {
            let mut roots = RootCertStore::empty();
            for authority in certificates(authorities).map_err(|why| blame(path, &why))? {
                roots.add(authority).map_err(|error| blame(path, &error))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .map_err(|error| blame(path, &error))?;
            builder.with_client_cert_verifier(verifier)
        }
        _ => builder.with_no_client_auth(),
    };
    let mut config = builder.with_single_cert(chain, key).map_err(|error| {
        if matches!(error, rustls::Error::InconsistentKeys(_)) {
            blame(&tls.key, &format!("is not the key of the certificate in {}", tls.cert.display()))
        } else {
            blame(&tls.cert, &error)
        }
    })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let all: Vec<_> =
        CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|error| error.to_string())?;
    if all.is_empty() { Err("holds no certificate in PEM".into()) } else { Ok(all) }
}

/// Who a certificate is for: its SPIFFE ID (SPIFFE X.509-SVID, 2) or else its subject.
pub(crate) fn identity(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let names = certificate.subject_alternative_name().ok().flatten();
    let uri = |name: &GeneralName<'_>| if let GeneralName::URI(uri) = name { Some((*uri).to_owned()) } else { None };
    let spiffe = names
        .iter()
        .flat_map(|names| &names.value.general_names)
        .filter_map(uri)
        .find(|uri| uri.starts_with("spiffe://"));
    spiffe.or_else(|| Some(certificate.subject().to_string()))
}
