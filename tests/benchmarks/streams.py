"""The cost of streams on one worker, beside streams written by hand and streams of datastar-py, in one run.

usage: python tests/benchmarks/streams.py [--quick] [--docs] [--sizes N,N,N] [--rounds N] [--repeats N]

The servers are gunicorn with gevent and a queue for each client, written by hand; gunicorn with gevent and
``datastar.follow()``, once with and once without direct writes; and, if installed (extra ``bench``), uvicorn with
Starlette, datastar-py and an asyncio queue for each client. They take turns at each number of streams. Server and
clients have a processor each.

The results are a Markdown table, which is also printed, and a plot, both written to the folder; then a line for each
mark. The exit status is 1 if a mark is missed, except for a quick run, which is too short to judge. Needs the extra
``gunicorn``, a C compiler, Linux, and a limit of open files above the largest number. Compare the figures with each
other, not with those of other machines, and run nothing else in the meantime.
"""

from __future__ import annotations

import argparse
import importlib.util
import signal
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from results import EXPLANATION, conclude, write
from streams_clients import build_load, running
from streams_figures import BY_HAND, DIRECT, DIRECT_OFF, STARLETTE, Endings, Figures, check_marks, write_table
from streams_plot import write_plot
from streams_servers import Subject, allow_connections

#: The page of the documentation that has the table and the plot.
PAGE = EXPLANATION / "costs.md"
#: The number of clients that leave together, and of open streams when the server is told to stop.
LEAVING, STOPPING = 200, 1000
#: The longest wait for the server to notice the clients that have left.
NOTICE_SECONDS = 3

SUBJECTS = [
    Subject(BY_HAND, "by_hand", "/stream"),
    Subject(STARLETTE, "starlette_app", "/stream", is_asgi=True),
    Subject(DIRECT_OFF, "follow", "/ds/bench/feed", (("DIRECT", "0"),)),
    Subject(DIRECT, "follow", "/ds/bench/feed", (("DIRECT", "1"),)),
]


def measure_rounds(program: Path, subject: Subject, folder: Path, streams: int, rounds: int, found: Figures) -> None:
    """Publish one event in each round to all streams."""
    with running(program, subject, folder, streams) as (server, load, kib):
        found.kib.append(kib)
        load.tell("round 1")
        # Rounds with few streams are short, so there are more of them, for a steady median.
        for _ in range(max(rounds, min(20, 20_000 // streams))):
            time.sleep(0.1)
            start = server.cpu_seconds()
            delivered, seconds, p99_ms, _ = load.tell("round 1")
            if delivered != streams:
                raise SystemExit(f"{subject.name}: {delivered:.0f} of {streams} deliveries arrived\n{server.log()}")
            # The server's work after the last delivery counts too.
            time.sleep(0.05)
            found.cpu_us.append((server.cpu_seconds() - start) / streams * 1e6)
            found.rate.append(delivered / seconds)
            found.p99_ms.append(p99_ms)


def measure_endings(program: Path, subject: Subject, folder: Path, found: Endings) -> None:
    """Close some clients and measure when the server has noticed, then stop the server."""
    with running(program, subject, folder, STOPPING + LEAVING) as (server, load, _):
        (left_at,) = load.tell(f"leave {LEAVING}")
        deadline = time.monotonic() + NOTICE_SECONDS
        while (noticed := server.gone())[0] < LEAVING and time.monotonic() < deadline:
            time.sleep(0.05)
        found.notice_ms.append((noticed[1] - left_at) * 1e3 if noticed[0] >= LEAVING else None)
        start = time.monotonic()
        server.process.terminate()
        load.send("end")
        server.wait()
        found.stop_seconds.append(time.monotonic() - start)
        clean, _ = load.answer("end")
        found.clean.append(clean / STOPPING)


def measure(sizes: list[int], rounds: int, repeats: int) -> tuple[str, str, list[tuple[bool, str]]]:
    """Measure all servers, and return the table, the plot, and the marks."""
    has_starlette = all(map(importlib.util.find_spec, ["datastar_py", "starlette", "uvicorn"]))
    subjects = [subject for subject in SUBJECTS if has_starlette or not subject.is_asgi]
    results: defaultdict[tuple[str, int], Figures] = defaultdict(Figures)
    endings: defaultdict[str, Endings] = defaultdict(Endings)
    if not has_starlette:
        tell(f"without {STARLETTE}: the extra bench is not installed")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program = build_load(folder)
        for repeat in range(1, repeats + 1):
            for size in sizes:
                for subject in subjects:
                    tell(f"{repeat} of {repeats}: {size:,} streams, {subject.name}")
                    measure_rounds(program, subject, folder, size, rounds, results[subject.name, size])
            for subject in subjects:
                tell(f"{repeat} of {repeats}: leaving and stopping, {subject.name}")
                measure_endings(program, subject, folder, endings[subject.name])
    about = (
        f"{LEAVING} of {STOPPING + LEAVING:,} clients leave at once; then the server is told to stop (SIGTERM), with "
        f"{STOPPING:,} streams whose clients keep the connection:"
    )
    names = [subject.name for subject in subjects]
    table = write_table(results, endings, names, sizes, about)
    return table, write_plot(results, names, sizes, "streams"), check_marks(results, sizes)


def tell(text: str) -> None:
    """Print the progress to stderr, apart from the figures."""
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few streams, one repeat; the marks do not count")
    parser.add_argument("--docs", action="store_true", help="write table and plot into the documentation")
    parser.add_argument("--sizes", default="1000,5000,10000", help="numbers of streams; the middle one is the table's")
    parser.add_argument("--rounds", type=int, default=5, help="the fewest rounds of each measurement")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--output", type=Path, default=Path("build/benchmarks"))
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.sizes, arguments.rounds, arguments.repeats = "200,500,1000", 5, 1
    sizes = sorted(int(size) for size in arguments.sizes.split(","))
    page, output = (PAGE, EXPLANATION / "measured") if arguments.docs else (None, arguments.output)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    allow_connections(max(*sizes, STOPPING + LEAVING))
    table, plot, marks = measure(sizes, arguments.rounds, arguments.repeats)
    write("streams", table, plot, title="Deliveries a second, and CPU a delivery", page=page, output=output)
    return conclude(table, marks, is_quick=arguments.quick)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("interrupted")
