"""One open stream: its wake-ups, its writes and its end, without a request and without WSGI."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from ..brokers.payload import MessageKind, Payload
from ..hooks import Reason
from ..sansio.endings import Ending
from ..transport.wakeups import make_wakeup
from ..transport.watchers import Connection, Watch
from .direct import DirectWriter
from .endings import ending_kind
from .outbox import Outbox, Waiting
from .tabs import TabEntry

# A global name, because a lookup in the enum costs as much as a short delivery.
_EVENTS = MessageKind.EVENTS


class Renewal(Protocol):
    """A source of fresh tokens for the page of a stream."""

    #: The ``time.monotonic()`` at which the next token is due.
    due_at: float

    def take(self, now: float) -> bytes:
        """Return the event with a fresh token if one is due, else b""."""


class Stream(Outbox):
    """The state of one stream, shared by the greenlet that serves it, by publishers and by the timer."""

    #: The content coding of the body; None if it goes out as it is.
    coding: str | None = None

    __slots__ = (
        "address",
        "direct",
        "ended_at",
        "ending",
        "entry",
        "expires_at",
        "has_gap",
        "is_for_one",
        "is_gone",
        "is_parked",
        "is_sending",
        "last_write",
        "on_pressed",
        "on_slow",
        "reason",
        "renewal",
        "socket",
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
        super().__init__(limits)
        #: Called when the queue is full.
        self.on_slow = on_slow
        #: Called when the queue is half full, and the stream has had no turn since it last took events.
        self.on_pressed = on_pressed
        #: The ``time.monotonic()`` at which the stream ends with *restart*.
        self.expires_at = expires_at
        #: How the stream is to end, once that is decided; the browser gets it as the last id.
        self.ending: Ending | None = None
        #: Why the stream ended, for hooks and counters; None while it is open.
        self.reason: Reason | None = None
        #: Whether only one person's streams are ended: they are few, so their pages come back without being spread.
        self.is_for_one = False
        self.ended_at = 0.0
        #: Whether the client is gone; then nothing is written any more.
        self.is_gone = False
        #: Whether broadcasts may have been missed; ``on_gap`` of ``follow`` fills the gap.
        self.has_gap = False
        #: Whether the stream waits with nothing half-sent, so that a publisher may write to the socket itself.
        self.is_parked = False
        #: Whether the server is writing, which takes as long as the client takes to read.
        self.is_sending = False
        self.last_write = time.monotonic()
        self.wakeup = make_wakeup()
        #: The stream's entry among the tabs; None without a scope.
        self.entry: TabEntry | None = None
        #: The client's address; None if it is unknown.
        self.address: str | None = None
        #: The source of fresh CSRF tokens for the page; None if the page needs no tokens.
        self.renewal: Renewal | None = None
        self.socket: Connection | None = None
        self.watch: Watch | None = None
        self.direct: DirectWriter | None = None

    @property
    def must_end(self) -> bool:
        """Whether the stream is to end, or its client is gone."""
        return self.is_gone or self.ending is not None

    def deliver(self, topic: str, kind: MessageKind, payload: Payload) -> None:
        """Send published events: a stream that only follows is itself the subscriber."""
        if kind is _EVENTS:
            self.put(payload)

    def catch_up(self) -> None:
        """Record that broadcasts may have been missed, and wake the stream."""
        self.has_gap = True
        self.wakeup.set()

    def put(self, payload: Payload) -> None:
        """Send encoded events, or queue them. If the queue is full, the stream ends, and its page comes back."""
        # This runs for thousands of streams, all cold in the processor's cache, so it touches few objects.
        with self._lock:
            if self.is_gone or self.ending is not None:
                return
            if self.is_parked and self.outbox is None and self.direct is not None and self._write(self.direct, payload):
                return
            is_queued, is_pressed = self._queue(payload)
        # Outside the lock, because these functions log, and call the stream.
        if not is_queued:
            self.on_slow(self)
            return
        self.wakeup.set()
        if is_pressed:
            self.on_pressed(self)

    def _write(self, direct: DirectWriter, payload: Payload) -> bool:
        """Write to the connection; return False if it takes nothing, so that the payload has to be queued."""
        taken = direct.write(payload)
        if taken is None:
            self.leave()
            return True
        if taken:
            self.last_write = payload.made_at
            if payload.last_id is not None or direct.rest is not None:
                self._note_written(direct, payload)
        return taken

    def _note_written(self, direct: DirectWriter, payload: Waiting) -> None:
        """Record what is rare about a write."""
        if payload.last_id is not None:
            self.last_id = payload.last_id
        if direct.rest is not None:
            # The stream's own greenlet sends the rest; until then everything else is queued behind it.
            self.is_parked = False
            self.wakeup.set()

    def park(self, timeout: float | None) -> None:
        """Wait to be woken; meanwhile publishers may write to the connection.

        :param timeout: the longest wait in seconds; None waits forever.
        """
        self.is_parked = True
        try:
            self.wakeup.wait(timeout)
        finally:
            # The lock waits for a publisher in another thread that is writing at this moment.
            with self._lock:
                self.is_parked = False

    def end(self, reason: Reason, *, page: str | None = None, failures: int = 0, is_for_one: bool = False) -> bool:
        """Ask the stream to end. The first call decides the reason, and so the ending that the client gets.

        :param page: for *replaced*, the page of the stream that took the place; None if that stream has no page.
        :param failures: the number of exceptions that ended the stream, 0 or 1.
        :param is_for_one: whether only one person's streams are ended.
        :return: False if the end was decided already.
        """
        with self._lock:
            if self.must_end:
                return False
            self._note_end(reason)
            self.is_for_one = is_for_one
            self.ending = Ending(ending_kind(reason), page=page or "", failures=failures)
        self.wakeup.set()
        return True

    def leave(self) -> None:
        """Record that the client is gone."""
        if not self.is_gone:
            self._note_end(Reason.LEFT)
            self.is_gone = True
            self.wakeup.set()

    def _note_end(self, reason: Reason) -> None:
        # Set before anything shows that the stream is to end: from then on, other threads read these two.
        if self.reason is None:
            self.ended_at = time.monotonic()
            self.reason = reason

    def end_as(self, reason: Reason, winner_page: str | None) -> None:
        """End for the tab registry: *done*, *restart*, or *replaced* by a stream of the given page."""
        self.end(reason, page=winner_page, is_for_one=True)

    def close(self) -> None:
        """Release the connection, once the body has ended."""
        if self.watch is not None:
            self.watch.cancel()

    def restore_id(self) -> bool:
        """Send the last id again, because another request of the page has changed it in the browser.

        :return: False if the stream is to end.
        """
        if self.must_end:
            return False
        self.put(Payload(f"id: {self.last_id}\n\n".encode()))
        return True

    # The body's own bytes, which a stream with a content coding encodes

    def uncode(self) -> None:
        """Send the body as it is. Called before its first byte."""

    def encode_first(self, data: bytes, *, is_secret: bool) -> bytes:
        """Return the first bytes of the body.

        :param is_secret: whether they hold a token.
        """
        return data

    def encode(self, data: bytes, *, is_secret: bool = False) -> bytes:
        """Return events of the stream's own as they go out; they have to be written next."""
        return data

    def encode_keepalive(self, comment: bytes) -> bytes:
        """Return the bytes that keep the connection alive."""
        return comment

    def encode_last(self, data: bytes) -> bytes:
        """Return the last bytes of the body."""
        return data
