"""The faults of the test of live regions, and their repair."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable

from sqlalchemy import text

from tests.brokers.redis_server import RedisServer
from tests.regions.board import Board
from tests.servers.serving import Server


class RegionFaults:
    """A source of random faults in workers and Redis, each with a time after which it ends."""

    def __init__(self, server: Server, redis: RedisServer, workers: int, board: Board) -> None:
        self._server, self._redis, self._workers, self._board = server, redis, workers, board
        self.counts: Counter[str] = Counter()
        self._remedy: tuple[float, Callable[[], object]] | None = None

    def break_something(self) -> bool:
        """Cause one random fault.

        :return: True if the caller has to send a write at which the worker dies.
        """
        kind = random.choice(["worker killed", "worker killed after a commit", "redis killed", "redis stopped"])
        if kind.startswith("worker"):
            living = self._server.living_pids()
            if len(living) < self._workers:
                return False
            self.counts[kind] += 1
            if kind == "worker killed after a commit":
                return True
            os.kill(random.choice(living), signal.SIGKILL)
        elif self._remedy is None:
            self.counts[kind] += 1
            seconds = random.choice([0, 0.2, 1.2])
            if kind == "redis killed":
                self._redis.kill()
                self._remedy = (time.monotonic() + seconds, self._redis.start)
            else:
                self._redis.freeze()
                self._remedy = (time.monotonic() + seconds, self._redis.thaw)
        return False

    def mend(self, *, everything: bool = False) -> None:
        """End the fault of Redis if its time is over."""
        if self._remedy is not None and (everything or self._remedy[0] <= time.monotonic()):
            _, end = self._remedy
            self._remedy = None
            end()

    def is_whole(self) -> bool:
        """Return whether all workers run and Redis answers."""
        return self._remedy is None and len(self._server.living_pids()) == self._workers

    def clear_prepared(self) -> None:
        """Roll back what killed workers have prepared, as its owner would: it holds locks forever."""
        if self._board.is_sqlite:
            return
        with self._board.app.app_context():
            engine = self._board.db.engine.execution_options(isolation_level="AUTOCOMMIT")
            with engine.connect() as connection:
                for name in connection.scalars(text("SELECT gid FROM pg_prepared_xacts")).all():
                    connection.exec_driver_sql(f"ROLLBACK PREPARED '{name}'")
