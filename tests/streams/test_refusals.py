"""Streams that the application refuses: the client stays away instead of asking for ever."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Blueprint, Flask, Response, abort, make_response, redirect, request, session, url_for
from werkzeug.wrappers import Response as WerkzeugResponse

from flask_datastar import Datastar, sse
from tests.conftest import MakeApp
from tests.support.streams import assert_nothing_is_left
from tests.support.wsgi import call

DONE = b"id: ds:done\n\n"
Refuse = Callable[[], Response | WerkzeugResponse]


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    app = make_app(TESTING=False)

    @app.get("/login")
    def login() -> str:
        return "login"

    return app


def body_of(app: Flask, path: str, **options: Any) -> tuple[int, dict[str, str], bytes]:
    status, headers, body = call(app, path, **options)
    text = b"".join(body)
    body.close()
    assert_nothing_is_left(app)
    return status, headers, text


def aborts(code: int) -> Refuse:
    return lambda: abort(code)


def answers(code: int) -> Refuse:
    return lambda: make_response("no", code)


def redirects(code: int) -> Refuse:
    return lambda: redirect(url_for("login"), code)


REFUSALS = [(kind(code), b"") for kind in (aborts, answers) for code in (401, 403, 404, 405, 410)]
REFUSALS += [(redirects(code), sse.redirect("/login").encode()) for code in (301, 302, 303)]


@pytest.mark.parametrize("place", ["function", "generator's function", "scope", "decorator", "blueprint", "app"])
@pytest.mark.parametrize(("refuse", "events"), REFUSALS)
def test_refused_stream_is_done(app: Flask, datastar: Datastar, place: str, refuse: Refuse, events: bytes) -> None:
    blueprint = Blueprint("shop", __name__)

    def guard(function: Callable[[], Any]) -> Callable[[], Any]:
        def guarded() -> Any:
            return refuse() if place == "decorator" else function()

        return guarded

    @datastar.stream(
        group="g",
        name="stream",
        blueprint=blueprint if place == "blueprint" else None,
        scope=(lambda: abort(refuse())) if place == "scope" else "ann",
    )
    @guard
    def stream() -> Any:
        feed = datastar.follow("news")
        datastar.subscribe("other")
        return feed if place not in ("function", "generator's function") else refuse()

    if place in ("blueprint", "app"):
        (blueprint if place == "blueprint" else app).before_request(refuse)
    app.register_blueprint(blueprint)

    status, headers, body = body_of(app, "/ds/g/stream", signals={"tabId": "t.p"})

    assert (status, body) == (200, events + DONE)
    assert headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert int(headers["Content-Length"]) == len(body)


def test_cookies_of_a_refusal_are_kept(app: Flask, datastar: Datastar) -> None:
    @datastar.stream(group="g")
    def stream() -> Any:
        response = make_response("no", 401)
        response.set_cookie("a", "1")
        session["b"] = 1
        return response

    status, _, body = call(app, "/ds/g/stream")
    cookies = app.test_client().get("/ds/g/stream", headers={"Datastar-Request": "true"}).headers.getlist("Set-Cookie")

    assert (status, b"".join(body)) == (200, DONE)
    assert sorted(cookie.partition("=")[0] for cookie in cookies) == ["a", "session"]


def test_redirect_to_the_stream_itself_is_a_refusal_without_a_redirect(app: Flask, datastar: Datastar) -> None:
    @datastar.stream(group="g")
    def stream() -> Any:
        return redirect(request.url)

    assert body_of(app, "/ds/g/stream")[::2] == (200, DONE)


def test_redirect_that_becomes_no_event_is_a_refusal_without_a_redirect(
    app: Flask, datastar: Datastar, caplog: pytest.LogCaptureFixture
) -> None:
    @datastar.stream(group="g")
    def stream() -> Any:
        return redirect("mailto:ann@example.com")

    assert body_of(app, "/ds/g/stream")[::2] == (200, DONE)
    assert "has the scheme 'mailto'" in caplog.text


@pytest.mark.parametrize("code", [400, 429, 500, 503])
def test_other_errors_are_repeated_by_the_client(app: Flask, datastar: Datastar, code: int) -> None:
    @datastar.stream(group="g")
    def stream() -> Any:
        abort(code)

    assert body_of(app, "/ds/g/stream")[0] == code


def test_others_than_the_client_get_the_refusal_as_it_is(app: Flask, datastar: Datastar) -> None:
    @datastar.stream(group="g")
    def stream() -> Iterator[Any]:
        yield

    assert body_of(app, "/ds/g/stream", headers={"Datastar-Request": "false"})[0] == 403


def test_refusal_of_a_handler_stays_an_error(app: Flask, datastar: Datastar) -> None:
    @datastar.handler(group="g", methods=["GET"])
    def act() -> Any:
        abort(403)

    assert body_of(app, "/ds/g/act")[0] == 403


def test_plain_start_stream_is_for_the_datastar_client_only(app: Flask, datastar: Datastar) -> None:
    @app.get("/plain")
    def plain() -> Any:
        return datastar.start_stream("ann", datastar.follow("news"))

    assert body_of(app, "/plain", headers={"Datastar-Request": "false"})[0] == 403
