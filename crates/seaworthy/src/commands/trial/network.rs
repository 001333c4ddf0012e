//! A network of the trial's own, for drills that break it: the whole trial runs in a network namespace, which has
//! nothing but a loopback interface, and which ends with its processes.
//!
//! ```text
//! seaworthy trial ─> may a namespace be made here? ─exec─> unshare ─exec─> sh: lo up ─exec─> seaworthy trial (the same)
//! ```

use std::{
    fs, io,
    net::IpAddr,
    os::unix::process::CommandExt as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use seaworthy_core::{drill::Drill, network::Break};
use seaworthy_trial::local::Network;

use super::asked;
use crate::{cli::Failure, settings::Values};

/// Which network a process is in.
const HERE: &str = "/proc/self/ns/net";

/// The ways to make one: who may do so gets no other user; who may not gets the right in a user namespace, and stays who
/// it is.
const WAYS: [&[&str]; 2] = [&["--net"], &["--user", "--map-current-user", "--keep-caps", "--net"]];

/// What is said of a trial that was made in one.
pub(crate) const ASSUMPTION: &str = "it runs in a network namespace of its own: the target reaches nothing but what the \
                                     trial started (a database has to be started by --database)";

/// Why it is none of `all`.
pub(crate) const APART: &str = "asked for by its name alone: it puts the trial in a network of its own";

/// What of a target that did not become ready in one may be the reason.
pub(crate) const CUT_OFF: &str =
    "the trial runs in a network of its own (network drill): the target reaches nothing outside it";

/// The interfaces of a new network: its own loopback, and what the kernel adds for each kind of tunnel that it knows.
const OF_NEW: [&str; 10] =
    ["lo", "tunl0", "gre0", "gretap0", "erspan0", "ip_vti0", "ip6_vti0", "sit0", "ip6tnl0", "ip6gre0"];

/// The programs that make one.
#[derive(Debug)]
struct Tools {
    unshare: PathBuf,
    ip: PathBuf,
}

/// Whether the drill is asked for by its name, on processes.
fn is_asked_for(values: &Values<'_>) -> bool {
    let named = values.given("drills").map_or_else(String::new, |given| given.text);
    values.text("platform") == "local" && named.split(',').any(|word| word.trim() == Drill::Network.label())
}

/// Whether this is the trial inside: [`enter`] has made sure of it.
pub(crate) fn is_own(values: &Values<'_>) -> bool {
    is_asked_for(values) && values.platform(Network::OUTSIDE).is_some()
}

fn here() -> Option<String> {
    Some(fs::read_link(HERE).ok()?.to_string_lossy().into_owned())
}

/// Starts over in a network of its own, where the drill is asked for and this is not the trial inside yet. It comes back
/// where that is not needed, or where it is inside.
pub(crate) fn enter(values: &Values<'_>) -> Result<(), Failure> {
    if !is_asked_for(values) {
        return Ok(());
    }
    if let Some(outside) = values.platform(Network::OUTSIDE) {
        let variable = Network::OUTSIDE;
        is_new(values, &outside).map_err(|why| {
            Failure::could_not_run(format!("{variable} is set, and this is no new network: {why}; unset it"))
        })?;
        return Network::confine().map_err(|error| {
            Failure::could_not_run(format!("--drills: network: cannot give up rights of its namespace: {error}"))
        });
    }
    let (tools, way) = way(values)
        .map_err(|lacks| Failure::could_not_run(format!("--drills: network needs {lacks}; or leave it out")))?;
    Err(start_over(&tools, way))
}

/// Whether this is a network that was made for this trial, whoever says so: one that may be broken. Says why not.
fn is_new(values: &Values<'_>, outside: &str) -> Result<(), String> {
    let here = here().ok_or("/proc is not there")?;
    let number = outside.strip_prefix("net:[").and_then(|rest| rest.strip_suffix(']')).unwrap_or_default();
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("{outside:?} names none"));
    }
    if here == outside {
        return Err("it is the one that the trial was started in".to_owned());
    }
    let devices = fs::read_to_string("/proc/self/net/dev").map_err(|error| format!("/proc/self/net/dev: {error}"))?;
    if let Some(other) = interfaces(&devices).find(|name| !OF_NEW.contains(name)) {
        return Err(format!("it has the interface {other}"));
    }
    if let Some(pid) = other_inside(&here) {
        return Err(format!("process {pid} is in it, too"));
    }
    let nft = asked::found(values, "nft").ok_or("nft is not there to look at its rules")?;
    let listed = Command::new(nft).args(["list", "tables"]).stdin(Stdio::null()).output();
    let listed = listed.map_err(|error| format!("nft: {error}"))?;
    if !listed.status.success() {
        return Err("its rules cannot be read".to_owned());
    }
    if listed.stdout.is_empty() { Ok(()) } else { Err("it has rules of nftables already".to_owned()) }
}

/// The names in `/proc/net/dev`, which has two lines of headings.
fn interfaces(devices: &str) -> impl Iterator<Item = &str> {
    devices.lines().skip(2).filter_map(|line| line.split_once(':')).map(|(name, _)| name.trim())
}

