"""Random writes to a database by several workers that are killed, and pages that must show its state afterwards.

usage: python -m tests.soak.regions [--seconds N] [--seed N] [--pages N]

One and two gevent workers of gunicorn, on Redis, with SQLite and with PostgreSQL, have an equal part of the time each.
Writers write in every way that the extension knows, pages come and go, renderings fail at random, workers are killed,
also between a commit and its message, and Redis is killed and stopped. Every few seconds all faults are ended, and each
page must show what a new page shows. Needs the extras ``gunicorn``, ``redis``, ``example`` and ``test``, the programs
redis-server and PostgreSQL, and Linux. Each database and number of workers has a line with the numbers of writes, of
compared pages and of those that were out of date; the exit status is 1 if there were any.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.brokers.redis_server import RedisServer
from tests.regions.board import Board
from tests.regions.postgres_server import PostgresServer
from tests.servers.serving import Server
from tests.soak.region_faults import RegionFaults
from tests.soak.region_pages import Crew

#: The time of one alternation of load and rest.
ROUND_SECONDS = (2.0, 4.0)
#: The time in which every page must be current after the last fault: a dead worker is noticed after the seconds of
#: PRESENCE, and Redis is tried again.
RECOVERY_SECONDS = 20.0
PRESENCE = "[0.5, 2.5]"
FAILING = 0.05


class Run:
    """One database and one number of workers."""

    def __init__(self, name: str, database: Path | str, workers: int, pages: int) -> None:
        self.name = f"{name}, {workers} worker{'s' if workers > 1 else ''}"
        self._database, self._workers, self._pages = database, workers, pages
        self.compared = 0
        self.stale: list[str] = []

    def run(self, seconds: float) -> None:
        """Alternate between load and rests for about this many seconds."""
        ends_at = time.monotonic() + seconds
        board = Board(None, self._database, is_database_first=True)
        with RedisServer() as redis, tempfile.TemporaryDirectory() as folder:
            server = Server(
                Path(folder), "gevent", "--workers", str(self._workers), app="board", **self._settings(redis)
            )
            try:
                faults = RegionFaults(server, redis, self._workers, board)
                crew = Crew(server.port, self._pages)
                while time.monotonic() < ends_at:
                    self._load(crew, faults)
                    self._rest(crew, faults, board)
                crew.close()
            finally:
                server.kill()
        with board.app.app_context():
            board.db.engine.dispose()
        broken = ", ".join(f"{what} {count}" for what, count in sorted(faults.counts.items()))
        print(
            f"{self.name}: {crew.writes} writes ({crew.failed} collided), {crew.opened} pages, "
            f"{self.compared} compared, {len(self.stale)} stale; {broken}",
            flush=True,
        )

    def _settings(self, redis: RedisServer) -> dict[str, str]:
        settings = {
            "EXTRA_DATABASE": json.dumps(str(self._database)),
            "EXTRA_DATASTAR_BROKER_URL": json.dumps(redis.url),
            "EXTRA_DATASTAR_BROKER_TIMEOUT_SECONDS": "1.0",
            "EXTRA_FAILING": str(FAILING),
            "EXTRA_PRESENCE": PRESENCE,
        }
        if isinstance(self._database, Path):
            # A greenlet that waits for the database's lock stops all others of its worker.
            settings["EXTRA_SQLALCHEMY_ENGINE_OPTIONS"] = json.dumps({"connect_args": {"timeout": 0.2}})
        return settings

    def _load(self, crew: Crew, faults: RegionFaults) -> None:
        ends_at = time.monotonic() + random.uniform(*ROUND_SECONDS)
        # A round without faults shows whether anything is lost without them.
        next_fault = time.monotonic() + random.choice([0.3, 1, 100])
        while time.monotonic() < ends_at:
            crew.act()
            if time.monotonic() > next_fault:
                if faults.break_something():
                    crew.write(dies=True)
                next_fault = time.monotonic() + random.expovariate(1)
            faults.mend()
            crew.read(0.01)

    def _rest(self, crew: Crew, faults: RegionFaults, board: Board) -> None:
        """End all faults, and compare all pages with new ones."""
        faults.mend(everything=True)
        self._read_until(crew, lambda: crew.is_quiet and faults.is_whole())
        faults.clear_prepared()
        fresh = board.fresh(*crew.views)
        self._read_until(crew, lambda: not crew.stale(fresh))
        # Messages that are still under way must not make it worse.
        self._read_until(crew, lambda: False, 0.3)
        stale = crew.stale(fresh)
        self.compared += len(crew.pages)
        self.stale += stale
        for line in stale[:3]:
            print(f"STALE {self.name}: {line}", flush=True)

    def _read_until(self, crew: Crew, condition: Callable[[], object], seconds: float = RECOVERY_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not condition() and time.monotonic() < deadline:
            crew.read(0.02)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=120, help="of all runs (120); each start takes a few more")
    parser.add_argument("--seed", type=int, default=None, help="of the load and the faults; timing still varies")
    parser.add_argument("--pages", type=int, default=12, help="open at a time (12)")
    arguments = parser.parse_args()
    seed = random.randrange(2**32) if arguments.seed is None else arguments.seed
    random.seed(seed)
    print(f"regions: {arguments.seconds:g} s, about {arguments.pages} pages, seed {seed}", flush=True)
    with PostgresServer() as postgres, tempfile.TemporaryDirectory() as folder:
        runs = [
            Run(name, Path(folder) / f"{workers}.sqlite" if name == "SQLite" else postgres.new_schema(), workers, pages)
            for name in ("SQLite", "PostgreSQL")
            for workers in (1, 2)
            for pages in [arguments.pages]
        ]
        for run in runs:
            run.run(arguments.seconds / len(runs))
    compared, stale = sum(run.compared for run in runs), sum(len(run.stale) for run in runs)
    print(f"regions: {compared} compared, {stale} stale")
    return 1 if stale or not all(run.compared for run in runs) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("regions: interrupted")
