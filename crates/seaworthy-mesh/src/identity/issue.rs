//! Making certificates: authorities and the leaves that they sign (P-256, X.509-SVID).

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    sync::Arc,
    time::{Duration, SystemTime},
};

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, PKCS_ECDSA_P256_SHA256, SanType,
    date_time_ymd,
};
use rustls::{
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    sign::CertifiedKey,
};

use super::{Failed, Lifetimes};
use crate::{
    clock::{at_second, since_epoch},
    spiffe::SpiffeId,
};

/// From when until when a certificate is valid, in whole seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Validity {
    pub(super) from: SystemTime,
    pub(super) until: SystemTime,
}

impl Validity {
    /// For so long from now on, and a little before it: clocks are set back.
    pub(super) fn new(now: SystemTime, lifetime: Duration, backdate: Duration) -> Self {
        let now = since_epoch(now);
        let from = now.saturating_sub(backdate).as_secs();
        let until = now.saturating_add(lifetime);
        let until = until.as_secs().saturating_add(u64::from(until.subsec_nanos() > 0));
        Self { from: at_second(from), until: at_second(until) }
    }

    fn write(self, params: &mut CertificateParams) {
        let epoch = date_time_ymd(1970, 1, 1);
        params.not_before = epoch + since_epoch(self.from);
        params.not_after = epoch + since_epoch(self.until);
    }
}

/// The key of an authority, which never leaves this, and its certificate.
pub(super) struct Signer {
    issuer: Issuer<'static, KeyPair>,
    pub(super) certificate: CertificateDer<'static>,
    pub(super) validity: Validity,
    /// When another one takes over.
    pub(super) renew_at: SystemTime,
    /// When the last of its leaves so far ends.
    pub(super) last_leaf: SystemTime,
}

/// A leaf's chain and key as rustls wants them, and its times.
pub(super) struct Leaf {
    pub(super) key: Arc<CertifiedKey>,
    pub(super) not_after: SystemTime,
    pub(super) renew_at: SystemTime,
}

impl Signer {
    /// A new authority of a trust domain, the `number`th.
    pub(super) fn new(domain: &str, number: u64, now: SystemTime, lifetimes: &Lifetimes) -> Result<Self, Failed> {
        let validity = Validity::new(now, lifetimes.authority, lifetimes.backdate);
        let mut params = CertificateParams::default();
        validity.write(&mut params);
        params.distinguished_name = DistinguishedName::new();
        // Its key is a part of its name: an authority of the same domain elsewhere is another one, and said to be unknown
        // rather than a forger.
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(Failed::Make)?;
        let print = params.key_identifier(&key).first_chunk().map_or(0, |first| u64::from_be_bytes(*first));
        params.distinguished_name.push(DnType::CommonName, format!("{domain} authority {number} {print:016x}"));
        // It is an SVID itself, without a path (X.509-SVID, 3.2).
        params.subject_alt_names = vec![SanType::URI(format!("spiffe://{domain}").try_into().map_err(Failed::Make)?)];
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.name_constraints = Some(no_hosts());
        let certificate = params.self_signed(&key).map_err(Failed::Make)?.der().clone();
        let renew_at = half(now, lifetimes.authority);
        Ok(Self { issuer: Issuer::new(params, key), certificate, validity, renew_at, last_leaf: now })
    }

    /// A new key and certificate for a workload. It does not outlive its authority.
    pub(super) fn leaf(
        &mut self,
        id: &SpiffeId,
        now: SystemTime,
        lifetimes: &Lifetimes,
        provider: &CryptoProvider,
    ) -> Result<Leaf, Failed> {
        let mut validity = Validity::new(now, lifetimes.leaf, lifetimes.backdate);
        validity.until = validity.until.min(self.validity.until);
        let mut params = CertificateParams::default();
        validity.write(&mut params);
        // No subject: the SPIFFE ID is the name, and its extension is critical therefore (RFC 5280, 4.1.2.6).
        params.distinguished_name = DistinguishedName::new();
        params.subject_alt_names = vec![SanType::URI(id.as_str().try_into().map_err(Failed::Make)?)];
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(Failed::Make)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(Failed::Make)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let key = provider.key_provider.load_private_key(key).map_err(Failed::Key)?;
        self.last_leaf = self.last_leaf.max(validity.until);
        let key = Arc::new(CertifiedKey::new(vec![certificate.der().clone()], key));
        let left = validity.until.duration_since(now).unwrap_or_default().min(lifetimes.leaf);
        Ok(Leaf { key, not_after: validity.until, renew_at: half(now, left) })
    }
}

/// What it signs can be no host's certificate, should it ever be trusted by mistake elsewhere. That its leaves are of its
/// trust domain is checked by the verifiers: webpki refuses all leaves of an authority with a constraint on URIs.
pub(super) fn no_hosts() -> NameConstraints {
    NameConstraints {
        permitted_subtrees: Vec::new(),
        excluded_subtrees: vec![
            GeneralSubtree::DnsName(String::new()),
            GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(Ipv4Addr::UNSPECIFIED.into(), 0)),
            GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(Ipv6Addr::UNSPECIFIED.into(), 0)),
        ],
    }
}

fn half(now: SystemTime, lifetime: Duration) -> SystemTime {
    now.checked_add(lifetime / 2).unwrap_or(now)
}
