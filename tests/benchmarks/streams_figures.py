"""The figures of the benchmark of streams: what was measured, the table, and the marks that have to be reached."""

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

#: Times the rate of the stream by hand that are to be reached, the same without direct writes, the part of its memory
#: that a stream may take, and the times that the CPU a delivery may grow from the least to the most streams.
MIN_RATE, MIN_RATE_DIRECT_OFF, MAX_MEMORY, MAX_GROWTH = 2.5, 1.2, 0.7, 1.2


_PACKAGES = ("Flask", "gunicorn", "gevent", "datastar-py", "Starlette", "uvicorn")


@dataclass
class Figures:
    """What was measured of one server at one number of streams, a value for each round or run."""

    rate: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    kib: list[float] = field(default_factory=list)


@dataclass
class Endings:
    """What was measured of one server when clients leave and when it stops, a value for each run."""

    #: None: not without a write.
    notice_ms: list[float | None] = field(default_factory=list)
    stop_seconds: list[float] = field(default_factory=list)
    #: The part of the bodies that ended cleanly when it stopped.
    clean: list[float] = field(default_factory=list)


Results = dict[tuple[str, int], Figures]


def write_table(results: Results, endings: dict[str, Endings], names: list[str], sizes: list[int], about: str) -> str:
    """Make the Markdown: the middle number of streams in full, how the cost grows, and the endings.

    :param about: says how many leave and end.
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
    """Compare with the marks; give for each whether it is reached, and a line that says so."""
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
    """Give the median."""
    return statistics.median(values)


def describe_machine(*names: str) -> str:
    """Name what it was measured on, with the versions of packages that are installed."""
    found = [f"{os.cpu_count()} processors", f"Python {platform.python_version()}"]
    for name in names:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)
