//! Who listens where on this machine: `/proc/net/tcp`, `/proc/net/tcp6` and the descriptors of processes (`proc(5)`).

use std::{collections::BTreeSet, fs, path::Path};

use seaworthy_core::event::Disposition;

use super::{database::DATABASE, place::MARK};

/// The state LISTEN, as `/proc/net/tcp` writes it.
const LISTEN: &str = "0A";

/// Who holds a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listening {
    /// A process of the trial.
    Ours,
    /// Another one, in words.
    Others(String),
    /// Nobody, or nobody knows.
    Unknown,
}

/// Who listens on a port of a replica, whose process leads a group. More than one may, and the kernel then shares
/// connections out among them (`SO_REUSEPORT`, `socket(7)`): where any of them is another's, that is what is told.
pub(crate) fn holder(port: u16, group: Option<u32>, trial: &str) -> Listening {
    let all = listening(port);
    if all.is_empty() {
        return Listening::Unknown;
    }
    let mark = group.and_then(mark_of).filter(|mark| mark.starts_with(format!("{MARK}={trial}/").as_bytes()));
    let is_its = |pid: u32| match &mark {
        // Another replica is another's process, too.
        Some(mark) => in_group(pid, group) || has_entry(pid, |entry| entry == mark),
        None => is_ours(pid, group, trial),
    };
    let holding = processes().map(|pid| (pid, held(pid, &all))).filter(|(_, held)| !held.is_empty());
    let (its, others): (Vec<_>, Vec<_>) = holding.partition(|(pid, _)| is_its(*pid));
    // A socket that it shares with others is its own, whoever they are.
    let foreign: BTreeSet<u64> =
        all.into_iter().filter(|inode| !its.iter().any(|(_, held)| held.contains(inode))).collect();
    if let Some((pid, _)) = others.iter().find(|(_, held)| !held.is_disjoint(&foreign)) {
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        return Listening::Others(format!("process {pid} ({})", name.trim()));
    }
    if !listening(port).is_disjoint(&foreign) {
        // A process of another user shows its descriptors to nobody.
        return Listening::Others("a process of another user".to_owned());
    }
    // Whoever held the others may have ended while they were looked for.
    if its.is_empty() { Listening::Unknown } else { Listening::Ours }
}

/// The ports on which the processes of a replica listen. The database beside it has a port of its own, which is none.
pub(crate) fn ports_of(group: u32, trial: &str) -> BTreeSet<u16> {
    let database = format!("{MARK}={trial}/{DATABASE}");
    let is_database = |pid| has_entry(pid, |entry| entry == database.as_bytes());
    let ours: Vec<u32> = processes().filter(|pid| is_ours(*pid, Some(group), trial) && !is_database(*pid)).collect();
    entries()
        .filter(|(_, inode)| {
            let inode = BTreeSet::from([*inode]);
            ours.iter().any(|pid| !held(*pid, &inode).is_empty())
        })
        .map(|(port, _)| port)
        .collect()
}

/// All processes that have the mark of a trial in their environment, as far as we may read it.
pub(crate) fn marked(trial: &str) -> Vec<u32> {
    processes().filter(|pid| has_mark(*pid, trial)).collect()
}

/// All processes that have the mark of a trial, with what it says of whose they are.
pub(crate) fn with_mark(trial: &str) -> Vec<(u32, String)> {
    let mark = format!("{MARK}={trial}/");
    let of = |pid: u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
        let whose = environment.split(|byte| *byte == 0).find_map(|entry| entry.strip_prefix(mark.as_bytes()))?;
        Some((pid, String::from_utf8_lossy(whose).into_owned()))
    };
    processes().filter(|pid| *pid > 1).filter_map(of).collect()
}

/// All processes of a replica that carry its mark, whatever group or session they went to.
pub(crate) fn of_replica(mark: &str) -> Vec<u32> {
    let entry = format!("{MARK}={mark}");
    processes().filter(|pid| has_entry(*pid, |found| found == entry.as_bytes())).collect()
}

/// When a process started, in the kernel's ticks since boot: with its number it names a process for good.
///
/// One that has ended and that nobody has waited for yet does not run.
pub(crate) fn started(pid: u32) -> Option<u64> {
    let fields = fields(pid)?;
    if matches!(fields.first().map(String::as_str), Some("Z" | "X")) {
        return None;
    }
    fields.get(19)?.parse().ok()
}

