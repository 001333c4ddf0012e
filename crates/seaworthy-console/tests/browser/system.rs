//! The made-up system with its console, second by second as a test says, and a way to it that can be cut.

use std::{
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex, MutexGuard},
};

use seaworthy_console::{Command, Console, Settings, model::Snapshot};
use tokio::{
    io::copy_bidirectional,
    net::TcpStream,
    sync::{mpsc, watch},
};

use crate::world::{Store, World};

/// A quarter past four in the afternoon, somewhere.
const BEGIN_MS: u64 = 1_795_278_600_000;

/// What a page is shown.
pub(crate) struct System {
    console: Console,
    world: Arc<Mutex<World>>,
    pub(crate) published: Vec<Snapshot>,
    /// What was asked for on the page.
    pub(crate) asked: Arc<Mutex<Vec<Command>>>,
}

impl System {
    pub(crate) fn new(store: Store) -> Self {
        let (commands, mut waiting) = mpsc::channel(4);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let settings = Settings { title: "a made-up service".to_owned(), ..Settings::default() };
        let console = Console::new(listener, settings, commands).unwrap();
        let world = Arc::new(Mutex::new(World::new(store, BEGIN_MS, 7)));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (owner, log) = (Arc::clone(&world), Arc::clone(&asked));
        tokio::spawn(async move {
            while let Some(one) = waiting.recv().await {
                log.lock().unwrap().push(one.command);
                let answer = owner.lock().unwrap().ask(one.command, "the page");
                one.answer.send(answer).unwrap();
            }
        });
        Self { console, world, published: Vec::new(), asked }
    }

    /// Lets some seconds go by.
    pub(crate) fn go_on(&mut self, seconds: u32) {
        for _ in 0..seconds {
            let snapshot = self.world().step();
            assert!(self.console.publish(snapshot.clone()));
            self.published.push(snapshot);
        }
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    pub(crate) fn url(&self) -> String {
        self.console.url()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.console.address()
    }

    pub(crate) fn now(&self) -> u64 {
        self.published.last().map_or(0, |snapshot| snapshot.second)
    }
}

/// A way to a server that can be cut, as a cable can.
pub(crate) struct Way {
    pub(crate) address: SocketAddr,
    open: watch::Sender<bool>,
}

impl Way {
    pub(crate) async fn to(server: SocketAddr) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (open, seen) = watch::channel(true);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let mut seen = seen.clone();
                if !*seen.borrow_and_update() {
                    continue;
                }
                tokio::spawn(async move {
                    let mut server = TcpStream::connect(server).await.unwrap();
                    tokio::select! {
                        _ = copy_bidirectional(&mut client, &mut server) => {}
                        _ = seen.changed() => {}
                    }
                });
            }
        });
        Self { address, open }
    }

    /// Ends what goes over it, and lets nothing through any more.
    pub(crate) fn cut(&self) {
        self.open.send_replace(false);
    }

    pub(crate) fn mend(&self) {
        self.open.send_replace(true);
    }
}
