"""Generator handlers: primed to the first yield, each yield sent, every end a clean one, nothing left behind."""

from __future__ import annotations

import gc
import io
import logging
import weakref
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import pytest
from flask import (
    Flask,
    Response,
    abort,
    current_app,
    flash,
    g,
    got_request_exception,
    has_request_context,
    redirect,
    render_template_string,
    request,
    session,
    url_for,
)
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response as WerkzeugResponse

from flask_datastar import Datastar, Event, EventResponse, hooks, sse
from flask_datastar.testing import DatastarClient
from tests.conftest import MakeApp
from tests.support.wsgi import Server


@pytest.fixture
def uncaught(make_app: MakeApp) -> Flask:
    """An app as in production: errors become responses."""
    return make_app(TESTING=False)


P1, P2, P3 = (sse.patch_elements(f"<p id='a'>{number}</p>") for number in (1, 2, 3))


def test_each_yield_is_one_chunk_with_what_was_set_since_the_last(app: Flask, datastar: Datastar) -> None:
    @datastar.handler(group="g")
    def act() -> Iterator[Any]:
        datastar.signal("step", 1)
        yield
        datastar.patch_elements("<p id='a'>1</p>")
        datastar.signal("step", 2)
        datastar.signal("theme", "dark", only_if_missing=True)
        yield
        yield P2
        datastar.signal("step", 3)

    server = Server(app, "/ds/g/act")

    assert server.status == 200
    assert server.headers == {
        "Content-Type": "text/event-stream; charset=utf-8",
        "Cache-Control": "no-cache",
        "X-Accel-Buffering": "no",
    }
    assert list(server.chunks) == [
        sse.patch_signals({"step": 1}).encode(),
        P1.encode()
        + sse.patch_signals({"step": 2}).encode()
        + sse.patch_signals({"theme": "dark"}, only_if_missing=True).encode(),
        P2.encode(),
        sse.patch_signals({"step": 3}).encode(),
    ]
    server.close()


def test_first_step_runs_before_the_headers_and_the_next_only_when_asked_for(app: Flask, datastar: Datastar) -> None:
    steps: list[int] = []

    @datastar.handler(group="g")
    def act() -> Iterator[Any]:
        for number in range(3):
            steps.append(number)
            yield {"step": number}

    server = Server(app, "/ds/g/act")
    assert steps == [0]
    next(server.chunks)
    assert steps == [0]
    next(server.chunks)
    assert steps == [0, 1]
    server.close()
    assert steps == [0, 1]


def test_yield_without_anything_to_send_keeps_the_connection_tried(app: Flask, datastar: Datastar) -> None:
    @datastar.handler(group="g")
    def act() -> Iterator[None]:
        yield
        yield

    server = Server(app, "/ds/g/act")

    assert list(server.chunks) == [b":\n\n", b":\n\n"]
    server.close()


@pytest.mark.parametrize(
    ("make", "event"),
    [
        (lambda datastar: P1, P1),
        (lambda datastar: "<p id='a'>1</p>", P1),
        (lambda datastar: {"a": 1}, sse.patch_signals({"a": 1})),
        (lambda datastar: datastar.patch_elements("<p id='a'>1</p>"), P1),
        (lambda datastar: datastar.signal("a", 1), sse.patch_signals({"a": 1})),
        (lambda datastar: datastar.start().patch_signals({"a": 1}), sse.patch_signals({"a": 1})),
        (lambda datastar: [P1, {"a": 1}], P1),
    ],
    ids=["event", "html", "dict", "current response", "tracked", "fresh response", "list"],
)
@pytest.mark.parametrize("position", [0, 1])
def test_yielded_value_is_sent_once(
    datastar: Datastar, tab: DatastarClient, make: Callable[[Datastar], Any], event: Event, position: int
) -> None:
    @datastar.handler
    def act() -> Iterator[Any]:
        if position == 1:
            yield P3
        yield make(datastar)
        yield P2

    events = tab.post(act).events

    assert events.count(event) == 1
    assert events[position] == event
    assert events[-1] == P2


