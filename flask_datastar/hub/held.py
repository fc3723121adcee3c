"""Events for a page that one stream holds back."""

from __future__ import annotations

from collections.abc import Callable
from zlib import crc32

from ..brokers.payload import Payload
from ..transport.wakeups import make_lock, make_wakeup

MARK_BYTES = 4

Give = Callable[[Payload], object]


def mark_of(payload: Payload) -> bytes:
    """Return a short mark, by which processes tell each other which events they mean."""
    return crc32(payload.data).to_bytes(MARK_BYTES, "big")


class Held:
    """The held events of one stream.

    :param limits: the most events and the most bytes; beyond them one more is held, which makes the queue overflow.
    """

    __slots__ = ("_held", "_is_settled", "_limits", "_lock", "_size", "changed", "is_watched")

    def __init__(self, limits: tuple[int, int]) -> None:
        self._limits = limits
        self._lock = make_lock()
        # With each event its mark, or None if the stream takes it in any case.
        self._held: list[tuple[bytes | None, Payload, Give]] = []
        self._size = 0
        self._is_settled = False
        #: Set when an announcement or an answer has come.
        self.changed = make_wakeup()
        #: Whether a task waits for the answers.
        self.is_watched = False

    def add(self, mark: bytes | None, payload: Payload, give: Give) -> bool:
        """Hold an event.

        :param mark: its mark; None if the stream takes it in any case.
        :return: False if the answers have come, and the stream need not wait.
        """
        events, size = self._limits
        with self._lock:
            if not self._is_settled and len(self._held) <= events and self._size <= size:
                self._held.append((mark, payload, give))
                self._size += len(payload.data)
            return not self._is_settled

    def takes_nothing(self, taken: bytes) -> bool:
        """Return whether other streams have taken all events that may be theirs."""
        with self._lock:
            return not any(mark is not None for mark, _, _ in self._left(taken))

    def settle(self, taken: bytes) -> None:
        """Pass to the stream what no other has taken; safe to call twice."""
        # Under the lock, so that no later event overtakes these.
        with self._lock:
            for _, payload, give in self._left(taken):
                give(payload)
            self._is_settled = True
            self._held = []

    def _left(self, taken: bytes) -> list[tuple[bytes | None, Payload, Give]]:
        marks = [taken[start : start + MARK_BYTES] for start in range(0, len(taken), MARK_BYTES)]
        left = []
        # The newest first, because the answers name the newest events.
        for one in reversed(self._held):
            if one[0] in marks:
                marks.remove(one[0])
            else:
                left.append(one)
        return left[::-1]
