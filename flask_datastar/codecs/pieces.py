"""Pieces: one event each, encoded for all streams of a group and, when a stream needs it, alone."""

from __future__ import annotations

from typing import Final, Protocol

from .base import Coding


class Event(Protocol):
    """A payload: encoded server-sent events on their way to many streams."""

    @property
    def data(self) -> bytes:
        """The events."""

    @property
    def last_id(self) -> str | None:
        """The last id among them."""

    @property
    def made_at(self) -> float:
        """The ``time.monotonic()`` at its creation."""


class Segment:
    """Encoded bytes of a body."""

    __slots__ = ("chunk", "data")

    def __init__(self, data: bytes) -> None:
        self.data = data
        #: The data as one chunk of HTTP/1.1's chunked coding.
        self.chunk = b"%X\r\n%b\r\n" % (len(data), data)


class Place:
    """A place between two events of a group. Places are compared by identity."""

    __slots__ = ("checksum", "encoded", "length")

    def __init__(self, checksum: int = 0, length: int = 0, encoded: int = 0) -> None:
        #: Of all text of the group up to here; 0 if the coding has no checksum.
        self.checksum = checksum
        #: The length of that text in bytes.
        self.length = length
        #: The length of its blocks in bytes.
        self.encoded = encoded

    def after(self, data: bytes, coding: Coding, encoded: int) -> Place:
        """Return the place behind one more event.

        :param encoded: the length of its block.
        """
        checksum = coding.checksum(data, self.checksum) if coding.has_checksum else 0
        return Place(checksum, self.length + len(data), self.encoded + encoded)


class Frame:
    """The blocks from one key to the next. Frames are compared by identity."""

    __slots__ = ("alone",)

    def __init__(self) -> None:
        #: How many events of the frame went out alone, to streams that wait for the next key.
        self.alone = 0


#: The bytes of a group's events, before compression, from one milestone to the next.
MILESTONE_BYTES: Final = 524_288
#: The frame of pieces that have no block; no stream is in it.
NO_FRAME = Frame()


class Piece:
    """One event on its way to the streams of a group. It has what streams need of a payload, too.

    :param event: the payload.
    :param coding: the coding of the group.
    :param before: the group's place before the event.
    :param block: the event as a block of the shared encoder; None if every stream gets it alone.
    :param frame: the frame of the block.
    :param is_key: whether the block is the frame's first, which streams may read without those before it.
    :param is_stored: whether the event is not to be encoded at all.
    """

    __slots__ = (
        "_alone",
        "after",
        "before",
        "block",
        "coding",
        "data",
        "frame",
        "is_key",
        "is_milestone",
        "is_stored",
        "last_id",
        "made_at",
        "taken",
    )

    def __init__(
        self,
        event: Event,
        coding: Coding,
        before: Place,
        *,
        block: bytes | None = None,
        frame: Frame = NO_FRAME,
        is_key: bool = False,
        is_stored: bool = False,
    ) -> None:
        #: The event as it is; queues count its size.
        self.data = event.data
        self.last_id = event.last_id
        self.made_at = event.made_at
        self.coding = coding
        self.before = before
        self.after = before.after(event.data, coding, 0 if block is None else len(block))
        self.block = None if block is None else Segment(block)
        self.frame = frame
        self.is_key = is_key
        self.is_stored = is_stored
        #: Whether each stream looks at its connection after it.
        self.is_milestone = self.after.length // MILESTONE_BYTES != before.length // MILESTONE_BYTES
        #: How many streams took the block at once; the group counts its bytes when all were asked.
        self.taken = 0
        self._alone: Segment | None = None

    @property
    def alone(self) -> Segment:
        """The event for streams outside of the frame: encoded alone or stored, made when the first stream needs it."""
        if self._alone is None:
            encode = self.coding.stored if self.is_stored else self.coding.alone
            self._alone = Segment(encode(self.data) or self.coding.empty)
        return self._alone


def own_piece(coding: Coding, event: Event, *, is_stored: bool = False) -> Piece:
    """Create the piece of an event outside of groups, such as an event to all streams of a person.

    :param is_stored: whether the event is not to be encoded at all.
    """
    return Piece(event, coding, Place(), is_stored=is_stored)