def test_last_value_is_returned_as_well(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.handler
    def act() -> Iterator[Any]:
        yield P1
        return "<p id='a'>2</p>"

    assert tab.post(act).events == (P1, P2)


@pytest.mark.parametrize(
    ("result", "status", "data"),
    [
        (None, 204, b""),
        ("<p id='a'>1</p>", 200, P1.encode()),
        ([P1, P2], 200, P1.encode() + P2.encode()),
        (Response("plain", 418), 418, b"plain"),
    ],
)
def test_generator_without_a_yield_is_answered_as_if_it_had_returned(
    app: Flask, datastar: Datastar, tab: DatastarClient, result: Any, status: int, data: bytes
) -> None:
    @datastar.handler
    def act() -> Iterator[Any]:
        if result == "never":
            yield
        return result

    response = tab.post(act).response

    assert (response.status_code, response.data) == (status, data)
    assert response.content_length == (len(data) if status != 204 else None)


def test_redirect_before_the_first_yield_is_a_redirect(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.handler
    def act() -> Iterator[None]:
        if not session:
            return redirect("/login")
        yield

    assert tab.post(act).events == (sse.redirect("/login"),)


def test_early_error_keeps_its_status(uncaught: Flask) -> None:
    datastar: Datastar = uncaught.extensions["datastar"]
    ended: list[str] = []

    @datastar.handler(group="g")
    def act(kind: str) -> Iterator[None]:
        try:
            datastar.signal("half", 1)
            if kind == "abort":
                abort(409)
            if kind == "break":
                raise RuntimeError("broken")
            yield
        finally:
            ended.append(kind)

    tab = DatastarClient(uncaught)

    assert tab.post(act, kind="abort").status_code == 409
    assert tab.post(act, kind="break").status_code == 500
    assert tab.post(act).status_code == 400
    assert ended == ["abort", "break"]


def test_early_error_reaches_the_errorhandler_without_what_was_queued(
    app: Flask, datastar: Datastar, tab: DatastarClient
) -> None:
    @app.errorhandler(RuntimeError)
    def show(error: RuntimeError) -> Response:
        return datastar.patch_elements("<p id='a'>1</p>")

    @datastar.handler
    def act() -> Iterator[None]:
        datastar.signal("half", 1)
        raise RuntimeError
        yield

    assert tab.post(act).events == (P1,)


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        *[(bad, f" gave {type(bad).__name__}; accepted: ") for bad in (5, float("nan"), ("a",))],
        (Response("x"), " gave Response as one of several results, "),
        (["<p id='a'></p>", redirect("/")], " gave Response as one of several results, "),
    ],
    ids=["int", "float", "tuple", "response", "redirect in a list"],
)
def test_unfit_first_yield_is_an_error_and_closes_the_generator(uncaught: Flask, bad: object, text: str) -> None:
    datastar: Datastar = uncaught.extensions["datastar"]
    ended: list[bool] = []
    seen: list[Exception] = []

    @datastar.handler(group="g")
    def act() -> Iterator[Any]:
        try:
            yield bad
        finally:
            ended.append(has_request_context())

    def note(sender: Flask, exception: Exception) -> None:
        # Here, while the error still holds its frames, the generator is closed already.
        assert ended == [True]
        seen.append(exception)

    with got_request_exception.connected_to(note, uncaught):
        server = Server(uncaught, "/ds/g/act")
        server.close()

    assert server.status == 500
    assert str(seen[0]).startswith("handler g:act (")
    assert text in str(seen[0])


def test_unfit_signal_before_the_first_yield_is_an_error_and_closes_the_generator(uncaught: Flask) -> None:
    datastar: Datastar = uncaught.extensions["datastar"]
    ended: list[bool] = []

    @datastar.handler(group="g")
    def act() -> Iterator[Any]:
        try:
            datastar.signal("chart.mean", float("nan"))
            yield
        finally:
            ended.append(has_request_context())

    def note(sender: Flask, exception: Exception) -> None:
        assert ended == [True]

    with got_request_exception.connected_to(note, uncaught):
        server = Server(uncaught, "/ds/g/act")
        server.close()

    assert server.status == 500
    assert ended == [True]


