"""The service that is right, of which each fault changes one thing."""

import json
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer


GREETING = {"message": "Hello"}


class Handler(BaseHTTPRequestHandler):
    """Reads requests and writes answers: keep-alive, and each answer in one piece."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65536

    def handle_one_request(self):
        if self.server.service.awaits_request(self.connection):
            super().handle_one_request()
        else:
            self.close_connection = True

    def do_GET(self):
        service = self.server.service
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        with service.one_more():
            status, answer = service.answer(self.command, self.path, body)
            service.send(self, status, answer)
            self.wfile.flush()

    do_POST = do_GET

    def log_message(self, *_):
        pass


class Threads(ThreadingHTTPServer):
    """A thread for each connection."""

    daemon_threads = True
    request_queue_size = 512

    def handle_error(self, request, client_address):
        # A client that went away is none of its business.
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class OneByOne(HTTPServer):
    """A single worker, as of a pre-forking server: what it does not accept yet, the kernel keeps."""

    request_queue_size = 512


class Service:
    """Right: it drains on SIGTERM, finishes what it has begun, and says what it is up to."""

    server_class = Threads

    def __init__(self, options):
        self.options = options
        self.began = time.monotonic()
        self.leaving = threading.Event()
        self.busy = 0
        self.changed = threading.Condition()
        self.server = None

    def option(self, name, default):
        """A number from the command line."""
        return float(self.options.get(name, default))

    def age(self):
        """Seconds since it began."""
        return time.monotonic() - self.began

    def listen(self, port):
        """Opens a listener, and serves it."""
        self.server = self.server_class(("127.0.0.1", port), Handler)
        self.server.service = self
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def start(self):
        """Opens the listener. Whatever takes its time comes before that."""
        self.listen(int(os.environ["PORT"]))

    def ready(self):
        """Whether it wants requests."""
        return not self.leaving.is_set()

    def alive(self):
        """Whether it works: it does as long as it answers."""
        return True

    def answer(self, method, path, body):
        """A status, and what is sent as JSON; text is sent as it is."""
        if path == "/ready":
            return (200, "ready") if self.ready() else (503, "not ready")
        if path == "/live":
            return (200, "alive") if self.alive() else (503, "not alive")
        return self.work(method, path, body)

    def work(self, method, path, body):
        """The answer to a user."""
        time.sleep(self.option("takes", 0.003))
        return 200, GREETING

    def send(self, handler, status, answer):
        """Sends an answer with its length."""
        text = isinstance(answer, str)
        content = (answer if text else json.dumps(answer)).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "text/plain" if text else "application/json")
        handler.send_header("Content-Length", str(len(content)))
        if self.leaving.is_set() or self.server_class is OneByOne:
            handler.send_header("Connection", "close")
        handler.end_headers()
        handler.wfile.write(content)

    def awaits_request(self, connection):
        """Waits for a request on a connection; false when it is to be closed instead."""
        return True

    def one_more(self):
        """Counts a request for as long as it is worked on."""
        return Busy(self)

    def take_signals(self, signals):
        """SIGTERM is written to a pipe, in whichever thread it comes: a handler in Python waits for the main one."""
        signal.set_wakeup_fd(signals)
        signal.signal(signal.SIGTERM, lambda *_: None)

    def leave(self):
        """Unready, and serving until all clients have heard; then the last answers, then the end."""
        self.leaving.set()
        time.sleep(self.option("drain", 1.5))
        self.server.shutdown()
        self.server.server_close()
        with self.changed:
            self.changed.wait_for(lambda: self.busy == 0, timeout=20)


class Busy:
    """A request that is worked on."""

    def __init__(self, service):
        self.service = service

    def __enter__(self):
        with self.service.changed:
            self.service.busy += 1

    def __exit__(self, *_):
        with self.service.changed:
            self.service.busy -= 1
            self.service.changed.notify_all()
