//! What can be changed of a target's rules, so that a cause goes away: told as it is written in a manifest, and applied to
//! make the trial again.

use std::time::Duration;

use crate::deployment::{Check, Deployment, Hook, ProbeKind, Share, Strategy};

/// One change of a target's rules.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// A preStop hook that sleeps for so long (`lifecycle.preStop.sleep.seconds`).
    PreStopSleep(Duration),
    /// So much time from the beginning of the end to SIGKILL (`terminationGracePeriodSeconds`).
    Grace(Duration),
    /// So many replicas (`replicas`).
    Replicas(u32),
    /// A rolling update that takes none away before a new one is there (`strategy`: `maxUnavailable: 0`, `maxSurge: 1`).
    RollingUpdate,
    /// A replica has to be ready for so long before it counts (`minReadySeconds`).
    MinReady(Duration),
    /// A probe asks this path over HTTP.
    Path(ProbeKind, String),
    /// A probe has so long for its answer (`timeoutSeconds`), and fails so often in a row before it counts
    /// (`failureThreshold`).
    Patience(ProbeKind, Duration, u32),
    /// There is no such probe.
    Without(ProbeKind),
}

impl Change {
    /// The change in words, as one would tell it: `preStop sleep 3 s`.
    pub fn words(&self) -> String {
        let seconds = |time: &Duration| format!("{} s", time.as_secs_f64());
        match self {
            Self::PreStopSleep(sleep) => format!("preStop sleep {}", seconds(sleep)),
            Self::Grace(grace) => format!("a grace period of {}", seconds(grace)),
            Self::Replicas(replicas) => format!("{replicas} replicas"),
            Self::RollingUpdate => "RollingUpdate with maxUnavailable 0 and maxSurge 1".to_owned(),
            Self::MinReady(time) => format!("minReadySeconds {}", time.as_secs_f64()),
            Self::Path(kind, path) => format!("a {} probe that asks {path}", kind.label()),
            Self::Patience(kind, timeout, failures) => {
                format!("a {} probe with a time-out of {} and {failures} failures", kind.label(), seconds(timeout))
            }
            Self::Without(kind) => format!("no {} probe", kind.label()),
        }
    }

    /// Changes the rules. What is so already stays as it is.
    pub fn apply(&self, deployment: &mut Deployment) {
        let template = &mut deployment.template;
        match self {
            Self::PreStopSleep(sleep) => template.pre_stop = Some(Hook::Sleep(*sleep)),
            Self::Grace(grace) => template.grace = *grace,
            Self::Replicas(replicas) => deployment.replicas = *replicas,
            Self::RollingUpdate => {
                deployment.strategy =
                    Strategy::RollingUpdate { max_surge: Share::Count(1), max_unavailable: Share::Count(0) };
            }
            Self::MinReady(time) => deployment.min_ready = *time,
            Self::Path(kind, path) => {
                let check = Check::Http { port: None, path: path.clone(), headers: Vec::new(), tls: false };
                if let Some(probe) = template.probe_mut(*kind) {
                    probe.check = check;
                }
            }
            Self::Patience(kind, timeout, failures) => {
                if let Some(probe) = template.probe_mut(*kind) {
                    probe.timeout = *timeout;
                    probe.failure_threshold = *failures;
                }
            }
            Self::Without(kind) => template.without(*kind),
        }
    }
}
