"""Opening streams: whose they are, whether there is room, what the response is, and that nothing is left behind."""

from __future__ import annotations

import gc
import re
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from uuid import UUID

import pytest
from flask import Flask, Response, after_this_request, session

from flask_datastar import Datastar, sse
from flask_datastar.errors import SetupError
from flask_datastar.hub.limits import max_streams
from flask_datastar.sansio.stream_events import OPENED
from flask_datastar.state.app import app_state_of
from flask_datastar.state.request import request_state_of
from flask_datastar.testing import DatastarClient
from flask_datastar.transport import worker
from tests.conftest import MakeApp
from tests.support.streams import Connect, assert_nothing_is_left, hub_for
from tests.support.wsgi import call, ending

PATH = "/ds/g/stream"


def declare_follow(datastar: Datastar, **options: Any) -> None:
    @datastar.stream(group="g", name="stream", **options)
    def stream() -> Any:
        return datastar.follow("news")


def declare_generator(datastar: Datastar, **options: Any) -> None:
    @datastar.stream(group="g", name="stream", **options)
    def stream() -> Iterator[Any]:
        # Subscribed before the generator runs, and so before the stream is open.
        return (None for _ in datastar.follow("news"))


DECLARE = [declare_follow, declare_generator]
Declare = Callable[..., None]


def stats(app: Flask) -> dict[str, Any]:
    return hub_for(app).stats()


# Scopes


@pytest.mark.parametrize(
    ("scope", "text"),
    [
        ("ann", "ann"),
        (7, "7"),
        (0, "0"),
        (UUID(int=7), "00000000-0000-0000-0000-000000000007"),
        (lambda: "ann", "ann"),
        (lambda: 7, "7"),
    ],
)
def test_scope_is_compared_as_text(app: Flask, datastar: Datastar, connect: Connect, scope: Any, text: str) -> None:
    declare_follow(datastar, scope=scope)
    connection = connect(PATH, signals={"tabId": "t.p"}).wait_open()

    with app.app_context():
        assert [(info.scope, info.tab, info.page, info.endpoint) for info in datastar.tabs.snapshot()] == [
            (text, "t", "p", "datastar.g:stream")
        ]
        datastar.broadcast_to(scope() if callable(scope) else scope).signal("a", 1)
        datastar.broadcast_to(text, "t").signal("b", 1)
        connection.wait('{"a":1}', '{"b":1}')
        assert datastar.tabs.close(scope() if callable(scope) else scope) == 1


@pytest.mark.parametrize("scope", [None, "", lambda: None, lambda: ""])
def test_no_scope_is_nobody(app: Flask, datastar: Datastar, connect: Connect, scope: Any) -> None:
    declare_follow(datastar, scope=scope)
    connections = [connect(PATH, signals={"tabId": "t.p"}).wait_open() for _ in range(2)]

    with app.app_context():
        assert datastar.tabs.snapshot() == []
    assert not any(connection.has_ended for connection in connections)
    assert stats(app)["open"] == 2


@pytest.mark.parametrize("scope", [True, 1.5, b"ann", ("ann",), lambda: object()])
def test_scope_that_is_none_is_refused(app: Flask, datastar: Datastar, scope: Any) -> None:
    declare_follow(datastar, scope=scope)

    with pytest.raises(TypeError, match=r"^scope is .*; accepted: str, int, UUID or None$"):
        call(app, PATH)
    assert_nothing_is_left(app)


@pytest.mark.parametrize("scope", [None, ""])
def test_sending_to_nobody_is_refused(app: Flask, datastar: Datastar, scope: Any) -> None:
    with app.app_context():
        with pytest.raises(ValueError, match=r"^scope is .*: a scope is needed here; pass the one that the streams"):
            datastar.broadcast_to(scope)
        with pytest.raises(ValueError, match="a scope is needed here"):
            datastar.tabs.close(scope)


def test_no_scope_looks_like_another_one_s_tab(app: Flask, datastar: Datastar, connect: Connect) -> None:
    scopes = ["a", "a\0b", "a:b", "1:a:b"]

    @datastar.stream(group="g", scope=lambda: scopes[len(opened)])
    def stream() -> Any:
        return datastar.follow("news")

    opened: list[Any] = []
    for _ in scopes:
        opened.append(connect(PATH, signals={"tabId": "b"}).wait_open())
    with app.app_context():
        for scope in scopes:
            datastar.broadcast_to(scope).signal("one", scope)
            datastar.broadcast_to(scope, "b").signal("tab", scope)
        datastar.broadcast("news").signal("last", 1)

    for scope, connection in zip(scopes, opened, strict=True):
        connection.wait('{"last":1}')
        expected = [{"one": scope}, {"tab": scope}, {"last": 1}]
        assert connection.events == [sse.patch_signals(signals) for signals in expected]


