"""Contexts that outlive the view: the same ones in every step, torn down once, at the end of the body."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import pytest
from flask import Flask, Response, appcontext_tearing_down, g, has_app_context, request, request_tearing_down, session
from flask.sessions import SecureCookieSessionInterface
from werkzeug.wrappers import Response as WerkzeugResponse

from flask_datastar import Datastar
from flask_datastar.state.contexts import KeptContexts
from flask_datastar.testing import DatastarClient
from tests.conftest import MakeApp
from tests.support.streams import Connect
from tests.support.wsgi import Server, call

PATH = "/ds/g/act"


class Teardowns:
    """What teardown functions were called with, in their order, and where."""

    def __init__(self, app: Flask) -> None:
        self.calls: list[tuple[str, str]] = []
        self.places: list[tuple[str, str | None]] = []
        app.teardown_request(self._request)
        app.teardown_appcontext(self._app)

    def _request(self, error: BaseException | None) -> None:
        self.calls.append(("request", type(error).__name__))
        self.places.append((request.path, g.get("name")))

    def _app(self, error: BaseException | None) -> None:
        self.calls.append(("app", type(error).__name__))

    @staticmethod
    def once(error: str = "NoneType") -> list[tuple[str, str]]:
        return [("request", error), ("app", error)]


@pytest.fixture
def teardowns(app: Flask) -> Teardowns:
    return Teardowns(app)


def declare(datastar: Datastar) -> None:
    @datastar.handler(group="g")
    def act() -> Iterator[Any]:
        g.name = "Ada"
        for number in range(3):
            yield {"step": number, "name": g.name}


# Handlers


@pytest.mark.parametrize("taken", [0, 1, 3])
def test_teardown_runs_once_when_the_body_ends(
    app: Flask, datastar: Datastar, teardowns: Teardowns, taken: int
) -> None:
    declare(datastar)
    server = Server(app, PATH, json={})
    chunks = [next(server.chunks) for _ in range(taken)]
    assert teardowns.calls == []
    rest = list(server.chunks) if taken == 3 else None

    server.close()
    server.close()

    assert len(chunks) == taken
    assert rest in (None, [])
    # One that is not read to its end has lost its client: as in a stream of Flask's own.
    assert teardowns.calls == Teardowns.once("NoneType" if taken == 3 else "GeneratorExit")
    assert teardowns.places == [(PATH, "Ada")]


def test_signals_of_flask_are_sent_once(app: Flask, datastar: Datastar) -> None:
    sent: list[str] = []
    declare(datastar)

    def note_request(sender: Flask, **_: Any) -> None:
        sent.append("request")

    def note_app(sender: Flask, **_: Any) -> None:
        sent.append("app")

    with request_tearing_down.connected_to(note_request, app), appcontext_tearing_down.connected_to(note_app, app):
        server = Server(app, PATH)
        list(server.chunks)
        server.close()

    assert sent == ["request", "app"]


def test_nothing_is_active_between_steps(app: Flask, datastar: Datastar, teardowns: Teardowns) -> None:
    declare(datastar)
    response = app.test_client().post(PATH, headers={"Datastar-Request": "true"}, buffered=False)
    active = [has_app_context() for _ in response.iter_encoded()]
    response.close()

    assert active == [False] * 3
    assert teardowns.calls == Teardowns.once()


def test_each_step_may_run_in_another_thread(app: Flask, datastar: Datastar, teardowns: Teardowns) -> None:
    declare(datastar)
    _, _, body = call(app, PATH, method="POST")
    chunks: list[bytes] = []

    def in_a_thread(function: Callable[[], object]) -> None:
        thread = threading.Thread(target=function)
        thread.start()
        thread.join()

    for _ in range(3):
        in_a_thread(lambda: chunks.append(next(body)))
    in_a_thread(lambda: list(body))
    in_a_thread(body.close)

    assert [b'"name":"Ada"' in chunk for chunk in chunks] == [True] * 3
    assert teardowns.calls == Teardowns.once()


def test_what_a_step_sets_for_its_context_is_there_in_the_next(app: Flask, datastar: Datastar) -> None:
    variable: ContextVar[str] = ContextVar("variable", default="unset")

    @contextmanager
    def bound(value: str) -> Iterator[None]:
        # Resetting works only in the context that the token comes from.
        token = variable.set(value)
        try:
            yield
        finally:
            variable.reset(token)

    @datastar.handler(group="g")
    def act() -> Iterator[Any]:
        with bound("first"):
            yield {"value": variable.get()}
            with bound("second"):
                yield {"value": variable.get()}
            yield {"value": variable.get()}
        yield {"value": variable.get()}

    tab = DatastarClient(app)
    patches = [event.arguments["signals"] for event in tab.post(PATH).events]

    assert patches == [f'{{"value":"{value}"}}' for value in ("first", "second", "first", "unset")]
    assert variable.get() == "unset"


@pytest.mark.parametrize("way", ["handler", "failing handler", "stream", "left before the first byte"])
def test_teardown_function_undoes_what_a_request_set_for_its_context(
    app: Flask, datastar: Datastar, connect: Connect, way: str
) -> None:
    # As tracers and loggers do: the token is of use only in the context that it comes from.
    variable: ContextVar[str] = ContextVar("variable", default="unset")
    undone: list[str] = []

    @app.before_request
    def set_variable() -> None:
        g.token = variable.set(request.path)

    @app.teardown_request
    def reset_variable(error: BaseException | None) -> None:
        undone.append(variable.get())
        variable.reset(g.token)
        undone.append(variable.get())

    @datastar.handler(group="g")
    def act() -> Iterator[Any]:
        for _ in range(2):
            yield {"path": variable.get()}
        if way == "failing handler":
            raise LookupError

    @datastar.stream(group="g")
    def stream() -> Iterator[Any]:
        for _ in datastar.every(30):
            yield {"path": variable.get()}

    if way == "stream":
        connection = connect("/ds/g/stream")
        connection.wait('{"path":"/ds/g/stream"}')
        connection.close()
    else:
        server = Server(app, PATH)
        found = [] if way.startswith("left") else list(server.chunks)
        server.close()
        assert all(PATH.encode() in chunk for chunk in found)

    assert undone == ["/ds/g/stream" if way == "stream" else PATH, "unset"]
    assert variable.get() == "unset"


def test_exception_in_the_middle_reaches_teardown_functions(
    app: Flask, datastar: Datastar, tab: DatastarClient, teardowns: Teardowns
) -> None:
    @datastar.handler(group="g")
    def act() -> Iterator[Any]:
        yield {"step": 1}
        raise LookupError

    with pytest.raises(LookupError):
        tab.post(PATH)
    assert teardowns.calls == Teardowns.once("LookupError")


def test_exception_while_closing_reaches_teardown_functions(
    app: Flask, datastar: Datastar, teardowns: Teardowns
) -> None:
    @datastar.handler(group="g")
    def act() -> Iterator[Any]:
        try:
            yield {"step": 1}
        finally:
            raise LookupError

    Server(app, PATH).close()

    assert teardowns.calls == Teardowns.once("LookupError")


def test_early_error_is_torn_down_by_flask(make_app: MakeApp) -> None:
    app = make_app(TESTING=False)
    datastar, teardowns = app.extensions["datastar"], Teardowns(app)

    @datastar.handler(group="g")
    def act() -> Iterator[Any]:
        raise LookupError
        yield

    server = Server(app, PATH)
    server.close()

    assert server.status == 500
    assert teardowns.calls == Teardowns.once("LookupError")


@pytest.mark.parametrize("is_stream", [False, True])
def test_body_that_no_server_gets_is_closed_before_the_teardown(make_app: MakeApp, is_stream: bool) -> None:
    """Something raises when the view has returned already."""
    app = make_app(TESTING=False)
    datastar, teardowns = app.extensions["datastar"], Teardowns(app)
    ended: list[Any] = []

    @app.after_request
    def fail(response: Response) -> Response:
        raise LookupError

    def act() -> Iterator[Any]:
        try:
            yield {"step": 1}
        finally:
            ended.append((request.path, list(teardowns.calls)))

    (datastar.stream if is_stream else datastar.handler)(group="g")(act)
    status, _, body = call(app, PATH, method="GET" if is_stream else "POST")
    body.close()

    assert status == 500
    # A stream's generator has not run yet.
    assert ended == ([] if is_stream else [(PATH, [])])
    assert teardowns.calls == Teardowns.once("LookupError")


def test_response_that_takes_its_place_is_torn_down_by_flask(
    app: Flask, datastar: Datastar, tab: DatastarClient, teardowns: Teardowns
) -> None:
    ended: list[str] = []

    @app.after_request
    def replace(response: Response) -> Response:
        return Response("other")

    @datastar.handler(group="g")
    def act() -> Iterator[Any]:
        try:
            yield {"step": 1}
        finally:
            ended.append(request.path)

    assert tab.post(PATH).response.text == "other"
    assert len(ended) == 1
    assert teardowns.calls == Teardowns.once()


def test_body_that_is_read_in_the_request_ends_there(
    app: Flask, datastar: Datastar, tab: DatastarClient, teardowns: Teardowns
) -> None:
    lengths: list[int] = []
    before: list[Any] = []

    @app.after_request
    def measure(response: Response) -> Response:
        lengths.append(len(response.get_data()))
        before.extend(teardowns.calls)
        return response

    declare(datastar)

    answer = tab.post(PATH)

    assert answer.response.content_length == lengths[0] == len(answer.response.data)
    assert (before, teardowns.calls) == ([], Teardowns.once())


@pytest.mark.parametrize("status", [204, 304])
def test_response_without_a_body_is_torn_down(
    app: Flask, datastar: Datastar, teardowns: Teardowns, status: int
) -> None:
    @datastar.handler(group="g")
    def act() -> Iterator[Any]:
        datastar.signal("a", 1).status_code = status
        yield

    server = Server(app, PATH)

    assert (server.status, list(server.chunks)) == (status, [])
    server.close()
    assert teardowns.calls == Teardowns.once("GeneratorExit")


def test_body_that_a_hook_wraps_is_torn_down(app: Flask, datastar: Datastar, teardowns: Teardowns) -> None:
    class Upper:
        def __init__(self, chunks: Any) -> None:
            self._chunks = chunks

        def __iter__(self) -> Iterator[bytes]:
            return (chunk.upper() for chunk in self._chunks)

        def close(self) -> None:
            closed.append(True)

    closed: list[bool] = []

    @app.after_request
    def wrap(response: WerkzeugResponse) -> WerkzeugResponse:
        response.response = Upper(response.response)
        return response

    declare(datastar)
    server = Server(app, PATH)
    chunks = list(server.chunks)
    server.close()

    assert [b'"NAME":"ADA"' in chunk for chunk in chunks] == [True] * 3
    assert closed == [True]
    assert teardowns.calls == Teardowns.once()


def test_teardown_functions_that_fail_keep_no_other_from_running(
    app: Flask, datastar: Datastar, teardowns: Teardowns, caplog: pytest.LogCaptureFixture
) -> None:
    @app.teardown_request
    def fail(error: BaseException | None) -> None:
        raise RuntimeError("broken")

    declare(datastar)
    server = Server(app, PATH)
    list(server.chunks)
    server.close()

    assert ("app", "NoneType") in teardowns.calls
    assert "broken" in caplog.text
    assert f"an exception at the teardown of {PATH}" in caplog.text


def test_subscriptions_of_a_handler_end_with_its_body(app: Flask, datastar: Datastar, hub: Any) -> None:
    @datastar.handler(group="g")
    def act() -> Iterator[Any]:
        datastar.subscribe("news")
        yield
        datastar.changes("news")
        yield

    server = Server(app, PATH)
    assert hub.topics.is_empty
    list(server.chunks)
    server.close()

    assert hub.topics.is_empty


# A server that fails


@pytest.mark.parametrize("taken", [0, 1])
@pytest.mark.parametrize("is_stream", [False, True])
def test_body_that_a_server_drops_without_closing_it_is_torn_down(
    app: Flask, datastar: Datastar, teardowns: Teardowns, is_stream: bool, taken: int, hub: Any
) -> None:
    """As the development server does when the connection is reset."""
    ended: list[str] = []

    def act() -> Iterator[Any]:
        try:
            for _ in range(3):
                yield {"step": 1}
        finally:
            ended.append(request.path)

    (datastar.stream if is_stream else datastar.handler)(group="g")(act)
    _, _, body = call(app, PATH, method="GET" if is_stream else "POST")
    gc.disable()
    try:
        # The first chunk of a stream comes before its generator.
        for _ in range(taken + (is_stream and taken)):
            next(body)
        del body
        torn_down = list(teardowns.calls)
    finally:
        gc.enable()

    assert torn_down == Teardowns.once("NoneType" if is_stream else "GeneratorExit")
    assert ended == ([PATH] if taken or not is_stream else [])
    assert hub.stats()["open"] == 0


# Around the request


def test_app_context_of_the_caller_stays(app: Flask, datastar: Datastar, tab: DatastarClient) -> None:
    teardowns = Teardowns(app)
    declare(datastar)

    with app.app_context():
        g.outer = True
        tab.post(PATH)
        during = list(teardowns.calls)
        assert g.outer

    # Flask 3.1 uses a context that is there already for the request; newer versions give each request its own.
    assert during in ([("request", "NoneType")], Teardowns.once())
    assert teardowns.calls == [*during, ("app", "NoneType")]


def test_app_context_that_a_step_opens_is_torn_down_by_itself(
    app: Flask, datastar: Datastar, tab: DatastarClient, teardowns: Teardowns
) -> None:
    @datastar.handler(group="g")
    def act() -> Iterator[Any]:
        g.name = "outer"
        with app.app_context():
            yield {"inner": g.get("name", "")}
            yield {"inner": g.get("name", "")}
        yield {"outer": g.name}

    assert tab.post(PATH).signals == {"inner": "", "outer": "outer"}
    assert teardowns.calls == [("app", "NoneType"), *Teardowns.once()]


def test_request_inside_of_a_step_is_torn_down_by_itself(
    app: Flask, datastar: Datastar, tab: DatastarClient, teardowns: Teardowns
) -> None:
    @app.get("/inner")
    def inner() -> str:
        return request.path

    @datastar.handler(group="g")
    def act() -> Iterator[Any]:
        for _ in range(2):
            yield {"inner": app.test_client().get("/inner").text, "path": request.path}

    assert tab.post(PATH).signals == {"inner": "/inner", "path": PATH}
    assert teardowns.calls[-2:] == Teardowns.once()
    assert teardowns.calls.count(("request", "NoneType")) == 3


def test_request_inside_of_a_view_leaves_the_view_s_teardown_alone(
    app: Flask, datastar: Datastar, teardowns: Teardowns
) -> None:
    declare(datastar)

    @app.get("/outer")
    def outer() -> str:
        text = app.test_client().post(PATH, headers={"Datastar-Request": "true"}).text
        assert request.path == "/outer"
        return text

    assert app.test_client().get("/outer").text.count('"name":"Ada"') == 3
    assert [path for path, _ in teardowns.places] == [PATH, "/outer"]


@pytest.mark.parametrize("buffered", [True, False])
def test_client_that_keeps_the_context_has_it(
    app: Flask, datastar: Datastar, teardowns: Teardowns, buffered: bool
) -> None:
    declare(datastar)

    with app.test_client() as client:
        response = client.post(PATH, headers={"Datastar-Request": "true"}, buffered=buffered)
        assert response.text.count('"name":"Ada"') == 3
        response.close()
        assert (request.path, g.name) == (PATH, "Ada")
        assert teardowns.calls == Teardowns.once()

    # Flask tears down again what was kept, as it says.
    assert teardowns.calls == Teardowns.once() * 2


def test_two_apps_keep_their_contexts_apart(make_app: MakeApp) -> None:
    apps = [make_app() for _ in range(2)]
    teardowns = [Teardowns(app) for app in apps]
    for app in apps:
        declare(app.extensions["datastar"])
    servers = [Server(app, PATH) for app in apps]

    list(servers[0].chunks)
    servers[0].close()

    assert [found.calls for found in teardowns] == [Teardowns.once(), []]
    servers[1].close()
    assert [len(found.calls) for found in teardowns] == [2, 2]


def test_session_is_saved_before_the_second_step(app: Flask, datastar: Datastar, teardowns: Teardowns) -> None:
    @datastar.handler(group="g")
    def act() -> Iterator[Any]:
        session["early"] = True
        yield
        session["late"] = True
        yield {"early": session["early"]}

    client = app.test_client()
    response = client.post(PATH, headers={"Datastar-Request": "true"})

    assert '"early":true' in response.text
    with client.session_transaction() as saved:
        assert dict(saved) == {"early": True}


# Streams


@pytest.mark.parametrize("way", ["finished", "closed", "left", "failed", "refused"])
def test_stream_is_torn_down_once(app: Flask, datastar: Datastar, connect: Connect, way: str) -> None:
    teardowns = Teardowns(app)
    seen: list[int] = []

    @datastar.stream(group="g", scope="ann")
    def stream() -> Iterator[Any]:
        g.name = "Ada"
        for _ in datastar.every(30):
            seen.append(len(teardowns.calls))
            yield {"name": g.name}
            if way in ("finished", "failed"):
                break
        if way == "failed":
            raise LookupError

    if way == "refused":
        connect("/ds/g/stream", method="HEAD").wait_end()
    else:
        connection = connect("/ds/g/stream")
        connection.wait("Ada")
        if way == "closed":
            with app.app_context():
                datastar.tabs.close("ann")
            teardowns.calls.remove(("app", "NoneType"))
        connection.close() if way == "left" else connection.wait_end()

    assert seen == ([] if way == "refused" else [0])
    assert teardowns.calls == Teardowns.once("LookupError" if way == "failed" else "NoneType")


def test_stream_that_only_follows_is_torn_down_at_once(app: Flask, datastar: Datastar, connect: Connect) -> None:
    teardowns = Teardowns(app)

    @datastar.stream(group="g")
    def stream() -> Any:
        return datastar.follow("news")

    connect("/ds/g/stream").wait_open()

    assert teardowns.calls == Teardowns.once()


# What fails after the hooks


class FailingSessions(SecureCookieSessionInterface):
    """A session interface whose storage is away."""

    def save_session(self, *arguments: Any) -> None:
        raise LookupError("no storage")


@pytest.mark.parametrize("is_stream", [False, True])
def test_body_of_a_session_that_cannot_be_saved_is_closed(make_app: MakeApp, is_stream: bool) -> None:
    app = make_app(TESTING=False)
    app.session_interface = FailingSessions()
    datastar, teardowns = app.extensions["datastar"], Teardowns(app)
    ended: list[Any] = []

    def act() -> Iterator[Any]:
        try:
            yield {"step": 1}
        finally:
            ended.append((request.path, list(teardowns.calls)))

    (datastar.stream if is_stream else datastar.handler)(group="g")(act)
    status, _, body = call(app, PATH, method="GET" if is_stream else "POST")
    body.close()

    assert status == 500
    assert ended == ([] if is_stream else [(PATH, [])])
    assert teardowns.calls == Teardowns.once("LookupError")
    # Nothing of it is left for the next request of this thread.
    assert app.test_client().get("/missing").status_code == 500
    assert teardowns.calls == Teardowns.once("LookupError") * 2


def test_contexts_of_a_body_that_has_ended_run_nothing(app: Flask) -> None:
    with app.test_request_context("/"):
        kept = KeptContexts(app, request._get_current_object())
        assert kept.run(lambda: 1) == 1
        assert not kept.defer(Flask("other"), print, (None,))

        kept.end(None)

        with pytest.raises(RuntimeError, match="the body has ended"):
            kept.run(lambda: 1)
        kept.keep()
        kept.end(None)
