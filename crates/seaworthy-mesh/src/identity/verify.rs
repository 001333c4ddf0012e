//! Who is let in: a certificate of the trust bundle, with a SPIFFE ID that may talk to us. No DNS names are looked at.

use std::{collections::BTreeSet, fmt, sync::Arc};

use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, SignatureScheme,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_cert_signed_by_trust_anchor,
    },
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::{
        ParsedCertificate,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
};

use super::{
    bundle::{Anchor, Bundle, Shared},
    svid::{self, Unfit},
};
use crate::{clock::from_tls, spiffe::SpiffeId};

/// Who may talk to a workload. IDs are compared as they are written: none is a pattern.
#[derive(Clone)]
pub enum Peers {
    /// These and nobody else.
    Exactly(Arc<BTreeSet<SpiffeId>>),
    /// Those for whom this says yes.
    Matching(Arc<dyn Fn(&SpiffeId) -> bool + Send + Sync>),
}

impl Peers {
    /// These and nobody else.
    pub fn exactly(ids: impl IntoIterator<Item = SpiffeId>) -> Self {
        Self::Exactly(Arc::new(ids.into_iter().collect()))
    }

    /// Those for whom `may` says yes.
    pub fn matching(may: impl Fn(&SpiffeId) -> bool + Send + Sync + 'static) -> Self {
        Self::Matching(Arc::new(may))
    }

    /// Whether this one may.
    pub fn allow(&self, id: &SpiffeId) -> bool {
        match self {
            Self::Exactly(ids) => ids.contains(id),
            Self::Matching(may) => may(id),
        }
    }
}

impl fmt::Debug for Peers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(ids) => f.debug_tuple("Exactly").field(ids).finish(),
            Self::Matching(_) => f.write_str("Matching(..)"),
        }
    }
}

/// Verifies the other side, whichever it is.
pub(super) struct Verifier {
    pub(super) bundle: Arc<Shared<Bundle>>,
    pub(super) domain: Arc<str>,
    pub(super) peers: Peers,
    pub(super) provider: Arc<CryptoProvider>,
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("domain", &self.domain).field("peers", &self.peers).finish_non_exhaustive()
    }
}

impl Verifier {
    /// A chain to an authority that is valid now, a leaf by the rules, and an ID that is allowed: in this order, so that
    /// nobody is told of by a name that no authority gave them.
    fn check(
        &self,
        leaf: &CertificateDer<'_>,
        now: UnixTime,
        chain: impl Fn(&Anchor) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut why = Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let bundle = self.bundle.get();
        let trusted = bundle.live(from_tls(now)).any(|anchor| match chain(anchor) {
            Ok(()) => true,
            Err(error) => {
                // With several authorities all but one of them say that they do not know it; what the one says counts.
                if why == Error::InvalidCertificate(CertificateError::UnknownIssuer) {
                    why = error;
                }
                false
            }
        });
        if !trusted {
            return Err(why);
        }
        let id = svid::read(leaf).map_err(unfit)?.id;
        if id.domain() != &*self.domain {
            return Err(unfit(Unfit::Domain(id)));
        }
        if self.peers.allow(&id) { Ok(()) } else { Err(unfit(Unfit::NotAllowed(id))) }
    }

    fn schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }

    fn signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn old_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }
}

/// So that whoever counts it can say who it was (see [`crate::reason`]).
fn unfit(why: Unfit) -> Error {
    Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(why))))
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let parsed = ParsedCertificate::try_from(end_entity)?;
        let all = self.provider.signature_verification_algorithms.all;
        self.check(end_entity, now, |anchor| {
            verify_server_cert_signed_by_trust_anchor(&parsed, &anchor.roots, intermediates, now, all)
        })
        .map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.old_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes()
    }
}

impl ClientCertVerifier for Verifier {
    /// None: a client has one certificate, and shows it whatever is hinted at.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.check(end_entity, now, |anchor| {
            anchor.clients.verify_client_cert(end_entity, intermediates, now).map(|_verified| ())
        })
        .map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.old_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes()
    }
}
