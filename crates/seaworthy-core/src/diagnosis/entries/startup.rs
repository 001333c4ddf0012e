//! How a replica begins, and how releases replace each other.

use super::{DEPLOYMENT, DISRUPTIONS, PROBES};
use crate::diagnosis::rule::Entry;

pub(in crate::diagnosis) const BEFORE_READY: Entry = Entry {
    explains: "A replica gets its share of requests as soon as it counts as ready. Without a readinessProbe that is as \
               soon as its process runs; with one that only connects, or asks for a page that is always there, it is \
               before pools, caches or migrations are done. Requests are refused or answered with errors for some \
               seconds, and then all is well.",
    needs: "Refused connections to a new replica that never listened up to then, or errors of 500 and above from one that \
            had not given a good answer yet and gives some later.",
    apart: "bad-release-served does not heal. endpoint-removal-race is of a replica that leaves.",
    fix: "A readinessProbe over HTTP through the path of a real request, a startupProbe for long starts, and a listener \
          that is opened last.",
    check: "seaworthy trial --drills rollout,scale-up --readiness /path -- COMMAND: the first request to each new replica \
            is answered.",
    servers: &[
        ("Java/Spring Boot", "readinessProbe.httpGet.path: /actuator/health/readiness"),
        ("Go net/http", "call net.Listen only once pools and caches are there"),
        ("Node", "call server.listen() only once pools and caches are there"),
    ],
    source: &[PROBES],
};

pub(in crate::diagnosis) const COLD_START: Entry = Entry {
    explains: "A replica gets its full share of requests from its first second on: nothing starts it slowly. Until code \
               is compiled, caches are filled and pools are opened, its answers take many times as long, or time out. \
               It wears off within 5 to 120 s, and comes again with each start, whatever the release.",
    needs: "The median of a replica's answers in some of its first 5 s is at least 5 times its own later one and 20 ms \
            above it, and 5 times that of the others in the same second; or time-outs in its first 10 s that no other \
            replica has.",
    apart: "slow-replica does not wear off. A busy machine makes all replicas slow at once.",
    fix: "Do the warm-up before the replica counts as ready; give it the CPU that a start needs.",
    check: "seaworthy trial --drills rollout --max-p99 250ms -- COMMAND: the first seconds of a replica are as fast as \
            the others.",
    servers: &[
        ("Java/Spring Boot", "an ApplicationRunner that calls the hot paths: readiness waits for it"),
        ("gunicorn", "--preload"),
    ],
    source: &[PROBES],
};

pub(in crate::diagnosis) const PROBE_KILL: Entry = Entry {
    explains: "A replica that needs longer to start than a probe waits is restarted, and begins again. A liveness probe \
               waits for initialDelaySeconds + periodSeconds x failureThreshold, which is 30 s unless set, and a startup \
               probe for as long by its own numbers. It is fine for years, until a cold cache, a busy node or a longer \
               migration makes the start longer: then no new replica comes up, and a rollout stands still.",
    needs: "A replica that its startup or liveness probe ended before it was ready, or before it listened and had answered \
            anything (proven where it came to be ready later).",
    apart: "liveness-kill-under-load had been ready. crash was sent no signal. bad-release-served is never good.",
    fix: "A startupProbe whose periodSeconds x failureThreshold is twice the longest start; the others wait for it.",
    check: "seaworthy trial --drills slow-start --slow-start 30s --liveness /path -- COMMAND: no restart by a probe.",
    servers: &[],
    source: &[PROBES],
};

pub(in crate::diagnosis) const RECREATE: Entry = Entry {
    explains: "With the strategy Recreate all old replicas are ended and gone before the first new one is created. \
               Nobody answers from the first end until the first new replica is ready: the time to end, to start and to \
               get ready, one after the other.",
    needs: "Requests that found nobody while such a rollout was under way, or until clients could have heard of it.",
    apart: "The strategy is Recreate, and a rollout is under way.",
    fix: "strategy.type: RollingUpdate. Keep Recreate only where two versions must never run at once.",
    check: "seaworthy trial --drills rollout --max-unavailable 0 --max-surge 1 -- COMMAND: there is always an endpoint.",
    servers: &[],
    source: &[DEPLOYMENT],
};

