"""A database, and those who keep connections to it."""

import os
import queue
import select
import socket
import socketserver
import threading
import time

from .service import Service


class ChecksBeforeUse(Service):
    """It looks at a connection before it uses it, and opens another where that one is dead."""

    def __init__(self, options):
        super().__init__(options)
        self.pool = queue.Queue()
        for _ in range(int(self.option("pool", 8))):
            self.pool.put(self.connect())

    def connect(self):
        """A connection, or none."""
        try:
            return socket.create_connection(("127.0.0.1", int(os.environ["DATABASE_PORT"])), timeout=2)
        except OSError:
            return None

    def checked(self, connection):
        return connection if is_open(connection) else self.connect()

    def work(self, method, path, body):
        connection = self.checked(self.pool.get())
        try:
            connection.sendall(b"greeting\n")
            found = connection.recv(100)
        except (AttributeError, OSError):
            found = b""
        self.pool.put(connection)
        return super().work(method, path, body) if found else (500, {"error": "the database did not answer"})


class StalePool(ChecksBeforeUse):
    """It uses what it has; a housekeeper looks at one of its connections each half second."""

    def __init__(self, options):
        super().__init__(options)
        threading.Thread(target=self.housekeeping, daemon=True).start()

    def checked(self, connection):
        return connection

    def housekeeping(self):
        while True:
            time.sleep(0.5)
            kept = [self.pool.get() for _ in range(self.pool.qsize())]
            dead = next((at for at, connection in enumerate(kept) if not is_open(connection)), None)
            if dead is not None:
                kept[dead] = self.connect()
            for connection in kept:
                self.pool.put(connection)


def is_open(connection):
    """Whether a connection is there, and the other side has not closed it."""
    return connection is not None and not select.select([connection], [], [], 0)[0]


class Database(socketserver.ThreadingTCPServer):
    """A line in, a line out."""

    allow_reuse_address = True
    daemon_threads = True

    class Session(socketserver.StreamRequestHandler):
        def handle(self):
            for _ in self.rfile:
                self.wfile.write(b"hello\n")

    def handle_error(self, *_):
        pass
