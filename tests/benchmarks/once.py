"""The cost of a click that runs once, beside the same click where that is switched off.

usage: python tests/benchmarks/once.py [--requests N] [--rounds N] [--redis URL] [--tree FOLDER]

Both run in turns on gunicorn with one gevent worker, as in ``action.py``; each request of a click has a key of its own,
as a page sends it. A request without a key is measured as well: it must cost what it costs without the feature. With
``--redis`` the same with a broker: one exchange for each click. The CPU time of the server's processes is compared.
Needs the extras ``gunicorn`` (and ``redis``), and a POSIX system.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import action  # type: ignore[import-not-found]

APP = """
from flask import Flask
from flask_datastar import Datastar
app = Flask(__name__)
app.secret_key = "benchmark"
app.config.update({config})
datastar = Datastar(app)

@datastar.handler(group="g")
def increment(count: int = 0):
    datastar.signal("count", count + 1)
"""
PATH = "/ds/g/increment"
BODY = json.dumps({"count": 41, "name": "Ada", "items": ["a", "b", "c"], "tabId": "0a5bc1d2e3f4.9f8e7d6c5b4a"})

_numbers = itertools.count()


def send(port: int, path: str, count: int) -> None:
    """Send actions one after another; where the path ends with ``_k=`` each is a click of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for _ in range(count):
        key = f"0.{next(_numbers):017d}" if path.endswith("_k=") else ""
        connection.request("POST", path + key, BODY, action.HEADERS)
        answer = connection.getresponse().read()
        if b'{"count":42}' not in answer:
            raise SystemExit(f"wrong answer {answer!r}")
    connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--redis", help="a broker's URL, such as redis://127.0.0.1:6379/0")
    parser.add_argument("--tree", default=str(Path(__file__).parents[2]), help="the checkout to measure")
    arguments = parser.parse_args()
    os.environ["PYTHONPATH"] = arguments.tree
    action.send = send
    brokers = [("", {})]
    if arguments.redis:
        brokers.append((", Redis", {"DATASTAR_BROKER_URL": arguments.redis}))
    cases = []
    with tempfile.TemporaryDirectory() as name:
        for number, (title, config) in enumerate(brokers):
            for module, more in ((f"off{number}", {"DATASTAR_REPEATS_SECONDS": 0}), (f"on{number}", {})):
                (Path(name) / f"{module}.py").write_text(APP.replace("{config}", repr({**config, **more})))
            cases += [
                (f"switched off{title}", f"off{number}", PATH),
                (f"without a key{title}", f"on{number}", PATH),
                (f"click{title}", f"on{number}", f"{PATH}?_k="),
            ]
        figures: dict[str, list[float]] = {title: [] for title, _, _ in cases}
        for _ in range(arguments.rounds):
            for title, module, path in cases:
                figures[title].append(action.measure(Path(name), module, path, arguments.requests))
    print(f"| | server CPU (median of {arguments.rounds} rounds) | more than switched off |\n|---|---|---|")
    for title, own in figures.items():
        off = figures["switched off" + "".join(title.partition(", ")[1:])]
        more = statistics.median(mine - theirs for mine, theirs in zip(own, off, strict=True))
        cost = f"{more:+.1f} us, {100 * more / statistics.median(off):+.1f} %" if own is not off else ""
        print(f"| {title} | {statistics.median(own):.1f} us | {cost} |")


if __name__ == "__main__":
    main()
