"""Checks of direct writes, over gunicorn's own request and response and gevent's sockets, without a worker."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

from flask import Flask, Response

from flask_datastar import Datastar, Event, sse
from flask_datastar.sansio.stream_events import OPENED, STREAM_EVENTS, stream_ending
from flask_datastar.sse import parse_events
from flask_datastar.testing.waiting import DEADLINE_SECONDS, wait_until
from flask_datastar.transport.wakeups import make_wakeup, spawn
from tests.support.checks import run_natively
from tests.support.decoding import decode


def read_request(server: Any) -> tuple[Any, dict[str, Any]]:
    """Read a request as gunicorn does; give its response and its environ."""
    from gunicorn.config import Config
    from gunicorn.http import RequestParser, wsgi

    config = Config()
    config.set("keepalive", 2)
    request = next(RequestParser(config, server, ("127.0.0.1", 1)))
    if not getattr(request, "proxy_protocol_info", None):
        request.proxy_protocol_info = {}
    response, environ = wsgi.create(request, server, ("127.0.0.1", 1), ("127.0.0.1", 2), config)
    return response, {**environ, "wsgi.multithread": True}


def fill(connection: Any) -> int:
    """Write to one of gevent's sockets until it takes nothing more; give how much it took."""
    sent = 0
    try:
        while True:
            sent += os.write(connection.fileno(), b"x" * 4096)
    except BlockingIOError:
        return sent


class Browser:
    """One request for a stream, served by a greenlet as gunicorn's gevent worker does it."""

    def __init__(
        self, app: Flask, path: str = "/ds/g/stream", *, protocol: str = "HTTP/1.1", coding: str | None = None
    ) -> None:
        self.server, self.client = socket.socketpair()
        self._coding = coding
        self._is_chunked = protocol == "HTTP/1.1"
        self._raw = b""
        self.error: BaseException | None = None
        self._ended = make_wakeup()
        lines = [f"GET {path} {protocol}", "Host: localhost", "Datastar-Request: true"]
        if coding is not None:
            lines.append(f"Accept-Encoding: {coding}")
        self.client.sendall("\r\n".join([*lines, "", ""]).encode())
        spawn(lambda: self._serve(app), "server")

    def _serve(self, app: Flask) -> None:
        try:
            response, environ = read_request(self.server)
            body: Any = app(environ, response.start_response)
            try:
                for item in body:
                    response.write(item)
                response.close()
            finally:
                body.close()
        except OSError as error:
            self.error = error
        finally:
            self.server.close()
            self._ended.set()

    def read_now(self) -> bytes:
        """Read what has come, without letting any other greenlet run."""
        read = b""
        while part := self._read_part():
            read += part
        self._raw += read
        return read

    def _read_part(self) -> bytes:
        try:
            # The socket's own method waits, in gevent's way.
            return os.read(self.client.fileno(), 1 << 20)
        except (BlockingIOError, ConnectionResetError):
            return b""

    def wait(self, text: str = "open") -> None:
        """Let others run until a text has come, and then until the stream waits."""

        def has_come() -> bool:
            self.read_now()
            return text.encode() in self._raw

        wait_until(has_come)
        # Whoever can run has its turn; only the stream's own wait is left then.
        for _ in range(10):
            time.sleep(0)

    def wait_end(self) -> None:
        wait_until(lambda: (self.read_now(), self._ended.wait(0))[1])
        self.read_now()

    @property
    def body(self) -> bytes:
        """The body so far; every chunk has to be whole."""
        rest = self._raw.partition(b"\r\n\r\n")[2]
        if not self._is_chunked:
            return rest
        body = b""
        while rest and not rest.startswith(b"0\r\n"):
            size, _, rest = rest.partition(b"\r\n")
            length = int(size, 16)
            assert rest[length : length + 2] == b"\r\n", rest[:100]
            body, rest = body + rest[:length], rest[length + 2 :]
        return body

    @property
    def events(self) -> list[Event]:
        return parse_events(decode(self._coding, self.body))

    def leave(self) -> None:
        self.client.close()
        assert self._ended.wait(DEADLINE_SECONDS)


