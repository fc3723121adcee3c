"""CSRF tokens and streams: a page's token is renewed before it runs out, and no user's token reaches another."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, render_template, session
from flask_wtf import CSRFProtect
from flask_wtf.csrf import generate_csrf, validate_csrf

from flask_datastar import Datastar
from tests.conftest import MakeApp
from tests.support.streams import Connect

FRAGMENT = """<p id="f" {{ datastar.tab_signal() }} data-signals='{{ datastar.init_signals() }}'
  data-on:click="{{ datastar.post('g.act') }}"></p>"""


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    """Make a protected app with one stream of each kind; a page's visit makes the session."""
    # Not by the keep-alives: a stream is woken for its token.
    app = make_app(templates={"fragment.html": FRAGMENT}, DATASTAR_KEEPALIVE_SECONDS=60)
    CSRFProtect(app)
    datastar: Datastar = app.extensions["datastar"]

    @app.get("/")
    def page() -> str:
        return generate_csrf()

    @datastar.handler(group="g")
    def act() -> None: ...

    @datastar.stream(group="g")
    def following() -> Any:
        return datastar.follow("all")

    @datastar.stream(group="g")
    def waiting() -> Iterator[None]:
        for _ in datastar.subscribe("all"):
            yield

    @datastar.stream(group="g")
    def ticking() -> Iterator[None]:
        for number in datastar.every(0.05):
            datastar.signal("number", number)
            yield

    @datastar.stream(group="g")
    def restless() -> Iterator[None]:
        while datastar.check_connection():
            time.sleep(0.01)
            datastar.signal("moment", time.monotonic())
            yield

    return app


def visit(app: Flask) -> dict[str, str]:
    """Give the headers of a browser that has loaded a page."""
    response = app.test_client().get("/")
    return {"Cookie": response.headers["Set-Cookie"].partition(";")[0]}


def tokens_in(received: bytes) -> list[str]:
    lines = [line.removeprefix("data: signals ") for line in received.decode().splitlines()]
    return [json.loads(line)["_csrf"] for line in lines if line.startswith('{"_csrf"')]


def is_valid(app: Flask, headers: dict[str, str], token: str) -> bool:
    with app.test_request_context(headers=headers):
        # Whatever time it took a busy machine to get here.
        validate_csrf(token, time_limit=1000)
    return True


@pytest.mark.parametrize("stream", ["following", "waiting", "ticking", "restless"])
def test_open_stream_renews_the_token_before_it_runs_out(app: Flask, connect: Connect, stream: str) -> None:
    app.config["WTF_CSRF_TIME_LIMIT"] = 2
    headers = visit(app)
    connection = connect(f"/ds/g/{stream}", headers=headers)

    seen: set[str] = set()
    for count in range(1, 7):
        connection.wait("_csrf", count=count)
        seen.add(tokens_in(connection.received)[count - 1])
        assert is_valid(app, headers, tokens_in(connection.received)[count - 1])
        # Two of one second are the same: one that was late, and the next one.
        if len(seen) == 3:
            return
    pytest.fail(f"the same tokens again and again: {seen}")


def test_busy_stream_renews_too(app: Flask, connect: Connect) -> None:
    app.config["WTF_CSRF_TIME_LIMIT"] = 1
    datastar: Datastar = app.extensions["datastar"]
    connection = connect("/ds/g/following", headers=visit(app)).wait_open()

    with app.app_context():
        for number in range(200):
            datastar.broadcast("all").signal("number", number)
            connection.wait(f'"number":{number}}}')
            if len(tokens_in(connection.received)) > 1:
                return
    connection.wait("_csrf", count=2)


def test_stream_that_opens_renews_at_once(app: Flask, connect: Connect) -> None:
    headers = visit(app)

    connection = connect("/ds/g/following", headers=headers).wait_open()

    (token,) = tokens_in(connection.received)
    assert is_valid(app, headers, token)


def test_token_is_signed_with_the_newest_key(app: Flask, connect: Connect) -> None:
    headers = visit(app)
    app.config.update(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["test"])
    first = connect("/ds/g/following", headers=headers).wait_open()
    app.config["WTF_CSRF_SECRET_KEY"] = "of its own"
    second = connect("/ds/g/following", headers=headers).wait_open()

    assert is_valid(app, headers, tokens_in(second.received)[0])
    del app.config["WTF_CSRF_SECRET_KEY"]
    assert is_valid(app, headers, tokens_in(first.received)[0])


@pytest.mark.parametrize("config", [{"WTF_CSRF_TIME_LIMIT": None}, {"WTF_CSRF_ENABLED": False}, {"SECRET_KEY": None}])
def test_nothing_is_renewed_that_does_not_run_out(app: Flask, connect: Connect, config: dict[str, Any]) -> None:
    headers = visit(app)
    app.config.update(config)

    assert b"_csrf" not in connect("/ds/g/following", headers=headers).wait_open().received


def test_session_without_a_token_gets_none(app: Flask, connect: Connect) -> None:
    connection = connect("/ds/g/following").wait_open()

    assert b"_csrf" not in connection.received
    assert "Set-Cookie" not in dict(connection.headers)


def test_what_is_rendered_for_others_carries_nothing_of_this_user(app: Flask, connect: Connect) -> None:
    datastar: Datastar = app.extensions["datastar"]

    @app.get("/tell")
    def tell() -> str:
        datastar.signal("secret", "of this user")
        out = datastar.broadcast("all")
        own = render_template("fragment.html")
        out.patch_template("fragment.html")
        out.patch_elements(lambda names: render_template("fragment.html"))
        datastar.broadcast_to("ann").patch_element(lambda names: render_template("fragment.html"))
        return own + session["csrf_token"]

    others = connect("/ds/g/following").wait_open()
    own = app.test_client().get("/tell").text
    received = others.wait('id="f"', count=2).decode()

    assert own.count("_csrf") == 3
    assert "of this user" in own
    assert received.count("data-signals='{}'") == 2
    assert received.count("X-CSRFToken&#39;: $_csrf") == 2
    assert "data-signals:_csrf" not in received
    assert "of this user" not in received
