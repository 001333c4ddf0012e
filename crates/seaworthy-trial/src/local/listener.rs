//! The direct prober: connects to a replica's port twenty times a second, and tells when its listener comes and goes.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpSocket, TcpStream},
    sync::watch,
    time::{MissedTickBehavior, interval, timeout},
};

/// From one connection to the next.
const PERIOD: Duration = Duration::from_millis(50);

/// How long one may take: one that is not accepted in this time is none.
const LIMIT: Duration = Duration::from_millis(500);

/// Where the prober connects from, so that the ports that its closed connections hold for a minute are not the load's.
const SOURCE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 77));

/// Goes on until nobody can pause it any more. While it is paused it does not connect: a process that does not run accepts nothing, and
/// its queue would fill up.
pub(crate) async fn watch(address: SocketAddr, paused: watch::Receiver<bool>, mut changed: impl FnMut(bool)) {
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut open = false;
    while paused.has_changed().is_ok() {
        ticks.tick().await;
        if *paused.borrow() {
            continue;
        }
        let now_open = timeout(LIMIT, connect(address)).await.is_ok_and(|connected| connected.is_ok());
        if now_open != open && !*paused.borrow() {
            open = now_open;
            changed(open);
        }
    }
}

async fn connect(address: SocketAddr) -> std::io::Result<()> {
    let socket = TcpSocket::new_v4()?;
    let mut stream = match socket.bind((SOURCE, 0).into()) {
        Ok(()) => socket.connect(address).await?,
        // A machine may have less of the loopback network; then it is the load's address, too.
        Err(_none) => TcpStream::connect(address).await?,
    };
    // Politely, since a reset is something that a target would log.
    stream.shutdown().await
}