/// Another process that is in a network, as far as we may see: in one that was made for us there is none yet.
fn other_inside(network: &str) -> Option<u32> {
    let own = fs::read_link("/proc/self").ok()?;
    let is_inside =
        |pid: &u32| fs::read_link(format!("/proc/{pid}/ns/net")).is_ok_and(|of| of.to_string_lossy() == network);
    let names = fs::read_dir("/proc").ok()?.flatten().map(|entry| entry.file_name());
    let others = names.filter(|name| name != own.as_os_str());
    others.filter_map(|name| name.to_str()?.parse().ok()).find(is_inside)
}

/// How a network can be made here that can be broken, or what is missing.
fn way(values: &Values<'_>) -> Result<(Tools, &'static [&'static str]), String> {
    let find = |name: &str, package: &str| {
        asked::found(values, name).ok_or_else(|| format!("{name}, which is not on PATH: install {package}"))
    };
    let (unshare, ip, nft) = (find("unshare", "util-linux")?, find("ip", "iproute2")?, find("nft", "nftables")?);
    // The same rules as later, to be sure that this kernel has them.
    let clients = vec![IpAddr::from([127, 0, 0, 11]), IpAddr::from([127, 0, 0, 12])];
    let network = Network { nft: nft.clone(), clients };
    let rules = Break::ALL.map(|how| {
        let rules = network.rules(([127, 0, 0, 1], 1).into(), how);
        rules.replace("chain way", &format!("chain {how}"))
    });
    let script = r#""$1" link set lo up && printf %s "$3" | "$2" -f -"#;
    let mut refused = String::new();
    for way in WAYS {
        let mut tried = Command::new(&unshare);
        tried
            .args(way)
            .args(["--", "sh", "-c", script, "sh"])
            .arg(&ip)
            .arg(&nft)
            .arg(rules.concat())
            .stdin(Stdio::null());
        match tried.output() {
            Ok(output) if output.status.success() => return Ok((Tools { unshare, ip }, way)),
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stderr);
                said.lines().next().unwrap_or("it failed and said nothing").clone_into(&mut refused);
            }
            Err(error) => refused = error.to_string(),
        }
    }
    Err(format!(
        "a network namespace with nftables in it, which is not permitted here ({refused}): run it as root, or where \
         unprivileged user namespaces are allowed"
    ))
}

/// Becomes the same command in a network of its own. It only comes back where that failed.
fn start_over(tools: &Tools, way: &[&str]) -> Failure {
    let failed = |error: io::Error| Failure::could_not_run(format!("--drills: network: cannot start over: {error}"));
    let (Some(outside), Ok(program)) = (here(), std::env::current_exe()) else {
        return failed(io::Error::other("/proc is not there"));
    };
    let mut command = Command::new(&tools.unshare);
    let script = r#""$0" link set lo up && exec "$@""#;
    command.args(way).args(["--", "sh", "-c", script]).arg(&tools.ip).arg(program);
    // The limits of a process and its number stay, and so do who waits for it and who signals it.
    failed(command.args(std::env::args_os().skip(1)).env(Network::OUTSIDE, outside).exec())
}

/// What the drill needs that is not there, and what would do. What else it needs was looked for before it got here.
pub(crate) fn lacks(simulated: bool) -> Option<(&'static str, &'static str)> {
    simulated.then_some(("real connections, whose packets can be dropped", "give --platform local"))
}

/// What breaks the way to a replica, in a network that is the trial's own.
pub(crate) fn breaker(values: &Values<'_>) -> Option<PathBuf> {
    asked::found(values, "nft").filter(|_| is_own(values))
}

/// The kinds of break, by their names.
pub(crate) fn breaks(text: &str) -> Result<Vec<Break>, String> {
    let mut breaks = Vec::new();
    for name in text.split(',').map(str::trim) {
        let how = Break::named(name).ok_or_else(|| {
            format!("names a break that there is not; there are {}", Break::ALL.map(Break::label).join(", "))
        })?;
        if !breaks.contains(&how) {
            breaks.push(how);
        }
    }
    Ok(breaks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interfaces_are_read_as_the_kernel_writes_them() {
        let devices =
            "Inter-|   Receive  |  Transmit\n face |bytes |bytes\n    lo:       0 0\n  eth0: 1074 3\nveth7:1 2\n";
        assert_eq!(interfaces(devices).collect::<Vec<_>>(), ["lo", "eth0", "veth7"]);
    }

    #[test]
    fn the_network_of_whoever_runs_the_tests_has_others_in_it() {
        assert!(other_inside(&here().unwrap()).is_some(), "at least what runs the tests");
        assert_eq!(other_inside("net:[0]"), None);
    }

    #[test]
    fn breaks_are_made_once_each_and_in_the_order_in_which_they_are_named() {
        assert_eq!(breaks("loss, partition,loss"), Ok(vec![Break::Loss, Break::Partition]));
        assert_eq!(breaks("partition"), Ok(vec![Break::Partition]));
        for text in ["", "delay", "partition,"] {
            assert!(breaks(text).unwrap_err().ends_with("there are partition, loss"), "{text}");
        }
    }
}
