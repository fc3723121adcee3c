"""Tabs of tests read what apps compress: pages, finite responses, and events as they come."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator

import pytest
from flask import Flask, Response

from flask_datastar import Datastar, sse
from flask_datastar.codecs.codings import CODINGS, coding_named
from flask_datastar.codecs.pool import EncoderPool
from flask_datastar.testing import DatastarClient
from tests.conftest import MakeApp


@pytest.fixture
def datastar() -> Datastar:
    return Datastar()


@pytest.fixture
def app(make_app: MakeApp, datastar: Datastar) -> Flask:
    """An app that compresses every finite response, as extensions do that see what the client accepts."""
    app = make_app(datastar, templates={"page.html": '<div data-signals="{{ datastar.init_signals() }}"></div>'})

    @app.after_request
    def compress(response: Response) -> Response:
        if not response.is_streamed:
            response.data = gzip.compress(response.data)
            response.headers["Content-Encoding"] = "gzip"
        return response

    return app


@pytest.mark.parametrize(
    ("mimetype", "body"),
    [
        ("text/event-stream", sse.patch_signals({"n": "é"}).encode().decode()),
        ("application/json", '{"n": "é"}'),
        ("text/html", '<p id="n">é</p>'),
    ],
)
def test_finite_responses_are_read(app: Flask, datastar: Datastar, mimetype: str, body: str) -> None:
    @datastar.handler(group="g")
    def answer() -> Response:
        return Response(body, mimetype=mimetype)

    answered = DatastarClient(app).post(answer)

    assert answered.response.headers["Content-Encoding"] == "gzip"
    assert answered.signals.get("n", answered.html) in ("é", '<p id="n">é</p>')


def test_pages_are_read(app: Flask, datastar: Datastar) -> None:
    @app.get("/")
    def page() -> str:
        datastar.signal("n", 1)
        from flask import render_template

        return render_template("page.html")

    tab = DatastarClient(app)
    tab.load("/")

    assert tab.signals == {"n": 1}


@pytest.mark.parametrize("coding", CODINGS)
def test_events_are_read_as_they_come(app: Flask, coding: str) -> None:
    events = [sse.patch_signals({"n": number}) for number in range(3)]
    is_read = [threading.Event() for _ in events]
    body = EncoderPool(threading.Lock()).body(coding_named(coding))

    def produce() -> Iterator[bytes]:
        yield body.start()
        for event, read in zip(events, is_read, strict=True):
            yield body.own(event.encode())
            assert read.wait(10)
        yield body.keepalive() + body.end()

    @app.get("/feed")
    def feed() -> Response:
        return Response(produce(), mimetype="text/event-stream", headers={"Content-Encoding": coding})

    found = []
    for event, read in zip(DatastarClient(app).iter_events("/feed", method="GET"), is_read, strict=True):
        found.append(event)
        read.set()

    assert found == events
