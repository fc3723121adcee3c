"""Servers that streams cannot work on, or not all: what the application is told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import ThreadSensitiveContext
from asgiref.wsgi import WsgiToAsgi
from flask import Blueprint, Flask

from flask_datastar import Datastar
from flask_datastar.errors import SetupError
from flask_datastar.transport import worker
from flask_datastar.transport.wakeups import PerProcess
from tests.conftest import MakeApp
from tests.support.servers import MANY, WAITRESS, Channel, inside
from tests.support.wsgi import call

SEVERAL = {"wsgi.multiprocess": True}
TEXT = "several processes serve streams here, which do not get each other's broadcasts"


def declare_stream(datastar: Datastar, **options: Any) -> None:
    @datastar.stream(group="g", **options)
    def feed() -> Iterator[None]:
        yield


def get(app: Flask, **environ: Any) -> None:
    _, _, body = call(app, "/", **environ)
    body.close()


def test_several_processes_without_a_broker_are_told_of_at_the_first_request(
    app: Flask, datastar: Datastar, caplog: pytest.LogCaptureFixture
) -> None:
    declare_stream(datastar)

    get(app, **SEVERAL)
    get(app, **SEVERAL)

    assert caplog.text.count(TEXT) == 1
    assert "DATASTAR_BROKER_URL" in caplog.text


def test_live_pages_are_streams(app: Flask, datastar: Datastar, caplog: pytest.LogCaptureFixture) -> None:
    @datastar.region(group="g")
    def part() -> str:
        return '<p id="part"></p>'

    get(app, **SEVERAL)

    assert caplog.text.count(TEXT) == 1


def test_first_request_may_be_any(app: Flask, datastar: Datastar, caplog: pytest.LogCaptureFixture) -> None:
    blueprint = Blueprint("shop", __name__, url_prefix="/shop")
    declare_stream(datastar, blueprint=blueprint)
    app.register_blueprint(blueprint)
    # Something set a signal before the request hooks.
    app.url_value_preprocessor(lambda endpoint, values: datastar.signal("early", 1) and None)

    get(app, **SEVERAL)

    assert TEXT in caplog.text


@pytest.mark.parametrize("url", ["memory://", "redis://127.0.0.1:1"])
def test_nothing_is_told_where_the_broker_is_chosen(
    make_app: MakeApp, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    datastar = Datastar()
    app = make_app(datastar, DATASTAR_BROKER_URL=url)
    declare_stream(datastar)

    get(app, **SEVERAL)

    assert TEXT not in caplog.text


def test_nothing_is_told_of_one_process(app: Flask, datastar: Datastar, caplog: pytest.LogCaptureFixture) -> None:
    declare_stream(datastar)

    get(app)

    assert TEXT not in caplog.text


def test_nothing_is_told_of_an_app_without_streams(
    app: Flask, datastar: Datastar, caplog: pytest.LogCaptureFixture
) -> None:
    @datastar.handler(group="g")
    def act() -> None: ...

    get(app, **SEVERAL)

    assert caplog.text == ""


def test_streams_declared_but_not_in_this_app_are_none(caplog: pytest.LogCaptureFixture) -> None:
    datastar = Datastar()
    declare_stream(datastar, blueprint=Blueprint("shop", __name__))
    app = Flask("shop")
    datastar.init_app(app)

    get(app, **SEVERAL)

    assert TEXT not in caplog.text


def test_first_request_through_a_bridge_tells_the_true_reason(
    app: Flask, datastar: Datastar, caplog: pytest.LogCaptureFixture
) -> None:
    declare_stream(datastar)

    inside("asgiref.wsgi", lambda: get(app, **MANY))

    assert TEXT not in caplog.text
    assert "will be refused here, because asgiref runs this application for an ASGI server" in caplog.text


# Threads


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> PerProcess[int | None]:
    """Forget afterwards how many threads the process is said to have."""
    threads: PerProcess[int | None] = PerProcess(lambda: None)
    monkeypatch.setattr(worker, "_threads", threads)
    return threads


def declare_feed(datastar: Datastar) -> None:
    @datastar.stream(group="g")
    def feed() -> Any:
        return datastar.follow("news")


def open_feed(app: Flask, **environ: Any) -> tuple[int, Any]:
    """Open a stream, and return its status and its body, of which the first chunk is read."""
    status, _, body = call(app, "/ds/g/feed", **environ)
    if status == 200:
        next(body)
    return status, body


def test_known_number_of_threads_is_respected(
    app: Flask, datastar: Datastar, threads: PerProcess[int | None], caplog: pytest.LogCaptureFixture
) -> None:
    declare_feed(datastar)

    opened = [open_feed(app, **WAITRESS) for _ in range(5)]

    assert [status for status, _ in opened] == [200] * 5
    assert open_feed(app, **WAITRESS)[0] == 503
    assert "5 streams are open, which is the limit" in caplog.text
    opened.pop()[1].close()
    opened.append(open_feed(app, **WAITRESS))
    assert opened[-1][0] == 200
    assert threads.get() == 7
    for _, body in opened:
        body.close()


def test_lower_limit_of_the_configuration_holds(make_app: MakeApp, threads: PerProcess[int | None]) -> None:
    datastar = Datastar()
    app = make_app(datastar, DATASTAR_MAX_STREAMS=1)
    declare_feed(datastar)

    _, body = open_feed(app, **WAITRESS)

    assert open_feed(app, **WAITRESS)[0] == 503
    body.close()


def test_too_few_threads_are_refused_by_the_name_of_their_server(
    app: Flask, datastar: Datastar, threads: PerProcess[int | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Channel.adj, "threads", 2)
    declare_feed(datastar)

    with pytest.raises(
        SetupError, match=r"^waitress has 2 threads here, and streams leave 2 .*use more \(--threads=20\)"
    ):
        call(app, "/ds/g/feed", **WAITRESS)


# What a server does not tell

GRANIAN = {"SERVER_SOFTWARE": "Granian"}
UNIT = {"SERVER_SOFTWARE": "Unit/1.34"}


@pytest.mark.parametrize(
    ("environ", "config", "text"),
    [
        (
            GRANIAN,
            {},
            "Granian does not say how many threads and processes it has; set DATASTAR_MAX_STREAMS to 2 less than that "
            "(--blocking-threads 20), or streams leave no thread to other requests; set DATASTAR_BROKER_URL if there "
            "are several (--workers), or most tabs miss what is broadcast",
        ),
        (
            GRANIAN,
            {"DATASTAR_MAX_STREAMS": 18},
            "Granian does not say how many processes it has; set DATASTAR_BROKER_URL if",
        ),
        (
            GRANIAN,
            {"DATASTAR_BROKER_URL": "memory://"},
            "Granian does not say how many threads it has; set DATASTAR_MAX_STREAMS to",
        ),
        (
            UNIT,
            {},
            "Unit/1.34 does not say how many threads it has; set DATASTAR_MAX_STREAMS to 2 less than that, or",
        ),
    ],
)
def test_what_a_server_does_not_tell_is_warned_of_once(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture, environ: dict[str, Any], config: dict[str, Any], text: str
) -> None:
    datastar = Datastar()
    app = make_app(datastar, **config)
    declare_feed(datastar)

    for _ in range(3):
        status, body = open_feed(app, **environ)
        body.close()
        assert status == 200

    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert text in caplog.text


@pytest.mark.parametrize("environ", [GRANIAN, UNIT])
def test_what_the_application_has_set_is_not_warned_of(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture, environ: dict[str, Any]
) -> None:
    datastar = Datastar()
    app = make_app(datastar, DATASTAR_MAX_STREAMS=18, DATASTAR_BROKER_URL="memory://")
    declare_feed(datastar)

    open_feed(app, **environ)[1].close()

    assert caplog.records == []


# Bridges


@pytest.mark.parametrize("url", [None, "memory://"])
def test_bridge_is_refused_with_the_true_reason(make_app: MakeApp, url: str | None) -> None:
    datastar = Datastar()
    app = make_app(datastar, DATASTAR_BROKER_URL=url)
    declare_feed(datastar)
    if url is not None:
        # The same server by its environ, and fit: the bridge is not taken for it.
        open_feed(app, **MANY)[1].close()

    for _ in range(2):
        with pytest.raises(SetupError, match=r"^asgiref runs this application for an ASGI server and does not say"):
            inside("asgiref.wsgi", lambda: call(app, "/ds/g/feed", **MANY))


def test_publishing_through_a_bridge_is_refused_with_the_true_reason(make_app: MakeApp) -> None:
    for url in (None, "memory://"):
        datastar = Datastar()
        app = make_app(datastar, DATASTAR_BROKER_URL=url)

        @app.get("/say")
        def say(datastar: Datastar = datastar) -> str:
            datastar.publish("news")
            return "said"

        if url is None:
            with pytest.raises(SetupError, match=r"^no stream gets what is published here, .*_BROKER_URL: asgiref"):
                inside("asgiref.wsgi", lambda app=app: call(app, "/say", **MANY))  # type: ignore[misc]
        else:
            assert inside("asgiref.wsgi", lambda app=app: call(app, "/say", **MANY))[0] == 200  # type: ignore[misc]


@pytest.mark.parametrize("url", [None, "memory://"])
def test_asgiref_itself_is_refused_and_goes_on_serving(make_app: MakeApp, url: str | None) -> None:
    datastar = Datastar()
    app = make_app(datastar, DATASTAR_BROKER_URL=url)
    declare_feed(datastar)
    app.add_url_rule("/", view_func=lambda: "served")

    async def ask(path: str) -> list[dict[str, Any]]:
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request"}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        scope: Any = {"type": "http", "method": "GET", "path": path, "query_string": b"", "http_version": "1.1"}
        # Its threads end with it.
        async with ThreadSensitiveContext(), asyncio.timeout(30):
            await WsgiToAsgi(app)({**scope, "headers": [(b"datastar-request", b"true")]}, receive, send)
        return sent

    # Not asyncio.run(), which drops, unclosed, a loop that a library has made for this thread.
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        with pytest.raises(SetupError, match=r"^asgiref runs this application for an ASGI server and does not say"):
            runner.run(ask("/ds/g/feed"))
        assert runner.run(ask("/"))[1]["body"] == b"served"
