//! The way between clients and a replica, broken by nftables: in a network namespace of the trial's own, so that nothing
//! of the machine is touched and nothing is left.

use std::{fmt::Write as _, io, net::IpAddr, net::SocketAddr, path::PathBuf, process::Stdio, thread};

use rustix::thread::{
    CapabilitiesSecureBits, CapabilitySet, CapabilitySets, capabilities_secure_bits, capability_is_in_ambient_set,
    clear_ambient_capability_set, configure_capability_in_ambient_set, set_capabilities, set_capabilities_secure_bits,
};
use seaworthy_core::network::Break;
use tokio::{
    io::AsyncWriteExt as _,
    process::{Child, Command},
    runtime::Handle,
};

/// The table with the rules.
const TABLE: &str = "ip seaworthy";

/// What is needed to break a network, and all that is kept of what a user namespace gives.
const RIGHT: CapabilitySet = CapabilitySet::NET_ADMIN;

/// What a way is broken with. Whoever gives it makes sure that the network is the trial's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// The program of nftables.
    pub nft: PathBuf,
    /// Where clients connect from. Probes come from elsewhere, so they pass.
    pub clients: Vec<IpAddr>,
}

impl Network {
    /// Tells the trial inside which network the one outside was in. It is for nobody else.
    pub const OUTSIDE: &str = "SEAWORTHY_NETWORK_OUTSIDE";

    /// Gives up the rights in a user namespace that was made for the network, so that nothing that is started from now on has
    /// more of them than in any other trial. To be called before there are other threads, since each has its own.
    pub fn confine() -> io::Result<()> {
        // Without that there was no user namespace: whoever is root here was root before.
        if !capability_is_in_ambient_set(RIGHT)? {
            return Ok(());
        }
        // Root gets all of them again with each program, else.
        let bits = CapabilitiesSecureBits::NO_ROOT | CapabilitiesSecureBits::NO_ROOT_LOCKED;
        set_capabilities_secure_bits(capabilities_secure_bits()? | bits)?;
        clear_ambient_capability_set()?;
        hold(CapabilitySet::empty())
    }

    /// The rules for one break. They are where packets come in and not where they go out: who sends one is not to notice, as
    /// on a wire.
    pub fn rules(&self, address: SocketAddr, how: Break) -> String {
        let clients: Vec<String> = self.clients.iter().map(IpAddr::to_string).collect();
        let (clients, replica, port) = (clients.join(", "), address.ip(), address.port());
        let share = match how {
            Break::Partition => String::new(),
            Break::Loss => format!("numgen random mod 100 < {} ", how.percent()),
        };
        let mut rules = format!("table {TABLE} {{\n  chain way {{\n    type filter hook input priority 0;\n");
        for (from, to, end) in [("saddr", "daddr", "dport"), ("daddr", "saddr", "sport")] {
            // A String takes everything.
            let _written =
                writeln!(rules, "    ip {from} {{ {clients} }} ip {to} {replica} tcp {end} {port} {share}counter drop");
        }
        rules.push_str("  }\n}\n");
        rules
    }

    /// Drops packets between clients and an address from now on.
    pub(super) async fn sever(&self, address: SocketAddr, how: Break) -> Result<(), String> {
        self.run(&["-f", "-"], &self.rules(address, how)).await.map(drop)
    }

    /// Lets all packets pass again, and says how many were dropped.
    pub(super) async fn mend(&self) -> Result<u64, String> {
        let listed = self.run(&["list table", TABLE], "").await;
        self.run(&["delete table", TABLE], "").await?;
        Ok(dropped(&listed?))
    }

    async fn run(&self, arguments: &[&str], input: &str) -> Result<String, String> {
        let words = |error: io::Error| format!("{}: {error}", self.nft.display());
        let mut command = Command::new(&self.nft);
        command
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let mut child = start(&mut command).map_err(words)?;
        if let Some(mut stdin) = child.stdin.take() {
            // One that does not read it says why.
            let _written = stdin.write_all(input.as_bytes()).await;
        }
        let output = child.wait_with_output().await.map_err(words)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("nft: {}", said.lines().next().unwrap_or("it failed and said nothing")))
    }
}

/// Starts a program that may break the network: on a thread of its own, since rights are a thread's. So nothing else is
/// ever started with them.
fn start(command: &mut Command) -> io::Result<Child> {
    let runtime = Handle::current();
    thread::scope(|scope| {
        let started = scope.spawn(|| {
            let _runtime = runtime.enter();
            if capabilities_secure_bits()?.contains(CapabilitiesSecureBits::NO_ROOT) {
                hold(RIGHT)?;
                configure_capability_in_ambient_set(RIGHT, true)?;
            }
            command.spawn()
        });
        started.join().unwrap_or_else(|_panic| Err(io::Error::other("its thread has panicked")))
    })
}

/// Keeps the one right, with what of it others may be given.
fn hold(inheritable: CapabilitySet) -> io::Result<()> {
    Ok(set_capabilities(None, CapabilitySets { effective: RIGHT, permitted: RIGHT, inheritable })?)
}

/// How many packets the rules of a listing have dropped.
fn dropped(listing: &str) -> u64 {
    let mut words = listing.split_whitespace();
    let mut dropped: u64 = 0;
    while let Some(word) = words.next() {
        if word == "packets" {
            dropped += words.next().and_then(|count| count.parse::<u64>().ok()).unwrap_or_default();
        }
    }
    dropped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_packets_between_clients_and_the_replica_are_dropped_both_ways() {
        let clients = vec!["127.0.0.11".parse().unwrap(), "127.0.0.12".parse().unwrap()];
        let network = Network { nft: "nft".into(), clients };
        let address = "127.0.0.1:20001".parse().unwrap();
        let all = network.rules(address, Break::Partition);
        let there = "ip saddr { 127.0.0.11, 127.0.0.12 } ip daddr 127.0.0.1 tcp dport 20001 counter drop";
        let back = "ip daddr { 127.0.0.11, 127.0.0.12 } ip saddr 127.0.0.1 tcp sport 20001 counter drop";
        assert!(all.contains(there) && all.contains(back), "{all}");
        assert_eq!(all.matches("drop").count(), 2);
        let some = network.rules(address, Break::Loss);
        assert_eq!(some.matches("numgen random mod 100 < 10 counter drop").count(), 2, "{some}");
    }

    #[test]
    fn what_was_dropped_is_the_sum_of_both_ways() {
        let listing = "table ip seaworthy {\n chain way {\n  type filter hook input priority filter; policy accept;\n  \
                       ip saddr { 127.0.0.11 } counter packets 40 bytes 2400 drop\n  \
                       ip daddr { 127.0.0.11 } counter packets 2 bytes 160 drop\n }\n}\n";
        assert_eq!(dropped(listing), 42);
        assert_eq!(dropped("table ip seaworthy {\n}\n"), 0);
        assert_eq!(dropped("packets"), 0);
    }
}
