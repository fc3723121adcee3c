"""The queue of one stream: published events that wait for its next write."""

from __future__ import annotations

from collections.abc import Iterator
from os import getpid
from typing import Any, Protocol

from ..transport.wakeups import PerProcess, make_short_lock

#: The most bytes of one write. Servers copy what they write, and keep the copy while a client does not read.
LARGEST_WRITE_BYTES = 65_536
#: The bytes of the last slice of larger data: servers keep one for each stream, until the next write.
_LAST_SLICE_BYTES = 256

# One lock for all streams of the process, held for a microsecond: thousands of locks would be as many cold objects.
_short_lock = PerProcess(make_short_lock)


def slices(data: bytes) -> Iterator[bytes]:
    """Cut data that is too large for one write. The whole is shared; one slice of it is copied at a time."""
    view = memoryview(data)
    last = max(len(data) - _LAST_SLICE_BYTES, 0)
    for start in range(0, last, LARGEST_WRITE_BYTES):
        yield bytes(view[start : min(start + LARGEST_WRITE_BYTES, last)])
    if data:
        yield bytes(view[last:])


class Waiting(Protocol):
    """Encoded events, as a queue knows them: a payload, or what a group has made of it."""

    @property
    def data(self) -> bytes:
        """The events as they were made: what a queue may hold is counted in these."""

    @property
    def last_id(self) -> str | None:
        """The last id among the events; None without one."""


class Outbox:
    """The events that wait for one stream, within its limits.

    :param limits: the most events and the most bytes that may wait.
    """

    __slots__ = ("_lock", "last_id", "limits", "outbox", "outbox_bytes", "peak", "waited_for")

    def __init__(self, limits: tuple[int, int]) -> None:
        self.limits = limits
        #: Protects the queue, and a direct write from the stream's own thread, which may wake up meanwhile.
        self._lock: Any = _short_lock.by_process[getpid()]
        #: The events that wait for the next write, or None. A list, because usually one event waits, and an empty deque
        #: takes 600 bytes.
        self.outbox: list[Waiting] | None = None
        self.outbox_bytes = 0
        #: The most events that ever waited at once.
        self.peak = 0
        #: Whether a publisher has given this stream a turn since it last took events.
        self.waited_for = False
        #: The application's last event id that was sent.
        self.last_id = ""

    @property
    def waiting(self) -> int:
        """The number of events that wait."""
        outbox = self.outbox
        return len(outbox) if outbox is not None else 0

    @property
    def first_waiting(self) -> Waiting | None:
        """The event that has waited longest, or None."""
        outbox = self.outbox
        return outbox[0] if outbox else None

    def _queue(self, payload: Waiting) -> tuple[bool, bool]:
        """Queue a payload. The caller holds the lock.

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
        """Return what waits: as much as one write takes, or one larger event, which is shared; b"" if nothing waits."""
        if self.outbox is None:
            return b""
        taken = self._take_waiting()
        return taken[0].data if len(taken) == 1 else b"".join([payload.data for payload in taken])

    def _take_waiting(self) -> list[Waiting]:
        """Take from the queue what :meth:`take` returns, or an empty list."""
        with self._lock:
            outbox = self.outbox
            if outbox is None:
                return []
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
        return taken

    def drop_waiting(self) -> None:
        """Drop what waits: a client that does not read must not cost memory."""
        with self._lock:
            self.outbox = None
            self.outbox_bytes = 0

    def note_ids(self, block: bytes) -> None:
        """Remember the last id among encoded events that are about to be sent."""
        # Only an id field starts like this: every line of the content follows "data: ".
        start = block.rfind(b"\nid: ") + 1
        if start or block.startswith(b"id: "):
            self.last_id = block[start + 4 : block.find(b"\n", start)].decode("ascii")
