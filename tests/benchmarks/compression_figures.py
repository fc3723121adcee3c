"""The figures of the benchmark of compressed streams, their table, and the marks that they must reach."""

from __future__ import annotations

from dataclasses import dataclass, field

from streams_figures import describe_machine, middle

CODINGS = ("identity", "zstd", "gzip")
#: Kind of event → its name in the table.
KINDS = {"table": "table of 12.7 kB, one cell changed", "card": "card of 190 bytes, one number changed"}

#: Without newcomers, and with 0.5 % of the streams replaced at each event: how many times fewer bytes, at least.
MIN_RATIO = {("table", "zstd"): 200, ("table", "gzip"): 50, ("card", "zstd"): 8, ("card", "gzip"): 8}
MIN_RATIO_CHURN = {("table", "zstd"): 60, ("table", "gzip"): 30}
#: CPU of a delivery relative to identity, of single events and in bursts, and the memory of a stream, at most.
MAX_CPU, MAX_CPU_BURST, MAX_MORE_KIB = 1.0, 1.25, 1.0


@dataclass
class Figures:
    """The figures of one coding and kind of event, with a value for each round or run."""

    #: Bytes of one delivery on the wire, HTTP's chunks included.
    bytes: list[float] = field(default_factory=list)
    churn_bytes: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    burst_cpu_us: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)
    kib: list[float] = field(default_factory=list)


Results = dict[tuple[str, str], Figures]


def mean(values: list[float]) -> float:
    """Return the mean: a key event is dear and rare, so a median would hide it."""
    return sum(values) / len(values)


def write_table(results: Results, streams: int, burst: int) -> str:
    """Return the Markdown: a row for each kind of event and coding."""
    lines = [
        f"{streams:,} streams of one topic, on {describe_machine('Flask', 'gunicorn', 'gevent', 'backports.zstd')}:",
        "",
        f"| event | coding | bytes a delivery | times fewer | with newcomers | CPU a delivery | in bursts of {burst} "
        "| p99 | memory a stream |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for kind, title in KINDS.items():
        base = results[kind, "identity"]
        for coding in CODINGS:
            found, p99_ms = results[kind, coding], middle(results[kind, coding].p99_ms)
            churn = f"{ratio(base, found.churn_bytes):.0f}" if found.churn_bytes else ""
            lines.append(
                f"| {title} | {coding} | {mean(found.bytes):,.0f} | {ratio(base, found.bytes):.0f} | {churn} "
                f"| {middle(found.cpu_us):.1f} us | {middle(found.burst_cpu_us):.1f} us | {p99_ms:.0f} ms "
                f"| {middle(found.kib):.1f} KiB |"
            )
    return "\n".join(lines) + "\n"


def check_marks(results: Results) -> list[tuple[bool, str]]:
    """Compare the results with the marks.

    :return: for each mark whether it is reached, and a line about it.
    """
    found: list[tuple[str, float, float, bool]] = []
    for kind in KINDS:
        base = results[kind, "identity"]
        for coding in CODINGS[1:]:
            own, name = results[kind, coding], f"{kind}, {coding}"
            found.append((f"{name}: times fewer bytes", ratio(base, own.bytes), MIN_RATIO[kind, coding], True))
            if (kind, coding) in MIN_RATIO_CHURN:
                least = MIN_RATIO_CHURN[kind, coding]
                found.append((f"{name}: times fewer with newcomers", ratio(base, own.churn_bytes), least, True))
            cpu, burst = middle(own.cpu_us) / middle(base.cpu_us), middle(own.burst_cpu_us) / middle(base.burst_cpu_us)
            found.append((f"{name}: CPU a delivery, of identity", cpu, MAX_CPU, False))
            found.append((f"{name}: the same in bursts", burst, MAX_CPU_BURST, False))
            found.append((f"{name}: more KiB a stream", middle(own.kib) - middle(base.kib), MAX_MORE_KIB, False))
    marks = []
    for name, value, mark, is_least in found:
        is_reached = value >= mark if is_least else value <= mark
        word = "reached" if is_reached else "MISSED "
        marks.append((is_reached, f"{word}  {name}: {value:.2f} (at {'least' if is_least else 'most'} {mark})"))
    return marks


def ratio(base: Figures, values: list[float]) -> float:
    """Return how many times fewer bytes than identity these are."""
    return mean(base.bytes) / mean(values)
