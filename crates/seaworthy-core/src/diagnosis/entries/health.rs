//! Probes, memory, crashes and load.

use super::{POD, PROBES};
use crate::diagnosis::rule::Entry;

pub(in crate::diagnosis) const CRASH: Entry = Entry {
    explains: "The process ended by itself. What it was working on is cut, and its port refuses until it is started \
               again (with a back-off of 10 s, doubling up to 5 min, if it goes on) or clients have heard.",
    needs: "A process that ended although nobody had told it to, and requests to its replica that were cut by that, or \
            refused until it listened again.",
    apart: "oom-killed and liveness-kill-under-load were sent a signal. exit-on-sigterm was told to end.",
    fix: "Mend the reason: the exit code and the replica's log have it. A readinessProbe keeps the time short.",
    check: "seaworthy trial --drills baseline,rollout -- COMMAND: no process ends by itself.",
    servers: &[],
    source: &[POD],
};

pub(in crate::diagnosis) const OOM: Entry = Entry {
    explains: "The replica used more memory than its limit, and was killed for it, without a warning and with all that it \
               had in flight. It is started again in place, and with the same load it grows again. The same happens to \
               all replicas at about the same age.",
    needs: "A SIGKILL for memory, and requests to that replica that were cut by it, or refused until it listened again.",
    apart: "crash was sent no signal. A process that ends with 143 during a termination was not killed for memory, \
            whatever its status says.",
    fix: "Find what grows; set the runtime's own bound below the limit; bound what is worked on at once; and raise the \
          limit where it is needed.",
    check: "seaworthy trial --memory-limit 256Mi -- COMMAND: no replica is killed.",
    servers: &[
        ("gunicorn", "--max-requests 1000 --max-requests-jitter 100 (against leaks)"),
        ("Node", "node --max-old-space-size=192 for a limit of 256Mi"),
        ("Go net/http", "GOMEMLIMIT=230MiB for a limit of 256Mi"),
        ("Java/Spring Boot", "-XX:MaxRAMPercentage=70"),
    ],
    source: &["Resource limits: https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/"],
};

pub(in crate::diagnosis) const LIVENESS: Entry = Entry {
    explains: "The liveness probe waits in the same queue as requests. Under load its answer takes longer than \
               timeoutSeconds (1 s unless set), failureThreshold (3) times in a row, and a replica that serves is \
               restarted for being busy. The others get its load, and are next.",
    needs: "A replica that was restarted by its liveness probe while it was not frozen, and requests to it that were cut \
            by that, or refused until it listened again.",
    apart: "The signal's reason is the liveness probe. A replica that hangs, as in the freeze drill, is restarted rightly.",
    fix: "Let liveness ask something cheap, on a port or thread of its own, that no dependency and no queue can delay; \
          give it a minute or more; shed load before that.",
    check: "seaworthy trial --drills liveness --liveness /path -- COMMAND: no restart by the liveness probe.",
    servers: &[
        ("gunicorn", "--worker-class gthread --threads 8, so that one slow request does not delay the probe"),
        ("Java/Spring Boot", "management.server.port=8081, livenessProbe on /actuator/health/liveness there"),
        ("Go net/http", "a second http.Server with only the probes, on a port of its own"),
        ("axum", "a second axum::serve with only the probes, on a port and a runtime of its own"),
    ],
    source: &[PROBES],
};

pub(in crate::diagnosis) const FLAP: Entry = Entry {
    explains: "Replicas fail their readiness probes although they run, so they are taken out of the endpoints. The rest \
               gets their load and fails next. Once all are out nobody is left to connect to, until the probes pass \
               again: about periodSeconds x failureThreshold later, and so on.",
    needs: "Requests that found nobody, while every replica ran, none was told to end, and each had been ready before.",
    apart: "dependency-readiness-collapse: the database was away. rollout-capacity-dip: a rollout was under way.",
    fix: "A longer timeoutSeconds, failureThreshold 3 or more, and load shed by the application, so that the probe still \
          gets its answer.",
    check: "seaworthy trial --drills overload -- COMMAND: no replica turns unready.",
    servers: &[],
    source: &[PROBES],
};

