"""What streams cost on one worker, beside those written by hand and those of datastar-py, in one run.

usage: python tests/benchmarks/streams.py [--sizes N,N,N] [--rounds N] [--repeats N] [--output FOLDER]

Servers: a queue for each client by hand on gunicorn with gevent, ``datastar.follow()`` on the same, once with and once
without direct writes, and an asyncio queue for each client with datastar-py on Starlette and uvicorn, where these are
installed (extra ``bench``). They take turns, at each number of streams. Server and client have a processor each.

Prints a Markdown table and writes it with a plot into the folder. Needs the extra ``gunicorn``, a C compiler, Linux,
and a limit of open files above the largest number. The figures are to be compared with each other, not with those of
other machines.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
#: How many leave together, and how many are open when the server is told to stop.
LEAVING, STOPPING = 200, 1000
#: How long the servers wait for streams that do not end.
GRACE_SECONDS = 10
#: How long it may take to notice the clients that left.
NOTICE_SECONDS = 3

BY_HAND = """
import json, time
from flask import Flask, Response, request, stream_with_context
from gevent.queue import Queue

app = Flask(__name__)
app.secret_key = "benchmark"
clients, gone = set(), []

@app.get("/stream")
def stream():
    queue = Queue()
    def events():
        clients.add(queue)
        try:
            yield ": open\\n\\n"
            while True:
                yield queue.get()
        finally:
            clients.discard(queue)
            gone.append(time.monotonic())
    return Response(stream_with_context(events()), mimetype="text/event-stream", headers={"Cache-Control": "no-cache"})

@app.post("/publish")
def publish():
    for count in range(int(request.args["k"])):
        text = json.dumps({"count": count, "note": "MARK"}, separators=(",", ":"))
        event = f"event: datastar-patch-signals\\ndata: signals {text}\\n\\n"
        for queue in list(clients):
            queue.put(event)
    return "", 204

@app.get("/gone")
def show_gone():
    return f"{len(gone)} {max(gone, default=0)}"
"""

FOLLOW = """
import os, time
from flask import Flask, request
from flask_datastar import Datastar
from flask_datastar.hooks import stream_closed

app = Flask(__name__)
app.secret_key = "benchmark"
app.config.update(DATASTAR_MAX_STREAMS=20_000, DATASTAR_DIRECT_WRITES=os.environ["DIRECT"] == "1")
datastar = Datastar(app)
gone = []

@stream_closed.connect_via(app)
def note(sender, **_):
    gone.append(time.monotonic())

@datastar.stream(group="bench")
def feed():
    return datastar.follow("news")

@app.post("/publish")
def publish():
    for count in range(int(request.args["k"])):
        datastar.broadcast("news").patch_signals({"count": count, "note": "MARK"})
    return "", 204

@app.get("/gone")
def show_gone():
    return f"{len(gone)} {max(gone, default=0)}"
"""

STARLETTE = """
import asyncio, time
from datastar_py.starlette import DatastarResponse, ServerSentEventGenerator
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

clients, gone = set(), []

async def stream(request):
    queue = asyncio.Queue()
    async def events():
        clients.add(queue)
        try:
            yield ": open\\n\\n"
            while True:
                yield await queue.get()
        finally:
            clients.discard(queue)
            gone.append(time.monotonic())
    return DatastarResponse(events())

async def publish(request):
    for count in range(int(request.query_params["k"])):
        event = ServerSentEventGenerator.patch_signals({"count": count, "note": "MARK"})
        for queue in list(clients):
            queue.put_nowait(event)
    return Response(status_code=204)

async def show_gone(request):
    return PlainTextResponse(f"{len(gone)} {max(gone, default=0)}")

