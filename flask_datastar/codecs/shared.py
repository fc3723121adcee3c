"""The shared encoder of a group of streams that get exactly the same events."""

from __future__ import annotations

import logging
from collections.abc import Callable

from .base import Coding, Encoder
from .pieces import Event, Frame, Piece, Place

_logger = logging.getLogger(__name__)


class SharedWindow:
    """Encodes the events of one group, each once. The group calls it for one event after another.

    A key is an event that the encoder writes without looking back, so a stream can join there. Until then it gets
    events alone. A key comes when a stream waits for one and the blocks since the last key have cost as much as it did,
    or as many events went out alone as the group has streams: so all together cost at most twice the best possible.

    :param coding: the coding of the group's streams.
    :param admit: returns an encoder with a window, or None if there is no memory for it (``EncoderPool``).
    :param dismiss: gives the encoder's memory back.
    """

    __slots__ = (
        "_admit",
        "_dismiss",
        "_frame",
        "_key_bytes",
        "_largest",
        "_place",
        "_spent",
        "coding",
        "encoder",
        "used_at",
        "used_before",
    )

    def __init__(
        self,
        coding: Coding,
        admit: Callable[[SharedWindow, int], Encoder | None],
        dismiss: Callable[[SharedWindow], object],
    ) -> None:
        self.coding = coding
        #: The encoder of the open frame; None if the next block starts a frame. The pool takes it away at any time.
        self.encoder: Encoder | None = None
        #: The times of the last event and of the one before it.
        self.used_at = self.used_before = float("-inf")
        self._admit = admit
        self._dismiss = dismiss
        self._place = Place()
        self._frame = Frame()
        # The bytes of the frame's key, and of its blocks since then.
        self._key_bytes = self._spent = 0
        # The largest event since the last key.
        self._largest = 0

    def encode(self, event: Event, members: int, now: float) -> Piece:
        """Encode the next event for the streams of the group.

        :param event: the payload.
        :param members: the number of streams. A shared encoder is opened for two and more.
        :param now: ``time.monotonic()``.
        """
        self.used_before, self.used_at = self.used_at, now
        try:
            return self._encode(event, members)
        except Exception:
            # Memory may be short, and the encoder's state is unknown. The event is worth more than its size.
            _logger.exception("Datastar: the shared encoder %s failed; the event is sent as it is", self.coding.name)
            return self.store(event)

    def store(self, event: Event) -> Piece:
        """Leave the next event as it is for all streams; the event after it is a key."""
        self.close()
        return self._move(Piece(event, self.coding, self._place, is_stored=True))

    def close(self) -> None:
        """Free the encoder. The next event is a key if the group still has streams."""
        self.encoder = None
        self._dismiss(self)

    def _encode(self, event: Event, members: int) -> Piece:
        encoder = self.encoder
        # The largest since the last key, so that the next frame's window is not larger than it has to be.
        self._largest = len(event.data) if encoder is None else max(self._largest, len(event.data))
        is_key = encoder is None or self._is_key_due(encoder, len(event.data), members)
        if is_key:
            needs_one = encoder is not None or members > 1
            encoder = self._admit(self, self.coding.window_log(self._largest)) if needs_one else None
        if encoder is None:
            return self._move(Piece(event, self.coding, self._place))
        block = encoder.block(event.data) or self.coding.empty
        if is_key:
            self._frame, self._key_bytes, self._spent, self._largest = Frame(), len(block), 0, len(event.data)
        else:
            self._spent += len(block)
        return self._move(Piece(event, self.coding, self._place, block=block, frame=self._frame, is_key=is_key))

    def _is_key_due(self, encoder: Encoder, size: int, members: int) -> bool:
        if self.coding.window_log(size) > encoder.window_log:
            return True
        alone = self._frame.alone
        return alone > 0 and (self._spent >= self._key_bytes or alone >= members)

    def _move(self, piece: Piece) -> Piece:
        self._place = piece.after
        return piece
