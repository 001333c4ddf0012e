//! The drills that are asked for by name, what they take, and what runs beside the replicas.

use std::{path::PathBuf, time::Duration};

use seaworthy_core::{deployment::Deployment, drill::Drill, flood, trial::Asked};

use super::{network, options::LONGEST, subject::Subject};
use crate::{
    cli::Failure,
    settings::{self, Values},
};

/// The most that may be asked of a target: more than one machine sends and serves.
const MOST_RATE: u32 = 20_000;

/// All drills that can be made here, and where they are.
pub(crate) const ALL: &str = "all";

/// A private MariaDB.
const MARIADB: &str = "mariadb";

/// What runs beside the replicas, and what they may use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Beside {
    /// The database's command.
    pub(crate) database: Option<Vec<String>>,
    /// The most memory of a replica, in bytes.
    pub(crate) memory_limit: Option<u64>,
    /// What the way to a replica is broken with.
    pub(crate) breaker: Option<PathBuf>,
}

/// Understands what runs beside the replicas.
pub(crate) fn beside(values: &Values<'_>, simulated: bool, assumptions: &mut Vec<String>) -> Result<Beside, Failure> {
    for name in ["database", "memory-limit"] {
        if simulated && values.is_given(name) {
            return Err(Failure::usage(format!("--{name} goes with processes: the simulated world has none")));
        }
    }
    let memory_limit = values.optional("memory-limit", bytes)?;
    if memory_limit.is_some() {
        assumptions.push(format!(
            "the memory limit of {} is looked at ten times a second, and is no cgroup's",
            values.text("memory-limit")
        ));
    }
    let database = match values.given("database") {
        None => None,
        Some(given) if given.text == MARIADB => Some(mariadb(values)?),
        Some(_) if url(values).is_some() => None,
        Some(given) if given.text.trim().is_empty() => {
            return Err(Failure::usage(format!("{}: is empty; give mariadb, or a command", given.origin)));
        }
        Some(given) => Some(["sh", "-c", &format!("exec {}", given.text)].map(str::to_owned).into()),
    };
    Ok(Beside { database, memory_limit, breaker: network::breaker(values) })
}

/// The database's address, where one is given that runs somewhere else: nothing is started or ended then.
pub(crate) fn url(values: &Values<'_>) -> Option<String> {
    let is_url = |text: &str| ["mysql://", "sqlite:"].iter().any(|scheme| text.starts_with(scheme));
    values.given("database").map(|given| given.text).filter(|text| is_url(text))
}

/// Whether the database is one that the built-in service knows.
pub(crate) fn is_mariadb(values: &Values<'_>) -> bool {
    values.given("database").is_some_and(|given| given.text == MARIADB)
}

/// `256Mi`, as a manifest has it.
fn bytes(text: &str) -> Result<u64, &'static str> {
    const WANTED: &str = "is no amount of memory; give such as 256Mi or 1Gi";
    /// Less than this no process starts in.
    const LEAST: u64 = 1 << 20;
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = match unit {
        "" => 1,
        "k" => 1_000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        _ => return Err(WANTED),
    };
    let bytes = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit)).ok_or(WANTED)?;
    if bytes < LEAST { Err("is too little for any process; give at least 1Mi") } else { Ok(bytes) }
}

/// The command of a MariaDB in a directory of its own. Where nothing is there yet it makes its files first.
fn mariadb(values: &Values<'_>) -> Result<Vec<String>, Failure> {
    let install = tool(values, "mariadb-install-db")?;
    let server = tool(values, "mariadbd")?;
    // Only root has to say whom it runs as.
    let script = r#"set -eu
cd "$3"
user= && [ "$(id -u)" != 0 ] || user=--user=root
[ -d data/mysql ] || "$1" --no-defaults --auth-root-authentication-method=normal --skip-test-db \
    --datadir="$3/data" --tmpdir="$3" $user
echo 'CREATE DATABASE IF NOT EXISTS seaworthy;' >init.sql
exec "$2" --no-defaults --datadir="$3/data" --tmpdir="$3" --socket=socket --pid-file="$3/pid" --bind-address=127.0.0.1 \
    --port="$4" --skip-name-resolve --innodb-buffer-pool-size=32M --init-file="$3/init.sql" $user"#;
    Ok(["sh", "-c", script, "mariadb", &install, &server, "{dir}", "{port:database}"].map(str::to_owned).into())
}

/// Where a program is. A server is often where only root looks.
pub(crate) fn found(values: &Values<'_>, name: &str) -> Option<PathBuf> {
    let path = values.platform("PATH").unwrap_or_default();
    let folders = path.split(':').chain(["/usr/sbin", "/usr/local/sbin", "/usr/libexec"]).filter(|dir| !dir.is_empty());
    folders.map(|folder| PathBuf::from(folder).join(name)).find(|path| path.is_file())
}

/// Where a program of MariaDB is.
fn tool(values: &Values<'_>, name: &str) -> Result<String, Failure> {
    found(values, name).map(|path| path.to_string_lossy().into_owned()).ok_or_else(|| {
        Failure::could_not_run(format!("--database: there is no {name} on PATH; install the server of MariaDB"))
    })
}

