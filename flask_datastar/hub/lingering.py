"""Connections that take nothing after their stream has ended: how long they are borne, and how they are broken."""

from __future__ import annotations

import time
from collections.abc import Iterable

from ..transport import leaving
from .stream import Stream

#: How long such a connection is borne; when the worker stops, less.
_LINGER_SECONDS, _LINGER_STOPPING_SECONDS = 5.0, 1.0


def cut_lingering(streams: Iterable[Stream], *, is_stopping: bool = False) -> None:
    """Break connections that have ended and take nothing: their greenlets would be held for ever.

    :param is_stopping: the worker waits for them.
    """
    now = time.monotonic()
    linger_seconds = _LINGER_STOPPING_SECONDS if is_stopping else _LINGER_SECONDS
    for stream in streams:
        # While the user's own code runs, it is not the client that is waited for.
        is_stuck = stream.must_end and stream.is_sending and now - stream.ended_at > linger_seconds
        if is_stuck and stream.socket is not None:
            leaving.shut(stream.socket)