/// What SIGTERM does to a process.
pub(crate) fn of_sigterm(pid: u32) -> Option<Disposition> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let has = |mask: &str| {
        let mask = status.lines().find_map(|line| line.strip_prefix(mask))?;
        // SIGTERM is 15, and the lowest bit is signal 1.
        u64::from_str_radix(mask.trim(), 16).ok().map(|mask| mask >> 14 & 1 == 1)
    };
    Some(match (has("SigCgt:")?, has("SigIgn:")?) {
        (true, _) => Disposition::Handled,
        (false, true) => Disposition::Ignored,
        (false, false) => Disposition::Default,
    })
}

/// The fields of `/proc/PID/stat` after the name, which may hold anything.
fn fields(pid: u32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    Some(rest.split_whitespace().map(str::to_owned).collect())
}

fn is_ours(pid: u32, group: Option<u32>, trial: &str) -> bool {
    in_group(pid, group) || has_mark(pid, trial)
}

fn in_group(pid: u32, group: Option<u32>) -> bool {
    fields(pid).and_then(|fields| fields.get(2)?.parse::<u32>().ok()).is_some_and(|of| Some(of) == group)
}

/// The mark in the environment of a process, as a whole.
fn mark_of(pid: u32) -> Option<Vec<u8>> {
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let name = format!("{MARK}=");
    environment.split(|byte| *byte == 0).find(|entry| entry.starts_with(name.as_bytes())).map(<[u8]>::to_vec)
}

fn has_mark(pid: u32, trial: &str) -> bool {
    let mark = format!("{MARK}={trial}/");
    has_entry(pid, |entry| entry.starts_with(mark.as_bytes()))
}

fn has_entry(pid: u32, is: impl Fn(&[u8]) -> bool) -> bool {
    // The first process of all, and of a container, is nobody's to end.
    pid > 1
        && fs::read(format!("/proc/{pid}/environ"))
            .is_ok_and(|environment| environment.split(|byte| *byte == 0).any(is))
}

fn processes() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Which of these sockets a process holds.
fn held(pid: u32, inodes: &BTreeSet<u64>) -> BTreeSet<u64> {
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let sockets = descriptors.filter_map(|descriptor| inode(&fs::read_link(descriptor.path()).ok()?));
    sockets.filter(|inode| inodes.contains(inode)).collect()
}

/// The inode of a descriptor that is a socket: `socket:[1234]`.
fn inode(link: &Path) -> Option<u64> {
    link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

/// The sockets that listen on a port where replicas do.
fn listening(port: u16) -> BTreeSet<u64> {
    let there = lines().into_iter().filter(|line| answers(line));
    there.filter_map(|line| entry(&line)).filter(|(of, _)| *of == port).map(|(_, inode)| inode).collect()
}

/// Each listening port with the inode of its socket.
fn entries() -> impl Iterator<Item = (u16, u64)> {
    lines().into_iter().filter_map(|line| entry(&line))
}

fn lines() -> Vec<String> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| fs::read_to_string(path).unwrap_or_default());
    tables.iter().flat_map(|table| table.lines()).map(str::to_owned).collect()
}

/// Whether a socket gets what is sent to 127.0.0.1: it is bound to that, or to all. The kernel writes words in the order
/// of the machine.
fn answers(line: &str) -> bool {
    let address = line.split_whitespace().nth(1).and_then(|local| local.split_once(':'));
    address.is_some_and(|(ip, _)| {
        ip.bytes().all(|digit| digit == b'0') || ip.ends_with("0100007F") || ip.ends_with("7F000001")
    })
}

