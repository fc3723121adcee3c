"""The encoders of one process: how many are open, their memory, and which one is closed for another."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final

from .base import Coding, Encoder
from .body import CodedBody
from .pieces import Piece
from .shared import SharedWindow

LIMIT_BYTES: Final = 33_554_432
IDLE_SECONDS: Final = 30.0


@dataclass(slots=True)
class Counts:
    """Counters of what went out since the process started."""

    #: Bytes of events, for each stream that got them.
    bytes_in: int = 0
    #: Bytes of the same events as they were written.
    bytes_out: int = 0
    #: Key events: each opens an encoder.
    keys: int = 0
    #: Events that went out alone, for each stream.
    alone: int = 0

    def note_taken(self, piece: Piece) -> None:
        """Count the streams of a group that took a piece's block while they were asked."""
        if piece.taken and piece.block is not None:
            self.bytes_in += piece.taken * len(piece.data)
            self.bytes_out += piece.taken * len(piece.block.data)
            piece.taken = 0


class EncoderPool:
    """Bounds the memory of the shared encoders of one process, however many groups there are.

    :param lock: protects the pool; it may be held while another one waits.
    :param limit_bytes: the most memory of all encoders.
    :param idle_seconds: an encoder that is not used for so long is closed.
    """

    def __init__(
        self,
        lock: AbstractContextManager[Any],
        *,
        limit_bytes: int = LIMIT_BYTES,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self.counts = Counts()
        #: The memory of the open encoders.
        self.bytes = 0
        self._lock = lock
        self._limit_bytes = limit_bytes
        self._idle_seconds = idle_seconds
        #: Window with an open encoder → its memory.
        self._open: dict[SharedWindow, int] = {}

    @property
    def encoders(self) -> int:
        """The number of open encoders."""
        return len(self._open)

    def window(self, coding: Coding) -> SharedWindow:
        """Create the window of a new group. Its encoder is opened when it is needed."""
        return SharedWindow(coding, self._admit, self._dismiss)

    def body(self, coding: Coding) -> CodedBody:
        """Create the body of a new stream."""
        return CodedBody(coding, self.counts)

    def drop_idle(self, now: float) -> None:
        """Close the encoders that were not used for some time.

        :param now: ``time.monotonic()``.
        """
        with self._lock:
            for window in [window for window in self._open if now - window.used_at >= self._idle_seconds]:
                self._close(window)

    def _admit(self, window: SharedWindow, window_log: int) -> Encoder | None:
        size = window.coding.encoder_bytes(window_log)
        with self._lock:
            if window in self._open:
                self._close(window)
            while self._open and self.bytes + size > self._limit_bytes:
                oldest = min(self._open, key=lambda other: other.used_at)
                # Not for a group that is used less often: groups by turns would close each other's encoders, each
                # before its second event.
                if oldest.used_at > window.used_before:
                    return None
                self._close(oldest)
            if size > self._limit_bytes:
                return None
            window.encoder = window.coding.encoder(window_log)
            self._open[window] = size
            self.bytes += size
            self.counts.keys += 1
            return window.encoder

    def _dismiss(self, window: SharedWindow) -> None:
        with self._lock:
            if window in self._open:
                self._close(window)

    def _close(self, window: SharedWindow) -> None:
        self.bytes -= self._open.pop(window)
        window.encoder = None
