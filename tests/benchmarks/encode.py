"""The speed of encoding events with Flask-Datastar and with datastar-py, measured in turns in one run.

usage: python tests/benchmarks/encode.py [ROUNDS]

Each case goes from the arguments to the bytes on the wire. The exit status is 1 if a ratio is below its target. Needs
the extra ``bench``.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from datastar_py import ServerSentEventGenerator as Generator
from datastar_py.consts import ElementPatchMode
from flask import Flask

from flask_datastar import Datastar, sse
from flask_datastar.state.app import current_app_state

SIGNALS = {"count": 42}
LARGE_SIGNALS = {"user": {"name": "Ada", "roles": ["admin", "editor"]}, "page": 3, "filter": "", "rows": [*range(20)]}
ELEMENT = '<span id="count" class="badge">42</span>'
ROWS = "\n".join(f'<li id="row-{number}">Row {number} <b>bold</b></li>' for number in range(100))

#: The time of one measurement: long beside the clock's resolution, short beside the machine's changes of speed.
SECONDS = 0.002


class Case(NamedTuple):
    name: str
    theirs: Callable[[], bytes]
    ours: Callable[[], bytes]
    #: The ratio of speeds that ours must reach; None for a case without a target.
    target: float | None


def patch_signals_in_app() -> bytes:
    """Encode signals as ``datastar.patch_signals()`` does in a request, with Flask's own JSON provider."""
    return sse.patch_signals(SIGNALS, dumps=current_app_state().dumps).encode()


CASES = [
    Case(
        "signals, small",
        lambda: Generator.patch_signals(SIGNALS).encode(),
        lambda: sse.patch_signals(SIGNALS).encode(),
        1.5,
    ),
    Case(
        "signals, small, in an application",
        lambda: Generator.patch_signals(SIGNALS).encode(),
        patch_signals_in_app,
        1.0,
    ),
    Case(
        "signals, 25 values",
        lambda: Generator.patch_signals(LARGE_SIGNALS).encode(),
        lambda: sse.patch_signals(LARGE_SIGNALS).encode(),
        None,
    ),
    Case(
        "one element",
        lambda: Generator.patch_elements(ELEMENT).encode(),
        lambda: sse.patch_elements(ELEMENT).encode(),
        2.0,
    ),
    Case(
        "one element, selector and mode",
        lambda: Generator.patch_elements(ELEMENT, selector="#list", mode=ElementPatchMode.APPEND).encode(),
        lambda: sse.patch_elements(ELEMENT, selector="#list", mode="append").encode(),
        2.0,
    ),
    Case(
        "list of 100 rows",
        lambda: Generator.patch_elements(ROWS).encode(),
        lambda: sse.patch_elements(ROWS).encode(),
        4.0,
    ),
]


def seconds_per_call(function: Callable[[], bytes], calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        function()
    return (time.perf_counter() - start) / calls


def measure(case: Case, rounds: int) -> tuple[float, float, float]:
    """Return the medians of both, and the median of the ratios of neighbouring measurements."""
    calls = max(1, int(SECONDS / seconds_per_call(case.theirs, 200)))
    theirs, ours = [], []
    for number in range(rounds):
        # The first one changes from round to round.
        for is_ours in (number % 2 == 0, number % 2 == 1):
            (ours if is_ours else theirs).append(seconds_per_call(case.ours if is_ours else case.theirs, calls))
    ratio = statistics.median(their / our for their, our in zip(theirs, ours, strict=True))
    return statistics.median(theirs), statistics.median(ours), ratio


def main() -> int:
    """Print the table, and return the exit status."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    app = Flask("benchmark")
    Datastar(app)
    has_failed = False
    print("| case | datastar-py us | flask_datastar us | ratio |")
    print("|---|---:|---:|---:|")
    with app.test_request_context():
        for case in CASES:
            theirs, ours, ratio = measure(case, rounds)
            is_low = case.target is not None and ratio < case.target
            has_failed |= is_low
            note = f" (target {case.target})" if is_low else ""
            print(f"| {case.name} | {theirs * 1e6:.2f} | {ours * 1e6:.2f} | {ratio:.2f}{note} |")
    return int(has_failed)


if __name__ == "__main__":
    sys.exit(main())
