"""The cost of one action on the server, plain and with typed signals, beside the same view written by hand.

usage: python tests/benchmarks/action.py [--requests N] [--rounds N]

All of them run in turns on gunicorn with one gevent worker, and a few connections send requests one after another. The
CPU time of the server's processes is compared, because noise on the machine changes it far less than it changes rates.
The exit status is 1 if a ratio is above its mark. Needs the extras ``gunicorn`` and ``bench``, and a POSIX system.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

BY_HAND = """
import json
from flask import Flask, Response, request
app = Flask(__name__)
app.secret_key = "benchmark"  # every real application has one, and it makes Flask open the session

@app.post("/increment")
def increment():
    signals = request.get_json(silent=True) or {}
    text = json.dumps({"count": signals.get("count", 0) + 1}, separators=(",", ":"))
    return Response(
        f"event: datastar-patch-signals\\ndata: signals {text}\\n\\n",
        mimetype="text/event-stream",
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )
"""

HANDLER = """
from flask import Flask
from flask_datastar import Datastar
app = Flask(__name__)
app.secret_key = "benchmark"
datastar = Datastar(app)

@datastar.handler
def increment(count: int = 0):
    datastar.signal("count", count + 1)
"""

VIEW = """
from flask import Flask
from flask_datastar import Datastar, StarView, event
app = Flask(__name__)
app.secret_key = "benchmark"
datastar = Datastar(app)

@datastar.view("/counter/<int:start>")
class CounterView(StarView):
    def load(self, start):
        self.start = start

    @event
    def increment(self, count: int = 0):
        datastar.signal("count", count + 1)
"""


TYPED = """
from dataclasses import dataclass
from flask import Flask
from flask_datastar import Datastar
app = Flask(__name__)
app.secret_key = "benchmark"
datastar = Datastar(app)

@dataclass
class Counter:
    count: int
    name: str
    items: list[str]

@datastar.handler
def increment(signals: Counter):
    datastar.signal("count", signals.count + 1)
"""

# The same signals as a model of pydantic.
PYDANTIC = TYPED.replace("from dataclasses import dataclass", "from pydantic import BaseModel").replace(
    "@dataclass\nclass Counter:", "class Counter(BaseModel):"
)


@dataclass(frozen=True)
class Case:
    """One way to write the action: its module, its path, and the highest cost allowed."""

    title: str
    module: str
    source: str
    path: str
    highest_ratio: float | None = None


BY_HAND_CASE = Case("view written by hand", "by_hand", BY_HAND, "/increment")
CASES = [
    Case("Flask-Datastar handler", "shop", HANDLER, "/ds/shop/increment"),
    Case("event of a StarView", "counter", VIEW, "/ds/counter-counter_view/increment?start=5", highest_ratio=1.15),
    Case("handler with a dataclass", "typed", TYPED, "/ds/typed/increment", highest_ratio=1.5),
    Case(
        "handler with a pydantic model", "typed_pydantic", PYDANTIC, "/ds/typed_pydantic/increment", highest_ratio=1.5
    ),
]

BODY = json.dumps({"count": 41, "name": "Ada", "items": ["a", "b", "c"]})
HEADERS = {"Content-Type": "application/json", "Datastar-Request": "true", "Sec-Fetch-Site": "same-origin"}
CONNECTIONS = 4


def children_cpu_seconds() -> float:
    """Return the CPU time of all child processes that have ended and were waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def send(port: int, path: str, count: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for _ in range(count):
        connection.request("POST", path, BODY, HEADERS)
        answer = connection.getresponse().read()
        if b'{"count":42}' not in answer:
            raise SystemExit(f"wrong answer {answer!r}")
    connection.close()


def serve(folder: Path, module: str, path: str, requests: int) -> float:
    """Start a server, send requests, and stop it.

    :return: the CPU seconds of all its processes.
    """
    before = children_cpu_seconds()
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "-k", "gevent", "-w", "1", "-b", f"127.0.0.1:{port}", f"{module}:app"]
    server = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.1)
        clients = [
            threading.Thread(target=send, args=(port, path, requests // CONNECTIONS)) for _ in range(CONNECTIONS)
        ]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
    finally:
        server.terminate()
        server.wait(60)
    return children_cpu_seconds() - before


def measure(folder: Path, module: str, path: str, requests: int) -> float:
    """Return the microseconds of server CPU for a request.

    They are the difference between a run with many and a run with few requests, so that the start does not count.
    """
    few = requests // 10
    return (serve(folder, module, path, requests) - serve(folder, module, path, few)) / (requests - few) * 1e6


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[2])
    figures: dict[str, list[float]] = {case.module: [] for case in (BY_HAND_CASE, *CASES)}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for case in (BY_HAND_CASE, *CASES):
            (folder / f"{case.module}.py").write_text(case.source)
        for _ in range(arguments.rounds):
            for case in (BY_HAND_CASE, *CASES):
                figures[case.module].append(measure(folder, case.module, case.path, arguments.requests))
    by_hand = figures[BY_HAND_CASE.module]
    print(f"| | server CPU a request | ratio (median of {len(by_hand)} rounds) | at most |\n|---|---|---|---|")
    print(f"| {BY_HAND_CASE.title} | {statistics.median(by_hand):.0f} us | 1.00 | |")
    missed = False
    for case in CASES:
        own = figures[case.module]
        ratio = statistics.median(ours / theirs for ours, theirs in zip(own, by_hand, strict=True))
        missed = missed or (case.highest_ratio is not None and ratio > case.highest_ratio)
        print(f"| {case.title} | {statistics.median(own):.0f} us | {ratio:.2f} | {case.highest_ratio or ''} |")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