@pytest.mark.parametrize("testing", [True, False])
def test_late_exception_is_reported_and_ends_the_body_cleanly(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture, testing: bool
) -> None:
    app = make_app(TESTING=testing, PROPAGATE_EXCEPTIONS=False)
    datastar: Datastar = app.extensions["datastar"]
    error = RuntimeError("broken")
    seen: list[Exception] = []
    ended: list[bool] = []

    @datastar.handler
    def act() -> Iterator[Any]:
        try:
            yield P1
            datastar.patch_elements("<p id='a'>half</p>")
            raise error
        finally:
            ended.append(has_request_context())

    def note(sender: Flask, exception: Exception) -> None:
        seen.append(exception)

    with got_request_exception.connected_to(note, app):
        answer = DatastarClient(app).post(act)

    assert (answer.status_code, answer.events) == (200, (P1,))
    assert seen == [error]
    assert ended == [True]
    assert [(record.levelno, record.exc_info and record.exc_info[1]) for record in caplog.records] == [
        (logging.ERROR, error)
    ]


@pytest.mark.parametrize(
    ("bad", "text"), [(5, "gave int; accepted: "), ({"a": float("nan")}, "'a' cannot be sent as JSON: nan")]
)
def test_unfit_later_yield_is_reported_and_ends_the_body_cleanly(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture, bad: object, text: str
) -> None:
    app = make_app(PROPAGATE_EXCEPTIONS=False)
    datastar: Datastar = app.extensions["datastar"]
    ended: list[bool] = []

    @datastar.handler
    def act() -> Iterator[Any]:
        try:
            yield P1
            yield bad
            yield P2
        finally:
            ended.append(True)

    answer = DatastarClient(app).post(act)

    assert (answer.events, ended) == ((P1,), [True])
    assert text in str(caplog.records[0].exc_info and caplog.records[0].exc_info[1])


def test_error_while_closing_is_reported(app: Flask, datastar: Datastar, caplog: pytest.LogCaptureFixture) -> None:
    @datastar.handler(group="g")
    def act() -> Iterator[Any]:
        try:
            yield P1
            yield P2
        finally:
            raise RuntimeError("while closing")

    server = Server(app, "/ds/g/act")
    next(server.chunks)

    server.close()

    assert [str(record.exc_info and record.exc_info[1]) for record in caplog.records] == ["while closing"]


def test_session_is_saved_with_what_was_set_before_the_first_yield(
    app: Flask, datastar: Datastar, tab: DatastarClient
) -> None:
    @datastar.handler
    def act() -> Iterator[None]:
        session["early"] = True
        flash("hello")
        yield
        session["late"] = True

    tab.post(act)

    with tab.client.session_transaction() as saved:
        assert saved["early"] is True
        assert "late" not in saved


def test_flask_globals_work_in_every_step(app: Flask, datastar: Datastar, tab: DatastarClient) -> None:
    found: list[Any] = []

    @app.before_request
    def before() -> None:
        g.user = "Ada"

    @datastar.handler(group="g")
    def act(count: int) -> Iterator[None]:
        for step in range(3):
            datastar.assign("step", step)
            found.append(
                (
                    g.user,
                    request.path,
                    url_for("static", filename="a.css"),
                    current_app.name,
                    session.get("missing"),
                    datastar.read_signals(),
                    render_template_string("{{ step }} {{ g.user }}"),
                )
            )
            yield

    tab.signals = {"count": 1}
    tab.post(act)

    assert found == [
        ("Ada", "/ds/g/act", "/static/a.css", "shop", None, {"count": 1}, f"{step} Ada") for step in range(3)
    ]


def upload(app: Flask, content: bytes = b"one\ntwo\n") -> Server:
    return Server(app, "/ds/g/act", data={"file": (io.BytesIO(content), "a.csv")})


