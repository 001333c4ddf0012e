"""Writes: items in the directory `data`, which the replicas share, a file for each."""

import fcntl
import json
import os
import threading
import uuid

from .service import Service


class Store(Service):
    """An item is on the disk before its writer hears of it, and once."""

    def path_of(self, item):
        return os.path.join(self.options["data"], f"{item}.json")

    def keep(self, item):
        """Writes an item so that it is there whole, or not at all, and outlives a crash."""
        path = self.path_of(item["id"])
        with open(path + ".new", "w", encoding="utf-8") as file:
            json.dump(item, file)
            file.flush()
            os.fsync(file.fileno())
        os.rename(path + ".new", path)

    def create(self, name):
        item = {"id": uuid.uuid4().hex, "name": name}
        self.keep(item)
        return item

    def read(self, item):
        with open(self.path_of(item), encoding="utf-8") as file:
            return json.load(file)

    def all(self):
        names = sorted(os.listdir(self.options["data"]))
        return [self.read(name.removesuffix(".json")) for name in names if name.endswith(".json")]

    def work(self, method, path, body):
        if method == "POST" and path == "/items":
            return 201, self.create(json.loads(body)["name"])
        if path == "/items":
            return 200, self.all()
        if path.startswith("/items/"):
            try:
                return 200, self.read(os.path.basename(path))
            except FileNotFoundError:
                return 404, {"error": "no such item"}
        return super().work(method, path, body)


class Forgets(Store):
    """It acknowledges what is only in its memory yet."""

    def keep(self, item):
        timer = threading.Timer(self.option("later", 1), super().keep, (item,))
        timer.daemon = True
        timer.start()


class OncePerName(Store):
    """It tries each tenth write again, and knows by the name what it has already."""

    def create(self, name):
        with open(os.path.join(self.options["data"], "lock"), "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for _ in range(2 if hash_of(name) % 10 == 0 else 1):
                item = self.once(name)
        return item

    def once(self, name):
        known = [item for item in self.all() if item["name"] == name]
        return known[0] if known else super().create(name)


class WritesTwice(OncePerName):
    """It tries each tenth write again, as if it had never been there."""

    def once(self, name):
        return Store.create(self, name)


def hash_of(name):
    """The same in each process."""
    return sum(name.encode())
