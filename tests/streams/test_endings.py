"""How streams end, and what the request that comes back with the last id gets."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from flask import Flask, got_request_exception, request

from flask_datastar import Datastar, sse
from flask_datastar.sansio.stream_events import OPENED, stream_ending
from flask_datastar.streams import body
from tests.conftest import MakeApp
from tests.support.streams import Connect, assert_nothing_is_left
from tests.support.wsgi import call, ending

FIRST, SECOND = sse.patch_elements("<p id='a'>1</p>"), sse.patch_elements("<p id='a'>2</p>")


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    """An app as in production: errors are logged, and nothing is raised to the server."""
    return make_app(TESTING=False, DATASTAR_RESTART_SPREAD_SECONDS=2)


@pytest.fixture(params=["follow", "generator"])
def stream(request: pytest.FixtureRequest, datastar: Datastar) -> str:
    """A stream that lives until it is ended, of either kind."""
    if request.param == "follow":

        @datastar.stream(group="g", scope="ann")
        def stream() -> Any:
            return datastar.follow("news")

    else:

        def follow(feed: Iterable[Any]) -> Iterator[Any]:
            yield
            yield from feed

        @datastar.stream(group="g", scope="ann")
        def stream() -> Iterator[Any]:
            # Subscribed before the generator runs, and so before the stream is open.
            return follow(datastar.follow("news"))

    return "/ds/g/stream"


def tab(text: str) -> dict[str, str]:
    return {"tabId": text}


# Done


def test_generator_that_has_finished_is_done(app: Flask, datastar: Datastar, connect: Connect) -> None:
    @datastar.stream(group="g")
    def stream() -> Iterator[Any]:
        yield FIRST
        datastar.signal("a", 1)
        return SECOND

    connection = connect("/ds/g/stream")

    assert ending(connection.wait_end()) == ("ds:done", None)
    assert connection.received == FIRST.encode() + SECOND.encode() + sse.patch_signals({"a": 1}).encode() + (
        b"id: ds:done\n\n"
    )
    assert datastar_stats(app)["ended"] == {"done": 1}


def test_empty_generator_is_done(datastar: Datastar, connect: Connect) -> None:
    @datastar.stream(group="g")
    def stream() -> Iterator[Any]:
        yield from ()

    connection = connect("/ds/g/stream")

    assert connection.wait_end() == b"id: ds:done"
    assert connection.raw == OPENED + stream_ending("done") + b"id: ds:done\n\n"


def test_after_done_the_answer_is_204(datastar: Datastar, connect: Connect, stream: str) -> None:
    connection = connect(stream, last_id="ds:done", signals=tab("t.p"))

    connection.wait_end()

    assert (connection.status, connection.raw) == (204, b"")


def test_closed_tab_is_done(app: Flask, datastar: Datastar, connect: Connect, stream: str) -> None:
    one = connect(stream, signals=tab("t1.p")).wait_open()
    other = connect(stream, signals=tab("t2.p")).wait_open()
    with app.app_context():
        assert datastar.tabs.close("ann", "t1") == 1

    assert ending(one.wait_end()) == ("ds:done", None)
    assert not other.has_ended


@pytest.mark.parametrize("restart", [True, False])
@pytest.mark.parametrize("tabs", [["t"], []])
def test_stream_that_is_about_to_open_is_closed_too(
    app: Flask, datastar: Datastar, connect: Connect, tabs: list[str], restart: bool
) -> None:
    """Somebody who signs out is not to keep a page whose request had passed the login check just before."""

    @datastar.stream(group="g", scope="ann")
    def stream() -> Any:
        assert datastar.tabs.close("ben") == datastar.tabs.close("ann", "other") == 0
        feed = datastar.follow("news")
        assert datastar.tabs.close("ann", *tabs, restart=restart) == 1
        return feed

    connection = connect("/ds/g/stream", signals=tab("t.p"))

    assert ending(connection.wait_end())[0] == ("ds:restart:0:" if restart else "ds:done")
    assert_nothing_is_left(app)


def test_closed_scope_takes_streams_without_a_tab_along(
    app: Flask, datastar: Datastar, connect: Connect, stream: str
) -> None:
    connections = [connect(stream, signals=signals).wait_open() for signals in (tab("t.p"), None, {"tabId": "?"})]
    with app.app_context():
        assert datastar.tabs.count() == 1
        assert sorted(info.tab or "" for info in datastar.tabs.snapshot()) == ["", "", "t"]
        assert datastar.tabs.scopes() == datastar.tabs.scopes(everywhere=True) == {"ann"}
        assert datastar.tabs.close("ann") == 3

    for connection in connections:
        assert ending(connection.wait_end()) == ("ds:done", None)


def test_what_was_sent_to_a_stream_before_its_end_is_not_lost(
    app: Flask, datastar: Datastar, connect: Connect, stream: str
) -> None:
    events = [sse.patch_elements(f"<p id='a'>{number}{'x' * 1000}</p>") for number in range(300)]
    connection = connect(stream, signals=tab("t.p")).wait_open()
    with app.app_context():
        connection.reads.clear()
        with datastar.broadcast_to("ann", "t") as out:
            out.signal("last", 0)
        for event in events:
            datastar.broadcast("news").patch_elements(event.arguments["elements"])
        datastar.tabs.close("ann")
    connection.reads.set()

    connection.wait_end()
    assert b"".join(event.encode() for event in events) in connection.received
    assert sse.patch_signals({"last": 0}).encode() in connection.received
    assert connection.received.endswith(b"id: ds:done\n\n")


# Replaced


def test_newer_stream_of_a_tab_ends_the_older_with_its_page(connect: Connect, stream: str) -> None:
    old = connect(stream, signals=tab("t.p1")).wait_open()
    new = connect(stream, signals=tab("t.p2")).wait_open()

    assert ending(old.wait_end()) == ("ds:replaced:p2", None)
    assert not new.has_ended


@pytest.mark.parametrize("tab_id", ["t.p1", "t"])
def test_replaced_page_that_asks_for_itself_is_answered_204_and_one_warning(
    connect: Connect, stream: str, tab_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    page = tab_id.partition(".")[2]
    # Neither another tab's stream nor another page's is touched.
    others = [connect(stream, signals=tab(text)).wait_open() for text in ("other.p1", "other.p2", "else")]
    live = connect(stream, signals=tab(tab_id)).wait_open()
    for _ in range(2):
        connection = connect(stream, signals=tab(tab_id), last_id=f"ds:replaced:{page}")
        connection.wait_end()
        assert (connection.status, connection.raw) == (204, b"")

    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "stream datastar.g:stream was requested twice by one page" in caplog.text
    # Its own last id is given back to the live one, whose page would be turned away after a broken connection.
    live.wait("id: \n\n", count=2)
    assert [other.received.count(b"id: \n\n") for other in others] == [0, 0, 0]


def test_replaced_page_whose_winner_has_gone_is_live_again(connect: Connect, stream: str) -> None:
    connection = connect(stream, signals=tab("t.p1"), last_id="ds:replaced:p1").wait_open()

    assert connection.received.startswith(b"retry: 1000\n\nid: \n\n")


def test_page_replaced_by_another_gets_a_tab_of_its_own(
    app: Flask, datastar: Datastar, connect: Connect, stream: str
) -> None:
    first = connect(stream, signals=tab("t.p1")).wait_open()
    copy = connect(stream, signals=tab("t.p2"), last_id="ds:replaced:p1").wait_open()
    copy.wait("datastar-patch-signals")

    patched = re.search(rb'data: signals \{"tabId":"([0-9a-f]{16})\.p2"\}', copy.received)
    assert patched
    own = patched[1].decode()
    assert copy.received.startswith(b"retry: 1000\n\nid: \n\n")
    with app.app_context():
        assert {(info.tab, info.page) for info in datastar.tabs.snapshot()} == {("t", "p1"), (own, "p2")}
        datastar.broadcast_to("ann", own).signal("a", 1)
        datastar.broadcast_to("ann", "t").signal("b", 1)
    copy.wait('{"a":1}')
    first.wait('{"b":1}')
    assert b'{"b":1}' not in copy.received


def test_both_streams_of_a_duplicated_page_get_the_same_tab(connect: Connect, stream: str) -> None:
    copies = [
        connect(f"{stream}?x={number}", signals=tab("t.p2"), last_id="ds:replaced:p1").wait_open() for number in (1, 2)
    ]

    tabs = {copy.wait("datastar-patch-signals").partition(b'{"tabId":"')[2][:16] for copy in copies}
    assert len(tabs) == 1
    assert not any(copy.has_ended for copy in copies)


def test_without_a_scope_nothing_is_replaced(app: Flask, datastar: Datastar, connect: Connect) -> None:
    @datastar.stream(group="g")
    def open_to_all() -> Any:
        return datastar.follow("news")

    connections = [connect("/ds/g/open_to_all", signals=tab("t.p")).wait_open() for _ in range(2)]

    with app.app_context():
        datastar.broadcast("news").signal("a", 1)
        assert datastar.tabs.snapshot() == []
    for connection in connections:
        connection.wait('{"a":1}')


# Restart


def test_restart_begins_with_the_usual_interval(connect: Connect, stream: str) -> None:
    connection = connect(stream, last_id="ds:restart:0:").wait_open()

    assert connection.raw.startswith(b"retry: 1000\n\n" + OPENED)


def test_id_of_the_application_is_no_ending(connect: Connect, stream: str) -> None:
    connection = connect(stream, last_id="row-7").wait_open()

    assert connection.raw.startswith(OPENED)
    assert connection.received == b""


def test_closing_with_restart_lets_the_pages_come_back(
    app: Flask, datastar: Datastar, connect: Connect, stream: str
) -> None:
    connection = connect(stream, signals=tab("t.p")).wait_open()
    with app.app_context():
        datastar.tabs.close("ann", restart=True)

    # At once, and not spread as when a worker stops: somebody has signed out.
    assert ending(connection.wait_end()) == ("ds:restart:0:", 1500)
    assert datastar_stats(app)["ended"] == {"restart": 1}


def test_last_id_of_the_application_is_carried_on(app: Flask, datastar: Datastar, connect: Connect) -> None:
    seen: list[str | None] = []

    @datastar.stream(group="g", scope="ann")
    def generator() -> Iterator[Any]:
        seen.append(datastar.last_event_id)
        if datastar.last_event_id is None:
            yield sse.patch_elements("<p id='a'>id: 3</p>", event_id="row-1")
            yield sse.patch_elements("<p id='a'>id: 3\nid: 4</p>")
        yield from datastar.follow("news")

    first = connect("/ds/g/generator").wait_open()
    first.wait("id: 4")
    with app.app_context():
        datastar.tabs.close("ann", restart=True)
    assert ending(first.wait_end())[0] == "ds:restart:0:row-1"
    second = connect("/ds/g/generator", last_id="ds:restart:0:row-1").wait_open()
    with app.app_context():
        datastar.tabs.close("ann", restart=True)

    assert ending(second.wait_end())[0] == "ds:restart:0:row-1"
    assert seen == [None, "row-1"]


def test_broadcast_id_is_carried_on_once_it_was_sent(
    app: Flask, datastar: Datastar, connect: Connect, stream: str
) -> None:
    connection = connect(stream, last_id="ds:restart:0:old").wait_open()
    with app.app_context():
        for number in (1, 2):
            datastar.broadcast("news").patch_elements("<p id='a'></p>", event_id=f"row-{number}")
        connection.wait("row-2")
        datastar.tabs.close("ann", restart=True)

    assert ending(connection.wait_end())[0] == "ds:restart:0:row-2"


def test_stream_of_age_ends_with_restart(make_app: MakeApp, connect: Connect) -> None:
    datastar = Datastar()
    app = make_app(datastar, DATASTAR_STREAM_MAX_AGE_SECONDS=0.05, DATASTAR_KEEPALIVE_SECONDS=0.2)

    @datastar.stream(group="g")
    def stream() -> Any:
        return datastar.follow("news")

    connection = connect("/ds/g/stream", app=app)

    assert ending(connection.wait_end())[0] == "ds:restart:0:"
    assert datastar_stats(app)["ended"] == {"age": 1}


def test_stream_without_a_maximum_age_has_none(make_app: MakeApp, connect: Connect) -> None:
    datastar = Datastar()
    app = make_app(datastar, DATASTAR_STREAM_MAX_AGE_SECONDS=0, DATASTAR_KEEPALIVE_SECONDS=0.04)

    @datastar.stream(group="g")
    def stream() -> Any:
        return datastar.follow("news")

    connect("/ds/g/stream", app=app).wait(":\n\n", count=3)


# Exceptions


def fails_at_once(datastar: Datastar) -> Iterator[Any]:
    raise RuntimeError("broken")
    yield


def fails_later(datastar: Datastar) -> Iterator[Any]:
    yield FIRST
    raise RuntimeError("broken")


def yields_nothing_to_send(datastar: Datastar) -> Iterator[Any]:
    yield 5


def returns_nothing_to_send(datastar: Datastar) -> Iterator[Any]:
    yield
    return 5


def sets_what_is_no_json(datastar: Datastar) -> Iterator[Any]:
    datastar.signal("a", object())
    yield


def sets_what_is_no_json_at_last(datastar: Datastar) -> Iterator[Any]:
    yield
    datastar.signal("a", float("nan"))


def fails_at_a_wait(datastar: Datastar) -> Iterator[Any]:
    for tick in datastar.every(0.001):
        yield
        if tick:
            raise RuntimeError("broken")


@pytest.mark.parametrize(
    "function",
    [
        *[fails_at_once, fails_later, yields_nothing_to_send, returns_nothing_to_send, sets_what_is_no_json],
        *[sets_what_is_no_json_at_last, fails_at_a_wait],
    ],
)
def test_exception_is_logged_and_the_body_ends_cleanly(
    app: Flask,
    datastar: Datastar,
    connect: Connect,
    function: Callable[[Datastar], Iterator[Any]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    @datastar.stream(group="g")
    def stream() -> Iterator[Any]:
        return function(datastar)

    connection = connect("/ds/g/stream")

    event_id, retry_ms = ending(connection.wait_end())
    assert event_id == "ds:restart:1:"
    assert retry_ms is not None
    assert 2000 <= retry_ms <= 2500
    assert [record.exc_info is not None for record in caplog.records] == [True]
    assert datastar_stats(app)["ended"] == {"failed": 1}


def test_failures_in_a_row_are_counted_and_the_interval_grows(
    datastar: Datastar, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    @datastar.stream(group="g")
    def stream() -> Iterator[Any]:
        yield from fails_later(datastar)

    intervals, last_id = [], None
    for number in range(1, 9):
        event_id, retry_ms = ending(connect("/ds/g/stream", last_id=last_id).wait_end())
        assert event_id == f"ds:restart:{number}:"
        assert retry_ms is not None
        intervals.append(retry_ms)
        last_id = event_id

    assert intervals[:5] == sorted(intervals[:5])
    assert all(60_000 <= interval <= 75_000 for interval in intervals[5:])


def test_stream_that_ran_for_long_has_recovered(
    datastar: Datastar, connect: Connect, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(body, "MAX_BACKOFF_MS", -1)

    @datastar.stream(group="g")
    def stream() -> Iterator[Any]:
        yield from fails_later(datastar)

    connection = connect("/ds/g/stream", last_id="ds:restart:7:row-7")

    assert ending(connection.wait_end())[0] == "ds:restart:1:row-7"


def test_generator_whose_cleaning_up_fails_ends_cleanly_too(
    app: Flask, datastar: Datastar, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    @datastar.stream(group="g", scope="ann")
    def stream() -> Iterator[Any]:
        try:
            for _ in datastar.every(30):
                yield FIRST
        finally:
            raise RuntimeError("broken")

    connection = connect("/ds/g/stream").wait_open()
    connection.wait("elements")
    with app.app_context():
        datastar.tabs.close("ann")

    assert ending(connection.wait_end())[0] == "ds:done"
    assert "broken" in caplog.text


@pytest.mark.parametrize("waits", [True, False])
@pytest.mark.parametrize("leaves", [True, False])
def test_teardown_function_that_fails_breaks_nothing_off(
    app: Flask, datastar: Datastar, connect: Connect, caplog: pytest.LogCaptureFixture, leaves: bool, waits: bool
) -> None:
    """As that of a driver whose connection must not be closed twice: Flask calls it when the view has returned, too."""
    is_running = threading.Event()

    @app.teardown_request
    def fail(error: BaseException | None) -> None:
        if is_running.is_set():
            raise RuntimeError("broken")

    @datastar.stream(group="g", scope="ann")
    def stream() -> Iterator[Any]:
        is_running.set()
        for _ in datastar.every(30 if waits else 0.001):
            yield FIRST

    connection = connect("/ds/g/stream").wait_open()
    connection.wait("elements")
    if leaves:
        connection.close()
        # Whoever leaves at the moment of a write breaks that off.
        assert connection.error is None or isinstance(connection.error, BrokenPipeError)
    else:
        with app.app_context():
            datastar.tabs.close("ann", restart=True)
        assert ending(connection.wait_end())[0] == "ds:restart:0:"
    assert_nothing_is_left(app)
    assert datastar_stats(app)["ended"] == {"left" if leaves else "restart": 1}
    assert "broken" in caplog.text


class Gone(Exception):
    """What a server raises of its own when it writes to a client that has left, as waitress does."""


@pytest.mark.parametrize("broken", [BrokenPipeError, ConnectionResetError, Gone, ValueError, RuntimeError])
def test_whatever_the_server_s_write_raises_is_the_client_leaving(
    make_app: MakeApp, connect: Connect, caplog: pytest.LogCaptureFixture, broken: type[Exception]
) -> None:
    app = make_app(TESTING=False, DATASTAR_KEEPALIVE_SECONDS=0.05)
    datastar: Datastar = app.extensions["datastar"]
    ended: list[str] = []

    @datastar.stream(group="g")
    def stream() -> Iterator[Any]:
        try:
            yield FIRST
            yield from datastar.follow("news")
        finally:
            ended.append(request.path)

    with got_request_exception.connected_to(pytest.fail, app):
        connection = connect("/ds/g/stream", app=app, has_socket=False, broken=broken)
        connection.wait("elements")
        connection.leave()
        # Noticed by the next keep-alive, and the server has nothing left to write.
        assert connection.wait_end() is not None

    assert ended == ["/ds/g/stream"]
    assert datastar_stats(app)["ended"] == {"left": 1}
    assert [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")] == []


def test_generator_that_will_not_end_is_closed(
    app: Flask, datastar: Datastar, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    @datastar.stream(group="g", scope="ann")
    def stream() -> Iterator[Any]:
        for _ in range(3):
            with suppress(BaseException):
                yield FIRST
                yield from datastar.follow("news")

    connection = connect("/ds/g/stream").wait_open()
    connection.wait("elements")
    with app.app_context():
        datastar.tabs.close("ann")

    assert ending(connection.wait_end())[0] == "ds:done"
    assert "generator ignored GeneratorExit" in caplog.text
    assert connection.error is None


def test_generator_that_waits_in_its_cleaning_up_does_not(app: Flask, datastar: Datastar, connect: Connect) -> None:
    closed: list[str] = []

    @datastar.stream(group="g", scope="ann")
    def stream() -> Iterator[Any]:
        try:
            yield FIRST
            yield from datastar.follow("news")
        finally:
            for _ in datastar.every(30):
                closed.append("tick")

    connection = connect("/ds/g/stream")
    connection.wait("elements")
    with app.app_context():
        datastar.tabs.close("ann")

    assert ending(connection.wait_end())[0] == "ds:done"
    assert closed == ["tick"]


@pytest.mark.parametrize("has_ended", [True, False])
def test_generator_that_waits_in_its_cleaning_up_does_not_while_its_chunk_is_sent(
    app: Flask, datastar: Datastar, has_ended: bool, caplog: pytest.LogCaptureFixture
) -> None:
    closed: list[str] = []

    @datastar.stream(group="g", scope="ann")
    def stream() -> Iterator[Any]:
        try:
            yield FIRST
        finally:
            for _ in datastar.every(30):
                closed.append("tick")

    body = call(app, "/ds/g/stream")[2]
    assert [next(body), next(body)] == [OPENED, FIRST.encode()]
    if has_ended:
        with app.app_context():
            datastar.tabs.close("ann")
        assert list(body) == [stream_ending("done") + b"id: ds:done\n\n"]
    body.close()

    assert closed == ["tick"]
    assert caplog.text == ""


def test_iterator_that_cannot_be_closed_is_a_stream_too(app: Flask, datastar: Datastar, connect: Connect) -> None:
    @datastar.stream(group="g")
    def stream() -> Any:
        return iter([FIRST, {"a": 1}])

    connection = connect("/ds/g/stream")

    assert ending(connection.wait_end())[0] == "ds:done"
    assert connection.events[:2] == [FIRST, sse.patch_signals({"a": 1})]
    assert datastar_stats(app)["ended"] == {"done": 1}


def datastar_stats(app: Flask) -> dict[str, Any]:
    with app.app_context():
        stats: dict[str, Any] = app.extensions["datastar"].stats()
    return stats