@pytest.mark.parametrize("taken", [0, 1, 3])
def test_upload_stays_open_while_streaming_and_is_closed_afterwards(app: Flask, datastar: Datastar, taken: int) -> None:
    files: list[FileStorage] = []

    @datastar.handler(group="g")
    def act() -> Iterator[dict[str, str]]:
        file = request.files["file"]
        files.append(file)
        for line in file.stream:
            yield {"line": line.decode().strip()}

    server = upload(app)
    chunks = [next(server.chunks, b"") for _ in range(taken)]
    assert (
        chunks
        == [sse.patch_signals({"line": "one"}).encode(), sse.patch_signals({"line": "two"}).encode(), b""][:taken]
    )
    if taken < 3:
        assert not files[0].stream.closed

    server.close()

    assert files[0].stream.closed


def test_upload_is_closed_when_the_first_step_fails(uncaught: Flask) -> None:
    datastar: Datastar = uncaught.extensions["datastar"]
    files: list[FileStorage] = []

    @datastar.handler(group="g")
    def act() -> Iterator[Any]:
        files.append(request.files["file"])
        yield 5

    upload(uncaught).close()

    assert files[0].stream.closed


@pytest.mark.parametrize("taken", [0, 1, 2])
def test_client_that_leaves_closes_the_generator_in_its_context(app: Flask, datastar: Datastar, taken: int) -> None:
    log: list[Any] = []

    @datastar.handler(group="g")
    def act() -> Iterator[Event]:
        try:
            yield P1
            yield P2
            yield P3
        except GeneratorExit:
            log.append("left")
            raise
        finally:
            log.append((request.endpoint, current_app.name))

    server = Server(app, "/ds/g/act")
    for _ in range(taken):
        next(server.chunks)

    server.close()

    assert log == ["left", ("datastar.g:act", "shop")]
    server.close()
    assert len(log) == 2


def test_client_that_leaves_ends_a_plain_iterator_too(app: Flask, datastar: Datastar) -> None:
    @datastar.handler(group="g")
    def act() -> Iterator[Event]:
        return iter([P1, P2])

    server = Server(app, "/ds/g/act")
    assert next(server.chunks) == P1.encode()

    server.close()


def test_teardown_runs_after_the_stream_has_ended(app: Flask, datastar: Datastar) -> None:
    log: list[str] = []
    app.teardown_request(lambda error: log.append("teardown"))

    @datastar.handler(group="g")
    def act() -> Iterator[Event]:
        yield P1
        log.append("second step")
        yield P2

    server = Server(app, "/ds/g/act")
    assert list(server.chunks) == [P1.encode(), P2.encode()]
    server.close()

    assert log[-1] == "teardown"
    assert "second step" in log


@pytest.mark.parametrize("taken", [0, 1, None])
def test_teardown_function_that_fails_breaks_nothing_off(
    app: Flask, datastar: Datastar, caplog: pytest.LogCaptureFixture, taken: int | None
) -> None:
    """As that of a driver whose connection must not be closed twice: Flask calls it when the view has returned, too."""
    is_streaming = False

    @app.teardown_request
    def fail(error: BaseException | None) -> None:
        if is_streaming:
            raise RuntimeError("broken")

    @datastar.handler(group="g")
    def act() -> Iterator[Event]:
        yield P1
        yield P2

    server = Server(app, "/ds/g/act")
    is_streaming = True
    assert list(islice(server.chunks, taken)) == [P1.encode(), P2.encode()][:taken]
    server.close()

    assert "broken" in caplog.text


@pytest.mark.parametrize("taken", [0, 1, None])
def test_nothing_of_a_stream_is_kept(app: Flask, datastar: Datastar, taken: int | None) -> None:
    kept: list[weakref.ref[Any]] = []

    class Marker:
        pass

    @datastar.handler(group="g")
    def act() -> Iterator[Event]:
        marker = Marker()
        kept.append(weakref.ref(marker))
        kept.append(weakref.ref(request._get_current_object()))  # type: ignore[attr-defined]
        yield P1
        yield P2
        datastar.assign("marker", marker)

    server = Server(app, "/ds/g/act")
    list(islice(server.chunks, taken))
    server.close()
    del server
    gc.collect()

    assert [reference() for reference in kept] == [None, None]


