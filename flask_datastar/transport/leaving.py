"""Disconnects of clients, detected without a write, and other operations of streams on a connection."""

from __future__ import annotations

import _socket
import socket
import struct
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from .watchers import Connection, Watch, bare_socket, current_watcher

#: The environ keys of the connection: gunicorn, Werkzeug's development server, gunicorn's worker on gevent's pywsgi.
_SOCKET_KEYS = ("gunicorn.socket", "werkzeug.socket", "gunicorn.sock")

#: The place of ``tcpi_snd_wnd`` in Linux' ``struct tcp_info``, which has it from 5.4 on.
_WINDOW_OFFSET = 228

#: Linux doubles it. Some hundreds of small events, and as much as a round trip on a slow line carries.
_SMALL_BUFFER_BYTES = 8192


def connection_of(environ: Mapping[str, Any]) -> Connection | None:
    """Return the connection of a request, or None if the server does not expose it."""
    for key in _SOCKET_KEYS:
        if (found := environ.get(key)) is not None:
            connection: Connection = found
            return connection
    body = environ.get("wsgi.input")
    if type(body).__module__ == "gevent.pywsgi":
        # The input object has the socket only until "100 Continue" is sent; the reader below always has it.
        below: Connection | None = getattr(getattr(getattr(body, "rfile", None), "raw", None), "_sock", None)
        return below
    return None


def watch(connection: Connection, callback: Callable[[], object]) -> Watch | None:
    """Call a function once when the peer has shut its side or the connection is broken; at once if that is so already.

    Unread bytes, such as those of a next request, neither hide a disconnect nor count as one.

    :param callback: called in the watcher's thread or greenlet, possibly before this function returns; must be quick.
    :return: the watch, or None if the connection is closed, is not a socket, or is already watched.
    """
    try:
        watcher = current_watcher()
        found = watcher.add(connection, callback)
        if found.has_left():
            # Before the caller goes on: the stream of a page that was left must not end that of the next page.
            watcher.report((found.descriptor,))
        return found
    except (OSError, ValueError):
        return None


def set_user_timeout(connection: Connection, seconds: float) -> None:
    """Set the time after which unacknowledged data breaks the connection, where the platform can do this."""
    option: int | None = getattr(socket, "TCP_USER_TIMEOUT", None)
    if option is not None:
        with suppress(OSError, TypeError, OverflowError):
            _socket.socket.setsockopt(bare_socket(connection), socket.IPPROTO_TCP, option, round(seconds * 1000))


def shrink_buffer(connection: Connection) -> int:
    """Limit the bytes that a connection holds for its peer, so that a peer that does not read is noticed.

    :return: the size before, for :func:`restore_buffer`; 0 if it cannot be changed.
    """
    with suppress(OSError, TypeError):
        bare = bare_socket(connection)
        before = _socket.socket.getsockopt(bare, socket.SOL_SOCKET, socket.SO_SNDBUF)
        _socket.socket.setsockopt(bare, socket.SOL_SOCKET, socket.SO_SNDBUF, _SMALL_BUFFER_BYTES)
        return before
    return 0


def restore_buffer(connection: Connection, size: int) -> None:
    """Restore the buffer of a connection, for its next request.

    :param size: what :func:`shrink_buffer` returned.
    """
    with suppress(OSError, TypeError):
        # Linux doubles what is set, and returns the doubled size.
        half = size // 2 if sys.platform == "linux" else size
        _socket.socket.setsockopt(bare_socket(connection), socket.SOL_SOCKET, socket.SO_SNDBUF, half)


def receive_window(connection: Connection) -> int | None:
    """Return the bytes for which the peer's system had room when it last answered; None where nothing tells it."""
    option: int | None = getattr(socket, "TCP_INFO", None)
    if option is None or sys.platform != "linux":
        return None
    with suppress(OSError, TypeError, struct.error):
        info = _socket.socket.getsockopt(bare_socket(connection), socket.IPPROTO_TCP, option, _WINDOW_OFFSET + 4)
        window: int = struct.unpack_from("I", info, _WINDOW_OFFSET)[0]
        return window
    return None


def shut_for_reading(connection: Connection) -> None:
    """Shut the reading side, so that the server does not wait for the connection's next request.

    Cancel the watch first: it cannot tell this from a disconnect.
    """
    # A TLS socket's own method would drop the encryption of later writes.
    with suppress(OSError, TypeError):
        _socket.socket.shutdown(bare_socket(connection), socket.SHUT_RD)


def shut(connection: Connection) -> None:
    """Break a connection whose client no longer reads, so that a blocked write fails."""
    with suppress(OSError, TypeError):
        _socket.socket.shutdown(bare_socket(connection), socket.SHUT_RDWR)
