//! A replica's place: its ports, its directory, and its command with both filled in.

use std::{
    collections::BTreeMap,
    fs, io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
};

use rand::RngExt as _;
use rand_pcg::Pcg64Mcg;
use seaworthy_core::event::{Release, Replica};
use thiserror::Error;

use super::database::{self, DATABASE};
use crate::target::Target;

/// Where replicas listen: below the ports that the kernel gives to clients (32768 to 60999), so that no client of ours
/// can take one while its replica restarts.
const PORTS: std::ops::Range<u16> = 20_000..32_768;

/// How many ports are tried before none is taken to be free.
const ATTEMPTS: usize = 1_000;

/// Marks the processes of a trial in their environment, so that they are found also when nobody knows their numbers.
pub(crate) const MARK: &str = "SEAWORTHY_TRIAL";

/// The mark of a replica of a trial.
pub(crate) fn mark(trial: &str, replica: Replica) -> String {
    format!("{trial}/{}", replica.0)
}

/// Why a command is none.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum InvalidCommand {
    /// There is nothing to run.
    #[error("is empty")]
    Empty,
    /// A placeholder is not known.
    #[error("has the placeholder {{{0}}}; there are {{port}}, {{replica}}, {{dir}}, and {{port:NAME}} for each --port")]
    Unknown(String),
}

/// A replica's place.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// Where it serves requests.
    pub(crate) address: SocketAddr,
    /// Its other ports by their names.
    pub(crate) ports: BTreeMap<String, u16>,
    /// A directory of its own.
    pub(crate) directory: PathBuf,
    /// Where its output goes.
    pub(crate) log: PathBuf,
    /// The program and its arguments.
    pub(crate) command: Vec<String>,
    /// What is added to its environment.
    pub(crate) environment: Vec<(String, String)>,
}

impl Place {
    /// Makes a place for a replica of a trial.
    pub(crate) fn make(
        target: &Target,
        replica: Replica,
        release: Release,
        folder: &Path,
        trial: &str,
        database: Option<u16>,
        chance: &mut Pcg64Mcg,
    ) -> io::Result<Self> {
        let mut taken = Vec::new();
        let mut free = || free_port(&mut taken, chance);
        let port = free()?;
        let ports: BTreeMap<String, u16> =
            target.ports.iter().map(|name| Ok((name.clone(), free()?))).collect::<io::Result<_>>()?;
        let directory = folder.join(format!("replica-{}", replica.0));
        fs::create_dir_all(&directory)?;
        let directory = directory.canonicalize()?;
        let shared = database.map(|port| (DATABASE.to_owned(), port));
        let known: BTreeMap<String, u16> = ports.clone().into_iter().chain(shared).collect();
        let fill = |text: &str| fill(text, port, &known, &replica.0.to_string(), &directory);
        let command = match release {
            Release::Good => &target.command,
            Release::Bad => &target.bad_command,
        };
        let named = ports.iter().map(|(name, port)| (format!("PORT_{}", variable(name)), port.to_string()));
        // What is ours comes last, and so takes the place of what a manifest says of the same name.
        let environment = target
            .environment
            .iter()
            .map(|(name, value)| (name.clone(), fill(value)))
            .chain([("PORT".to_owned(), port.to_string())])
            .chain(named)
            .chain(database.map(|port| (database::PORT.to_owned(), port.to_string())))
            .chain([(MARK.to_owned(), mark(trial, replica))])
            .collect();
        Ok(Self {
            address: (Ipv4Addr::LOCALHOST, port).into(),
            log: folder.join(format!("replica-{}.log", replica.0)),
            command: command.iter().map(|word| fill(word)).collect(),
            environment,
            ports,
            directory,
        })
    }

    /// The address of one of its ports; of the one that serves requests where there is no name.
    pub(crate) fn port(&self, name: Option<&str>) -> Option<SocketAddr> {
        match name {
            None => Some(self.address),
            Some(name) => self.ports.get(name).map(|port| (self.address.ip(), *port).into()),
        }
    }
}

/// A port that nobody has.
pub(super) fn free_port(taken: &mut Vec<u16>, chance: &mut Pcg64Mcg) -> io::Result<u16> {
    for _ in 0..ATTEMPTS {
        let port = chance.random_range(PORTS);
        // On all addresses, since a target may take them all.
        let is_free = !taken.contains(&port)
            && TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok()
            && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
        if is_free {
            taken.push(port);
            return Ok(port);
        }
    }
    Err(io::Error::other(format!("no free port from {} to {}", PORTS.start, PORTS.end - 1)))
}

