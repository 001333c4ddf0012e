//! Certificates and authorities change, and nobody notices.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use seaworthy_mesh::{
    Clock as _,
    edges::Caller,
    identity::{Lifetimes, Renewed},
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::{World, ask, call, dial, echo, until};

const HOUR: Duration = Duration::from_hours(1);

#[tokio::test]
async fn what_is_due_is_renewed_at_half() {
    let world = World::new();
    let caller = world.workload("load-generator");
    let first = caller.not_after();
    world.clock.forward(Duration::from_secs(30 * 60 - 1));
    assert_eq!(world.authority.renew().unwrap(), Renewed::default());
    world.clock.forward(Duration::from_secs(1));
    assert_eq!(world.authority.next_due(), caller.renew_at());
    assert_eq!(world.authority.renew().unwrap(), Renewed { leaves: 1, authority: false });
    assert_eq!(caller.not_after(), first + HOUR / 2);
    world.clock.forward(12 * HOUR);
    assert_eq!(world.authority.renew().unwrap(), Renewed { leaves: 1, authority: true });
    // One that comes late gets a whole life all the same, from an authority that has one.
    world.clock.forward(24 * HOUR);
    assert_eq!(world.workload("late").not_after(), world.clock.now() + HOUR);
    // A workload that is gone is not renewed any more.
    drop(caller);
    world.clock.forward(HOUR);
    assert_eq!(world.authority.renew().unwrap(), Renewed::default());
}

#[tokio::test]
async fn an_old_authority_is_trusted_as_long_as_its_leaves() {
    let world = World::new();
    let sidecar = world.sidecar("replica/3", echo().await).await;
    let config = world.caller();
    assert_eq!(world.authority.trusted(), 1);
    assert!(world.authority.renew_authority().unwrap().authority);
    assert_eq!(world.authority.trusted(), 2);
    assert_eq!(call(sidecar.address(), &config).await.unwrap(), b"hello");
    world.clock.forward(HOUR + Duration::from_secs(1));
    assert_eq!(world.authority.trusted(), 1);
    assert_eq!(call(sidecar.address(), &config).await.unwrap(), b"hello");
}

#[tokio::test]
async fn a_machine_that_slept_for_a_month_needs_no_timer() {
    let world = World::new();
    let sidecar = world.sidecar("replica/3", echo().await).await;
    let config = world.caller();
    let mut long = dial(sidecar.address(), &config).await.unwrap();
    long.write_all(b"first").await.unwrap();
    long.read_exact(&mut [0; 5]).await.unwrap();
    world.clock.forward(30 * 24 * HOUR);
    for _ in 0..3 {
        assert_eq!(call(sidecar.address(), &config).await.unwrap(), b"hello");
    }
    // An established connection goes on: TLS looks at certificates in the handshake.
    assert_eq!(ask(long, b"still").await.unwrap(), b"still");
}

#[tokio::test]
async fn the_timer_renews_what_is_due() {
    let world = World::new();
    let caller = world.workload("load-generator");
    let before = caller.not_after();
    let rotation = world.authority.rotate_in_time();
    drop(rotation);
    world.clock.forward(HOUR);
    let _rotation = world.authority.rotate_in_time();
    until(|| caller.not_after() > before).await;
}

#[test]
fn lifetimes_that_cannot_work_are_refused() {
    let make = |leaf, authority| {
        let lifetimes = Lifetimes { leaf, authority, ..Lifetimes::default() };
        seaworthy_mesh::Authority::new("seaworthy.local", lifetimes, Arc::new(seaworthy_mesh::SystemClock)).map(drop)
    };
    make(Duration::from_secs(2), Duration::from_secs(4)).unwrap();
    make(Duration::from_secs(1), HOUR).unwrap_err();
    make(HOUR, HOUR).unwrap_err();
    make(HOUR, Duration::MAX).unwrap_err();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_handshakes_and_not_one_fails() {
    let world = World::living(Lifetimes { leaf: HOUR, ..Lifetimes::default() });
    let sidecar = world.sidecar("replica/3", echo().await).await;
    let (to, config) = (sidecar.address(), world.caller());
    let rotating = Arc::new(AtomicBool::new(true));
    let lasting: Vec<_> = (0..8)
        .map(|_| {
            let (config, rotating) = (Arc::clone(&config), Arc::clone(&rotating));
            tokio::spawn(async move {
                let mut stream = dial(to, &config).await.unwrap();
                let mut answer = [0; 4];
                let mut exchanged = 0_u64;
                while rotating.load(SeqCst) {
                    stream.write_all(b"ping").await.unwrap();
                    stream.read_exact(&mut answer).await.unwrap();
                    exchanged += 1;
                }
                exchanged
            })
        })
        .collect();
    let calling: Vec<_> = (0..4)
        .map(|_| {
            let config = Arc::clone(&config);
            tokio::spawn(async move {
                for _ in 0..500 {
                    assert_eq!(call(to, &config).await.unwrap(), b"hello");
                }
            })
        })
        .collect();
    // All the while: leaves, the authority, and both by the clock.
    let mut rotations = 0;
    while !calling.iter().all(tokio::task::JoinHandle::is_finished) {
        match rotations % 3 {
            0 => drop(world.authority.renew_leaves().unwrap()),
            1 => assert!(world.authority.renew_authority().unwrap().authority),
            _ => {
                // Little at a time: a handshake of this test may take as long as many of these rounds.
                world.clock.forward(Duration::from_secs(10));
                world.authority.renew().unwrap();
            }
        }
        rotations += 1;
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    rotating.store(false, SeqCst);
    for one in calling {
        one.await.unwrap();
    }
    for one in lasting {
        assert!(one.await.unwrap() > 0);
    }
    assert!(rotations > 100, "only {rotations}");
    until(|| world.by_caller("replica/3").open == 0).await;
    let counts = world.by_caller("replica/3");
    assert_eq!((counts.handshakes, counts.failed), (2008, vec![]));
    assert_eq!(world.turned_away("replica/3"), []);
    assert_eq!(world.counts(&Caller::Unverified, "replica/3").opened, 0);
}
