"""Exceptions of streams in debug mode: the page shows them, and comes back as ever."""

from __future__ import annotations

import html
from collections.abc import Iterator

import pytest
from flask import Flask

from flask_datastar import Datastar
from tests.conftest import MakeApp
from tests.support.streams import Connect
from tests.support.wsgi import ending


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    app = make_app(TESTING=False, DEBUG=True)
    datastar: Datastar = app.extensions["datastar"]

    @datastar.stream(group="g")
    def broken() -> Iterator[None]:
        # Not the ticks: one that is missed is dropped.
        for number, _ in enumerate(datastar.every(0.01)):
            datastar.signal("number", number)
            yield
            if number == 2:
                raise RuntimeError("in </script> a stream")

    return app


def test_exception_of_a_stream_is_shown_before_its_end(app: Flask, connect: Connect) -> None:
    connection = connect("/ds/g/broken", signals={"tabId": "t.p"})

    last = connection.wait_end()

    assert ending(last)[0] == "ds:restart:1:"
    overlay = connection.events[-2] if connection.events[-1].event_id else connection.events[-1]
    text = html.unescape(overlay.arguments["elements"])
    assert "RuntimeError: in </script> a stream (GET /ds/g/broken)" in text
    assert '"tabId": "t.p"' in text
    assert 'data: signals {"number":2}' in text.partition("<h2>Events sent</h2>")[2]
    assert "</script>" not in overlay.arguments["elements"]


@pytest.mark.parametrize("config", [{"DEBUG": False}, {"TESTING": True}, {"PROPAGATE_EXCEPTIONS": True}])
def test_nothing_is_shown_outside_of_debug_mode(app: Flask, connect: Connect, config: dict[str, bool]) -> None:
    app.config.update(config)
    connection = connect("/ds/g/broken")

    assert ending(connection.wait_end())[0] == "ds:restart:1:"

    assert b"datastar-error" not in connection.received
    assert b"a stream" not in connection.received
