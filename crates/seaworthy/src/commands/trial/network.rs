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

/// Tells the trial inside which network the one outside was in. It is inside only where that is another one.
const OUTSIDE: &str = "SEAWORTHY_NETWORK_OUTSIDE";

/// Which network a process is in.
const HERE: &str = "/proc/self/ns/net";

/// The ways to make one: who may do so gets no other user; who may not gets the right in a user namespace, and stays who
/// it is.
const WAYS: [&[&str]; 2] = [&["--net"], &["--user", "--map-current-user", "--keep-caps", "--net"]];

/// What is said of a trial that was made in one.
pub(crate) const ASSUMPTION: &str = "it runs in a network namespace of its own: the target reaches nothing but what the \
                                     trial started (a database has to be started by --database)";

/// The programs that make one.
#[derive(Debug)]
struct Tools {
    unshare: PathBuf,
    ip: PathBuf,
}

/// Whether this is the trial inside.
pub(crate) fn is_own(values: &Values<'_>) -> bool {
    values.platform(OUTSIDE).is_some_and(|outside| here().is_some_and(|here| here != outside))
}

fn here() -> Option<String> {
    Some(fs::read_link(HERE).ok()?.to_string_lossy().into_owned())
}

/// Starts over in a network of its own, where a drill needs one and none is there. It comes back where that is not needed,
/// or where it is not possible and nobody asked for such a drill by its name.
pub(crate) fn enter(values: &Values<'_>) -> Result<(), Failure> {
    let named = values.given("drills").map_or_else(String::new, |given| given.text);
    let wants = |name: &str| named.split(',').any(|word| word.trim() == name);
    let (by_name, all) = (wants(Drill::Network.label()), wants(asked::ALL));
    if !(by_name || all) || values.text("platform") != "local" || is_own(values) {
        return Ok(());
    }
    match way(values) {
        Ok((tools, way)) => Err(start_over(&tools, way)),
        Err(lacks) if by_name => {
            Err(Failure::could_not_run(format!("--drills: network needs {lacks}; or leave it out")))
        }
        // The drill is left out, which the report says.
        Err(_lacks) => Ok(()),
    }
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
    failed(command.args(std::env::args_os().skip(1)).env(OUTSIDE, outside).exec())
}

/// What the drill needs that is not there, and what would do.
pub(crate) fn lacks(values: &Values<'_>, simulated: bool) -> Option<(&'static str, &'static str)> {
    if simulated {
        return Some(("real connections, whose packets can be dropped", "give --platform local"));
    }
    (!is_own(values)).then_some((
        "nft, ip, unshare, and the right to make a network namespace",
        "install nftables, iproute2 and util-linux, and run it as root",
    ))
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
    fn breaks_are_made_once_each_and_in_the_order_in_which_they_are_named() {
        assert_eq!(breaks("loss, partition,loss"), Ok(vec![Break::Loss, Break::Partition]));
        assert_eq!(breaks("partition"), Ok(vec![Break::Partition]));
        for text in ["", "delay", "partition,"] {
            assert!(breaks(text).unwrap_err().ends_with("there are partition, loss"), "{text}");
        }
    }
}
