"""The ring of items: bounded whatever comes, and complete within its bounds."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from flask_datastar import Datastar
from flask_datastar.devtools import records as module
from flask_datastar.devtools import timeline as timeline_module
from flask_datastar.devtools.records import Records, shorten
from flask_datastar.devtools.timeline import Timeline
from flask_datastar.state.app import app_state_of


@pytest.fixture
def timeline(app: Flask, datastar: Datastar) -> Timeline:
    return Timeline(app_state_of(app))


def numbers(records: Records, after: int = 0) -> list[int]:
    return [json.loads(data)["n"] for data in records.since(after)[1]]


def test_items_come_after_a_number_in_their_order() -> None:
    records = Records()
    for n in range(3):
        records.add(7, {"n": n})

    assert records.since(records.last - 2) == (records.last, [b'{"id":7,"n":1}', b'{"id":7,"n":2}'])
    assert records.since(records.last) == (records.last, [])
    other = Records()
    other.add(7, {"n": 3})
    assert other.last > records.last


@given(st.lists(st.tuples(st.integers(1, 5), st.text(max_size=40), st.booleans()), max_size=60))
def test_no_bound_is_exceeded(added: list[tuple[int, str, bool]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MOST_ITEMS", 10)
        patch.setattr(module, "MOST_BYTES", 400)
        patch.setattr(module, "MOST_RUNNING", 2)
        records = Records()
        for n, (request, text, is_head) in enumerate(added):
            records.add(request, {"n": n, "text": text}, is_head=is_head)

            assert len(records) <= 10
            assert records.size <= 400
            assert len(records._running) <= 2
        found = numbers(records)
        assert found == sorted(set(found))
        if added and len(added[-1][1]) < 10:
            assert found[-1] == len(added) - 1


def test_any_text_is_recorded() -> None:
    records = Records()

    records.add(1, {"n": 0, "text": "\ud800\u2028</script>\0", "other": object})

    assert records.all()[0]["text"] == "\ud800\u2028</script>\0"


def test_a_request_that_goes_on_keeps_its_first_items(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_ITEMS", 3)
    records = Records()
    records.add(1, {"n": 0}, is_head=True)
    for n in range(1, 9):
        records.add(1, {"n": n})

    assert numbers(records) == [0, 6, 7, 8]
    assert numbers(records, records.last - 2) == [7, 8]
    records.finish(1)
    assert numbers(records) == [6, 7, 8]
    records.clear()
    assert numbers(records) == []
    assert records.size == 0


def test_waiting_ends_with_the_next_item() -> None:
    records = Records()
    thread = threading.Thread(target=records.wait, args=(0, 60))
    thread.start()
    while not records._waiting:
        time.sleep(0.001)
    records.add(1, {"n": 0})

    thread.join(20)

    assert not thread.is_alive()
    assert records._waiting == set()


def test_only_a_few_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 0)

    # Otherwise it would wait for hours.
    assert not Records().wait(0, 10_000)


def test_idle_browsers_without_a_panel_go_first(timeline: Timeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeline_module, "MOST_BROWSERS", 2)
    read = timeline.records_of("read")
    read.since(0)
    unread = timeline.records_of("unread")

    timeline.records_of("third")

    assert timeline.records_of("read") is read
    assert timeline.records_of("unread") is not unread
    for name in ("a", "b", "c"):
        timeline.records_of(name).since(0)
    assert timeline.records_of("read") is not read


@given(st.text(), st.integers(1, 50))
def test_long_texts_are_shortened(text: str, limit: int) -> None:
    found = shorten(text, limit)

    assert found == text if len(text) <= limit else found.startswith(text[:limit]) and "more characters" in found


def test_ids_are_never_reused(timeline: Timeline) -> None:
    found: list[Any] = [timeline.next_id() for _ in range(3)]

    assert found == sorted(set(found))
