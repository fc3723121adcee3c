"""The places of one process: how many streams it holds, and who comes first when there is none left."""

from __future__ import annotations

from collections import Counter
from enum import Enum
from functools import cached_property

from ..config.settings import Settings
from ..transport import worker
from .limits import max_streams
from .stream import Stream


class NoRoom(Exception):
    """There is no room for one more stream; the text is for the client."""


class Shortage(Enum):
    """What a stream lacks to be opened."""

    PLACES = "places"
    PLACES_OF_ADDRESS = "places of its client's address"


class Places:
    """Counts the streams of one hub, whose lock is held by whoever calls."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.streams: set[Stream] = set()
        # Streams without a scope, the oldest first.
        self._scopeless: dict[Stream, None] = {}
        self._by_address: Counter[str | None] = Counter()
        # Streams that were told to end for others, and hold their connections yet.
        self._leaving: set[Stream] = set()

    @cached_property
    def limit(self) -> int:
        """How many streams the process may hold; kept from the first stream on, when its threads are known."""
        return max_streams(self._settings)

    def shortage(self, stream: Stream) -> Shortage | None:
        """Return what a stream lacks to be opened, None if nothing.

        With a scope it may take the place of a stream without one.
        """
        if not (self._is_free() or (stream.entry is not None and self._may_make_room())):
            return Shortage.PLACES
        address = stream.address
        if address is not None and self._by_address[address] >= self._settings.max_streams_per_address:
            return Shortage.PLACES_OF_ADDRESS
        return None

    def take(self, stream: Stream) -> tuple[bool, Stream | None]:
        """Enter a stream, whether there is room or not.

        :return: whether there was, and the stream that has to end for it.
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
        """Free the place of a stream that has one."""
        self.streams.discard(stream)
        self._leaving.discard(stream)
        self._scopeless.pop(stream, None)
        self._by_address[stream.address] -= 1
        if not self._by_address[stream.address]:
            del self._by_address[stream.address]

    def _is_free(self) -> bool:
        return len(self.streams) - len(self._leaving) < self.limit

    def _may_make_room(self) -> bool:
        # Until its client has read that it ends, a stream holds its thread.
        if self._leaving and worker.thread_count() is not None:
            return False
        kept = int(self.limit * self._settings.share_without_scope)
        return len(self._scopeless) - len(self._leaving) > kept

    def _choose(self) -> Stream:
        """Choose the newest stream without a scope, of the address that has the most."""
        staying = [stream for stream in self._scopeless if stream not in self._leaving]
        counts = Counter(stream.address for stream in staying)
        most = max(counts.values())
        return next(stream for stream in reversed(staying) if counts[stream.address] == most)