/// A name as part of the name of a variable.
fn variable(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

/// A text with its placeholders filled in. Other braces are left as they are: they may be JSON.
pub(super) fn fill(text: &str, port: u16, ports: &BTreeMap<String, u16>, replica: &str, directory: &Path) -> String {
    let filled = text
        .replace("{port}", &port.to_string())
        .replace("{replica}", replica)
        .replace("{dir}", &directory.to_string_lossy());
    ports.iter().fold(filled, |text, (name, port)| text.replace(&format!("{{port:{name}}}"), &port.to_string()))
}

/// The placeholders of a command, or which of them nobody knows. A single word in braces is taken for one.
pub fn placeholders(command: &[String], ports: &[String]) -> Result<Vec<String>, InvalidCommand> {
    if command.first().is_none_or(String::is_empty) {
        return Err(InvalidCommand::Empty);
    }
    let mut found = Vec::new();
    for name in command.iter().flat_map(|word| in_braces(word)) {
        let known = matches!(name, "port" | "replica" | "dir")
            || name.strip_prefix("port:").is_some_and(|name| ports.iter().any(|port| port == name));
        if known {
            found.push(name.to_owned());
        } else if name == "ports" || name.starts_with("port") {
            return Err(InvalidCommand::Unknown(name.to_owned()));
        }
    }
    Ok(found)
}

fn in_braces(word: &str) -> impl Iterator<Item = &str> {
    word.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use seaworthy_core::deployment::{Deployment, Strategy, Template};

    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn a_place_has_ports_of_its_own_and_a_directory() {
        let folder = tempfile::tempdir().unwrap();
        let template = Template {
            startup: None,
            readiness: None,
            liveness: None,
            pre_stop: None,
            grace: std::time::Duration::ZERO,
        };
        let target = Target {
            deployment: Deployment {
                replicas: 1,
                strategy: Strategy::default(),
                min_ready: std::time::Duration::ZERO,
                progress_deadline: std::time::Duration::ZERO,
                revision_history: 10,
                template,
            },
            command: words(&["serve", "127.0.0.1:{port}", "{\"a\": {replica}}", "{dir}/x", "{port:ops}"]),
            bad_command: words(&["false"]),
            environment: vec![("AT".to_owned(), "{dir}".to_owned()), ("PORT".to_owned(), "8080".to_owned())],
            directory: None,
            ports: words(&["ops"]),
        };
        let mut chance = Pcg64Mcg::seed_from_u64(1);
        let place =
            Place::make(&target, Replica(3), Release::Good, folder.path(), "mine", Some(4_321), &mut chance).unwrap();
        let [_, address, json, file, ops] = &*place.command else { panic!("{:?}", place.command) };
        assert_eq!(*address, place.address.to_string());
        assert_eq!(json, "{\"a\": 3}");
        assert!(place.directory.is_dir() && file.starts_with(&*place.directory.to_string_lossy()), "{file}");
        assert_eq!(*ops, place.ports["ops"].to_string());
        assert_ne!(place.ports["ops"], place.address.port());
        for (name, value) in
            [("PORT", place.address.port().to_string()), ("PORT_OPS", ops.clone()), (MARK, "mine/3".into())]
        {
            assert!(place.environment.contains(&(name.to_owned(), value)), "{name}: {:?}", place.environment);
        }
        let port = place.environment.iter().rfind(|(name, _)| name == "PORT").unwrap();
        assert_eq!(port.1, place.address.port().to_string(), "the last one counts");
        let bad =
            Place::make(&target, Replica(4), Release::Bad, folder.path(), "mine", Some(4_321), &mut chance).unwrap();
        assert_eq!(bad.command, ["false"]);
        assert_ne!(bad.address, place.address);
    }

    #[test]
    fn placeholders_that_nobody_knows_are_told() {
        let ports = words(&["ops"]);
        let of = |command: &[&str]| placeholders(&words(command), &ports);
        assert_eq!(of(&["a", "-b", "{port}", "{port:ops}"]), Ok(words(&["port", "port:ops"])));
        assert_eq!(of(&["a", "{\"json\": 1}", "{}", "${HOME}"]), Ok(vec![]));
        assert_eq!(of(&["a", "{port:admin}"]), Err(InvalidCommand::Unknown("port:admin".to_owned())));
        assert_eq!(of(&[]), Err(InvalidCommand::Empty));
        assert_eq!(of(&[""]), Err(InvalidCommand::Empty));
    }
}
