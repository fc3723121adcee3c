"""The wait point ``subscribe``: the messages of topics, one after the other, from a queue with limits."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..brokers.payload import MessageKind, Payload
from ..hub.hub import StreamHub
from ..hub.stream import Stream
from ..sansio import strictjson
from ..transport.wakeups import make_short_lock
from .running import current_body
from .subscriptions import Subscription

# Reading a member of the enum costs as much as the rest of a delivery.
_MESSAGE = MessageKind.MESSAGE


@dataclass(frozen=True, slots=True)
class Message:
    """A message from :meth:`Datastar.subscribe`: its topic, and the published data, decoded from JSON."""

    topic: str
    data: Any


class Messages(Subscription):
    """The result of ``datastar.subscribe()``: an iterator over each :class:`Message`, and None at each tick."""

    __slots__ = ("_every", "_has_overflowed", "_lock", "_next_tick", "_pending", "_pending_bytes", "waited_for")

    def __init__(self, hub: StreamHub, topics: tuple[str, ...], every: float | None) -> None:
        self._pending: deque[tuple[str, bytes]] = deque()
        self._pending_bytes = 0
        self._has_overflowed = False
        self._lock = make_short_lock()
        #: Whether a publisher has waited for this stream since it last took a message.
        self.waited_for = False
        self._every = every
        self._next_tick = None if every is None else time.monotonic() + every
        super().__init__(hub, topics)

    def deliver(self, topic: str, kind: MessageKind, payload: Payload) -> None:
        """Queue a message; if the queue overflows, the stream ends, and its page comes back."""
        if kind is not _MESSAGE:
            return
        settings = self._hub.settings
        with self._lock:
            if self._has_overflowed:
                return
            count, size = len(self._pending) + 1, self._pending_bytes + len(payload.data)
            # A single message is queued whatever its size, as in a stream's own queue.
            if count > settings.max_queued_events or (count > 1 and size > settings.max_queued_bytes):
                self._has_overflowed = True
                self._pending.clear()
            else:
                self._pending.append((topic, payload.data))
                self._pending_bytes = size
        if self._has_overflowed:
            self._end_slow()
            return
        self._wake()
        is_half_full = count * 2 >= settings.max_queued_events or size * 2 >= settings.max_queued_bytes
        if is_half_full and not self.waited_for:
            self._hub.turns.press(self)

    def bind(self, stream: Stream) -> None:
        """Bind the messages to a stream, which ends at once if the queue has overflowed already."""
        super().bind(stream)
        if self._has_overflowed:
            self._end_slow()

    def _end_slow(self) -> None:
        if self._stream is not None:
            self._stream.on_slow(self._stream)

    def __iter__(self) -> Iterator[Message | None]:
        return self

    def __next__(self) -> Message | None:
        while True:
            # A tick that is due comes first, because messages may come without a pause.
            if not current_body().wait_for_turn(
                lambda: bool(self._pending) and not self._is_tick_due(), self._next_tick, None
            ):
                assert self._every is not None
                self._next_tick = time.monotonic() + self._every
                return None
            with self._lock:
                topic, payload = self._pending.popleft()
                self._pending_bytes -= len(payload)
                self.waited_for = False
            try:
                return Message(topic, strictjson.loads(payload.decode()))
            except ValueError:
                self._hub.bus.skip("its data is not JSON")

    def _is_tick_due(self) -> bool:
        return self._next_tick is not None and time.monotonic() >= self._next_tick
