//! Probes that do harm.

use super::Found;
use crate::{world::World, yaml::Node};

/// Parts of a path that ask more than one replica about itself.
const SHARED: [&str; 10] =
    ["db", "database", "mysql", "postgres", "postgresql", "redis", "kafka", "deep", "dependencies", "full"];

fn number(probe: &Node, name: &str, default: i64) -> i64 {
    probe.get(name).number().unwrap_or(default)
}

/// Seconds until a probe that fails has its effect.
fn patience(probe: &Node) -> i64 {
    number(probe, "periodSeconds", 10).saturating_mul(number(probe, "failureThreshold", 3))
}

/// What a probe asks.
fn asks(probe: &Node) -> Option<(String, String)> {
    let port = |how: &Node| how.get("port").text().map(str::to_owned);
    let http = probe.get("httpGet");
    let path = http.get("path").text().unwrap_or("/").to_owned();
    port(http).map(|port| (path, port)).or_else(|| Some((String::new(), port(probe.get("tcpSocket"))?)))
}

/// A liveness probe that fails as soon as readiness does restarts who is only busy.
pub(super) fn impatient_liveness(world: &World<'_>, found: &mut Found<'_>) {
    for workload in world.workloads() {
        for node in workload.containers() {
            let (liveness, readiness) = (node.get("livenessProbe"), node.get("readinessProbe"));
            if !liveness.is_there() {
                continue;
            }
            let fix = "what it asks kept, with `periodSeconds: 10`, `timeoutSeconds: 5` and `failureThreshold: 6` beside it; something that neither load nor a dependency delays is best asked, and a startupProbe is for the start";
            let same = asks(liveness).is_some_and(|asked| asks(readiness) == Some(asked));
            if same && patience(liveness) <= patience(readiness) {
                let what = format!(
                    "its livenessProbe asks what its readinessProbe asks, and is no more patient ({} s): who is too busy to answer is restarted, and the others get its load",
                    patience(liveness)
                );
                found.error(workload.object, liveness.line, what, fix);
            } else if patience(liveness) < 15 || (number(liveness, "timeoutSeconds", 1) <= 1 && patience(liveness) < 30)
            {
                let what = format!(
                    "its livenessProbe restarts a replica that answers late for {} s (time-out {} s): under load that is many at once",
                    patience(liveness),
                    number(liveness, "timeoutSeconds", 1)
                );
                found.warning(workload.object, liveness.line, what, fix);
            }
        }
    }
}

/// A readiness probe that asks for what all replicas share turns all of them unready at once.
pub(super) fn readiness_of_dependencies(world: &World<'_>, found: &mut Found<'_>) {
    for workload in world.workloads() {
        for node in workload.containers() {
            let probe = node.get("readinessProbe");
            let path = probe.at("httpGet.path").text().unwrap_or_default();
            let part = path.split(['/', '-', '_', '?', '=', '.']).find(|part| SHARED.contains(part));
            if let Some(part) = part {
                let what = format!(
                    "its readinessProbe seems to ask for {part}, which all replicas share: when that is away, none is ready, and nothing at all is answered"
                );
                found.warning(workload.object, probe.line, what, "a readinessProbe that answers for the replica alone; requests that need the dependency answer 503 at once");
            }
        }
    }
}
