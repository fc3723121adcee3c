"""What the fault test breaks, and how it is made whole again."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

from tests.servers.cluster import Cluster

#: How long a connection may break because of what was done to its worker before it said who it is.
_AFTERMATH_SECONDS = 8


class Faults:
    """Breaks workers and Redis at random; each fault ends by itself when its time has come."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._count = len(cluster.workers())
        self.counts: Counter[str] = Counter()
        #: Workers that were killed or told to stop → when.
        self.ended: dict[int, float] = {}
        #: When a worker was held last, and until when.
        self.held: list[tuple[float, float]] = []
        # What ends a fault, and when.
        self._remedies: list[tuple[float, Callable[[], object]]] = []
        self._is_redis_broken = False
        self._held: set[int] = set()

    def break_something(self) -> None:
        """Let one thing go wrong."""
        doings = [self._end_worker, self._hold_worker, self._kill_redis, self._freeze_redis, self._cut_connections]
        random.choices(doings, [3, 2, 3, 5, 3])[0]()

    def mend(self, *, everything: bool = False) -> None:
        """End the faults whose time has come."""
        now = time.monotonic()
        due = [remedy for remedy in self._remedies if everything or remedy[0] <= now]
        self._remedies = [remedy for remedy in self._remedies if remedy not in due]
        for _, end in due:
            end()

    def is_whole(self) -> bool:
        """Whether as many workers live as there should be, and nothing is broken."""
        return not self._remedies and len(self._cluster.workers()) == self._count

    def explains(self, pid: int | None) -> bool:
        """Whether a worker's connections may have ended: of one that has not said who it is, any may be the worker."""
        if pid is not None:
            return pid in self.ended
        return any(time.monotonic() - at < _AFTERMATH_SECONDS for at in self.ended.values())

    def was_held(self, begin: float, end: float) -> bool:
        """Whether some worker was held in a time."""
        return any(start < end and begin < until for start, until in self.held)

    def _end_worker(self) -> None:
        workers = [worker.pid for worker in self._cluster.workers() if worker.pid not in self.ended]
        # A worker takes a second to start: those that are left are to have some of the load.
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
        """Break connections, of which the server of Redis knows nothing afterwards."""
        if not self._is_redis_broken:
            kind = random.choice(["pubsub", "normal"])
            self.counts[f"{kind} connections cut"] += 1
            with self._cluster.redis.client() as client:
                client.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
