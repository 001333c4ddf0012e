//! How connections end: half, whole, broken off, and with their owner.

use std::{io, sync::Arc};

use seaworthy_mesh::{
    edges::{Caller, Failure},
    identity::server_name,
    sidecar::Mode,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::mpsc,
};
use tokio_rustls::TlsConnector;

use crate::support::{World, ask, bytes, call, dial, echo, nobody, replica, until, was_reset};

#[tokio::test]
async fn a_request_ends_before_its_answer_begins() {
    let world = World::new();
    let address = replica(|mut stream| async move {
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard).await.unwrap();
        heard.reverse();
        stream.write_all(&heard).await.unwrap();
    })
    .await;
    let sidecar = world.sidecar("replica/3", address).await;
    let stream = dial(sidecar.address(), &world.caller()).await.unwrap();
    assert_eq!(ask(stream, b"abc").await.unwrap(), b"cba");
}

#[tokio::test]
async fn an_answer_ends_before_its_request() {
    let world = World::new();
    let (tell, mut told) = mpsc::channel(1);
    let address = replica(move |mut stream| {
        let tell = tell.clone();
        async move {
            stream.write_all(b"enough").await.unwrap();
            stream.shutdown().await.unwrap();
            let mut heard = Vec::new();
            stream.read_to_end(&mut heard).await.unwrap();
            tell.send(heard).await.unwrap();
        }
    })
    .await;
    let sidecar = world.sidecar("replica/3", address).await;
    let mut stream = dial(sidecar.address(), &world.caller()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer, b"enough");
    let rest = bytes(300_000);
    stream.write_all(&rest).await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(told.recv().await.unwrap(), rest);
    until(|| world.by_caller("replica/3").open == 0).await;
    assert_eq!(world.by_caller("replica/3").failed, []);
}

/// A replica that says a part of its answer, and resets when it is told to.
async fn resets_when_told() -> (std::net::SocketAddr, mpsc::Sender<()>) {
    let (tell, told) = mpsc::channel(1);
    let told = Arc::new(tokio::sync::Mutex::new(told));
    let address = replica(move |mut stream| {
        let told = Arc::clone(&told);
        async move {
            stream.write_all(b"part").await.unwrap();
            told.lock().await.recv().await;
            stream.set_zero_linger().unwrap();
        }
    })
    .await;
    (address, tell)
}

#[tokio::test]
async fn a_replica_that_resets_looks_like_it() {
    for mode in [Mode::Strict, Mode::Permissive, Mode::Plaintext] {
        let world = World::new();
        let (address, tell) = resets_when_told().await;
        let mut settings = world.settings();
        settings.mode = mode;
        let sidecar = world.sidecar_with("replica/3", address, &settings).await;
        let mut part = [0; 4];
        let (ended, from) = if mode == Mode::Strict {
            let mut stream = dial(sidecar.address(), &world.caller()).await.unwrap();
            stream.read_exact(&mut part).await.unwrap();
            tell.send(()).await.unwrap();
            (stream.read(&mut [0; 100]).await, Caller::Workload(world.id("load-generator")))
        } else {
            let mut stream = TcpStream::connect(sidecar.address()).await.unwrap();
            stream.write_all(b"GET").await.unwrap();
            stream.read_exact(&mut part).await.unwrap();
            tell.send(()).await.unwrap();
            (stream.read(&mut [0; 100]).await, Caller::Plaintext)
        };
        assert_eq!(&part, b"part");
        assert!(was_reset(&ended), "{mode:?}: {ended:?}");
        world.failed(&from, "replica/3", Failure::BrokenByServer, 1).await;
        assert_eq!(world.counts(&from, "replica/3").open, 0);
    }
}

#[tokio::test]
async fn a_caller_that_resets_looks_like_it() {
    let world = World::new();
    let (tell, mut told) = mpsc::channel(1);
    let address = replica(move |mut stream| {
        let tell = tell.clone();
        async move {
            stream.write_all(b"go").await.unwrap();
            tell.send(stream.read(&mut [0; 100]).await).await.unwrap();
        }
    })
    .await;
    let sidecar = world.sidecar("replica/3", address).await;
    let mut stream = dial(sidecar.address(), &world.caller()).await.unwrap();
    stream.read_exact(&mut [0; 2]).await.unwrap();
    stream.get_ref().0.set_zero_linger().unwrap();
    drop(stream);
    let ended = told.recv().await.unwrap();
    assert!(was_reset(&ended), "{ended:?}");
    let caller = Caller::Workload(world.id("load-generator"));
    world.failed(&caller, "replica/3", Failure::BrokenByCaller, 1).await;
}

