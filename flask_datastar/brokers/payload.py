"""What is published: encoded events or a message, on their way to many streams."""

from __future__ import annotations

import time
from enum import StrEnum


class MessageKind(StrEnum):
    """What a published message is. Brokers carry the text."""

    #: JSON, for ``subscribe`` and ``changes``.
    MESSAGE = "message"
    #: Encoded server-sent events, for ``follow`` and ``changes``.
    EVENTS = "events"
    #: What processes tell each other of their tabs.
    TABS = "tabs"
    #: A topic of which messages were lost: its streams read their state again.
    MISSED = "missed"


class Payload:
    """What is published: encoded once, however many streams get it, and framed once."""

    __slots__ = ("chunk", "data", "last_id", "made_at")

    def __init__(self, data: bytes, last_id: str | None = None) -> None:
        self.data = data
        #: The last id among the events, which a stream's ending carries on; None when none has one.
        self.last_id = last_id
        #: The data as one chunk of HTTP/1.1's chunked coding.
        self.chunk = b"%X\r\n%b\r\n" % (len(data), data)
        #: ``time.monotonic()``: one number for all streams that get it at once.
        self.made_at = time.monotonic()
