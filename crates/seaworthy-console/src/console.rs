//! The console as its owner holds it.

use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
};

use tokio::{
    sync::{Semaphore, mpsc, watch},
    task::JoinHandle,
};

use crate::{
    assets,
    command::Asked,
    guard::Guard,
    hub::Hub,
    model::Snapshot,
    secret::{Secret, random_hex},
    server::{self, Shared},
};

/// How many may watch at once.
const VIEWERS: usize = 256;

/// How a console is set up.
#[derive(Clone)]
pub struct Settings {
    /// What is run, for the page's head: `the built-in service on SQLite`.
    pub title: String,
    /// The most replicas that can be asked for.
    pub max_replicas: u32,
    /// What everybody must know who asks anything: 16 to 128 letters, digits, `-` and `_`. Needed where the listener is not on a
    /// loopback address.
    pub token: Option<String>,
    /// Names under which this machine is asked, besides `localhost` and addresses.
    pub names: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { title: "Seaworthy".to_owned(), max_replicas: 8, token: None, names: Vec::new() }
    }
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The token stays out of logs.
        let Self { title, max_replicas, token, names } = self;
        let token = token.as_ref().map(|_| "(secret)");
        let mut shown = f.debug_struct("Settings");
        shown.field("title", title).field("max_replicas", max_replicas).field("token", &token).field("names", names);
        shown.finish()
    }
}

/// Why there is no console.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    /// Anybody could end replicas.
    #[error("{0} can be reached from other machines: a console there needs a token (--console-token), or 127.0.0.1")]
    NeedsToken(SocketAddr),
    /// It could be guessed, or would not survive an address or a cookie.
    #[error("the console's token has to have 16 to 128 letters, digits, - and _")]
    BadToken,
    /// The system refused.
    #[error("the console's listener: {0}")]
    Io(#[from] std::io::Error),
}

/// What a console has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Who watches now.
    pub viewers: usize,
    /// Seconds that were written: one for each snapshot, however many watch.
    pub ticks_written: u64,
    /// Windows that were written: at most one for each snapshot.
    pub windows_written: u64,
}

/// A page that is served for as long as this is held.
#[derive(Debug)]
pub struct Console {
    shared: Arc<Shared>,
    address: SocketAddr,
    closing: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

impl Console {
    /// Serves the page on a listener that is bound already, from within a runtime of tokio's.
    ///
    /// What is asked for on the page goes into `commands`. Where that is full, whoever asks is told to try again.
    pub fn new(listener: TcpListener, settings: Settings, commands: mpsc::Sender<Asked>) -> Result<Self, ConsoleError> {
        let address = listener.local_addr()?;
        let local = address.ip().is_loopback();
        let access = match &settings.token {
            Some(word) => Some(Secret::chosen(word).ok_or(ConsoleError::BadToken)?),
            None if local => None,
            None => return Err(ConsoleError::NeedsToken(address)),
        };
        // Without a runtime the next line would panic.
        tokio::runtime::Handle::try_current().map_err(std::io::Error::other)?;
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let page = Secret::random()?;
        let hub = Hub::new(random_hex(4)?, settings.max_replicas);
        let shared = Arc::new(Shared {
            html: assets::page(&settings.title, hub.run(), page.tell()),
            hub: Arc::new(hub),
            // Cookies do not tell ports apart, so two consoles of one machine need two names.
            guard: Guard {
                local,
                names: settings.names,
                access,
                cookie: format!("seaworthy-{}", address.port()),
                page,
            },
            max_replicas: settings.max_replicas,
            commands,
            places: Arc::new(Semaphore::new(VIEWERS)),
        });
        let (closing, closed) = watch::channel(false);
        let serving = tokio::spawn(server::run(listener, Arc::clone(&shared), closed));
        Ok(Self { shared, address, closing, serving })
    }

    /// Shows a second. It waits for nobody. `false` where it is not later than the last one, and is not shown.
    pub fn publish(&self, snapshot: Snapshot) -> bool {
        self.shared.hub.publish(snapshot)
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address to open, with the token where there is one: to be shown to whoever started it, and never logged.
    pub fn url(&self) -> String {
        let token =
            self.shared.guard.access.as_ref().map_or_else(String::new, |access| format!("?token={}", access.tell()));
        format!("http://{}/{token}", self.address)
    }

    /// What it has done so far.
    pub fn stats(&self) -> Stats {
        let (ticks_written, windows_written) = self.shared.hub.written();
        let viewers = VIEWERS.saturating_sub(self.shared.places.available_permits());
        Stats { viewers, ticks_written, windows_written }
    }

    /// Ends all connections, streams included, and waits until they are.
    pub async fn close(self) {
        self.closing.send_replace(true);
        if let Err(error) = self.serving.await {
            tracing::error!(%error, "the console ended badly");
        }
    }
}
