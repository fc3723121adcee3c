"""Backpressure: a busy publisher gives the streams a turn before their queues overflow."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Protocol

from ..transport.wakeups import is_gevent

_TURN_SECONDS = 0.002
#: On a busy machine a thread runs late. All publishers together wait this long for threads, and afterwards a tenth of
#: the time: clients that do not read must not delay publishers any longer.
_PATIENCE_SECONDS, _PATIENCE_SHARE = 0.5, 0.1


class Queue(Protocol):
    """A queue that fills up while its stream gets no turn."""

    waited_for: bool


class Turns:
    """The queues that fill up, and the turns of their streams."""

    def __init__(self) -> None:
        #: The queues that fill up.
        self.pressed: list[Queue] = []
        self._patience_seconds = _PATIENCE_SECONDS
        self._waited_at = time.monotonic()

    def press(self, queue: Queue) -> None:
        """Record a queue that fills up."""
        self.pressed.append(queue)

    def relieve(self) -> None:
        """Wait for a turn of the streams whose queues fill up: a publisher that never rests would overflow them.

        Each stream is waited for once: if it took nothing in its turn, its client does not read.
        """
        pressed, self.pressed = self.pressed, []
        for queue in pressed:
            queue.waited_for = True
        if is_gevent():
            # All greenlets that are ready run before this returns.
            time.sleep(0)
        else:
            self._wait_for(pressed)

    def _wait_for(self, queues: Iterable[Queue]) -> None:
        """Wait a moment for threads, and longer while one of their streams has taken nothing."""
        begin = time.monotonic()
        earned = (begin - self._waited_at) * _PATIENCE_SHARE
        self._patience_seconds = min(self._patience_seconds + earned, _PATIENCE_SECONDS)
        deadline = begin + self._patience_seconds
        time.sleep(_TURN_SECONDS)
        while any(queue.waited_for for queue in queues) and time.monotonic() < deadline:
            time.sleep(_TURN_SECONDS)
        self._waited_at = time.monotonic()
        self._patience_seconds -= self._waited_at - begin
