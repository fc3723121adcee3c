"""Messages that are larger than one write: shared by all streams, sent in slices, and limited."""

from __future__ import annotations

import random
import time
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from flask_datastar import Datastar, sse
from flask_datastar.hub.outbox import LARGEST_WRITE_BYTES, slices
from flask_datastar.testing.waiting import wait_until
from tests.conftest import MakeApp
from tests.support.streams import Connect, hub_for, wait_subscribed
from tests.support.wsgi import Connection, call, ending

#: Three writes and a little more.
LARGE = "x" * (3 * LARGEST_WRITE_BYTES + 7)
#: Longer than it takes to send, and shorter than a test.
KEEPALIVE_SECONDS = 0.05


@pytest.fixture
def datastar() -> Datastar:
    return Datastar()


@pytest.fixture
def app(make_app: MakeApp, datastar: Datastar) -> Flask:
    app = make_app(datastar, DATASTAR_KEEPALIVE_SECONDS=KEEPALIVE_SECONDS)

    @datastar.stream(group="g", scope="ann")
    def follow() -> Any:
        return datastar.follow("news")

    @datastar.stream(group="g", scope="ann")
    def forward() -> Iterator[None]:
        yield from datastar.follow("news")

    @datastar.stream(group="g", scope="ann")
    def work() -> Iterator[Any]:
        news = datastar.changes("news", at_most_every=0)
        own = datastar.follow("news")
        for number, _ in enumerate(news):
            assert own.topics
            yield sse.patch_signals({"own": number})

    return app


def broadcast(app: Flask, datastar: Datastar, name: str, text: str = LARGE) -> None:
    with app.app_context():
        datastar.broadcast("news").patch_signals({name: text})


def is_in_the_middle(app: Flask) -> bool:
    """Whether the app's only stream has taken a message, which the server writes now."""
    # A generator may subscribe a moment before its stream counts as open.
    return any(stream.is_sending and not stream.waiting for stream in hub_for(app)._snapshot())


def texts(connection: Connection) -> list[str]:
    """List the events, each of which has to be whole."""
    return [event.arguments.get("signals", "") for event in connection.events]


@pytest.mark.parametrize("has_write", [True, False])
@pytest.mark.parametrize("name", ["follow", "forward"])
def test_large_message_goes_out_in_slices_that_nothing_comes_between(
    app: Flask, datastar: Datastar, connect: Connect, name: str, has_write: bool
) -> None:
    connection = connect(f"/ds/g/{name}", has_write=has_write).wait_open()
    wait_subscribed(app)
    connection.reads.clear()
    broadcast(app, datastar, "a")
    time.sleep(2 * KEEPALIVE_SECONDS)
    broadcast(app, datastar, "b", "small")
    broadcast(app, datastar, "c")
    broadcast(app, datastar, "d", "small")
    connection.reads.set()
    connection.wait('"d":')

    assert max(connection.sizes) <= LARGEST_WRITE_BYTES
    expected = [("a", LARGE), ("b", "small"), ("c", LARGE), ("d", "small")]
    assert texts(connection) == [f'{{"{name}":"{text}"}}' for name, text in expected]


@pytest.mark.parametrize(
    "size", [0, 1, 300, LARGEST_WRITE_BYTES, LARGEST_WRITE_BYTES + 1, 3 * LARGEST_WRITE_BYTES, 1_000_000]
)
def test_the_last_slice_is_short(size: int) -> None:
    """A server keeps the last thing that it wrote for as long as a stream waits, and it keeps one for each stream."""
    data = random.Random(size).randbytes(size)
    parts = list(slices(data))

    assert b"".join(parts) == data
    assert all(0 < len(part) <= LARGEST_WRITE_BYTES for part in parts)
    assert all(len(part) <= 256 for part in parts[-1:])


def test_generator_s_own_events_stay_out_of_a_large_message(app: Flask, datastar: Datastar, connect: Connect) -> None:
    connection = connect("/ds/g/work")
    connection.wait('"own":0')
    for number in range(5):
        broadcast(app, datastar, f"a{number}")
    connection.wait('"a4":', '"own":1')

    assert max(connection.sizes) <= LARGEST_WRITE_BYTES
    shared = [text for text in texts(connection) if '"own"' not in text]
    assert shared == [f'{{"a{number}":"{LARGE}"}}' for number in range(5)]


