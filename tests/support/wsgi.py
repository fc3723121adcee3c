"""WSGI servers for one request: with a browser and a thread of its own for a stream, and one that goes step by step."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextvars import copy_context
from typing import Any

from flask import Flask
from werkzeug.test import EnvironBuilder

from flask_datastar import Event
from flask_datastar.sse import parse_events

#: A limit for events that do come, even on a busy machine. Below the longest keep-alive of the tests.
DEADLINE_SECONDS = 40


def environ_of(
    path: str,
    *,
    signals: object = None,
    last_id: str | None = None,
    method: str = "GET",
    headers: dict[str, str] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Create the environ of a Datastar request."""
    sent = {"Datastar-Request": "true", **(headers or {})}
    if last_id is not None:
        sent["Last-Event-ID"] = last_id
    query = {} if signals is None else {"datastar": json.dumps(signals)}
    address, _, own = path.partition("?")
    for part in filter(None, own.split("&")):
        name, _, value = part.partition("=")
        query[name] = value
    environ = EnvironBuilder(address, method=method, headers=sent, query_string=query).get_environ()
    return {**environ, "wsgi.multithread": True, **more}


class Connection:
    """One request, whose response can be read while the server writes it.

    :param has_socket: whether the server exposes its socket, so that a disconnect is noticed.
    :param has_write: whether ``start_response()`` returns the server's ``write`` function.
    :param broken: what the server raises when the client has left.
    """

    def __init__(
        self,
        app: Flask,
        path: str,
        *,
        has_socket: bool = True,
        has_write: bool = True,
        broken: type[Exception] = BrokenPipeError,
        **options: Any,
    ) -> None:
        self.status = 0
        self.headers: list[tuple[str, str]] = []
        #: The error that ended the body; None for a clean end.
        self.error: BaseException | None = None
        #: Cleared to act as a client that does not read: the server cannot write the next chunk until it is set.
        self.reads = threading.Event()
        self.reads.set()
        #: The bytes of each write.
        self.sizes: list[int] = []
        self._changed = threading.Condition()
        self._received = b""
        self._has_ended = False
        self._has_write = has_write
        self._broken = broken
        self._own, theirs = socket.socketpair()
        environ = environ_of(path, **options)
        if has_socket:
            environ["werkzeug.socket"] = theirs
        self._thread = threading.Thread(target=self._serve, args=(app, environ, theirs))
        self._thread.start()

    def _serve(self, app: Flask, environ: dict[str, Any], connection: socket.socket) -> None:
        try:
            body: Any = app(environ, self._start_response)
            try:
                for chunk in body:
                    self._write(chunk)
            finally:
                if hasattr(body, "close"):
                    body.close()
        except BaseException as error:
            # A server that writes to a client that has left ends the response, and no more.
            if not (isinstance(error, BrokenPipeError) and self._own.fileno() == -1):
                self.error = error
        finally:
            connection.close()
            with self._changed:
                self._has_ended = True
                self._changed.notify_all()

    def _start_response(self, status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Any:
        self.status = int(status.split()[0])
        self.headers = headers
        return self._write if self._has_write else None

    def _write(self, data: bytes) -> None:
        assert self.reads.wait(DEADLINE_SECONDS)
        if self._own.fileno() == -1:
            raise self._broken
        with self._changed:
            self._received += data
            self.sizes.append(len(data))
            self._changed.notify_all()

    @property
    def thread_id(self) -> int | None:
        """The thread that iterates over the body."""
        return self._thread.ident

    @property
    def received(self) -> bytes:
        """The bytes received so far, without comments and the events that a stream sends about itself."""
        return re.sub(rb"(?m)^(?::.*|event: datastar-stream-(?:opened|ending)(?:\ndata: .*)*)\n\n", b"", self._received)

    @property
    def raw(self) -> bytes:
        """The bytes received so far."""
        return self._received

    @property
    def events(self) -> list[Event]:
        return parse_events(self.received)

    @property
    def has_ended(self) -> bool:
        return self._has_ended

    @property
    def is_shut(self) -> bool:
        """Whether the server has broken the connection."""
        self._own.setblocking(False)
        try:
            return not self._own.recv(1)
        except BlockingIOError:
            return False

    def wait(self, *texts: str, count: int = 1) -> bytes:
        """Wait until each text was received this many times."""
        found = self._wait_for(lambda: all(self._received.count(text.encode()) >= count for text in texts))
        assert found, f"{texts} {count} times in ...{self._received[-500:]!r}, {self.error!r}"
        return self.received

    def wait_open(self) -> Connection:
        """Wait until the stream is open."""
        assert self._wait_for(lambda: bool(self._received) or self._has_ended)
        assert self.status == 200, self.status
        return self

    def wait_for_end(self) -> None:
        """Wait for the end, clean or not."""
        assert self._wait_for(lambda: self._has_ended), self._received[-500:]
        self._thread.join()

    def wait_end(self) -> bytes:
        """Wait for the clean end, and give the last block: id and retry."""
        self.wait_for_end()
        assert self.error is None, repr(self.error)
        return b"".join(self.received.split(b"\n\n")[-2:-1])

    def leave(self) -> None:
        """Close the browser's side."""
        self._own.close()

    def close(self) -> None:
        """Leave, and wait for the server to notice."""
        self.reads.set()
        self.leave()
        assert self._wait_for(lambda: self._has_ended), f"the server has not noticed: {self._received[-500:]!r}"
        self._thread.join()

    def _wait_for(self, check: Callable[[], bool]) -> bool:
        with self._changed:
            return self._changed.wait_for(check, DEADLINE_SECONDS)


def ending(block: bytes) -> tuple[str, int | None]:
    """Split a last block into its id and its retry in milliseconds."""
    fields = dict(line.split(": ", 1) for line in block.decode().splitlines())
    return fields["id"], int(fields["retry"]) if "retry" in fields else None


def call(app: Flask, path: str, **options: Any) -> tuple[int, dict[str, str], Any]:
    """Call an app, and return status, headers and the body, which is not iterated yet."""
    answer: list[Any] = []

    def start_response(status: str, headers: Iterable[tuple[str, str]], exc_info: object = None) -> None:
        answer[:] = [int(status.split()[0]), dict(headers)]

    body = app(environ_of(path, **options), start_response)
    return answer[0], answer[1], body


class Server:
    """A WSGI server for one request: what a body gives is taken chunk by chunk, or not at all."""

    def __init__(self, app: Flask, path: str, method: str = "POST", **options: Any) -> None:
        headers = {"Datastar-Request": "true", **options.pop("headers", {})}
        environ = EnvironBuilder(path, method=method, headers=headers, **options).get_environ()
        self.status = 0
        self.headers: dict[str, str] = {}
        # In a context of its own, as each thread or greenlet of a server has one.
        self._run = copy_context().run
        self._body: Any = self._run(app, environ, self._start_response)
        self.chunks = self._take(iter(self._body))

    def _take(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        while chunk := self._run(next, chunks, b""):
            yield chunk

    def _start_response(self, status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Any:
        self.status = int(status.split()[0])
        self.headers = dict(headers)

    def close(self) -> None:
        self._run(self._body.close)
