"""A server with streams under a random load: nothing may be lost, mixed up, or left behind.

usage: python tests/soak/soak.py [--seconds N] [--seed N] [--pages N]

Runs gunicorn with one gevent worker. The first part of the time has worker restarts; then a worker is warmed up, its
figures are taken, and after the rest of the time they have to be what they were. Needs the extra ``gunicorn`` and
Linux. The last line says how many checks passed and failed; the exit status is 1 when one failed.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from clients import Crowd, Page

HERE = Path(__file__).resolve().parent
KINDS = ["follow"] * 4 + ["listen"] * 3 + ["changes"] * 3 + ["tick", "finish", "fail"]
TOPICS = ["red", "green", "blue"]
SCOPES = [f"user-{number}" for number in range(40)]
TABS = ["t1", "t2", "t3", "t4"]


class Checks:
    """Counts what passed and failed, and shows the first failures of each kind."""

    def __init__(self) -> None:
        self.passed: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()

    def __call__(self, name: str, is_right: bool, detail: str = "") -> None:
        (self.passed if is_right else self.failed)[name] += 1
        if not is_right and self.failed[name] <= 5:
            print(f"FAILED {name}: {detail}", flush=True)


class Server:
    """gunicorn with one gevent worker."""

    def __init__(self, log: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.log = log
        command = [sys.executable, "-m", "gunicorn", "-k", "gevent", "-w", "1", "--worker-connections", "8000"]
        # A file in the user's folder, which several servers would share; older versions have none.
        if b"--no-control-socket" in subprocess.run([*command[:3], "--help"], capture_output=True).stdout:
            command.append("--no-control-socket")
        command += [
            "--graceful-timeout",
            "10",
            "--limit-request-line",
            "8190",
            "-b",
            f"127.0.0.1:{self.port}",
            "app:app",
        ]
        path = os.pathsep.join([str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")])
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                command, cwd=HERE, stdout=output, stderr=output, env={**os.environ, "PYTHONPATH": path}
            )
        if not wait_until(lambda: self.figures() is not None or self.process.poll() is not None, 30, "an answer"):
            self.stop()
        if self.process.poll() is not None:
            raise SystemExit(f"the server did not start:\n{log.read_text(errors='replace')[-3000:]}")

    def ask(self, method: str, path: str, **query: object) -> str | None:
        """Make one request; None when there is no answer, as while a worker is replaced."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, f"{path}?{urlencode(query)}", headers={"Connection": "close"})
            answer = connection.getresponse()
            text = answer.read().decode()
            return text if answer.status == 200 else None
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def figures(self) -> dict[str, Any] | None:
        text = self.ask("GET", "/figures")
        return None if text is None else dict(json.loads(text))

    def stop(self) -> float:
        """Stop it; give the seconds that it took."""
        start = time.monotonic()
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        return time.monotonic() - start


