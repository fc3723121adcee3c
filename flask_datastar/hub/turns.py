"""Turns: under gevent a publisher that never rests lets nobody drain, so it gives way before queues overflow."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Protocol

from ..transport.wakeups import is_gevent

_TURN_SECONDS = 0.002
#: Where the machine has no processor for a thread, its turn comes later: so long it is waited for, by all publishers
#: together, and after that a tenth of the time. Clients that do not read are to hold nobody up for longer.
_PATIENCE_SECONDS, _PATIENCE_SHARE = 0.5, 0.1


class Queue(Protocol):
    """What fills up when its stream gets no turn."""

    waited_for: bool


class Turns:
    """The queues that fill up."""

    def __init__(self) -> None:
        self._pressed: list[Queue] = []
        self._patience_seconds = _PATIENCE_SECONDS
        self._waited_at = time.monotonic()

    def press(self, queue: Queue) -> None:
        """Note a queue that fills up."""
        self._pressed.append(queue)

    def relieve(self) -> None:
        """Let streams whose queues fill up take their turn, before they overflow only because a publisher never rests.

        Each is waited for once: one that took nothing in its turn has a client that does not read.
        """
        if self._pressed:
            pressed, self._pressed = self._pressed, []
            for queue in pressed:
                queue.waited_for = True
            if is_gevent():
                # All that are awake run before this returns.
                time.sleep(0)
            else:
                self._wait_for(pressed)

    def _wait_for(self, queues: Iterable[Queue]) -> None:
        """Give threads a moment, and more as long as one of them has taken nothing."""
        begin = time.monotonic()
        earned = (begin - self._waited_at) * _PATIENCE_SHARE
        self._patience_seconds = min(self._patience_seconds + earned, _PATIENCE_SECONDS)
        deadline = begin + self._patience_seconds
        time.sleep(_TURN_SECONDS)
        while any(queue.waited_for for queue in queues) and time.monotonic() < deadline:
            time.sleep(_TURN_SECONDS)
        self._waited_at = time.monotonic()
        self._patience_seconds -= self._waited_at - begin
