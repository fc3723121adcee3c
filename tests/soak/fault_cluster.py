"""The faults of the fault test, and their repair."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

from tests.servers.cluster import Cluster

#: How long after the end of a worker a connection may break whose worker is not known yet.
_AFTERMATH_SECONDS = 8


class Faults:
    """A source of random faults in workers and Redis, each with a time after which it ends."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._count = len(cluster.workers())
        self.counts: Counter[str] = Counter()
        #: Process id of a worker that was killed or told to stop → the time of that.
        self.ended: dict[int, float] = {}
        #: The times in which a worker was held, as start and end.
        self.held: list[tuple[float, float]] = []
        # The time at which a fault ends, and the function that ends it.
        self._remedies: list[tuple[float, Callable[[], object]]] = []
        self._is_redis_broken = False
        self._held: set[int] = set()

    def break_something(self) -> None:
        """Cause one random fault."""
        doings = [self._end_worker, self._hold_worker, self._kill_redis, self._freeze_redis, self._cut_connections]
        random.choices(doings, [3, 2, 3, 5, 3])[0]()

    def mend(self, *, everything: bool = False) -> None:
        """End the faults whose time is over."""
        now = time.monotonic()
        due = [remedy for remedy in self._remedies if everything or remedy[0] <= now]
        self._remedies = [remedy for remedy in self._remedies if remedy not in due]
        for _, end in due:
            end()

    def is_whole(self) -> bool:
        """Return whether all workers run and no fault is active."""
        return not self._remedies and len(self._cluster.workers()) == self._count

    def explains(self, pid: int | None) -> bool:
        """Return whether a fault may have ended a connection of this worker; None stands for an unknown worker."""
        if pid is not None:
            return pid in self.ended
        return any(time.monotonic() - at < _AFTERMATH_SECONDS for at in self.ended.values())

    def was_held(self, begin: float, end: float) -> bool:
        """Return whether any worker was held between two times."""
        return any(start < end and begin < until for start, until in self.held)

    def _end_worker(self) -> None:
        workers = [worker.pid for worker in self._cluster.workers() if worker.pid not in self.ended]
        # A worker takes a second to start, so enough of the others must be left for the load.
        if len(workers) > self._count // 2:
            pid = random.choice(workers)
            way = random.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM])
            self.counts[f"worker {way.name}"] += 1
            self.ended[pid] = time.monotonic()
            os.kill(pid, way)

    def _hold_worker(self) -> None:
        workers = [w.pid for w in self._cluster.workers() if w.pid not in self._held and w.pid not in self.ended]
        if workers:
            pid, seconds = random.choice(workers), random.choice([0.1, 0.5, 3])
            self.counts["worker held"] += 1
            now = time.monotonic()
            self.held.append((now, now + seconds + 1))
            self._held.add(pid)
            os.kill(pid, signal.SIGSTOP)
            self._remedies.append((now + seconds, lambda: self._let_go(pid)))

    def _let_go(self, pid: int) -> None:
        self._held.discard(pid)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)

    def _kill_redis(self) -> None:
        if not self._is_redis_broken:
            self.counts["redis killed"] += 1
            self._cluster.redis.kill()
            self._break_redis(random.choice([0, 0.2, 2, 7]), self._cluster.redis.start)

    def _freeze_redis(self) -> None:
        if not self._is_redis_broken:
            self.counts["redis frozen"] += 1
            self._cluster.redis.freeze()
            self._break_redis(random.choice([0.02, 0.2, 1.2, 3, 7]), self._cluster.redis.thaw)

    def _break_redis(self, seconds: float, mend: Callable[[], object]) -> None:
        def end() -> None:
            self._is_redis_broken = False
            mend()

        self._is_redis_broken = True
        self._remedies.append((time.monotonic() + seconds, end))

    def _cut_connections(self) -> None:
        """Break connections to Redis; the Redis server itself goes on."""
        if not self._is_redis_broken:
            kind = random.choice(["pubsub", "normal"])
            self.counts[f"{kind} connections cut"] += 1
            with self._cluster.redis.client() as client:
                client.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
