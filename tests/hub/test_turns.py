"""Turns: with threads, a stream that runs late is waited for, and one whose client does not read not for long."""

from __future__ import annotations

import threading
import time

import pytest

from flask_datastar.brokers.payload import Payload
from flask_datastar.hub import turns
from flask_datastar.hub.stream import Stream
from flask_datastar.hub.turns import Turns
from tests.conftest import MakeApp
from tests.support.streams import hub_for

MESSAGES = 400


def test_thread_that_runs_late_is_waited_for(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "_PATIENCE_SECONDS", 30.0)
    hub = hub_for(make_app(DATASTAR_MAX_QUEUED_EVENTS=100))
    stream, taken, is_over = hub.new_stream(), bytearray(), threading.Event()

    def serve() -> None:
        while not (is_over.is_set() and not stream.waiting):
            stream.wakeup.wait(0.01)
            stream.wakeup.clear()
            # The machine has other things to do.
            time.sleep(0.03)
            taken.extend(stream.take())

    serving = threading.Thread(target=serve)
    serving.start()
    for _ in range(MESSAGES):
        stream.put(Payload(b"x"))
        hub.turns.relieve()
    is_over.set()
    serving.join()

    assert len(taken) == MESSAGES
    assert not stream.must_end


@pytest.mark.parametrize("has_greenlets", [False, True])
def test_each_stream_is_waited_for_once_until_it_takes_something(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, has_greenlets: bool
) -> None:
    monkeypatch.setattr(turns, "is_gevent", lambda: has_greenlets)
    hub = hub_for(make_app(DATASTAR_MAX_QUEUED_EVENTS=10))
    stream, pressed = hub.new_stream(), []

    def press(queue: Stream) -> None:
        pressed.append(queue)
        hub.turns.press(queue)

    def put(count: int) -> None:
        for _ in range(count):
            stream.put(Payload(b"x"))
            hub.turns.relieve()

    stream.on_pressed = press
    put(4)
    assert pressed == []
    # Half full at the fifth. Its client does not read, so no publisher waits for it any more.
    put(5)
    assert pressed == [stream]

    stream.take()
    put(6)
    assert pressed == [stream, stream]


def test_clients_that_do_not_read_hold_publishers_up_only_for_so_long() -> None:
    class Queue:
        waited_for = False

    waiting = Turns()
    begin = time.monotonic()
    for _ in range(20):
        waiting.press(Queue())
        waiting.relieve()

    # Not half a second for each of them.
    assert time.monotonic() - begin < 5
