"""Lingering connections, whose clients do not read the end of their streams, and how they are cut."""

from __future__ import annotations

import time
from collections.abc import Iterable

from ..transport import leaving
from .stream import Stream

#: How long a connection may linger, normally and when the worker stops.
_LINGER_SECONDS, _LINGER_STOPPING_SECONDS = 5.0, 1.0


def cut_lingering(streams: Iterable[Stream], *, is_stopping: bool = False) -> None:
    """Cut connections whose clients do not read the end of their streams: they would block their greenlets forever.

    :param is_stopping: whether the worker stops, and waits for them.
    """
    now = time.monotonic()
    linger_seconds = _LINGER_STOPPING_SECONDS if is_stopping else _LINGER_SECONDS
    for stream in streams:
        # A stream that is not sending runs the user's own code, so its client is not the cause.
        is_stuck = stream.must_end and stream.is_sending and now - stream.ended_at > linger_seconds
        if is_stuck and stream.socket is not None:
            leaving.shut(stream.socket)
