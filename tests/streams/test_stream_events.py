"""What a stream tells its page about itself: that it is open, and that the server is about to end it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, abort

from flask_datastar import Datastar, sse
from flask_datastar.sse import parse_events
from flask_datastar.testing import DatastarClient
from flask_datastar.transport import worker
from tests.conftest import MakeApp
from tests.support.streams import Connect
from tests.support.wsgi import Connection, ending

OPENED = b"event: datastar-stream-opened\n\n"
PATH = "/ds/g/feed"


def declare(app: Flask) -> Datastar:
    datastar: Datastar = app.extensions["datastar"]

    @datastar.stream(group="g", scope="ann")
    def feed() -> Any:
        datastar.signal("a", 1)
        return datastar.follow("news")

    @datastar.stream(group="g", scope="ann")
    def generated() -> Iterator[Any]:
        datastar.signal("a", 1)
        yield
        for _ in datastar.every(60):
            yield

    @datastar.stream(group="g")
    def short() -> Iterator[Any]:
        yield sse.patch_signals({"a": 1})

    @datastar.stream(group="g")
    def failing() -> Iterator[Any]:
        yield sse.patch_signals({"a": 1})
        raise RuntimeError("on purpose")

    return datastar


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return make_app(TESTING=False, DATASTAR_KEEPALIVE_SECONDS=0.2)


@pytest.fixture
def datastar(app: Flask) -> Datastar:
    return declare(app)


def last_words(connection: Connection) -> dict[str, Any]:
    """Give the detail of the event that announced the end, which comes right before the id."""
    connection.wait_end()
    *_, told, last = parse_events(connection.raw)
    assert told.type == "datastar-stream-ending"
    assert (last.type, last.event_id is not None) == ("", True)
    detail = {name: json.loads(value) for name, value in told.arguments.items()}
    # What the page is told is what its client does.
    assert detail.get("retry") == last.retry_ms
    return detail


@pytest.mark.parametrize("path", [PATH, "/ds/g/generated"])
@pytest.mark.parametrize("last_id", [None, "row-7", "ds:restart:0:row-7"])
@pytest.mark.usefixtures("datastar")
def test_page_is_told_that_its_stream_is_open_before_anything_else(
    connect: Connect, path: str, last_id: str | None
) -> None:
    connection = connect(path, last_id=last_id)
    connection.wait('{"a":1}')

    assert connection.raw.removeprefix(b"retry: 1000\n\n").startswith(OPENED)
    assert connection.raw.count(OPENED) == 1


@pytest.mark.parametrize("path", [PATH, "/ds/g/generated"])
@pytest.mark.parametrize(("restart", "reason"), [(False, "done"), (True, "restart")])
def test_page_is_told_that_its_stream_is_closed(
    app: Flask, datastar: Datastar, connect: Connect, path: str, restart: bool, reason: str
) -> None:
    connection = connect(path)
    connection.wait('{"a":1}')
    with app.app_context():
        datastar.tabs.close("ann", restart=restart)

    assert last_words(connection)["reason"] == reason


@pytest.mark.usefixtures("datastar")
def test_page_is_told_that_its_generator_has_finished(connect: Connect) -> None:
    connection = connect("/ds/g/short")

    assert last_words(connection) == {"reason": "done"}


@pytest.mark.usefixtures("datastar")
def test_page_is_told_that_its_generator_has_failed(connect: Connect) -> None:
    detail = last_words(connect("/ds/g/failing"))

    assert detail["reason"] == "failed"
    assert 2000 <= detail["retry"] < 2500


@pytest.mark.usefixtures("datastar")
def test_page_that_is_replaced_is_told(connect: Connect) -> None:
    first = connect(PATH, signals={"tabId": "t.one"}).wait_open()
    connect(PATH, signals={"tabId": "t.two"}).wait_open()

    assert last_words(first) == {"reason": "replaced"}


@pytest.mark.usefixtures("datastar")
def test_page_is_told_that_the_worker_stops(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = connect(PATH).wait_open()
    monkeypatch.setattr(worker, "is_stopping", lambda: True)

    assert last_words(connection)["reason"] == "stopping"


def test_page_is_told_that_its_stream_is_of_age(make_app: MakeApp, connect: Connect) -> None:
    app = make_app(DATASTAR_STREAM_MAX_AGE_SECONDS=0.05, DATASTAR_KEEPALIVE_SECONDS=0.1)
    declare(app)

    assert last_words(connect(PATH, app=app))["reason"] == "age"


def test_page_that_is_too_slow_is_told_when_it_reads_again(make_app: MakeApp, connect: Connect) -> None:
    app = make_app(DATASTAR_MAX_QUEUED_EVENTS=2, TESTING=False)
    datastar = declare(app)
    connection = connect(PATH, app=app).wait_open()
    connection.reads.clear()
    with app.app_context():
        for number in range(50):
            datastar.broadcast("news").patch_signals({"n": number})
    connection.reads.set()

    assert last_words(connection)["reason"] == "slow"


def test_stream_that_never_was_is_not_announced(app: Flask, datastar: Datastar, connect: Connect) -> None:
    @datastar.stream(group="g")
    def refused() -> Any:
        abort(403)

    connection = connect("/ds/g/refused")

    assert ending(connection.wait_end()) == ("ds:done", None)
    assert b"datastar-stream" not in connection.raw


@pytest.mark.parametrize("last_id", ["ds:done"])
@pytest.mark.usefixtures("datastar")
def test_request_that_is_turned_away_opens_nothing(connect: Connect, last_id: str) -> None:
    connection = connect(PATH, last_id=last_id)
    connection.wait_end()

    assert (connection.status, connection.raw) == (204, b"")


@pytest.mark.usefixtures("datastar")
def test_test_client_gives_only_what_the_application_sends(app: Flask) -> None:
    found = list(DatastarClient(app).iter_events("g.short", method="GET"))

    assert found[0] == sse.patch_signals({"a": 1})
    assert [(event.type, event.event_id) for event in found[1:]] == [("", "ds:done")]
