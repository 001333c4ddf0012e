//! Certificates that only an authority's key can make, and what the verifier says to them.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, ExtendedKeyUsagePurpose as Extended, IsCa, Issuer, KeyPair,
    KeyUsagePurpose as Usage, SanType, date_time_ymd,
};
use rustls::{
    CertificateError, Error,
    client::danger::ServerCertVerifier as _,
    crypto::ring,
    pki_types::{CertificateDer, UnixTime},
    server::danger::ClientCertVerifier as _,
};
use x509_parser::{certificate::X509Certificate, prelude::FromDer as _};

use super::{
    Lifetimes, Peers,
    bundle::{Anchor, Bundle, Shared},
    issue::{Signer, Validity},
    server_name,
    svid::{Unfit, read},
    verify::Verifier,
};
use crate::{
    clock::{at_second, since_epoch},
    spiffe::{Invalid, SpiffeId},
};

const DAY: Duration = Duration::from_hours(24);
const ID: &str = "spiffe://seaworthy.local/replica/3";

fn now() -> SystemTime {
    at_second(1_800_000_000)
}

/// An authority whose key this test has.
struct Stolen {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
}

impl Stolen {
    fn new() -> Self {
        let mut params = valid(CertificateParams::default());
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![Usage::KeyCertSign];
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().der().clone();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    fn sign(&self, params: &CertificateParams) -> CertificateDer<'static> {
        params.signed_by(&KeyPair::generate().unwrap(), &self.issuer).unwrap().der().clone()
    }

    /// Trusts it until then, and lets everybody call.
    fn verifier(&self, until: SystemTime) -> Verifier {
        let provider = Arc::new(ring::default_provider());
        let validity = Validity { from: now() - DAY, until };
        let anchor = Anchor::new(&self.certificate, validity, &provider).unwrap();
        Verifier {
            bundle: Arc::new(Shared::new(Bundle(vec![anchor]))),
            domain: "seaworthy.local".into(),
            peers: Peers::matching(|_| true),
            provider,
        }
    }
}

fn valid(mut params: CertificateParams) -> CertificateParams {
    params.not_before = date_time_ymd(1970, 1, 1) + since_epoch(now() - DAY);
    params.not_after = date_time_ymd(1970, 1, 1) + since_epoch(now() + DAY);
    params
}

fn uri(uri: &str) -> SanType {
    SanType::URI(uri.try_into().unwrap())
}

/// A leaf as it has to be.
fn good() -> CertificateParams {
    let mut params = valid(CertificateParams::default());
    params.distinguished_name = DistinguishedName::new();
    params.subject_alt_names = vec![uri(ID)];
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![Usage::DigitalSignature];
    params.extended_key_usages = vec![Extended::ServerAuth, Extended::ClientAuth];
    params
}

fn but(change: impl Fn(&mut CertificateParams)) -> CertificateParams {
    let mut params = good();
    change(&mut params);
    params
}

/// What both sides say to a leaf: the same, or this fails.
fn says(verifier: &Verifier, leaf: &CertificateDer<'_>) -> Result<(), Error> {
    let now = UnixTime::since_unix_epoch(since_epoch(now()));
    let server = verifier.verify_server_cert(leaf, &[], &server_name(), &[], now).map(drop);
    let client = verifier.verify_client_cert(leaf, &[], now).map(drop);
    assert_eq!(server.is_ok(), client.is_ok(), "{server:?} {client:?}");
    server
}

#[test]
fn what_a_leaf_has_to_be() {
    let stolen = Stolen::new();
    let verifier = stolen.verifier(now() + DAY);
    let leaf = stolen.sign(&good());
    assert_eq!(says(&verifier, &leaf), Ok(()));
    assert_eq!(read(&leaf).unwrap().not_after, now() + DAY);
    // Other names may be there, and say nothing.
    let named = but(|leaf| leaf.subject_alt_names.push(SanType::DnsName("localhost".try_into().unwrap())));
    assert_eq!(says(&verifier, &stolen.sign(&named)), Ok(()));
    let cases = [
        (but(|leaf| leaf.subject_alt_names.push(uri("spiffe://seaworthy.local/gateway"))), Unfit::Uris(2)),
        (but(|leaf| leaf.subject_alt_names.push(uri("https://seaworthy.local/"))), Unfit::Uris(2)),
        (but(|leaf| leaf.subject_alt_names = vec![SanType::DnsName("localhost".try_into().unwrap())]), Unfit::Uris(0)),
        (but(|leaf| leaf.subject_alt_names = vec![uri("https://seaworthy.local/x")]), Unfit::Id(Invalid::Scheme)),
        (but(|leaf| leaf.subject_alt_names = vec![uri("spiffe://seaworthy.local")]), Unfit::Id(Invalid::NoPath)),
        (but(|leaf| leaf.key_usages.push(Usage::KeyCertSign)), Unfit::Authority),
        (but(|leaf| leaf.key_usages.push(Usage::CrlSign)), Unfit::Authority),
        (but(|leaf| leaf.key_usages = vec![Usage::KeyEncipherment]), Unfit::Usage),
        (but(|leaf| leaf.key_usages.clear()), Unfit::Usage),
    ];
    for (params, why) in cases {
        let leaf = stolen.sign(&params);
        assert_eq!(read(&leaf).unwrap_err(), why);
        let said = says(&verifier, &leaf).unwrap_err();
        assert!(said.to_string().contains(&why.to_string()), "{said}");
    }
    let authority = stolen.sign(&but(|leaf| leaf.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)));
    assert_eq!(read(&authority).unwrap_err(), Unfit::Authority);
    says(&verifier, &authority).unwrap_err();
    for only in [Extended::ServerAuth, Extended::ClientAuth] {
        let leaf = stolen.sign(&but(|leaf| leaf.extended_key_usages = vec![only.clone()]));
        assert_eq!(read(&leaf).unwrap_err(), Unfit::Usage);
    }
    assert_eq!(read(&CertificateDer::from(vec![0x30, 0])).unwrap_err(), Unfit::Unreadable);
    let mut longer = leaf.to_vec();
    longer.push(0);
    assert_eq!(read(&CertificateDer::from(longer)).unwrap_err(), Unfit::Unreadable);
}

