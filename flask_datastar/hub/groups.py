"""Groups of streams that follow exactly the same topics and regions: they get the same events in the same order."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterable
from typing import Any, Protocol

from ..brokers.payload import Payload
from ..transport.wakeups import make_lock, pause

# The number of streams that are served without a pause: a few milliseconds, in which no other greenlet runs.
_BATCH = 400
# The number of streams that are written to in one call, while other threads wait: less than a millisecond.
_FEW = 40

_logger = logging.getLogger(__name__)


class GroupStream(Protocol):
    """A stream, as its group serves it."""

    #: Called if the stream has no room for what it was offered.
    on_slow: Callable[[Any], None]

    def offer(self, item: Any) -> bool:
        """Take an event, now or later; return False if there is no room."""


class Maker(Protocol):
    """The part of a group that turns an event into what its streams get."""

    def make(self, payload: Payload, count: int) -> Any:
        """Return what so many streams get, in the order of the calls. It must not raise."""

    def write(self, item: Any, streams: tuple[Any, ...]) -> Iterable[Any]:
        """Write it to the streams that need no more, and return the others, which are offered it. It must not raise."""

    def finish(self, item: Any) -> None:
        """Record that all streams got this, or were offered it."""

    def close(self) -> None:
        """Free everything, because the group has no streams any more. A second call changes nothing."""


class Group:
    """The streams that follow one set of topics and regions in one process.

    The group has no list of its streams: each topic has a :class:`.seats.Seat` for each of them.
    """

    __slots__ = ("_lock", "key", "maker", "seats")

    def __init__(self, key: Hashable, maker: Maker) -> None:
        self.key = key
        self.maker = maker
        #: The number of seats that are taken.
        self.seats = 0
        # Held while one event is made and offered: whatever the topics, it reaches all streams in one order.
        self._lock = make_lock()

    def deliver(self, streams: tuple[GroupStream, ...], payload: Payload) -> None:
        """Offer one event to streams of the group."""
        slow: list[GroupStream] = []
        failed: list[tuple[GroupStream, Exception]] = []
        with self._lock:
            item = self.maker.make(payload, len(streams))
            for start in range(0, len(streams), _FEW):
                if start and start % _BATCH == 0:
                    pause()
                for stream in self.maker.write(item, streams[start : start + _FEW]):
                    try:
                        if not stream.offer(item):
                            slow.append(stream)
                    except Exception as error:
                        failed.append((stream, error))
            self.maker.finish(item)
            if not self.seats:
                # The last stream left meanwhile, so the group was closed, but an encoder may have been opened since.
                self.maker.close()
        # After the lock, because these functions log, and a logging handler may publish to a topic of the group.
        for stream in slow:
            stream.on_slow(stream)
        for stream, failure in failed:
            _logger.error("Datastar: a stream failed on an event: %r", stream, exc_info=failure)


class Groups:
    """The groups of one hub, each for as long as it has streams."""

    def __init__(self) -> None:
        self._lock = make_lock()
        self._groups: dict[Hashable, Group] = {}

    def __len__(self) -> int:
        return len(self._groups)

    def join(self, key: Hashable, make_maker: Callable[[], Maker]) -> Group:
        """Take a seat in the group with this key; the first one creates it."""
        with self._lock:
            group = self._groups.get(key)
            if group is None:
                group = self._groups[key] = Group(key, make_maker())
            group.seats += 1
            return group

    def leave(self, group: Group) -> None:
        """Leave a seat; after the last one, the group is closed."""
        with self._lock:
            group.seats -= 1
            if group.seats:
                return
            del self._groups[group.key]
        group.maker.close()