def make(*, generator: bool = False, **config: Any) -> tuple[Flask, Datastar]:
    app = Flask("shop")
    app.config.update(config)
    datastar = Datastar(app)

    def follow(feed: Any) -> Iterator[Any]:
        yield {"ready": 1}
        yield from feed

    @datastar.stream(group="g", scope="ann")
    def stream() -> Any:
        feed = datastar.follow("news")
        return follow(feed) if generator else feed

    return app, datastar


def broadcast(app: Flask, datastar: Datastar, text: str) -> Event:
    with app.app_context():
        datastar.broadcast("news").patch_elements(f"<p id='a'>{text}</p>")
    return sse.patch_elements(f"<p id='a'>{text}</p>")


def check_publisher_writes_to_a_stream_that_waits() -> None:
    for protocol in ("HTTP/1.1", "HTTP/1.0"):
        for generator, opened in ((False, "open"), (True, "ready")):
            app, datastar = make(generator=generator)
            browser = Browser(app, protocol=protocol)
            browser.wait(opened)
            before = len(browser.events)

            for number in range(5):
                event = broadcast(app, datastar, str(number))
                # No other greenlet has run since.
                assert event.encode() in browser.read_now()

            assert len(browser.events) == before + 5
            browser.leave()


def check_what_may_not_be_passed_by_is_written_by_the_server() -> None:
    def shout(response: Response) -> Response:
        chunks: Any = response.response
        response.response = (chunk.upper() for chunk in chunks)
        return response

    cases: list[tuple[dict[str, Any], Callable[[Response], Response] | None]]
    cases = [({"DATASTAR_DIRECT_WRITES": False}, None), ({}, shout)]
    for config, change in cases:
        app, datastar = make(**config)
        if change is not None:
            app.after_request(change)
        browser = Browser(app)
        browser.wait("open" if change is None else "OPEN")

        broadcast(app, datastar, "later")

        assert browser.read_now() == b""
        browser.wait("later" if change is None else "LATER")
        browser.leave()


def check_rest_of_a_short_write_goes_out_before_anything_else() -> None:
    for generator, opened in ((False, "open"), (True, "ready")):
        app, datastar = make(generator=generator, DATASTAR_MAX_QUEUED_BYTES=50_000_000)
        browser = Browser(app)
        browser.wait(opened)
        before = len(browser.events)
        large = "x" * 4_000_000

        sent = [broadcast(app, datastar, large)]
        first = browser.read_now()
        assert 0 < len(first) < len(large)
        sent += [broadcast(app, datastar, str(number)) for number in range(3)]
        assert browser.read_now() == b""
        browser.wait("<p id='a'>2</p>")

        assert browser.events[before:] == sent
        # And then the publisher writes again.
        assert broadcast(app, datastar, "last").encode() in browser.read_now()
        browser.leave()


def check_full_connection_is_waited_for_by_its_own_greenlet() -> None:
    app, datastar = make()
    browser = Browser(app)
    browser.wait()
    browser.read_now()
    filled = fill(browser.server)

    event = broadcast(app, datastar, "queued")
    raw, browser._raw = browser._raw, b""
    for _ in range(10):
        time.sleep(0)
    browser.wait("queued")

    assert browser._raw[:filled] == b"x" * filled
    browser._raw = raw + browser._raw[filled:]
    assert [one for one in browser.events if one.type not in STREAM_EVENTS] == [event]
    browser.leave()


def check_client_that_leaves_while_a_rest_waits_is_let_go_of() -> None:
    for generator, opened in ((False, "open"), (True, "ready")):
        app, datastar = make(generator=generator, DATASTAR_MAX_QUEUED_BYTES=50_000_000)
        browser = Browser(app)
        browser.wait(opened)
        broadcast(app, datastar, "x" * 4_000_000)
        # The stream's greenlet wakes up and waits for the client to read.
        for _ in range(10):
            time.sleep(0)
        browser.leave()

        with app.app_context():
            assert datastar.stats()["ended"] == {"left": 1}


