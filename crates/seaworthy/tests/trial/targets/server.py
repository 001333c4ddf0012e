"""An HTTP server that leaves in the way that it is told: NAME=VALUE arguments say what it does."""

import os
import signal
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

wanted = dict(argument.split("=", 1) for argument in sys.argv[1:])
began = time.monotonic()
leaving = threading.Event()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Without a delay of up to 40 ms for the acknowledgement of a small packet.
    disable_nagle_algorithm = True

    def do_GET(self):
        status = 200
        if self.path == "/ready" and time.monotonic() - began < float(wanted.get("ready_after", "0")):
            status = 503
        if self.path != "/ready":
            time.sleep(float(wanted.get("takes", "0")))
            status = int(wanted.get("status", "200"))
        body = b"hello\n"
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        if leaving.is_set():
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512
    allow_reuse_address = True


time.sleep(float(wanted.get("listen_after", "0")))
server = Server(("127.0.0.1", int(wanted.get("port", os.environ["PORT"]))), Handler)


def drain(*_):
    """Goes on serving for a while, and tells each client to go elsewhere; then ends."""

    def end():
        time.sleep(float(wanted.get("drain", "0")))
        server.shutdown()

    leaving.set()
    threading.Thread(target=end).start()


def close_listener(*_):
    """Takes no new connections, but finishes for a while what it has."""
    leaving.set()
    server.socket.close()
    threading.Timer(float(wanted.get("drain", "1")), lambda: os._exit(0)).start()


on_term = wanted.get("on_term", "die")
if on_term == "ignore":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
elif on_term == "exit":
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
elif on_term == "drain":
    signal.signal(signal.SIGTERM, drain)
elif on_term == "close":
    signal.signal(signal.SIGTERM, close_listener)
if "exit_after" in wanted:
    threading.Timer(float(wanted["exit_after"]), lambda: os._exit(3)).start()
try:
    server.serve_forever(poll_interval=0.02)
except (OSError, ValueError):
    # The listener was closed under it.
    time.sleep(60)
if on_term == "drain":
    # What is still being answered.
    time.sleep(0.2)
