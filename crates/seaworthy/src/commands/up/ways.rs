//! The ways to the replicas: who may be called, where, and as whom. With mTLS each replica has a sidecar in front of it.

use std::{
    collections::BTreeMap,
    net::{SocketAddr, TcpListener},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use seaworthy_core::event::Replica;
use seaworthy_load::{plan::Tls, tls};
use seaworthy_mesh::{
    Authority, Clock, Edges, Forwarder, Sidecar, SpiffeId, SystemClock, Workload,
    edges::Snapshot,
    forwarder::{self, Upstream},
    identity::{Lifetimes, Peers, Rotation, server_name},
    sidecar,
};
use tokio::{sync::watch, time::timeout};

use crate::cli::Failure;

/// Whose certificates these are. A name of this machine's alone.
const DOMAIN: &str = "seaworthy.local";

/// Who the load generator is.
const LOAD: &str = "load-generator";

/// Who the service's address is to the replicas.
const GATEWAY: &str = "gateway";

/// How long connections to a replica that is gone may take to end.
const PARTING: Duration = Duration::from_secs(1);

/// A replica as clients reach it.
struct Front {
    address: SocketAddr,
    id: Option<SpiffeId>,
    /// In front of it, where it has one.
    sidecar: Option<Sidecar>,
}

/// The ways to all replicas.
pub(super) struct Ways {
    authority: Authority,
    edges: Arc<Edges>,
    load: Workload,
    gateway: Workload,
    plaintext: bool,
    fronts: BTreeMap<Replica, Front>,
    to_clients: watch::Sender<Arc<[SocketAddr]>>,
    /// Who may be called, for the forwarder.
    upstreams: Arc<RwLock<Vec<Upstream>>>,
    _rotation: Rotation,
    forwarder: Forwarder,
}

impl Ways {
    /// Serves the address for all replicas, of which there are none yet.
    pub(super) fn open(listener: TcpListener, plaintext: bool, lifetime: Duration) -> Result<Self, Failure> {
        let broken =
            |why: &dyn std::fmt::Display| Failure::could_not_run(format!("no certificates can be made: {why}"));
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let lifetimes = Lifetimes { leaf: lifetime, authority: lifetime.saturating_mul(24), ..Lifetimes::default() };
        let authority = Authority::new(DOMAIN, lifetimes, Arc::clone(&clock)).map_err(|error| broken(&error))?;
        let edges = Edges::new(clock);
        let load = authority.workload(LOAD).map_err(|error| broken(&error))?;
        let gateway = authority.workload(GATEWAY).map_err(|error| broken(&error))?;
        let upstreams = Arc::new(RwLock::new(Vec::<Upstream>::new()));
        let (picked, turn) = (Arc::clone(&upstreams), AtomicUsize::new(0));
        let pick = Arc::new(move || {
            let upstreams = picked.read().unwrap_or_else(PoisonError::into_inner);
            let turn = turn.fetch_add(1, Relaxed).checked_rem(upstreams.len())?;
            upstreams.get(turn).cloned()
        });
        let could_not = |error: &dyn std::fmt::Display| Failure::could_not_run(format!("--listen: {error}"));
        listener.set_nonblocking(true).map_err(|error| could_not(&error))?;
        let listener = tokio::net::TcpListener::from_std(listener).map_err(|error| could_not(&error))?;
        let settings = forwarder::Settings::default();
        let forwarder = Forwarder::start(listener, &gateway, pick, settings, Arc::clone(&edges))
            .map_err(|error| could_not(&error))?;
        let rotation = authority.rotate_in_time();
        let (to_clients, _) = watch::channel(Arc::from([]));
        let fronts = BTreeMap::new();
        Ok(Self {
            authority,
            edges,
            load,
            gateway,
            plaintext,
            fronts,
            to_clients,
            upstreams,
            _rotation: rotation,
            forwarder,
        })
    }

    /// What the load generator connects to.
    pub(super) fn view(&self) -> watch::Receiver<Arc<[SocketAddr]>> {
        self.to_clients.subscribe()
    }

    /// Who the load generator is, and whom it trusts; nothing where it speaks in the clear.
    pub(super) fn tls(&self) -> Result<Option<Tls>, Failure> {
        if self.plaintext {
            return Ok(None);
        }
        let replicas = Peers::matching(|id| id.path().starts_with("replica/"));
        let config = self.load.client_config(replicas).map_err(|error| Failure::could_not_run(error.to_string()))?;
        Ok(Some(tls::ready(&config, server_name(), false)))
    }

    /// A replica has a place: where clients reach it.
    pub(super) async fn add(&mut self, replica: Replica, own: SocketAddr) -> Result<SocketAddr, String> {
        let front = if self.plaintext {
            Front { address: own, id: None, sidecar: None }
        } else {
            let me = self.authority.workload(&format!("replica/{}", replica.0)).map_err(|error| error.to_string())?;
            let callers = Peers::exactly([self.load.id().clone(), self.gateway.id().clone()]);
            let listener = sidecar::listen(0).await.map_err(|error| error.to_string())?;
            let settings = sidecar::Settings::new(callers);
            let sidecar = Sidecar::start(listener, own, &me, &settings, Arc::clone(&self.edges))
                .map_err(|error| error.to_string())?;
            Front { address: sidecar.address(), id: Some(me.id().clone()), sidecar: Some(sidecar) }
        };
        let address = front.address;
        self.fronts.insert(replica, front);
        Ok(address)
    }

    /// New connections go to these from now on.
    pub(super) fn show(&self, replicas: &[Replica]) {
        let fronts: Vec<&Front> = replicas.iter().filter_map(|replica| self.fronts.get(replica)).collect();
        let upstreams = fronts.iter().map(|front| Upstream { address: front.address, id: front.id.clone() }).collect();
        *self.upstreams.write().unwrap_or_else(PoisonError::into_inner) = upstreams;
        self.to_clients.send_replace(fronts.iter().map(|front| front.address).collect());
    }

    /// A replica is gone, and all that was connected to it ends.
    pub(super) fn remove(&mut self, replica: Replica) {
        let Some(Front { id, sidecar, .. }) = self.fronts.remove(&replica) else { return };
        let edges = Arc::clone(&self.edges);
        tokio::spawn(async move {
            if let Some(sidecar) = sidecar {
                // What has not parted by then is cut off.
                let _parted = timeout(PARTING, sidecar.drain()).await;
            }
            if let Some(id) = id {
                edges.forget(&id);
            }
        });
    }

    /// The address of the service.
    pub(super) const fn address(&self) -> SocketAddr {
        self.forwarder.address()
    }

    /// Whose connections go where.
    pub(super) fn seen(&self) -> Snapshot {
        self.edges.snapshot()
    }

    pub(super) fn load_id(&self) -> Option<&SpiffeId> {
        (!self.plaintext).then(|| self.load.id())
    }

    pub(super) fn gateway_id(&self) -> &SpiffeId {
        self.gateway.id()
    }

    /// Who a replica is.
    pub(super) fn id(&self, replica: Replica) -> Option<&SpiffeId> {
        self.fronts.get(&replica).and_then(|front| front.id.as_ref())
    }
}
