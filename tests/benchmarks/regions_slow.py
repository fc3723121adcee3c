"""A fast region beside slow ones that read the same table: when its page has a change."""

from __future__ import annotations

import http.client
import itertools
import time
from pathlib import Path

from streams_servers import Server, Subject

#: The live views of the slow region, more than are rendered side by side, and the time that each rendering takes.
SLOW_VIEWS, SLOW_SECONDS = 8, 0.5
_numbers = itertools.count(1)
ALONE, BESIDE = "alone", f"beside {SLOW_VIEWS} slow views"
WORKERS = {"greenlets": 0, "threads": 40}


def measure_slow(folder: Path, rounds: int) -> dict[tuple[str, str], list[float]]:
    """Return the milliseconds from the writer's response to the change on the fast page, for each worker."""
    found: dict[tuple[str, str], list[float]] = {}
    for worker, threads in WORKERS.items():
        variables = (("DATABASE", str(folder / f"slow-{worker}.db")), ("CARDS", "1"))
        server = Server(Subject(worker, "board", "", variables, threads=threads), folder)
        try:
            fast = _Page(server, "/fast")
            for name, views in ((ALONE, 0), (BESIDE, SLOW_VIEWS)):
                slow = [_Page(server, f"/slow/{number}") for number in range(views)]
                # The first rendering shows which views are slow.
                _write(server, fast, slow)
                found[worker, name] = [_write(server, fast, slow) for _ in range(rounds)]
        finally:
            server.kill()
    return found


def _write(server: Server, fast: _Page, slow: list[_Page]) -> float:
    seconds = str(next(_numbers) + SLOW_SECONDS)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("POST", f"/delay?seconds={seconds}")
    connection.getresponse().read()
    connection.close()
    start = time.monotonic()
    fast.wait(seconds)
    took = time.monotonic() - start
    for page in slow:
        page.wait(seconds)
    # So that no rendering is delayed by the one before: a region rests ten times as long as it takes.
    time.sleep(SLOW_SECONDS * 11 if slow else 0.5)
    return took * 1e3


class _Page:
    """The open stream of a page."""

    def __init__(self, server: Server, path: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        headers = {"Datastar-Request": "true", "Datastar-Live": "1", "Accept": "text/event-stream"}
        self._connection.request("GET", path, headers=headers)
        self._response = self._connection.getresponse()
        self.wait("id=")

    def wait(self, text: str) -> None:
        """Read until a line has a text."""
        while text.encode() not in (line := self._response.readline()):
            if not line:
                raise SystemExit(f"the stream ended before {text!r} came")
