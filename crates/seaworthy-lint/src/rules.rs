//! The predictors: each looks at the manifests for one cause's signs.

mod calls;
mod commands;
mod data;
mod databases;
mod health;
mod makers;
mod mend;
mod references;
mod refused;
mod resources;
mod rollout;
mod routing;
mod startup;
mod termination;
mod volumes;

use crate::{Finding, Severity, object::Object, world::World};

/// A cause, and how manifests show it.
pub(crate) struct Rule {
    /// The cause's name.
    pub(crate) cause: &'static str,
    check: fn(&World<'_>, &mut Found<'_>),
}

/// All of them. A cause with signs of several kinds has a line for each kind.
#[rustfmt::skip]
pub(crate) const RULES: &[Rule] = &[
    Rule { cause: "endpoint-removal-race", check: termination::no_pre_stop },
    Rule { cause: "prestop-failed", check: termination::hook_without_a_shell },
    Rule { cause: "sigterm-ignored", check: termination::shell_in_between },
    Rule { cause: "grace-period-too-short", check: termination::grace },
    Rule { cause: "force-delete", check: termination::no_grace },
    Rule { cause: "traffic-before-ready", check: startup::not_probed },
    Rule { cause: "new-endpoint-not-propagated", check: startup::no_time_to_be_known },
    Rule { cause: "sidecar-start-order", check: startup::plain_sidecar },
    Rule { cause: "liveness-kill-under-load", check: health::impatient_liveness },
    Rule { cause: "dependency-readiness-collapse", check: health::readiness_of_dependencies },
    Rule { cause: "single-replica-gap", check: rollout::one_replica },
    Rule { cause: "rollout-capacity-dip", check: rollout::fewer_during_a_rollout },
    Rule { cause: "recreate-gap", check: rollout::recreate },
    Rule { cause: "colocated-replicas-drained", check: rollout::drained_together },
    Rule { cause: "replacement-unschedulable", check: rollout::budget_that_blocks },
    Rule { cause: "hpa-flap", check: rollout::two_who_scale },
    Rule { cause: "selector-or-port-mismatch", check: references::selectors },
    Rule { cause: "selector-or-port-mismatch", check: references::ports },
    Rule { cause: "selector-or-port-mismatch", check: references::routes },
    Rule { cause: "rollout-stuck", check: references::missing },
    Rule { cause: "rollout-stuck", check: refused::handlers },
    Rule { cause: "rollout-stuck", check: refused::no_room },
    Rule { cause: "session-affinity-pin", check: routing::affinity },
    Rule { cause: "connection-pinning", check: routing::long_lived },
    Rule { cause: "etp-local-blackhole", check: routing::local_only },
    Rule { cause: "topology-skew", check: routing::zones },
    Rule { cause: "oom-killed", check: resources::memory },
    Rule { cause: "cpu-throttled", check: resources::cpu },
    Rule { cause: "config-or-secret-stale", check: resources::stale },
    Rule { cause: "ephemeral-db-storage", check: data::volume },
    Rule { cause: "non-durable-commit", check: data::durability },
    Rule { cause: "rwo-multi-attach", check: volumes::one_writer },
];

/// What one rule has found.
pub(crate) struct Found<'a> {
    cause: &'static str,
    all: &'a mut Vec<Finding>,
}

impl Found<'_> {
    fn add(
        &mut self,
        severity: Severity,
        object: &Object,
        line: usize,
        what: impl Into<String>,
        fix: impl Into<String>,
    ) {
        let (what, fix) = (what.into(), fix.into());
        self.all.push(Finding { place: object.place(line), cause: self.cause, severity, what, fix });
    }

    fn error(&mut self, object: &Object, line: usize, what: impl Into<String>, fix: impl Into<String>) {
        self.add(Severity::Error, object, line, what, fix);
    }

    fn warning(&mut self, object: &Object, line: usize, what: impl Into<String>, fix: impl Into<String>) {
        self.add(Severity::Warning, object, line, what, fix);
    }
}

/// Everything that all of them find.
pub(crate) fn all(world: &World<'_>) -> Vec<Finding> {
    let mut all = Vec::new();
    for rule in RULES {
        (rule.check)(world, &mut Found { cause: rule.cause, all: &mut all });
    }
    all
}
