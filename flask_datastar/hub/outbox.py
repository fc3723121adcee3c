"""The queue of one stream: published events that wait for its next write."""

from __future__ import annotations

from collections.abc import Iterator
from os import getpid
from typing import Any

from ..brokers.payload import Payload
from ..transport.wakeups import PerProcess, make_short_lock

#: What one write takes at the most. Servers copy what they write, and a client that does not read holds the copy.
LARGEST_WRITE_BYTES = 65_536

# One for all streams of the process, held for a microsecond: thousands of them would be thousands of cold objects.
_short_lock = PerProcess(make_short_lock)


def slices(data: bytes) -> Iterator[bytes]:
    """Cut what is too large for one write. The whole is shared, and one slice of it is copied at a time."""
    view = memoryview(data)
    return (bytes(view[start : start + LARGEST_WRITE_BYTES]) for start in range(0, len(data), LARGEST_WRITE_BYTES))


class Outbox:
    """What waits for one stream, within its limits.

    :param limits: events and bytes that may wait.
    """

    __slots__ = ("_lock", "last_id", "limits", "outbox", "outbox_bytes", "peak", "waited_for")

    def __init__(self, limits: tuple[int, int]) -> None:
        self.limits = limits
        #: Guards the queue, and a direct write against the stream's own thread that wakes up meanwhile.
        self._lock: Any = _short_lock.by_process[getpid()]
        #: Events that wait for the next write; None for none. A list, because mostly one event waits, and a deque
        #: starts with 600 bytes.
        self.outbox: list[Payload] | None = None
        self.outbox_bytes = 0
        #: The most events that ever waited.
        self.peak = 0
        #: Whether a publisher gave this stream a turn since it last took something.
        self.waited_for = False
        #: The last id of the application's own that was sent.
        self.last_id = ""

    @property
    def waiting(self) -> int:
        """How many events wait."""
        outbox = self.outbox
        return len(outbox) if outbox is not None else 0

    @property
    def first_waiting(self) -> Payload | None:
        """The event that waits for the longest time; None without one."""
        outbox = self.outbox
        return outbox[0] if outbox else None

    def _queue(self, payload: Payload) -> tuple[bool, bool]:
        """Queue a payload; the lock is held.

        :return: whether there was room, and whether the stream should get a turn soon.
        """
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

    def take(self) -> bytes:
        """Return what waits, at most one write of it or one larger event, which is shared; b"" when nothing does."""
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
        """Forget what waits: a client that does not read must not cost memory."""
        with self._lock:
            self.outbox = None
            self.outbox_bytes = 0

    def note_ids(self, block: bytes) -> None:
        """Remember the last id among encoded events that are about to be sent."""
        # Nothing but an id field begins so: every line of the content comes after "data: ".
        start = block.rfind(b"\nid: ") + 1
        if start or block.startswith(b"id: "):
            self.last_id = block[start + 4 : block.find(b"\n", start)].decode("ascii")
