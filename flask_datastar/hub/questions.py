"""Questions of one process to all others, and their answers."""

from __future__ import annotations

import time

from ..brokers.payload import MessageKind, Payload
from ..transport.wakeups import Wakeup, make_wakeup
from .bus import Bus
from .scopes import scope_topic
from .tab_messages import Found, Wanted

#: How long a process may take to answer.
_ANSWER_SECONDS = 0.5


class Questions:
    """The questions of this process that wait for their answers."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        # Question → the wake-up that its answer sets.
        self._waiting: dict[str, Wakeup] = {}

    def is_own(self, wanted: Wanted) -> bool:
        """Return whether this process asked the question."""
        return wanted.question in self._waiting

    def ask(self, wanted: Wanted) -> bool:
        """Ask the other processes for the live stream of a page.

        :return: whether a process has it; False also if the answer does not come in time.
        """
        answered, topic, listener = make_wakeup(), scope_topic(wanted.scope), _Listener()
        self._waiting[wanted.question] = answered
        self._bus.subscribe((topic,), listener)
        try:
            self._bus.post(topic, MessageKind.TABS, wanted.encode())
            deadline = time.monotonic() + _ANSWER_SECONDS
            while (left := deadline - time.monotonic()) > 0:
                if answered.wait(left):
                    return True
            return False
        finally:
            self._bus.unsubscribe((topic,), listener)
            del self._waiting[wanted.question]

    def take(self, found: Found) -> None:
        """Take an answer, which may be for another process."""
        if answered := self._waiting.get(found.question):
            answered.set()


class _Listener:
    """Keeps a channel subscribed. Its messages are about tabs, and go to ``Bus.on_tabs``."""

    def deliver(self, topic: str, kind: MessageKind, payload: Payload) -> None:
        """Ignore the message."""

    def catch_up(self) -> None:
        """Do nothing: the answer comes in time or not at all."""
