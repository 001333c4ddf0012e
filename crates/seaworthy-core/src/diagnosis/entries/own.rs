//! The tool's own doing, what drills do on purpose, and what is left.

use crate::diagnosis::rule::Entry;

pub(in crate::diagnosis) const PORTS: Entry = Entry {
    explains: "Each connection needs a source port of this machine, and keeps it for 60 s after it was closed here. With \
               28,232 of them that is about 470 new connections a second to one address.",
    needs: "EADDRNOTAVAIL at connecting.",
    apart: "The error allows nothing else: the request never left this machine.",
    fix: "Fewer fresh connections a second (--rate, --fresh), or a wider net.ipv4.ip_local_port_range.",
    check: "The same trial: the report's generator shows ports to spare.",
    servers: &[],
    source: &["ip(7): https://man7.org/linux/man-pages/man7/ip.7.html"],
};

pub(in crate::diagnosis) const DESCRIPTORS: Entry = Entry {
    explains: "Each connection is an open file of this tool, and it may have no more.",
    needs: "EMFILE or ENFILE at opening a socket.",
    apart: "The error allows nothing else: the request never left this machine.",
    fix: "A higher limit (`ulimit -n`), or fewer connections.",
    check: "The same trial: the report's generator shows descriptors to spare.",
    servers: &[],
    source: &["getrlimit(2): https://man7.org/linux/man-pages/man2/getrlimit.2.html"],
};

pub(in crate::diagnosis) const SATURATION: Entry = Entry {
    explains: "The load generator did not get the CPU in time, so that it sent late and read late. Time-outs of that time \
               are its own delay and say nothing of the target.",
    needs: "A time-out, with the generator late by more than 50 ms and a tenth of the request's time within a second of it.",
    apart: "What was refused or cut was so however late anybody was.",
    fix: "A quieter or larger machine, or a lower --rate.",
    check: "The same trial: the send lag stays below 5 ms.",
    servers: &[],
    source: &[],
};

pub(in crate::diagnosis) const KILLED: Entry = Entry {
    explains: "The drill sent SIGKILL. Nobody can keep what the replica was working on, nor what is sent to it before its \
               listener is back or clients have heard. This is the drill's own doing, and it is allowed.",
    needs: "A failure that the kill drill allows.",
    apart: "What is lost beyond that has a cause of its own.",
    fix: "Nothing in the target; a faster start makes it shorter, and clients that send idempotent requests again hide it.",
    check: "seaworthy trial --drills kill -- COMMAND: nothing beyond what is allowed is lost.",
    servers: &[],
    source: &[],
};

pub(in crate::diagnosis) const HUNG: Entry = Entry {
    explains: "The drill froze the process: its kernel still accepts connections, and nobody answers. Until the readiness \
               probe has failed often enough, and clients have heard, requests go there. This is the drill's own doing, \
               and it is allowed.",
    needs: "A failure that the freeze drill allows.",
    apart: "What is lost beyond that has a cause of its own.",
    fix: "A shorter periodSeconds or failureThreshold of the readinessProbe notices sooner.",
    check: "seaworthy trial --drills freeze -- COMMAND: the replica leaves the endpoints while it is frozen.",
    servers: &[],
    source: &[super::PROBES],
};

pub(in crate::diagnosis) const PARTITION: Entry = Entry {
    explains: "The drill dropped packets between clients and one replica, as a broken path between two nodes does, while \
               probes came through: it stayed ready, and clients went on choosing it. A connection that is opened hangs \
               until the client's connect time-out, and one that is open until TCP sends again: after 1, 2, 4, ... times \
               its first wait, so that a path that was broken for 6 s may cost up to 7 s more. This is the drill's own \
               doing, and it is allowed.",
    needs: "A request to that replica without an answer (timed out, reset, closed or cut off), begun before the path was \
            whole again, or later over a connection from before, and over when TCP had its time to send again.",
    apart: "Requests to other replicas went over other paths: what is lost there has a cause of its own, such as threads or \
            connections that all wait for the replica that does not answer.",
    fix: "Nothing in the target alone. Clients: time-outs below what users bear (connect 1 s), another attempt over another \
          connection for what may be sent twice, outlier ejection or a circuit breaker, TCP_USER_TIMEOUT against connections \
          that hang. Servers: bounded waits for clients that are gone, and replicas on several nodes.",
    check: "seaworthy trial --drills network -- COMMAND: nothing beyond what is allowed is lost.",
    servers: &[],
    source: &[
        "Retransmission timer: https://www.rfc-editor.org/rfc/rfc6298#section-5",
        "tcp(7), TCP_USER_TIMEOUT: https://man7.org/linux/man-pages/man7/tcp.7.html",
        "Nodes that are lost: https://github.com/kubernetes/kubernetes/issues/77864",
    ],
};

pub(in crate::diagnosis) const BASELINE: Entry = Entry {
    explains: "The same kind of failure happens in the baseline, while nothing is done, and the drill has no more of it \
               than that makes likely.",
    needs: "Failures of a kind that the baseline has, no more than its rate makes likely (Poisson, 1 %), and not proven to \
            be of the drill.",
    apart: "What is proven to be of the drill stays with it.",
    fix: "Look at the baseline's own failures first.",
    check: "seaworthy trial --drills baseline -- COMMAND: nothing is lost.",
    servers: &[],
    source: &[],
};

pub(in crate::diagnosis) const UNEXPLAINED: Entry = Entry {
    explains: "Nothing that was recorded explains these failures. They are never given to what happened to be nearest.",
    needs: "Failures that fit no rule.",
    apart: "It is what is left.",
    fix: "Look at the target's own log at these moments.",
    check: "The same trial with the same --seed, to see whether they come again.",
    servers: &[],
    source: &[],
};