/// The drills, with the null run before them.
pub(crate) fn drills(
    values: &Values<'_>,
    deployment: &Deployment,
    simulated: bool,
    assumptions: &mut Vec<String>,
) -> Result<Vec<Drill>, Failure> {
    let list = |text: &str| {
        let names: Vec<&str> = text.split(',').map(str::trim).collect();
        if names.contains(&ALL) {
            return Ok((Drill::ALL.to_vec(), false));
        }
        let named = names.into_iter().map(|name| {
            Drill::named(name).ok_or_else(|| {
                let known = Drill::ALL.map(Drill::label).join(", ");
                format!("names a drill that there is not; there are {known}, and all")
            })
        });
        Ok::<_, String>((named.collect::<Result<Vec<_>, _>>()?, true))
    };
    let (wanted, by_name) = values.optional("drills", list)?.unwrap_or_else(|| (Drill::DEFAULT.to_vec(), false));
    let mut drills = vec![Drill::Baseline];
    for drill in wanted {
        let lacks = if drill == Drill::Network {
            network::lacks(simulated)
        } else {
            lacks(drill, deployment, simulated, values.is_given("database") && url(values).is_none())
        };
        if let Some((lacks, remedy)) = lacks {
            if by_name {
                return Err(Failure::usage(format!("--drills: {drill} needs {lacks}; leave it out, or {remedy}")));
            }
            assumptions.push(format!("{drill} is left out: it needs {lacks}"));
        } else if drill == Drill::Network && !network::is_own(values) {
            assumptions.push(format!("{drill} is left out of {ALL}: {}", network::APART));
        } else if !drills.contains(&drill) {
            drills.push(drill);
        }
    }
    if drills.contains(&Drill::Network) {
        assumptions.push(network::ASSUMPTION.to_owned());
    }
    Ok(drills)
}

/// What a drill needs that is not there, and what would do.
fn lacks(
    drill: Drill,
    deployment: &Deployment,
    simulated: bool,
    has_database: bool,
) -> Option<(&'static str, &'static str)> {
    let processes = ("real processes, which can have too much to do", "give --platform local");
    match drill {
        Drill::ScaleDown if deployment.replicas < 2 => Some(("two replicas, so that one stays", "give --replicas 2")),
        Drill::Overload | Drill::Liveness if simulated => Some(processes),
        Drill::Liveness if deployment.template.liveness.is_none() => {
            Some(("a liveness probe, which could fail", "give --liveness"))
        }
        Drill::DatabaseRestart if simulated || !has_database => {
            Some(("a database that can be restarted", "give --database"))
        }
        Drill::Baseline
        | Drill::Rollout
        | Drill::Terminate
        | Drill::Kill
        | Drill::Freeze
        | Drill::ScaleDown
        | Drill::ScaleUp
        | Drill::BadRelease
        | Drill::Overload
        | Drill::Liveness
        | Drill::SlowStart
        | Drill::Balance
        | Drill::DatabaseRestart
        | Drill::Network => None,
    }
}

/// What these drills take.
pub(crate) fn asked(values: &Values<'_>, drills: &[Drill], own: f64, database: bool) -> Result<Asked, Failure> {
    let own = (1..=MOST_RATE).find(|rate| f64::from(*rate) >= own).unwrap_or(MOST_RATE);
    let more = |name: &str, needed: bool| {
        values.parse(name, |text| match text.strip_suffix("/s").unwrap_or(text).trim().parse::<u32>() {
            Err(_) => Err("is no number of requests per second".to_owned()),
            Ok(rate) if rate > MOST_RATE => Err(format!("is more than can be sent; give at most {MOST_RATE}")),
            Ok(rate) if needed && rate <= own => Err(format!("is no more than --rate; give more than {own}")),
            Ok(rate) => Ok(rate),
        })
    };
    let most = more("overload-to", drills.contains(&Drill::Overload))?;
    let liveness = if values.is_given("liveness-load") {
        more("liveness-load", drills.contains(&Drill::Liveness))?
    } else {
        own.saturating_mul(10).min(MOST_RATE)
    };
    let time = |name: &str| {
        values.parse(name, |text| match settings::duration(text) {
            Ok(time) if time < Duration::from_millis(500) => Err("is too short; give at least 500ms".to_owned()),
            Ok(time) if time > LONGEST => Err("is too long; an hour is the most".to_owned()),
            judged => judged.map_err(str::to_owned),
        })
    };
    Ok(Asked {
        overload: flood::rates(own, most),
        liveness,
        slow_start: time("slow-start")?,
        balance: time("balance")?,
        database,
        database_down: time("database-down")?,
        network: values.parse("network", network::breaks)?,
        network_for: time("network-for")?,
        ..Asked::default()
    })
}

/// A database has to be one that the target can use.
pub(crate) fn fits(values: &Values<'_>, subject: &Subject) -> Result<(), Failure> {
    let built_in = matches!(subject, Subject::BuiltIn { .. });
    if built_in && values.is_given("database") && !is_mariadb(values) {
        return Err(Failure::usage("--database: the built-in service knows no other than mariadb; give that"));
    }
    if values.is_given("database") && subject.ports().iter().any(|port| port == seaworthy_trial::local::DATABASE) {
        return Err(Failure::usage("--port: database is the name of the port of --database; give another one"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_of_memory_are_as_in_a_manifest() {
        for (text, amount) in [("256Mi", 256 << 20), ("1Gi", 1 << 30), ("2M", 2_000_000), ("1048576", 1 << 20)] {
            assert_eq!(bytes(text), Ok(amount), "{text}");
        }
        for text in ["", "Mi", "64", "1.5Gi", "12Ti", "99999999999999Gi", "-1Mi", "64 Mi"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }
}
