//! Why somebody was turned away, in one line.

use std::{fmt, io};

use rustls::{AlertDescription, CertificateError, Error, PeerIncompatible};

use crate::identity::Unfit;

/// The longest that is kept of what a library says.
const LONGEST: usize = 160;

/// Why somebody was turned away. Few of them hold anything of the other side's, and that only after an authority of
/// ours has vouched for it, so that nobody can fill a table with them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// It spoke without TLS where TLS is wanted.
    Plaintext,
    /// It said nothing, or not all of its handshake, for too long.
    Silent,
    /// It left in the middle of the handshake.
    HungUp,
    /// What it sent is no TLS.
    NotTls,
    /// It cannot speak TLS 1.3.
    OldTls,
    /// It has no protocol in common with us (ALPN).
    Protocol,
    /// It showed no certificate.
    NoCertificate,
    /// Its certificate is over.
    Expired,
    /// Its certificate is not valid yet.
    NotYetValid,
    /// Its certificate is of nobody whom we trust.
    Untrusted,
    /// Its certificate is good, and not one that may talk to us.
    Identity(Box<str>),
    /// It turned us away, with this alert.
    Alert(Box<str>),
    /// Something else.
    Other(Box<str>),
}

impl Reason {
    /// That of a handshake that failed.
    pub(crate) fn of(error: &io::Error) -> Self {
        use io::ErrorKind::{BrokenPipe, ConnectionReset, TimedOut, UnexpectedEof};
        match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
            Some(error) => Self::of_tls(error),
            None if matches!(error.kind(), UnexpectedEof | ConnectionReset | BrokenPipe) => Self::HungUp,
            None if error.kind() == TimedOut => Self::Silent,
            None => Self::Other(short(&error.to_string())),
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the enum is the library's, and grows")]
    fn of_tls(error: &Error) -> Self {
        match error {
            Error::NoCertificatesPresented => Self::NoCertificate,
            Error::InvalidCertificate(certificate) => Self::of_certificate(certificate),
            Error::PeerIncompatible(
                PeerIncompatible::SupportedVersionsExtensionRequired
                | PeerIncompatible::ServerDoesNotSupportTls12Or13
                | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
                | PeerIncompatible::Tls12NotOfferedOrEnabled
                | PeerIncompatible::Tls13RequiredForQuic,
            ) => Self::OldTls,
            Error::NoApplicationProtocol | Error::AlertReceived(AlertDescription::NoApplicationProtocol) => {
                Self::Protocol
            }
            Error::InvalidMessage(_) | Error::InappropriateMessage { .. } | Error::DecryptError => Self::NotTls,
            Error::AlertReceived(alert) => Self::Alert(short(&format!("{alert:?}"))),
            other => Self::Other(short(&other.to_string())),
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the enum is the library's, and grows")]
    fn of_certificate(error: &CertificateError) -> Self {
        match error {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Self::NotYetValid,
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::Untrusted,
            CertificateError::Other(other) if other.0.is::<Unfit>() => Self::Identity(short(&other.0.to_string())),
            other => Self::Other(short(&format!("its certificate: {other}"))),
        }
    }
}

fn short(text: &str) -> Box<str> {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST).collect()
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plaintext => "spoke without TLS, which is wanted here",
            Self::Silent => "took too long over its handshake",
            Self::HungUp => "hung up in the handshake",
            Self::NotTls => "sent what is no TLS",
            Self::OldTls => "cannot speak TLS 1.3",
            Self::Protocol => "wants another protocol than is spoken here (ALPN)",
            Self::NoCertificate => "showed no certificate",
            Self::Expired => "its certificate has expired",
            Self::NotYetValid => "its certificate is not valid yet: one of the two clocks is wrong",
            Self::Untrusted => "its certificate is of an authority that is not trusted here",
            Self::Identity(why) | Self::Other(why) => why,
            Self::Alert(alert) => return write!(f, "turned us away: {alert}"),
        })
    }
}
