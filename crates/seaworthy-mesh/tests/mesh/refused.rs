//! Who is turned away, and why. The replica hears of none of them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};
use rustls::{
    ClientConfig,
    version::{TLS12, TLS13},
};
use seaworthy_mesh::{
    Workload,
    edges::{Caller, Failure},
    identity::{Lifetimes, Peers},
    reason::Reason,
    sidecar::Mode,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::{Shows, World, ask, call, dial, echo, replica, stranger, until, was_reset};

/// The certificate that a workload shows now, for ever.
fn kept(workload: &Workload) -> Shows {
    let config = workload.client_config(Peers::exactly([])).unwrap();
    Shows(config.client_auth_cert_resolver.resolve(&[], &[]))
}

#[tokio::test]
async fn certificates_that_do_not_count() {
    let world = World::new();
    let heard = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&heard);
    let address = replica(move |_| {
        counted.fetch_add(1, SeqCst);
        async {}
    })
    .await;
    let caller = world.workload("load-generator");
    let old = kept(&caller);
    world.clock.forward(Duration::from_secs(30 * 60 + 1));
    let sidecar = world.sidecar("replica/3", address).await;
    // Half an hour and two seconds later the old certificate is over; the authority and all others are not.
    world.clock.forward(Duration::from_secs(30 * 60 + 1));
    let other = World::new();
    other.clock.forward(Duration::from_hours(1));
    let only_tls13: &[&rustls::SupportedProtocolVersion] = &[&TLS13];
    let cases: Vec<(Arc<ClientConfig>, Reason)> = vec![
        (stranger(Shows(None), only_tls13), Reason::NoCertificate),
        (stranger(old, only_tls13), Reason::Expired),
        (stranger(kept(&other.workload("load-generator")), only_tls13), Reason::Untrusted),
        (
            stranger(kept(&world.workload("replica/4")), only_tls13),
            Reason::Identity("spiffe://seaworthy.local/replica/4 may not talk to this workload".into()),
        ),
        (
            stranger(kept(&world.workload("load-generator/x")), only_tls13),
            Reason::Identity("spiffe://seaworthy.local/load-generator/x may not talk to this workload".into()),
        ),
        (stranger(kept(&caller), &[&TLS12]), Reason::OldTls),
        (other.caller(), Reason::Alert("UnknownCA".into())),
    ];
    for (n, (config, why)) in (1..).zip(cases) {
        let error = call(sidecar.address(), &config).await.unwrap_err();
        until(|| world.turned_away("replica/3").iter().map(|(_, times)| times).sum::<u64>() == n).await;
        let told = world.turned_away("replica/3");
        assert!(told.contains(&(why.clone(), 1)), "{why:?}, {error}: {told:?}");
    }
    world.failed(&Caller::Unverified, "replica/3", Failure::TurnedAway, 7).await;
    assert_eq!(world.turned_away("replica/3").len(), 7);
    assert_eq!(heard.load(SeqCst), 0, "the replica heard of one that was turned away");
    assert_eq!(world.by_caller("replica/3").opened, 0);
}

#[tokio::test]
async fn a_certificate_from_the_future() {
    let world = World::new();
    let sidecar = world.sidecar("replica/3", echo().await).await;
    let caller = world.workload("load-generator");
    world.clock.forward(Duration::from_mins(31));
    let new = {
        let _renewed = world.authority.renew().unwrap();
        kept(&caller)
    };
    world.clock.back(Duration::from_mins(31));
    call(sidecar.address(), &stranger(new, &[&TLS13])).await.unwrap_err();
    assert_eq!(world.turned_away("replica/3"), [(Reason::NotYetValid, 1)]);
}

#[tokio::test]
async fn the_alert_says_so() {
    let world = World::new();
    let sidecar = world.sidecar("replica/3", echo().await).await;
    let error = call(sidecar.address(), &stranger(Shows(None), &[&TLS13])).await.unwrap_err();
    assert!(error.to_string().contains("CertificateRequired"), "{error}");
}

#[tokio::test]
async fn strict_is_strict() {
    let world = World::new();
    let sidecar = world.sidecar("replica/3", echo().await).await;
    let plain = TcpStream::connect(sidecar.address()).await.unwrap();
    let ended = ask(plain, b"GET / HTTP/1.1\r\n\r\n").await;
    assert!(was_reset(&ended), "{ended:?}");
    let mut garbage = TcpStream::connect(sidecar.address()).await.unwrap();
    garbage.write_all(b"\x16\xff\xff\xff\xff no such record").await.unwrap();
    let mut alert = Vec::new();
    let _ended = garbage.read_to_end(&mut alert).await;
    let none = TcpStream::connect(sidecar.address()).await.unwrap();
    drop(none);
    until(|| world.turned_away("replica/3").len() == 2).await;
    assert_eq!(world.turned_away("replica/3"), [(Reason::Plaintext, 1), (Reason::NotTls, 1)]);
    assert_eq!(world.counts(&Caller::Plaintext, "replica/3").failed, [(Failure::TurnedAway, 1)]);
    assert_eq!(world.counts(&Caller::Unverified, "replica/3").failed, [(Failure::TurnedAway, 1)]);
}

