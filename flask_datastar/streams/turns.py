"""Turns: under gevent a publisher that never rests lets nobody drain, so it gives way before queues overflow."""

from __future__ import annotations

import time
from typing import Protocol

from ..transport.wakeups import is_gevent


class Queue(Protocol):
    """What fills up when its stream gets no turn."""

    waited_for: bool


class Turns:
    """The queues that fill up."""

    def __init__(self) -> None:
        self._pressed: list[Queue] = []

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
            # Under gevent all that are awake run before this returns; with threads they get a moment.
            time.sleep(0 if is_gevent() else 0.002)