# Pages and their streams


def test_page_may_have_several_streams(app: Flask, datastar: Datastar, connect: Connect) -> None:
    declare_generator(datastar, scope="ann")
    one = connect(f"{PATH}?room=1", signals={"tabId": "t.p"}).wait_open()
    two = connect(f"{PATH}?room=2", signals={"tabId": "t.p", "other": 1}).wait_open()
    with app.app_context():
        assert datastar.tabs.count() == 1

    again = connect(f"{PATH}?room=1", signals={"tabId": "t.p", "other": 2}).wait_open()

    assert ending(one.wait_end())[0] == "ds:replaced:p"
    assert not two.has_ended
    left = connect(PATH, signals={"tabId": "t.q"}).wait_open()
    assert {ending(old.wait_end())[0] for old in (two, again)} == {"ds:replaced:q"}
    assert not left.has_ended


def test_start_stream_opens_a_stream_in_a_view(app: Flask, datastar: Datastar, connect: Connect) -> None:
    @app.get("/follow")
    def follow() -> Any:
        feed = datastar.follow("news")
        datastar.signal("a", 1)
        return datastar.start_stream("ann", feed)

    @app.get("/generator")
    def generator() -> Any:
        def events(feed: Iterable[Any]) -> Iterator[Any]:
            yield {"a": 1}
            yield from feed

        return datastar.start_stream(lambda: "ann", events(datastar.follow("news")))

    connections = [connect(path, signals={"tabId": "t.p"}) for path in ("/follow", "/generator")]
    for connection in connections:
        connection.wait('{"a":1}')

    with app.app_context():
        assert {info.endpoint for info in datastar.tabs.snapshot()} == {"follow", "generator"}
        datastar.broadcast("news").signal("b", 2)
    for connection in connections:
        connection.wait('{"b":2}')


def test_what_is_sent_after_the_stream_was_made_goes_out_first(
    app: Flask, datastar: Datastar, connect: Connect
) -> None:
    @app.after_request
    def after(response: Response) -> Response:
        datastar.signal("after", 1)
        return response

    @app.get("/stream")
    def stream() -> Any:
        datastar.signal("before", 1)
        answer = datastar.start_stream(None, datastar.follow("news"))
        datastar.patch_signals({"meanwhile": 1}, event_id="row-7")
        datastar.broadcast("news").signal("early", 1)
        return answer.patch_signals({"chained": 1})  # type: ignore[attr-defined]

    connection = connect("/stream")
    connection.wait("early")

    sent = [event.arguments["signals"] for event in connection.events]
    assert sent == ['{"before":1}', '{"meanwhile":1}', '{"chained":1}', '{"after":1}', '{"early":1}']
    hub_for(app).stop()
    assert ending(connection.wait_end())[0] == "ds:restart:0:row-7"


def test_request_opens_one_stream(app: Flask, datastar: Datastar) -> None:
    @app.get("/stream")
    def stream() -> Any:
        datastar.start_stream("ann", datastar.follow("news"))
        return datastar.start_stream("ann", datastar.follow("more"))

    with pytest.raises(SetupError, match="has opened a stream already"):
        call(app, "/stream")
    assert_nothing_is_left(app)


@pytest.mark.parametrize("result", [None, "<p></p>", {"a": 1}, 5, []])
def test_function_that_gives_no_stream_is_refused(app: Flask, datastar: Datastar, result: Any) -> None:
    @datastar.stream(group="g", scope="ann")
    def stream() -> Any:
        datastar.subscribe("news")
        return result

    with pytest.raises(TypeError, match=r"^stream g:stream \(.*\) gave .*; accepted: a generator, datastar\.follow"):
        call(app, PATH)
    assert_nothing_is_left(app)


