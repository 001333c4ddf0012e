//! The database beside the replicas: started before them, in a directory of its own, and killed by a drill.

use std::{collections::BTreeMap, fs, io, net::SocketAddr, path::Path, time::Duration};

use rand_pcg::Pcg64Mcg;
use seaworthy_core::event::{Exit, Signal};
use tokio::{
    net::TcpStream,
    sync::{mpsc, watch},
    task::spawn_blocking,
    time::{sleep, timeout},
};

use super::{
    place::{MARK, Place, fill, free_port},
    platform::Told,
    process, sockets,
};
use crate::journal::Journal;

/// The name of its port, in the commands of replicas and its own.
pub const DATABASE: &str = "database";

/// What its port is called in the environment of replicas, and in its own.
pub(super) const PORT: &str = "DATABASE_PORT";

/// How often its port is tried until it takes connections.
const AGAIN: Duration = Duration::from_millis(50);

/// How long one try may take.
const LIMIT: Duration = Duration::from_millis(500);

/// The database of a trial.
#[derive(Debug)]
pub(super) struct Database {
    place: Place,
    mark: String,
    /// Its process, while it runs.
    pid: Option<u32>,
    /// Its port is looked at for as long as this is there.
    looked_at: Option<watch::Sender<()>>,
}

impl Database {
    /// Makes a place for it.
    pub(super) fn make(command: &[String], folder: &Path, trial: &str, chance: &mut Pcg64Mcg) -> io::Result<Self> {
        let port = free_port(&mut Vec::new(), chance)?;
        let directory = folder.join(DATABASE);
        fs::create_dir_all(&directory)?;
        let directory = directory.canonicalize()?;
        let mark = format!("{trial}/{DATABASE}");
        let ports = BTreeMap::from([(DATABASE.to_owned(), port)]);
        let place = Place {
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            command: command.iter().map(|word| fill(word, port, &ports, DATABASE, &directory)).collect(),
            environment: vec![(PORT.to_owned(), port.to_string()), (MARK.to_owned(), mark.clone())],
            ports,
            log: folder.join(format!("{DATABASE}.log")),
            directory,
        };
        Ok(Self { place, mark, pid: None, looked_at: None })
    }

    /// Its port.
    pub(super) const fn port(&self) -> u16 {
        self.place.address.port()
    }

    /// Its place.
    pub(super) const fn place(&self) -> &Place {
        &self.place
    }

    /// Starts it. It is told when it takes connections, and when it has ended.
    pub(super) fn start(&mut self, journal: &mut Journal, tell: &mpsc::Sender<Told>) {
        let mut child = match process::start(&self.place, &self.place.command, Some(&self.place.directory)) {
            Ok(child) => child,
            Err(error) => {
                // Its log is where its last words are looked for.
                let program = self.place.command.first().cloned().unwrap_or_default();
                let _written = fs::write(&self.place.log, format!("{program}: {error}\n"));
                let _told = tell.try_send(Told::Database(Heard::Ended(None)));
                return;
            }
        };
        self.pid = child.id();
        if let Some(pid) = self.pid {
            let _written = journal.started(pid, sockets::started(pid));
        }
        let (group, mark, ended) = (self.pid, self.mark.clone(), tell.clone());
        tokio::spawn(async move {
            let Ok(status) = child.wait().await else { return };
            if let Some(group) = group {
                process::signal(group, Signal::Kill);
            }
            let _looked = spawn_blocking(move || process::kill_all(&sockets::of_replica(&mark))).await;
            let _told = ended.send(Told::Database(Heard::Ended(Some(process::exit(status))))).await;
        });
        let (looked_at, gone) = watch::channel(());
        self.looked_at = Some(looked_at);
        let (address, there) = (self.place.address, tell.clone());
        tokio::spawn(async move {
            while gone.has_changed().is_ok() {
                if timeout(LIMIT, TcpStream::connect(address)).await.is_ok_and(|connected| connected.is_ok()) {
                    let _told = there.send(Told::Database(Heard::There)).await;
                    return;
                }
                sleep(AGAIN).await;
            }
        });
    }

    /// Kills it, with all of its group.
    pub(super) fn kill(&self) {
        if let Some(pid) = self.pid {
            process::signal(pid, Signal::Kill);
        }
    }

    /// Its process has ended.
    pub(super) fn ended(&mut self) {
        self.pid = None;
        self.looked_at = None;
    }
}

/// What is heard of the database.
#[derive(Clone, Copy, Debug)]
pub(super) enum Heard {
    /// It takes connections.
    There,
    /// Its process has ended, or never was.
    Ended(Option<Exit>),
}
