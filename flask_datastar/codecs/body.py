"""The compressed body of one stream: its place among the blocks of its group."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from .base import Coding
from .checksums import shift
from .pieces import Frame, Piece, Place, Segment


class Tally(Protocol):
    """Counters of what goes out."""

    bytes_in: int
    bytes_out: int
    alone: int


class CodedBody:
    """Turns pieces and a stream's own events into the bytes of its body.

    The body stores where it is and nothing about its group, so whatever it missed, for whatever reason, only makes it
    wait for the next key.

    :param coding: the body's coding.
    :param tally: where it counts.
    """

    __slots__ = ("_checksum", "_encoded", "_joined", "_length", "_tally", "at", "coding", "frame")

    def __init__(self, coding: Coding, tally: Tally) -> None:
        self.coding = coding
        #: The group's place behind the last piece.
        self.at = Place()
        #: The frame whose next block can follow; None if none can.
        self.frame: Frame | None = None
        self._tally = tally
        # The checksum and the length of the text up to where it last came to a group's place, and that place; and the
        # length of the body up to there, with what was encoded alone since then.
        self._checksum = self._length = self._encoded = 0
        self._joined = self.at

    @property
    def text_bytes(self) -> int:
        """The length of the text so far."""
        return self._length + self.at.length - self._joined.length

    @property
    def sent_bytes(self) -> int:
        """The length of the encoded text so far."""
        return self._encoded + self.at.encoded - self._joined.encoded

    def start(self) -> bytes:
        """Return the first bytes of the body."""
        return self.coding.head

    def segment(self, piece: Piece) -> Segment:
        """Return what a piece is at this place. The place stays: nothing is known yet about whether it goes out."""
        if piece.block is not None and (piece.is_key or (self.frame is piece.frame and self.at is piece.before)):
            return piece.block
        return piece.alone

    def commit(self, piece: Piece) -> None:
        """Move behind a piece: what :meth:`segment` returned is written, or will be before anything else.

        For a body in the piece's frame it is enough to set :attr:`at`, and to count the stream in ``Piece.taken``.
        """
        segment = self.segment(piece)
        if segment is piece.block:
            self.frame = piece.frame
        else:
            self.frame = None
            piece.frame.alone += 1
            self._tally.alone += 1
            self._encoded += len(segment.data) - piece.after.encoded + piece.before.encoded
        if self.at is not piece.before:
            self._settle()
            self._joined = piece.before
        self.at = piece.after
        self._tally.bytes_in += len(piece.data)
        self._tally.bytes_out += len(segment.data)

    def take(self, pieces: Iterable[Piece]) -> bytes:
        """Return the bytes of pieces that go out now, and move behind them."""
        taken = []
        for piece in pieces:
            taken.append(self.segment(piece).data)
            self.commit(piece)
        return taken[0] if len(taken) == 1 else b"".join(taken)

    def own(self, data: bytes, *, is_stored: bool = False) -> bytes:
        """Return the bytes of the stream's own events, which go out now. Events of the group are alone until a key.

        :param data: whole events; b"" for none.
        :param is_stored: whether they are not to be encoded, because they hold a secret.
        """
        if not data:
            return b""
        encoded = self.coding.stored(data) if is_stored else self.coding.alone(data)
        self._settle()
        self._checksum = self.coding.checksum(data, self._checksum)
        self._length += len(data)
        self._encoded += len(encoded)
        self.frame = None
        self._tally.bytes_in += len(data)
        self._tally.bytes_out += len(encoded)
        return encoded

    def keepalive(self) -> bytes:
        """Return bytes without text. The place stays."""
        return self.coding.empty

    def end(self) -> bytes:
        """Return the last bytes of the body."""
        self._settle()
        return self.coding.end(self._checksum, self._length)

    def _settle(self) -> None:
        """Count the text of the pieces since the body came to its group."""
        length = self.at.length - self._joined.length
        if length:
            if self.coding.has_checksum:
                self._checksum = shift(self._checksum ^ self._joined.checksum, length) ^ self.at.checksum
            self._length += length
            self._encoded += self.at.encoded - self._joined.encoded
        self._joined = self.at
