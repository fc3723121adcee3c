"""Questions of one process to all others, and their answers."""

from __future__ import annotations

import time

from ..brokers.payload import MessageKind, Payload
from ..transport.wakeups import Wakeup, make_wakeup
from .bus import Bus
from .scopes import scope_topic
from .tab_messages import Found, Wanted

#: How long a process may take to say that it has a stream.
_ANSWER_SECONDS = 0.5


class Questions:
    """The questions of this process that wait for an answer."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        # Question → what is set by its answer.
        self._waiting: dict[str, Wakeup] = {}

    def is_own(self, wanted: Wanted) -> bool:
        """Whether this process asks."""
        return wanted.question in self._waiting

    def ask(self, wanted: Wanted) -> bool:
        """Ask for the live stream of a page.

        :return: whether a process has it; False, too, when it does not say so soon.
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
        """Take an answer, perhaps to another process."""
        if answered := self._waiting.get(found.question):
            answered.set()


class _Listener:
    """Keeps a channel subscribed; what comes on it goes to the registries."""

    def deliver(self, topic: str, kind: MessageKind, payload: Payload) -> None:
        """Ignore messages."""

    def catch_up(self) -> None:
        """Nothing to catch up on."""
