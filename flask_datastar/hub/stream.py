"""One open stream: what waits for it, how it is woken, and how it ends. Knows no request and no WSGI."""

from __future__ import annotations

import time
from collections.abc import Callable
from os import getpid
from typing import Any

from ..brokers.payload import Payload
from ..sansio.endings import Ending, Reason
from ..transport.wakeups import PerProcess, make_short_lock, make_wakeup
from .direct import DirectWriter

#: What one write takes at the most: a larger one would be a private copy of nearly the whole queue for a slow client.
LARGEST_WRITE_BYTES = 65_536


# One for all streams of the process, held for a microsecond: thousands of them would be thousands of cold objects.
_short_lock = PerProcess(make_short_lock)


class StreamEnds(BaseException):
    """Raised at a wait point to leave the user's generator; no :exc:`Exception`, so that no handler swallows it."""


class Stream:
    """The state of one stream, shared by the greenlet that serves it, by publishers and by the timer."""

    __slots__ = (
        "_lock",
        "direct",
        "ended_at",
        "ending",
        "entry",
        "expires_at",
        "has_gap",
        "is_gone",
        "is_parked",
        "is_sending",
        "last_id",
        "last_write",
        "limits",
        "on_pressed",
        "on_slow",
        "outbox",
        "outbox_bytes",
        "peak",
        "reason",
        "renewal",
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
        #: Guards the queue, and a direct write against the stream's own thread that wakes up meanwhile.
        self._lock = _short_lock.by_process[getpid()]
        #: Events that wait for the next write; None for none. A list, because mostly one event waits, and a deque takes
        #: 600 bytes to begin with.
        self.outbox: list[Payload] | None = None
        self.outbox_bytes = 0
        #: The most events that ever waited.
        self.peak = 0
        #: Whether a publisher gave this stream a turn since it last took something.
        self.waited_for = False
        #: How it is to end, once that is decided; the browser learns it from the last id.
        self.ending: Ending | None = None
        #: Why it ended, for hooks and counters.
        self.reason = ""
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
        #: The last id of the application's own that was sent.
        self.last_id = ""
        self.wakeup = make_wakeup()
        self.entry: Any = None
        #: Makes fresh CSRF tokens for the page; None where it needs none.
        self.renewal: Any = None
        self.socket: Any = None
        self.watch: Any = None
        self.direct: DirectWriter | None = None

    @property
    def must_end(self) -> bool:
        """Whether it is to end, or its client has gone."""
        return self.is_gone or self.ending is not None

    @property
    def waiting(self) -> int:
        """How many events wait."""
        outbox = self.outbox
        return len(outbox) if outbox is not None else 0

    @property
    def first_waiting(self) -> Payload | None:
        """What waits for the longest time; None when nothing does."""
        outbox = self.outbox
        return outbox[0] if outbox else None

    def deliver(self, topic: str, kind: str, payload: Payload) -> None:
        """Take what was published: a stream that only follows is itself the subscriber."""
        if kind == "events":
            self.put(payload)

    def catch_up(self) -> None:
        """Take note that broadcasts may have been missed."""
        self.has_gap = True
        self.wakeup.set()

    def put(self, payload: Payload) -> None:
        """Send encoded events, or queue them; a stream that can take no more ends, and its page comes back."""
        # Run for each of thousands of streams, each of them cold in the processor's cache: it touches as few objects
        # as it can.
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

    def _queue(self, payload: Payload) -> tuple[bool, bool]:
        """Queue a payload, and give whether there was room, and whether the stream should get a turn soon."""
        events, size = self.limits
        outbox = self.outbox
        if outbox is None:
            outbox = self.outbox = []
        elif len(outbox) >= events or self.outbox_bytes + len(payload.data) > size:
            return False, False
        outbox.append(payload)
        self.outbox_bytes += len(payload.data)
        if len(outbox) > self.peak:
            self.peak = len(outbox)
        is_half_full = len(outbox) * 2 >= events or self.outbox_bytes * 2 >= size
        return True, is_half_full and not self.waited_for

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
            if direct.rest:
                # Its own greenlet sends the rest; until then everything else is queued behind it.
                self.is_parked = False
                self.wakeup.set()
        return taken

    def take(self) -> bytes:
        """Give what waits, at most one write of it; b"" when nothing does."""
        if self.outbox is None:
            return b""
        with self._lock:
            outbox = self.outbox
            if outbox is None:
                return b""
            self.waited_for = False
            count, size = 1, len(outbox[0].data)
            while count < len(outbox) and size + len(outbox[count].data) <= LARGEST_WRITE_BYTES:
                size += len(outbox[count].data)
                count += 1
            if count == len(outbox):
                taken, self.outbox = outbox, None
            else:
                taken = outbox[:count]
                del outbox[:count]
            self.outbox_bytes -= size
        for payload in taken:
            if payload.last_id is not None:
                self.last_id = payload.last_id
        return taken[0].data if count == 1 else b"".join([payload.data for payload in taken])

    def drop_waiting(self) -> None:
        """Forget what waits: a client that does not read is not to cost memory."""
        with self._lock:
            self.outbox = None
            self.outbox_bytes = 0

    def note_ids(self, block: bytes) -> None:
        """Remember the last id among encoded events that are about to be sent."""
        # Nothing but an id field begins so: every line of the content comes after "data: ".
        start = block.rfind(b"\nid: ") + 1
        if start or block.startswith(b"id: "):
            self.last_id = block[start + 4 : block.find(b"\n", start)].decode("ascii")

    def park(self, timeout: float | None) -> None:
        """Wait to be woken; meanwhile publishers may write to the connection."""
        self.is_parked = True
        try:
            self.wakeup.wait(timeout)
        finally:
            # The lock waits for a publisher of another thread that is writing at this moment.
            with self._lock:
                self.is_parked = False

    def end(self, ending: Ending, reason: str) -> bool:
        """Ask the stream to end; the first one decides how. False when it was decided already."""
        with self._lock:
            if self.must_end:
                return False
            self._note_end(reason)
            self.ending = ending
        self.wakeup.set()
        return True

    def leave(self) -> None:
        """Note that the client has left."""
        if not self.is_gone:
            self._note_end("left")
            self.is_gone = True
            self.wakeup.set()

    def _note_end(self, reason: str) -> None:
        # Before anything says that the stream is to end: other threads go by these two from then on.
        if not self.reason:
            self.ended_at = time.monotonic()
            self.reason = reason

    def end_as(self, reason: str, winner_page: str | None) -> None:
        """End as the tab registry asks for it: *done*, *restart*, or *replaced* by a stream of another page."""
        self.end(Ending(Reason(reason), page=winner_page or ""), reason)
