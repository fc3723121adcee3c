"""Payloads: encoded events or a message, on their way to many streams."""

from __future__ import annotations

import time
from enum import StrEnum
from typing import Any


class MessageKind(StrEnum):
    """The kinds of published messages. Brokers carry the text."""

    #: JSON, for ``subscribe`` and ``changes``.
    MESSAGE = "message"
    #: Encoded server-sent events, for ``follow`` and ``changes``.
    EVENTS = "events"
    #: Encoded server-sent events that share no compression with others; in a process they are *events* as well.
    STORED = "stored"
    #: Commands and counts about tabs, from process to process.
    TABS = "tabs"
    #: A notice that messages of a topic were lost: its streams read their state again.
    MISSED = "missed"


class Payload:
    """The data of a message: encoded once and framed once, however many streams get it."""

    __slots__ = ("chunk", "data", "is_stored", "last_id", "made_at", "pieces")

    def __init__(self, data: bytes, last_id: str | None = None) -> None:
        self.data = data
        #: The last id among the events, which a stream's ending repeats; None if no event has an id.
        self.last_id = last_id
        #: The data as one chunk of HTTP/1.1's chunked coding.
        self.chunk = b"%X\r\n%b\r\n" % (len(data), data)
        #: ``time.monotonic()`` at its creation; streams use it as the time of their write, without a call for each.
        self.made_at = time.monotonic()
        #: Whether no stream may encode it together with other events.
        self.is_stored = False
        #: Content coding → what streams that get this alone have made of it; None until one did.
        self.pieces: dict[str, Any] | None = None
