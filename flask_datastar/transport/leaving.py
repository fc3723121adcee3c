"""Clients that leave, noticed from their connection without a write; and what else a stream asks of a connection."""

from __future__ import annotations

import _socket
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from .watchers import Connection, Watch, bare_socket, current_watcher

#: Where servers put the connection: gunicorn, Werkzeug's development server, gunicorn's worker on gevent's pywsgi.
_SOCKET_KEYS = ("gunicorn.socket", "werkzeug.socket", "gunicorn.sock")


def connection_of(environ: Mapping[str, Any]) -> Connection | None:
    """Give the connection of a request, None when the server does not hand it out."""
    for key in _SOCKET_KEYS:
        if (found := environ.get(key)) is not None:
            connection: Connection = found
            return connection
    body = environ.get("wsgi.input")
    if type(body).__module__ == "gevent.pywsgi":
        # Its input has the socket only until "100 Continue" is sent; its reader always has it.
        below: Connection | None = getattr(getattr(getattr(body, "rfile", None), "raw", None), "_sock", None)
        return below
    return None


def watch(connection: Connection, callback: Callable[[], object]) -> Watch | None:
    """Call a function once, when the peer has shut its side or the connection has broken.

    Bytes that nobody has read, of a next request for example, neither hide that nor count as it.

    :param callback: called in the watcher's thread or greenlet, possibly before this returns; must be quick.
    :return: None when it cannot be watched: it is closed, no socket, or watched already.
    """
    try:
        return current_watcher().add(connection, callback)
    except (OSError, ValueError):
        return None


def set_user_timeout(connection: Connection, seconds: float) -> None:
    """Let a connection break when the peer has acknowledged nothing for so long, where the platform can."""
    option: int | None = getattr(socket, "TCP_USER_TIMEOUT", None)
    if option is not None:
        with suppress(OSError, TypeError, OverflowError):
            _socket.socket.setsockopt(bare_socket(connection), socket.IPPROTO_TCP, option, round(seconds * 1000))


def shut_for_reading(connection: Connection) -> None:
    """Let the server find the end of input, so that it does not wait for the connection's next request.

    Cancel the watch before: to it this looks as if the client had left.
    """
    # A TLS socket's own method would drop the encryption of what is still to be written.
    with suppress(OSError, TypeError):
        _socket.socket.shutdown(bare_socket(connection), socket.SHUT_RD)


def shut(connection: Connection) -> None:
    """Break a connection that takes nothing any more, so that whoever writes to it is let go."""
    with suppress(OSError, TypeError):
        _socket.socket.shutdown(bare_socket(connection), socket.SHUT_RDWR)
