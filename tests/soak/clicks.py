"""Clicks on real servers, sent and repeated as the browser does it, cut, killed and counted.

usage: python -m tests.soak.clicks [--clicks N] [--seed N]

Three servers in turn: one worker that remembers clicks in memory, two workers on Redis, and two workers on Redis with
the table in the database, whose workers are killed before and after their commits while Redis is killed and started
again. Every connection may be cut at any byte of request and response. The database is the oracle: a click that the
page was told is done has one row, and none has two. The exit status is 1 if a click was lost or doubled.
"""

from __future__ import annotations

import argparse
import random
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from tests.brokers.redis_server import RedisServer
from tests.servers.serving import Server

#: The client's own limit; its waits are shortened, and its first one is a second.
MOST_TRIES = 10
_RETRY_SECONDS = 0.1
_DEADLINE_SECONDS = 60.0


class Cut(Exception):
    """The connection has broken off, here or there."""


class Browser:
    """A tab that sends clicks one after another, each again until the server has answered.

    :param kills: whether it lets workers die.
    """

    def __init__(self, port: int, name: str, seed: int, counts: Counter[str], *, kills: bool) -> None:
        self._port = port
        self._name = name
        self._random = random.Random(seed)
        self._counts = counts
        self._kills = kills
        #: Click → whether the page was told that it is done.
        self.told: dict[str, bool] = {}

    def send(self, count: int) -> None:
        for number in range(count):
            click = f"{self._name}-{number}"
            self.told[click] = self._send_until_answered(click, f"{self._random.random():.16f}")

    def _send_until_answered(self, click: str, key: str) -> bool:
        failures = 0
        dies = self._random.choice(["before", "after"]) if self._kills and self._random.random() < 0.02 else None
        cuts = self._random.choice([0, 0, 0, 1, 1, 2])
        for attempt in range(200):
            try:
                status, headers, body = self._ask(click, key, dies if attempt == 0 else None, is_cut=attempt < cuts)
            except (OSError, Cut):
                self._counts["cut"] += 1
                failures += 1
                if failures > MOST_TRIES and not self._kills:
                    break
                time.sleep(_RETRY_SECONDS)
                continue
            if status == 200 and f'"written":"{click}"' in body:
                self._counts["repeated" if attempt else "at once"] += 1
                return True
            if status == 204 and "datastar-repeat-ignored" in headers.lower():
                self._counts["ignored"] += 1
                return True
            self._counts[f"status {status}"] += 1
            return False
        self._counts["given up"] += 1
        return False

    def _ask(self, click: str, key: str, dies: str | None, *, is_cut: bool) -> tuple[int, str, str]:
        """Send one request, whole or up to any byte, and read the answer, whole or up to any byte."""
        body = f'{{"click":"{click}","tabId":"{self._name}.page"}}'
        lines = [f"POST /ds/g/write?_k={key} HTTP/1.1", "Host: localhost", "Datastar-Request: true"]
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}", "Connection: close"]
        lines += [f"X-Dies: {dies}"] if dies else []
        lines += ["X-Slow: 1"] if self._random.random() < 0.1 else []
        request = ("\r\n".join(lines) + "\r\n\r\n" + body).encode()
        with socket.create_connection(("127.0.0.1", self._port), timeout=_DEADLINE_SECONDS) as connection:
            if is_cut and self._random.random() < 0.4:
                connection.sendall(request[: self._random.randrange(len(request) + 1)])
                raise _cut(connection)
            connection.sendall(request)
            most = self._random.choice([0, 1, 50, 300, 2000]) if is_cut else None
            if most == 0:
                time.sleep(self._random.choice([0, 0.01, 0.03]))
                raise _cut(connection)
            received = b""
            while most is None or len(received) < most:
                data = connection.recv(4096 if most is None else most - len(received))
                if not data:
                    return _parse(received)
                received += data
            raise _cut(connection)


