"""Direct writes: the publisher writes to an idle connection itself, instead of waking the greenlet that serves it.

This is safe only on gunicorn's gevent worker over HTTP/1 without TLS, so :func:`direct_writer` returns None for
everything else. If a stream has an empty queue and is parked, its headers are sent, and gunicorn has finished its last
write. One non-blocking write then takes the whole frame, or leaves a rest, which the stream's own greenlet sends before
anything else.
"""

from __future__ import annotations

import os
from typing import Any, Protocol


class Frame(Protocol):
    """Bytes that are framed once for all: a payload, or an encoded event."""

    @property
    def data(self) -> bytes:
        """The bytes."""

    @property
    def chunk(self) -> bytes:
        """The bytes as one chunk of HTTP/1.1's chunked coding."""


class DirectWriter:
    """Writes to a connection in place of the greenlet that serves it."""

    __slots__ = ("_connection", "_response", "descriptor", "is_chunked", "rest", "sent")

    def __init__(self, response: Any, connection: Any) -> None:
        self._response = response
        self._connection = connection
        #: The connection's descriptor, and whether each write is a chunk, for groups that write to many connections.
        self.descriptor: int = connection.fileno()
        self.is_chunked = bool(response.chunked)
        #: Written bytes, without the framing, that were not reported to the server yet.
        self.sent = 0
        #: The part of a frame that the connection did not take. It is sent as it is, before anything else. All streams
        #: that did not take the frame whole share its memory.
        self.rest: memoryview | None = None

    def write(self, payload: Frame) -> bool | None:
        """Write a payload without blocking.

        :return: True if the payload was written, the rest of it perhaps kept as :attr:`rest`; False if the connection
            takes nothing now; None if it is broken.
        """
        frame = payload.chunk if self.is_chunked else payload.data
        try:
            sent = os.write(self.descriptor, frame)
        except BlockingIOError:
            return False
        except OSError:
            return None
        self.sent += len(payload.data)
        if sent < len(frame):
            self.rest = memoryview(frame)[sent:]
        return True

    def send(self, data: bytes | memoryview) -> None:
        """Send data as it is, and wait as long as the client takes to read.

        :raises OSError: if the connection is broken.
        """
        self._connection.sendall(data)

    def report(self) -> None:
        """Report the bytes that were written here to gunicorn, for its access log."""
        self._response.sent += self.sent
        self.sent = 0


def direct_writer(environ: dict[str, Any], start_response: Any) -> DirectWriter | None:
    """Return the writer of a request's connection, or None if anything but gunicorn processes what is written."""
    response = getattr(start_response, "__self__", None)
    if response is None or type(response).__module__ != "gunicorn.http.wsgi" or type(response).__name__ != "Response":
        return None
    connection: Any = environ.get("gunicorn.socket")
    if connection is None or response.sock is not connection:
        return None
    # Only gevent's plain socket: TLS sockets have another class.
    if type(connection).__module__ not in ("gevent._socket3", "gevent.socket") or type(connection).__name__ != "socket":
        return None
    if environ.get("SERVER_PROTOCOL") not in ("HTTP/1.0", "HTTP/1.1") or environ.get("REQUEST_METHOD") == "HEAD":
        return None
    return DirectWriter(response, connection)
