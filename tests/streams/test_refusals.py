"""Streams that the application refuses: the client stays away instead of asking for ever."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial, wraps
from io import BytesIO
from typing import Any

import flask_login
import pytest
import werkzeug.utils
from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    got_request_exception,
    make_response,
    redirect,
    request,
    send_file,
    session,
    url_for,
)
from flask.views import MethodView, View
from werkzeug.exceptions import NotFound
from werkzeug.routing import RequestRedirect
from werkzeug.wrappers import Response as WerkzeugResponse

from flask_datastar import Datastar, sse
from tests.conftest import MakeApp
from tests.support.streams import Connect, assert_nothing_is_left, hub_for
from tests.support.wsgi import call, ending

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


TO_LOGIN = sse.redirect("/login").encode()
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


@pytest.mark.parametrize("has_opened", [False, True])
def test_redirect_of_werkzeug_is_a_refusal_too(app: Flask, datastar: Datastar, has_opened: bool) -> None:
    def generate() -> Iterator[Any]:
        yield {"a": 1}
        return werkzeug.utils.redirect("/login")

    @datastar.stream(group="g")
    def stream() -> Any:
        return generate() if has_opened else werkzeug.utils.redirect("/login")

    status, _, body = body_of(app, "/ds/g/stream")

    assert status == 200
    assert TO_LOGIN in body
    assert DONE in body


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


# In the middle of a stream


class NotYours(Exception):
    """What an application of its own kind raises."""


def raises(error: Exception) -> Refuse:
    def refuse() -> Any:
        raise error

    return refuse


def returns(refuse: Refuse) -> Refuse:
    """Mark what the generator is to return, not to raise."""
    refuse.is_returned = True  # type: ignore[attr-defined]
    return refuse


RAISED = [
    *[(aborts(code), b"") for code in (401, 403, 404, 405, 410)],
    *[
        (lambda code=code: abort(redirects(code)()), sse.redirect("/login").encode())
        for code in (301, 302, 303, 307, 308)
    ],
    (raises(RequestRedirect("/login")), sse.redirect("/login").encode()),
    (raises(NotFound()), b""),
    (raises(NotYours()), sse.redirect("/login").encode()),
    *[(returns(answers(code)), b"") for code in (401, 403, 404, 405, 410)],
    *[(returns(redirects(code)), sse.redirect("/login").encode()) for code in (302, 307, 308)],
    (lambda: abort(redirect("mailto:ann@example.com")), b""),
    (lambda: abort(redirect(request.url)), b""),
]


@pytest.mark.parametrize("when", ["first step", "after a yield", "after a wait"])
@pytest.mark.parametrize(("refuse", "events"), RAISED)
def test_generator_that_refuses_ends_as_done(
    app: Flask,
    datastar: Datastar,
    connect: Connect,
    caplog: pytest.LogCaptureFixture,
    when: str,
    refuse: Refuse,
    events: bytes,
) -> None:
    errors: list[object] = []
    app.teardown_request(errors.append)

    @app.errorhandler(NotYours)
    def send_to_login(error: NotYours) -> WerkzeugResponse:
        return redirect(url_for("login"))

    @datastar.stream(group="g")
    def stream() -> Iterator[Any]:
        if when == "after a yield":
            yield {"a": 1}
        if when == "after a wait":
            next(datastar.every(30))
        datastar.patch_signals({"half": "done"})
        answer = refuse()
        # Not reached by what raises.
        datastar.patch_signals({"whole": "done"})
        if getattr(refuse, "is_returned", False):
            return answer
        yield

    with got_request_exception.connected_to(pytest.fail, app):
        connection = connect("/ds/g/stream", signals={"tabId": "t.p"})
        connection.wait_end()

    sent = sse.patch_signals({"a": 1}).encode() if when == "after a yield" else b""
    if getattr(refuse, "is_returned", False):
        sent += sse.patch_signals({"half": "done"}).encode() + sse.patch_signals({"whole": "done"}).encode()
    assert connection.received == sent + events + DONE
    assert hub_for(app).stats()["ended"] == {"done": 1}
    assert errors == [None]
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_error_handler_of_a_refusal_decides_where_the_page_goes(
    app: Flask, datastar: Datastar, connect: Connect
) -> None:
    app.register_error_handler(401, lambda error: redirect(url_for("login", next=request.full_path)))

    @datastar.stream(group="g")
    def stream() -> Iterator[Any]:
        abort(401)
        yield

    connection = connect("/ds/g/stream", headers={"Referer": "http://localhost/board"})
    connection.wait_end()

    assert connection.received == sse.redirect("/login?next=%2Fboard").encode() + DONE


def test_login_manager_s_refusal_is_one(app: Flask, datastar: Datastar, connect: Connect) -> None:
    manager = flask_login.LoginManager(app)
    manager.login_view = "login"
    manager.user_loader(lambda key: None)

    @datastar.stream(group="g")
    def stream() -> Iterator[Any]:
        if not flask_login.current_user.is_authenticated:
            return manager.unauthorized()
        yield

    connection = connect("/ds/g/stream", headers={"Referer": "http://localhost/board"})
    connection.wait_end()

    assert connection.received == sse.redirect("/login?next=%2Fboard").encode() + DONE


@pytest.mark.parametrize("code", [400, 409, 429, 500, 503])
def test_generator_that_fails_comes_back(app: Flask, datastar: Datastar, connect: Connect, code: int) -> None:
    @datastar.stream(group="g")
    def stream() -> Iterator[Any]:
        abort(code)
        yield

    assert ending(connect("/ds/g/stream").wait_end())[0] == "ds:restart:1:"


@pytest.mark.parametrize("answer", [lambda error: ("shown", 200), lambda error: 1 / 0, lambda error: None])
def test_error_handler_that_refuses_nothing_leaves_a_failure_one(
    app: Flask, datastar: Datastar, connect: Connect, caplog: pytest.LogCaptureFixture, answer: Any
) -> None:
    app.register_error_handler(NotYours, answer)

    @datastar.stream(group="g")
    def stream() -> Iterator[Any]:
        raise NotYours("on purpose")
        yield

    assert ending(connect("/ds/g/stream").wait_end())[0] == "ds:restart:1:"
    assert "NotYours: on purpose" in caplog.text


# Plain views


def plain_views(app: Flask, datastar: Datastar, refuse: Refuse) -> dict[str, str]:
    """Add plain views that refuse before they would open a stream, each written in another way; path by name."""

    def guarded(view: Callable[[], Any]) -> Callable[[], Any]:
        @wraps(view)
        def guard() -> Any:
            return refuse() or view()

        return guard

    def bare(view: Callable[[], Any]) -> Callable[[], Any]:
        return lambda: refuse() or view()

    def open_it() -> Any:
        return datastar.start_stream("ann", datastar.follow("news"))

    def view() -> Any:
        return refuse() or open_it()

    def own() -> Any:
        if (answer := refuse()) is not None:
            return answer
        return datastar.start_stream("ann", datastar.follow("news"))

    class Page(MethodView):
        def get(self) -> Any:
            return own()

    class Dispatched(View):
        def dispatch_request(self) -> Any:
            return refuse() or datastar.start_stream("ann", datastar.follow("news"))

    views = {
        "own": own,
        "guarded": guarded(open_it),
        "bare": bare(open_it),
        "helper": view,
        "partial": partial(own),
        "method": Page.as_view("method"),
        "dispatched": Dispatched.as_view("dispatched"),
    }
    for name, function in views.items():
        app.add_url_rule(f"/{name}", name, function)
    return {name: f"/{name}" for name in views}


WRITTEN = ["own", "guarded", "bare", "helper", "partial", "method", "dispatched"]


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize(("refuse", "events"), REFUSALS)
def test_plain_view_that_refuses_before_its_stream_is_done(
    app: Flask, datastar: Datastar, written: str, refuse: Refuse, events: bytes
) -> None:
    path = plain_views(app, datastar, refuse)[written]

    status, headers, body = body_of(app, path)

    assert (status, body) == (200, events + DONE)
    assert headers["Content-Type"] == "text/event-stream; charset=utf-8"


@pytest.mark.parametrize("place", ["app", "blueprint"])
def test_guard_of_a_plain_view_ends_its_stream(app: Flask, datastar: Datastar, place: str) -> None:
    blueprint = Blueprint("shop", __name__)

    @blueprint.get("/plain")
    def plain() -> Any:
        return datastar.start_stream("ann", datastar.follow("news"))

    (app if place == "app" else blueprint).before_request(lambda: redirect("/login"))
    app.register_blueprint(blueprint)

    assert body_of(app, "/plain")[::2] == (200, sse.redirect("/login").encode() + DONE)


def test_plain_view_is_known_by_what_it_has_opened(app: Flask, datastar: Datastar, connect: Connect) -> None:
    is_refused = False
    # Not to be seen in the code of the view.
    opens = {"stream": lambda: datastar.start_stream("ann", datastar.follow("news"))}

    @app.get("/plain")
    def plain() -> Any:
        if is_refused:
            abort(403)
        return opens["stream"]()

    is_refused = True
    assert body_of(app, "/plain")[0] == 403
    # A stream has been there before, perhaps in another process.
    assert body_of(app, "/plain", last_id="ds:restart:0:")[::2] == (200, DONE)
    is_refused = False
    connect("/plain").wait_open()
    is_refused = True
    status, _, body = call(app, "/plain")
    assert (status, b"".join(body)) == (200, DONE)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_refusal_of_a_view_without_a_stream_stays_an_error(app: Flask, datastar: Datastar, method: str) -> None:
    def plain() -> Any:
        abort(403)
        return datastar.start_stream("ann", datastar.follow("news")) if method == "POST" else ""

    app.add_url_rule("/plain", view_func=plain if method == "POST" else lambda: abort(403), methods=[method])

    assert body_of(app, "/plain", method=method)[0] == 403


# Error handlers that answer with 200


ANSWERS = {
    "current response": lambda datastar: datastar.patch_signals({"problem": "on purpose"}),
    "fresh response": lambda datastar: datastar.start().patch_signals({"problem": "on purpose"}),
    "tracked": lambda datastar: datastar.signal("problem", "on purpose"),
    "JSON": lambda datastar: {"problem": "on purpose"},
    "HTML": lambda datastar: "<p id='problem'>on purpose</p>",
    "by hand": lambda datastar: Response(
        sse.patch_signals({"problem": "on purpose"}).encode(), mimetype="text/event-stream"
    ),
}


@pytest.mark.parametrize("place", ["function", "scope", "before_request", "plain"])
@pytest.mark.parametrize("kind", ANSWERS)
def test_page_comes_back_later_each_time_after_an_answered_exception(
    app: Flask, datastar: Datastar, place: str, kind: str
) -> None:
    app.register_error_handler(NotYours, lambda error: ANSWERS[kind](datastar))

    def fail() -> Any:
        raise NotYours

    @datastar.stream(group="g", scope=fail if place == "scope" else None)
    def stream() -> Any:
        return fail()

    @app.get("/plain")
    def plain() -> Any:
        return datastar.start_stream(None, fail())

    if place == "before_request":
        app.before_request(fail)
    path, last_id, waits = "/plain" if place == "plain" else "/ds/g/stream", "row-7", []

    for failures in (1, 2, 3):
        status, headers, body = body_of(app, path, last_id=last_id)
        *first, last = body.split(b"\n\n")[:-1]
        assert (status, headers["Content-Type"]) == (200, "text/event-stream; charset=utf-8")
        assert b"on purpose" in b"".join(first)
        last_id, wait = ending(last)
        assert last_id == f"ds:restart:{failures}:row-7"
        waits.append(wait)

    assert [2000 * 2**n <= (wait or 0) <= 2500 * 2**n for n, wait in enumerate(waits)] == [True] * 3


def test_end_of_its_own_stays(app: Flask, datastar: Datastar) -> None:
    own = b"id: ds:done\n\n"
    app.register_error_handler(NotYours, lambda error: Response(own, mimetype="text/event-stream"))

    @datastar.stream(group="g")
    def stream() -> Any:
        raise NotYours

    assert body_of(app, "/ds/g/stream")[::2] == (200, own)


def test_refusal_that_an_error_handler_answers_is_done(app: Flask, datastar: Datastar) -> None:
    app.register_error_handler(404, lambda error: datastar.start().patch_signals({"problem": "gone"}))

    @datastar.stream(group="g")
    def stream() -> Any:
        abort(404)

    assert body_of(app, "/ds/g/stream")[::2] == (200, sse.patch_signals({"problem": "gone"}).encode() + DONE)


@pytest.mark.parametrize("code", [401, 403, 404, 405, 410])
@pytest.mark.parametrize("kind", ANSWERS)
def test_refusal_of_a_generator_that_an_error_handler_answers_is_done(
    app: Flask, datastar: Datastar, connect: Connect, kind: str, code: int
) -> None:
    app.register_error_handler(code, lambda error: ANSWERS[kind](datastar))

    @datastar.stream(group="g")
    def stream() -> Iterator[Any]:
        yield {"a": 1}
        datastar.signal("half", "done")
        datastar.patch_signals({"half": "done"})
        abort(code)

    connection = connect("/ds/g/stream")
    connection.wait_end()

    first, *answered, last = connection.received.split(b"\n\n")[:-1]
    assert (first + b"\n\n", last + b"\n\n") == (sse.patch_signals({"a": 1}).encode(), DONE)
    assert b"on purpose" in b"".join(answered)
    assert b"half" not in connection.received


def test_events_with_the_status_of_a_refusal_are_read(app: Flask, datastar: Datastar, connect: Connect) -> None:
    def show(error: Exception) -> Response:
        response = datastar.start().patch_signals({"problem": "gone"})
        response.status_code = 403
        return response

    app.register_error_handler(403, show)

    @datastar.stream(group="g")
    def stream() -> Any:
        abort(403)

    @datastar.stream(group="g")
    def generator() -> Iterator[Any]:
        abort(403)
        yield

    expected = sse.patch_signals({"problem": "gone"}).encode() + DONE
    assert body_of(app, "/ds/g/stream")[::2] == (200, expected)
    connection = connect("/ds/g/generator")
    connection.wait_end()
    assert connection.received == expected


def empty_error(datastar: Datastar) -> Response:
    response = datastar.start().patch_signals({"problem": "on purpose"})
    response.status_code = 500
    return response


def script(datastar: Datastar) -> Response:
    return Response("alert('on purpose')", mimetype="text/javascript")


def html_in_pieces(datastar: Datastar) -> Response:
    return Response(iter(["<p id='problem'>on ", "purpose</p>"]), mimetype="text/html")


def html_file(datastar: Datastar) -> Response:
    return send_file(BytesIO(b"<p id='problem'>on purpose</p>"), mimetype="text/html")


#: What the client shows of the response → error handlers that make it.
UNREAD: dict[bool, list[Callable[[Datastar], Any]]] = {
    True: [empty_error, script, html_in_pieces, html_file],
    False: [
        lambda datastar: ("on purpose", 500),
        lambda datastar: ({"problem": "on purpose"}, 502),
        lambda datastar: ("on purpose", 409),
        lambda datastar: ("on purpose", 201),
        lambda datastar: ({"problem": "on purpose"}, 202),
        lambda datastar: ("on purpose", 200, {"Content-Type": "text/plain"}),
        lambda datastar: datastar.start(),
    ],
}


@pytest.mark.parametrize("is_plain", [False, True])
@pytest.mark.parametrize(("is_shown", "answer"), [(shown, answer) for shown in UNREAD for answer in UNREAD[shown]])
def test_page_comes_back_later_each_time_whatever_answers_an_exception(
    app: Flask, datastar: Datastar, is_plain: bool, is_shown: bool, answer: Callable[[Datastar], Any]
) -> None:
    app.register_error_handler(NotYours, lambda error: answer(datastar))

    def stream() -> Any:
        if True:
            raise NotYours
        return datastar.start_stream("ann", datastar.follow("news"))

    if is_plain:
        app.add_url_rule("/ds/g/stream", view_func=stream)
    else:
        datastar.stream(group="g")(stream)

    waits: list[int | None] = []
    last_id = None
    for failures in (1, 2, 3):
        status, headers, body = body_of(app, "/ds/g/stream", last_id=last_id)
        assert (status, headers["Content-Type"]) == (200, "text/event-stream; charset=utf-8")
        assert (b"on purpose" in body) is is_shown
        assert b'datastar-stream-ending\ndata: reason "failed"' in body
        last_id, wait = ending(body.split(b"\n\n")[-2])
        assert last_id == f"ds:restart:{failures}:"
        waits.append(wait)
    assert [2000 * 2**n <= (wait or 0) <= 2500 * 2**n for n, wait in enumerate(waits)] == [True] * 3


def test_everything_but_the_browser_sees_the_status_of_an_exception(
    app: Flask, datastar: Datastar, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[object] = []

    @app.after_request
    def note(response: Response) -> Response:
        seen.append(response.status_code)
        return response

    @datastar.stream(group="g")
    def stream() -> Any:
        raise NotYours("on purpose")

    with got_request_exception.connected_to(lambda app, exception: seen.append(type(exception)), app):
        status, _, body = body_of(app, "/ds/g/stream")
        other = body_of(app, "/ds/g/stream", headers={"Datastar-Request": "false"})

    assert (status, body.endswith(b"\n\n")) == (200, True)
    assert b"ds:restart:1:" in body
    assert seen == [NotYours, 500, 403]
    assert other[0] == 403
    assert "NotYours: on purpose" in caplog.text


def test_wrong_setup_keeps_its_status(app: Flask, datastar: Datastar) -> None:
    @datastar.stream(group="g")
    def stream() -> Any:
        datastar.start_stream(None, datastar.follow("a"))
        return datastar.start_stream(None, datastar.follow("b"))

    assert body_of(app, "/ds/g/stream")[0] == 500


def test_end_of_the_page_that_an_error_handler_chose_stays(app: Flask, datastar: Datastar) -> None:
    app.register_error_handler(NotYours, lambda error: ("", 204))

    @datastar.stream(group="g")
    def stream() -> Any:
        raise NotYours

    assert body_of(app, "/ds/g/stream")[::2] == (204, b"")


@pytest.mark.parametrize("code", [None, 403, 404, 500])
def test_stream_that_an_error_handler_opens_is_one(
    app: Flask, datastar: Datastar, connect: Connect, code: int | None
) -> None:
    def guests(error: Exception) -> Response:
        response = datastar.start_stream(None, datastar.follow("guests"))
        datastar.patch_signals({"name": "guest"})
        return response

    app.register_error_handler(code or NotYours, guests)

    @datastar.stream(group="g", scope="ann")
    def stream() -> Any:
        if code is not None:
            abort(code)
        raise NotYours

    connection = connect("/ds/g/stream")
    connection.wait("guest")
    with app.app_context():
        datastar.broadcast("guests").patch_signals({"news": 1})
    connection.wait("news")

    assert b"ds:" not in connection.raw


@pytest.mark.parametrize("is_plain", [False, True])
@pytest.mark.parametrize("code", [None, 404])
def test_streamed_events_for_an_exception_get_an_end(
    app: Flask, datastar: Datastar, is_plain: bool, code: int | None
) -> None:
    closed: list[bool] = []
    shown = sse.patch_signals({"problem": "on purpose"}).encode()

    def events() -> Iterator[bytes]:
        try:
            yield shown
        finally:
            closed.append(True)

    app.register_error_handler(Exception, lambda error: Response(events(), mimetype="text/event-stream"))

    def stream() -> Any:
        if code is not None:
            abort(code)
        raise NotYours

    if is_plain:

        @app.get("/ds/g/stream")
        def view() -> Response:
            return stream() or datastar.start_stream("ann", datastar.follow("news"))

    else:
        datastar.stream(group="g")(stream)

    waits: list[object] = []
    for last_id in (None, "ds:restart:1:"):
        status, _, body = body_of(app, "/ds/g/stream", last_id=last_id)
        assert status == 200
        assert body.startswith(shown)
        waits.append(DONE if body.endswith(b"\n\n" + DONE) else ending(body[body.rindex(b"\nid: ") + 1 :].rstrip())[0])

    assert waits == (["ds:restart:1:", "ds:restart:2:"] if code is None else [DONE, DONE])
    assert closed == [True, True]


def test_answered_exception_of_a_handler_gets_no_end(app: Flask, datastar: Datastar) -> None:
    app.register_error_handler(NotYours, lambda error: datastar.patch_signals({"problem": "on purpose"}))

    @datastar.handler(group="g", methods=["GET"])
    def act() -> Any:
        raise NotYours

    assert body_of(app, "/ds/g/act")[2] == sse.patch_signals({"problem": "on purpose"}).encode()
