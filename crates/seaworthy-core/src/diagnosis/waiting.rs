//! Causes that cannot happen on one machine: what they wait for.

/// A cause that no trial can find yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waits {
    /// Its name.
    pub id: &'static str,
    /// What it is, in a sentence.
    pub title: &'static str,
    /// What would have to be there to find it.
    pub waits_for: &'static str,
}

const fn waits(id: &'static str, title: &'static str, waits_for: &'static str) -> Waits {
    Waits { id, title, waits_for }
}

const CLUSTER: &str = "a cluster, with its events";
const PATH: &str = "a path with a load balancer or proxy in it";
const MESH: &str = "a mesh";
const NODES: &str = "several nodes";
const DNS: &str = "a cluster's DNS";
const CONNTRACK: &str = "a cluster's network, and its conntrack tables";
const DATABASE: &str = "a database's own log or state";

/// All of them, by name. What the catalogue of causes has beside these is no cause of its own: a scale-down loses requests
/// for the reasons of any end, and retries and closed loops that would hide losses are not made by this tool.
#[rustfmt::skip]
pub const WAITING: [Waits; 40] = [
    waits("async-failover-loss", "a copy of the database takes over without the last commits", "a database with copies"),
    waits("cni-policy-lag", "a new replica is ready before the network lets others reach it", CONNTRACK),
    waits("colocated-replicas-drained", "a drain takes several replicas of one node at once", NODES),
    waits("config-or-secret-stale", "a rotated configuration is not picked up", CLUSTER),
    waits("conntrack-full", "the table of connections is full, and new ones are dropped", CONNTRACK),
    waits("conntrack-invalid-rst", "a packet out of its window is answered with a reset", CONNTRACK),
    waits("cpu-throttled", "a CPU limit stops the process for parts of each 100 ms", "CPU limits, and their counters"),
    waits("db-reconnect-stampede", "all replicas connect again at once, and the database refuses some", DATABASE),
    waits("db-unclean-stop", "the database is killed in its shutdown, and recovers for long", DATABASE),
    waits("dns-5s-race", "two lookups race in conntrack, and one waits 5 s", DNS),
    waits("dns-cache-stale", "clients keep addresses of replicas that are gone", DNS),
    waits("dns-search-amplification", "a name is searched for in several domains first", DNS),
    waits("dns-server-rollout", "a DNS server is replaced, and queries to it are lost", DNS),
    waits("etp-local-blackhole", "a node without a local replica drops what it gets", NODES),
    waits("fp-clock-skew", "clocks differ, so that events and failures do not line up", "events from several machines"),
    waits("fp-generator-disrupted", "the load generator sat on the node that was disturbed", NODES),
    waits("fp-port-forward", "a port-forward leads to one replica, and dies with it", CLUSTER),
    waits("fp-userland-proxy", "a proxy of the container runtime hides refusals", "a target behind published ports"),
    waits("hpa-flap", "an autoscaler goes down too soon and up too late", "an autoscaler"),
    waits("ingress-reload-reset", "a proxy is reloaded, and closes idle connections", PATH),
    waits("kubelet-restart-unready", "a kubelet starts again, and its replicas are unready meanwhile", CLUSTER),
    waits("lb-deregistration-lag", "a load balancer still sends to what is gone", PATH),
    waits("lb-target-not-healthy-yet", "a load balancer does not send to new replicas yet", PATH),
    waits("mesh-config-lag", "a mesh's proxies hear of changes too late", MESH),
    waits("new-endpoint-not-propagated", "old replicas are gone before clients know the new ones", "views that differ by client"),
    waits("node-lost", "a node dies, and nobody says so for 40 s or more", NODES),
    waits("node-shutdown-without-drain", "a node ends its replicas without taking them out first", NODES),
    waits("pod-ip-reuse", "an address is given to another pod while clients still use it", CLUSTER),
    waits("preempted-or-evicted", "a replica has to go for a more important one, or for memory", CLUSTER),
    waits("replacement-unschedulable", "there is no room for the replacement", CLUSTER),
    waits("retry-amplification", "retries on several layers keep the overload up", "counts from inside the target"),
    waits("rwo-multi-attach", "a volume is still held by the replica before", "persistent volumes"),
    waits("selector-or-port-mismatch", "a Service selects nothing, or leads to a closed port", CLUSTER),
    waits("session-affinity-pin", "a Service sends all of one client to one replica", CLUSTER),
    waits("sidecar-start-order", "the application starts before its proxy", MESH),
    waits("sidecar-stops-first", "the proxy ends before the application has finished", MESH),
    waits("stale-conntrack-entry", "a source port leads to a dead replica for two minutes", CONNTRACK),
    waits("stale-udp-conntrack", "a client's UDP packets still go to a dead replica", CONNTRACK),
    waits("topology-skew", "requests stay in their zone, and one zone has too many", NODES),
    waits("upstream-keepalive-mismatch", "a proxy uses connections that the application has closed", PATH),
];
