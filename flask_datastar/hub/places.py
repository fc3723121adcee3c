"""The places of one process for streams, and which stream ends when there is no place left."""

from __future__ import annotations

from collections import Counter
from enum import Enum
from functools import cached_property

from ..config.settings import Settings
from ..transport import worker
from .limits import max_streams
from .stream import Stream

#: The warning that a scope has as many streams as it may have: the scope, and the number.
FULL_SCOPE = "Datastar: scope %r has %d streams already (DATASTAR_MAX_STREAMS_PER_SCOPE); further ones are refused"


class NoRoom(Exception):
    """Raised if there is no room for another stream; the text is for the client."""


class Shortage(Enum):
    """The kinds of places that a stream can lack, each with the text for its client."""

    PLACES = "too many streams are open here; try again later"
    PLACES_OF_ADDRESS = "too many streams are open from one address; close a tab"


class Places:
    """The streams of one hub and their places. The caller of each method holds the hub's lock."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.streams: set[Stream] = set()
        # Streams without a scope, the oldest first.
        self._scopeless: dict[Stream, None] = {}
        self._by_address: Counter[str | None] = Counter()
        # Streams that end for others, but still have their connections.
        self._leaving: set[Stream] = set()

    @cached_property
    def limit(self) -> int:
        """The number of streams that the process may have; fixed at the first stream, when its threads are known."""
        return max_streams(self._settings)

    def shortage(self, stream: Stream) -> Shortage | None:
        """Return what a stream lacks to be opened, or None.

        A stream with a scope may take the place of a stream without a scope.
        """
        if not (self._is_free() or (stream.entry is not None and self._may_make_room())):
            return Shortage.PLACES
        address = stream.address
        if address is not None and self._by_address[address] >= self._settings.max_streams_per_address:
            return Shortage.PLACES_OF_ADDRESS
        return None

    def describe(self, shortage: Shortage, stream: Stream) -> tuple[str, *tuple[object, ...]]:
        """Return a text for the log, and its arguments."""
        if shortage is Shortage.PLACES:
            return (
                "Datastar: %d streams are open, which is the limit (DATASTAR_MAX_STREAMS); further ones are refused",
                self.limit,
            )
        return (
            "Datastar: %s has %d streams already (DATASTAR_MAX_STREAMS_PER_ADDRESS); further ones are refused",
            stream.address,
            self._settings.max_streams_per_address,
        )

    def take(self, stream: Stream) -> tuple[bool, Stream | None]:
        """Add a stream, even if there is no room.

        :return: whether there was room, and the stream that has to end for it, or None.
        """
        has_room, leaving = self.shortage(stream) is None, None
        if has_room and not self._is_free():
            leaving = self._choose()
            self._leaving.add(leaving)
        self.streams.add(stream)
        self._by_address[stream.address] += 1
        if stream.entry is None:
            self._scopeless[stream] = None
        return has_room, leaving

    def leave(self, stream: Stream) -> None:
        """Free the place of a stream."""
        self.streams.discard(stream)
        self._leaving.discard(stream)
        self._scopeless.pop(stream, None)
        self._by_address[stream.address] -= 1
        if not self._by_address[stream.address]:
            del self._by_address[stream.address]

    def _is_free(self) -> bool:
        return len(self.streams) - len(self._leaving) < self.limit

    def _may_make_room(self) -> bool:
        # A stream keeps its thread until its client has read the end.
        if self._leaving and worker.thread_count() is not None:
            return False
        kept = int(self.limit * self._settings.share_without_scope)
        return len(self._scopeless) - len(self._leaving) > kept

    def _choose(self) -> Stream:
        """Choose the newest stream without a scope, from the address that has most of them."""
        staying = [stream for stream in self._scopeless if stream not in self._leaving]
        counts = Counter(stream.address for stream in staying)
        most = max(counts.values())
        return next(stream for stream in reversed(staying) if counts[stream.address] == most)
