"""The figures of the benchmark with Redis, and their table."""

from __future__ import annotations

from dataclasses import dataclass, field

from streams_figures import Figures, describe_machine, middle

DATASTAR = "Flask-Datastar"
FLASK_SSE = "Flask-SSE"
SOCKETIO = "Flask-SocketIO, WebSocket"

_PACKAGES = ("Flask", "gunicorn", "gevent", "redis", "Flask-SSE", "Flask-SocketIO")


@dataclass
class RedisFigures(Figures):
    """The figures of one server with one number of workers; the CPU time includes the workers and Redis."""

    redis_cpu_us: list[float] = field(default_factory=list)
    events_per_second: list[float] = field(default_factory=list)
    event_cpu_us: list[float] = field(default_factory=list)
    connections: list[float] = field(default_factory=list)
    #: The reasons for which a measurement failed.
    failures: list[str] = field(default_factory=list)


Results = dict[tuple[str, int], RedisFigures]


def write_table(results: Results, names: list[str], workers: list[int], streams: int, burst: tuple[int, int]) -> str:
    """Return the Markdown table.

    :param burst: the number of events in a burst, and the number of its streams.
    """
    lines = [
        f"{streams:,} streams, one event to all of them; and {burst[0]:,} events, published one after another by one "
        f"request, to {burst[1]} streams. On {describe_machine(*_PACKAGES)}; server and Redis have one processor, "
        "however many workers there are, the clients the other one:",
        "",
        f"| server | workers | deliveries/s | times {FLASK_SSE} | p99 | CPU a delivery | Redis' part | events/s in | "
        f"times {FLASK_SSE} | CPU an event | connections to Redis |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name in names:
        for number in workers:
            found, base = results[name, number], results[FLASK_SSE, number]
            if found.failures or not found.rate:
                continue
            lines.append(
                f"| {name} | {number} | {middle(found.rate):,.0f} | {_times(found.rate, base.rate)} | "
                f"{middle(found.p99_ms):.0f} ms | {middle(found.cpu_us):.1f} us | {middle(found.redis_cpu_us):.1f} us "
                f"| {middle(found.events_per_second):,.0f} | "
                f"{_times(found.events_per_second, base.events_per_second)} | {middle(found.event_cpu_us):,.0f} us | "
                f"{middle(found.connections):,.0f} |"
            )
    for (name, number), found in results.items():
        if found.failures:
            lines += ["", f"{name} with {number} workers was not measured to its end: {found.failures[0]}"]
    return "\n".join(lines) + "\n"


def _times(values: list[float], base: list[float]) -> str:
    return f"{middle(values) / middle(base):.2f}" if base else ""