fn entry(line: &str) -> Option<(u16, u64)> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (_, port) = fields.get(1)?.rsplit_once(':')?;
    let listens = *fields.get(3)? == LISTEN;
    Some((u16::from_str_radix(port, 16).ok()?, fields.get(9)?.parse().ok()?)).filter(|_| listens)
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead as _, BufReader},
        net::TcpListener,
        os::unix::process::CommandExt as _,
        process::{self, Command, Stdio},
    };

    use super::*;

    #[test]
    fn our_own_listener_is_found() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let group = rustix::process::getpgrp().as_raw_nonzero().get().unsigned_abs();
        assert_eq!(holder(port, Some(group), "none"), Listening::Ours);
        assert!(ports_of(group, "none").contains(&port));
        let Listening::Others(words) = holder(port, None, "none") else { panic!("another group's") };
        assert!(words.contains(&process::id().to_string()), "{words}");
        drop(listener);
        assert_eq!(holder(port, Some(group), "none"), Listening::Unknown);
    }

    #[test]
    fn the_databases_port_is_none_of_a_replicas() {
        let serve = |mark: &str| {
            let script = "import socket, sys, time\ns = socket.socket()\ns.bind(('127.0.0.1', 0))\ns.listen()\n\
                          print(s.getsockname()[1], flush=True)\ntime.sleep(1000)";
            let mut command = Command::new("python3");
            command.args(["-c", script]).env(MARK, format!("ports-{}/{mark}", process::id())).stdout(Stdio::piped());
            let mut child = command.process_group(0).spawn().unwrap();
            let mut line = String::new();
            BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
            (child, line.trim().parse::<u16>().unwrap())
        };
        let ((mut replica, its), (mut database, other)) = (serve("1"), serve("database"));
        let found = ports_of(replica.id(), &format!("ports-{}", process::id()));
        for child in [&mut replica, &mut database] {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        assert_eq!(found, BTreeSet::from([its]), "the database listens on {other}");
    }

    #[test]
    fn a_second_listener_on_a_port_is_found_whoever_was_first() {
        let trial = format!("second-{}", process::id());
        let serve = |mark: Option<&str>, port: u16| {
            let script = "import socket, sys, time\ns = socket.socket()\n\
                          s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)\ns.bind(('127.0.0.1', int(sys.argv[1])))\n\
                          s.listen()\nprint(s.getsockname()[1], flush=True)\ntime.sleep(1000)";
            let mut command = Command::new("python3");
            command.args(["-c", script, &port.to_string()]).env_remove(MARK).stdout(Stdio::piped());
            if let Some(mark) = mark {
                command.env(MARK, format!("{trial}/{mark}"));
            }
            let mut child = command.process_group(0).spawn().unwrap();
            let mut line = String::new();
            BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
            (child, line.trim().parse::<u16>().unwrap())
        };
        let (mut replica, port) = serve(Some("1"), 0);
        let look = |group| holder(port, group, &trial);
        let mut found = vec![look(Some(replica.id()))];
        for mark in [Some("1"), Some("2"), Some("12"), None] {
            let (mut second, _) = serve(mark, port);
            found.push(look(Some(replica.id())));
            second.kill().unwrap();
            second.wait().unwrap();
        }
        let group = replica.id();
        replica.kill().unwrap();
        replica.wait().unwrap();
        found.push(look(Some(group)));
        let kinds: Vec<&str> = found
            .iter()
            .map(|found| match found {
                Listening::Ours => "ours",
                Listening::Others(_) => "others",
                Listening::Unknown => "unknown",
            })
            .collect();
        assert_eq!(kinds, ["ours", "ours", "others", "others", "others", "unknown"], "{found:?}");
    }

    #[test]
    fn a_listener_elsewhere_does_not_answer_on_127_0_0_1() {
        for (local, is) in [
            ("0100007F:1F90", true),
            ("00000000:1F90", true),
            ("00000000000000000000000000000000:1F90", true),
            ("0000000000000000FFFF00000100007F:1F90", true),
            ("0200007F:1F90", false),
            ("00000000000000000000000001000000:1F90", false),
            ("nothing", false),
        ] {
            assert_eq!(answers(&format!("0: {local} 00000000:0000 0A")), is, "{local}");
        }
    }

    #[test]
    fn a_process_is_known_by_its_start() {
        assert!(started(process::id()).is_some_and(|ticks| ticks > 0));
        assert_eq!(started(0), None);
    }

    #[test]
    fn lines_of_the_kernels_table() {
        let line = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0  0 4242 1 0 100 0";
        assert_eq!(entry(line), Some((8080, 4242)));
        assert_eq!(entry(&line.replace(" 0A ", " 01 ")), None);
        for broken in ["", "  sl  local_address rem_address", "0: x:zz y 0A"] {
            assert_eq!(entry(broken), None);
        }
    }
}
