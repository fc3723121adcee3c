"""Tabs of tests read what apps compress: pages, finite responses, and events as they come."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, Response, abort, render_template, render_template_string

from flask_datastar import Datastar, sse
from flask_datastar.codecs.codings import CODINGS, coding_named
from flask_datastar.codecs.pool import EncoderPool
from flask_datastar.testing import DatastarClient, RequestRefused
from tests.conftest import MakeApp
from tests.support.pages import CLIENT, app_with, shown


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


# Streams of the extension


@pytest.fixture
def feed(make_app: MakeApp) -> DatastarClient:
    datastar = Datastar()
    app = make_app(datastar, DATASTAR_COMPRESSION=["zstd", "gzip"])

    @datastar.stream(group="g")
    def feed() -> Any:
        found = datastar.follow("news")
        datastar.signal("n", 0)
        return found

    @datastar.stream(group="g")
    def ends() -> Iterator[None]:
        datastar.signal("n", 1)
        yield

    return DatastarClient(app)


@pytest.mark.parametrize("coding", CODINGS)
def test_streams_are_read_in_the_coding_that_a_test_asks_for(feed: DatastarClient, coding: str) -> None:
    datastar: Datastar = feed._datastar
    events = feed.iter_events("g.feed", method="GET", _headers={"Accept-Encoding": coding})

    assert next(events) == sse.patch_signals({"n": 0})
    with feed._app.app_context():
        datastar.broadcast("news").patch_signals({"n": 1})
    assert next(events) == sse.patch_signals({"n": 1})
    events.close()

    answer = feed.get("g.ends", _headers={"Accept-Encoding": coding})
    assert answer.response.headers["Content-Encoding"] == coding
    assert answer.events[0] == sse.patch_signals({"n": 1})
    assert answer.events[-1].event_id == "ds:done"


@pytest.mark.parametrize("coding", CODINGS)
def test_error_shows_the_text_of_a_stream_that_does_not_end(feed: DatastarClient, coding: str) -> None:
    with pytest.raises(TimeoutError, match=r"it has sent '.*data: signals \{\"n\":0\}"):
        feed.get("g.feed", _headers={"Accept-Encoding": coding}, _within=0.2)


@pytest.mark.parametrize("coding", CODINGS)
def test_live_page_follows_a_compressed_stream(make_app: MakeApp, coding: str) -> None:
    datastar = Datastar()
    app = make_app(datastar, DATASTAR_COMPRESSION=[coding])
    items = ["one"]

    @datastar.region(group="shop", at_most_every=0)
    def shown() -> str:
        return f'<ul id="list">{"".join(f"<li>{text}</li>" for text in items)}</ul>'

    @app.get("/")
    def page() -> str:
        return render_template_string("<body>{{ shown }}{{ datastar.live(scope='all') }}</body>", shown=shown())

    tabs = [DatastarClient(app) for _ in range(2)]
    for tab in tabs:
        # As a browser does, for whatever it asks for.
        tab.client.environ_base["HTTP_ACCEPT_ENCODING"] = coding
    with tabs[0].live("/") as first, tabs[1].live("/") as second:
        for number in range(5):
            items.append(f"item {number}")
            with app.app_context():
                shown.changed()
            assert f"<li>item {number}</li>" in first["list"]
            assert first["list"] == second["list"]

    with app.app_context():
        assert datastar.stats()["compression"]["bytes_out"] > 0


# Pages that run in a tab


def test_compressed_page_runs_in_a_tab() -> None:
    datastar = Datastar()
    app = app_with(
        "<p id=n></p><button id=a data-on:click=\"{{ datastar.post('g.answer') }}\">a</button>"
        "<button id=r data-on:click=\"{{ datastar.post('g.refuse') }}\">r</button>",
        datastar,
    )

    @datastar.handler(group="g")
    def answer() -> str:
        return '<p id="n">é</p>'

    @datastar.handler(group="g")
    def refuse() -> None:
        abort(403, "not yours, é")

    @app.after_request
    def compress(response: Response) -> Response:
        response.data = gzip.compress(response.data)
        response.headers["Content-Encoding"] = "gzip"
        return response

    with shown(app) as tab:
        answered = tab.click("#a")
        assert answered is not None
        assert answered.html == '<p id="n">é</p>'
        assert tab.text("#n") == "é"
        with pytest.raises(RequestRefused, match="not yours, é"):
            tab.click("#r")


@pytest.mark.parametrize("coding", CODINGS)
def test_compressed_stream_of_a_page_is_read(coding: str) -> None:
    datastar = Datastar(compression=[coding])
    app = app_with("<p id=n data-text=$n data-init=\"{{ datastar.open_stream('g.feed') }}\"></p>", datastar)

    @datastar.stream(group="g")
    def feed() -> Any:
        found = datastar.follow("news")
        datastar.signal("n", 0)
        return found

    with DatastarClient(app, client_file=CLIENT) as tab:
        # As a browser does, for whatever it asks for.
        tab.client.environ_base["HTTP_ACCEPT_ENCODING"] = coding
        tab.load("/")
        assert tab.text("#n") == "0"
        with app.app_context():
            datastar.broadcast("news").patch_signals({"n": 1})
        tab.wait_for("#n", text="1")
        with app.app_context():
            assert datastar.stats()["compression"]["bytes_out"] > 0