def test_response_is_sent_instead_of_a_stream(app: Flask, datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.stream(group="g")
    def stream() -> Any:
        datastar.follow("news")
        datastar.signal("a", 1)
        return datastar.patch_elements("<p id='a'></p>")

    answer = tab.get(stream)

    assert answer.signals == {"a": 1}
    assert len(answer.events) == 2
    assert_nothing_is_left(app)


def test_function_may_open_its_stream_itself(app: Flask, datastar: Datastar, connect: Connect) -> None:
    @datastar.stream(group="g", scope="ann")
    def stream() -> Any:
        return datastar.start_stream("ann", datastar.follow("news"))

    connection = connect(PATH).wait_open()
    with app.app_context():
        datastar.broadcast_to("ann").signal("a", 1)
        datastar.broadcast_to("ann").signal("last", 1)

    connection.wait("last")
    assert connection.events == [sse.patch_signals({"a": 1}), sse.patch_signals({"last": 1})]


# Room


def test_newcomer_above_the_limit_is_answered_503(
    make_app: MakeApp, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    datastar = Datastar()
    app = make_app(datastar, DATASTAR_MAX_STREAMS=2)
    declare_follow(datastar)
    connections = [connect(PATH, app=app).wait_open() for _ in range(2)]

    refused = connect(PATH, app=app)
    refused.wait_end()

    assert refused.status == 503
    assert "2 streams are open, which is the limit (DATASTAR_MAX_STREAMS)" in caplog.text
    connections[0].close()
    connect(PATH, app=app).wait_open()


@pytest.mark.parametrize("signals", [lambda n: {"tabId": f"t{n}.p"}, lambda n: None])
def test_newcomer_of_a_scope_above_its_limit_is_answered_503(
    make_app: MakeApp, connect: Connect, signals: Any, caplog: pytest.LogCaptureFixture
) -> None:
    datastar = Datastar()
    app = make_app(datastar, DATASTAR_MAX_STREAMS_PER_SCOPE=2)
    scopes = ["ann", "ann", "ann", "bob"]
    declare_follow(datastar, scope=lambda: scopes.pop(0))
    for number in range(2):
        connect(PATH, app=app, signals=signals(number)).wait_open()

    refused = connect(PATH, app=app, signals=signals(2))
    refused.wait_end()

    assert refused.status == 503
    assert "scope 'ann' has 2 streams already (DATASTAR_MAX_STREAMS_PER_SCOPE)" in caplog.text
    connect(PATH, app=app, signals=signals(0)).wait_open()


def test_stream_that_replaces_one_has_room(make_app: MakeApp, connect: Connect) -> None:
    datastar = Datastar()
    app = make_app(datastar, DATASTAR_MAX_STREAMS_PER_SCOPE=1)
    declare_follow(datastar, scope="ann")

    old = connect(PATH, app=app, signals={"tabId": "t.p"}).wait_open()
    connect(PATH, app=app, signals={"tabId": "t.q"}).wait_open()

    assert ending(old.wait_end())[0] == "ds:replaced:q"


@pytest.mark.parametrize("key", ["DATASTAR_MAX_STREAMS", "DATASTAR_MAX_STREAMS_PER_SCOPE"])
def test_of_two_that_come_at_the_same_moment_one_comes_back_later(
    make_app: MakeApp, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    datastar = Datastar()
    app = make_app(datastar, **{key: 1})
    declare_follow(datastar, scope="ann")
    bodies = [call(app, PATH, signals={"tabId": f"t{number}.p"})[2] for number in range(2)]

    chunks = [next(body) for body in bodies]
    last = list(bodies[1])

    assert chunks == [OPENED] * 2
    assert re.fullmatch(
        rb'event: datastar-stream-ending\ndata: reason "refused"\ndata: retry (\d+)\n\n'
        rb"id: ds:restart:0:\nretry: \1\n\n",
        last[0],
    )
    for body in bodies:
        body.close()
    assert stats(app)["ended"] == {"refused": 1, "left": 1}
    assert_nothing_is_left(app)


# Servers that cannot


@pytest.mark.parametrize("declare", DECLARE)
def test_server_that_serves_one_at_a_time_is_refused(app: Flask, datastar: Datastar, declare: Declare) -> None:
    declare(datastar)

    with pytest.raises(SetupError, match=r"handles one request at a time.*gunicorn -k gevent"):
        call(app, PATH, **{"werkzeug.socket": object(), "wsgi.multithread": False})


def test_several_processes_without_a_broker_are_refused(app: Flask, datastar: Datastar) -> None:
    declare_follow(datastar)

    @datastar.handler(group="g")
    def send() -> None:
        datastar.broadcast("news").signal("a", 1)

    @datastar.handler(group="g")
    def tell() -> None:
        datastar.publish("news")

    for path, method in ((PATH, "GET"), ("/ds/g/send", "POST"), ("/ds/g/tell", "POST")):
        with pytest.raises(SetupError, match=r"runs several processes.*DATASTAR_BROKER_URL"):
            call(app, path, method=method, **{"wsgi.multiprocess": True})
    assert_nothing_is_left(app)


def test_several_processes_that_keep_to_themselves_are_warned_of_once(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    datastar = Datastar()
    app = make_app(datastar, DATASTAR_BROKER_URL="memory://")
    declare_follow(datastar)

    for _ in range(2):
        status, _, body = call(app, PATH, **{"wsgi.multiprocess": True})
        body.close()
        assert status == 200

    assert caplog.text.count("reaches the streams of its own process only") == 1


@pytest.mark.parametrize(("threads", "expected"), [(20, 18), (2000, 900), (3, 1), (None, 900)])
def test_streams_leave_two_threads_to_other_requests(
    app: Flask, monkeypatch: pytest.MonkeyPatch, threads: int | None, expected: int
) -> None:
    monkeypatch.setattr(worker, "thread_count", lambda: threads)

    assert max_streams(app_state_of(app).settings) == expected


def test_too_few_threads_for_any_stream_are_refused(
    app: Flask, datastar: Datastar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "thread_count", lambda: 2)
    declare_follow(datastar)

    with pytest.raises(SetupError, match=r"has 2 threads here, and streams leave 2 to other requests; use more"):
        call(app, PATH)


# The response


@pytest.mark.parametrize("declare", DECLARE)
def test_response_is_an_event_stream(app: Flask, datastar: Datastar, declare: Declare) -> None:
    declare(datastar)

    status, headers, body = call(app, PATH)
    body.close()

    assert status == 200
    assert headers == {
        "Content-Type": "text/event-stream; charset=utf-8",
        "Cache-Control": "no-cache",
        "X-Accel-Buffering": "no",
        "Vary": "Accept-Encoding",
    }


def test_headers_and_cookies_of_the_function_are_kept(app: Flask, datastar: Datastar) -> None:
    @datastar.stream(group="g")
    def stream() -> Any:
        response = datastar.signal("a", 1)
        response.headers["X-Own"] = "1"
        response.set_cookie("one", "1")
        response.set_cookie("two", "2")
        return datastar.follow("news")

    response = app.test_client().get(PATH, headers={"Datastar-Request": "true"}, buffered=False)
    headers = response.headers
    response.close()

    assert headers["X-Own"] == "1"
    assert [cookie.partition(";")[0] for cookie in headers.getlist("Set-Cookie")] == ["one=1", "two=2"]
    assert headers.getlist("Content-Type") == ["text/event-stream; charset=utf-8"]


def test_permanent_session_s_cookie_is_not_sent_again(app: Flask, datastar: Datastar) -> None:
    @app.get("/login")
    def login() -> str:
        session.permanent = True
        session["user"] = "ann"
        return ""

    @datastar.stream(group="g", scope=lambda: session["user"])
    def stream() -> Any:
        after_this_request(set_cookie)
        return datastar.follow(session["user"])

    @datastar.stream(group="g")
    def changing() -> Any:
        session["seen"] = True
        return datastar.follow("news")

    def set_cookie(response: Response) -> Response:
        response.set_cookie("other", "1")
        return response

    client = app.test_client()
    assert "session=" in client.get("/login").headers["Set-Cookie"]
    cookies = []
    for path in (PATH, "/ds/g/changing"):
        response = client.get(path, headers={"Datastar-Request": "true"}, buffered=False)
        cookies.append([cookie.partition("=")[0] for cookie in response.headers.getlist("Set-Cookie")])
        response.close()

    assert cookies == [["other"], ["session"]]


@pytest.mark.parametrize("declare", DECLARE)
def test_app_s_own_response_class_is_respected(datastar: Datastar, declare: Declare) -> None:
    class OwnResponse(Response):
        pass

    class Shop(Flask):
        response_class = OwnResponse

    app = Shop("shop")
    datastar = Datastar(app)
    declare(datastar)
    seen: list[Response] = []
    app.after_request(lambda response: seen.append(response) or response)

    _, _, body = call(app, PATH)

    assert isinstance(seen[0], OwnResponse)
    assert next(iter(body)) == OPENED
    body.close()
    assert_nothing_is_left(app)


@pytest.mark.parametrize("declare", DECLARE)
def test_body_that_is_wrapped_is_not_passed_by(
    app: Flask, datastar: Datastar, connect: Connect, declare: Declare
) -> None:
    declare(datastar)

    @app.after_request
    def shout(response: Response) -> Response:
        chunks: Any = response.response
        response.response = (chunk.upper() for chunk in chunks)
        return response

    connection = connect(PATH)
    connection.wait("STREAM-OPENED")
    with app.app_context():
        datastar.broadcast("news").signal("a", 1)
    connection.wait('{"A":1}')
    assert b'"a"' not in connection.raw


@pytest.mark.parametrize("declare", DECLARE)
@pytest.mark.parametrize("read", [Response.get_data, Response.add_etag])
def test_body_is_not_collected(
    app: Flask, datastar: Datastar, declare: Declare, read: Callable[[Response], object]
) -> None:
    declare(datastar, scope="ann")

    @app.after_request
    def after(response: Response) -> Response:
        read(response)
        return response

    with pytest.raises(SetupError, match=r"if response\.is_streamed: return response"):
        call(app, PATH)
    assert_nothing_is_left(app)


def test_length_of_a_stream_is_not_known(app: Flask, datastar: Datastar, connect: Connect) -> None:
    lengths: list[int | None] = []

    @app.after_request
    def after(response: Response) -> Response:
        lengths.append(response.calculate_content_length())
        return response if response.is_streamed else Response(status=500)

    declare_follow(datastar)
    connection = connect(PATH).wait_open()

    assert (connection.status, lengths) == (200, [None])


@pytest.mark.parametrize("declare", DECLARE)
def test_stream_works_where_publishers_write_nothing_themselves(
    make_app: MakeApp, connect: Connect, declare: Declare
) -> None:
    datastar = Datastar()
    app = make_app(datastar, DATASTAR_DIRECT_WRITES=False)
    declare(datastar)

    connection = connect(PATH, app=app).wait_open()
    with app.app_context():
        datastar.broadcast("news").signal("a", 1)

    connection.wait('{"a":1}')


def test_what_others_do_at_the_end_of_a_response_is_done(app: Flask, datastar: Datastar, connect: Connect) -> None:
    declare_generator(datastar, scope="ann")
    closed: list[str] = []

    @app.after_request
    def note(response: Response) -> Response:
        response.call_on_close(lambda: closed.append("closed"))
        return response

    connect(PATH).wait_open().close()

    assert closed == ["closed"]


@pytest.mark.parametrize("declare", DECLARE)
@pytest.mark.parametrize("is_wrapped", [True, False])
def test_stream_is_freed_although_others_fail_at_the_end(
    app: Flask, datastar: Datastar, connect: Connect, declare: Declare, is_wrapped: bool
) -> None:
    declare(datastar, scope="ann")

    def fail() -> None:
        raise RuntimeError("broken")

    @app.after_request
    def note(response: Response) -> Response:
        if is_wrapped:
            chunks: Any = response.response
            response.response = (chunk for chunk in chunks)
        response.call_on_close(fail)
        return response

    connection = connect(PATH).wait_open()
    connection.close()

    assert repr(connection.error) == "RuntimeError('broken')"
    assert_nothing_is_left(app)


def test_stream_that_follows_keeps_no_request(app: Flask, datastar: Datastar) -> None:
    kept: list[weakref.ref[Any]] = []

    @datastar.stream(group="g", scope="ann")
    def stream() -> Any:
        from flask import g, request

        current = request._get_current_object()  # type: ignore[attr-defined]
        kept.extend(map(weakref.ref, (current, g._get_current_object())))
        assert request_state_of(current) is not None
        return datastar.follow("news")

    _, _, body = call(app, PATH, signals={"tabId": "t.p"})
    next(body)
    gc.collect()

    assert [reference() for reference in kept] == [None, None]
    body.close()
    assert_nothing_is_left(app)


# Nothing is left


@pytest.mark.parametrize("declare", DECLARE)
def test_stream_that_is_never_iterated_leaves_nothing(app: Flask, datastar: Datastar, declare: Declare) -> None:
    declare(datastar, scope="ann")

    _, _, body = call(app, PATH, signals={"tabId": "t.p"})
    with app.app_context():
        assert datastar.tabs.count() == 0
    body.close()
    body.close()

    assert list(body) == []
    assert stats(app)["opened"] == 0
    assert_nothing_is_left(app)


@pytest.mark.parametrize("declare", DECLARE)
def test_stream_that_is_closed_before_its_first_byte_was_sent_leaves_nothing(
    app: Flask, datastar: Datastar, declare: Declare
) -> None:
    declare(datastar, scope="ann")

    _, _, body = call(app, PATH, signals={"tabId": "t.p"})
    next(body)
    body.close()

    assert stats(app)["ended"] == {"left": 1}
    assert_nothing_is_left(app)


@pytest.mark.parametrize("declare", DECLARE)
def test_head_runs_nothing(app: Flask, datastar: Datastar, declare: Declare) -> None:
    declare(datastar, scope="ann")

    @app.get("/plain")
    def plain() -> Any:
        return datastar.start_stream("ann", datastar.follow("news"))

    for path in (PATH, "/plain"):
        status, headers, body = call(app, path, method="HEAD")
        assert (status, b"".join(body)) == (200, b"")
        assert headers["Content-Type"] == "text/event-stream; charset=utf-8"
        body.close()
        assert_nothing_is_left(app)
    assert stats(app)["opened"] == 0


@pytest.mark.parametrize("declare", DECLARE)
def test_response_that_is_never_sent_leaves_nothing(make_app: MakeApp, declare: Declare) -> None:
    datastar = Datastar()
    app = make_app(datastar, TESTING=False)
    declare(datastar, scope="ann")

    @app.after_request
    def fail(response: Response) -> Response:
        if response.status_code == 200:
            raise RuntimeError("broken")
        return response

    status, _, body = call(app, PATH)

    assert status == 500
    body.close()
    assert_nothing_is_left(app)


def test_subscriptions_of_a_request_that_opens_no_stream_are_dropped(app: Flask, datastar: Datastar) -> None:
    @datastar.handler(group="g")
    def act() -> None:
        datastar.subscribe("a")
        datastar.changes("b")
        datastar.follow("c")
        assert not hub_for(app).topics.is_empty

    @app.get("/")
    def page() -> str:
        datastar.subscribe("a")
        raise RuntimeError("broken")

    assert call(app, "/ds/g/act", method="POST")[0] == 204
    assert_nothing_is_left(app)
    with pytest.raises(RuntimeError, match="broken"):
        call(app, "/")
    assert_nothing_is_left(app)


def test_client_of_a_server_that_gives_no_socket_is_noticed_by_a_write(make_app: MakeApp, connect: Connect) -> None:
    datastar = Datastar()
    app = make_app(datastar, DATASTAR_KEEPALIVE_SECONDS=0.05)
    declare_follow(datastar, scope="ann")

    @datastar.stream(group="g")
    def waits() -> Iterator[Any]:
        yield from datastar.follow("news")

    for path in (PATH, "/ds/g/waits"):
        connection = connect(path, app=app, has_socket=False).wait_open()
        connection.close()
    assert stats(app)["ended"] == {"left": 2}


# Ways to look at it


def test_test_client_sees_a_stream(app: Flask, datastar: Datastar, tab: DatastarClient) -> None:
    closed: list[bool] = []

    @datastar.stream(group="g")
    def stream() -> Iterator[Any]:
        feed = datastar.follow("news")
        try:
            yield {"a": 1}
            datastar.broadcast("news").signal("b", 2)
            yield from feed
        finally:
            closed.append(True)

    events = tab.iter_events(stream, method="GET")
    assert next(events) == sse.patch_signals({"a": 1})
    assert next(events) == sse.patch_signals({"b": 2})
    events.close()

    assert tab.signals == {"a": 1, "b": 2}
    assert closed == [True]
    assert_nothing_is_left(app)


def test_two_apps_of_one_extension_share_no_streams(make_app: MakeApp, connect: Connect) -> None:
    datastar = Datastar()
    first, second = make_app(datastar), make_app(datastar)
    declare_follow(datastar, scope="ann")
    connections = {app: connect(PATH, app=app, signals={"tabId": "t.p"}).wait_open() for app in (first, second)}

    with first.app_context():
        datastar.broadcast("news").signal("a", 1)
        datastar.broadcast_to("ann").signal("b", 1)
        datastar.tabs.close("ann")

    assert b'{"a":1}' in connections[first].wait('{"b":1}')
    connections[first].wait_end()
    assert connections[second].received == b""
    with second.app_context():
        assert datastar.tabs.count() == 1
        assert datastar.stats()["ended"] == {}
