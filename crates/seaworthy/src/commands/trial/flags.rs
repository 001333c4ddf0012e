//! Everything that `trial` can be told, in the order of its help.

use crate::settings::{Setting, setting, switch};

const WHAT: &str = "What is done";
const RULES: &str = "The target's rules, as its Deployment has them";
const PROCESS: &str = "The target's processes";
const LOAD: &str = "The load";
const REQUESTS: &str = "What is sent";
const WRITES: &str = "Writes that are followed";
const ANSWERS: &str = "Which answers are good";
const JUDGED: &str = "What it is held to";
const SHOWN: &str = "What is shown and kept";

#[rustfmt::skip]
pub(crate) const SETTINGS: &[Setting] = &[
    setting(WHAT, "drills", "LIST", "", "Drills by their names, with commas between them, or 'all'; else the eight of any deploy. A baseline comes first in any case"),
    switch(WHAT, "list-drills", "Say what each drill does, and which promise of Kubernetes it puts to the test"),
    setting(WHAT, "platform", "NAME", "local", "local: processes of this machine; simulated: a made-up world on virtual time, for a first look"),
    setting(WHAT, "plant", "CAUSE", "", "In the simulated world: a cause of losses that is built into the target; 'list' says which there are"),
    setting(WHAT, "seed", "N", "", "Decides what is left to chance; else from the time, and printed, so that a trial can be repeated"),
    setting(WHAT, "propagation", "TIME", "1s", "How long until clients see a change of the endpoints, as kube-proxy and load balancers take their time: 1s, or drawn from a range such as 0.5s..3s"),
    setting(WHAT, "baseline", "TIME", "5s", "How long the null run takes"),
    setting(WHAT, "before", "TIME", "2s", "How long each drill watches before it disturbs"),
    setting(WHAT, "after", "TIME", "2s", "How long each drill watches after all has settled"),
    setting(WHAT, "freeze", "TIME", "", "How long a replica stays frozen; else as long as its readiness takes to notice, and 2s more"),
    setting(WHAT, "observe", "TIME", "4s", "How long a bad release is left alone before it is rolled back"),
    setting(WHAT, "overload-to", "RATE", "5000", "The drill overload: the most that is asked of the target in all, after 2, 4, 8, ... times --rate"),
    setting(WHAT, "liveness-load", "RATE", "", "The drill liveness: what is asked of the target in all, for as long as its liveness takes to fail, and 2s more; else ten times --rate"),
    setting(WHAT, "slow-start", "TIME", "5s", "The drill slow-start: how long the replacement hangs as it starts"),
    setting(WHAT, "balance", "TIME", "10s", "The drill balance: how long twice as many replicas are watched"),
    setting(WHAT, "database-down", "TIME", "3s", "The drill database-restart: how long the database is away"),
    setting(WHAT, "network", "LIST", "partition,loss", "The drill network: what is done to packets between clients and a replica, one after the other: partition drops all of them, loss one in ten"),
    setting(WHAT, "network-for", "TIME", "6s", "How long each of these lasts"),
    setting(WHAT, "patience", "TIME", "60s", "How long the target may take to become ready at first"),
    setting(WHAT, "bad-release", "WHAT", "crash", "The version that is broken on purpose: crash, never-ready, or a command of yours"),

    setting(RULES, "file", "FILE", "", "A Kubernetes manifest: replicas, probes, strategy, grace, preStop and environment are taken from its Deployment").short('f'),
    setting(RULES, "name", "NAME", "", "Which Deployment of the file, where there are several"),
    setting(RULES, "replicas", "N", "", "Replicas, 1 to 20; else 3"),
    setting(RULES, "readiness", "PROBE", "", "When a replica may have requests: '/path', 'tcp', 'exec -- COMMAND' or 'none'; with words such as port=NAME period=1s timeout=1s failures=3 successes=1 delay=0s before the --. Else a GET of --path each second"),
    setting(RULES, "liveness", "PROBE", "", "When it is restarted, in the same words; else never"),
    setting(RULES, "startup", "PROBE", "", "Until when the others wait, in the same words; else not at all"),
    setting(RULES, "pre-stop", "HOOK", "", "What comes before SIGTERM: a sleep such as 5s, '/path', 'exec -- COMMAND' or 'none'"),
    setting(RULES, "grace", "TIME", "", "From there to SIGKILL (terminationGracePeriodSeconds); else 30s"),
    setting(RULES, "max-surge", "N", "", "More replicas than wanted during a rollout: a number, or a share such as 25%; else 25%, rounded up"),
    setting(RULES, "max-unavailable", "N", "", "Fewer available ones than wanted; else 25%, rounded down"),
    switch(RULES, "recreate", "All old replicas end before the first new one starts (strategy Recreate)"),
    setting(RULES, "min-ready", "TIME", "", "How long a replica is ready before it counts (minReadySeconds); else 0s"),
    setting(RULES, "progress-deadline", "TIME", "", "How long a rollout may make no progress (progressDeadlineSeconds); else 10m"),

    setting(PROCESS, "env", "NAME=VALUE", "", "A variable of its environment; several times for several").repeatable(),
    setting(PROCESS, "port", "NAME", "", "Another port beside the one for requests: {port:NAME} in the command, PORT_NAME in its environment; several times for several").repeatable(),
    setting(PROCESS, "directory", "DIR", "", "Where it runs; else here"),
    setting(PROCESS, "database", "COMMAND", "", "A database beside the replicas, started before them in a directory of its own: 'mariadb', or a command that listens on {port:database} (DATABASE_PORT in its environment and in theirs)"),
    setting(PROCESS, "memory-limit", "SIZE", "", "The most memory of a replica, such as 256Mi: it is looked at ten times a second, and killed where it has more; else no limit"),
    switch(PROCESS, "as-pid-1", "Who has no handler for SIGTERM ignores it, as the first process of a container does that has no init"),

    setting(LOAD, "rate", "RATE", "200", "Requests that become due, whatever became of the ones before: 500, 500/s").short('q').aliases(&["qps"]),
    setting(LOAD, "fresh", "PERCENT", "50", "The share of requests, 0 to 100, from clients that open a connection for each; the others keep theirs"),
    setting(LOAD, "connections", "N", "10", "Connections that are kept and used in turn").short('c'),
    setting(LOAD, "timeout", "TIME", "10s", "How long a request may take in all").short('t'),
    setting(LOAD, "connect-timeout", "TIME", "5s", "How long connecting may take"),
    switch(LOAD, "no-resend", "Do not send an idempotent request again whose reused connection closed before any byte of an answer, as HTTP allows and most clients do"),

    setting(REQUESTS, "path", "PATH", "/", "The path of the request"),
    setting(REQUESTS, "host", "NAME", "localhost", "The Host header"),
    setting(REQUESTS, "method", "METHOD", "", "GET, or POST where there is a body").short('m').aliases(&["X", "request"]),
    setting(REQUESTS, "header", "HEADER", "", "A header, as 'Name: value'; several times for several").short('H').repeatable(),
    setting(REQUESTS, "body", "BODY", "", "A body: text, @FILE, or @- for what comes in on stdin").short('d').aliases(&["data"]),
    setting(REQUESTS, "content-type", "TYPE", "", "The body's media type").short('T'),
    setting(REQUESTS, "targets", "FILE", "", "Requests in vegeta's format: METHOD PATH [WEIGHT], then lines of headers, then @BODYFILE"),

    setting(WRITES, "write", "REQUEST", "", "A request that makes something, as METHOD PATH [BODY], with {key} for a name of its own each time: 'POST /items {\"name\":\"{key}\"}'. Every one that is acknowledged is read back at the end"),
    setting(WRITES, "read", "REQUEST", "", "How it is read back, by the id that was answered or by its key: 'GET /items/{id}'. The answer must contain the key"),
    setting(WRITES, "list", "REQUEST", "", "How all are listed: 'GET /items'. What is in it more often than most was executed more than once"),
    setting(WRITES, "delete", "REQUEST", "", "How it is deleted at the end: 'DELETE /items/{id}'; else it stays"),
    setting(WRITES, "id-field", "NAME", "", "Where the answer to a write has its id: a field of its JSON such as data.id; else id, or the last part of Location"),
    setting(WRITES, "write-share", "PERCENT", "20", "The share of all requests that are writes"),
    switch(WRITES, "users", "Users are created, read, changed, listed and deleted, and every acknowledged write is read back at the end: for the built-in service, and others with its API"),
    switch(WRITES, "clean-up", "Delete the users that --users made, after they were read back"),

    setting(ANSWERS, "expect-status", "STATUSES", "", "200, 2xx or 200-204,404; else anything from 200 to 399"),
    setting(ANSWERS, "expect-body", "TEXT", "", "What the body must contain"),
    switch(ANSWERS, "any-body", "Let a body differ in kind from the first good one"),

    setting(JUDGED, "max-lost", "N", "0", "Requests that each drill may lose, beyond what it allows anyway"),
    setting(JUDGED, "max-p99", "TIME", "", "The most that the 99th percentile of the response times may be while a drill disturbs"),
    setting(JUDGED, "threshold", "BOUND", "", "What must hold over the whole trial: 'p99<50ms', 'failed<0.1%'; several times for several").repeatable(),
    switch(JUDGED, "try-fix", "Make the trial again with what its findings propose, as far as it can be changed from here, and say before and after"),
    setting(JUDGED, "client-retries", "POLICY", "", "What a client's own retries would have hidden and doubled, computed and not sent: '2', or '2 backoff=100ms on=connect+reset+timeout+gateway+5xx not-idempotent'"),

    setting(SHOWN, "output", "FILE", "", "Write the result there too; the ending says how: .html, .json, .xml (JUnit), .md or .txt; several times for several").short('o').repeatable(),
    setting(SHOWN, "runs", "DIR", "seaworthy-runs", "Where each trial keeps its history, in a folder of its own; 'latest' there points at the last one"),
    switch(SHOWN, "record-all", "Keep each good answer in the history, too, and not only their distributions"),
    switch(SHOWN, "no-tui", "A line from time to time in place of the live view"),
    switch(SHOWN, "quiet", "Nothing but errors; files are written all the same"),
    switch(SHOWN, "no-color", "No colours, as with NO_COLOR"),
];

/// What stands under the help.
pub(crate) const AFTER_HELP: &str = "\
The command is run once for each replica, here and now, with {port} replaced by a port
of its own (PORT in its environment), {replica} by its number and {dir} by a private
directory. With no command the target is the built-in service.

    seaworthy trial
    seaworthy trial -- gunicorn app:app -b 127.0.0.1:{port}
    seaworthy trial -f deployment.yaml -- python3 app.py
    seaworthy trial --platform simulated --plant endpoint-removal-race --seed 1

Times are such as 5s, 500ms or 1m30s; a bare number is seconds. Flags count more than
the file, and the file more than what is guessed.

Ctrl-C ends it with a partial report; a second one does not wait for the replicas. What
a killed trial leaves behind, the next one or `seaworthy restore` ends.

Results go to stdout, all else to stderr. Exit codes: 0 seaworthy; 1 not seaworthy;
2 wrong usage; 3 inconclusive; 4 could not run, such as a target that never gets ready;
130 interrupted, after everything was put right.
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::distinct;

    #[test]
    fn names_are_distinct() {
        distinct(SETTINGS);
    }
}
