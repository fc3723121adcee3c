"""Load on one worker: the million checkboxes and the board of the example, with simulated viewers who click.

usage: python tests/benchmarks/showpieces.py [--quick] [--docs] [--viewers N] [--seconds N]

gunicorn with one gevent worker serves the example on one processor; viewers and clicks come from the other one. Each
row is a rate of clicks. The table is printed and written to the folder. Needs the extras ``gunicorn`` and ``example``,
a C compiler and Linux. Run nothing else in the meantime.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from streams_clients import build_load
from streams_figures import describe_machine
from streams_servers import HERE, allow_connections, cpu_seconds, pinned

ROOT = HERE.parents[1]
DOCS = ROOT / "docs" / "explanation" / "measured"
#: Each browser has the tabs of this many viewers.
TABS = 5
CHUNKS, CHUNK, CARDS = 2000, 500, 30
_PACKAGES = ("Flask", "Flask-SQLAlchemy", "SQLAlchemy", "gunicorn", "gevent")

#: A viewer: path, cookie, header of a live page. A click: number, path, cookie, body.
Viewer = tuple[str, str, str]
Click = tuple[int, str, str, str]


@dataclass(frozen=True)
class Scene:
    """A page with its viewers, and the rates of clicks that are tried."""

    name: str
    mark: str
    rates: tuple[int, ...]
    prepare: Callable[[str, int, int], tuple[list[Viewer], list[Click]]]


def prepare_boxes(places: int) -> Callable[[str, int, int], tuple[list[Viewer], list[Click]]]:
    """Return what spreads viewers over so many places, and clicks where somebody looks."""

    def prepare(url: str, viewers: int, clicks: int) -> tuple[list[Viewer], list[Click]]:
        cookies = [cookie_of(f"{url}/million") for _ in range(viewers // TABS)]
        middles = [1 + (CHUNKS - 3) * place // max(1, places - 1) for place in range(places)]
        streams = []
        for number in range(viewers):
            signals = quote(json.dumps({"at": middles[number % places], "tabId": f"t{number}.p"}))
            streams.append((f"/ds/million/window?datastar={signals}", cookies[number // TABS], "-"))
        boxes = [middles[number % places] * CHUNK + 1 + number // places % CHUNK for number in range(clicks)]
        return streams, [
            (box, f"/ds/million/check?box={box}&on={'false' if number // places // CHUNK % 2 else 'true'}",
             cookies[number % len(cookies)], "{}")
            for number, box in enumerate(boxes)
        ]  # fmt: skip

    return prepare


def prepare_board(url: str, viewers: int, clicks: int) -> tuple[list[Viewer], list[Click]]:
    """Fill the board with cards; each click changes the text of the first."""
    cookies = [
        cookie_of(f"{url}/ds/board/join", {"name": f"Person {number}"}) for number in range(max(1, viewers // TABS))
    ]
    for number in range(CARDS):
        send(f"{url}/ds/board/save", {"text": f"Buy {number} pears", "editing": 0}, cookies[0])
    streams = []
    for number in range(viewers):
        signals = quote(json.dumps({"tabId": f"t{number}.p"}))
        streams.append((f"/board?datastar={signals}", cookies[number // TABS], "1"))
    return streams, [
        (number, "/ds/board/save", cookies[number % len(cookies)], json.dumps({"text": f"~{number}", "editing": 1}))
        for number in range(1, clicks + 1)
    ]


def scenes() -> list[Scene]:
    """Return everything that is measured."""
    return [
        Scene("boxes, at 100 places", 'id="b', (50, 100, 200, 400, 600), prepare_boxes(100)),
        Scene("boxes, all at one place", 'id="b', (5, 10, 20, 40), prepare_boxes(1)),
        Scene(f"board, {CARDS} cards", "~", (1, 5, 10, 20), prepare_board),
    ]


def cookie_of(url: str, signals: dict[str, object] | None = None) -> str:
    """Return the session's cookie of a new browser."""
    with send(url, signals) if signals else urllib.request.urlopen(url, timeout=30) as answer:
        return str(answer.headers["Set-Cookie"]).split(";")[0]


def send(url: str, signals: dict[str, object], cookie: str = "") -> object:
    """Post signals, and return the response."""
    headers = {"Datastar-Request": "true", "Content-Type": "application/json", "Cookie": cookie}
    return urllib.request.urlopen(urllib.request.Request(url, json.dumps(signals).encode(), headers), timeout=30)


