//! Everything that `load` can be told, in the order of its help.

use crate::settings::{Setting, setting, switch};

const PACE: &str = "How much, and for how long";
const CONNECTIONS: &str = "Connections";
const REQUESTS: &str = "What is sent";
const WRITES: &str = "Writes that are followed";
const ANSWERS: &str = "Which answers are good";
const TLS: &str = "TLS, and HTTP/2";
const WHERE: &str = "Where it goes";
const RESULTS: &str = "Results";
const SHOWN: &str = "What is shown";

#[rustfmt::skip]
pub(crate) const SETTINGS: &[Setting] = &[
    setting(PACE, "rate", "RATE", "50", "Requests that become due, whatever became of the ones before: 500, 500/s, 30/1m").short('q').aliases(&["qps"]).variable_named("REQUESTS_PER_SECOND"),
    setting(PACE, "stages", "STAGES", "", "A rate that changes: '100 for 30s, 100..1000 for 1m'; in place of --rate and --duration"),
    setting(PACE, "spacing", "HOW", "even", "even, or poisson: as independent users arrive"),
    switch(PACE, "max", "As fast as -c connections go, each waiting for its answer (closed loop), in place of a rate. It says what the target can do, not how long users wait"),
    setting(PACE, "duration", "TIME", "", "For how long; 10s where neither this nor --requests is given").short('z'),
    setting(PACE, "requests", "N", "", "How many requests: 500, 10k, 2m").short('n'),
    setting(PACE, "threads", "N", "", "Threads that send; else 1 for each 30,000/s, and with --max as many as there are processors"),
    setting(PACE, "seed", "N", "", "Decides what is left to chance; else from the time, and printed, so that a run can be repeated"),

    setting(REQUESTS, "method", "METHOD", "", "GET, or POST where there is a body").short('m').aliases(&["X", "request"]),
    setting(REQUESTS, "header", "HEADER", "", "A header, as 'Name: value'; several times for several").short('H').repeatable(),
    setting(REQUESTS, "body", "BODY", "", "A body: text, @FILE, or @- for what comes in on stdin").short('d').aliases(&["data"]),
    setting(REQUESTS, "content-type", "TYPE", "", "The body's media type").short('T'),
    setting(REQUESTS, "targets", "FILE", "", "Requests in vegeta's format: METHOD URL [WEIGHT], then lines of headers, then @BODYFILE; a URL may be a path"),
    setting(REQUESTS, "scenario", "NAME", "url", "url, or users: users are created, read, changed, listed and deleted, and every acknowledged write is read back at the end"),

    setting(WRITES, "write", "REQUEST", "", "A request that makes something, as METHOD PATH [BODY], with {key} for a name of its own each time: 'POST /items {\"name\":\"{key}\"}'. Every one that is acknowledged is read back at the end"),
    setting(WRITES, "read", "REQUEST", "", "How it is read back, by the id that was answered or by its key: 'GET /items/{id}'. The answer must contain the key"),
    setting(WRITES, "list", "REQUEST", "", "How all are listed: 'GET /items'. What is in it more often than most was executed more than once"),
    setting(WRITES, "delete", "REQUEST", "", "How it is deleted at the end: 'DELETE /items/{id}'; else it stays"),
    setting(WRITES, "id-field", "NAME", "", "Where the answer to a write has its id: a field of its JSON such as data.id; else id, or the last part of Location"),
    setting(WRITES, "write-share", "PERCENT", "20", "The share of all requests that are writes"),
    switch(WRITES, "clean-up", "Delete the users that the users scenario made, after they were read back"),

    setting(CONNECTIONS, "connections", "N", "10", "Connections that are kept and used in turn").short('c'),
    setting(CONNECTIONS, "max-connections", "N", "", "The most that are open: what finds all busy opens one more, and waits at the most; as many as -c says where it is given, else 100"),
    switch(CONNECTIONS, "disable-keepalive", "A fresh connection for each request"),
    setting(CONNECTIONS, "fresh", "PERCENT", "", "The share of requests, 0 to 100, that have a fresh connection each"),
    setting(CONNECTIONS, "timeout", "TIME", "10s", "How long a request may take in all").short('t'),
    setting(CONNECTIONS, "connect-timeout", "TIME", "5s", "How long looking up the name, connecting and the handshake may take"),
    switch(CONNECTIONS, "no-resend", "Do not send an idempotent request again whose reused connection closed before any byte of an answer, as HTTP allows and most clients do"),

    setting(ANSWERS, "expect-status", "STATUSES", "", "200, 2xx or 200-204,404; else anything from 200 to 399"),
    setting(ANSWERS, "expect-body", "TEXT", "", "What the body must contain"),
    switch(ANSWERS, "any-body", "Let a body differ in kind from the first good one"),

    switch(TLS, "http2", "HTTP/2: over TLS by ALPN, else with prior knowledge").aliases(&["h2"]),
    setting(TLS, "streams", "N", "", "HTTP/2: the most requests on a connection at once; 100, with --max 1"),
    switch(TLS, "insecure", "Take any certificate").short('k'),
    setting(TLS, "cacert", "FILE", "", "Authorities in PEM, in place of the system's"),
    setting(TLS, "cert", "FILE", "", "Our certificate chain in PEM, leaf first (mTLS)"),
    setting(TLS, "key", "FILE", "", "Its private key in PEM"),

    setting(WHERE, "connect-to", "HOST:PORT", "", "Connect there, and not to the URL's host; curl's HOST1:PORT1:HOST2:PORT2 also does"),
    setting(WHERE, "host", "NAME", "", "The Host header, and the name in the certificate, in place of the URL's"),
    switch(WHERE, "dns-each-connection", "Look the name up for each connection, and not once"),
    setting(WHERE, "source-address", "IP", "", "An address of this machine to connect from; several times for several, in turn").repeatable(),

    setting(RESULTS, "output", "FILE", "", "Write the result there too; the ending says how: .html, .json, .csv, .xml (JUnit), .md or .hlog; several times for several").short('o').repeatable(),
    setting(RESULTS, "threshold", "BOUND", "", "What must hold, else the exit code is 1: 'p99<50ms', 'failed<0.1%'; several times for several").repeatable(),

    setting(SHOWN, "ops-listen", "ADDR", "", "Serve Prometheus metrics there, at /metrics; with /livez and /readyz"),
    switch(SHOWN, "no-tui", "A line from time to time in place of the live view"),
    switch(SHOWN, "quiet", "Nothing but errors; files are written all the same"),
    switch(SHOWN, "no-color", "No colours, as with NO_COLOR"),
];

/// What stands under the help.
pub(crate) const AFTER_HELP: &str = "\
Times are such as 5s, 500ms or 1m30s; a bare number is seconds.

A latency counts from when the request was due, so a stalled target cannot hide
behind a client that waits. The service time, from when it was sent, stands beside it.

With no URL but SERVER_ADDR in its environment it is a workload: it runs until it is
stopped, and prints a line each second. SIGTERM then ends it with its summary.

The first Ctrl-C stops sending and waits for what is open; a second one does not wait.

Results go to stdout, all else to stderr. Exit codes: 0 measured, and all thresholds
hold; 1 one does not, an acknowledged write was lost, or there was no good answer at
all; 2 wrong usage; 3 inconclusive: the generator was the bottleneck, or a threshold
had no sample; 4 could not run; 130 interrupted before its end.
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
