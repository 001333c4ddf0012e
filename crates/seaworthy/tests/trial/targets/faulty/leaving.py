"""How it ends."""

import json
import os
import select
import signal
import time

from .service import GREETING, OneByOne, Service


class ExitsAtOnce(Service):
    """SIGTERM ends it with requests in flight."""

    def leave(self):
        os._exit(0)


class SwallowsSigterm(Service):
    """SIGTERM means nothing to it."""

    def take_signals(self, signals):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


class DropsInFlight(Service):
    """It takes nothing new from SIGTERM on, lives on for a while, and cuts what it has not finished by then."""

    def leave(self):
        self.leaving.set()
        self.server.shutdown()
        self.server.server_close()
        time.sleep(self.option("lives_on", 0.3))
        os._exit(0)


class PreFork(Service):
    """One worker, one request for each connection."""

    server_class = OneByOne

    def awaits_request(self, connection):
        # A client that connects and says nothing would have the worker for itself.
        return bool(select.select([connection], [], [], 1)[0])


class DropsQueue(PreFork):
    """Its worker stops accepting at SIGTERM, but the listener is there until the end: what waits in it is reset."""

    def leave(self):
        self.leaving.set()
        self.server.shutdown()
        time.sleep(self.option("lives_on", 2.5))
        os._exit(0)


class ErrorIn200(Service):
    """It closes what it works with before it has stopped serving, and answers 200 with the text of the error."""

    def work(self, method, path, body):
        status, answer = super().work(method, path, body)
        return status, "Error: the pool is closed" if self.leaving.is_set() else answer


class LongAnswer(Service):
    """An answer that takes a while to send, with its length."""

    def parts(self):
        """The same each time: a JSON document in ten pieces."""
        text = json.dumps({"lines": ["a line of a long answer"] * 200})
        step = len(text) // 10 + 1
        return [text[at : at + step].encode() for at in range(0, len(text), step)]

    def headers(self, handler):
        handler.send_header("Content-Length", str(sum(map(len, self.parts()))))
        if self.leaving.is_set():
            handler.send_header("Connection", "close")

    def send(self, handler, status, answer):
        if answer is not GREETING:
            return super().send(handler, status, answer)
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        self.headers(handler)
        handler.end_headers()
        for part in self.parts():
            handler.wfile.write(part)
            handler.wfile.flush()
            time.sleep(self.option("takes", 0.003))
        return None


class Truncates(LongAnswer):
    """It says no length, as in HTTP/1.0, and SIGTERM ends it in the middle: half an answer looks whole."""

    def headers(self, handler):
        handler.send_header("Connection", "close")

    def leave(self):
        os._exit(0)
