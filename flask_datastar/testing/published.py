"""Messages and broadcasts, captured while a test runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flask import Flask

from ..brokers.payload import MessageKind, Payload
from ..sansio.events import Event
from ..sansio.parser import parse_events
from ..state.app import app_state_of
from ..streams.current import hub_of


@dataclass(frozen=True, slots=True)
class Published:
    """The message or the events that one call of ``publish`` or ``broadcast`` has sent to a topic."""

    topic: str
    #: The data of ``publish``; None for a broadcast.
    data: Any
    #: The events of a broadcast; empty for ``publish``.
    events: tuple[Event, ...]

    @property
    def is_broadcast(self) -> bool:
        """Whether events were sent, not data."""
        return bool(self.events)


@contextmanager
def capture_published(app: Flask) -> Iterator[list[Published]]:
    """Capture what an app publishes and broadcasts in this process, in its order, whether a stream follows or not.

    Inside a database transaction that is after its commit; what is rolled back is not captured. Neither is what the
    extension itself sends from process to process, such as ``changed()`` of a region.

    :return: a context manager with the list, which grows until the block ends.
    """
    found: list[Published] = []
    bus = hub_of(app_state_of(app)).bus
    publish = bus.publish

    def note(topic: str, kind: MessageKind, payload: Payload) -> Any:
        # Topics that start with NUL are the extension's own, such as those of tabs and regions.
        if not topic.startswith("\0"):
            if kind in (MessageKind.EVENTS, MessageKind.STORED):
                found.append(Published(topic, None, tuple(parse_events(payload.data))))
            elif kind is MessageKind.MESSAGE:
                found.append(Published(topic, json.loads(payload.data), ()))
        return publish(topic, kind, payload)

    bus.publish = note  # type: ignore[method-assign]
    try:
        yield found
    finally:
        del bus.publish
