"""People who come, go, reload and sign out on several servers, while workers and Redis are killed and stopped.

usage: python -m tests.soak.presence [--seconds N] [--seed N] [--pages N] [--beat N] [--plant FAULT]

Two gunicorns have three gevent workers each. Hundreds of pages open, close, reload, hide, are duplicated, edit cards by
handlers and are signed out at random. Every few seconds all faults are ended, and then every process must list exactly
those who have a page open, and every page must show them: nobody who has left, and everybody who is there, in 20
seconds at most. What pages joined by handlers is compared, too; where a message about it may have been lost, because
Redis was away or because the page's worker was killed right after the click, the click is repeated first.

Needs the extras ``gunicorn``, ``redis`` and ``test``, the program redis-server, and Linux. The last lines have the
numbers of events and of wrong entries; the exit status is 1 if there were any, or too few events, or not all kinds of
events and faults.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from tests.servers.cluster import Cluster
from tests.soak.checks import Checks
from tests.soak.presence_load import BROKER_TIMEOUT_SECONDS, CARDS, TOPICS, Load
from tests.soak.presence_oracle import Oracle

LINGER_SECONDS = 2.0
#: The most time beside the seconds of the load, even if each wait reaches its limit.
EXTRA_SECONDS = 240
#: The least events of a run of two minutes, and for each second of a shorter one. A run goes on until it has them, for
#: half of its time at most.
EVENTS, EVENTS_PER_SECOND = 5000, 25
WORKERS = (3, 3)
#: A round of load and quiet takes about so long.
ROUND_SECONDS = 12.0
KINDS = {"open", "close", "reload", "hide", "show", "duplicate", "edit", "stop", "sign out", "send away"}
FAULTS = {"worker killed", "redis killed", "redis stopped"}
ENDINGS = {"replaced", "restart", "done", "broken"}


class Faults:
    """A source of random faults in workers and Redis."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.counts: Counter[str] = Counter()
        self._remedy: tuple[float, Callable[[], object]] | None = None
        self._next: list[str] = []

    def break_something(self) -> None:
        """Cause one fault: each kind once, in random order, and then all of them again."""
        self._next = self._next or random.sample(sorted(FAULTS), len(FAULTS))
        kind = next((kind for kind in self._next if kind == "worker killed" or self._remedy is None), None)
        if kind is None:
            return
        self._next.remove(kind)
        if kind == "worker killed":
            self.kill_worker()
        else:
            self.counts[kind] += 1
            redis, until = self._cluster.redis, time.monotonic() + random.choice([0, 0.3, 1.5, 3])
            if kind == "redis killed":
                redis.kill()
                self._remedy = until, redis.start
            else:
                redis.freeze()
                self._remedy = until, redis.thaw

    def kill_worker(self) -> None:
        """Kill a worker, unless half of them are dead already."""
        living = self._cluster.workers()
        if len(living) > sum(WORKERS) // 2:
            self.counts["worker killed"] += 1
            os.kill(random.choice(living).pid, signal.SIGKILL)

    def missing(self) -> set[str]:
        """Return the kinds that have not come yet."""
        return {kind for kind in FAULTS if not self.counts[kind]}

    def mend(self, *, everything: bool = False) -> None:
        """End the fault of Redis if its time is over."""
        if self._remedy is not None and (everything or self._remedy[0] <= time.monotonic()):
            _, end = self._remedy
            self._remedy = None
            end()

    def is_whole(self) -> bool:
        """Return whether all workers run and Redis answers."""
        return self._remedy is None and len(self._cluster.workers()) == sum(WORKERS)