app = Starlette(routes=[
    Route("/stream", stream), Route("/publish", publish, methods=["POST"]), Route("/gone", show_gone)
])
"""


@dataclass(frozen=True)
class Subject:
    """One server that is measured."""

    name: str
    module: str
    source: str
    stream: str = "/stream"
    variables: tuple[tuple[str, str], ...] = ()
    is_asgi: bool = False

    def command(self, port: int) -> list[str]:
        if self.is_asgi:
            command = [sys.executable, "-m", "uvicorn", "--port", str(port), "--log-level", "error", "--no-access-log"]
            return [*command, "--timeout-graceful-shutdown", str(GRACE_SECONDS), f"{self.module}:app"]
        command = [sys.executable, "-m", "gunicorn", "-k", "gevent", "-w", "1", "--worker-connections", "30000"]
        if b"--no-control-socket" in subprocess.run([*command[:3], "--help"], capture_output=True).stdout:
            command.append("--no-control-socket")
        return [*command, "--graceful-timeout", str(GRACE_SECONDS), "-b", f"127.0.0.1:{port}", f"{self.module}:app"]


SUBJECTS = [
    Subject("by hand", "by_hand", BY_HAND),
    Subject("datastar-py, Starlette", "starlette_app", STARLETTE, is_asgi=True),
    Subject("Flask-Datastar, direct writes off", "follow", FOLLOW, "/ds/bench/feed", (("DIRECT", "0"),)),
    Subject("Flask-Datastar", "follow", FOLLOW, "/ds/bench/feed", (("DIRECT", "1"),)),
]


@dataclass
class Figures:
    """What was measured of one server at one number of streams, a value for each round or run."""

    rate: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    kib: list[float] = field(default_factory=list)
    opened_per_second: list[float] = field(default_factory=list)
    #: None: not within :data:`NOTICE_SECONDS`.
    notice_ms: list[float | None] = field(default_factory=list)
    #: Seconds until the server was gone, and the part of the bodies that ended cleanly.
    stop: list[tuple[float, float]] = field(default_factory=list)


class Server:
    """A running server; its processes share one processor."""

    def __init__(self, subject: Subject, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        path = os.pathsep.join([str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")])
        self._log = folder / f"{subject.module}.log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                pinned(0, subject.command(self.port)),
                cwd=folder,
                env={**os.environ, **dict(subject.variables), "PYTHONPATH": path},
                stdout=log,
                stderr=log,
            )
        for _ in range(300):
            try:
                return self.gone() and None
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.1)
        raise SystemExit(f"{subject.name}: the server did not start:\n{self._log.read_text()[-2000:]}")

    def gone(self) -> tuple[int, float]:
        """Give how many streams have ended, and when the last one did."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/gone", timeout=30) as answer:
            number, last = answer.read().decode().split()
        return int(number), float(last)

    def processes(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [self.process.pid, *map(int, children)]

    def memory_kib(self) -> int:
        status = "".join(Path(f"/proc/{pid}/status").read_text() for pid in self.processes())
        return sum(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))

    def cpu_seconds(self) -> float:
        # In nanoseconds: the times in stat are counted in hundredths of a second, too coarse for one round.
        threads = [thread for pid in self.processes() for thread in Path(f"/proc/{pid}/task").iterdir()]
        return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9

    def kill(self) -> None:
        if self.process.poll() is None:
            for pid in reversed(self.processes()):
                os.kill(pid, 9)
            self.process.wait()


