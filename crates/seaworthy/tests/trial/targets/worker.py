"""An HTTP server that can have too much to do: NAME=VALUE arguments say what it does then.

takes=S      how long each answer takes it; it makes one at a time
queue=N      how many requests may wait for that; what is beyond is refused with 503 (else they all wait)
apart=yes    /live is answered at once, whatever else waits
live=S       /live waits for nothing else, and takes S while five requests or more wait
grows=DIR    it takes 200 MiB after a hundred answers; once, of which a file in DIR tells the next process
"""

import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

wanted = dict(argument.split("=", 1) for argument in sys.argv[1:])
takes = float(wanted.get("takes", "0"))
most = int(wanted.get("queue", "1000000"))
answered = 0
one = threading.Lock()
counting = threading.Lock()
waiting = 0
kept = []


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        global answered, waiting
        if self.path == "/live" and "apart" in wanted:
            return self.answer(200)
        if self.path == "/live" and "live" in wanted:
            if waiting >= 5:
                time.sleep(float(wanted["live"]))
            return self.answer(200)
        with counting:
            refused = waiting >= most
            waiting += not refused
        if refused:
            return self.answer(503)
        try:
            with one:
                time.sleep(takes)
        finally:
            with counting:
                waiting -= 1
        answered += 1
        if answered == 100 and "grows" in wanted and not os.path.exists(wanted["grows"] + "/grown"):
            open(wanted["grows"] + "/grown", "w").close()
            kept.append(b"x" * (200 << 20))
        self.answer(200)

    def answer(self, status):
        body = b"hello\n"
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def handle_error(self, *_):
        # A client that has gone.
        pass


server = Server(("127.0.0.1", int(os.environ["PORT"])), Handler)


def drain(*_):
    threading.Timer(1, server.shutdown).start()


signal.signal(signal.SIGTERM, drain)
server.serve_forever(poll_interval=0.02)