@contextmanager
def serving(folder: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Serve the example, and yield its port and process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "--config", "example/gunicorn.conf.py", "--bind", f"127.0.0.1:{port}"]
    command += ["--worker-connections", "30000", "--keep-alive", "600", "--access-logfile", "/dev/null"]
    variables = {
        "EXAMPLE_SQLALCHEMY_DATABASE_URI": f"sqlite:///{folder / f'{port}.sqlite'}",
        "EXAMPLE_SECRET_KEY": "benchmark",
        "EXAMPLE_DATASTAR_MAX_STREAMS": "20000",
        "EXAMPLE_DATASTAR_MAX_STREAMS_PER_ADDRESS": "20000",
        "XDG_RUNTIME_DIR": str(folder),
    }
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            pinned(0, command),
            cwd=ROOT,
            env={**os.environ, **variables},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/million"):
                break
            time.sleep(0.1)
        yield port, process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def measure(scene: Scene, viewers: int, seconds: float, program: Path, folder: Path) -> list[str]:
    """Return the rows of one scene."""
    with serving(folder) as (port, process):
        counts = [int(rate * seconds) for rate in scene.rates]
        streams, clicks = scene.prepare(f"http://127.0.0.1:{port}", viewers, sum(counts))
        for name, lines in (("viewers", streams), ("clicks", clicks)):
            (folder / name).write_text("".join(" ".join(map(str, line)) + "\n" for line in lines))
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        pids = [process.pid, *map(int, children)]
        start = cpu_seconds(pids)
        arguments = [str(program), str(port), scene.mark, str(folder / "viewers"), str(folder / "clicks")]
        load = subprocess.Popen(pinned(1, arguments), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert load.stdin is not None
        assert load.stdout is not None
        try:
            opened = load.stdout.readline().split()
            opening_ms = (cpu_seconds(pids) - start) / viewers * 1e3
            first_kib = int(opened[2]) / viewers / 1024
            tell(f"{scene.name}: {viewers:,} open, {opening_ms:.2f} ms and {first_kib:.0f} KiB each")
            rows, first = [], 0
            for rate, count in zip(scene.rates, counts, strict=True):
                start = cpu_seconds(pids)
                load.stdin.write(f"run {first} {count} {rate}\n")
                load.stdin.flush()
                words = load.stdout.readline().split()
                cpu = cpu_seconds(pids) - start
                first += count
                rows.append(write_row(scene.name, viewers, rate, [float(word) for word in words[1:]], cpu))
                tell(rows[-1])
            return rows
        finally:
            load.kill()
            load.communicate()


def write_row(name: str, viewers: int, rate: int, figures: list[float], cpu: float) -> str:
    """Return a row of the table; what follows the last click for a second counts for the processor and the bytes."""
    answered, middle_ms, p99_ms, seen, seen_p99_ms, received, seconds = figures
    return (
        f"| {name} | {viewers:,} | {rate} | {answered / seconds:,.0f} | {middle_ms:.1f} ms | {p99_ms:.1f} ms | "
        f"{seen_p99_ms:.1f} ms | {seen / seconds:,.0f} | {received / viewers / seconds:,.0f} | {cpu / seconds:.0%} |"
    )


def tell(text: str) -> None:
    """Print the progress to stderr, apart from the table."""
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few viewers and seconds")
    parser.add_argument("--docs", action="store_true", help="write the table into the documentation")
    parser.add_argument("--viewers", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--output", type=Path, default=Path("build/benchmarks"))
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.viewers, arguments.seconds = 100, 1
    folder = DOCS if arguments.docs else arguments.output
    allow_connections(arguments.viewers + 100)
    busy = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as name:
        program = build_load(Path(name), "showpieces_load")
        rows = [
            row
            for scene in scenes()
            for row in measure(scene, arguments.viewers, arguments.seconds, program, Path(name))
        ]
    table = "\n".join(
        [
            f"One gunicorn worker with gevent on one processor, {describe_machine(*_PACKAGES)}; other work on the "
            f"machine before the run: a load average of {busy:.1f}:",
            "",
            "| page | viewers | clicks/s asked | clicks/s done | click, median | click, p99 | seen by others, p99 "
            "| deliveries/s | bytes/s a viewer | CPU |",
            "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
            *rows,
            "",
        ]
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "showpieces.md").write_text(table)
    print(table)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("interrupted")
