"""A server with streams under a random load, which must not lose, mix up or leave anything.

usage: python tests/soak/soak.py [--worker gevent|gthread] [--seconds N] [--seed N] [--pages N] [--log FILE]

gunicorn runs with one worker. In the first part of the time workers are restarted. Then the last worker is warmed up,
and its figures must be the same at the end as after the warm-up. At times the load rests, and each open stream must be
counted and receive what is published. Needs the extra ``gunicorn`` and Linux. The last line has the numbers of passed
and failed checks; the exit status is 1 if a check failed, or the run took too long.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from checks import Checks, LeftBehind, check_log, compare
from crowd import AGE_SECONDS
from load import Load
from rests import fill, probe, settle
from server import Server, wait_until

#: The most time beside the seconds of the load, even if each wait reaches its limit.
EXTRA_SECONDS = 28
#: The longest time that a worker takes to stop; gunicorn waits 2 s for connections that are between two requests.
STOP_SECONDS = 2.5


def restart(load: Load) -> None:
    """Replace the worker, which must tell its pages to come back."""
    before = load.server.figures()
    if before is None:
        load.check("the server answers", False, "before a restart")
        raise LeftBehind
    load.actions["restart"] += 1
    load.is_stopping = True
    start = time.monotonic()
    if random.random() < 0.5:
        os.kill(int(before["pid"]), signal.SIGTERM)
    else:
        load.server.process.send_signal(signal.SIGHUP)
        # The new worker is started first.
        start += 1
    # A process that has ended but was not waited for yet has no descriptors.
    is_gone = load.read_until(lambda: not has_descriptors(before["pid"]), 8)
    took = time.monotonic() - start
    load.check("a worker stops in time", is_gone and took < STOP_SECONDS, f"{took:.1f} s")
    wait_until(lambda: load.server.figures() is not None, 10, "the next worker answers")
    load.crowd.read(0)
    load.is_stopping = False


def has_descriptors(pid: int) -> bool:
    """Return whether a process still has open files."""
    try:
        return bool(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return False


def stop(load: Load) -> None:
    """Stop the server; all bodies must end before its processes do."""
    load.is_stopping = True
    load.silence()
    load.server.process.terminate()
    start = time.monotonic()
    is_gone = load.read_until(lambda: not load.server.has_processes(), 8)
    took = time.monotonic() - start
    load.check("the server stops in time", is_gone and took < STOP_SECONDS, f"{took:.1f} s")
    load.check("the server stops without an error", load.server.process.returncode == 0, "")
    load.read_until(lambda: not load.crowd.pages, 1)
    load.check("all bodies end when the server stops", not load.crowd.pages, f"{len(load.crowd.pages)} are open")


def check_counts(load: Load, mark: dict[str, Any], final: dict[str, Any], seen: list[int], asked: int) -> None:
    """Compare the worker's number of opened streams with the requests and responses since the mark."""
    opened = final["stats"]["opened"] - mark["stats"]["opened"]
    began, refused = load.crowd.began - seen[0], load.crowd.refused - seen[1]
    most = load.crowd.asked - asked - refused
    load.check("as many were opened as were asked for", began <= opened <= most, f"{began} <= {opened} <= {most}")


def run(seconds: float, load: Load) -> None:
    """Run all parts of the soak in about this many seconds."""
    end_of_restarts = time.monotonic() + seconds * 0.3
    while True:
        load.run(random.uniform(0.02, 0.06) * seconds)
        restart(load)
        if time.monotonic() > end_of_restarts:
            break
    # Each worker has its own baseline: first after a few streams, then after the warm-up.
    load.run(0.5)
    fill(load)
    first = settle(load, None)
    load.run(seconds * 0.2)
    probe(load)
    load.silence()
    is_alone = load.read_until(lambda: not load.crowd.pages, AGE_SECONDS)
    load.check("streams without messages end at their maximum age", is_alone, f"{len(load.crowd.pages)} are open")
    mark = settle(load, first)
    seen, asked = [load.crowd.began, load.crowd.refused], load.crowd.asked
    for _ in range(3):
        load.run(seconds * 0.14)
        probe(load)
    final = settle(load, first)
    compare(mark, final, load.check)
    check_counts(load, mark, final, seen, asked)
    load.run(seconds * 0.02)
    stop(load)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worker", choices=["gevent", "gthread"], default="gevent")
    parser.add_argument("--seconds", type=float, default=120, help="of the load (120); the rest takes a few more")
    parser.add_argument("--seed", type=int, default=None, help="of the load; timing still varies")
    parser.add_argument("--pages", type=int, default=None, help="open at a time (gevent: 250, gthread: 40)")
    parser.add_argument("--log", type=Path, default=None, help="keep the server's log in this file")
    arguments = parser.parse_args()
    pages = arguments.pages or {"gevent": 250, "gthread": 40}[arguments.worker]
    seed = random.randrange(2**32) if arguments.seed is None else arguments.seed
    random.seed(seed)
    print(f"soak: {arguments.worker}, {arguments.seconds:g} s, about {pages} pages, seed {seed}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("soak: terminated"))
    signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, arguments.seconds + EXTRA_SECONDS)
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        log = arguments.log or Path(folder) / "server.log"
        # A stream takes a thread, even while it ends.
        server = Server(log, arguments.worker, threads=pages * 4)
        try:
            load = Load(server, checks, pages)
            with suppress(LeftBehind):
                run(arguments.seconds, load)
        finally:
            server.kill()
        check_log(log.read_text(errors="replace"), checks)
    print(", ".join(f"{name} {count}" for name, count in sorted(load.actions.items())))
    print("ended:", ", ".join(f"{name} {count}" for name, count in sorted(load.endings.items())))
    print(checks.summary())
    return 1 if checks.failed.total() else 0


def give_up(*_: object) -> NoReturn:
    sys.exit("soak: FAILED, the run did not end in time; the lines above name what it waited for")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("soak: interrupted")
