//! Who is who: an authority that lives in memory, and the workloads that it names.

mod bundle;
mod issue;
mod rotation;
mod svid;
#[cfg(test)]
mod tests;
mod verify;
mod workload;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, SystemTime},
};

use bundle::{Anchor, Bundle, Shared};
use issue::Signer;
pub use rotation::Rotation;
use rustls::crypto::{CryptoProvider, ring};
pub use svid::{Svid, Unfit, read as read_svid};
use thiserror::Error;
pub use verify::Peers;
use workload::Member;
pub use workload::{Workload, server_name};

use crate::{
    clock::Clock,
    spiffe::{self, SpiffeId},
};

/// How long certificates are valid. They are renewed at half of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// Those of workloads.
    pub leaf: Duration,
    /// That of the authority: at least twice as long.
    pub authority: Duration,
    /// How long before it is made a certificate is already valid, so that a clock may be set back by as much.
    pub backdate: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        let hour = Duration::from_hours(1);
        Self { leaf: hour, authority: 24 * hour, backdate: Duration::from_mins(1) }
    }
}

impl Lifetimes {
    /// Certificates know whole seconds, so half of a life has to be one.
    const SHORTEST: Duration = Duration::from_secs(2);
    /// Beyond it times could no longer be written down.
    const LONGEST: Duration = Duration::from_hours(10 * 365 * 24);

    fn check(&self) -> Result<(), Failed> {
        let good = self.leaf >= Self::SHORTEST
            && self.authority >= self.leaf.saturating_mul(2)
            && self.authority <= Self::LONGEST
            && self.backdate <= Self::LONGEST;
        if good { Ok(()) } else { Err(Failed::Lifetimes) }
    }
}

/// Why there is no identity.
#[derive(Debug, Error)]
pub enum Failed {
    /// Lifetimes that cannot work.
    #[error("certificates have to live for 2 s at least, and their authority twice as long as they, 10 years at most")]
    Lifetimes,
    /// The name is none.
    #[error("this is no SPIFFE ID: {0}")]
    Name(#[from] spiffe::Invalid),
    /// A certificate could not be made.
    #[error("a certificate could not be made: {0}")]
    Make(rcgen::Error),
    /// The TLS library does not take a certificate or key.
    #[error("TLS: {0}")]
    Key(rustls::Error),
    /// The TLS library does not take the authority.
    #[error("TLS: {0}")]
    Trust(rustls::server::VerifierBuilderError),
}

/// A trust domain's authority. Its key is in memory, in here, and nowhere else; with the last clone and the last
/// workload it is gone.
#[derive(Clone)]
pub struct Authority(Arc<Inner>);

struct Inner {
    domain: Arc<str>,
    lifetimes: Lifetimes,
    clock: Arc<dyn Clock>,
    provider: Arc<CryptoProvider>,
    bundle: Arc<Shared<Bundle>>,
    signing: Mutex<Signing>,
}

struct Signing {
    signer: Signer,
    /// How many authorities there have been.
    number: u64,
    members: Vec<Weak<Member>>,
}

/// What was renewed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Renewed {
    /// How many workloads have a new certificate.
    pub leaves: usize,
    /// Whether there is a new authority.
    pub authority: bool,
}

impl Authority {
    /// A new one, of a trust domain such as `seaworthy.local`.
    pub fn new(domain: &str, lifetimes: Lifetimes, clock: Arc<dyn Clock>) -> Result<Self, Failed> {
        lifetimes.check()?;
        spiffe::check_domain(domain)?;
        let provider = Arc::new(ring::default_provider());
        let signer = Signer::new(domain, 1, clock.now(), &lifetimes)?;
        let anchor = Anchor::new(&signer.certificate, signer.validity, &provider)?;
        Ok(Self(Arc::new(Inner {
            domain: domain.into(),
            lifetimes,
            clock,
            provider,
            bundle: Arc::new(Shared::new(Bundle(vec![anchor]))),
            signing: Mutex::new(Signing { signer, number: 1, members: Vec::new() }),
        })))
    }