def test_event_handled_is_sent_once_the_first_step_is_done(app: Flask, datastar: Datastar) -> None:
    steps: list[str] = []

    @datastar.handler(group="g")
    def act() -> Iterator[Event]:
        steps.append("first")
        yield P1
        steps.append("second")
        yield P2

    def note(sender: Flask, **values: Any) -> None:
        steps.append("handled")

    with hooks.event_handled.connected_to(note, app):
        server = Server(app, "/ds/g/act")
        list(server.chunks)
        server.close()

    assert steps == ["first", "handled", "second"]


def test_after_request_sees_the_stream_without_a_length(app: Flask, datastar: Datastar, tab: DatastarClient) -> None:
    seen: list[Any] = []

    @app.after_request
    def after(response: Response) -> Response:
        seen.append((response.is_streamed, response.content_length))
        response.headers["X-After"] = "1"
        return response

    @datastar.handler
    def act() -> Iterator[Event]:
        yield P1

    answer = tab.post(act)

    assert (answer.events, answer.response.headers["X-After"]) == ((P1,), "1")
    assert seen == [(True, None)]


def test_what_after_request_sends_comes_before_the_next_step(
    app: Flask, datastar: Datastar, tab: DatastarClient
) -> None:
    @app.after_request
    def after(response: Response) -> Response:
        datastar.patch_elements("<p id='a'>3</p>")
        return response

    @datastar.handler
    def act() -> Iterator[Event]:
        yield P1
        yield P2

    assert tab.post(act).events == (P1, P3, P2)


def test_iterator_returned_by_a_plain_handler_streams(app: Flask, datastar: Datastar) -> None:
    @datastar.handler(group="g")
    def act() -> Iterator[Event]:
        datastar.signal("first", True)
        return (event for event in (P1, P2))

    server = Server(app, "/ds/g/act")

    assert list(server.chunks) == [P1.encode() + sse.patch_signals({"first": True}).encode(), P2.encode()]
    server.close()


def test_two_streams_of_two_apps_run_beside_each_other(make_app: MakeApp) -> None:
    datastar = Datastar()
    apps = make_app(datastar), make_app(datastar)

    @datastar.handler(group="g")
    def act(name: str) -> Iterator[None]:
        for step in range(3):
            datastar.signal("at", f"{name}{step}")
            yield

    servers = [
        Server(app, "/ds/g/act", json={"name": name}) for app, name in ((apps[0], "a"), (apps[1], "b"), (apps[0], "c"))
    ]

    steps = [[next(server.chunks) for server in servers] for _ in range(3)]

    assert steps == [[sse.patch_signals({"at": f"{name}{step}"}).encode() for name in "abc"] for step in range(3)]
    for server in reversed(servers):
        server.close()


def test_tab_reads_a_stream_event_by_event_and_may_leave(app: Flask, datastar: Datastar, tab: DatastarClient) -> None:
    log: list[str] = []

    @datastar.handler
    def act() -> Iterator[dict[str, int]]:
        try:
            for step in range(100):
                log.append(f"step {step}")
                yield {"step": step}
        finally:
            log.append("end")

    events = tab.iter_events(act)
    assert next(events) == sse.patch_signals({"step": 0})
    assert next(events) == sse.patch_signals({"step": 1})
    events.close()  # type: ignore[attr-defined]

    assert log == ["step 0", "step 1", "end"]
    assert tab.signals == {"step": 1}


def test_response_of_a_generator_is_one_of_events(app: Flask, datastar: Datastar, tab: DatastarClient) -> None:
    kinds: list[type] = []

    @app.after_request
    def after(response: WerkzeugResponse) -> WerkzeugResponse:
        kinds.append(type(response))
        return response

    @datastar.handler
    def act() -> Iterator[None]:
        yield

    tab.post(act)

    assert kinds == [EventResponse]
