"""A store of items, kept in a file that all replicas share: NAME=VALUE arguments say how badly.

fault=none      what is acknowledged is kept
fault=forgets   every tenth item is only in this process's memory: it goes with the process
fault=twice     every tenth item is stored twice
fault=stale     every tenth item is not there until one and a half seconds after the first one was asked for
fault=refuses   every write is refused
fault=broken    every read fails
fault=silent    every tenth write is stored, and its connection closed without an answer
fault=nowhere   every tenth write is not stored, and its connection closed without an answer
fault=echoes    nothing is stored, and what is asked for is answered with 200 and its own name
fault=listless  the list of all fails
where=location  the id is in Location, and not in the body
at=database     items are kept by another process of this, which serves on DATABASE_PORT; without it every write gets a 503
early=1         such a replica answers before its database has the item, and forgets it where that is away
lag=3           this is such a database: it keeps items in memory, and writes each to its file 3 seconds later
"""

import fcntl
import http.client
import json
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

wanted = dict(argument.split("=", 1) for argument in sys.argv[1:])
fault = wanted.get("fault", "none")
path = wanted["file"]
leaving = threading.Event()
lock = threading.Lock()
memory = {}
count = 0


def read():
    """All items, in the order in which they were made."""
    try:
        with open(path) as file:
            return [json.loads(line) for line in file if line.endswith("\n")]
    except FileNotFoundError:
        return []


lag = float(wanted.get("lag", "0"))
waiting = []


def database(method, path, body=None):
    """Asks the database, over a connection of its own: status and value."""
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ["DATABASE_PORT"]), timeout=5)
    try:
        connection.request(method, path, json.dumps(body))
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    except OSError:
        return 503, {"error": "no database"}
    finally:
        connection.close()


def write_late():
    """Writes what has waited for long enough, in its order."""
    while True:
        with lock:
            due = [item for since, item in waiting if since <= time.time() - lag]
            del waiting[: len(due)]
        for item in due:
            store(item)
        time.sleep(0.02)


def store(item):
    """Appends an item, and answers only once it is there."""
    with lock, open(path, "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(json.dumps(item) + "\n")
        file.flush()
        os.fsync(file.fileno())


def since_first_asked():
    """Seconds since any replica was first asked for an item."""
    try:
        os.close(os.open(path + ".asked", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        pass
    return time.time() - os.stat(path + ".asked").st_mtime


def gone():
    try:
        with open(path + ".deleted") as file:
            return set(file.read().split())
    except FileNotFoundError:
        return set()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Without a delay of up to 40 ms for the acknowledgement of a small packet.
    disable_nagle_algorithm = True

    def answer(self, status, value, location=None):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if location:
            self.send_header("Location", location)
        if leaving.is_set():
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/":
            return self.answer(200, {"ok": True})
        if wanted.get("at") == "database":
            return self.answer(*database("GET", self.path))
        if fault == "broken" or fault == "listless" and self.path == "/items":
            return self.answer(500, {"error": "broken"})
        if fault == "echoes":
            return self.answer(200, {"error": "no such item: " + self.path})
        items = {item["id"]: item for item in read()}
        deleted = gone()
        if self.path == "/items":
            return self.answer(200, [item for item in read() if item["id"] not in deleted])
        name = self.path.rsplit("/", 1)[1]
        item = memory.get(name) or items.get(name)
        if item and item.get("late") and since_first_asked() < 1.5:
            item = None
        if item is None or name in deleted:
            return self.answer(404, {"error": "no such item"})
        self.answer(200, item)

    def do_POST(self):
        global count
        length = int(self.headers.get("Content-Length", "0"))
        item = json.loads(self.rfile.read(length))
        if wanted.get("at") == "database":
            if wanted.get("early"):
                # Its own name, since it does not wait for the database's.
                item["id"] = item["name"]
                threading.Thread(target=database, args=("POST", "/items", item)).start()
                return self.answer(201, item)
            return self.answer(*database("POST", "/items", item))
        if lag:
            item.setdefault("id", item["name"])
            with lock:
                memory[item["id"]] = item
                waiting.append((time.time(), item))
            return self.answer(201, item)
        with lock:
            count += 1
            tenth = count % 10 == 0
        # Letters and digits, and its own for each process.
        item["id"] = f"{os.getpid():x}z{count:x}"
        if fault == "refuses":
            return self.answer(422, {"error": "no"})
        item["late"] = fault == "stale" and tenth
        if fault == "forgets" and tenth:
            memory[item["id"]] = item
        elif not (fault == "nowhere" and tenth):
            store(item)
        if fault == "twice" and tenth:
            store({**item, "id": item["id"] + "b"})
        if fault in ("silent", "nowhere") and tenth:
            self.close_connection = True
            return
        if wanted.get("where") == "location":
            self.answer(201, {}, f"/items/{item['id']}")
        else:
            self.answer(201, item)

    def do_DELETE(self):
        with lock, open(path + ".deleted", "a") as file:
            file.write(self.path.rsplit("/", 1)[1] + "\n")
        self.answer(200, {})

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512
    allow_reuse_address = True


server = Server(("127.0.0.1", int(os.environ.get("PORT") or os.environ["DATABASE_PORT"])), Handler)


def drain(*_):
    """Goes on serving for a while, and tells each client to go elsewhere; then ends."""

    def end():
        time.sleep(1)
        server.shutdown()

    leaving.set()
    threading.Thread(target=end).start()


if lag:
    threading.Thread(target=write_late, daemon=True).start()
signal.signal(signal.SIGTERM, drain)
server.serve_forever(poll_interval=0.02)
# What is still being answered.
time.sleep(0.2)
