//! What goes through the forwarder.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use seaworthy_mesh::{
    Forwarder,
    edges::{Caller, Counts, Failure},
    forwarder::{Pick, Settings, Upstream},
    identity::Peers,
    reason::Reason,
    sidecar::listen,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::TlsAcceptor;

use crate::support::{World, ask, bytes, call, dial, echo, nobody, replica, until, was_reset};

async fn forwarder(world: &World, pick: Pick, settings: Settings) -> Forwarder {
    let listener = listen(0).await.unwrap();
    Forwarder::start(listener, &world.workload("gateway"), pick, settings, Arc::clone(&world.edges)).unwrap()
}

fn always(world: &World, path: &str, address: SocketAddr) -> Pick {
    let upstream = Upstream { address, id: Some(world.id(path)) };
    Arc::new(move || Some(upstream.clone()))
}

/// One after the other, and then none.
fn in_turn(world: &World, endpoints: &[(&str, SocketAddr)]) -> Pick {
    let all = endpoints.iter().map(|(path, address)| Upstream { address: *address, id: Some(world.id(path)) });
    let left = Mutex::new(all.collect::<VecDeque<_>>());
    Arc::new(move || left.lock().unwrap().pop_front())
}

fn plain(world: &World) -> Counts {
    world.counts(&Caller::Plaintext, "gateway")
}

#[tokio::test]
async fn what_comes_in_the_clear_goes_on_as_the_gateway() {
    let world = World::new();
    let sidecar = world.sidecar("replica/3", echo().await).await;
    let forwarder = forwarder(&world, always(&world, "replica/3", sidecar.address()), Settings::default()).await;
    let said = bytes(3_000_000);
    let stream = TcpStream::connect(forwarder.address()).await.unwrap();
    let (mut from, mut to) = stream.into_split();
    let (heard, ()) = tokio::join!(
        async {
            let mut heard = Vec::new();
            from.read_to_end(&mut heard).await.unwrap();
            heard
        },
        async {
            to.write_all(&said).await.unwrap();
            to.shutdown().await.unwrap();
        }
    );
    assert!(heard == said);
    until(|| plain(&world).open == 0).await;
    assert_eq!((plain(&world).sent, plain(&world).received, plain(&world).failed), (3_000_000, 3_000_000, vec![]));
    let gateway = world.counts(&Caller::Workload(world.id("gateway")), "replica/3");
    assert_eq!((gateway.opened, gateway.handshakes, gateway.sent), (1, 1, 3_000_000));
    assert_eq!(&*gateway.session.unwrap().version, "TLSv1_3");
}

#[tokio::test]
async fn what_comes_with_tls_goes_on_as_it_is() {
    let world = World::new();
    let sidecar = world.sidecar("replica/3", echo().await).await;
    let forwarder = forwarder(&world, always(&world, "replica/3", sidecar.address()), Settings::default()).await;
    assert_eq!(call(forwarder.address(), &world.caller()).await.unwrap(), b"hello");
    assert_eq!(world.by_caller("replica/3").opened, 1);
    assert_eq!(world.counts(&Caller::Workload(world.id("gateway")), "replica/3").opened, 0);
    assert_eq!(world.counts(&Caller::Unverified, "gateway").opened, 1);
    assert_eq!(plain(&world).opened, 0);
}

#[tokio::test]
async fn another_endpoint_is_tried_while_nothing_was_sent() {
    let world = World::new();
    let (gone, _kept) = nobody();
    let good = world.sidecar("replica/3", echo().await).await;
    let pick = in_turn(&world, &[("replica/1", gone), ("replica/2", good.address()), ("replica/3", good.address())]);
    let forwarder = forwarder(&world, pick, Settings::default()).await;
    // The first refuses, behind the second somebody else answers.
    let stream = TcpStream::connect(forwarder.address()).await.unwrap();
    assert_eq!(ask(stream, b"hello").await.unwrap(), b"hello");
    assert_eq!((plain(&world).opened, plain(&world).tried_again), (1, 2));
    let why = Reason::Identity("spiffe://seaworthy.local/replica/3 may not talk to this workload".into());
    assert_eq!(world.turned_away("gateway"), [(why, 1)]);
    // Now there is none.
    let stream = TcpStream::connect(forwarder.address()).await.unwrap();
    assert!(was_reset(&ask(stream, b"hello").await));
    world.failed(&Caller::Plaintext, "gateway", Failure::NoEndpoint, 1).await;
}

#[tokio::test]
async fn no_more_endpoints_are_tried_than_may_be() {
    let world = World::new();
    let (gone, _kept) = nobody();
    let tried = Arc::new(AtomicUsize::new(0));
    let (counted, id) = (Arc::clone(&tried), world.id("replica/1"));
    let pick: Pick = Arc::new(move || {
        counted.fetch_add(1, SeqCst);
        Some(Upstream { address: gone, id: Some(id.clone()) })
    });
    let forwarder = forwarder(&world, pick, Settings { attempts: 4, ..Settings::default() }).await;
    for secured in [false, true] {
        tried.store(0, SeqCst);
        if secured {
            assert!(was_reset(&call(forwarder.address(), &world.caller()).await));
        } else {
            let stream = TcpStream::connect(forwarder.address()).await.unwrap();
            assert!(was_reset(&ask(stream, b"hello").await));
        }
        assert_eq!(tried.load(SeqCst), 4);
    }
    world.failed(&Caller::Plaintext, "gateway", Failure::Refused, 1).await;
    world.failed(&Caller::Unverified, "gateway", Failure::Refused, 1).await;
    assert_eq!(plain(&world).tried_again, 3);
}

