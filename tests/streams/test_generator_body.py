"""Generator streams where nothing but the next chunk goes to the server: it gives no write, or the body is wrapped."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, Response, g, request
from greenlet import getcurrent

from flask_datastar import Datastar, sse
from flask_datastar.errors import SetupError
from flask_datastar.streams import generator_body
from flask_datastar.testing import DatastarClient
from tests.conftest import MakeApp
from tests.support.streams import Connect, hub_for
from tests.support.wsgi import Connection, ending

PATH = "/ds/g/stream"


class Site:
    """An app whose streams are written to by iteration alone."""

    def __init__(self, app: Flask, connect: Connect, kind: str) -> None:
        self.app = app
        self.datastar: Datastar = app.extensions["datastar"]
        self.has_write = kind == "write"
        self.teardowns: list[object] = []
        self._connect = connect
        self._options: dict[str, Any] = {}
        app.teardown_request(self.teardowns.append)
        if kind == "no write":
            self._options = {"has_write": False, "has_socket": False}
        elif kind == "wrapped":
            app.after_request(self._wrap)

    def _wrap(self, response: Response) -> Response:
        if response.is_streamed:
            response.response = (chunk for chunk in response.response)
        return response

    def open(self, **options: Any) -> Connection:
        return self._connect(PATH, app=self.app, **self._options, **options)


@pytest.fixture(params=["no write", "wrapped", "write"])
def site(make_app: MakeApp, connect: Connect, request: pytest.FixtureRequest) -> Site:
    return Site(make_app(TESTING=False, DATASTAR_KEEPALIVE_SECONDS=0.1), connect, request.param)


def test_what_is_sent_to_a_tab_and_keepalives_go_out_while_a_generator_waits(site: Site) -> None:
    datastar = site.datastar
    threads: list[int] = []

    @datastar.stream(group="g", scope="ann")
    def stream() -> Iterator[Any]:
        g.name = "Ada"
        threads.append(threading.get_ident())
        for number in datastar.every(100):
            yield {"number": number, "name": g.name}

    connection = site.open(signals={"tabId": "t.p"})
    connection.wait("Ada")
    with site.app.app_context():
        datastar.broadcast_to("ann").signal("a", 1)
        datastar.broadcast_to("ann", "t").signal("b", 2)

    connection.wait('{"a":1}', '{"b":2}')
    connection.wait(":\n\n", count=5)
    with site.app.app_context():
        assert datastar.tabs.close("ann") == 1
    assert ending(connection.wait_end())[0] == "ds:done"
    # In the thread that the server iterates in, and in one context.
    assert threads == [connection.thread_id]
    assert site.teardowns == [None]


@pytest.mark.parametrize("end", ["finished", "failed", "left between steps", "left in a wait", "closed in a wait"])
def test_all_steps_and_the_teardown_run_in_one_coroutine(site: Site, end: str) -> None:
    # Under gevent, what belongs to a thread, such as a scoped_session, belongs to a greenlet.
    seen: list[object] = []
    site.app.teardown_request(lambda error: seen.append(getcurrent()))

    @site.datastar.stream(group="g", scope="ann")
    def stream() -> Iterator[Any]:
        try:
            for number in range(3):
                seen.append(getcurrent())
                yield {"number": number}
            if end == "failed":
                raise RuntimeError("on purpose")
            while end == "left between steps":
                yield {"text": "x" * 100_000}
            for _ in site.datastar.every(100) if end.endswith("wait") else ():
                seen.append(getcurrent())
        finally:
            seen.append(getcurrent())

    connection = site.open(signals={"tabId": "t.p"})
    connection.wait('{"number":2}')
    if end.endswith("a wait"):
        connection.wait(":\n\n", count=2)
    if end.startswith("left"):
        connection.close()
    elif end.startswith("closed"):
        with site.app.app_context():
            site.datastar.tabs.close("ann")
    connection.wait_for_end()

    assert len(seen) == (6 if end.endswith("a wait") else 5)
    assert len(set(map(id, seen))) == 1


def test_client_that_leaves_is_noticed_by_a_keepalive(site: Site) -> None:
    ended: list[str] = []

    @site.datastar.stream(group="g")
    def stream() -> Iterator[Any]:
        try:
            yield {"a": 1}
            yield from site.datastar.follow("news")
        finally:
            ended.append(request.path)

    connection = site.open()
    connection.wait(":\n\n", count=2)
    connection.close()

    assert ended == [PATH]
    assert site.teardowns == [None]
    assert hub_for(site.app).stats()["ended"] == {"left": 1}


def test_followed_events_and_own_ones_stay_in_order(site: Site) -> None:
    datastar = site.datastar

    @datastar.stream(group="g")
    def stream() -> Iterator[Any]:
        feed = datastar.follow("news")
        for number, _ in enumerate(feed):
            datastar.signal("own", number)
            yield
            if number == 9:
                return

    connection = site.open().wait_open()
    for number in range(10):
        connection.wait(":\n\n")
        with site.app.app_context():
            datastar.broadcast("news").signal("n", number)
        connection.wait(f'{{"n":{number}}}', f'{{"own":{number}}}')

    assert ending(connection.wait_end())[0] == "ds:done"
    sent = [event.arguments["signals"] for event in connection.events if "signals" in event.arguments]
    assert [text for text in sent if "n" in text and "own" not in text] == [f'{{"n":{n}}}' for n in range(10)]
    assert [text for text in sent if "own" in text] == [f'{{"own":{n}}}' for n in range(10)]


def test_exception_after_a_wait_ends_it_cleanly(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    @site.datastar.stream(group="g")
    def stream() -> Iterator[Any]:
        for number in site.datastar.every(0.3):
            yield {"number": number}
            if number:
                raise LookupError("on purpose")

    assert ending(site.open().wait_end())[0] == "ds:restart:1:"
    assert "LookupError: on purpose" in caplog.text
    assert [type(error) for error in site.teardowns] == [LookupError]


def test_generator_that_waits_in_its_cleaning_up_ends(site: Site) -> None:
    ended: list[str] = []

    @site.datastar.stream(group="g", scope="ann")
    def stream() -> Iterator[Any]:
        try:
            yield {"a": 1}
            yield from site.datastar.follow("news")
        finally:
            try:
                next(site.datastar.every(100))
                next(site.datastar.changes("news"))
                yield from site.datastar.follow("news")
            finally:
                ended.append(request.path)

    connection = site.open()
    connection.wait(":\n\n", count=2)
    with site.app.app_context():
        site.datastar.tabs.close("ann")

    assert ending(connection.wait_end())[0] == "ds:done"
    assert ended == [PATH]


def test_test_client_gets_what_is_sent_to_a_tab(app: Flask, datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.stream(group="g", scope="ann")
    def stream() -> Iterator[Any]:
        datastar.signal("open", 1)
        yield
        yield from datastar.follow("news")

    events = tab.iter_events(stream, method="GET")
    assert next(events) == sse.patch_signals({"open": 1})
    with app.app_context():
        datastar.broadcast_to("ann").signal("a", 1)

    assert next(events) == sse.patch_signals({"a": 1})
    events.close()  # type: ignore[attr-defined]


# Without greenlet


@pytest.fixture
def without_greenlet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generator_body, "has_coroutines", lambda: False)


@pytest.mark.usefixtures("without_greenlet")
def test_server_without_a_way_to_write_is_refused_in_words(site: Site) -> None:
    @site.datastar.stream(group="g")
    def stream() -> Iterator[Any]:
        yield {"a": 1}

    connection = site.open()
    connection.wait_for_end()

    assert site.teardowns == [None]
    if site.has_write:
        assert connection.events[0] == sse.patch_signals({"a": 1})
        assert connection.error is None
    else:
        assert isinstance(connection.error, SetupError)
        assert "install greenlet (pip install greenlet), return datastar.follow" in str(connection.error)
        assert connection.received == b""


@pytest.mark.usefixtures("without_greenlet")
def test_test_client_needs_no_greenlet(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.stream(group="g")
    def stream() -> Iterator[Any]:
        for number in datastar.every(0.01):
            yield {"number": number}
            if number:
                return

    events = tab.iter_events(stream, method="GET")
    assert [next(events), next(events)] == [sse.patch_signals({"number": number}) for number in range(2)]
    events.close()  # type: ignore[attr-defined]