#[test]
fn another_trust_domain_is_not_the_authoritys_to_name() {
    let stolen = Stolen::new();
    let leaf = stolen.sign(&but(|leaf| leaf.subject_alt_names = vec![uri("spiffe://other.local/replica/3")]));
    let said = says(&stolen.verifier(now() + DAY), &leaf).unwrap_err().to_string();
    assert!(said.contains("spiffe://other.local/replica/3 is of another trust domain"), "{said}");
}

#[test]
fn an_authority_ends_whatever_it_has_signed() {
    let stolen = Stolen::new();
    let leaf = stolen.sign(&good());
    assert_eq!(says(&stolen.verifier(now()), &leaf), Ok(()));
    let over = stolen.verifier(now() - Duration::from_secs(1));
    assert_eq!(says(&over, &leaf), Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)));
    // One that is not yet.
    let mut early = stolen.verifier(now() + DAY);
    let mut bundle = Bundle::clone(&early.bundle.get());
    bundle.0[0].from = now() + Duration::from_secs(1);
    early.bundle = Arc::new(Shared::new(bundle));
    says(&early, &leaf).unwrap_err();
}

#[test]
fn what_an_authority_issues() {
    let lifetimes = Lifetimes { leaf: DAY / 4, authority: DAY, backdate: Duration::from_secs(30) };
    let mut signer = Signer::new("seaworthy.local", 1, now(), &lifetimes).unwrap();
    let (_, authority) = X509Certificate::from_der(&signer.certificate).unwrap();
    assert!(authority.is_ca());
    assert!(authority.key_usage().unwrap().unwrap().value.key_cert_sign());
    assert!(authority.name_constraints().unwrap().unwrap().critical);
    assert!(format!("{:?}", authority.subject_alternative_name()).contains("spiffe://seaworthy.local"));

    let provider = ring::default_provider();
    let id: SpiffeId = ID.parse().unwrap();
    let leaf = signer.leaf(&id, now(), &lifetimes, &provider).unwrap();
    let svid = read(&leaf.key.cert[0]).unwrap();
    assert_eq!((svid.id, svid.not_after), (id.clone(), now() + DAY / 4));
    assert_eq!(leaf.renew_at, now() + DAY / 8);
    let (_, parsed) = X509Certificate::from_der(&leaf.key.cert[0]).unwrap();
    assert_eq!(parsed.validity().not_before.timestamp(), 1_800_000_000 - 30);
    assert!(parsed.key_usage().unwrap().unwrap().critical);
    assert!(parsed.subject_alternative_name().unwrap().unwrap().critical, "there is no subject");
    assert_eq!(parsed.subject().to_string(), "");
    // It does not outlive who signed it.
    let late = now() + DAY - Duration::from_mins(1);
    assert_eq!(signer.leaf(&id, late, &lifetimes, &provider).unwrap().not_after, signer.validity.until);
}

#[test]
fn it_can_sign_no_host() {
    let lifetimes = Lifetimes::default();
    let key = KeyPair::generate().unwrap();
    let signer = Signer::new("seaworthy.local", 1, now(), &lifetimes).unwrap();
    // The same constraints under a key that this test has.
    let (_, parsed) = X509Certificate::from_der(&signer.certificate).unwrap();
    let constraints = parsed.name_constraints().unwrap().unwrap().value;
    assert!(constraints.permitted_subtrees.is_none());
    assert_eq!(constraints.excluded_subtrees.as_ref().unwrap().len(), 3);
    let mut params = valid(CertificateParams::default());
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.name_constraints = Some(super::issue::no_hosts());
    let certificate = params.self_signed(&key).unwrap().der().clone();
    let stolen = Stolen { issuer: Issuer::new(params, key), certificate };
    let verifier = stolen.verifier(now() + DAY);
    assert_eq!(says(&verifier, &stolen.sign(&good())), Ok(()));
    for name in [
        SanType::DnsName("bank.example".try_into().unwrap()),
        SanType::IpAddress("127.0.0.1".parse().unwrap()),
        SanType::IpAddress("::1".parse().unwrap()),
    ] {
        says(&verifier, &stolen.sign(&but(|leaf| leaf.subject_alt_names.push(name.clone())))).unwrap_err();
    }
}

#[test]
fn nothing_shows_a_key() {
    let clock = Arc::new(crate::SystemClock);
    let authority = super::Authority::new("seaworthy.local", Lifetimes::default(), clock).unwrap();
    let workload = authority.workload("gateway").unwrap();
    let config = workload.client_config(Peers::exactly([])).unwrap();
    let server = workload.server_config(Peers::matching(|_| true), &[]).unwrap();
    let shown = format!("{authority:?} {workload:?} {config:?} {server:?}");
    for word in ["PRIVATE", "Pkcs8", "serialized_der", "KeyPair"] {
        assert!(!shown.contains(word), "{word} in {shown}");
    }
    assert!(shown.contains("spiffe://seaworthy.local/gateway"));
}