#[tokio::test]
async fn who_says_nothing_holds_nobody() {
    let world = World::new();
    let picked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&picked);
    let pick: Pick = Arc::new(move || {
        counted.fetch_add(1, SeqCst);
        None
    });
    let settings = Settings { first_byte: Duration::from_millis(20), ..Settings::default() };
    let forwarder = forwarder(&world, pick, settings).await;
    let mut silent = TcpStream::connect(forwarder.address()).await.unwrap();
    assert!(was_reset(&silent.read(&mut [0; 1]).await));
    drop(TcpStream::connect(forwarder.address()).await.unwrap());
    until(|| world.turned_away("gateway") == [(Reason::Silent, 1)]).await;
    assert_eq!(picked.load(SeqCst), 0);
}

#[tokio::test]
async fn no_more_connections_than_there_may_be() {
    let world = World::new();
    let sidecar = world.sidecar("replica/3", echo().await).await;
    let settings = Settings { connections: 1, ..Settings::default() };
    let forwarder = forwarder(&world, always(&world, "replica/3", sidecar.address()), settings).await;
    let mut one = TcpStream::connect(forwarder.address()).await.unwrap();
    one.write_all(b"here").await.unwrap();
    one.read_exact(&mut [0; 4]).await.unwrap();
    let mut two = TcpStream::connect(forwarder.address()).await.unwrap();
    assert!(was_reset(&two.read(&mut [0; 1]).await));
    world.failed(&Caller::Unverified, "gateway", Failure::Full, 1).await;
}

#[tokio::test]
async fn resets_go_all_the_way() {
    let world = World::new();
    let (tell, mut told) = tokio::sync::mpsc::channel(1);
    let address = replica(move |mut stream| {
        let tell = tell.clone();
        async move {
            let mut first = [0; 1];
            stream.read_exact(&mut first).await.unwrap();
            stream.write_all(b"part").await.unwrap();
            if first == *b"r" {
                stream.set_zero_linger().unwrap();
            } else {
                tell.send(stream.read(&mut [0; 100]).await).await.unwrap();
            }
        }
    })
    .await;
    let sidecar = world.sidecar("replica/3", address).await;
    let forwarder = forwarder(&world, always(&world, "replica/3", sidecar.address()), Settings::default()).await;
    let mut stream = TcpStream::connect(forwarder.address()).await.unwrap();
    stream.write_all(b"r").await.unwrap();
    let mut all = Vec::new();
    assert!(was_reset(&stream.read_to_end(&mut all).await));
    world.failed(&Caller::Plaintext, "gateway", Failure::BrokenByServer, 1).await;

    let mut stream = TcpStream::connect(forwarder.address()).await.unwrap();
    stream.write_all(b"w").await.unwrap();
    stream.read_exact(&mut [0; 4]).await.unwrap();
    stream.set_zero_linger().unwrap();
    drop(stream);
    assert!(was_reset(&told.recv().await.unwrap()));
    world.failed(&Caller::Plaintext, "gateway", Failure::BrokenByCaller, 1).await;
}

#[tokio::test]
async fn an_answer_without_its_close_notify_is_not_complete() {
    let world = World::new();
    let config = world.workload("replica/3").server_config(Peers::exactly([world.id("gateway")]), &[]).unwrap();
    // A sidecar whose machine closes its sockets for it: FIN, and no close_notify.
    let address = replica(move |stream| {
        let acceptor = TlsAcceptor::from(Arc::clone(&config));
        async move {
            let mut stream = acceptor.accept(stream).await.unwrap();
            stream.read_exact(&mut [0; 5]).await.unwrap();
            stream.write_all(b"part").await.unwrap();
            stream.flush().await.unwrap();
        }
    })
    .await;
    let forwarder = forwarder(&world, always(&world, "replica/3", address), Settings::default()).await;
    let mut stream = TcpStream::connect(forwarder.address()).await.unwrap();
    stream.write_all(b"hello").await.unwrap();
    let mut all = Vec::new();
    let ended = stream.read_to_end(&mut all).await;
    assert!(was_reset(&ended), "{ended:?} after {all:?}");
}

#[tokio::test]
async fn it_ends_with_its_owner_or_after_its_last() {
    let world = World::new();
    let sidecar = world.sidecar("replica/3", echo().await).await;
    let first = forwarder(&world, always(&world, "replica/3", sidecar.address()), Settings::default()).await;
    let mut open = TcpStream::connect(first.address()).await.unwrap();
    open.write_all(b"here").await.unwrap();
    open.read_exact(&mut [0; 4]).await.unwrap();
    drop(first);
    assert!(was_reset(&open.read(&mut [0; 1]).await));
    world.failed(&Caller::Plaintext, "gateway", Failure::CutOff, 1).await;

    let second = forwarder(&world, always(&world, "replica/3", sidecar.address()), Settings::default()).await;
    let stream = dial(second.address(), &world.caller()).await.unwrap();
    let ((), answer) = tokio::join!(second.drain(), ask(stream, b"hello"));
    assert_eq!(answer.unwrap(), b"hello");
    TcpStream::connect(second.address()).await.unwrap_err();
}
