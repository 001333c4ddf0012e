//! TLS as a client: who is trusted, and who we are.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject as _},
};
use thiserror::Error as ThisError;

use crate::plan::Tls;

/// Who is trusted, and who we are.
#[derive(Clone, Debug, Default)]
pub struct TlsFiles {
    /// Authorities in PEM; the system's where there are none.
    pub ca: Option<PathBuf>,
    /// Our certificate chain and its key, both in PEM.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// Whether any certificate is taken.
    pub insecure: bool,
}

/// Why there is no TLS with these files.
#[derive(Debug, ThisError)]
pub enum Unusable {
    /// A file cannot be read, or has nothing of the kind in it.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: String,
    },
    /// The certificate and the key are of no use together.
    #[error("the client's certificate and key: {0}")]
    Identity(Error),
    /// The system has no authorities.
    #[error("no authorities were found on this system; name a file of them")]
    NoRoots,
}

/// The client's side of TLS. With `http2` nothing else is offered (ALPN `h2`), else HTTP/1.1.
pub fn config(files: &TlsFiles, http2: bool) -> Result<Arc<ClientConfig>, Unusable> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(Unusable::Identity)?;
    let builder = if files.insecure {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(Anybody(provider)))
    } else {
        builder.with_root_certificates(roots(files.ca.as_deref())?)
    };
    let mut config = match &files.identity {
        Some((chain, key)) => builder.with_client_auth_cert(certificates(chain)?, private_key(key)?),
        None => Ok(builder.with_no_client_auth()),
    }
    .map_err(Unusable::Identity)?;
    config.alpn_protocols = alpn(http2);
    Ok(Arc::new(config))
}

/// TLS with a configuration that somebody else has made, such as one whose certificates are renewed while it is used,
/// and no files. What is offered by ALPN is set as [`config`] does; all else stays as it is.
pub fn ready(config: &ClientConfig, name: ServerName<'static>, http2: bool) -> Tls {
    let mut config = config.clone();
    config.alpn_protocols = alpn(http2);
    Tls { config: Arc::new(config), name }
}

fn alpn(http2: bool) -> Vec<Vec<u8>> {
    vec![if http2 { b"h2".to_vec() } else { b"http/1.1".to_vec() }]
}

fn roots(ca: Option<&Path>) -> Result<RootCertStore, Unusable> {
    let mut roots = RootCertStore::empty();
    match ca {
        Some(path) => {
            for certificate in certificates(path)? {
                roots.add(certificate).map_err(|error| unreadable(path, &error))?;
            }
        }
        None => {
            // A single odd certificate in the system's store is not our business.
            let _added = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() { Err(Unusable::NoRoots) } else { Ok(roots) }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Unusable> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = read.map_err(|error| unreadable(path, &error))?;
    if certificates.is_empty() {
        return Err(unreadable(path, &io::Error::other("there is no certificate in PEM in it")));
    }
    Ok(certificates)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, Unusable> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &dyn std::fmt::Display) -> Unusable {
    Unusable::File { path: path.to_owned(), error: error.to_string() }
}

/// Trusts anybody, but still wants them to hold the key of what they show.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
