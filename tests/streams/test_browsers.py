"""The line in the log, in debug mode, about a browser whose streams hold nearly all of its connections."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from flask_datastar import Datastar
from tests.conftest import MakeApp
from tests.support.streams import Connect

BROWSER = {"User-Agent": "Browser/1", "X-Name": "ann"}
CLIENT = {"SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1"}
LINE = "a browser at 127.0.0.1 holds 5 streams over HTTP/1.1"


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    app = make_app()
    app.debug = True
    datastar: Datastar = app.extensions["datastar"]

    @datastar.stream(group="g")
    def feed(number: int = 0) -> Any:
        return datastar.follow("news")

    @datastar.stream(group="g")
    def live(number: int = 0) -> Any:
        for _ in datastar.changes("news"):
            yield

    return app


def open_streams(connect: Connect, count: int, headers: dict[str, str] = BROWSER, **environ: Any) -> list[Any]:
    paths = [f"/ds/g/{'live' if number % 2 else 'feed'}?number={number}" for number in range(count)]
    return [connect(path, headers=headers, **{**CLIENT, **environ}).wait_open() for path in paths]


def test_fifth_stream_of_a_browser_is_said_once(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    open_streams(connect, 4)
    assert LINE not in caplog.text

    open_streams(connect, 3)

    assert caplog.text.count("streams over HTTP/1.1") == 1
    assert LINE in caplog.text


def test_streams_that_have_ended_do_not_count(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    for connection in open_streams(connect, 4):
        connection.close()

    open_streams(connect, 4)

    assert "HTTP/1.1" not in caplog.text


@pytest.mark.parametrize(
    "other",
    [
        {"REMOTE_ADDR": "127.0.0.2"},
        {"headers": {"User-Agent": "Browser/2"}},
        # The connections of a proxy are not the browser's.
        {"headers": {**BROWSER, "X-Forwarded-For": "10.0.0.1"}},
        {"SERVER_PROTOCOL": "HTTP/2.0"},
    ],
    ids=str,
)
def test_other_browsers_count_for_themselves(
    connect: Connect, caplog: pytest.LogCaptureFixture, other: dict[str, Any]
) -> None:
    open_streams(connect, 4)

    open_streams(connect, 4, **other)

    assert "streams over HTTP/1.1" not in caplog.text


def test_without_debug_mode_nothing_is_said(app: Flask, connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    app.debug = False

    open_streams(connect, 6)

    assert "streams over HTTP/1.1" not in caplog.text


def test_apps_count_for_themselves(make_app: MakeApp, connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    other = make_app()
    other.debug = True
    datastar: Datastar = other.extensions["datastar"]

    @datastar.stream(group="g")
    def feed(number: int = 0) -> Any:
        return datastar.follow("news")

    open_streams(connect, 4)
    for _ in range(4):
        connect("/ds/g/feed", app=other, headers=BROWSER, **CLIENT).wait_open()

    assert "streams over HTTP/1.1" not in caplog.text