pub(in crate::diagnosis) const SINGLE_REPLICA: Entry = Entry {
    explains: "Where one replica is wanted, its restart, crash or deletion leaves nobody: a replacement is only created \
               once it is away, and takes its start and its readiness. A rolling update need not have the gap, since it \
               may start the new replica first.",
    needs: "Requests that found nobody while one replica was wanted.",
    apart: "One replica is wanted, and nothing could be used. With more wanted it is rollout-capacity-dip or \
            readiness-flap.",
    fix: "Two replicas or more, a PodDisruptionBudget, and a spread over nodes.",
    check: "seaworthy trial --replicas 2 --drills terminate,kill -- COMMAND: there is always an endpoint.",
    servers: &[],
    source: &[DEPLOYMENT, DISRUPTIONS],
};

pub(in crate::diagnosis) const CAPACITY_DIP: Entry = Entry {
    explains: "maxUnavailable lets a rolling update take replicas away before new ones are ready: a percentage is rounded \
               down, so 25 % of 4 is one. Where it is as many as there are, nobody is left; where it is fewer, the rest \
               has all the load. It lasts as long as new replicas take to get ready.",
    needs: "Requests that found nobody during a rolling update of more than one replica, whose maxUnavailable lets it take \
            all of them at once.",
    apart: "recreate-gap has the strategy Recreate. readiness-flap has no rollout.",
    fix: "maxUnavailable: 0 and maxSurge: 1, and room for one replica more.",
    check: "seaworthy trial --drills rollout --max-unavailable 0 --max-surge 1 -- COMMAND: ready replicas are never fewer \
            than wanted.",
    servers: &[],
    source: &[DEPLOYMENT],
};

pub(in crate::diagnosis) const BAD_RELEASE: Entry = Entry {
    explains: "A release that does not work passes its readiness probe, so the rollout goes on and gives it more and more \
               of the requests. progressDeadlineSeconds does not help: it sees readiness only, and undoes nothing.",
    needs: "Failures of replicas that run the release which was broken on purpose (proven); or at least 5 errors of 500 \
            and above from a new revision, past its warm-up, at more than 5 times the rate of the old one while both \
            served, and by each new replica of which some are to be expected.",
    apart: "incompatible-migration: the old revision fails, and the new one does not. traffic-before-ready heals.",
    fix: "A readinessProbe through the path of a real request, minReadySeconds above 0, and a rollout that looks at errors.",
    check: "seaworthy trial --drills bad-release --readiness /path --min-ready 5s -- COMMAND: the broken release gets no \
            request.",
    servers: &[(
        "Java/Spring Boot",
        "readinessProbe.httpGet.path: /actuator/health/readiness, with an indicator of your own",
    )],
    source: &[DEPLOYMENT, PROBES],
};

pub(in crate::diagnosis) const MIGRATION: Entry = Entry {
    explains: "During a rolling update old and new code run at once, on one database. A new release that renames or drops \
               what the old one uses breaks the old replicas from its migration on, until the last of them is replaced: \
               healthy replicas of code that worked a minute ago.",
    needs: "At least 5 errors of 500 and above from the old revision, at more than 5 times the rate of the new one while \
            both served and of its own before, and by each old replica of which some are to be expected.",
    apart: "bad-release-served: it is the new revision that fails. db-unavailable-window hits both.",
    fix: "Expand first, contract in a later release: each schema works for the release before it as well.",
    check: "seaworthy trial --drills rollout -- COMMAND, with the migration in the new replica's start: the old replicas \
            answer to their end.",
    servers: &[],
    source: &[DEPLOYMENT],
};

pub(in crate::diagnosis) const STUCK: Entry = Entry {
    explains: "New replicas never get ready, so the rollout stands still. After progressDeadlineSeconds (600 unless set) \
               the Deployment says so, and does nothing else: nothing is rolled back, and with maxUnavailable above 0 \
               the capacity that was taken away stays away.",
    needs: "A rollout of a release that is not broken on purpose, which passed its progress deadline.",
    apart: "The deadline is recorded (in a cluster: the condition Progressing is False).",
    fix: "maxUnavailable: 0, so that a stuck rollout costs nothing; a short progressDeadlineSeconds with an automatic \
          rollout undo; and the reason why the new replicas are not ready.",
    check: "seaworthy trial --drills rollout,bad-release --max-unavailable 0 -- COMMAND: the rollout ends, and the bad \
            one loses nothing.",
    servers: &[],
    source: &[DEPLOYMENT],
};