def _cut(connection: socket.socket) -> Cut:
    """Break a connection off without a goodbye."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return Cut()


def _parse(received: bytes) -> tuple[int, str, str]:
    head, separator, body = received.partition(b"\r\n\r\n")
    if not separator:
        raise Cut
    headers = head.decode("latin-1")
    lengths = [line for line in headers.split("\r\n") if line.lower().startswith("content-length:")]
    if lengths and len(body) < int(lengths[0].partition(":")[2]):
        raise Cut
    return int(headers.split(" ", 2)[1]), headers, body.decode()


def run(
    folder: Path,
    clicks: int,
    seed: int,
    *,
    workers: int,
    redis: RedisServer | None = None,
    has_table: bool = False,
    seconds: int = 300,
) -> tuple[Counter[str], int, int]:
    """Send clicks to a server of its own.

    :param has_table: remember clicks in the database, too; workers are killed, and Redis is killed and started again.
    :param seconds: how long clicks are remembered; 0 for the app as it would be without.
    :return: a summary, and the numbers of lost and doubled clicks.
    """
    environment = {"CLICKS_FOLDER": str(folder), "CLICKS_TABLE": "1" if has_table else ""}
    environment["EXTRA_DATASTAR_REPEATS_SECONDS"] = str(seconds)
    if redis is not None:
        environment["EXTRA_DATASTAR_BROKER_URL"] = redis.url
        environment["EXTRA_DATASTAR_BROKER_TIMEOUT_SECONDS"] = "1"
    _make_tables(environment)
    counts: Counter[str] = Counter()
    server = Server(folder, "gevent", "--workers", str(workers), app="clicks", **environment)
    try:
        browsers = [Browser(server.port, f"b{number}", seed + number, counts, kills=has_table) for number in range(8)]
        threads = [threading.Thread(target=browser.send, args=(clicks // 8,)) for browser in browsers]
        for thread in threads:
            thread.start()
        faults = threading.Event()
        breaking = threading.Thread(target=_break_redis, args=(redis, faults, counts))
        if redis is not None and has_table:
            breaking.start()
        for thread in threads:
            thread.join()
        faults.set()
        if breaking.ident is not None:
            breaking.join()
    finally:
        server.kill()
    told = {click: is_told for browser in browsers for click, is_told in browser.told.items()}
    with closing(sqlite3.connect(folder / "clicks.sqlite")) as database:
        rows = Counter(row[0] for row in database.execute("select click from write"))
    lost = [click for click, is_told in told.items() if is_told and not rows[click]]
    doubled = [click for click, found in rows.items() if found > 1]
    counts["told"] = sum(told.values())
    counts["sent"] = len(told)
    return counts, len(lost), len(doubled)


def _make_tables(environment: dict[str, str]) -> None:
    """Create the tables once, before several workers could do so at the same moment."""
    from tests.servers.serving import ROOT
    from tests.support.children import plain_environment

    code = "from tests.servers.apps.clicks import app, db\nwith app.app_context(): db.create_all()"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env=plain_environment(**environment))


def _break_redis(redis: RedisServer, is_over: threading.Event, counts: Counter[str]) -> None:
    while not is_over.wait(1.0):
        redis.kill()
        counts["redis killed"] += 1
        is_over.wait(0.7)
        redis.start()


def run_all(clicks: int, seed: int, tell: Callable[[str], object]) -> bool:
    """Run the three servers; return whether no click was lost or doubled."""
    is_good = True
    for title, workers, has_redis, has_table in (
        ("memory", 1, False, False),
        ("redis", 2, True, False),
        ("redis and table, with kills", 2, True, True),
    ):
        with tempfile.TemporaryDirectory() as name:
            redis = RedisServer() if has_redis else None
            if redis is not None:
                redis.start()
            try:
                counts, lost, doubled = run(Path(name), clicks, seed, workers=workers, redis=redis, has_table=has_table)
            finally:
                if redis is not None:
                    with suppress(ProcessLookupError):
                        redis.__exit__()
        tell(f"{title}: {lost} lost, {doubled} doubled; {', '.join(f'{a} {b}' for a, b in sorted(counts.items()))}")
        is_good = is_good and not lost and not doubled
    return is_good


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clicks", type=int, default=4000, help="for each of the three servers (4000)")
    parser.add_argument("--seed", type=int, default=None, help="of the clicks and the cuts; timing still varies")
    arguments = parser.parse_args()
    seed = random.randrange(2**32) if arguments.seed is None else arguments.seed
    print(f"clicks: {arguments.clicks} for each server, seed {seed}", flush=True)
    return 0 if run_all(arguments.clicks, seed, lambda text: print(text, flush=True)) else 1


if __name__ == "__main__":
    sys.exit(main())