    /// The ID of the workload with this path (`replica/3`), whether there is one or not.
    pub fn id(&self, path: &str) -> Result<SpiffeId, Failed> {
        Ok(SpiffeId::new(&self.0.domain, path)?)
    }

    /// A workload with this path (`replica/3`). It is renewed for as long as it is held.
    pub fn workload(&self, path: &str) -> Result<Workload, Failed> {
        let id = self.id(path)?;
        // An authority that is nearly over would give it little time.
        self.0.renew()?;
        let mut signing = self.0.signing.lock().unwrap_or_else(PoisonError::into_inner);
        let leaf = signing.signer.leaf(&id, self.0.clock.now(), &self.0.lifetimes, &self.0.provider)?;
        let member = Arc::new(Member { id, leaf: Shared::new(leaf) });
        signing.members.retain(|member| member.strong_count() > 0);
        signing.members.push(Arc::downgrade(&member));
        Ok(Workload { member, authority: Arc::clone(&self.0) })
    }

    /// Renews what is due, which [`Self::rotate_in_time`] and each handshake do, too.
    pub fn renew(&self) -> Result<Renewed, Failed> {
        self.0.renew()
    }

    /// Renews all leaves, due or not.
    pub fn renew_leaves(&self) -> Result<Renewed, Failed> {
        self.0.change(|_due| true, false)
    }

    /// Makes a new authority, and all leaves by it. The one so far is trusted until the last leaf of its ends.
    pub fn renew_authority(&self) -> Result<Renewed, Failed> {
        self.0.change(|_due| true, true)
    }

    /// When something is due to be renewed next.
    pub fn next_due(&self) -> SystemTime {
        let signing = self.0.signing.lock().unwrap_or_else(PoisonError::into_inner);
        let leaves = signing.members.iter().filter_map(Weak::upgrade).map(|member| member.leaf.get().renew_at);
        leaves.chain([signing.signer.renew_at]).min().unwrap_or(signing.signer.renew_at)
    }

    /// How many authorities are trusted now: more than one after a rotation, while leaves of the earlier ones live.
    pub fn trusted(&self) -> usize {
        self.0.bundle.get().live(self.0.clock.now()).count()
    }
}

impl Inner {
    fn renew(&self) -> Result<Renewed, Failed> {
        let now = self.clock.now();
        self.change(|renew_at| renew_at <= now, false)
    }

    /// A new authority is trusted by all before the first leaf of its can be shown. All of it is under one lock, so that
    /// many handshakes that find a leaf due renew it once.
    fn change(&self, due: impl Fn(SystemTime) -> bool, authority: bool) -> Result<Renewed, Failed> {
        let now = self.clock.now();
        let mut signing = self.signing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut renewed = Renewed::default();
        if authority || signing.signer.renew_at <= now {
            let signer = Signer::new(&self.domain, signing.number + 1, now, &self.lifetimes)?;
            let anchor = Anchor::new(&signer.certificate, signer.validity, &self.provider)?;
            self.bundle.set(self.bundle.get().succeeded_by(anchor, signing.signer.last_leaf, now));
            signing.signer = signer;
            signing.number += 1;
            renewed.authority = true;
        }
        signing.members.retain(|member| member.strong_count() > 0);
        let members: Vec<_> = signing.members.iter().filter_map(Weak::upgrade).collect();
        for member in members {
            if due(member.leaf.get().renew_at) {
                member.leaf.set(signing.signer.leaf(&member.id, now, &self.lifetimes, &self.provider)?);
                renewed.leaves += 1;
            }
        }
        Ok(renewed)
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority")
            .field("domain", &self.0.domain)
            .field("lifetimes", &self.0.lifetimes)
            .finish_non_exhaustive()
    }
}
