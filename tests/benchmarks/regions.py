"""The cost of live regions beside the same page by ``changes()`` and a template, in one run.

usage: python tests/benchmarks/regions.py [--quick] [--docs] [--streams N] [--rounds N] [--repeats N]

A board of cards is looked at by many, and a card is changed: the servers, gunicorn with one gevent worker, take turns.
Then: what a commit costs, by the live views of an app; and a fast region beside slow ones. Server and clients have a
processor each.

The results are tables, which are also printed, and a plot, both written to the folder; then a line for each mark. The
exit status is 1 if a mark is missed, except for a quick run. Needs the extras ``gunicorn`` and ``example``, a C
compiler and Linux. Compare the figures with each other, not with those of other machines, and run nothing else in the
meantime.
"""

from __future__ import annotations

import argparse
import html
import re
import signal
import sys
import tempfile
import time
import urllib.request
from dataclasses import replace
from pathlib import Path

from regions_commits import measure_commits
from regions_figures import CHANGES, DIFFERENT, FEED, REGION, REGION_ALL, Figures, Viewers, check_marks, write_tables
from regions_plot import write_plot
from regions_slow import measure_slow
from results import EXPLANATION, conclude, write
from streams_clients import Load, build_load
from streams_servers import Server, Subject, allow_connections

#: The page of the documentation that has the tables and the plot.
PAGE = EXPLANATION / "costs.md"
CARDS, SMALL_CARDS = 100, 5
#: The pages that are loaded to measure their own work.
_LOADS = 200

#: Each with the path that publishes.
SUBJECTS = {
    CHANGES: (Subject(CHANGES, "board", "/ds/bench/changing?board=0"), "/write?topic=board&k={k}"),
    REGION: (Subject(REGION, "board", "/boards/0", protocol="live:"), "/write?k={k}"),
    REGION_ALL: (Subject(REGION_ALL, "board", "/boards/0", protocol="live:1"), "/write?k={k}"),
    FEED: (Subject(FEED, "board", "/ds/bench/feed"), "/publish?k={k}"),
    DIFFERENT: (Subject(DIFFERENT, "board", "/boards/{i}", protocol="live:1"), ""),
}


def measure_viewers(program: Path, name: str, folder: Path, streams: int, rounds: int, found: Viewers) -> None:
    """Open streams of one kind, and change the board."""
    subject, publish = SUBJECTS[name]
    sizes = (SMALL_CARDS, streams) if name == DIFFERENT else (CARDS, 1)
    variables = {"DATABASE": folder / f"{time.monotonic_ns()}.db", "CARDS": sizes[0], "BOARDS": sizes[1]}
    subject = replace(subject, variables=tuple((key, str(value)) for key, value in variables.items()))
    server = Server(subject, folder)
    try:
        # The first use of each page compiles its template.
        page = get(server, "/boards/0")
        if subject.protocol == "live:":
            subject = replace(subject, protocol=f"live:{shown_in(page)}")
        if name == REGION:
            found.own_us.append(cpu_of_page(server))
        time.sleep(1)
        memory_kib, start = server.memory_kib(), server.cpu_seconds()
        load = Load(program, server, subject, streams, publish)
        try:
            found.open_us.append((server.cpu_seconds() - start) / streams * 1e6)
            found.kib.append((server.memory_kib() - memory_kib) / streams)
            for _ in range(rounds if publish else 0):
                measure_change(server, load, streams, found)
        finally:
            load.kill()
    finally:
        server.kill()


def measure_change(server: Server, load: Load, streams: int, found: Viewers) -> None:
    """Change the board once."""
    # A region that has just been rendered rests.
    time.sleep(1)
    start = server.cpu_seconds()
    delivered, _, _, after_ms = load.tell("round 1")
    if delivered != streams:
        raise SystemExit(f"{server.name}: {delivered:.0f} of {streams} changes arrived\n{server.log()}")
    # The server's work after the last delivery counts too.
    time.sleep(0.05)
    found.cpu_ms.append((server.cpu_seconds() - start) * 1e3)
    found.after_ms.append(max(0.0, after_ms))


def cpu_of_page(server: Server) -> float:
    """Return the microseconds of the page without its region."""
    get(server, "/plain/0")
    start = server.cpu_seconds()
    for _ in range(_LOADS):
        get(server, "/plain/0")
    return (server.cpu_seconds() - start) / _LOADS * 1e6


def get(server: Server, path: str) -> str:
    """Return a page."""
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=30) as answer:
        return str(answer.read().decode())


def shown_in(page: str) -> str:
    """Return what a page says of its regions when it asks for its stream."""
    found = re.search(r"'Datastar-Live': '([^']+)'", html.unescape(page))
    assert found is not None, page
    return found[1]


def measure(streams: int, rounds: int, repeats: int) -> tuple[Figures, float]:
    """Measure everything, and return the figures and the size of the board in KiB."""
    viewers = {name: Viewers() for name in SUBJECTS}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program = build_load(folder)
        for repeat in range(1, repeats + 1):
            for subject in SUBJECTS:
                tell(f"{repeat} of {repeats}: {streams:,} streams, {subject}")
                # One change takes this one seconds.
                few = min(rounds, 2) if subject == CHANGES else rounds
                measure_viewers(program, subject, folder, streams, few, viewers[subject])
        tell("commits")
        commits = measure_commits(folder, 40 * rounds)
        tell("a fast region beside slow ones")
        slow = measure_slow(folder, rounds)
        server = Server(replace(SUBJECTS[REGION][0], variables=(("DATABASE", str(folder / "size.db")),)), folder)
        try:
            size = len(get(server, "/boards/0")) / 1024
        finally:
            server.kill()
    return Figures(viewers, commits, slow), size


def tell(text: str) -> None:
    """Print the progress to stderr, apart from the figures."""
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few streams, one repeat; the marks do not count")
    parser.add_argument("--docs", action="store_true", help="write tables and plot into the documentation")
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--output", type=Path, default=Path("build/benchmarks"))
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.streams, arguments.rounds, arguments.repeats = 100, 2, 1
    page, output = (PAGE, EXPLANATION / "measured") if arguments.docs else (None, arguments.output)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    allow_connections(arguments.streams)
    found, size = measure(arguments.streams, arguments.rounds, arguments.repeats)
    tables = write_tables(found, arguments.streams, CARDS, size)
    plot = write_plot(found, arguments.streams)
    write("regions", tables, plot, title="CPU of a change, and the change of a commit", page=page, output=output)
    return conclude(tables, check_marks(found), is_quick=arguments.quick)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("interrupted")
