//! One workload's identity, and the TLS configurations that show it.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::SystemTime,
};

use rustls::{
    ClientConfig, ServerConfig, SignatureScheme,
    client::{ResolvesClientCert, Resumption, WantsClientCert},
    pki_types::ServerName,
    server::{ClientHello, NoServerSessionStorage, ResolvesServerCert},
    sign::CertifiedKey,
    version::TLS13,
};

use super::{
    Failed, Inner,
    bundle::Shared,
    issue::Leaf,
    verify::{Peers, Verifier},
};
use crate::{clock::ForTls, spiffe::SpiffeId};

/// What is renewed of a workload.
pub(super) struct Member {
    pub(super) id: SpiffeId,
    pub(super) leaf: Shared<Leaf>,
}

/// Who somebody is, for as long as this is held.
///
/// The configurations made from it look at each handshake which certificate is the current one. Renewing it touches
/// nobody's configuration, and no connection: TLS looks at certificates in the handshake, and never again.
#[derive(Clone)]
pub struct Workload {
    pub(super) member: Arc<Member>,
    pub(super) authority: Arc<Inner>,
}

impl Workload {
    /// Its SPIFFE ID.
    pub fn id(&self) -> &SpiffeId {
        &self.member.id
    }

    /// The last second in which its current certificate is valid.
    pub fn not_after(&self) -> SystemTime {
        self.member.leaf.get().not_after
    }

    /// When its current certificate is renewed.
    pub fn renew_at(&self) -> SystemTime {
        self.member.leaf.get().renew_at
    }

    /// The current certificate. One that is due is renewed first, so that a timer that is late (a machine that slept,
    /// a clock that was set) fails no handshake.
    fn current(&self) -> Arc<CertifiedKey> {
        let leaf = self.member.leaf.get();
        if self.authority.clock.now() < leaf.renew_at {
            return Arc::clone(&leaf.key);
        }
        // Where that fails the one that is there is as good as any, and whoever calls `renew` is told.
        let _renewed = self.authority.renew();
        Arc::clone(&self.member.leaf.get().key)
    }

    /// The server's side: TLS 1.3, a certificate from whoever calls, and only these of them. `protocols` are offered by
    /// ALPN, the best first; a client that wants others only is refused.
    ///
    /// No session is resumed. Who resumes one shows no certificate again (RFC 8446, 2.2), so one that has expired, or
    /// may not call any more, would still get in, for up to 7 days (4.6.1). A whole handshake costs less than a millisecond.
    pub fn server_config(&self, callers: Peers, protocols: &[&[u8]]) -> Result<Arc<ServerConfig>, Failed> {
        let clock = Arc::new(ForTls(Arc::clone(&self.authority.clock)));
        let mut config = ServerConfig::builder_with_details(Arc::clone(&self.authority.provider), clock)
            .with_protocol_versions(&[&TLS13])
            .map_err(Failed::Key)?
            .with_client_cert_verifier(self.verifier(callers))
            .with_cert_resolver(Arc::new(Shows(self.clone())));
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        Ok(Arc::new(config))
    }

    /// The client's side: TLS 1.3, and only to these servers. It offers nothing by ALPN; whoever speaks something that
    /// is chosen by it sets `alpn_protocols` of a clone. No session is resumed, as in [`Self::server_config`].
    pub fn client_config(&self, servers: Peers) -> Result<Arc<ClientConfig>, Failed> {
        let mut config = self.client_builder(servers)?.with_client_cert_resolver(Arc::new(Shows(self.clone())));
        config.resumption = Resumption::disabled();
        Ok(Arc::new(config))
    }

    fn client_builder(&self, servers: Peers) -> Result<rustls::ConfigBuilder<ClientConfig, WantsClientCert>, Failed> {
        let clock = Arc::new(ForTls(Arc::clone(&self.authority.clock)));
        Ok(ClientConfig::builder_with_details(Arc::clone(&self.authority.provider), clock)
            .with_protocol_versions(&[&TLS13])
            .map_err(Failed::Key)?
            .dangerous()
            .with_custom_certificate_verifier(self.verifier(servers)))
    }

    fn verifier(&self, peers: Peers) -> Arc<Verifier> {
        Arc::new(Verifier {
            bundle: Arc::clone(&self.authority.bundle),
            domain: Arc::clone(&self.authority.domain),
            peers,
            provider: Arc::clone(&self.authority.provider),
        })
    }
}

/// The name to connect with: rustls wants one. That of an address is not sent (RFC 6066, 3), and nobody looks at it.
pub fn server_name() -> ServerName<'static> {
    ServerName::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST).into())
}

impl fmt::Debug for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let leaf = self.member.leaf.get();
        f.debug_struct("Workload")
            .field("id", &self.member.id)
            .field("not_after", &leaf.not_after)
            .finish_non_exhaustive()
    }
}

/// Shows the current certificate.
#[derive(Debug)]
struct Shows(Workload);

impl ResolvesServerCert for Shows {
    fn resolve(&self, _client_hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.current())
    }
}

impl ResolvesClientCert for Shows {
    fn resolve(&self, _root_hint_subjects: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.0.current())
    }

    fn has_certs(&self) -> bool {
        true
    }
}