def check_broken_connection_is_left_at_once() -> None:
    app, datastar = make()
    browser = Browser(app)
    browser.wait()
    browser.client.close()

    broadcast(app, datastar, "nobody reads it")

    with app.app_context():
        # No other greenlet has run since, so nobody else has noticed either.
        assert datastar.stats()["open"] == 1
        assert [stream.reason for stream in streams_of(app)] == ["left"]
    browser.leave()
    with app.app_context():
        assert datastar.stats()["ended"] == {"left": 1}


def streams_of(app: Flask) -> list[Any]:
    from tests.support.streams import hub_for

    return hub_for(app)._snapshot()


def check_ending_comes_after_what_was_written() -> None:
    app, datastar = make(DATASTAR_MAX_QUEUED_BYTES=50_000_000)
    browser = Browser(app)
    browser.wait()
    events = [broadcast(app, datastar, "x" * 4_000_000), broadcast(app, datastar, "last")]
    with app.app_context():
        datastar.tabs.close("ann")
    browser.wait_end()

    assert browser.error is None
    expected = OPENED + b"".join(event.encode() for event in events) + stream_ending("done") + b"id: ds:done\n\n"
    assert browser.body == expected
    assert browser._raw.endswith(b"\r\n0\r\n\r\n")
    browser.leave()


def check_publishers_of_native_threads_write_whole_frames() -> None:
    app, datastar = make(DATASTAR_MAX_QUEUED_EVENTS=10_000, DATASTAR_MAX_QUEUED_BYTES=50_000_000)
    browser = Browser(app)
    browser.wait()

    def publish(name: str) -> None:
        for number in range(200):
            broadcast(app, datastar, f"{name}-{number}")

    run_natively([lambda: publish("one"), lambda: publish("two")], lambda: publish("own"))
    broadcast(app, datastar, "last")
    browser.wait("<p id='a'>last</p>")

    texts = [event.arguments["elements"] for event in browser.events if event.type not in STREAM_EVENTS]
    assert len(texts) == 601
    for name in ("one", "two", "own"):
        of_one = [text for text in texts if f"{name}-" in text]
        assert of_one == [f"<p id='a'>{name}-{number}</p>" for number in range(200)]
    browser.leave()


def check_publishers_of_native_threads_write_blocks_in_one_order() -> None:
    app, datastar = make(DATASTAR_MAX_QUEUED_EVENTS=10_000, DATASTAR_MAX_QUEUED_BYTES=50_000_000)
    browsers = [Browser(app, coding=coding) for coding in ("zstd", "gzip") for _ in range(3)]
    for browser in browsers:
        browser.wait("Content-Encoding")

    def publish(name: str) -> None:
        for number in range(200):
            broadcast(app, datastar, f"{name}-{number}")
            if name == "own":
                # Some of the connections are full, and their greenlets write as well.
                browsers[number % len(browsers)].read_now()
                time.sleep(0)

    run_natively([lambda: publish("one"), lambda: publish("two")], lambda: publish("own"))
    with app.app_context():
        datastar.tabs.close("ann")
        counts = datastar.stats()["compression"]
    for browser in browsers:
        browser.wait_end()

    texts = [[text for event in browser.events if (text := event.arguments.get("elements"))] for browser in browsers]
    for same in (texts[:3], texts[3:]):
        assert len(same[0]) == 600
        assert same == [same[0]] * 3
    # Most of them as blocks.
    assert counts["bytes_out"] < counts["bytes_in"] / 2
    for name in ("one", "two", "own"):
        of_one = [text for text in texts[0] if f"{name}-" in text]
        assert of_one == [f"<p id='a'>{name}-{number}</p>" for number in range(200)]
    for browser in browsers:
        browser.leave()
