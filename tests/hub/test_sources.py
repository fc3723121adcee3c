"""Sources: what streams follow besides topics, with a first state."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from flask_datastar import Datastar
from flask_datastar.brokers.payload import MessageKind, Payload
from flask_datastar.hub.sources import Followable, Source
from flask_datastar.hub.topics import Subscriber, Topics
from flask_datastar.sse import patch_elements
from tests.support.streams import Connect


class Counter:
    """A number that is followed: its present value first, then each change."""

    def __init__(self) -> None:
        self.value = 0
        self.topics = Topics()
        self.attached = 0

    def __datastar_source__(self) -> CounterSource:
        return CounterSource(self)

    def event(self) -> Payload:
        return Payload(patch_elements(f'<p id="count">{self.value}</p>').encode())

    def set(self, value: int) -> None:
        self.value = value
        self.topics.publish("", MessageKind.EVENTS, self.event())


class CounterSource:
    def __init__(self, counter: Counter) -> None:
        self.counter = counter

    @property
    def key(self) -> int:
        return id(self.counter)

    def attach(self, subscriber: Subscriber) -> None:
        subscriber.deliver("", MessageKind.EVENTS, self.counter.event())
        self.counter.topics.subscribe(("",), subscriber)
        self.counter.attached += 1

    def hand_over(self, subscriber: Subscriber, taker: Subscriber) -> None:
        self.counter.topics.hand_over(("",), subscriber, taker)

    def detach(self, subscriber: Subscriber) -> None:
        self.counter.topics.unsubscribe(("",), subscriber)
        self.counter.attached -= 1


class Broken:
    def __datastar_source__(self) -> Broken:
        return self

    @property
    def key(self) -> int:
        return id(self)

    def attach(self, subscriber: Subscriber) -> None:
        raise RuntimeError("it cannot be read")

    def hand_over(self, subscriber: Subscriber, taker: Subscriber) -> None: ...

    def detach(self, subscriber: Subscriber) -> None:
        raise AssertionError("it was never attached")


@pytest.fixture
def counter() -> Iterator[Counter]:
    counter = Counter()
    yield counter
    assert counter.attached == 0
    assert counter.topics.is_empty


@pytest.fixture(params=["function", "generator"])
def path(request: pytest.FixtureRequest, app: Flask, datastar: Datastar, counter: Counter) -> str:
    """The path of a stream that follows the counter and a topic."""

    @datastar.stream(group="counter")
    def function() -> Any:
        feed = datastar.follow(counter, "news")
        datastar.signal("opened", True)
        return feed

    @datastar.stream(group="counter")
    def generator() -> Any:
        feed = datastar.follow("news", counter)
        datastar.signal("opened", True)
        yield
        yield from feed

    return f"/ds/counter/{request.param}"


def test_the_state_comes_before_every_change(
    app: Flask, datastar: Datastar, counter: Counter, path: str, connect: Connect
) -> None:
    counter.value = 3
    connection = connect(path)
    connection.wait('<p id="count">3</p>')
    assert connection.received.index(b'"opened":true') < connection.received.index(b"count")

    counter.set(4)
    connection.wait('<p id="count">4</p>')
    with app.app_context():
        datastar.broadcast("news").console_log("news")
    connection.wait("news")
    assert connection.received.count(b'id="count"') == 2


def test_what_changes_while_the_stream_opens_is_not_lost(
    app: Flask, datastar: Datastar, counter: Counter, connect: Connect
) -> None:
    @datastar.stream(group="early")
    def early() -> Any:
        feed = datastar.follow(counter)
        counter.set(1)
        return feed

    connection = connect("/ds/early/early")
    connection.wait('<p id="count">1</p>')

    assert connection.received.index(b">0</p>") < connection.received.index(b">1</p>")


def test_a_request_that_opens_no_stream_lets_its_sources_go(app: Flask, datastar: Datastar, counter: Counter) -> None:
    @app.get("/page")
    def page() -> str:
        datastar.follow(counter)
        assert counter.attached == 1
        return "no stream"

    assert app.test_client().get("/page").text == "no stream"
    assert counter.attached == 0


def test_a_source_that_cannot_be_attached_leaves_nothing(app: Flask, datastar: Datastar, counter: Counter) -> None:
    with app.test_request_context(), pytest.raises(RuntimeError, match="it cannot be read"):
        datastar.follow("news", counter, Broken())

    assert counter.attached == 0


def test_sources_are_told_from_topics() -> None:
    source: Source = CounterSource(Counter())

    assert isinstance(Counter(), Followable)
    assert not isinstance("news", Followable)
    assert not isinstance(source, Followable)


def test_anything_else_is_refused(app: Flask, datastar: Datastar) -> None:
    with app.test_request_context(), pytest.raises(TypeError, match="topic is Topics; accepted: str"):
        datastar.follow(Topics())  # type: ignore[arg-type]
