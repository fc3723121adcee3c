"""Whether the server has more to send: asked of the streams and regions themselves, never guessed from quiet."""

from __future__ import annotations

import threading
import time
import uuid
from typing import Any

from flask import Flask

from ..brokers.payload import MessageKind, Payload
from ..regions.process import live_regions_of
from ..state.app import app_state_of
from ..streams.current import hub_of


def settle_broker(app: Flask, deadline: float) -> None:
    """Wait until messages that were published so far have come back, where a broker connects processes."""
    bus = hub_of(app_state_of(app)).bus
    if bus.is_shared:
        _Echo(bus).wait(deadline)


def unsettled_regions(app: Flask) -> list[str]:
    """Return the views of regions that are still to be rendered, each with the reason."""
    return live_regions_of(app_state_of(app)).views.unsettled()


class _Echo:
    """A message of the test's own, behind all that were published before."""

    def __init__(self, bus: Any) -> None:
        self._bus, self._topic, self._has_come = bus, f"test-{uuid.uuid4()}", threading.Event()

    def wait(self, deadline: float) -> None:
        """Wait until the message has come back, as long as the broker may take."""
        self._bus.subscribe((self._topic,), self)
        try:
            self._bus.publish(self._topic, MessageKind.MESSAGE, Payload(b"null"))
            self._has_come.wait(max(0.0, deadline - time.monotonic()))
        finally:
            self._bus.unsubscribe((self._topic,), self)

    def deliver(self, topic: str, kind: MessageKind, payload: object) -> None:
        """Record that the message has come."""
        self._has_come.set()

    def catch_up(self) -> None:
        """Do nothing: the broker is reached again."""
