//! What a certificate has to be for its SPIFFE ID to count (SPIFFE X.509-SVID). Chains are checked elsewhere; webpki does
//! not look at key usage, and knows nothing of SPIFFE, so that is done here.

use std::{fmt, time::SystemTime};

use rustls::pki_types::CertificateDer;
use thiserror::Error;
use x509_parser::{certificate::X509Certificate, extensions::GeneralName, prelude::FromDer as _};

use crate::{
    clock::at_second,
    spiffe::{Invalid, SpiffeId},
};

/// Who a certificate is for, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Svid {
    /// Who it is for.
    pub id: SpiffeId,
    /// The last second in which it is valid.
    pub not_after: SystemTime,
}

/// Why a certificate says nobody's SPIFFE ID, or one that does not count here.
#[derive(Clone, Error, PartialEq, Eq)]
pub enum Unfit {
    /// It is no certificate.
    #[error("its certificate cannot be read")]
    Unreadable,
    /// It has none or several names that are URIs (X.509-SVID, 2: exactly one).
    #[error("its certificate has {0} URIs as names, where a workload has one SPIFFE ID")]
    Uris(usize),
    /// The one is no SPIFFE ID of a workload.
    #[error("its certificate has no SPIFFE ID: {0}")]
    Id(#[from] Invalid),
    /// It is an authority's, which may not be used by anybody to say who they are (X.509-SVID, 3.2, 5.2).
    #[error("its certificate is an authority's, and no workload's")]
    Authority,
    /// It may not be used to sign a handshake, or not by both sides (X.509-SVID, 4.3, 4.4).
    #[error("its certificate may not be used for this: digitalSignature, clientAuth and serverAuth are needed")]
    Usage,
    /// It is of another trust domain than that of the authority.
    #[error("{0} is of another trust domain")]
    Domain(SpiffeId),
    /// It is who it says, and may not talk to us.
    #[error("{0} may not talk to this workload")]
    NotAllowed(SpiffeId),
}

/// rustls shows it like this where it says why a handshake failed.
impl fmt::Debug for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Reads a leaf certificate.
pub fn read(certificate: &CertificateDer<'_>) -> Result<Svid, Unfit> {
    let (rest, certificate) = X509Certificate::from_der(certificate).map_err(|_garbage| Unfit::Unreadable)?;
    if !rest.is_empty() {
        return Err(Unfit::Unreadable);
    }
    check_use(&certificate)?;
    let names = certificate.subject_alternative_name().map_err(|_twice| Unfit::Unreadable)?;
    let names = names.map(|names| names.value.general_names.as_slice()).unwrap_or_default();
    let uris: Vec<_> =
        names.iter().filter_map(|name| if let GeneralName::URI(uri) = name { Some(*uri) } else { None }).collect();
    let [uri] = uris.as_slice() else { return Err(Unfit::Uris(uris.len())) };
    let not_after = u64::try_from(certificate.validity().not_after.timestamp()).unwrap_or(0);
    Ok(Svid { id: uri.parse()?, not_after: at_second(not_after) })
}

fn check_use(certificate: &X509Certificate<'_>) -> Result<(), Unfit> {
    let basic = certificate.basic_constraints().map_err(|_twice| Unfit::Unreadable)?;
    if basic.is_some_and(|basic| basic.value.ca) {
        return Err(Unfit::Authority);
    }
    let usage = certificate.key_usage().map_err(|_twice| Unfit::Unreadable)?.ok_or(Unfit::Usage)?;
    if usage.value.key_cert_sign() || usage.value.crl_sign() {
        return Err(Unfit::Authority);
    }
    let extended = certificate.extended_key_usage().map_err(|_twice| Unfit::Unreadable)?;
    let both = extended.is_none_or(|extended| extended.value.client_auth && extended.value.server_auth);
    if usage.value.digital_signature() && both { Ok(()) } else { Err(Unfit::Usage) }
}
