"""A small service that is wrong in one known way, or the same with the fix.

    faulty.py FAULT [fixed] [NAME=VALUE...]     PORT in the environment; FAULT is a key of FAULTS
    faulty.py database                          DATABASE_PORT in the environment

`Service` is right. Each fault is a class that changes one thing of the class that it is mended by.
"""

import os
import sys

# Replicas that start at once would write them at once, and into the sources.
sys.dont_write_bytecode = True

from faulty import busy, leaving, pool, starting, store  # noqa: E402
from faulty.service import Service  # noqa: E402

# Each fault with what mends it.
FAULTS = {
    "exit-at-once": (leaving.ExitsAtOnce, Service),
    "swallows-sigterm": (leaving.SwallowsSigterm, Service),
    "drops-in-flight": (leaving.DropsInFlight, Service),
    "drops-queue": (leaving.DropsQueue, leaving.PreFork),
    "ready-too-early": (starting.ReadyTooEarly, starting.OpensFirst),
    "liveness-under-load": (busy.LivenessUnderLoad, busy.Sheds),
    "short-keepalive": (busy.ShortKeepalive, Service),
    "slow-start": (starting.SlowStart, starting.WarmsUpFirst),
    "errors-after-start": (starting.ErrorsAfterStart, starting.WarmsUpFirst),
    "error-in-200": (leaving.ErrorIn200, Service),
    "truncates": (leaving.Truncates, leaving.LongAnswer),
    "forgets": (store.Forgets, store.Store),
    "writes-twice": (store.WritesTwice, store.OncePerName),
    "stale-pool": (pool.StalePool, pool.ChecksBeforeUse),
    "leaks": (busy.Leaks, Service),
    "slow-replica": (busy.SlowReplica, Service),
}


def main(fault, *words):
    if fault == "database":
        pool.Database(("127.0.0.1", int(os.environ["DATABASE_PORT"])), pool.Database.Session).serve_forever()
    options = dict(word.split("=", 1) for word in words if word != "fixed")
    asked, signals = os.pipe()
    os.set_blocking(signals, False)
    service = FAULTS[fault]["fixed" in words](options)
    service.take_signals(signals)
    service.start()
    os.read(asked, 1)
    service.leave()


main(*sys.argv[1:])
