//! Where connections go, which may change while a run goes on.

use std::{net::SocketAddr, sync::Arc};

use tokio::sync::watch;

/// Where connections go.
#[derive(Clone, Debug)]
pub enum Endpoints {
    /// One address.
    Fixed(SocketAddr),
    /// The addresses of a name.
    Name {
        /// The name.
        host: String,
        /// The port.
        port: u16,
        /// Whether it is looked up for each connection, and not once.
        each: bool,
    },
    /// The endpoints that a client sees at the moment; each connection goes to one of them by chance, as kube-proxy
    /// spreads them. It may be empty for a while.
    View(watch::Receiver<Arc<[SocketAddr]>>),
}
