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