#[tokio::test]
async fn nobody_is_waited_for_for_ever() {
    let world = World::new();
    let mut settings = world.settings();
    settings.handshake = Duration::from_millis(20);
    for mode in [Mode::Strict, Mode::Permissive] {
        settings.mode = mode;
        let sidecar = world.sidecar_with("replica/3", echo().await, &settings).await;
        let mut silent = TcpStream::connect(sidecar.address()).await.unwrap();
        assert!(was_reset(&silent.read(&mut [0; 1]).await), "{mode:?}");
        let mut slow = TcpStream::connect(sidecar.address()).await.unwrap();
        slow.write_all(&[0x16, 3, 1, 2]).await.unwrap();
        let ended = slow.read(&mut [0; 1]).await;
        assert!(matches!(ended, Ok(0)) || was_reset(&ended), "{ended:?}");
    }
    until(|| world.turned_away("replica/3") == [(Reason::Silent, 4)]).await;
    // A handshake that left in the middle is another matter.
    let sidecar = world.sidecar("replica/4", echo().await).await;
    let mut leaves = TcpStream::connect(sidecar.address()).await.unwrap();
    leaves.write_all(&[0x16, 3, 1, 2]).await.unwrap();
    drop(leaves);
    until(|| world.turned_away("replica/4") == [(Reason::HungUp, 1)]).await;
}

#[tokio::test]
async fn a_client_knows_whom_it_calls() {
    let world = World::new();
    let sidecar = world.sidecar("replica/3", echo().await).await;
    let caller = world.workload("load-generator");
    let only = |path: &str| caller.client_config(Peers::exactly([world.id(path)])).unwrap();
    assert_eq!(call(sidecar.address(), &only("replica/3")).await.unwrap(), b"hello");
    let error = dial(sidecar.address(), &only("replica/30")).await.unwrap_err();
    assert!(error.to_string().contains("spiffe://seaworthy.local/replica/3 may not talk"), "{error}");
    let nobody = caller.client_config(Peers::exactly([])).unwrap();
    dial(sidecar.address(), &nobody).await.unwrap_err();
}

#[tokio::test]
async fn an_authority_that_is_over_vouches_for_nobody() {
    let brief = Lifetimes { leaf: Duration::from_secs(2), authority: Duration::from_secs(4), ..Lifetimes::default() };
    let world = World::living(brief);
    let caller = world.workload("load-generator");
    let old = stranger(kept(&caller), &[&TLS13]);
    let sidecar = world.sidecar("replica/3", echo().await).await;
    assert_eq!(call(sidecar.address(), &old).await.unwrap(), b"hello");
    world.clock.forward(Duration::from_secs(5));
    let new = world.caller();
    call(sidecar.address(), &old).await.unwrap_err();
    until(|| !world.turned_away("replica/3").is_empty()).await;
    assert_eq!(world.turned_away("replica/3"), [(Reason::Expired, 1)]);
    assert_eq!(call(sidecar.address(), &new).await.unwrap(), b"hello");
}

#[test]
fn whatever_comes_first_nobody_panics() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let world = World::new();
        let mut permissive = world.settings();
        permissive.mode = Mode::Permissive;
        let strict = world.sidecar("replica/1", echo().await).await;
        let lenient = world.sidecar_with("replica/2", echo().await, &permissive).await;
        let record = (prop::collection::vec(any::<u8>(), 0..80), 0..3_u8, any::<u16>());
        let tls_like = record.prop_map(|(mut rest, minor, length)| {
            let [high, low] = length.to_be_bytes();
            let mut all = vec![0x16, 3, minor, high % 4, low, 1];
            all.append(&mut rest);
            all
        });
        let any_bytes = prop::collection::vec(any::<u8>(), 1..200);
        let mut runner = TestRunner::deterministic();
        for _ in 0..300 {
            let words = prop_oneof![any_bytes.clone(), tls_like.clone()].new_tree(&mut runner).unwrap().current();
            let plain = TcpStream::connect(strict.address()).await.unwrap();
            if let Ok(answer) = ask(plain, &words).await {
                assert!(words[0] == 0x16 && answer.first().is_none_or(|first| *first == 0x15), "{words:?}: {answer:?}");
            }
            let plain = TcpStream::connect(lenient.address()).await.unwrap();
            let answer = ask(plain, &words).await;
            assert!(words[0] == 0x16 || answer.as_ref().is_ok_and(|answer| *answer == words), "{words:?}: {answer:?}");
        }
        for sidecar in [&strict, &lenient] {
            assert_eq!(call(sidecar.address(), &world.caller()).await.unwrap(), b"hello");
        }
    });
}
