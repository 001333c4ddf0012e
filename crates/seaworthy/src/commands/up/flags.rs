//! What `up` can be told: its own flags, and those of a trial that say what is run and what is sent.

use std::sync::LazyLock;

use crate::{
    cli::Failure,
    commands::trial::flags,
    settings::{Setting, Source, Values, setting, switch},
};

const WHERE: &str = "Where it is reached, and where it keeps its state";

#[rustfmt::skip]
const OWN: &[Setting] = &[
    setting(WHERE, "listen", "ADDRESS", "127.0.0.1:8080", "Where clients reach the service: the address of all replicas"),
    setting(WHERE, "console", "ADDRESS", "127.0.0.1:8081", "Where the console is"),
    setting(WHERE, "console-token-file", "FILE", "", "A file with a token that whoever opens the console must know: 16 to 128 letters, digits, - and _. Needed where --console is not on loopback"),
    setting(WHERE, "state", "DIR", "seaworthy-up", "Where it keeps its users and what came of its drills"),
    switch(WHERE, "plaintext", "No mTLS between the load generator, the address and the replicas: to compare"),
    setting(WHERE, "certificate-lifetime", "TIME", "1h", "How long a certificate is valid; it is renewed when half of that is over"),
    switch(WHERE, "no-load", "Send nothing but what comes from outside"),
];

/// Of a trial's flags, those that `up` has no use for: it makes its drills as they are asked for.
const OF_A_TRIAL: &[&str] = &[
    "drills",
    "list-drills",
    "platform",
    "plant",
    "baseline",
    "overload-to",
    "liveness-load",
    "slow-start",
    "balance",
    "database-down",
    "network",
    "network-for",
    "method",
    "body",
    "content-type",
    "targets",
    "write",
    "read",
    "list",
    "delete",
    "id-field",
    "write-share",
    "users",
    "clean-up",
    "max-lost",
    "max-p99",
    "threshold",
    "try-fix",
    "client-retries",
    "output",
    "runs",
    "record-all",
    "no-tui",
    "memory-limit",
];

/// What holds here and not in a trial where nobody says it.
const DEFAULTS: &[(&str, &str)] = &[("rate", "20"), ("before", "500ms"), ("after", "1s")];

/// All of them.
pub(super) static SETTINGS: LazyLock<Vec<Setting>> = LazyLock::new(|| {
    let default = |name: &str| DEFAULTS.iter().find(|(of, _)| *of == name).map(|(_, default)| *default);
    let shared = flags::SETTINGS
        .iter()
        .map(|setting| Setting { default: default(setting.name).unwrap_or(setting.default), ..*setting });
    OWN.iter().copied().chain(shared).collect()
});

/// Whether a flag is only there to be refused.
pub(super) fn is_hidden(name: &str) -> bool {
    OF_A_TRIAL.contains(&name)
}

/// Refuses what belongs to a trial.
pub(super) fn refuse(values: &Values<'_>) -> Result<(), Failure> {
    match OF_A_TRIAL.iter().find(|name| values.source(name) == Some(Source::Flag)) {
        Some(name) => Err(Failure::usage(format!(
            "--{name} goes with `seaworthy trial`; here drills are asked for on the console"
        ))),
        None => Ok(()),
    }
}

pub(super) const AFTER_HELP: &str = "\
    seaworthy up
    seaworthy up --database mysql://shop@127.0.0.1:3306/shop
    seaworthy up -f deployment.yaml -- python3 app.py --port {port}

Drills are asked for on the console; what each cost is judged as a trial's, and kept in a
folder that `seaworthy diagnose` and `seaworthy report` read. Ctrl-C drains; a second one
does not wait.
";
