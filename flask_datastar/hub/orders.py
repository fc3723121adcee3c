"""Orders to end streams in all processes, repeated after an outage."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace

from ..brokers.payload import MessageKind
from ..errors import BrokerError
from ..transport.wakeups import spawn
from .bus import Bus
from .scopes import scope_topic
from .tab_messages import Closed

#: The most orders that are kept during an outage.
_MOST_OWED = 10_000


class Orders:
    """The orders of one process."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        # Orders that other processes may not have received.
        self._owed: list[Closed] = []

    def publish(self, order: Closed) -> None:
        """Publish an order. If other processes do not receive it, it is repeated after the outage.

        :raises BrokerError: if other processes may not have received it.
        """
        is_told = False
        try:
            is_told = self._bus.publish(scope_topic(order.scope), MessageKind.TABS, order.encode())
        finally:
            if not is_told and len(self._owed) < _MOST_OWED:
                self._owed.append(replace(order, before=order.before or time.time()))

    def repeat(self) -> None:
        """Publish the owed orders after an outage."""
        if self._owed:
            # In the background, because the caller must not wait for the broker.
            spawn(self._repeat_owed, "datastar-owed")

    def _repeat_owed(self) -> None:
        owed, self._owed = self._owed, []
        for order in owed:
            with suppress(BrokerError):
                self.publish(order)
