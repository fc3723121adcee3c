"""The figures of the benchmark of regions, their tables, and the marks that they must reach."""

from __future__ import annotations

from dataclasses import dataclass, field

from regions_commits import AGAIN, DECLARED, MANY, MANY_OTHER, NAMES, NO_REGION, OTHER, PLAIN, SAME
from regions_slow import ALONE, BESIDE, SLOW_SECONDS, SLOW_VIEWS, WORKERS
from streams_figures import describe_machine, middle

CHANGES = "`changes()` and a template"
REGION = "region"
REGION_ALL = "region, nothing known"
FEED = "`follow()`, a small event"
DIFFERENT = "regions, all different"

#: The most CPU of a change relative to ``changes()``, the latest page, the largest stream relative to a plain one and
#: in itself, the longest opening beside the page's own work, and the dearest commits.
MAX_CPU, MAX_AFTER_MS, MAX_KIB_RATIO, MAX_KIB, MAX_OPEN_US = 1 / 100, 300.0, 1.15, 16.5, 1000.0
MAX_COMMIT_US, MAX_UNMEASURED = 60.0, 0.03
#: The latest change of a fast region beside slow ones, of which each takes :data:`SLOW_SECONDS`.
MAX_BESIDE_MS = 100.0

_PACKAGES = ("Flask", "Flask-SQLAlchemy", "SQLAlchemy", "gunicorn", "gevent")


@dataclass
class Viewers:
    """The figures of one way to keep a page live, with a value for each round or run."""

    cpu_ms: list[float] = field(default_factory=list)
    after_ms: list[float] = field(default_factory=list)
    open_us: list[float] = field(default_factory=list)
    kib: list[float] = field(default_factory=list)
    #: The CPU time of the same page without regions and without a stream.
    own_us: list[float] = field(default_factory=list)


@dataclass
class Figures:
    """All figures of a run."""

    viewers: dict[str, Viewers]
    commits: dict[str, list[float]]
    slow: dict[tuple[str, str], list[float]]

    def more(self, name: str, than: str) -> float:
        """Return by how many microseconds one app's commit is dearer than another one's."""
        pairs = zip(self.commits[name], self.commits[than], strict=True)
        return middle([mine - theirs for mine, theirs in pairs])


def write_tables(found: Figures, streams: int, cards: int, html_kib: float) -> str:
    """Return the Markdown."""
    own_us = middle(found.viewers[REGION].own_us)
    lines = [
        f"{streams:,} viewers of a board of {cards} cards ({html_kib:.0f} KiB of HTML), one card is changed, on "
        f"{describe_machine(*_PACKAGES)}:",
        "",
        "| | CPU of a change | all have it after | opening a stream | memory a stream |",
        "|---|---:|---:|---:|---:|",
    ]
    for name in (CHANGES, REGION, REGION_ALL, FEED):
        one = found.viewers[name]
        lines.append(
            f"| {name} | {middle(one.cpu_ms):,.0f} ms | {middle(one.after_ms):,.0f} ms | "
            f"{middle(one.open_us) / 1000:.2f} ms | {middle(one.kib):.1f} KiB |"
        )
    different = middle(found.viewers[DIFFERENT].kib)
    lines += [
        "",
        f"The page's own work without its region, {own_us / 1000:.2f} ms, is part of *opening a stream* of a region. "
        f"If each of {streams:,} viewers looks at another small board, a stream with its view takes {different:.1f} "
        "KiB.",
        "",
        "One commit of one changed row, CPU of the thread that commits:",
        "",
        "| app | a commit | more than without regions |",
        "|---|---:|---:|",
    ]
    for name in NAMES:
        lines.append(f"| {name} | {middle(found.commits[name]):.0f} us | {found.more(name, NO_REGION):+.0f} us |")
    lines += [
        "",
        f"A fast region beside {SLOW_VIEWS} live views of a region that takes {SLOW_SECONDS} s, all of one table, "
        "until the fast one's page has the change:",
        "",
        "| worker | alone | beside the slow ones |",
        "|---|---:|---:|",
    ]
    for worker in WORKERS:
        alone, beside = (middle(found.slow[worker, name]) for name in (ALONE, BESIDE))
        lines.append(f"| {worker} | {alone:.0f} ms | {beside:.0f} ms |")
    return "\n".join(lines) + "\n"


def check_marks(found: Figures) -> list[tuple[bool, str]]:
    """Compare the results with the marks.

    :return: for each mark whether it is reached, and a line about it.
    """
    changes, region, everything, feed = (found.viewers[name] for name in (CHANGES, REGION, REGION_ALL, FEED))
    commit = middle(found.commits[NO_REGION])
    opening = middle(region.open_us) - middle(region.own_us)
    noise = abs(found.more(AGAIN, PLAIN))
    values = [
        ("CPU of a change, of that by changes()", middle(region.cpu_ms) / middle(changes.cpu_ms), MAX_CPU),
        ("all have it, ms after the writer's response", middle(region.after_ms), MAX_AFTER_MS),
        ("memory of a stream, times that of follow()", middle(region.kib) / middle(feed.kib), MAX_KIB_RATIO),
        ("the same in KiB", middle(region.kib), MAX_KIB),
        ("the same in KiB, everything sent at the opening", middle(everything.kib), MAX_KIB),
        ("opening a stream beside the page's own work, us", opening, MAX_OPEN_US),
        ("commit with one live view of another table, us more", found.more(OTHER, NO_REGION), MAX_COMMIT_US),
        ("commit with one live view of the table, us more", found.more(SAME, NO_REGION), MAX_COMMIT_US),
        (f"commit with {MANY:,} other views, more than one", found.more(MANY_OTHER, OTHER) / commit, MAX_UNMEASURED),
        ("commit while nobody looks, us more", found.more(DECLARED, NO_REGION), MAX_COMMIT_US),
    ]
    values += [
        (f"a change of a fast region beside slow ones, {worker}, ms", middle(found.slow[worker, BESIDE]), MAX_BESIDE_MS)
        for worker in WORKERS
    ]
    marks = [
        (value <= mark, f"{'reached' if value <= mark else 'MISSED '}  {name}: {value:.4g} (at most {mark:.4g})")
        for name, value, mark in values
    ]
    return [*marks, (True, f"for comparison, the same app measured twice differs by {noise:.1f} us a commit")]
