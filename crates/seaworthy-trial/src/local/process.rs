//! A replica's process: started in a group of its own, signalled, and reaped.

use std::{
    fs::OpenOptions,
    io,
    os::unix::process::ExitStatusExt as _,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fd::OwnedFd,
    process::{
        Pid, PidfdFlags, Signal as Number, WaitId, WaitIdOptions, kill_process, kill_process_group, pidfd_open,
        pidfd_send_signal, waitid,
    },
};
use seaworthy_core::event::{Exit, Signal};
use tokio::{process::Child, process::Command, time::sleep};

use super::{network::Network, place::Place};

/// How often the kernel is asked whether a process has stopped.
const ASK: Duration = Duration::from_millis(2);

/// How often it is asked before it is taken not to have.
const PATIENCE: u32 = 500;

/// How long the end of a process that was killed may take, before it is taken to hang in the kernel.
const DYING: Timespec = Timespec { tv_sec: 5, tv_nsec: 0 };

/// Starts a command in a group of its own. What it says goes to its log.
pub(crate) fn start(place: &Place, command: &[String], directory: Option<&std::path::Path>) -> io::Result<Child> {
    let [program, arguments @ ..] = command else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the command is empty"));
    };
    let log = OpenOptions::new().create(true).append(true).open(&place.log)?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .envs(place.environment.iter().map(|(name, value)| (name, value)))
        // A trial that a target makes is none in a network of its own.
        .env_remove(Network::OUTSIDE)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .process_group(0);
    if let Some(directory) = directory {
        command.current_dir(directory);
    }
    command.spawn()
}

/// How a process ended.
pub(crate) fn exit(status: ExitStatus) -> Exit {
    match (status.code(), status.signal()) {
        (_, Some(signal)) => Exit::Signal(signal),
        (code, None) => Exit::Code(code.unwrap_or_default()),
    }
}

/// Sends a signal. SIGTERM goes to the first process alone, as a container's runtime sends it; the others are for the
/// whole group, as for all of a container. That nobody is there any more is no error.
pub(crate) fn signal(group: u32, signal: Signal) {
    let Some(pid) = i32::try_from(group).ok().and_then(Pid::from_raw) else { return };
    let number = match signal {
        Signal::Term => Number::TERM,
        Signal::Kill => Number::KILL,
        Signal::Stop => Number::STOP,
        Signal::Cont => Number::CONT,
    };
    let _sent = match signal {
        Signal::Term => kill_process(pid, number),
        Signal::Kill | Signal::Stop | Signal::Cont => kill_process_group(pid, number),
    };
}

/// Kills these processes, says how many there were, and returns once they have ended, or hang in the kernel.
pub(crate) fn kill_all(pids: &[u32]) -> usize {
    let pids = pids.iter().filter_map(|pid| i32::try_from(*pid).ok().and_then(Pid::from_raw));
    // By a descriptor, which stays that process's whoever gets its number.
    let killed: Vec<OwnedFd> = pids
        .filter_map(|pid| pidfd_open(pid, PidfdFlags::empty()).ok())
        .filter(|process| pidfd_send_signal(process, Number::KILL).is_ok())
        .collect();
    for process in &killed {
        // It becomes readable when the process has ended (`pidfd_open(2)`).
        let _ended = poll(&mut [PollFd::new(process, PollFlags::IN)], Some(&DYING));
    }
    killed.len()
}

/// Waits until the kernel says that a process has stopped, or goes on. Says whether it did, in reasonable time.
pub(crate) async fn stopped(pid: u32, stopped: bool) -> bool {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return false };
    let wanted = if stopped { WaitIdOptions::STOPPED } else { WaitIdOptions::CONTINUED };
    for _ in 0..PATIENCE {
        match waitid(WaitId::Pid(pid), wanted | WaitIdOptions::NOHANG) {
            Ok(Some(_)) => return true,
            Ok(None) => sleep(ASK).await,
            Err(_gone) => return false,
        }
    }
    false
}
