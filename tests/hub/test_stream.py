"""``Stream`` by itself: its queue, how it takes direct writes, and how it ends."""

from __future__ import annotations

import time
from typing import Any

import pytest
from flask import Flask

from flask_datastar.brokers.payload import Payload
from flask_datastar.hooks import Reason
from flask_datastar.hub.outbox import LARGEST_WRITE_BYTES
from flask_datastar.hub.stream import Stream
from flask_datastar.sansio.endings import Ending, EndingKind
from tests.conftest import MakeApp
from tests.support.streams import hub_for


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return make_app(DATASTAR_MAX_QUEUED_EVENTS=4, DATASTAR_MAX_QUEUED_BYTES=1000)


@pytest.fixture
def stream(app: Flask) -> Stream:
    return hub_for(app).new_stream()


# The queue


def test_what_was_put_is_taken_in_its_order(stream: Stream) -> None:
    assert stream.take() == b""
    for number in range(3):
        stream.put(Payload(b"%d" % number, f"row-{number}" if number < 2 else None))
    assert (stream.waiting, stream.last_id) == (3, "")

    assert stream.take() == b"012"

    assert (stream.waiting, stream.last_id, stream.take()) == (0, "row-1", b"")


def test_one_write_takes_no_more_than_the_largest_unless_one_event_is_larger(make_app: MakeApp) -> None:
    app = make_app(DATASTAR_MAX_QUEUED_BYTES=10 * LARGEST_WRITE_BYTES)
    stream = hub_for(app).new_stream()
    large, half = b"x" * (LARGEST_WRITE_BYTES + 1), b"y" * (LARGEST_WRITE_BYTES // 2)
    for data in (large, half, half, b"z"):
        stream.put(Payload(data))

    assert [stream.take() for _ in range(4)] == [large, half + half, b"z", b""]


@pytest.mark.parametrize(("count", "size"), [(4, 10), (3, 300)])
def test_stream_that_can_take_no_more_ends(app: Flask, stream: Stream, count: int, size: int) -> None:
    for _ in range(count):
        stream.put(Payload(b"x" * size))
    assert not stream.must_end

    stream.put(Payload(b"x" * size))

    assert stream.ending == Ending(EndingKind.RESTART)
    assert (stream.reason, stream.waiting, stream.take()) == (Reason.SLOW, 0, b"")
    stream.put(Payload(b"late"))
    assert stream.waiting == 0
    assert hub_for(app).stats()["dropped"] == 1


def test_one_event_is_taken_whatever_its_size(stream: Stream) -> None:
    stream.put(Payload(b"x" * 5000))

    assert len(stream.take()) == 5000


# Endings


@pytest.mark.parametrize("end", [lambda stream: stream.end(Reason.DONE), Stream.leave])
def test_reason_and_time_are_there_before_the_stream_is_seen_to_end(
    app: Flask, monkeypatch: pytest.MonkeyPatch, end: Any
) -> None:
    seen: list[tuple[Reason | None, float]] = []

    # Another thread may look at any moment: a timer would cut a connection by a time that is not set yet.
    class Watched(Stream):
        def __setattr__(self, name: str, value: object) -> None:
            if name in ("ending", "is_gone") and value:
                seen.append((self.reason, self.ended_at))
            super().__setattr__(name, value)

    monkeypatch.setattr("flask_datastar.hub.hub.Stream", Watched)
    begin = time.monotonic()
    stream = hub_for(app).new_stream()
    end(stream)

    assert stream.must_end
    assert [bool(reason) and ended_at >= begin for reason, ended_at in seen] == [True]


def test_first_ending_decides(stream: Stream) -> None:
    assert stream.end(Reason.DONE)
    assert not stream.end(Reason.AGE)
    stream.leave()
    stream.leave()

    assert (stream.ending, stream.reason, stream.is_gone) == (Ending(EndingKind.DONE), Reason.DONE, True)


@pytest.mark.parametrize("reason", Reason)
def test_reason_decides_what_the_client_is_told(stream: Stream, reason: Reason) -> None:
    assert stream.end(reason, page="p2", failures=1)

    told = {Reason.DONE: EndingKind.DONE, Reason.REPLACED: EndingKind.REPLACED}.get(reason, EndingKind.RESTART)
    assert stream.ending == Ending(told, page="p2", failures=1)
    assert stream.reason is reason


def test_only_what_the_registry_of_tabs_ends_is_for_one_person(app: Flask) -> None:
    streams = [hub_for(app).new_stream() for _ in range(2)]
    streams[0].end(Reason.STOPPING)
    streams[1].end_as(Reason.RESTART, None)

    assert [stream.is_for_one for stream in streams] == [False, True]


def test_client_that_has_left_is_sent_no_ending(stream: Stream) -> None:
    stream.leave()

    assert not stream.end(Reason.STOPPING)
    assert (stream.ending, stream.reason) == (None, Reason.LEFT)


def test_end_wakes_whoever_waits(stream: Stream) -> None:
    for end in (lambda: stream.end(Reason.DONE), stream.leave):
        stream.wakeup.clear()
        end()
        assert stream.wakeup.wait(0)
