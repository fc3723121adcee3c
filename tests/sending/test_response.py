"""``EventResponse`` in plain views: made by ``start()`` or by the first thing that is sent, finished when returned."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, Response, after_this_request, make_response, session
from flask.testing import FlaskClient
from flask.typing import ResponseReturnValue

from flask_datastar import Datastar, EventResponse, sse
from flask_datastar.errors import SetupError
from flask_datastar.testing import DatastarClient
from tests.conftest import MakeApp

P1, P2 = sse.patch_elements("<p id='a'>1</p>"), sse.patch_elements("<p id='a'>2</p>")
S1 = sse.patch_signals({"count": 1})


def test_start_makes_a_chainable_response_for_plain_views(app: Flask, datastar: Datastar, client: FlaskClient) -> None:
    @app.post("/act")
    def act() -> Response:
        return datastar.start().patch_signals({"count": 1}).remove_elements("#old").console_log("done")

    response = client.post("/act")

    assert response.status_code == 200
    assert response.data == S1.encode() + sse.remove_elements("#old").encode() + sse.console_log("done").encode()
    assert dict(response.headers) == {
        "Content-Type": "text/event-stream; charset=utf-8",
        "Cache-Control": "no-cache",
        "X-Accel-Buffering": "no",
        "Content-Length": str(len(response.data)),
    }


def test_every_sending_method_returns_the_current_response(app: Flask, datastar: Datastar) -> None:
    with app.test_request_context():
        response = datastar.signal("count", 1)

        assert isinstance(response, EventResponse)
        assert datastar.assign("user", "Ada") is response
        assert datastar.patch_elements("<p id='a'></p>") is response
        assert datastar.start() is not response
        started = datastar.start()
        assert started.signal("count", 2) is started
        assert started.assign("user", "Bob") is started


def test_plain_view_may_return_what_any_sending_method_gives(
    app: Flask, datastar: Datastar, tab: DatastarClient
) -> None:
    @app.post("/act")
    def act() -> Response:
        datastar.patch_elements("<p id='a'>1</p>")
        return datastar.signal("count", 1)

    assert tab.post("/act").events == (P1, S1)


@pytest.mark.parametrize("in_handler", [True, False])
def test_returned_response_takes_the_current_ones_events_along(
    app: Flask, datastar: Datastar, tab: DatastarClient, in_handler: bool
) -> None:
    def act() -> Response:
        fresh = datastar.start().patch_elements("<p id='a'>2</p>")
        datastar.patch_elements("<p id='a'>1</p>")
        datastar.signal("count", 1)
        return fresh

    if in_handler:
        datastar.handler(group="g")(act)
    else:
        app.post("/ds/g/act")(act)

    assert tab.post("/ds/g/act").events == (P1, P2, S1)


def test_current_response_that_is_not_returned_is_not_sent(app: Flask, datastar: Datastar, tab: DatastarClient) -> None:
    @app.post("/act")
    def act() -> str:
        datastar.patch_elements("<p id='a'>1</p>")
        datastar.start().patch_elements("<p id='a'>2</p>")
        return "<p>page</p>"

    response = tab.post("/act").response

    assert (response.text, response.mimetype) == ("<p>page</p>", "text/html")


def test_response_without_anything_to_send_is_a_204(app: Flask, datastar: Datastar, client: FlaskClient) -> None:
    @app.post("/act")
    def act() -> Response:
        return datastar.start()

    response = client.post("/act")

    assert (response.status_code, response.data) == (204, b"")
    assert "Content-Type" not in response.headers


@pytest.mark.parametrize("sends", [True, False])
def test_status_that_the_view_gave_stays(app: Flask, datastar: Datastar, client: FlaskClient, sends: bool) -> None:
    @app.post("/act")
    def act() -> ResponseReturnValue:
        response = datastar.start()
        if sends:
            response.patch_signals({"count": 1})
        return response, 422, {"X-Mine": "1"}

    response = client.post("/act")

    assert (response.status_code, response.headers["X-Mine"]) == (422, "1")
    assert response.data == (S1.encode() if sends else b"")


def test_headers_and_cookies_are_those_of_any_response(app: Flask, datastar: Datastar, client: FlaskClient) -> None:
    @app.post("/act")
    def act() -> Response:
        response = datastar.start().patch_signals({"count": 1})
        response.set_cookie("theme", "dark")
        response.headers["X-Mine"] = "1"
        session["user"] = "Ada"
        return make_response(response)

    headers = client.post("/act").headers

    assert [value.partition("=")[0] for value in headers.getlist("Set-Cookie")] == ["theme", "session"]
    assert headers["X-Mine"] == "1"


def test_after_this_request_sees_the_finished_response(app: Flask, datastar: Datastar, client: FlaskClient) -> None:
    @app.post("/act")
    def act() -> Response:
        result = datastar.start().patch_signals({"count": 1})

        @after_this_request
        def note(response: Response) -> Response:
            response.headers["X-Length"] = str(response.content_length)
            return response

        return result

    response = client.post("/act")

    assert response.headers["X-Length"] == str(len(response.data))


def test_after_request_of_others_sees_the_finished_response(
    app: Flask, datastar: Datastar, client: FlaskClient
) -> None:
    seen: list[tuple[Any, ...]] = []

    @app.after_request
    def after(response: Response) -> Response:
        seen.append((response.status_code, response.content_length, response.get_data()))
        return response

    @app.post("/act")
    def act() -> Response:
        return datastar.signal("count", 1)

    client.post("/act")

    assert seen == [(200, len(S1.encode()), S1.encode())]


def test_after_request_may_add_to_a_plain_views_response(app: Flask, datastar: Datastar, tab: DatastarClient) -> None:
    @app.after_request
    def after(response: Response) -> Response:
        if isinstance(response, EventResponse):
            response.patch_elements("<p id='a'>1</p>")
            datastar.signal("count", 1)
        return response

    @app.post("/act")
    def act() -> Response:
        return datastar.start()

    answer = tab.post("/act")

    assert (answer.status_code, answer.events) == (200, (P1, S1))
    assert answer.response.content_length == len(answer.response.data)


def test_response_made_by_after_request_itself_is_finished(app: Flask, datastar: Datastar, tab: DatastarClient) -> None:
    @app.after_request
    def after(response: Response) -> Response:
        return datastar.start().patch_signals({"count": 1})

    @app.post("/act")
    def act() -> str:
        return "replaced"

    answer = tab.post("/act")

    assert answer.events == (S1,)
    assert answer.response.content_length == len(answer.response.data)


def test_view_error_of_a_signal_that_cannot_be_sent_is_a_500(make_app: MakeApp) -> None:
    app = make_app(TESTING=False)
    datastar: Datastar = app.extensions["datastar"]

    @app.post("/act")
    def act() -> Response:
        return datastar.signal("mean", float("nan"))

    response = app.test_client().post("/act")

    assert (response.status_code, response.mimetype) == (500, "text/html")


def test_view_error_of_a_signal_that_cannot_be_sent_reaches_the_errorhandler(make_app: MakeApp) -> None:
    app = make_app(TESTING=False)
    datastar: Datastar = app.extensions["datastar"]

    @app.errorhandler(500)
    def show(error: Exception) -> Response:
        return datastar.start().patch_elements("<p id='a'>1</p>")

    @app.post("/act")
    def act() -> Response:
        return datastar.signal("mean", float("nan"))

    response = app.test_client().post("/act")

    assert response.data == P1.encode()


def test_response_outside_of_an_app_takes_events_with_the_standard_json() -> None:
    response = EventResponse()

    response.patch_signals({"b": 1, "a": 2}).console_log({"b": 1, "a": 2})

    assert response.status_code == 200
    with pytest.raises(SetupError, match="Datastar needs an app context"):
        response.signal("count", 1)
    with pytest.raises(ValueError, match="'b' cannot be sent as JSON: nan"):
        response.patch_signals({"b": float("nan")})


def test_start_without_a_request_is_refused(app: Flask, datastar: Datastar) -> None:
    with app.app_context(), pytest.raises(SetupError, match="there is no request"):
        datastar.start()


def test_two_apps_give_their_own_response_class(make_app: MakeApp) -> None:
    class Mine(Response):
        default_mimetype = "text/x-mine"

        def mine(self) -> str:
            return "mine"

    datastar = Datastar()
    apps = make_app(datastar), make_app(datastar)
    apps[1].response_class = Mine

    with apps[0].test_request_context():
        plain = datastar.start()
    with apps[1].test_request_context():
        mine = datastar.start()

    assert type(plain) is EventResponse
    assert isinstance(mine, EventResponse)
    assert isinstance(mine, Mine)
    assert (mine.mine(), mine.mimetype) == ("mine", "text/event-stream")


def test_response_class_with_a_type_for_everything_does_not_change_that_of_events(
    app: Flask, datastar: Datastar
) -> None:
    class Mine(Response):
        def __init__(self, *args: Any, **options: Any) -> None:
            options.setdefault("mimetype", "application/json")
            super().__init__(*args, **options)

    app.response_class = Mine
    with app.test_request_context():
        response = datastar.start()

    assert response.headers.getlist("Content-Type") == ["text/event-stream; charset=utf-8"]
