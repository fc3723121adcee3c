"""A server with streams under a random load: nothing may be lost, mixed up, or left behind.

usage: python tests/soak/soak.py [--worker gevent|gthread] [--seconds N] [--seed N] [--pages N] [--log FILE]

Runs gunicorn with one worker. The first part of the time has worker restarts; then the last worker is warmed up, its
figures are taken, and after the rest of the time they have to be what they were. In between the load rests at times,
and each stream that is open has to be counted and to get what is published. Needs the extra ``gunicorn`` and Linux. The
last line says how many checks passed and failed; the exit status is 1 when one failed, or when it took too long.
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

#: What all may take besides the seconds of the load, also when each wait is in vain.
EXTRA_SECONDS = 28
#: In which a worker is gone that was told to stop: gunicorn's keep-alive takes 2 s where a client is between requests.
STOP_SECONDS = 2.5


def restart(load: Load) -> None:
    """Replace the worker; its pages have to be told to come back."""
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
    # Its descriptors are what a process that is gone but not yet waited for has no more.
    is_gone = load.read_until(lambda: not has_descriptors(before["pid"]), 8)
    took = time.monotonic() - start
    load.check("a worker stops in time", is_gone and took < STOP_SECONDS, f"{took:.1f} s")
    wait_until(lambda: load.server.figures() is not None, 10, "the next worker answers")
    load.crowd.read(0)
    load.is_stopping = False


def has_descriptors(pid: int) -> bool:
    """Whether a process still has files open."""
    try:
        return bool(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return False


def stop(load: Load) -> None:
    """Stop the server; all bodies have to end before it is gone."""
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
    """Check how many streams the worker says it opened against what was asked and seen since the mark."""
    opened = final["stats"]["opened"] - mark["stats"]["opened"]
    began, refused = load.crowd.began - seen[0], load.crowd.refused - seen[1]
    most = load.crowd.asked - asked - refused
    load.check("as many were opened as were asked for", began <= opened <= most, f"{began} <= {opened} <= {most}")


def run(seconds: float, load: Load) -> None:
    """Do it all, in about the seconds."""
    end_of_restarts = time.monotonic() + seconds * 0.3
    while True:
        load.run(random.uniform(0.02, 0.06) * seconds)
        restart(load)
        if time.monotonic() > end_of_restarts:
            break
    # A worker has a baseline of its own: first after a few streams, then warmed up.
    load.run(0.5)
    fill(load)
    first = settle(load, None)
    load.run(seconds * 0.2)
    probe(load)
    load.silence()
    is_alone = load.read_until(lambda: not load.crowd.pages, AGE_SECONDS)
    load.check("streams that are left alone end of age", is_alone, f"{len(load.crowd.pages)} are open")
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
        # A stream takes a thread, and so does each that is about to end.
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
    sys.exit("soak: FAILED, it did not come to its end in time; the lines above say what it waited for")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("soak: interrupted")
