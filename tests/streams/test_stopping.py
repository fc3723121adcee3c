"""Streams of a worker that stops, connections that take nothing after the end, and the threads that a worker has."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask, Response

from flask_datastar import Datastar
from flask_datastar.hub import lingering
from flask_datastar.transport import worker
from tests.conftest import MakeApp
from tests.streams.scripts import exit_checks
from tests.support.streams import Connect, assert_nothing_is_left, hub_for
from tests.support.wsgi import DEADLINE_SECONDS, call, ending
from tests.transport.checks import all_checks, run_check

PATH = "/ds/g/stream"


@all_checks(exit_checks, "threads", "gevent")
def test_end_of_the_process_ends_streams(kind: str, name: str) -> None:
    run_check(exit_checks, kind, name)


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return make_app(TESTING=False, DATASTAR_KEEPALIVE_SECONDS=0.2, DATASTAR_RESTART_SPREAD_SECONDS=2)


@pytest.fixture(params=["follow", "generator"])
def stream(request: pytest.FixtureRequest, datastar: Datastar) -> None:
    """A stream that lives until it is ended, of either kind."""

    @datastar.stream(group="g", scope="ann")
    def stream() -> Any:
        feed = datastar.follow("news")
        return feed if request.param == "follow" else (None for _ in feed)


@contextmanager
def unread(app: Flask, path: str = PATH, **options: Any) -> Iterator[tuple[Any, socket.socket, socket.socket]]:
    """Give the body of a stream whose first chunk the server is writing, and both sides of its connection."""
    server, client = socket.socketpair()
    with server, client:
        body = call(app, path, **{"werkzeug.socket": server}, **options)[2]
        next(body)
        client.settimeout(DEADLINE_SECONDS)
        try:
            yield body, server, client
        finally:
            body.close()


@pytest.mark.usefixtures("stream")
def test_streams_of_a_worker_that_stops_come_back(
    app: Flask, datastar: Datastar, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections = [connect(PATH, signals={"tabId": f"t{number}.p"}).wait_open() for number in range(3)]
    monkeypatch.setattr(worker, "is_stopping", lambda: True)

    for connection in connections:
        event_id, retry_ms = ending(connection.wait_end())
        assert event_id == "ds:restart:0:"
        assert retry_ms is not None
        assert 1500 <= retry_ms <= 2000
    with app.app_context():
        assert datastar.stats()["ended"] == {"stopping": 3}


@pytest.mark.usefixtures("stream")
def test_stream_that_comes_while_the_worker_stops_is_sent_elsewhere(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "is_stopping", lambda: True)
    connection = connect(PATH, last_id="ds:restart:0:row-7")

    event_id, retry_ms = ending(connection.wait_end())
    assert event_id == "ds:restart:0:row-7"
    assert retry_ms is not None
    assert connection.raw.startswith(b"retry: 1000\n\n")


@pytest.mark.usefixtures("stream")
def test_stream_that_was_on_its_way_when_the_others_ended_is_sent_elsewhere(app: Flask, connect: Connect) -> None:
    """As by an after-request function that saves a session on another machine."""

    @app.after_request
    def stop(response: Response) -> Response:
        hub_for(app).stop()
        return response

    event_id, retry_ms = ending(connect(PATH, signals={"tabId": "t.p"}).wait_end())
    assert event_id == "ds:restart:0:"
    assert retry_ms is not None


@pytest.mark.usefixtures("stream")
@pytest.mark.parametrize("is_stopping", [True, False])
def test_connection_of_a_worker_that_stops_has_no_next_request(app: Flask, is_stopping: bool) -> None:
    with unread(app) as (body, server, client):
        if is_stopping:
            hub_for(app).stop()
        body.close()

        # The server would read the next request from here.
        if is_stopping:
            assert server.recv(1) == b""
        else:
            with pytest.raises(BlockingIOError):
                server.recv(1, socket.MSG_DONTWAIT)
        # What is still to be written can be.
        server.sendall(b"x")
        assert client.recv(1) == b"x"


@pytest.mark.usefixtures("stream")
@pytest.mark.parametrize("is_stopping", [True, False])
def test_connection_that_takes_nothing_after_the_end_is_shut(
    app: Flask, datastar: Datastar, monkeypatch: pytest.MonkeyPatch, is_stopping: bool
) -> None:
    monkeypatch.setattr(lingering, "_LINGER_SECONDS", 60 if is_stopping else 0.05)
    monkeypatch.setattr(lingering, "_LINGER_STOPPING_SECONDS", 0.05)
    with unread(app) as (_, _, client), app.app_context():
        if is_stopping:
            monkeypatch.setattr(worker, "is_stopping", lambda: True)
        else:
            datastar.tabs.close("ann")

        assert client.recv(1) == b""


@pytest.mark.usefixtures("stream")
def test_connection_that_does_not_take_the_end_of_the_body_is_shut(
    app: Flask, datastar: Datastar, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server writes it after the last chunk, and before it closes the body."""
    monkeypatch.setattr(lingering, "_LINGER_SECONDS", 0.05)
    with unread(app) as (body, _, client), app.app_context():
        datastar.tabs.close("ann")
        assert b"".join(body).endswith(b"id: ds:done\n\n")

        assert client.recv(1) == b""


def test_connection_of_a_stream_whose_own_code_runs_is_not_shut(
    app: Flask, datastar: Datastar, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lingering, "_LINGER_SECONDS", 0.05)
    runs, may_end = threading.Event(), threading.Event()

    @datastar.stream(group="g", scope="ann")
    def stream() -> Any:
        return datastar.follow("news")

    @datastar.stream(group="g", scope="ann")
    def works() -> Iterator[Any]:
        yield
        runs.set()
        assert may_end.wait(DEADLINE_SECONDS)
        yield {"a": 1}

    working = connect("/ds/g/works")
    with unread(app) as (_, _, stuck):
        assert runs.wait(DEADLINE_SECONDS)
        with app.app_context():
            assert datastar.tabs.close("ann") == 2

        assert stuck.recv(1) == b""
        # With the next one the timer has come by again, so it has looked at all that ended before.
        with unread(app) as (_, _, later):
            with app.app_context():
                assert datastar.tabs.close("ann") == 1
            assert later.recv(1) == b""
        assert not working.is_shut
        may_end.set()
        assert ending(working.wait_end())[0] == "ds:done"


@pytest.mark.parametrize(("threads", "limit"), [(4, 2), (20, 3)])
def test_threads_of_a_worker_are_left_to_other_requests(
    make_app: MakeApp, connect: Connect, monkeypatch: pytest.MonkeyPatch, threads: int, limit: int
) -> None:
    datastar = Datastar()
    app = make_app(datastar, TESTING=False, DATASTAR_MAX_STREAMS=3)
    monkeypatch.setattr(worker, "thread_count", lambda: threads)

    @datastar.stream(group="g")
    def stream() -> Any:
        return datastar.follow("news")

    connections = [connect(PATH, app=app) for _ in range(limit)]
    for connection in connections:
        connection.wait_open()
    refused = connect(PATH, app=app)
    refused.wait_end()

    assert refused.status == 503
    for connection in connections:
        connection.close()
    assert_nothing_is_left(app)
