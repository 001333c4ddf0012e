//! The target's rules in the document.

use super::{
    document::{Deployment, Probe},
    ms,
};
use crate::{
    deployment::{self, Check, Hook, Share, Strategy},
    text::long_time,
};

/// The rules.
pub(super) fn deployment(of: &deployment::Deployment) -> Deployment {
    let (strategy, max_surge, max_unavailable) = match of.strategy {
        Strategy::RollingUpdate { max_surge, max_unavailable } => {
            ("rolling_update", Some(share(max_surge)), Some(share(max_unavailable)))
        }
        Strategy::Recreate => ("recreate", None, None),
    };
    let template = &of.template;
    Deployment {
        replicas: of.replicas,
        strategy,
        max_surge,
        max_unavailable,
        min_ready_ms: ms(of.min_ready),
        progress_deadline_ms: ms(of.progress_deadline),
        revision_history: of.revision_history,
        startup: template.startup.as_ref().map(probe),
        readiness: template.readiness.as_ref().map(probe),
        liveness: template.liveness.as_ref().map(probe),
        pre_stop: template.pre_stop.as_ref().map(|hook| match hook {
            Hook::Sleep(time) => format!("sleep {}", long_time(*time)),
            Hook::Ask(question) => check(question),
        }),
        grace_ms: ms(template.grace),
    }
}

/// As in a manifest.
pub(in crate::report) fn share(share: Share) -> String {
    match share {
        Share::Count(count) => count.to_string(),
        Share::Percent(percent) => format!("{percent}%"),
    }
}

fn probe(of: &deployment::Probe) -> Probe {
    Probe {
        check: check(&of.check),
        initial_delay_ms: ms(of.initial_delay),
        period_ms: ms(of.period),
        timeout_ms: ms(of.timeout),
        success_threshold: of.success_threshold,
        failure_threshold: of.failure_threshold,
        grace_ms: of.grace.map(ms),
    }
}

/// In a line. Headers may hold secrets, so only their names are told.
pub(in crate::report) fn check(check: &Check) -> String {
    let on = |port: &Option<String>| port.as_ref().map_or_else(String::new, |port| format!(" on port {port}"));
    match check {
        Check::Http { port, path, headers, tls } => {
            let over = if *tls { " over TLS" } else { "" };
            let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
            let with = if names.is_empty() { String::new() } else { format!(" with {}", names.join(", ")) };
            format!("GET {path}{}{over}{with}", on(port))
        }
        Check::Tcp { port } => format!("connect{}", on(port)),
        Check::Exec { command } => format!("run {}", command.join(" ")),
    }
}
