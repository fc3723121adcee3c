"""The figures of the benchmark of streams, their table, and the marks that they must reach."""

from __future__ import annotations

import os
import platform
import statistics
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version

BY_HAND = "by hand"
STARLETTE = "datastar-py, Starlette"
DIRECT_OFF = "Flask-Datastar, direct writes off"
DIRECT = "Flask-Datastar"

#: The least rate relative to streams by hand, the same without direct writes, the most memory of a stream relative to
#: one by hand, and the most growth of the CPU time of a delivery from the least to the most streams.
MIN_RATE, MIN_RATE_DIRECT_OFF, MAX_MEMORY, MAX_GROWTH = 2.5, 1.2, 0.7, 1.2


_PACKAGES = ("Flask", "gunicorn", "gevent", "datastar-py", "Starlette", "uvicorn")


@dataclass
class Figures:
    """The figures of one server at one number of streams, with a value for each round or run."""

    rate: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    kib: list[float] = field(default_factory=list)


@dataclass
class Endings:
    """The figures of one server when clients leave and when it stops, with a value for each run."""

    #: None if the server does not notice a disconnect without a write.
    notice_ms: list[float | None] = field(default_factory=list)
    stop_seconds: list[float] = field(default_factory=list)
    #: The share of the bodies that ended cleanly when the server stopped.
    clean: list[float] = field(default_factory=list)


Results = dict[tuple[str, int], Figures]


def write_table(results: Results, endings: dict[str, Endings], names: list[str], sizes: list[int], about: str) -> str:
    """Return the Markdown: all figures at the middle number of streams, the growth of the cost, and the endings.

    :param about: the text above the table of endings.
    """
    size = sizes[len(sizes) // 2]
    base = results[BY_HAND, size]
    lines = [
        f"{size:,} streams, one event to all of them, on {describe_machine(*_PACKAGES)}:",
        "",
        "| server | deliveries/s | times by hand | p99 | CPU a delivery | memory a stream | of by hand |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name in names:
        found = results[name, size]
        lines.append(
            f"| {name} | {middle(found.rate):,.0f} | {middle(found.rate) / middle(base.rate):.2f} | "
            f"{middle(found.p99_ms):.0f} ms | {middle(found.cpu_us):.1f} us | {middle(found.kib):.1f} KiB | "
            f"{middle(found.kib) / middle(base.kib):.2f} |"
        )
    lines += ["", "CPU a delivery, as the number of streams grows:", ""]
    lines += [f"| server | {' | '.join(f'{size:,}' for size in sizes)} | last to first |"]
    lines += ["|---|" + "---:|" * (len(sizes) + 1)]
    for name in names:
        values = [middle(results[name, size].cpu_us) for size in sizes]
        lines.append(f"| {name} | {' | '.join(f'{value:.1f} us' for value in values)} | {values[-1] / values[0]:.2f} |")
    lines += ["", about, ""]
    lines += ["| server | all noticed after | gone after | bodies that ended cleanly |", "|---|---:|---:|---:|"]
    for name in names:
        found_endings = endings[name]
        noticed = [value for value in found_endings.notice_ms if value is not None]
        is_noticed = len(noticed) == len(found_endings.notice_ms)
        notice = f"{middle(noticed):.0f} ms" if is_noticed else "not until a write"
        stop, clean = middle(found_endings.stop_seconds), middle(found_endings.clean)
        lines.append(f"| {name} | {notice} | {stop:.1f} s | {clean:.0%} |")
    return "\n".join(lines) + "\n"


def check_marks(results: Results, sizes: list[int]) -> list[tuple[bool, str]]:
    """Compare the results with the marks.

    :return: for each mark whether it is reached, and a line about it.
    """
    size = sizes[len(sizes) // 2]
    hand, off, direct = (results[name, size] for name in (BY_HAND, DIRECT_OFF, DIRECT))
    first, last = (middle(results[DIRECT, size].cpu_us) for size in (sizes[0], sizes[-1]))
    found = [
        (f"rate at {size:,} streams, times by hand", middle(direct.rate) / middle(hand.rate), MIN_RATE, True),
        ("the same with direct writes off", middle(off.rate) / middle(hand.rate), MIN_RATE_DIRECT_OFF, True),
        ("memory a stream, of that by hand", middle(direct.kib) / middle(hand.kib), MAX_MEMORY, False),
        (f"CPU a delivery at {sizes[-1]:,} streams, times that at {sizes[0]:,}", last / first, MAX_GROWTH, False),
    ]
    marks = []
    for name, value, mark, is_least in found:
        is_reached = value >= mark if is_least else value <= mark
        word = "reached" if is_reached else "MISSED "
        marks.append((is_reached, f"{word}  {name}: {value:.2f} (at {'least' if is_least else 'most'} {mark})"))
    return marks


def middle(values: list[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def describe_machine(*names: str) -> str:
    """Describe the machine, with the versions of those packages that are installed."""
    found = [f"{os.cpu_count()} processors", f"Python {platform.python_version()}"]
    for name in names:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)
