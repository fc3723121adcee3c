"""The dispatcher: statuses, verbs, return values, and everything that Flask does around a view."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import (
    Flask,
    Response,
    abort,
    flash,
    get_flashed_messages,
    got_request_exception,
    make_response,
    request,
    session,
)
from flask.cli import FlaskGroup
from flask.testing import FlaskClient
from flask.views import MethodView
from flask_wtf import CSRFProtect
from markupsafe import Markup
from werkzeug.exceptions import Conflict

from flask_datastar import Datastar, Signals, hooks, sse
from flask_datastar.testing import DatastarClient
from tests.conftest import MakeApp

HEADER = {"Datastar-Request": "true"}


def test_answer_is_one_finished_body_with_the_documented_headers(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.handler
    def act() -> None:
        datastar.signal("count", 1)
        datastar.patch_elements("<p id='a'>1</p>")

    response = tab.post(act).response

    assert response.status_code == 200
    assert response.data == (
        b"event: datastar-patch-elements\ndata: elements <p id='a'>1</p>\n\n"
        b'event: datastar-patch-signals\ndata: signals {"count":1}\n\n'
    )
    assert dict(response.headers) == {
        "Content-Type": "text/event-stream; charset=utf-8",
        "Cache-Control": "no-cache",
        "X-Accel-Buffering": "no",
        "Content-Length": str(len(response.data)),
    }


def test_handler_that_sends_nothing_answers_204(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.handler
    def act() -> None:
        datastar.assign("seen", True)

    response = tab.post(act).response

    assert (response.status_code, response.data) == (204, b"")
    assert "Content-Type" not in response.headers
    assert "Content-Length" not in response.headers


@pytest.mark.parametrize(
    "path",
    [
        "/ds",
        "/ds/",
        "/ds/g",
        "/ds/g/",
        "/ds/g/other",
        "/ds/other/act",
        "/ds/g/act/",
        "/ds/g/act/x",
        "/ds/g:act",
        "/ds/g.act",
    ],
)
def test_what_is_not_registered_is_404(datastar: Datastar, tab: DatastarClient, path: str) -> None:
    datastar.handler(group="g", name="act")(lambda: None)

    assert tab.post(path).status_code == 404


@pytest.mark.parametrize("method", ["GET", "HEAD", "QUERY", "TRACE"])
def test_wrong_verb_is_405_with_those_that_are_right(datastar: Datastar, client: FlaskClient, method: str) -> None:
    datastar.handler(group="g", name="act")(lambda: None)

    response = client.open("/ds/g/act", method=method, headers=HEADER)

    assert response.status_code == 405
    assert set(response.allow) == {"DELETE", "OPTIONS", "PATCH", "POST", "PUT"}


@pytest.mark.parametrize(
    ("methods", "allowed"),
    [
        (["POST"], {"POST", "OPTIONS"}),
        (["GET"], {"GET", "HEAD", "OPTIONS"}),
        (["QUERY", "PUT"], {"QUERY", "PUT", "OPTIONS"}),
    ],
)
def test_options_lists_the_handlers_verbs(
    datastar: Datastar, client: FlaskClient, methods: list[str], allowed: set[str]
) -> None:
    @datastar.handler(group="g", methods=methods)
    def act() -> None:
        raise AssertionError

    response = client.options("/ds/g/act")

    assert response.status_code == 200
    assert set(response.allow) == allowed


def test_head_runs_nothing(datastar: Datastar, client: FlaskClient) -> None:
    ran: list[str] = []

    @datastar.handler(group="g", methods=["GET"])
    def act(needed: int) -> Iterator[None]:
        ran.append("handler")
        yield

    response = client.head("/ds/g/act", headers=HEADER)
    assert (response.status_code, response.mimetype) == (200, "text/event-stream")
    assert client.head("/ds/g/act").status_code == 403
    assert ran == []


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "query"])
def test_every_verb_reaches_its_handler_with_its_signals(app: Flask, datastar: Datastar, method: str) -> None:
    @datastar.handler(methods=[method])
    def act(count: int) -> Signals:
        return {"count": count + 1, "method": request.method}

    answer = getattr(DatastarClient(app, {"count": 1}), method)(act)

    assert answer.signals == {"count": 2, "method": method.upper()}


ELEMENTS = sse.patch_elements("<p id='a'></p>")
SIGNALS = sse.patch_signals({"a": 1})


class Component:
    def __html__(self) -> str:
        return "<p id='a'></p>"


@pytest.mark.parametrize(
    ("make", "events"),
    [
        (lambda datastar: None, ()),
        (lambda datastar: "<p id='a'></p>", (ELEMENTS,)),
        (lambda datastar: Markup("<p id='a'></p>"), (ELEMENTS,)),
        (lambda datastar: Component(), (ELEMENTS,)),
        (lambda datastar: {"a": 1}, (SIGNALS,)),
        (lambda datastar: ELEMENTS, (ELEMENTS,)),
        (lambda datastar: [ELEMENTS, "<p id='a'></p>", {"a": 1}], (ELEMENTS, ELEMENTS, SIGNALS)),
        (lambda datastar: [], ()),
        (lambda datastar: "", ()),
        (lambda datastar: {}, ()),
        (lambda datastar: iter([ELEMENTS, SIGNALS]), (ELEMENTS, SIGNALS)),
        (lambda datastar: (event for event in [ELEMENTS, SIGNALS]), (ELEMENTS, SIGNALS)),
        (lambda datastar: iter([]), ()),
        (lambda datastar: datastar.patch_signals({"a": 1}), (SIGNALS,)),
        (lambda datastar: datastar.signal("a", 1), (SIGNALS,)),
        (lambda datastar: datastar.start().patch_signals({"a": 1}), (SIGNALS,)),
        (lambda datastar: datastar.start(), ()),
    ],
)
def test_return_value_is_sent_after_what_was_queued(
    app: Flask, datastar: Datastar, tab: DatastarClient, make: Any, events: tuple[Any, ...]
) -> None:
    before = sse.remove_elements("#old")

    @datastar.handler
    def alone() -> Any:
        return make(datastar)

    @datastar.handler
    def after() -> Any:
        datastar.remove_elements("#old")
        return make(datastar)

    answer = tab.post(alone)
    assert answer.events == events
    assert answer.status_code == (200 if events else 204)
    assert tab.post(after).events == (before, *events)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (5, "int"),
        (("<p></p>", 200), "tuple"),
        (True, "bool"),
        (b"<p></p>", "bytes"),
        ({"a"}, "set"),
        (object(), "object"),
        (["<p id='a'></p>", 5], "int"),
        (Response, "type"),
    ],
)
def test_other_return_value_is_an_error_with_handler_and_type(
    datastar: Datastar, tab: DatastarClient, value: object, kind: str
) -> None:
    @datastar.handler(group="g")
    def act() -> object:
        return value

    with pytest.raises(
        TypeError,
        match=rf"^handler g:act \(tests\.handlers\.test_dispatch\..*act\) gave {kind}; accepted: None, the current ",
    ):
        tab.post(act)


def test_response_is_sent_as_it_is(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.handler
    def act() -> Response:
        return make_response("<p>plain</p>", 201, {"X-Mine": "1"})

    response = tab.post(act).response

    assert (response.status_code, response.text, response.headers["X-Mine"]) == (201, "<p>plain</p>", "1")
    assert response.mimetype == "text/html"


def test_session_and_flash_work(app: Flask, datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.handler
    def remember(name: str) -> None:
        session["name"] = name
        flash(f"Hello {name}")

    @datastar.handler
    def recall() -> Signals:
        return {"name": session["name"], "flashed": get_flashed_messages()}

    assert "session=" in tab.post(remember, name="Ada").response.headers["Set-Cookie"]
    assert tab.post(recall).patched == {"name": "Ada", "flashed": ["Hello Ada"]}


def test_request_hooks_run_as_for_any_view(app: Flask, datastar: Datastar, tab: DatastarClient) -> None:
    log: list[str] = []

    @app.before_request
    def before() -> None:
        log.append(f"before {request.endpoint}")
        datastar.assign("hidden", 1)
        datastar.signal("early", 1)

    @app.after_request
    def after(response: Response) -> Response:
        log.append(f"after {response.status_code} {response.content_length == len(response.data)}")
        response.headers["X-After"] = "1"
        return response

    @app.teardown_request
    def teardown(error: BaseException | None) -> None:
        log.append(f"teardown {error!r}")

    @datastar.handler(group="g")
    def act() -> str:
        log.append("handler")
        return "<p id='a'></p>"

    answer = tab.post(act)

    assert answer.events == (ELEMENTS, sse.patch_signals({"early": 1}))
    assert answer.response.headers["X-After"] == "1"
    assert log == ["before datastar.g:act", "handler", "after 200 True", "teardown None"]


def test_before_request_may_answer_itself(app: Flask, datastar: Datastar, tab: DatastarClient) -> None:
    @app.before_request
    def guard() -> Response:
        return datastar.patch_elements("<p id='a'></p>")

    @datastar.handler
    def act() -> None:
        raise AssertionError

    assert tab.post(act).events == (ELEMENTS,)


@pytest.mark.parametrize("own_class", [True, False])
def test_after_request_may_send_more(app: Flask, datastar: Datastar, tab: DatastarClient, own_class: bool) -> None:
    class Mine(Response):
        pass

    if own_class:
        app.response_class = Mine

    @app.after_request
    def after(response: Response) -> Response:
        datastar.signal("late", 1)
        datastar.patch_elements("<p id='late'></p>")
        response.headers["X-Seen"] = str(response.content_length)
        return response

    @datastar.handler
    def full() -> str:
        return "<p id='a'></p>"

    @datastar.handler
    def empty() -> None: ...

    late = sse.patch_elements("<p id='late'></p>"), sse.patch_signals({"late": 1})
    answer = tab.post(full)
    assert answer.events == (ELEMENTS, *late)
    assert answer.response.content_length == len(answer.response.data)
    assert answer.response.headers["X-Seen"] == str(len(ELEMENTS.encode() + late[0].encode()))
    answer = tab.post(empty)
    assert answer.events == late
    assert answer.response.mimetype == "text/event-stream"


def test_after_request_may_replace_the_response(app: Flask, datastar: Datastar, tab: DatastarClient) -> None:
    app.after_request(lambda response: make_response("replaced", 418))

    @datastar.handler
    def act() -> None:
        datastar.signal("count", 1)

    response = tab.post(act).response

    assert (response.status_code, response.text) == (418, "replaced")


def test_custom_response_class_is_used_and_sees_the_finished_body(make_app: MakeApp) -> None:
    class Mine(Response):
        @property
        def size(self) -> int:
            return len(self.get_data())

    app = make_app()
    app.response_class = Mine
    datastar: Datastar = app.extensions["datastar"]

    @app.after_request
    def after(response: Response) -> Response:
        assert isinstance(response, Mine)
        response.headers["X-Size"] = str(response.size)
        return response

    @datastar.handler
    def act() -> Response:
        return datastar.patch_elements("<p id='a'></p>").patch_signals({"a": 1})

    @datastar.handler
    def stream() -> Iterator[str]:
        yield "<p id='a'></p>"
        datastar.signal("a", 1)

    answer = DatastarClient(app).post(act)
    assert answer.events == (ELEMENTS, SIGNALS)
    assert answer.response.headers["X-Size"] == str(len(answer.response.data))
    app.after_request_funcs[None].remove(after)
    assert DatastarClient(app).post(stream).events == (ELEMENTS, SIGNALS)


@pytest.mark.parametrize("error", [ValueError("broken"), Conflict("taken")])
def test_exception_is_an_ordinary_flask_error(make_app: MakeApp, error: Exception) -> None:
    app = make_app(TESTING=False)
    datastar: Datastar = app.extensions["datastar"]
    torn_down: list[Any] = []
    seen: list[Exception] = []
    app.teardown_request(torn_down.append)

    @datastar.handler
    def act() -> None:
        datastar.signal("count", 1)
        datastar.patch_elements("<p id='half'></p>")
        session["kept"] = True
        raise error

    def note(sender: Flask, exception: Exception) -> None:
        seen.append(exception)

    with got_request_exception.connected_to(note, app):
        response = DatastarClient(app).post(act).response

    assert response.status_code == (409 if isinstance(error, Conflict) else 500)
    assert response.mimetype == "text/html"
    assert b"data:" not in response.data
    assert seen == ([] if isinstance(error, Conflict) else [error])
    # Flask keeps an HTTPException from teardown functions.
    assert torn_down == ([None] if isinstance(error, Conflict) else [error])


def test_errorhandler_answers_without_what_was_queued(app: Flask, datastar: Datastar, tab: DatastarClient) -> None:
    @app.errorhandler(ValueError)
    def show(error: ValueError) -> Response:
        datastar.signal("error", str(error))
        return datastar.patch_elements("<p id='error'></p>")

    @app.errorhandler(404)
    def missing(error: Exception) -> tuple[Response, int]:
        return datastar.patch_signals({"missing": True}), 404

    @datastar.handler
    def act() -> None:
        datastar.signal("count", 1)
        datastar.patch_elements("<p id='half'></p>")
        raise ValueError("broken")

    @datastar.handler
    def gone() -> None:
        datastar.signal("count", 1)
        abort(404)

    assert tab.post(act).events == (sse.patch_elements("<p id='error'></p>"), sse.patch_signals({"error": "broken"}))
    response = tab.post(gone).response
    assert (response.status_code, response.data) == (404, sse.patch_signals({"missing": True}).encode())


def test_value_that_cannot_be_sent_is_an_error_of_the_handler(
    app: Flask, datastar: Datastar, tab: DatastarClient
) -> None:
    @app.errorhandler(ValueError)
    def show(error: ValueError) -> Response:
        return datastar.patch_signals({"error": str(error)})

    @datastar.handler
    def act() -> None:
        datastar.signal("chart.mean", float("inf"))

    assert tab.post(act).patched == {
        "error": "'chart.mean' cannot be sent as JSON: inf is not a JSON number; send None or a text"
    }


def test_event_handled_names_the_handler_and_its_response(app: Flask, datastar: Datastar, tab: DatastarClient) -> None:
    seen: list[dict[str, Any]] = []

    def note(sender: Flask, **values: Any) -> None:
        seen.append({"sender": sender, **values, "status": values["response"].status_code})

    @datastar.handler(group="g", name="add")
    def act(count: int) -> None: ...

    with hooks.event_handled.connected_to(note, app):
        tab.post(act, count=1)
        assert tab.post(act).status_code == 400

    assert [(entry["sender"], entry["group"], entry["event"], entry["status"]) for entry in seen] == [
        (app, "g", "add", 204)
    ]


def test_event_handled_is_sent_by_the_app_that_ran_the_handler(make_app: MakeApp) -> None:
    datastar = Datastar()
    first, second = make_app(datastar), make_app(datastar)
    datastar.handler(group="g", name="act")(lambda: None)
    seen: list[Flask] = []

    def note(sender: Flask, **values: Any) -> None:
        seen.append(sender)

    with hooks.event_handled.connected_to(note, first):
        for app in (first, second):
            DatastarClient(app).post("/ds/g/act")

    assert seen == [first]


def test_failing_event_handled_receiver_drops_what_was_queued(
    app: Flask, datastar: Datastar, tab: DatastarClient
) -> None:
    @app.errorhandler(RuntimeError)
    def show(error: RuntimeError) -> Response:
        return datastar.patch_elements("<p id='a'></p>")

    @datastar.handler
    def act() -> str:
        return "<p id='half'></p>"

    def fail(sender: Flask, **values: Any) -> None:
        raise RuntimeError

    with hooks.event_handled.connected_to(fail, app):
        assert tab.post(act).events == (ELEMENTS,)


def test_view_function_bears_the_handlers_names(app: Flask, datastar: Datastar) -> None:
    @datastar.handler(group="g")
    def act() -> None:
        """Do it."""

    view = app.view_functions["datastar.g:act"]

    assert (view.__module__, view.__name__, view.__doc__) == ("tests.handlers.test_dispatch", "act", "Do it.")


def test_csrf_exempt_takes_single_handlers(make_app: MakeApp) -> None:
    app = make_app(WTF_CSRF_CHECK_DEFAULT=True)
    csrf = CSRFProtect(app)
    datastar: Datastar = app.extensions["datastar"]

    @csrf.exempt
    @datastar.handler
    def exempt() -> str:
        return "<p id='a'></p>"

    @datastar.handler
    def protected() -> None: ...

    tab = DatastarClient(app)
    assert tab.post(exempt).events == (ELEMENTS,)
    assert tab.post(protected).status_code == 400


def test_request_knows_endpoint_and_blueprint(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.handler(group="g")
    def act() -> Signals:
        return {"endpoint": request.endpoint, "blueprint": request.blueprint}

    assert tab.post(act).patched == {"endpoint": "datastar.g:act", "blueprint": "datastar"}


def test_flask_routes_lists_single_handlers(app: Flask, datastar: Datastar) -> None:
    datastar.handler(group="g", name="act")(lambda: None)

    output = app.test_cli_runner().invoke(FlaskGroup(create_app=lambda: app), ["routes"]).output

    assert "datastar.g:act" in output
    assert "/ds/g/act" in output


def test_handler_may_be_called_as_the_function_it_is(app: Flask, datastar: Datastar) -> None:
    @datastar.handler
    def act(count: int) -> Signals:
        return {"count": count + 1}

    assert act(1) == {"count": 2}


def test_plain_views_are_left_alone(app: Flask, datastar: Datastar, client: FlaskClient) -> None:
    class Page(MethodView):
        def get(self) -> str:
            datastar.signal("count", 1)
            return "<p>page</p>"

    app.add_url_rule("/", view_func=Page.as_view("page"))

    response = client.get("/")

    assert (response.status_code, response.text, response.mimetype) == (200, "<p>page</p>", "text/html")
