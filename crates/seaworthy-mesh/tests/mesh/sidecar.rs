//! What goes through a sidecar.

use std::{sync::Arc, time::Duration};

use rustls::{ClientConfig, HandshakeKind, client::Resumption};
use seaworthy_mesh::{
    edges::{Caller, Failure},
    identity::read_svid,
    reason::Reason,
    sidecar::Mode,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};

use crate::support::{World, ask, bytes, call, dial, echo, until, was_reset};

#[tokio::test]
async fn both_know_each_other() {
    let world = World::new();
    let sidecar = world.sidecar("replica/3", echo().await).await;
    assert!(sidecar.address().ip().is_loopback());
    let mut stream = dial(sidecar.address(), &world.caller()).await.unwrap();
    stream.write_all(b"hello").await.unwrap();
    let mut answer = [0; 5];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"hello");

    let shown = stream.get_ref().1.peer_certificates().unwrap()[0].clone();
    assert_eq!(read_svid(&shown).unwrap().id, world.id("replica/3"));
    let counts = world.by_caller("replica/3");
    assert_eq!((counts.opened, counts.open, counts.handshakes), (1, 1, 1));
    let session = counts.session.unwrap();
    assert_eq!(&*session.version, "TLSv1_3");
    assert!(session.cipher.starts_with("TLS13_"), "{}", session.cipher);
    assert_eq!(session.caller_not_after, world.workload("load-generator").not_after());

    drop(ask(stream, b" again").await.unwrap());
    until(|| world.by_caller("replica/3").open == 0).await;
    let counts = world.by_caller("replica/3");
    assert_eq!((counts.sent, counts.received, counts.failed), (11, 11, vec![]));
    assert!(world.turned_away("replica/3").is_empty());
}

#[tokio::test]
async fn the_replica_speaks_what_alpn_says() {
    let world = World::new();
    let sidecar = world.sidecar("replica/3", echo().await).await;
    let offering = |protocols: &[&[u8]]| {
        let mut config = ClientConfig::clone(&world.caller());
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        Arc::new(config)
    };
    let chosen =
        |stream: tokio_rustls::client::TlsStream<TcpStream>| stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
    let both = dial(sidecar.address(), &offering(&[b"h2", b"http/1.1"])).await.unwrap();
    assert_eq!(chosen(both).unwrap(), b"http/1.1");
    let none = dial(sidecar.address(), &offering(&[])).await.unwrap();
    assert_eq!(chosen(none), None);
    let error = dial(sidecar.address(), &offering(&[b"h2"])).await.unwrap_err();
    assert!(error.to_string().contains("NoApplicationProtocol"), "{error}");
    assert_eq!(world.turned_away("replica/3"), [(Reason::Protocol, 1)]);
}

#[tokio::test]
async fn every_handshake_is_a_whole_one() {
    let world = World::new();
    let sidecar = world.sidecar("replica/3", echo().await).await;
    let mut config = ClientConfig::clone(&world.caller());
    // A client that would resume, if it were given a ticket.
    config.resumption = Resumption::in_memory_sessions(8);
    let config = Arc::new(config);
    for _ in 0..3 {
        let mut stream = dial(sidecar.address(), &config).await.unwrap();
        stream.write_all(b"hello").await.unwrap();
        stream.read_exact(&mut [0; 5]).await.unwrap();
        assert_eq!(stream.get_ref().1.handshake_kind(), Some(HandshakeKind::Full));
    }
    assert_eq!(world.by_caller("replica/3").handshakes, 3);
}

#[tokio::test]
async fn permissive_takes_both_and_tells_them_apart() {
    let world = World::new();
    let mut settings = world.settings();
    settings.mode = Mode::Permissive;
    let sidecar = world.sidecar_with("replica/3", echo().await, &settings).await;
    assert_eq!(call(sidecar.address(), &world.caller()).await.unwrap(), b"hello");
    let plain = TcpStream::connect(sidecar.address()).await.unwrap();
    assert_eq!(ask(plain, b"in the clear").await.unwrap(), b"in the clear");
    assert_eq!(world.by_caller("replica/3").opened, 1);
    let plain = world.counts(&Caller::Plaintext, "replica/3");
    assert_eq!((plain.opened, plain.handshakes, plain.session), (1, 0, None));
    // Permissive is not gullible: who speaks TLS has to be somebody.
    let other = World::new();
    call(sidecar.address(), &other.caller()).await.unwrap_err();
}

#[tokio::test]
async fn plaintext_is_not_looked_at() {
    let world = World::new();
    let mut settings = world.settings();
    settings.mode = Mode::Plaintext;
    let sidecar = world.sidecar_with("replica/3", echo().await, &settings).await;
    let hello = b"\x16\x03\x01looks like TLS";
    assert_eq!(ask(TcpStream::connect(sidecar.address()).await.unwrap(), hello).await.unwrap(), hello);
    // Nothing at all is passed on, too: the replica is told of it.
    assert_eq!(ask(TcpStream::connect(sidecar.address()).await.unwrap(), b"").await.unwrap(), b"");
    until(|| world.counts(&Caller::Plaintext, "replica/3").open == 0).await;
    assert_eq!(world.counts(&Caller::Plaintext, "replica/3").opened, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_at_once() {
    let world = World::new();
    let sidecar = world.sidecar("replica/3", echo().await).await;
    let (config, to) = (world.caller(), sidecar.address());
    let mut all = JoinSet::new();
    for n in 0..500 {
        let config = Arc::clone(&config);
        all.spawn(async move {
            let mut stream = dial(to, &config).await.unwrap();
            let said = bytes(10_000 + n);
            stream.write_all(&said).await.unwrap();
            let mut heard = vec![0; said.len()];
            stream.read_exact(&mut heard).await.unwrap();
            assert_eq!(heard, said);
            stream
        });
    }
    let open = all.join_all().await;
    assert_eq!(world.by_caller("replica/3").open, 500);
    for stream in open {
        assert_eq!(ask(stream, b"bye").await.unwrap(), b"bye");
    }
    until(|| world.by_caller("replica/3").open == 0).await;
    let counts = world.by_caller("replica/3");
    assert_eq!((counts.opened, counts.failed), (500, vec![]));
    assert_eq!(counts.sent, counts.received);
}

#[tokio::test]
async fn no_more_than_there_may_be() {
    let world = World::new();
    let mut settings = world.settings();
    settings.connections = 2;
    let sidecar = world.sidecar_with("replica/3", echo().await, &settings).await;
    let config = world.caller();
    let one = dial(sidecar.address(), &config).await.unwrap();
    let _two = dial(sidecar.address(), &config).await.unwrap();
    assert!(was_reset(&dial(sidecar.address(), &config).await));
    world.failed(&Caller::Unverified, "replica/3", Failure::Full, 1).await;
    assert_eq!(ask(one, b"still here").await.unwrap(), b"still here");
    until(|| world.by_caller("replica/3").open == 1).await;
    // There is room again as soon as the task has ended, which is after it was counted.
    while call(sidecar.address(), &config).await.is_err() {}
}

#[tokio::test]
async fn a_clock_that_is_set_back_a_little_fails_nobody() {
    let world = World::new();
    let sidecar = world.sidecar("replica/3", echo().await).await;
    world.clock.back(Duration::from_secs(59));
    assert_eq!(call(sidecar.address(), &world.caller()).await.unwrap(), b"hello");
}