pub(in crate::diagnosis) const COLLAPSE: Entry = Entry {
    explains: "Readiness asks a dependency that all replicas share. When that is away for longer than \
               periodSeconds x failureThreshold, all turn unready together and nothing is left to connect to: also what \
               needs no database is away, and for longer than the database was.",
    needs: "Requests that found nobody, while every replica ran, none was told to end, each had been ready before, and \
            the database had been away within the last 60 s.",
    apart: "db-unavailable-window: replicas still answer, with errors. readiness-flap: the database was there.",
    fix: "Let readiness answer for the replica alone, and requests that need the database fail at once.",
    check: "seaworthy trial --drills database-restart --database COMMAND -- COMMAND: there is always an endpoint.",
    servers: &[("Java/Spring Boot", "management.endpoint.health.group.readiness.include=readinessState")],
    source: &[PROBES],
};

pub(in crate::diagnosis) const ACCEPT_OVERFLOW: Entry = Entry {
    explains: "The accept queue of a listener holds as many connections as its backlog, bounded by net.core.somaxconn. \
               When it is full Linux drops handshakes, and the client's kernel tries again after 1, 3 and 7 s: connecting \
               takes about that long, or times out, while the listener is up and other replicas are fine.",
    needs: "Connections to a replica whose listener was up, which took about 1, 3 or 7 s to open or timed out in that; the \
            replica neither frozen nor ending.",
    apart: "A refusal means that there is no listener. A replica that hangs accepts until its queue is full, too: the \
            freeze drill's own doing is told apart.",
    fix: "A larger backlog and somaxconn, more accepting, and clients that keep their connections.",
    check: "seaworthy trial --drills overload -- COMMAND: no connection takes longer than 900 ms to open.",
    servers: &[
        ("gunicorn", "--backlog 4096"),
        ("uvicorn", "--backlog 4096"),
        ("Node", "server.listen({ port, backlog: 4096 })"),
        ("Go net/http", "sysctl net.core.somaxconn=4096: it takes the backlog from there"),
        ("Java/Spring Boot", "server.tomcat.accept-count=1000"),
        ("nginx", "listen 80 backlog=4096;"),
        ("axum", "tokio::net::TcpSocket::new_v4()?, bind, then .listen(4096)"),
        ("actix", ".backlog(4096)"),
    ],
    source: &["listen(2): https://man7.org/linux/man-pages/man2/listen.2.html"],
};

pub(in crate::diagnosis) const OVERLOAD: Entry = Entry {
    explains: "More is asked than the replicas that are there can do. Queues grow until answers time out, or the service \
               refuses early with 503 or 429, which is the better way. It begins and ends with the load, or with the \
               capacity that a rollout or a restart took away.",
    needs: "503, 429 or time-outs while a drill asked for more than the trial's own rate (likely); or at least 5 of them, \
            on two replicas or more, and only while fewer replicas were ready than wanted (possible).",
    apart: "It keeps to the time of the load and not to one replica. The same rate without a drill is fine.",
    fix: "Room for the load with one replica less; a bounded queue that refuses early, with Retry-After; and maxUnavailable 0.",
    check: "seaworthy trial --drills overload,rollout -- COMMAND: what is too much is shed, and all is well right after.",
    servers: &[
        ("uvicorn", "--limit-concurrency 200 (answers 503 beyond it)"),
        ("nginx", "limit_req zone=all burst=100 nodelay; limit_req_status 429;"),
        ("axum", "tower's LoadShedLayer around a GlobalConcurrencyLimitLayer::new(200), with a HandleErrorLayer"),
    ],
    source: &["503 and Retry-After: https://www.rfc-editor.org/rfc/rfc9110#section-15.6.4"],
};

pub(in crate::diagnosis) const SLOW_REPLICA: Entry = Entry {
    explains: "One replica answers several times as slowly as all others, for as long as it lives. Load is spread evenly \
               and not by speed, so its share of the requests is slow: with three replicas every third. Usual reasons are \
               a noisy neighbour, another size of machine, a cold or broken cache, or a bad disk.",
    needs: "For at least 10 s, and in 90 % of the seconds in which it can be told, the median of its answers is 3 times \
            that of all others in the same second and 3 ms above it; frozen and flooded seconds and its first 5 s left out.",
    apart: "cold-start wears off. A busy machine makes all slow. connection-pinning has more than its share of requests.",
    fix: "Find what this replica has that the others have not; a readiness or outlier check that takes it out.",
    check: "seaworthy trial --drills baseline -- COMMAND: the medians of all replicas are alike.",
    servers: &[],
    source: &[],
};
