//! What is to run, in a Deployment's words: how many replicas, how they are probed, replaced and stopped.
//!
//! The rules are those of the `apps/v1` Deployment and of the kubelet; each default says where it comes from.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time;

/// What is to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// Replicas that are wanted.
    pub replicas: u32,
    /// How a new version takes the place of an old one.
    pub strategy: Strategy,
    /// How long a replica has to be ready without a break before it counts as available (`minReadySeconds`; 0).
    #[serde(with = "time::as_nanos")]
    pub min_ready: Duration,
    /// How long a rollout may make no progress before it counts as stuck (`progressDeadlineSeconds`; 600 s).
    #[serde(with = "time::as_nanos")]
    pub progress_deadline: Duration,
    /// Old revisions that are kept to go back to (`revisionHistoryLimit`; 10).
    pub revision_history: u32,
    /// What each replica is like.
    pub template: Template,
}

/// How a new version takes the place of an old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// A few at a time.
    RollingUpdate {
        /// More replicas than wanted that there may be meanwhile (`maxSurge`; 25 %, rounded up).
        max_surge: Share,
        /// Fewer available replicas than wanted that there may be meanwhile (`maxUnavailable`; 25 %, rounded down).
        max_unavailable: Share,
    },
    /// All old ones are stopped and gone before the first new one starts.
    Recreate,
}

impl Default for Strategy {
    /// As `apps/v1` has it: 25 % each.
    fn default() -> Self {
        Self::RollingUpdate { max_surge: Share::Percent(25), max_unavailable: Share::Percent(25) }
    }
}

/// A number of replicas, or a share of those that are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Share {
    /// So many.
    Count(u32),
    /// So many in a hundred.
    Percent(u32),
}

impl Share {
    /// How many of so many replicas it is, rounded up.
    pub fn rounded_up(self, of: u32) -> u32 {
        match self {
            Self::Count(count) => count,
            Self::Percent(percent) => hundredths(percent, of, 99),
        }
    }

    /// How many of so many replicas it is, rounded down.
    pub fn rounded_down(self, of: u32) -> u32 {
        match self {
            Self::Count(count) => count,
            Self::Percent(percent) => hundredths(percent, of, 0),
        }
    }
}

fn hundredths(percent: u32, of: u32, plus: u64) -> u32 {
    u32::try_from((u64::from(percent) * u64::from(of) + plus) / 100).unwrap_or(u32::MAX)
}

/// What a [`Strategy`] comes to for a number of replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fenceposts {
    /// More replicas than wanted that there may be.
    pub surge: u32,
    /// Fewer available replicas than wanted that there may be.
    pub unavailable: u32,
}

impl Strategy {
    /// What it comes to where so many replicas are wanted.
    pub fn fenceposts(self, replicas: u32) -> Fenceposts {
        match self {
            Self::RollingUpdate { max_surge, max_unavailable } => {
                let surge = max_surge.rounded_up(replicas);
                let unavailable = max_unavailable.rounded_down(replicas);
                // With neither, nothing could ever be replaced.
                let least = u32::from(surge == 0);
                Fenceposts { surge, unavailable: unavailable.max(least).min(replicas) }
            }
            Self::Recreate => Fenceposts { surge: 0, unavailable: replicas },
        }
    }
}

/// What each replica is like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// Until it has succeeded once the others do not run; where it fails for good the replica is restarted.
    pub startup: Option<Probe>,
    /// Whether it gets requests. Without one a replica counts as ready as soon as it runs.
    pub readiness: Option<Probe>,
    /// Whether it is to be restarted.
    pub liveness: Option<Probe>,
    /// What happens before SIGTERM is sent. Its time is part of `grace`.
    pub pre_stop: Option<Hook>,
    /// From the beginning of the end to SIGKILL (`terminationGracePeriodSeconds`; 30 s).
    #[serde(with = "time::as_nanos")]
    pub grace: Duration,
}

/// A question that is put to a replica again and again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// The question.
    pub check: Check,
    /// How long after the start of the process the first one is put (`initialDelaySeconds`; 0).
    #[serde(with = "time::as_nanos")]
    pub initial_delay: Duration,
    /// From one to the next (`periodSeconds`; 10 s).
    #[serde(with = "time::as_nanos")]
    pub period: Duration,
    /// How long an answer may take (`timeoutSeconds`; 1 s).
    #[serde(with = "time::as_nanos")]
    pub timeout: Duration,
    /// Good answers in a row that turn it to good (`successThreshold`; 1).
    pub success_threshold: u32,
    /// Bad answers in a row that turn it to bad (`failureThreshold`; 3).
    pub failure_threshold: u32,
    /// In place of the template's grace, where a failure of this probe restarts the replica.
    #[serde(with = "time::as_optional_nanos")]
    pub grace: Option<Duration>,
}

impl Probe {
    /// One with the defaults of `core/v1`.
    pub const fn new(check: Check) -> Self {
        Self {
            check,
            initial_delay: Duration::ZERO,
            period: Duration::from_secs(10),
            timeout: Duration::from_secs(1),
            success_threshold: 1,
            failure_threshold: 3,
            grace: None,
        }
    }

    /// The longest that it takes to turn to bad after a replica stops answering: as many periods as failures are
    /// needed, and the last one's time-out.
    pub fn detection(&self) -> Duration {
        self.period.saturating_mul(self.failure_threshold).saturating_add(self.timeout)
    }
}

/// What a probe asks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// A GET; an answer from 200 to 399 is good.
    Http {
        /// Which of the replica's ports; the one that serves requests where there is none.
        port: Option<String>,
        /// The path, with its query.
        path: String,
        /// Headers, with their values.
        headers: Vec<(String, String)>,
        /// Over TLS, whoever the certificate is for, as the kubelet does it.
        tls: bool,
    },
    /// A connection that opens is good.
    Tcp {
        /// Which of the replica's ports; the one that serves requests where there is none.
        port: Option<String>,
    },
    /// A command that exits with 0 is good.
    Exec {
        /// It and its arguments.
        command: Vec<String>,
    },
}

/// What is done to a replica before it is asked to end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hook {
    /// It is left alone for a while.
    Sleep(#[serde(with = "time::as_nanos")] Duration),
    /// A command, or a request.
    Ask(Check),
}

/// Which kind of probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProbeKind {
    /// Has it started?
    Startup,
    /// May it have requests?
    Readiness,
    /// Is it alive?
    Liveness,
}

impl ProbeKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Startup, Self::Readiness, Self::Liveness];

    /// Its name.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Startup => "startup",
            Self::Readiness => "readiness",
            Self::Liveness => "liveness",
        }
    }
}

impl Template {
    /// The probe of a kind, where there is one.
    pub const fn probe(&self, kind: ProbeKind) -> Option<&Probe> {
        match kind {
            ProbeKind::Startup => self.startup.as_ref(),
            ProbeKind::Readiness => self.readiness.as_ref(),
            ProbeKind::Liveness => self.liveness.as_ref(),
        }
    }

    /// The same, to change it.
    pub const fn probe_mut(&mut self, kind: ProbeKind) -> Option<&mut Probe> {
        match kind {
            ProbeKind::Startup => self.startup.as_mut(),
            ProbeKind::Readiness => self.readiness.as_mut(),
            ProbeKind::Liveness => self.liveness.as_mut(),
        }
    }

    /// Takes a probe away.
    pub fn without(&mut self, kind: ProbeKind) {
        match kind {
            ProbeKind::Startup => self.startup = None,
            ProbeKind::Readiness => self.readiness = None,
            ProbeKind::Liveness => self.liveness = None,
        }
    }
}