def wait_until(condition: Callable[[], object], seconds: float, what: str) -> bool:
    """Ask again and again until it is so; False, and a line, when it has not become so."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            print(f"not within {seconds:g} s: {what}", flush=True)
            return False
        time.sleep(0.05)
    return True


class Soak:
    """The load: what it does at random, and what has to follow from it."""

    def __init__(self, server: Server, checks: Checks, pages: int) -> None:
        self.server = server
        self.checks = checks
        self.wanted = pages
        self.actions: Counter[str] = Counter()
        self.crowd = Crowd(server.port, checks, self.ended)
        self.returning: list[Page] = []
        self.is_restarting = False
        self._numbers = 0

    def page(self, kind: str, scope: str, tab: str, **more: Any) -> Page:
        self._numbers += 1
        return Page(kind, random.choice(TOPICS), scope, tab, f"p{self._numbers}", **more)

    def run(self, seconds: float) -> None:
        """Do things at random."""
        end = time.monotonic() + seconds
        # Few pages open while many leave: the number swings around what is wanted.
        doings = [self.leave, self.replace, self.publish, self.publish, self.tell, self.close, self.vanish, self.deaf]
        weights = [8, 6, 4, 4, 2, 1, 2, 0.3]
        while time.monotonic() < end:
            if len(self.crowd.pages) < self.wanted * random.uniform(0.7, 1.3):
                self.open()
            else:
                random.choices(doings, weights)[0]()
            while self.returning:
                self.come_back(self.returning.pop())
            self.crowd.read(random.choice([0, 0, 0.002, 0.01]))

    def open(self) -> None:
        self.actions["open"] += 1
        tab = f"{random.choice(TABS)}x{self._numbers}"
        self.try_to_open(self.page(random.choice(KINDS), random.choice(SCOPES), tab))

    def try_to_open(self, page: Page) -> None:
        try:
            self.crowd.open(page)
        except OSError as error:
            self.checks("a page connects", self.is_restarting, str(error))

    def leave(self) -> None:
        self.actions["leave"] += 1
        for page in self.some(random.choice([1, 1, 1, 20])):
            self.crowd.leave(page)

    def replace(self) -> None:
        """Open the next page of a tab, and leave the old one open: the server has to end it."""
        for old in self.some(1):
            self.actions["replace"] += 1
            self.try_to_open(self.page(old.kind, old.scope, old.tab))

    def publish(self) -> None:
        self.actions["publish"] += 1
        count = random.choice([1, 1, 5, 50])
        self.server.ask("POST", "/publish", topic=random.choice(TOPICS), count=count, size=random.choice([0, 0, 2000]))

    def tell(self) -> None:
        self.actions["tell"] += 1
        self.server.ask("POST", "/tell", scope=random.choice(SCOPES))

    def close(self) -> None:
        self.actions["close"] += 1
        self.server.ask("POST", "/close", scope=random.choice(SCOPES), restart=random.choice([0, 1]))

    def vanish(self) -> None:
        """Leave before the first byte, or ask with HEAD."""
        self.actions["vanish"] += 1
        for _ in range(random.choice([1, 10])):
            page = self.page(random.choice(KINDS), random.choice(SCOPES), "gone")
            try:
                page.open(self.server.port, random.choice(["GET", "GET", "HEAD"]))
                page.leave()
            except OSError as error:
                self.checks("a page connects", self.is_restarting, str(error))

    def deaf(self) -> None:
        """Do not read while megabytes are sent past: a client that is let go."""
        self.actions["deaf"] += 1
        page = self.page("follow", "deaf", "deaf")
        page.topic, page.is_deaf = "flood", True
        self.try_to_open(page)
        self.server.ask("POST", "/publish", topic="flood", count=60, size=100_000)

    def some(self, count: int) -> list[Page]:
        pages = list(self.crowd.pages)
        return random.sample(pages, min(count, len(pages)))

    def ended(self, page: Page) -> None:
        """Check how a page was ended, and let some come back."""
        check = self.checks
        if page.status == 204:
            check("204 comes for an ending", page.came_with is not None, page.kind)
            return
        if not page.status or page.is_cut:
            # Accepted by a worker that was about to go.
            check("no body is cut", self.is_restarting and not page.status, f"{page.kind} {page.status} {page.pid}")
            return
        check("a stream is answered 200", page.status == 200, str(page.status))
        reason = page.last_id.removeprefix("ds:").partition(":")[0]
        check("each body says how it ends", page.last_id.startswith("ds:"), f"{page.kind} {page.last_id!r}")
        if reason == "restart":
            failures = int(page.last_id.split(":")[2])
            least, most = (1500, 2000) if not failures else (min(1000 << failures, 60_000), 75_000)
            is_right = page.retry is not None and least <= page.retry <= most
            check("a restart says when", is_right, f"{page.kind} {page.last_id} {page.retry}")
        self.actions[f"ended: {reason}"] += 1
        if random.random() < 0.5:
            self.returning.append(page)

    def come_back(self, page: Page) -> None:
        """Ask again with the id that the stream ended with, as the same page or as a duplicate."""
        self.actions["come back"] += 1
        again = Page(page.kind, page.topic, page.scope, page.tab, page.page, last_id=page.last_id)
        self.try_to_open(again)

    def empty(self) -> None:
        """Let all pages leave."""
        for page in list(self.crowd.pages):
            self.crowd.leave(page)
        self.returning.clear()

    def is_idle(self) -> bool:
        found = self.server.figures()
        return found is not None and not found["stats"]["open"] and not found["tabs"] and found["topics_empty"]

    def restart(self) -> None:
        """Replace the worker; its pages have to be told to come back."""
        before = self.server.figures()
        if before is None:
            self.checks("the server answers", False, "before a restart")
            return
        self.actions["restart"] += 1
        self.is_restarting = True
        start = time.monotonic()
        if random.random() < 0.5:
            os.kill(int(before["pid"]), signal.SIGTERM)
        else:
            self.server.process.send_signal(signal.SIGHUP)
            # The new worker is started first.
            start += 1
        while Path(f"/proc/{before['pid']}/fd").exists() and time.monotonic() < start + 12:
            self.crowd.read(0.01)
        took = time.monotonic() - start
        self.checks("a worker is gone within 2.5 s", took < 2.5, f"{took:.1f} s")
        wait_until(lambda: self.server.figures() is not None, 10, "the next worker answers")
        self.crowd.read(0)
        self.is_restarting = False


def settle(soak: Soak, checks: Checks) -> dict[str, Any]:
    """Empty the server and give its figures."""
    soak.empty()
    is_idle = wait_until(soak.is_idle, 15, "registry and topics are empty")
    found = soak.server.figures() or {}
    checks("registry and topics become empty", is_idle, str(found))
    # Connections of clients that do not read, and gunicorn's own, end a little later.
    time.sleep(1)
    return soak.server.figures() or found


def compare(mark: dict[str, Any], final: dict[str, Any], checks: Checks) -> None:
    print(f"mark: {mark}\nend:  {final}")
    checks("the worker is the same", mark["pid"] == final["pid"], f"{mark['pid']} {final['pid']}")
    checks("greenlets are at their first number", final["greenlets"] <= mark["greenlets"], "")
    checks("descriptors are at their first number", final["descriptors"] <= mark["descriptors"], "")
    growth = final["memory_kib"] / mark["memory_kib"] - 1
    checks("memory is within 5 %", growth <= 0.05, f"{growth:+.1%}")
    stats = final["stats"]
    checks("all that were opened have ended", stats["opened"] == sum(stats["ended"].values()), str(stats))
    missing = {"age", "done", "failed", "left", "replaced", "restart", "slow"} - set(stats["ended"])
    checks("endings of all kinds came", not missing, str(missing))
    checks("both hooks were sent for each stream", final["hooks"]["opened"] == final["hooks"]["closed"], str(final))


def run(seconds: float, pages: int, log: Path, checks: Checks) -> None:
    server = Server(log)
    soak = Soak(server, checks, pages)
    try:
        end_of_restarts = time.monotonic() + seconds * 0.35
        while time.monotonic() < end_of_restarts:
            soak.run(random.uniform(0.02, 0.06) * seconds)
            soak.restart()
        soak.run(seconds * 0.2)
        mark = settle(soak, checks)
        soak.run(seconds * 0.4)
        final = settle(soak, checks)
        checks("the server answers at the end", bool(mark and final), "")
        if mark and final:
            compare(mark, final, checks)
        soak.run(seconds * 0.02)
        checks("the server stops within 2.5 s", (took := server.stop()) < 2.5, f"{took:.1f} s")
    finally:
        if server.process.poll() is None:
            server.process.kill()
            server.process.wait()
    print(", ".join(f"{name} {count}" for name, count in sorted(soak.actions.items())))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--seed", type=int, default=None, help="of the load; timing still varies")
    parser.add_argument("--pages", type=int, default=250, help="about so many are open at a time")
    parser.add_argument("--log", type=Path, default=None, help="keep the server's log in this file")
    arguments = parser.parse_args()
    seed = random.randrange(2**32) if arguments.seed is None else arguments.seed
    random.seed(seed)
    print(f"seed {seed}", flush=True)
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        log = arguments.log or Path(folder) / "server.log"
        run(arguments.seconds, arguments.pages, log, checks)
        lines = log.read_text(errors="replace").splitlines()
    # The only exception is the one that is raised on purpose.
    unexpected = [
        line for line in lines if "Error" in line and "on purpose" not in line and not line.startswith((" ", "\t"))
    ]
    checks("the log has no other errors", not unexpected, "; ".join(unexpected[:5]))
    for name in sorted({*checks.passed, *checks.failed}):
        print(f"{checks.passed[name]:8} passed {checks.failed[name]:6} failed  {name}")
    failed = sum(checks.failed.values())
    print(f"{sum(checks.passed.values())} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
