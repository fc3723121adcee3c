"""What a stream brings because of an action, apart from what it brings anyway."""

from __future__ import annotations

from typing import Any

import pytest

from flask_datastar.devtools.aftermath import later_events, target_of

ACTION = {"id": 1, "page_id": "p", "at": 10_000}
STREAM = {"id": 9, "page_id": "p", "follows": []}


def patch(at: int, **arguments: str) -> dict[str, Any]:
    kind = "datastar-patch-signals" if "signals" in arguments else "datastar-patch-elements"
    return {"id": 9, "event": {"type": kind, "at": at, "arguments": arguments}}


def found(*items: dict[str, Any]) -> list[int]:
    return [event["at"] for event in later_events(ACTION, [STREAM, ACTION, *items])]


def test_a_clock_is_left_out() -> None:
    clock = [patch(at, signals='{"tick": 1}') for at in range(5_000, 15_000, 1_000)]

    assert found(*clock, patch(10_100, elements="<ul id='cards'>")) == [10_100]


def test_what_earlier_actions_have_brought_is_no_clock() -> None:
    earlier = [{"id": n, "page_id": "p", "at": at} for n, at in ((2, 8_000), (3, 9_000))]
    cards = [patch(at, elements="<ul id='cards'>") for at in (8_050, 9_050, 10_050)]

    assert found(*earlier, *cards) == [10_050]


def test_the_first_state_of_a_stream_is_no_clock() -> None:
    assert found(patch(9_000, elements="<p id='a'>"), patch(10_050, elements="<p id='a'>")) == [10_050]


def test_other_pages_and_late_changes_are_no_effects() -> None:
    other = {"id": 8, "page_id": "q", "follows": []}
    theirs = {**patch(10_050, elements="<p id='a'>"), "id": 8}

    assert found(other, theirs, patch(13_001, elements="<p id='a'>")) == []
    assert list(later_events({"id": 1, "at": 10_000}, [STREAM, patch(10_050, signals="{}")])) == []


@pytest.mark.parametrize(
    ("arguments", "target"),
    [
        ({"signals": '{"b": 1, "a": 2}'}, "a b"),
        ({"signals": '{"b": 1…'}, ""),
        ({"signals": "3"}, ""),
        ({"elements": "<li class='x' id=card-1>x"}, "datastar-patch-elements  card-1"),
        ({"elements": "text", "selector": "#a"}, "datastar-patch-elements #a "),
        ({}, "datastar-patch-elements  "),
    ],
)
def test_targets_are_told_apart(arguments: dict[str, str], target: str) -> None:
    assert target_of(patch(1, **arguments)["event"]) == target
