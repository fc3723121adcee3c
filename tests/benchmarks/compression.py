"""The bytes and the cost of compressed streams on one worker: identity, zstd and gzip in one run.

usage: python tests/benchmarks/compression.py [--quick] [--docs] [--streams N] [--rounds N] [--repeats N]

All streams follow one topic. The clients count the bytes, with HTTP's chunks. A row is a kind of event and a coding:
single events, the same while 0.5 % of the streams are replaced before each, and bursts of 20 events.

The results are a Markdown table, which is also printed, and a plot, both written to the folder; then a line for each
mark. The exit status is 1 if a mark is missed, except for a quick run. Needs the extras ``gunicorn`` and ``zstd``, a C
compiler, Linux, and a limit of open files above the number of streams. Compare the figures with each other, not with
those of other machines, and run nothing else in the meantime.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from compression_figures import CODINGS, KINDS, Figures, Results, check_marks, write_table
from compression_plot import write_plot
from results import EXPLANATION, conclude, write
from streams_clients import Load, build_load
from streams_servers import Server, Subject, allow_connections

BURST, BURSTS = 20, 3
#: The share of the streams that are replaced before an event.
CHURN = 0.005


def measure_one(program: Path, coding: str, kind: str, folder: Path, streams: int, rounds: int, found: Figures) -> None:
    """Measure one coding with one kind of event, on a server of its own."""
    protocol = "sse" if coding == "identity" else coding
    server = Server(Subject(f"{coding}, {kind}", "compressed", "/ds/bench/feed", protocol=protocol), folder)
    try:
        subject = Subject("", "", "/ds/bench/feed", protocol=protocol)
        # The imports of a process for its first stream are not memory of a stream.
        Load(program, server, subject, 1, f"/publish/{kind}?k={{k}}").kill()
        time.sleep(1)
        before = server.memory_kib()
        load = Load(program, server, subject, streams, f"/publish/{kind}?k={{k}}")
        try:
            found.kib.append((server.memory_kib() - before) / streams)
            # The key that all streams join at, and the second event.
            for _ in range(2):
                play(server, load, streams, 1)
            for _ in range(rounds):
                size, cpu_us, p99_ms = play(server, load, streams, 1)
                found.bytes.append(size)
                found.cpu_us.append(cpu_us)
                found.p99_ms.append(p99_ms)
            for _ in range(BURSTS):
                found.burst_cpu_us.append(play(server, load, streams, BURST)[1])
            if coding != "identity" and kind == "table":
                for _ in range(5 * rounds):
                    load.tell(f"replace {round(streams * CHURN)}")
                    found.churn_bytes.append(play(server, load, streams, 1)[0])
        finally:
            load.kill()
    finally:
        server.kill()


def play(server: Server, load: Load, streams: int, events: int) -> tuple[float, float, float]:
    """Publish, and return bytes and microseconds of CPU for each delivery, and the p99 in milliseconds."""
    time.sleep(0.1)
    load.tell("bytes")
    start = server.cpu_seconds()
    delivered, _, p99_ms, _ = load.tell(f"round {events}")
    if delivered != streams * events:
        raise SystemExit(f"{server.name}: {delivered:.0f} of {streams * events} deliveries arrived\n{server.log()}")
    # The server's work after the last delivery counts too.
    time.sleep(0.05)
    cpu = server.cpu_seconds() - start
    (size,) = load.tell("bytes")
    return size / delivered, cpu / delivered * 1e6, p99_ms


def measure(streams: int, rounds: int, repeats: int) -> Results:
    """Measure all codings with all kinds of events, by turns."""
    results: Results = defaultdict(Figures)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program = build_load(folder)
        for repeat in range(1, repeats + 1):
            for kind in KINDS:
                for coding in CODINGS:
                    print(f"{repeat} of {repeats}: {kind}, {coding}", file=sys.stderr, flush=True)
                    measure_one(program, coding, kind, folder, streams, rounds, results[kind, coding])
    return results


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few streams, one repeat; the marks do not count")
    parser.add_argument("--docs", action="store_true", help="write the table into the documentation")
    parser.add_argument("--streams", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--output", type=Path, default=Path("build/benchmarks"))
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.streams, arguments.rounds, arguments.repeats = 400, 20, 1
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    allow_connections(arguments.streams)
    results = measure(arguments.streams, arguments.rounds, arguments.repeats)
    table, marks = write_table(results, arguments.streams, BURST), check_marks(results)
    page, folder = (EXPLANATION / "costs.md", EXPLANATION / "measured") if arguments.docs else (None, arguments.output)
    title = "Bytes and CPU of a delivery"
    write("compression", table, write_plot(results), title=title, page=page, output=folder)
    return conclude(table, marks, is_quick=arguments.quick)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("interrupted")
