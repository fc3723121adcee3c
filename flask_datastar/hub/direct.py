"""Direct writes: the publisher writes to an idle connection itself, instead of waking the greenlet that serves it.

That is safe on gunicorn's gevent worker over plain HTTP/1.1 and nowhere else, so everything else falls through the
checks of :func:`direct_writer`. A stream that has nothing queued and is parked in our own wait has its headers out and
gunicorn's last write behind it; one non-blocking write then either takes the whole frame, or leaves a rest, which the
stream's own greenlet sends before anything else.
"""

from __future__ import annotations

import os
from typing import Any

from ..brokers.payload import Payload


class DirectWriter:
    """Writes to one connection past its greenlet."""

    __slots__ = ("_connection", "_descriptor", "_is_chunked", "_response", "_sent", "rest")

    def __init__(self, response: Any, connection: Any) -> None:
        self._response = response
        self._connection = connection
        self._descriptor: int = connection.fileno()
        self._is_chunked = bool(response.chunked)
        # Bytes that the server does not know of yet.
        self._sent = 0
        #: What the connection did not take of a frame; it goes out, as it is, before anything else. The frame is shared
        #: by all streams that did not take it whole.
        self.rest: memoryview | None = None

    def write(self, payload: Payload) -> bool | None:
        """Write a payload without waiting.

        :return: True when it is taken or kept as :attr:`rest`, False when the connection takes nothing now, None when
            it is broken.
        """
        frame = payload.chunk if self._is_chunked else payload.data
        try:
            sent = os.write(self._descriptor, frame)
        except BlockingIOError:
            return False
        except OSError:
            return None
        self._sent += len(payload.data)
        if sent < len(frame):
            self.rest = memoryview(frame)[sent:]
        return True

    def send(self, data: bytes | memoryview) -> None:
        """Send data as it is, for as long as the client takes to read.

        :raises OSError: if the connection is broken.
        """
        self._connection.sendall(data)

    def report(self) -> None:
        """Tell gunicorn what was written past it, for its access log."""
        self._response.sent += self._sent
        self._sent = 0


def direct_writer(environ: dict[str, Any], start_response: Any) -> DirectWriter | None:
    """Give the writer of a request's connection; None where anything but gunicorn itself would see what is written."""
    response = getattr(start_response, "__self__", None)
    if response is None or type(response).__module__ != "gunicorn.http.wsgi" or type(response).__name__ != "Response":
        return None
    connection: Any = environ.get("gunicorn.socket")
    if connection is None or response.sock is not connection:
        return None
    # Exactly gevent's plain socket: TLS has a class of its own.
    if type(connection).__module__ not in ("gevent._socket3", "gevent.socket") or type(connection).__name__ != "socket":
        return None
    if environ.get("SERVER_PROTOCOL") not in ("HTTP/1.0", "HTTP/1.1") or environ.get("REQUEST_METHOD") == "HEAD":
        return None
    return DirectWriter(response, connection)