#[tokio::test]
async fn a_caller_that_just_leaves_has_left() {
    let world = World::new();
    let (tell, mut told) = mpsc::channel(1);
    let address = replica(move |mut stream| {
        let tell = tell.clone();
        async move {
            stream.write_all(b"go").await.unwrap();
            tell.send(stream.read(&mut [0; 100]).await).await.unwrap();
        }
    })
    .await;
    let sidecar = world.sidecar("replica/3", address).await;
    let mut stream = dial(sidecar.address(), &world.caller()).await.unwrap();
    stream.read_exact(&mut [0; 2]).await.unwrap();
    // No close_notify: only the TCP connection ends, as when a client of HTTP closes an idle connection.
    drop(stream);
    assert_eq!(told.recv().await.unwrap().unwrap(), 0);
    until(|| world.by_caller("replica/3").open == 0).await;
    assert_eq!(world.by_caller("replica/3").failed, []);
}

#[tokio::test]
async fn an_idle_connection_ends_when_the_replica_ends_it() {
    let world = World::new();
    let (tell, told) = mpsc::channel::<()>(1);
    let told = Arc::new(tokio::sync::Mutex::new(told));
    let address = replica(move |stream| {
        let told = Arc::clone(&told);
        async move {
            told.lock().await.recv().await;
            drop(stream);
        }
    })
    .await;
    let sidecar = world.sidecar("replica/3", address).await;
    let mut stream = dial(sidecar.address(), &world.caller()).await.unwrap();
    tell.send(()).await.unwrap();
    // A clean end: close_notify, or this would be an error.
    assert_eq!(stream.read(&mut [0; 10]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_replica_that_is_not_there_is_a_reset_at_once() {
    let world = World::new();
    let (address, _kept) = nobody();
    let sidecar = world.sidecar("replica/3", address).await;
    let ended = call(sidecar.address(), &world.caller()).await;
    assert!(was_reset(&ended), "{ended:?}");
    let caller = Caller::Workload(world.id("load-generator"));
    world.failed(&caller, "replica/3", Failure::Refused, 1).await;
}

#[tokio::test]
async fn a_replica_that_hangs_is_waited_for() {
    let world = World::new();
    // The kernel accepts for it.
    let frozen = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sidecar = world.sidecar("replica/3", frozen.local_addr().unwrap()).await;
    let mut stream = dial(sidecar.address(), &world.caller()).await.unwrap();
    stream.write_all(b"anybody?").await.unwrap();
    until(|| world.by_caller("replica/3").sent == 8).await;
    let (mut thawed, _) = frozen.accept().await.unwrap();
    thawed.write_all(b"yes").await.unwrap();
    drop(frozen);
    let mut answer = [0; 3];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"yes");
}

#[tokio::test]
async fn draining_finishes_what_has_begun() {
    let world = World::new();
    let sidecar = world.sidecar("replica/3", echo().await).await;
    let config = world.caller();
    let old = dial(sidecar.address(), &config).await.unwrap();
    // The test's only thread does not give way until it drains: the sidecar has not accepted this one, the kernel has.
    let waiting = std::net::TcpStream::connect(sidecar.address()).unwrap();
    waiting.set_nonblocking(true).unwrap();
    let waiting = TcpStream::from_std(waiting).unwrap();
    let after = async {
        until(|| std::net::TcpStream::connect(sidecar.address()).is_err()).await;
        let stream = TlsConnector::from(Arc::clone(&config)).connect(server_name(), waiting).await.unwrap();
        assert_eq!(ask(stream, b"just in time").await.unwrap(), b"just in time");
        assert_eq!(ask(old, b"old").await.unwrap(), b"old");
    };
    let ((), ()) = tokio::join!(sidecar.drain(), after);
    let counts = world.by_caller("replica/3");
    assert_eq!((counts.open, counts.failed), (0, vec![]));
    // Again, it returns at once.
    sidecar.drain().await;
}

#[tokio::test]
async fn with_its_owner_all_of_it_ends() {
    let world = World::new();
    let (tell, mut told) = mpsc::channel(20);
    let address = replica(move |mut stream| {
        let tell = tell.clone();
        async move {
            stream.write_all(b"part").await.unwrap();
            tell.send(stream.read(&mut [0; 100]).await).await.unwrap();
        }
    })
    .await;
    // The replica's listener, and nothing else.
    let before = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let sidecar = world.sidecar("replica/3", address).await;
    let mut open = Vec::new();
    for _ in 0..20 {
        let mut stream = dial(sidecar.address(), &world.caller()).await.unwrap();
        stream.read_exact(&mut [0; 4]).await.unwrap();
        open.push(stream);
    }
    // In the middle of its handshake.
    let mut shaking = TcpStream::connect(sidecar.address()).await.unwrap();
    shaking.write_all(&[0x16, 3, 1]).await.unwrap();
    drop(sidecar);
    for stream in &mut open {
        let ended = stream.read(&mut [0; 100]).await;
        assert!(was_reset(&ended), "what was cut off must not look complete: {ended:?}");
    }
    for _ in 0..20 {
        let ended = told.recv().await.unwrap();
        assert!(was_reset(&ended), "{ended:?}");
    }
    let ended = shaking.read(&mut [0; 100]).await;
    assert!(matches!(ended, Ok(0)) || was_reset(&ended), "{ended:?}");
    until(|| tokio::runtime::Handle::current().metrics().num_alive_tasks() == before).await;
    let counts = world.by_caller("replica/3");
    assert_eq!((counts.open, counts.failed), (0, vec![(Failure::CutOff, 20)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn big_bodies_both_ways_and_a_slow_reader() {
    let world = World::new();
    let address = replica(|mut stream| async move {
        let mut heard = vec![0; 20_000_000];
        stream.read_exact(&mut heard).await.unwrap();
        stream.write_all(&heard).await.unwrap();
        stream.shutdown().await.unwrap();
        assert_eq!(stream.read(&mut [0; 1]).await.unwrap(), 0);
    })
    .await;
    let sidecar = world.sidecar("replica/3", address).await;
    let mut stream = dial(sidecar.address(), &world.caller()).await.unwrap();
    let said = bytes(20_000_000);
    stream.write_all(&said).await.unwrap();
    stream.flush().await.unwrap();
    let (mut heard, mut piece) = (Vec::new(), vec![0; 1000]);
    loop {
        match stream.read(&mut piece).await.unwrap() {
            0 => break,
            count => heard.extend_from_slice(&piece[..count]),
        }
        tokio::task::yield_now().await;
    }
    assert!(heard == said);
    stream.shutdown().await.unwrap();
    until(|| world.by_caller("replica/3").open == 0).await;
    let counts = world.by_caller("replica/3");
    assert_eq!((counts.sent, counts.received, counts.failed), (20_000_000, 20_000_000, vec![]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_is_whole_though_its_connection_stays() {
    let world = World::new();
    let address = replica(|mut stream| async move {
        stream.write_all(&bytes(8_000_000)).await.unwrap();
        // And then it waits for the next request.
        let _next = stream.read(&mut [0; 1]).await;
    })
    .await;
    let sidecar = world.sidecar("replica/3", address).await;
    let mut stream = dial(sidecar.address(), &world.caller()).await.unwrap();
    // The sidecar cannot get rid of all of it before anybody reads.
    until(|| world.by_caller("replica/3").received > 0).await;
    let mut heard = vec![0; 8_000_000];
    stream.read_exact(&mut heard).await.unwrap();
    assert!(heard == bytes(8_000_000));
}

#[tokio::test]
async fn an_end_in_the_middle_of_a_record_is_no_end() -> io::Result<()> {
    // A caller that dies in the middle of a TLS record: to the replica it has left, and what it had begun is not passed on.
    let world = World::new();
    let (tell, mut told) = mpsc::channel(1);
    let address = replica(move |mut stream| {
        let tell = tell.clone();
        async move {
            let mut heard = Vec::new();
            let ended = stream.read_to_end(&mut heard).await;
            tell.send((heard, ended.is_ok())).await.unwrap();
        }
    })
    .await;
    let sidecar = world.sidecar("replica/3", address).await;
    let mut stream = dial(sidecar.address(), &world.caller()).await?;
    stream.write_all(b"whole").await?;
    stream.flush().await?;
    let (socket, _) = stream.get_mut();
    socket.write_all(&[0x17, 3, 3, 0, 100, 1, 2, 3]).await?;
    drop(stream);
    assert_eq!(told.recv().await.unwrap(), (b"whole".to_vec(), true));
    Ok(())
}