@pytest.mark.parametrize("name", ["follow", "forward", "work"])
def test_stream_that_is_to_end_finishes_its_message(
    app: Flask, datastar: Datastar, connect: Connect, name: str
) -> None:
    connection = connect(f"/ds/g/{name}").wait_open()
    wait_subscribed(app)
    connection.reads.clear()
    broadcast(app, datastar, "a")
    wait_until(lambda: is_in_the_middle(app))
    broadcast(app, datastar, "b")
    with app.app_context():
        datastar.tabs.close("ann")
    connection.reads.set()

    assert ending(connection.wait_end())[0] == "ds:done"
    assert max(connection.sizes) <= LARGEST_WRITE_BYTES
    assert [text for text in texts(connection)[:-1] if '"own"' not in text] == [
        f'{{"{name}":"{LARGE}"}}' for name in ("a", "b")
    ]


@pytest.mark.parametrize("name", ["follow", "forward"])
def test_stream_that_is_too_slow_finishes_its_message_and_drops_the_rest(
    make_app: MakeApp, connect: Connect, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    datastar = Datastar()
    app = make_app(datastar, DATASTAR_MAX_QUEUED_EVENTS=2)

    @datastar.stream(group="g", name="follow")
    def follow() -> Any:
        return datastar.follow("news")

    @datastar.stream(group="g", name="forward")
    def forward() -> Iterator[None]:
        yield from datastar.follow("news")

    connection = connect(f"/ds/g/{name}", app=app).wait_open()
    wait_subscribed(app)
    connection.reads.clear()
    broadcast(app, datastar, "a")
    wait_until(lambda: is_in_the_middle(app))
    for number in range(3):
        broadcast(app, datastar, f"b{number}")
    connection.reads.set()

    assert ending(connection.wait_end())[0] == "ds:restart:0:"
    assert texts(connection)[:-1] == [f'{{"a":"{LARGE}"}}']


def test_stream_keeps_nothing_of_what_it_sent_first(app: Flask, datastar: Datastar) -> None:
    @datastar.stream(group="g")
    def page() -> Any:
        feed = datastar.follow("news")
        datastar.signal("page", "x" * 4_000_000)
        return feed

    body = call(app, "/ds/g/page")[2]
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    size = 0
    while size < 4_000_000:
        size += len(next(body))
    freed = before - tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    body.close()

    assert freed > -100_000


# The limit


def block(datastar: Datastar, text: str) -> None:
    with datastar.broadcast("news") as out:
        for number in range(10):
            out.patch_signals({f"a{number}": text[: len(text) // 10]})


SEND: dict[str, Callable[[Datastar, str], object]] = {
    "broadcast": lambda datastar, text: datastar.broadcast("news").patch_elements(f"<p id='a'>{text}</p>"),
    "signal": lambda datastar, text: datastar.broadcast("news").signal("a", text),
    "block": block,
    "user": lambda datastar, text: datastar.broadcast_to("ann").patch_signals({"a": text}),
    "publish": lambda datastar, text: datastar.publish("news", text),
}


@pytest.mark.parametrize("send", SEND.values(), ids=SEND)
def test_message_has_a_limit(make_app: MakeApp, send: Callable[[Datastar, str], object]) -> None:
    datastar = Datastar()
    app = make_app(datastar, DATASTAR_MAX_MESSAGE_BYTES=10_000)

    with app.app_context():
        send(datastar, "x" * 9000)
        with pytest.raises(ValueError, match=r"^message is 1[0-9]{4} bytes: .*10000.*DATASTAR_MAX_MESSAGE_BYTES.*; "):
            send(datastar, "x" * 10_001)


def test_limit_is_for_what_is_on_the_wire(app: Flask, datastar: Datastar) -> None:
    # A megabyte that a stranger typed: each line break costs 16 bytes.
    with app.app_context(), pytest.raises(ValueError, match=r"^message is 8[0-9]{6} bytes: "):
        datastar.broadcast("news").patch_elements("\n" * 520_000, selector="#a", mode="inner")
