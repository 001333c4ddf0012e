//! Whom a trust domain trusts: its authority, and earlier ones for as long as leaves of theirs are valid.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::SystemTime,
};

use rustls::{
    RootCertStore, crypto::CryptoProvider, pki_types::CertificateDer, server::WebPkiClientVerifier,
    server::danger::ClientCertVerifier,
};

use super::{Failed, issue::Validity};

/// A value that is swapped while others read it. The lock is held for a reference count.
pub(crate) struct Shared<T>(RwLock<Arc<T>>);

impl<T> Shared<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(RwLock::new(Arc::new(value)))
    }

    pub(crate) fn get(&self) -> Arc<T> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set(&self, value: T) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(value);
    }
}

/// One authority that is trusted, until a time that may be before its certificate's.
#[derive(Clone)]
pub(crate) struct Anchor {
    pub(crate) roots: Arc<RootCertStore>,
    pub(crate) clients: Arc<dyn ClientCertVerifier>,
    pub(crate) from: SystemTime,
    pub(crate) until: SystemTime,
}

impl Anchor {
    pub(super) fn new(
        certificate: &CertificateDer<'static>,
        validity: Validity,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, Failed> {
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).map_err(Failed::Key)?;
        let roots = Arc::new(roots);
        let clients = WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(provider))
            .build()
            .map_err(Failed::Trust)?;
        Ok(Self { roots, clients, from: validity.from, until: validity.until })
    }
}

impl fmt::Debug for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Anchor").field("from", &self.from).field("until", &self.until).finish_non_exhaustive()
    }
}

/// All that are trusted, the newest last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bundle(pub(super) Vec<Anchor>);

impl Bundle {
    /// Those that are valid now, the newest first. webpki does not look at an anchor's own time, so that is done here.
    pub(crate) fn live(&self, now: SystemTime) -> impl Iterator<Item = &Anchor> {
        self.0.iter().rev().filter(move |anchor| anchor.from <= now && now <= anchor.until)
    }

    /// The same with a new authority. The one so far is trusted until its last leaf ends, and those that are over go.
    pub(super) fn succeeded_by(&self, new: Anchor, last_leaf: SystemTime, now: SystemTime) -> Self {
        let mut anchors = self.0.clone();
        if let Some(old) = anchors.last_mut() {
            old.until = old.until.min(last_leaf);
        }
        anchors.retain(|anchor| now <= anchor.until);
        anchors.push(new);
        Self(anchors)
    }
}
