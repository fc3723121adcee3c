"""Several servers on one Redis under a random load, while workers and Redis are killed, stopped and disconnected.

usage: python -m tests.soak.faults [--seconds N] [--seed N] [--pages N]

Two gunicorns have five gevent workers in all. Every few seconds all faults are ended, and an oracle that knows what was
written and published checks that no stream was lost, that each tab has one stream, that every page shows the current
state, and that every page that missed a message was told of a gap. Needs the extras ``gunicorn``, ``redis`` and
``test``, the program redis-server, and Linux. The last line has the numbers of passed and failed checks; the exit
status is 1 if a check failed, or the run took too long.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import NoReturn

from tests.servers.cluster import Cluster
from tests.soak.checks import Checks
from tests.soak.fault_load import TIMEOUT_SECONDS, Load

#: The most time beside the seconds of the load, even if each wait reaches its limit.
EXTRA_SECONDS = 90
#: The interval of heartbeats, and how long a worker counts as alive after its last one; short, for short runs.
PRESENCE = "[0.5, 2.5]"


def run(seconds: float, load: Load) -> None:
    """Alternate between faults and rests for about this many seconds."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        load.run(min(random.uniform(4, 10), max(left, 2)))
        load.rest()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=120, help="of the test (120); the last rest takes a few more")
    parser.add_argument("--seed", type=int, default=None, help="of the load and the faults; timing still varies")
    parser.add_argument("--pages", type=int, default=50, help="open at a time (50)")
    arguments = parser.parse_args()
    seed = random.randrange(2**32) if arguments.seed is None else arguments.seed
    random.seed(seed)
    print(f"faults: {arguments.seconds:g} s, about {arguments.pages} pages, seed {seed}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("faults: terminated"))
    signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, arguments.seconds + EXTRA_SECONDS)
    checks = Checks("faults")
    settings = {
        "EXTRA_DATASTAR_BROKER_TIMEOUT_SECONDS": str(TIMEOUT_SECONDS),
        "EXTRA_DATASTAR_MAX_STREAMS_PER_SCOPE": "1000",
        "EXTRA_PRESENCE": PRESENCE,
    }
    with tempfile.TemporaryDirectory() as name:
        cluster = Cluster(Path(name), workers=(3, 2), **settings)
        try:
            load = Load(cluster, Path(name) / "state.sqlite", checks, arguments.pages)
            run(arguments.seconds, load)
        finally:
            cluster.kill()
        logs = cluster.logs()
    position = logs.find("Traceback")
    checks("no server logs a traceback", position < 0, logs[max(0, position - 300) : position + 1500])
    for what, counts in (("done", load.actions), ("broken", load.faults.counts), ("ended", load.endings)):
        print(f"{what}:", ", ".join(f"{name} {count}" for name, count in sorted(counts.items())))
    print(checks.summary())
    return 1 if checks.failed.total() else 0


def give_up(*_: object) -> NoReturn:
    sys.exit("faults: FAILED, the run did not end in time")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("faults: interrupted")
