"""Cases in the words of the Datastar SDK specification: its option names in, the bytes on the wire out.

The order of data lines is free, so what is compared is what a client reads. Own cases, not those of the SDK's suite.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flask_datastar import sse
from tests.sansio.client import read

CASES = sorted((Path(__file__).parent / "golden").iterdir())
FIELDS = ["event", "id", "retry", "data"]


def patch_elements(elements: str | None = None, **options: Any) -> sse.Event:
    return sse.patch_elements(elements, **options)


def patch_signals(signals: Any = None, raw: str | None = None, **options: Any) -> sse.Event:
    return sse.patch_signals(signals, **options) if raw is None else sse.patch_signals_raw(raw, **options)


FUNCTIONS: dict[str, Callable[..., sse.Event]] = {
    "patchElements": patch_elements,
    "patchSignals": patch_signals,
    "executeScript": sse.execute_script,
}
OPTIONS = {
    "autoRemove": "auto_remove",
    "eventId": "event_id",
    "onlyIfMissing": "only_if_missing",
    "retryDuration": "retry_ms",
    "signals-raw": "raw",
    "useViewTransition": "use_view_transition",
    "viewTransitionSelector": "view_transition_selector",
}


def make_event(case: dict[str, Any]) -> sse.Event:
    function = FUNCTIONS[case.pop("type")]
    return function(**{OPTIONS.get(name, name): value for name, value in case.items()})


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_case_of_the_specification_is_answered(case: Path) -> None:
    given = json.loads((case / "input.json").read_text())
    expected = (case / "output.txt").read_bytes()

    body = b"".join(make_event(event).encode() for event in given["events"])

    assert read([body]) == read([expected])
    assert len(read([body])) == len(given["events"])
    assert sorted(body.split(b"\n")) == sorted(expected.split(b"\n"))


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_fields_stand_in_the_order_of_the_specification(case: Path) -> None:
    given = json.loads((case / "input.json").read_text())

    for event in given["events"]:
        lines = make_event(event).encode().decode().removesuffix("\n\n").split("\n")
        order = [FIELDS.index(line.partition(": ")[0]) for line in lines]
        assert order == sorted(order)
