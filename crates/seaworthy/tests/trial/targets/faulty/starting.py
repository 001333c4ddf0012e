"""How it begins."""

import os
import time

from .service import Service


class WarmsUpFirst(Service):
    """It needs a while before it can work, and is unready until then."""

    def warm(self):
        return self.age() > self.option("warm_up", 2)

    def ready(self):
        return super().ready() and self.warm()


class OpensFirst(WarmsUpFirst):
    """Readiness has a port of its own, and the listener is there before that says yes."""

    def start(self):
        ops = Service(self.options)
        ops.ready = self.ready
        ops.listen(int(os.environ["PORT_OPS"]))
        super().start()


class ReadyTooEarly(OpensFirst):
    """Readiness, on a port of its own, says yes before the listener is open."""

    def ready(self):
        return Service.ready(self)

    def listen(self, port):
        time.sleep(self.option("warm_up", 2))
        super().listen(port)


class ErrorsAfterStart(WarmsUpFirst):
    """It says that it is ready, and has only errors while it warms up."""

    def ready(self):
        return Service.ready(self)

    def work(self, method, path, body):
        return super().work(method, path, body) if self.warm() else (500, {"error": "still loading"})


class SlowStart(WarmsUpFirst):
    """It says that it is ready, and is slow while it warms up."""

    def ready(self):
        return Service.ready(self)

    def work(self, method, path, body):
        if not self.warm():
            time.sleep(self.option("cold", 0.3))
        return super().work(method, path, body)
