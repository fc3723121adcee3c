"""One open stream: what waits for it, how it is woken, and how it ends. Knows no request and no WSGI."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

from ..sansio.endings import Ending, Reason
from ..transport.wakeups import make_wakeup
from .direct import DirectWriter, Payload

#: What one write takes at the most: a larger one would be a private copy of nearly the whole queue for a slow client.
LARGEST_WRITE_BYTES = 65_536


class StreamEnds(BaseException):
    """Raised at a wait point to leave the user's generator; no :exc:`Exception`, so that no handler swallows it."""


class Stream:
    """The state of one stream, shared by the greenlet that serves it, by publishers and by the timer."""

    __slots__ = (
        "__weakref__",
        "direct",
        "ended_at",
        "ending",
        "entry",
        "expires_at",
        "is_gone",
        "is_parked",
        "last_id",
        "last_write",
        "limits",
        "on_pressed",
        "on_slow",
        "outbox",
        "outbox_bytes",
        "reason",
        "socket",
        "waited_for",
        "wakeup",
        "watch",
    )

    def __init__(
        self,
        limits: tuple[int, int],
        *,
        on_slow: Callable[[Stream], None],
        on_pressed: Callable[[Stream], None],
        expires_at: float | None,
    ) -> None:
        #: Events and bytes that may wait.
        self.limits = limits
        #: Called when no more can be queued, and when the queue is half full without a turn since.
        self.on_slow = on_slow
        self.on_pressed = on_pressed
        #: ``time.monotonic()`` at which the stream ends with *restart*.
        self.expires_at = expires_at
        #: Encoded events that wait for the next write; None for none, because an empty deque takes 600 bytes.
        self.outbox: deque[bytes] | None = None
        self.outbox_bytes = 0
        #: Whether a publisher gave this stream a turn since it last took something.
        self.waited_for = False
        #: How it is to end, once that is decided; the browser learns it from the last id.
        self.ending: Ending | None = None
        #: Why it ended, for hooks and counters.
        self.reason = ""
        self.ended_at = 0.0
        #: The client has left; nothing is written any more.
        self.is_gone = False
        #: Waiting with nothing half-sent, so that a publisher may write to the socket itself.
        self.is_parked = False
        self.last_write = time.monotonic()
        self.last_id = ""
        self.wakeup = make_wakeup()
        self.entry: Any = None
        self.socket: Any = None
        self.watch: Any = None
        self.direct: DirectWriter | None = None

    @property
    def must_end(self) -> bool:
        """Whether it is to end, or its client has gone."""
        return self.is_gone or self.ending is not None

    def put(self, payload: Payload) -> None:
        """Send encoded events, or queue them; a stream that can take no more ends, and its page comes back."""
        if self.must_end:
            return
        if self.is_parked and self.direct is not None and not self.outbox and self._write(self.direct, payload):
            return
        data = payload.data
        events, size = self.limits
        outbox = self.outbox
        if outbox is None:
            outbox = self.outbox = deque()
        if len(outbox) >= events or (outbox and self.outbox_bytes + len(data) > size):
            self.on_slow(self)
            return
        outbox.append(data)
        self.outbox_bytes += len(data)
        self.note_id(payload.last_id)
        self.wakeup.set()
        if not self.waited_for and self.is_pressed:
            self.on_pressed(self)

    def _write(self, direct: DirectWriter, payload: Payload) -> bool:
        """Write past the queue; False when the connection takes nothing, so that the payload is queued."""
        taken = direct.write(payload)
        if taken is None:
            self.leave()
            return True
        if taken:
            self.last_write = time.monotonic()
            self.note_id(payload.last_id)
            if direct.rest:
                # Its own greenlet sends the rest; until then everything else is queued behind it.
                self.is_parked = False
                self.wakeup.set()
        return bool(taken)

    def note_id(self, event_id: str | None) -> None:
        """Remember the application's last id, which a restart carries on."""
        if event_id is not None:
            self.last_id = event_id

    @property
    def is_pressed(self) -> bool:
        """Whether its queue is half full although it has not had a turn since."""
        return self.waiting * 2 >= self.limits[0] or self.outbox_bytes * 2 >= self.limits[1]

    @property
    def waiting(self) -> int:
        """How many events wait."""
        return len(self.outbox) if self.outbox is not None else 0

    def take(self) -> bytes:
        """Give what waits, at most one write of it; b"" when nothing does."""
        outbox = self.outbox
        if not outbox:
            return b""
        self.waited_for = False
        parts = [outbox.popleft()]
        size = len(parts[0])
        while outbox and size + len(outbox[0]) <= LARGEST_WRITE_BYTES:
            parts.append(outbox.popleft())
            size += len(parts[-1])
        self.outbox_bytes -= size
        if not outbox:
            self.outbox = None
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def end(self, ending: Ending, reason: str) -> bool:
        """Ask the stream to end; the first one decides how. False when it was decided already."""
        if self.must_end:
            return False
        self.ending = ending
        self._close(reason)
        return True

    def leave(self) -> None:
        """Note that the client has left."""
        if not self.is_gone:
            self.is_gone = True
            self._close("left")

    def _close(self, reason: str) -> None:
        if not self.reason:
            self.reason = reason
            self.ended_at = time.monotonic()
        self.wakeup.set()

    def end_as(self, reason: str, winner_page: str | None) -> None:
        """End as the tab registry asks for it: *done*, *restart*, or *replaced* by a stream of another page."""
        self.end(Ending(Reason(reason), page=winner_page or ""), reason)
