"""The cost of presence at one topic: the message of a join, and the CPU and memory of each process.

usage: python tests/benchmarks/presence.py [--docs] [--people N] [--repeats N]

One process has the pages, and another one receives its messages, each by the code that serves them, without sockets.
A join is measured beside nobody, a hundred, a thousand and ten thousand people. The exit status is 1 if the message of
a join or a leave depends on their number. The result is a Markdown table, which is also printed. Compare the figures
with each other, not with those of other machines, and run nothing else in the meantime.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from results import EXPLANATION, write

from flask_datastar.presence.entries import Joined, Left
from flask_datastar.presence.messages import decode, encode, parts_of
from flask_datastar.presence.methods import Present
from flask_datastar.presence.state import PresenceState

SIZES = (0, 100, 1_000, 10_000)
#: The data of a person in a list of faces.
DATA = json.dumps({"name": "Ada Lovelace", "color": "#0b6b5d"}, separators=(",", ":"))
#: The joins that are measured at each size.
JOINS = 40


class Cost(NamedTuple):
    """The costs beside so many people: bytes, and microseconds."""

    join_bytes: int
    leave_bytes: int
    own_us: float
    other_us: float
    list_ms: float


class Two:
    """A process with pages, and another one that receives its messages."""

    def __init__(self) -> None:
        self.own, self.other = PresenceState("a" * 16), PresenceState("b" * 16)
        # The same number of digits for everybody, as random ids have.
        self._count = 10_000_000

    def join(self) -> Joined:
        self._count += 1
        return self.own.join("board:17", str(self._count), f"{self._count:024x}", DATA, at=1_795_000_000.123, now=0.0)

    def fill(self, people: int) -> None:
        """Add so many people, in both processes."""
        for _ in range(people):
            self.other.merge(decode(encode(self.join())), 0.0)  # type: ignore[arg-type]
        self.own.take_changed()
        self.other.take_changed()


def timed(action: Callable[[], object]) -> float:
    """Return the microseconds of processor time."""
    start = time.process_time_ns()
    action()
    return (time.process_time_ns() - start) / 1e3


def measure(people: int) -> Cost:
    """Return the costs of joins and leaves beside so many people."""
    two = Two()
    two.fill(people)
    joins, leaves, own, other, lists = set(), set(), [], [], []
    for _ in range(JOINS):
        messages: list[bytes] = []
        sent: list[Joined] = []

        def join(messages: list[bytes] = messages, sent: list[Joined] = sent) -> None:
            sent.append(two.join())
            two.own.take_changed()
            messages.append(encode(sent[0]))

        own.append(timed(join))
        other.append(timed(lambda: (two.other.merge(decode(messages[0]), 0.0), two.other.take_changed())))  # type: ignore[arg-type]  # noqa: B023
        lists.append(timed(lambda: list_people(two.other)) / 1e3)
        left = two.own.leave(sent[0].entry.number, 0.0, 0.0)
        two.own.advance(0.0)
        assert isinstance(left, Left)
        two.other.merge(left, 0.0)
        two.other.advance(0.0)
        joins.add(len(messages[0]) - len(str(sent[0].seq)) - len(str(sent[0].entry.number)))
        leaves.add(len(encode(left)) - len(str(left.seq)) - len(str(left.number)))
    # Two counters in each message have as many digits as they need; here 7 are added for both.
    return Cost(*(max(sizes) + 14 for sizes in (joins, leaves)), *map(statistics.median, (own, other, lists)))


def list_people(state: PresenceState) -> list[Present]:
    """Return the people as ``datastar.presence()`` does after a change."""
    return [Present(one.scope, one.tabs, one.since, json.loads(one.data)) for one in state.seen("board:17")]


def measure_memory(people: int) -> float:
    """Return the KiB that each of so many people takes in a process that has the page elsewhere."""
    messages = [encode(two.join()) for two in [Two()] for _ in range(people)]
    state = PresenceState("b" * 16)
    gc.collect()
    tracemalloc.start()
    for message in messages:
        state.merge(decode(message), 0.0)  # type: ignore[arg-type]
    state.take_changed()
    gc.collect()
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return size / people / 1024


def measure_whole(people: int) -> tuple[int, float]:
    """Return the messages and KiB of all that a new process asks for."""
    two = Two()
    two.fill(people)
    sizes = [len(encode(part)) for part in parts_of(two.own.whole(0.0))]
    return len(sizes), sum(sizes) / 1024


def write_table(costs: dict[int, Cost], people: int) -> str:
    """Return the Markdown of everything."""
    parts, whole = measure_whole(people)
    rows = [
        f"| {size:,} | {cost.join_bytes} bytes | {cost.leave_bytes} bytes | {cost.own_us:.0f} us "
        f"| {cost.other_us:.0f} us | {cost.list_ms:.2f} ms |"
        for size, cost in costs.items()
    ]
    return "\n".join(
        [
            f"One person joins a topic beside others, with {len(DATA)} bytes of data, on {os.cpu_count()} processors, "
            f"Python {platform.python_version()}:",
            "",
            "| people there | join | leave | CPU, the page's process | CPU, each other process | reading the list |",
            "|---:|---:|---:|---:|---:|---:|",
            *rows,
            "",
            f"Each of {people:,} people takes {measure_memory(people):.2f} KiB in each process. A process that starts "
            f"gets them in {parts} messages of {whole:.0f} KiB together.",
        ]
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--docs", action="store_true", help="write the table into the documentation")
    parser.add_argument("--people", type=int, default=1000, help="for the memory, and for a process that starts (1000)")
    parser.add_argument("--repeats", type=int, default=3, help="the smallest of so many is taken (3)")
    parser.add_argument("--output", type=Path, default=Path("build/benchmarks"))
    arguments = parser.parse_args()
    costs = {
        size: Cost(*map(min, zip(*(measure(size) for _ in range(arguments.repeats)), strict=True))) for size in SIZES
    }
    table = write_table(costs, arguments.people)
    page, folder = (EXPLANATION / "costs.md", EXPLANATION / "measured") if arguments.docs else (None, arguments.output)
    write("presence", table, "", title="", page=page, output=folder)
    print(table)
    is_fixed = len({(cost.join_bytes, cost.leave_bytes) for cost in costs.values()}) == 1
    print(f"the messages do not depend on the number of people: {'yes' if is_fixed else 'NO'}")
    return 0 if is_fixed else 1


if __name__ == "__main__":
    sys.exit(main())
