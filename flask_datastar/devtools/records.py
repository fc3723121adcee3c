"""The records of the timeline: a ring of items for each browser, bounded by number and by bytes."""

from __future__ import annotations

import json
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from ..transport.wakeups import Wakeup, make_short_lock, make_wakeup

MOST_ITEMS = 2_000
MOST_BYTES = 2 * 1024 * 1024
#: The most requests that go on of which a browser's records keep the first items, however long they go on.
MOST_RUNNING = 100
#: The most requests that wait at once for new items of one browser; each takes a thread of the server.
MOST_WAITING = 3
#: The most characters of one text in an item.
LONGEST_TEXT = 16_384


# One sequence for all records: a panel goes on where records were dropped and others took their place.
_numbers = count(1)


def shorten(text: str, limit: int = LONGEST_TEXT) -> str:
    """Shorten a text that is too long for an item."""
    return text if len(text) <= limit else f"{text[:limit]}… {len(text) - limit} more characters"


@dataclass(frozen=True, slots=True)
class Item:
    """One recorded fact, encoded. The facts of a request carry its id, and add up to its entry in the panel."""

    number: int
    request: int
    data: bytes


@dataclass
class Records:
    """The items of one browser, the newest ones."""

    _items: deque[Item] = field(default_factory=deque)
    _bytes: int = 0
    #: Request → its first items, while it goes on: the ring may have dropped them.
    _running: OrderedDict[int, list[Item]] = field(default_factory=OrderedDict)
    _waiting: set[Wakeup] = field(default_factory=set)
    _lock: Any = field(default_factory=make_short_lock)
    #: The number of the newest item.
    last: int = 0
    #: Whether a panel has asked for the items.
    is_read: bool = False

    def add(self, request: int, facts: dict[str, Any], *, is_head: bool = False) -> None:
        """Record facts about a request.

        :param request: the request's id; 0 for facts of no request.
        :param is_head: whether the item is kept as long as the request goes on.
        """
        data = json.dumps({"id": request, **facts}, separators=(",", ":"), default=str).encode()
        with self._lock:
            item = Item(next(_numbers), request, data)
            self.last = item.number
            self._items.append(item)
            self._bytes += len(data)
            if is_head:
                self._running.setdefault(request, []).append(item)
                if len(self._running) > MOST_RUNNING:
                    self._running.popitem(last=False)
            while len(self._items) > MOST_ITEMS or self._bytes > MOST_BYTES:
                self._bytes -= len(self._items.popleft().data)
            waiting = list(self._waiting)
        for wakeup in waiting:
            wakeup.set()

    def finish(self, request: int) -> None:
        """Record that a request is over."""
        with self._lock:
            self._running.pop(request, None)

    def since(self, number: int) -> tuple[int, list[bytes]]:
        """Return the number of the newest item, and the items after one, the oldest first."""
        with self._lock:
            self.is_read = True
            found = [item for item in self._items if item.number > number]
            oldest = self._items[0].number if self._items else 0
            kept = [item for items in self._running.values() for item in items if number < item.number < oldest]
            return self.last, [item.data for item in [*sorted(kept, key=lambda item: item.number), *found]]

    def of_request(self, request: int) -> list[dict[str, Any]]:
        """Return the facts about one request, the oldest first."""
        return [item for item in self.all() if item["id"] == request]

    def all(self) -> list[dict[str, Any]]:
        """Return all items, decoded."""
        return [json.loads(data) for data in self.since(0)[1]]

    def clear(self) -> None:
        """Drop all items but the first ones of requests that go on."""
        with self._lock:
            self._items.clear()
            self._bytes = 0

    def wait(self, number: int, seconds: float) -> bool:
        """Wait until there is an item after one, or the time is over.

        :return: False at once if too many wait already.
        """
        with self._lock:
            if self.last > number:
                return True
            if len(self._waiting) >= MOST_WAITING:
                return False
            wakeup = make_wakeup()
            self._waiting.add(wakeup)
        try:
            wakeup.wait(seconds)
        finally:
            with self._lock:
                self._waiting.discard(wakeup)
        return True

    def __len__(self) -> int:
        return len(self._items)

    @property
    def size(self) -> int:
        """The bytes of all items in the ring."""
        return self._bytes
