"""Warnings of debug mode: a region that is sent twice, one that nothing renders again, and a page that is not live."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, render_template_string

from flask_datastar import Datastar
from flask_datastar.regions import pacing
from flask_datastar.regions.advice import Followed
from flask_datastar.regions.process import live_regions_of
from flask_datastar.state.app import app_state_of
from flask_datastar.testing.waiting import wait_until
from tests.support.streams import Connect

SENT = "sends region shop:card(number=1) to a page that follows it"
NOT_RENDERED = "region shop:plain has read no table and has no topic"


@pytest.fixture
def pages(app: Flask, datastar: Datastar) -> Callable[[bool], Flask]:
    """Return a function that makes a page with a column of cards, and handlers that send a card and the column."""

    def make(debug: bool) -> Flask:
        app.debug = debug

        @datastar.region(group="shop", tables=())
        def card(number: int) -> str:
            return f'<li id="card-{number}">{number}</li>'

        @datastar.region(group="shop")
        def column() -> str:
            return render_template_string('<ul id="column">{{ card }}</ul>', card=card(1))

        @datastar.region(group="shop")
        def plain() -> str:
            return '<p id="plain"></p>'

        @datastar.region(group="shop", topics="news")
        def with_topic() -> str:
            return '<p id="topic"></p>'

        @app.get("/")
        def page() -> str:
            return render_template_string(
                "{{ column }}{{ topic }}{{ datastar.live() }}", column=column(), topic=with_topic()
            )

        @datastar.stream(group="shop")
        def feed() -> Any:
            return datastar.follow(plain())

        @datastar.handler(group="shop")
        def send(number: int) -> None:
            datastar.patch_elements(card(number))

        return app

    return make


def send(app: Flask, tab_id: str, number: int = 1) -> None:
    headers = {"Datastar-Request": "true"}
    response = app.test_client().post("/ds/shop/send", json={"tabId": tab_id, "number": number}, headers=headers)
    assert f"card-{number}" in response.text


def follow(connect: Connect, app: Flask, tab_id: str) -> Any:
    return connect("/", app=app, headers={"Datastar-Live": "1"}, signals={"tabId": tab_id}).wait_open()


def test_a_handler_that_sends_what_its_page_follows_is_named(
    pages: Callable[[bool], Flask], connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    app = pages(True)
    connection = follow(connect, app, "tab.page")
    send(app, "tab.other")
    send(app, "tab.page", 2)
    assert SENT not in caplog.text
    send(app, "tab.page")
    assert f"datastar.shop:send {SENT}" in caplog.text

    connection.close()
    assert not app_state_of(app).part(Followed)._pages


def test_without_debug_mode_nothing_is_recorded(
    pages: Callable[[bool], Flask], connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    app = pages(False)
    follow(connect, app, "tab.page")
    connect("/ds/shop/feed", app=app).wait_open()
    send(app, "tab.page")

    assert not app_state_of(app).part(Followed)._pages
    assert SENT not in caplog.text
    assert NOT_RENDERED not in caplog.text


def test_a_region_that_nothing_renders_again_is_named(
    pages: Callable[[bool], Flask], connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    app = pages(True)
    follow(connect, app, "tab.page")
    assert "has read no table" not in caplog.text

    connect("/ds/shop/feed", app=app).wait_open()
    assert NOT_RENDERED in caplog.text


@pytest.mark.parametrize("debug", [True, False])
def test_a_failure_appears_once_in_the_pages(
    app: Flask, datastar: Datastar, connect: Connect, monkeypatch: pytest.MonkeyPatch, debug: bool
) -> None:
    monkeypatch.setattr(pacing, "_FIRST_RETRY_SECONDS", 0.01)
    app.testing, app.debug = False, debug
    broken: set[str] = {"one"}

    @datastar.region(group="shop", at_most_every=0, tables=())
    def part(name: str) -> str:
        if name in broken:
            raise ValueError(f"{name} is broken")
        return f'<b id="part-{name}"></b>'

    @datastar.region(group="shop", at_most_every=0)
    def outer() -> str:
        return render_template_string('<p id="outer">{{ one }}{{ two }}</p>', one=part("one"), two=part("two"))

    @datastar.stream(group="shop")
    def feed() -> Any:
        return datastar.follow(outer())

    title = b"ValueError: one is broken (region shop:part(name=&#39;one&#39;))"
    connection = connect("/ds/shop/feed").wait_open()
    views = live_regions_of(app_state_of(app))
    wait_until(lambda: views.stats()["failures"] >= 3)
    broken.clear()
    connection.wait('<p id="outer">')
    assert connection.received.count(title) == debug

    failures = views.stats()["failures"]
    broken.add("two")
    with app.app_context():
        part.changed(name="two")
    wait_until(lambda: views.stats()["failures"] >= failures + 3)
    assert connection.received.count(title.replace(b"one", b"two")) == debug
    broken.clear()
    wait_until(lambda: views.views.loop.is_idle(float("inf")))
    assert title not in connect("/ds/shop/feed").wait_open().received


@pytest.mark.parametrize("is_known", [True, False])
@pytest.mark.parametrize("query", ["", "?datastar={}", "?datastar={broken", '?datastar={"tabId": 3}'])
def test_a_page_that_is_unknown_is_not_warned_of(
    pages: Callable[[bool], Flask], caplog: pytest.LogCaptureFixture, query: str, is_known: bool
) -> None:
    app = pages(True)
    card = app.extensions["datastar"]._regions.find("card", None, "shop")
    with app.test_request_context(f"/{query}", headers={"Datastar-Request": "true"}):
        if is_known:
            app.preprocess_request()
        html = card(1).__html__()

    assert html == '<li id="card-1">1</li>'
    assert SENT not in caplog.text


@pytest.mark.parametrize(
    ("method", "template", "said"),
    [
        ("GET", "{{ column }}", "the page of front shows region shop:column() and has no datastar.live()"),
        ("GET", "{{ column }}{{ datastar.live() }}", None),
        ("GET", "{{ datastar.live() }}{{ column }}", None),
        ("GET", "no region", None),
        ("POST", "{{ column }}{{ datastar.live() }}", "front responds to a POST with a page that shows region"),
        ("POST", "{{ column }}", None),
    ],
)
@pytest.mark.parametrize("debug", [True, False])
def test_a_page_that_is_not_live_is_named(
    app: Flask, datastar: Datastar, caplog: pytest.LogCaptureFixture, debug: bool, method: str, template: str, said: str
) -> None:
    app.debug = debug

    @datastar.region(group="shop", tables=())
    def column() -> str:
        return '<ul id="column"></ul>'

    @app.route("/", methods=["GET", "POST"])
    def front() -> str:
        return render_template_string(template, column=column())

    for _ in range(2):
        assert app.test_client().open("/", method=method).status_code == 200

    found = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(found) == (1 if debug and said else 0), found
    assert all(str(said) in text for text in found)


def test_a_page_with_an_own_stream_for_its_region_is_not_named(
    app: Flask, datastar: Datastar, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    app.debug = True

    @datastar.region(group="shop", tables=())
    def column() -> str:
        return '<ul id="column"></ul>'

    @datastar.region(group="shop", tables=())
    def other() -> str:
        return '<ul id="other"></ul>'

    @datastar.stream(group="shop")
    def feed() -> Any:
        return datastar.follow(column())

    def page(shown: Any) -> str:
        return render_template_string("""{{ shown }}<p data-init="{{ datastar.open_stream('feed') }}">""", shown=shown)

    app.add_url_rule("/", "front", lambda: page(column()))
    app.add_url_rule("/other", "other", lambda: page(other()))
    client = app.test_client()
    for path in ("/", "/other"):
        client.get(path)
    connect("/ds/shop/feed").wait_open()
    client.get("/")
    assert "has no datastar.live()" not in caplog.text
    client.get("/other")
    assert "the page of other shows region shop:other() and has no datastar.live()" in caplog.text


@pytest.mark.parametrize("status", [404, 200])
def test_only_a_page_is_said_to_be_not_live(
    app: Flask, datastar: Datastar, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    app.debug = True

    @datastar.region(group="shop", tables=())
    def column() -> str:
        return '<ul id="column"></ul>'

    @app.get("/")
    def front() -> Any:
        return {"html": str(column())} if status == 200 else (str(column()), status)

    @datastar.handler(group="shop")
    def send() -> Any:
        return column()

    assert app.test_client().get("/").status_code == status
    send_headers = {"Datastar-Request": "true"}
    assert "column" in app.test_client().post("/ds/shop/send", json={}, headers=send_headers).text
    assert "is not live" not in caplog.text
    assert "has no datastar.live()" not in caplog.text
