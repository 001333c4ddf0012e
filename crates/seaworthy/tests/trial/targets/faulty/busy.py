"""What it does under load."""

import select
import threading
import time

from .service import Service


class Sheds(Service):
    """One request at a time; refuses early what would wait for long; liveness waits for nobody."""

    def __init__(self, options):
        super().__init__(options)
        self.worker = threading.Lock()

    def work(self, method, path, body):
        if self.busy > self.option("waiting", 10):
            return 503, {"error": "busy"}
        with self.worker:
            return super().work(method, path, body)


class LivenessUnderLoad(Sheds):
    """Liveness waits for the one worker as every request does, and none of them is refused."""

    def alive(self):
        with self.worker:
            return True

    def work(self, method, path, body):
        with self.worker:
            return Service.work(self, method, path, body)


class ShortKeepalive(Service):
    """It closes connections that are idle for about as long as its clients leave them idle."""

    def awaits_request(self, connection):
        if select.select([connection], [], [], self.option("idle", 0.25))[0]:
            return True
        # Between the decision to close and the end of the connection is a moment, here as in any server.
        time.sleep(self.option("closing", 0.02))
        return False


class Leaks(Service):
    """It keeps something of each request for ever."""

    kept = []

    def work(self, method, path, body):
        self.kept.append(b"x" * int(self.option("leak", 500_000)))
        return super().work(method, path, body)


class SlowReplica(Service):
    """One of its replicas is twenty times slower than the others; `me` is the replica's number."""

    def work(self, method, path, body):
        if self.option("me", 0) == self.option("slow", 1):
            time.sleep(19 * self.option("takes", 0.003))
        return super().work(method, path, body)