def run(seconds: float, load: Load, oracle: Oracle, faults: Faults) -> None:
    """Alternate between load and quiet for about this many seconds.

    Of three times, nothing is broken in the first, anything in the second, and only workers are killed in the third:
    then pages keep by themselves what handlers have joined for them.
    """
    start = time.monotonic()
    number = 0

    def is_over() -> bool:
        passed = time.monotonic() + ROUND_SECONDS - start
        return passed > (seconds if load.actions.total() >= least_events(seconds) else 1.5 * seconds)

    while number < 2 or not is_over():
        kind = number % 3
        number += 1
        load_until = time.monotonic() + min(8.0, seconds / 5)
        next_fault = time.monotonic() + (0.5 if kind else 1000)
        while time.monotonic() < load_until or (kind == 1 and faults.missing() and number < 3):
            load.act()
            if time.monotonic() > next_fault:
                (faults.break_something if kind == 1 else faults.kill_worker)()
                # Not faster than new workers get to know the old ones.
                next_fault = time.monotonic() + random.expovariate(1) + (0 if kind == 1 else 2.5)
            faults.mend()
            load.read(random.choice([0, 0, 0.005]))
        faults.mend(everything=True)
        load.read_until(faults.is_whole, 20)
        with oracle.quiet():
            oracle.settle()
            oracle.compare(TOPICS)
            oracle.repeat_clicks(all_pages=kind == 1)
            oracle.compare([*TOPICS, *CARDS])


def least_events(seconds: float) -> float:
    return EVENTS if seconds >= 120 else EVENTS_PER_SECOND * seconds


def check_enough(seconds: float, load: Load, faults: Faults, checks: Checks) -> None:
    """Check that the run was long enough to mean something."""
    events = load.actions.total()
    checks("there were enough events", events >= least_events(seconds), str(events))
    for what, kinds, counts in (
        ("event", KINDS, load.actions),
        ("fault", FAULTS, faults.counts),
        ("ending", ENDINGS, load.endings),
    ):
        missing = {kind for kind in kinds if not counts[kind]}
        checks(f"every kind of {what} came", not missing, str(sorted(missing)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=120, help="of the test (120); the last quiet takes a few more")
    parser.add_argument("--seed", type=int, default=None, help="of the load and the faults; timing still varies")
    parser.add_argument("--pages", type=int, default=200, help="open at a time (200)")
    parser.add_argument("--beat", type=float, default=1.0, help="seconds between signs of life (1); in production 4")
    parser.add_argument(
        "--plant", choices=["lost leaves", "no expiry", "no questions"], help="a fault that the run has to find"
    )
    arguments = parser.parse_args()
    seed = random.randrange(2**32) if arguments.seed is None else arguments.seed
    random.seed(seed)
    print(f"presence: {arguments.seconds:g} s, about {arguments.pages} pages, seed {seed}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("presence: terminated"))
    signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, arguments.seconds + EXTRA_SECONDS)
    checks = Checks("presence")
    settings = {
        "EXTRA_BEAT": str(arguments.beat),
        "EXTRA_PLANT": json.dumps(arguments.plant),
        "EXTRA_DATASTAR_PRESENCE_LINGER_SECONDS": str(LINGER_SECONDS),
        "EXTRA_DATASTAR_BROKER_TIMEOUT_SECONDS": str(BROKER_TIMEOUT_SECONDS),
    }
    with tempfile.TemporaryDirectory() as name:
        cluster = Cluster(Path(name), workers=WORKERS, app="presence", **settings)
        faults = Faults(cluster)
        load = Load(cluster, checks, arguments.pages, LINGER_SECONDS)
        oracle = Oracle(load)
        try:
            run(arguments.seconds, load, oracle, faults)
        finally:
            load.close()
            cluster.kill()
        logs = cluster.logs()
    position = logs.find("Traceback")
    checks("no server logs a traceback", position < 0, logs[max(0, position - 300) : position + 1500])
    check_enough(arguments.seconds, load, faults, checks)
    for what, counts in (("done", load.actions), ("broken", faults.counts), ("ended", load.endings)):
        print(f"{what}:", ", ".join(f"{name} {count}" for name, count in sorted(counts.items())))
    print(checks.summary())
    print(
        f"presence: {load.actions.total()} events, {oracle.compared} comparisons, {oracle.ghosts} ghosts, "
        f"{oracle.missing} missing; all processes knew everything after {oracle.longest:.1f} s at most, "
        f"and all pages showed it after {oracle.longest_shown:.1f} s; {oracle.kept} times a page kept its cards by "
        f"itself, {oracle.repeated} times a click was repeated"
    )
    return 1 if checks.failed.total() else 0


def give_up(*_: object) -> NoReturn:
    sys.exit("presence: FAILED, the run did not end in time")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("presence: interrupted")