class Load:
    """The clients: a C program that is told what to do."""

    def __init__(self, program: Path, server: Server, subject: Subject, streams: int) -> None:
        arguments = [str(program), str(server.port), subject.stream, "/publish?k={k}", str(streams)]
        self.process = subprocess.Popen(
            pinned(1, arguments), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        (self.opening_seconds,) = self.answer("open")

    def tell(self, command: str) -> list[float]:
        self.send(command)
        return self.answer(command)

    def send(self, command: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()

    def answer(self, command: str) -> list[float]:
        assert self.process.stdout is not None
        words = self.process.stdout.readline().split()
        if not words:
            raise SystemExit(f"the load client ended at {command!r}")
        return [float(word) for word in words[1:]]

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()


def pinned(processor: int, command: list[str]) -> list[str]:
    can_pin = shutil.which("taskset") and (os.cpu_count() or 1) > 1
    return ["taskset", "-c", str(processor), *command] if can_pin else command


@contextmanager
def running(program: Path, subject: Subject, folder: Path, streams: int) -> Iterator[tuple[Server, Load, float]]:
    """Start a server and open streams; give both and the memory of one stream."""
    server = Server(subject, folder)
    try:
        time.sleep(1)
        before = server.memory_kib()
        load = Load(program, server, subject, streams)
        try:
            yield server, load, (server.memory_kib() - before) / streams
        finally:
            load.close()
    finally:
        server.kill()


def measure_rounds(program: Path, subject: Subject, folder: Path, streams: int, rounds: int, found: Figures) -> None:
    """Publish one event a round to all streams."""
    with running(program, subject, folder, streams) as (server, load, kib):
        found.kib.append(kib)
        found.opened_per_second.append(streams / load.opening_seconds)
        load.tell("round 1")
        for _ in range(max(rounds, 20_000 // streams)):
            time.sleep(0.1)
            start = server.cpu_seconds()
            delivered, seconds, p99_ms = load.tell("round 1")
            if delivered != streams:
                raise SystemExit(f"{subject.name}: {delivered:.0f} of {streams} deliveries arrived")
            # What the server does after the last delivery counts, too.
            time.sleep(0.05)
            found.cpu_us.append((server.cpu_seconds() - start) / streams * 1e6)
            found.rate.append(delivered / seconds)
            found.p99_ms.append(p99_ms)


def measure_leaving(program: Path, subject: Subject, folder: Path, found: Figures) -> None:
    """Let some leave without a word, and see when the server has noticed; then tell it to stop."""
    with running(program, subject, folder, STOPPING + LEAVING) as (server, load, _):
        (left_at,) = load.tell(f"leave {LEAVING}")
        deadline = time.monotonic() + NOTICE_SECONDS
        while (noticed := server.gone())[0] < LEAVING and time.monotonic() < deadline:
            time.sleep(0.05)
        found.notice_ms.append((noticed[1] - left_at) * 1e3 if noticed[0] >= LEAVING else None)
        start = time.monotonic()
        server.process.terminate()
        load.send("end")
        server.process.wait(60)
        seconds = time.monotonic() - start
        clean, _ = load.answer("end")
        found.stop.append((seconds, clean / STOPPING))


def write_table(results: dict[tuple[str, int], Figures], names: list[str], sizes: list[int]) -> str:
    """Make the Markdown: the middle size in full, then how the cost grows."""
    size = sizes[len(sizes) // 2]
    base = results[names[0], size]
    lines = [
        f"{size:,} streams, one event to all of them:",
        "",
        "| server | deliveries/s | times by hand | p99 | CPU a delivery | memory a stream | of by hand | opened/s |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name in names:
        figures = results[name, size]
        rate, kib = statistics.median(figures.rate), statistics.median(figures.kib)
        lines.append(
            f"| {name} | {rate:,.0f} | {rate / statistics.median(base.rate):.2f} | "
            f"{statistics.median(figures.p99_ms):.0f} ms | {statistics.median(figures.cpu_us):.1f} us | "
            f"{kib:.1f} KiB | {kib / statistics.median(base.kib):.2f} | "
            f"{statistics.median(figures.opened_per_second):,.0f} |"
        )
    lines += ["", "CPU a delivery, as the number of streams grows:", ""]
    lines += [f"| server | {' | '.join(f'{size:,}' for size in sizes)} | last to first |"]
    lines += ["|---|" + "---:|" * (len(sizes) + 1)]
    for name in names:
        values = [statistics.median(results[name, size].cpu_us) for size in sizes]
        lines.append(f"| {name} | {' | '.join(f'{value:.1f} us' for value in values)} | {values[-1] / values[0]:.2f} |")
    lines += [
        "",
        f"{LEAVING} of {STOPPING + LEAVING:,} clients leave at once; then the server is told to stop, with "
        f"{STOPPING:,} streams whose clients keep the connection:",
        "",
        "| server | all noticed after | gone after | bodies that ended cleanly |",
        "|---|---:|---:|---:|",
    ]
    for name in names:
        figures = results[name, 0]
        noticed = [value for value in figures.notice_ms if value is not None]
        notice = (
            f"{statistics.median(noticed):.0f} ms" if len(noticed) == len(figures.notice_ms) else "not until a write"
        )
        seconds, clean = (statistics.median(values) for values in zip(*figures.stop, strict=True))
        lines.append(f"| {name} | {notice} | {seconds:.1f} s | {clean:.0%} |")
    return "\n".join(lines) + "\n"


COLOURS = ["#8a8f98", "#c2803a", "#7aa6d6", "#1f5fa8"]


def write_plot(results: dict[tuple[str, int], Figures], names: list[str], sizes: list[int]) -> str:
    """Make an SVG of two charts: deliveries a second, and CPU a delivery by the number of streams."""
    size = sizes[len(sizes) // 2]
    rates = {name: statistics.median(results[name, size].rate) for name in names}
    costs = {name: [statistics.median(results[name, size].cpu_us) for size in sizes] for name in names}
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 300" font-family="sans-serif" font-size="12" '
        'fill="#333" role="img" aria-label="Deliveries a second, and CPU a delivery">',
        '<rect width="760" height="300" fill="#fff"/>',
        f'<text x="20" y="24" font-weight="bold">Deliveries a second, {size:,} streams</text>',
        '<text x="420" y="24" font-weight="bold">Server CPU a delivery, in microseconds</text>',
    ]
    for number, name in enumerate(names):
        y, width = 50 + number * 58, 290 * rates[name] / max(rates.values())
        parts.append(f'<text x="20" y="{y}">{name}</text>')
        parts.append(f'<rect x="20" y="{y + 7}" width="{width:.0f}" height="22" fill="{COLOURS[number]}"/>')
        parts.append(f'<text x="{26 + width:.0f}" y="{y + 23}">{rates[name]:,.0f}</text>')
    left, right, top, bottom = 450, 730, 40, 200
    highest = max(max(values) for values in costs.values()) * 1.1

    def x_of(value: int) -> float:
        return left + (right - left) * value / max(sizes)

    def y_of(value: float) -> float:
        return bottom - (bottom - top) * value / highest

    for step in range(0, int(highest) + 1, 10):
        height = y_of(step)
        parts.append(f'<path d="M{left} {height:.0f}H{right}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 6}" y="{height + 4:.0f}" text-anchor="end">{step}</text>')
    for value in sizes:
        parts.append(f'<text x="{x_of(value):.0f}" y="{bottom + 16}" text-anchor="middle">{value:,}</text>')
    for number, name in enumerate(names):
        points = [(x_of(value), y_of(cost)) for value, cost in zip(sizes, costs[name], strict=True)]
        path = " ".join(f"{x:.0f},{y:.0f}" for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{COLOURS[number]}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.0f}" cy="{y:.0f}" r="3" fill="{COLOURS[number]}"/>' for x, y in points]
        parts.append(f'<rect x="{left}" y="{226 + number * 17}" width="12" height="12" fill="{COLOURS[number]}"/>')
        parts.append(f'<text x="{left + 18}" y="{236 + number * 17}">{name}</text>')
    return "\n".join([*parts, "</svg>\n"])


def build(folder: Path) -> Path:
    program = folder / "streams_load"
    subprocess.run(["cc", "-O2", "-o", str(program), str(HERE / "streams_load.c")], check=True)
    return program


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="1000,5000,10000", help="numbers of streams; the middle one is the table's")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--output", type=Path, default=Path("build/benchmarks"))
    arguments = parser.parse_args()
    sizes = [int(size) for size in arguments.sizes.split(",")]
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    has_starlette = all(map(importlib.util.find_spec, ["datastar_py", "starlette", "uvicorn"]))
    subjects = [subject for subject in SUBJECTS if has_starlette or not subject.is_asgi]
    results: defaultdict[tuple[str, int], Figures] = defaultdict(Figures)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program = build(folder)
        for subject in subjects:
            (folder / f"{subject.module}.py").write_text(subject.source)
        for _ in range(arguments.repeats):
            for size in sizes:
                for subject in subjects:
                    measure_rounds(program, subject, folder, size, arguments.rounds, results[subject.name, size])
            for subject in subjects:
                measure_leaving(program, subject, folder, results[subject.name, 0])
    names = [subject.name for subject in subjects]
    table = write_table(results, names, sizes)
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "streams.md").write_text(table)
    (arguments.output / "streams.svg").write_text(write_plot(results, names, sizes))
    print(table)


if __name__ == "__main__":
    main()
