"""What reaches no stream, in debug mode: one line in the log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from flask_datastar import Datastar
from tests.conftest import MakeApp
from tests.support.streams import Connect, wait_subscribed


@pytest.fixture
def datastar() -> Datastar:
    return Datastar()


@pytest.fixture
def app(make_app: MakeApp, datastar: Datastar) -> Flask:
    app = make_app(datastar, DEBUG=True)

    @datastar.stream(group="g", scope="ann")
    def follow() -> Any:
        return datastar.follow("board-1")

    @datastar.stream(group="g")
    def subscribe() -> Iterator[None]:
        for _ in datastar.subscribe("board-1"):
            yield

    @datastar.stream(group="g")
    def changes() -> Iterator[None]:
        for _ in datastar.changes("board-1"):
            yield

    return app


def publish(datastar: Datastar, topic: str) -> None:
    datastar.publish(topic)


def broadcast(datastar: Datastar, topic: str) -> None:
    datastar.broadcast(topic).signal("a", 1)


Send = Callable[[Datastar, str], None]


@pytest.mark.parametrize("send", [publish, broadcast])
def test_topic_that_nobody_listens_to_is_logged_once(
    app: Flask, datastar: Datastar, connect: Connect, send: Send, caplog: pytest.LogCaptureFixture
) -> None:
    app.test_client().get("/")
    connect("/ds/g/changes").wait_open()
    wait_subscribed(app, "board-1")
    with app.app_context():
        for _ in range(3):
            send(datastar, "bord-1")
            send(datastar, "board-1")
        send(datastar, "weather")

    messages = [record.getMessage() for record in caplog.records]
    assert messages == [
        "Datastar: a message to topic 'bord-1' reached no stream; there are streams of 'board-1'",
        "Datastar: a message to topic 'weather' reached no stream",
    ]


@pytest.mark.parametrize(
    ("stream", "send", "other"), [("follow", publish, "broadcast"), ("subscribe", broadcast, "publish")]
)
def test_topic_whose_streams_wait_for_something_else_is_logged(
    app: Flask,
    datastar: Datastar,
    connect: Connect,
    stream: str,
    send: Send,
    other: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    app.test_client().get("/")
    connect(f"/ds/g/{stream}").wait_open()
    wait_subscribed(app, "board-1")
    with app.app_context():
        send(datastar, "board-1")

    (record,) = caplog.records
    assert f"which gets only what {other}('board-1') sends" in record.getMessage()


@pytest.mark.parametrize(("stream", "send"), [("follow", broadcast), ("subscribe", publish), ("changes", publish)])
def test_what_is_heard_is_not_logged(
    app: Flask, datastar: Datastar, connect: Connect, stream: str, send: Send, caplog: pytest.LogCaptureFixture
) -> None:
    app.test_client().get("/")
    connect(f"/ds/g/{stream}").wait_open()
    wait_subscribed(app, "board-1")
    with app.app_context():
        send(datastar, "board-1")
        # Somebody who has no page open is nothing to wonder about.
        datastar.broadcast_to("bob").signal("a", 1)

    assert caplog.text == ""


def test_nothing_is_logged_without_debug_mode(app: Flask, datastar: Datastar, caplog: pytest.LogCaptureFixture) -> None:
    app.debug = False
    app.test_client().get("/")
    with app.app_context():
        datastar.publish("bord-1")

    assert caplog.text == ""
