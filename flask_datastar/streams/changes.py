"""The wait point ``changes``, for streams that read the state again after each change and send it whole."""

from __future__ import annotations

import time
from collections.abc import Iterator

from ..brokers.payload import MessageKind, Payload
from ..hub.hub import StreamHub
from ..transport.wakeups import make_short_lock
from .running import current_body
from .subscriptions import Subscription


class Changes(Subscription):
    """The result of ``datastar.changes()``: an item at the start, then one for everything that arrived meanwhile.

    An item is the set of topics that have changed. The first set is empty.
    """

    __slots__ = ("_at_most_every", "_changed", "_lock", "_not_before")

    def __init__(self, hub: StreamHub, topics: tuple[str, ...], at_most_every: float) -> None:
        self._changed: set[str] | None = None
        self._lock = make_short_lock()
        self._at_most_every = at_most_every
        self._not_before = 0.0
        super().__init__(hub, topics)

    def deliver(self, topic: str, kind: MessageKind, payload: Payload) -> None:
        """Record that the topic has changed; the message itself is not kept."""
        is_left_out = payload.but is not None and self._stream is not None and payload.but == self._stream.tab
        if self._changed is not None and not is_left_out:
            with self._lock:
                self._changed.add(topic)
            self._wake()

    def catch_up(self) -> None:
        """Record a change of all topics, because messages may have been missed."""
        if self._changed is not None:
            with self._lock:
                self._changed.update(self.topics)
            self._wake()

    @property
    def is_pending(self) -> bool:
        """Whether a change waits, perhaps only until its time has come (``at_most_every``)."""
        return bool(self._changed)

    def __iter__(self) -> Iterator[frozenset[str]]:
        return self

    def __next__(self) -> frozenset[str]:
        if self._changed is None:
            current_body()
        else:
            current_body().wait_for_turn(self._is_due, None, self._ready_at)
        with self._lock:
            changed, self._changed = frozenset(self._changed or ()), set()
        self._not_before = time.monotonic() + self._at_most_every
        return changed

    def _is_due(self) -> bool:
        return bool(self._changed) and time.monotonic() >= self._not_before

    def _ready_at(self) -> float | None:
        return self._not_before if self._changed else None
