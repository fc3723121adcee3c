"""One open stream: how it is woken and how it ends. Knows no request and no WSGI."""

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
from .outbox import Outbox
from .tabs import TabEntry

# Found without a look at the enum, which costs as much as a short delivery.
_EVENTS = MessageKind.EVENTS


class Renewal(Protocol):
    """A source of fresh tokens for the page of a stream."""

    #: ``time.monotonic()`` at which the next one is due.
    due_at: float

    def take(self, now: float) -> bytes:
        """Return the event with a fresh token if one is due, else b""."""


class Stream(Outbox):
    """The state of one stream, shared by the greenlet that serves it, by publishers and by the timer."""

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
        #: Called when no more can be queued, and when the queue is half full without a turn since.
        self.on_slow = on_slow
        self.on_pressed = on_pressed
        #: ``time.monotonic()`` at which the stream ends with *restart*.
        self.expires_at = expires_at
        #: How it is to end, once that is decided; the browser learns it from the last id.
        self.ending: Ending | None = None
        #: Why it ended, for hooks and counters; None while it goes on.
        self.reason: Reason | None = None
        #: Whether one person's pages are ended, which are few: those come back without being spread.
        self.is_for_one = False
        self.ended_at = 0.0
        #: The client has left; nothing is written any more.
        self.is_gone = False
        #: Broadcasts may have been missed, which what follows them may want to fill.
        self.has_gap = False
        #: Waiting with nothing half-sent, so that a publisher may write to the socket itself.
        self.is_parked = False
        #: The server is writing, which takes as long as the client likes.
        self.is_sending = False
        self.last_write = time.monotonic()
        self.wakeup = make_wakeup()
        #: None without a scope.
        self.entry: TabEntry | None = None
        #: The client's, where it is known.
        self.address: str | None = None
        #: Makes fresh CSRF tokens for the page; None where it needs none.
        self.renewal: Renewal | None = None
        self.socket: Connection | None = None
        self.watch: Watch | None = None
        self.direct: DirectWriter | None = None

    @property
    def must_end(self) -> bool:
        """Whether it is to end, or its client has gone."""
        return self.is_gone or self.ending is not None

    def deliver(self, topic: str, kind: MessageKind, payload: Payload) -> None:
        """Take what was published: a stream that only follows is itself the subscriber."""
        if kind is _EVENTS:
            self.put(payload)

    def catch_up(self) -> None:
        """Take note that broadcasts may have been missed."""
        self.has_gap = True
        self.wakeup.set()

    def put(self, payload: Payload) -> None:
        """Send encoded events, or queue them; a stream that can take no more ends, and its page comes back."""
        # Runs for each of thousands of streams, all cold in the processor's cache: it touches few objects.
        with self._lock:
            if self.is_gone or self.ending is not None:
                return
            if self.is_parked and self.outbox is None and self.direct is not None and self._write(self.direct, payload):
                return
            is_queued, is_pressed = self._queue(payload)
        # Outside of the lock, because these log and call back.
        if not is_queued:
            self.on_slow(self)
            return
        self.wakeup.set()
        if is_pressed:
            self.on_pressed(self)

    def _write(self, direct: DirectWriter, payload: Payload) -> bool:
        """Write past the queue; False when the connection takes nothing, so that the payload is queued."""
        taken = direct.write(payload)
        if taken is None:
            self.leave()
            return True
        if taken:
            self.last_write = payload.made_at
            if payload.last_id is not None:
                self.last_id = payload.last_id
            if direct.rest is not None:
                # Its own greenlet sends the rest; until then everything else is queued behind it.
                self.is_parked = False
                self.wakeup.set()
        return taken

    def park(self, timeout: float | None) -> None:
        """Wait to be woken; meanwhile publishers may write to the connection."""
        self.is_parked = True
        try:
            self.wakeup.wait(timeout)
        finally:
            # The lock waits for a publisher of another thread that is writing at this moment.
            with self._lock:
                self.is_parked = False

    def end(self, reason: Reason, *, page: str | None = None, failures: int = 0, is_for_one: bool = False) -> bool:
        """Ask the stream to end. The first call decides why, and so what the client is told.

        :param page: for *replaced*, the page of the stream that took the place; None when that has none.
        :param failures: exceptions that ended it, 0 or 1.
        :param is_for_one: whether only the pages of one person are ended.
        :return: False when it was decided already.
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
        """Note that the client has left."""
        if not self.is_gone:
            self._note_end(Reason.LEFT)
            self.is_gone = True
            self.wakeup.set()

    def _note_end(self, reason: Reason) -> None:
        # Before anything says that the stream is to end: other threads go by these two from then on.
        if self.reason is None:
            self.ended_at = time.monotonic()
            self.reason = reason

    def end_as(self, reason: Reason, winner_page: str | None) -> None:
        """End as the tab registry asks for it: *done*, *restart*, or *replaced* by a stream of another page."""
        self.end(reason, page=winner_page, is_for_one=True)

    def restore_id(self) -> bool:
        """Send the last id again, where another request of the page left its own in the browser.

        :return: False when the stream is to end.
        """
        if self.must_end:
            return False
        self.put(Payload(f"id: {self.last_id}\n\n".encode()))
        return True
