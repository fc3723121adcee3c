"""Wait points: where a stream waits for time or for messages, sends keep-alives, and learns that it is to end.

They subscribe when they are called, so that nothing published between the call and the first wait is lost.
"""

from __future__ import annotations

import json
import time
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from .._state import RequestState, current_request_state
from ..errors import SetupError
from ..payload import Payload
from ..transport.wakeups import make_short_lock
from .broadcast import Broadcast
from .hub import StreamHub
from .stream import Stream


@dataclass(frozen=True, slots=True)
class Message:
    """What :meth:`Datastar.subscribe` gives: the topic, and the published data, decoded from JSON."""

    topic: str
    data: Any


class Subscription:
    """Topics that one stream listens to, from the call on, also before the stream is open."""

    __slots__ = ("_hub", "_is_closed", "_stream", "topics")

    def __init__(self, hub: StreamHub, topics: tuple[str, ...], *, is_own: bool = False) -> None:
        self._hub = hub
        self._stream: Stream | None = None
        self._is_closed = False
        self.topics = topics if is_own else check_topics(topics)
        for topic in self.topics:
            hub.exchange.subscribe(topic, self)

    def bind(self, stream: Stream) -> None:
        """Belong to a stream, which is woken by what comes."""
        self._stream = stream

    def close(self) -> None:
        """Listen no more; safe to call twice."""
        if not self._is_closed:
            self._is_closed = True
            for topic in self.topics:
                self._hub.exchange.unsubscribe(topic, self)

    @abstractmethod
    def deliver(self, topic: str, kind: str, payload: Payload) -> None:
        """Take what was published."""

    def catch_up(self) -> None:
        """Take note that messages may have been missed."""

    def _wake(self) -> None:
        if self._stream is not None:
            self._stream.wakeup.set()


class Follow(Subscription):
    """Broadcast events, forwarded to the browser as they are: what ``datastar.follow()`` gives.

    Returned from a stream handler, it is all that is kept of the request. In a generator, ``yield from`` it.
    """

    __slots__ = ("_early", "_has_early_gap", "_on_gap")

    def __init__(
        self,
        hub: StreamHub,
        topics: tuple[str, ...],
        *,
        is_own: bool = False,
        on_gap: Callable[[Broadcast], object] | None = None,
    ) -> None:
        self._on_gap = on_gap
        # What comes before there is a stream; usually nothing, and thousands of these live for hours.
        self._early: list[Payload] | None = None
        self._has_early_gap = False
        super().__init__(hub, topics, is_own=is_own)

    @classmethod
    def of_stream(cls, hub: StreamHub, *topics: str) -> Follow:
        """Follow topics of the extension's own: what is sent to one user's streams, or to one tab's."""
        return cls(hub, topics, is_own=True)

    def bind(self, stream: Stream) -> None:
        """Forward to a stream, first what came before there was one."""
        with self._hub.binding:
            for payload in self._early or ():
                stream.put(payload)
            self._early = None
            if self._has_early_gap:
                stream.catch_up()
            super().bind(stream)
            for topic in self.topics:
                self._hub.exchange.topics.hand_over(topic, self, stream)

    def deliver(self, topic: str, kind: str, payload: Payload) -> None:
        """Queue broadcast events."""
        if kind != "events":
            return
        if self._stream is None:
            # Another thread may be binding it at this moment: nothing may be lost, or overtake what came before.
            with self._hub.binding:
                if self._stream is None:
                    self._early = self._early or []
                    self._early.append(payload)
                    return
        self._stream.put(payload)

    def catch_up(self) -> None:
        """Let the stream fill the gap, as soon as there is one."""
        with self._hub.binding:
            self._has_early_gap = True
            if self._stream is not None:
                self._stream.catch_up()

    def fill_gap(self, stream: Stream) -> None:
        """Let the application send what the stream may have missed, to that stream alone."""
        if self._on_gap is not None:
            state = self._hub.app_state
            with state.app.app_context(), Broadcast(state, stream.put) as out:
                self._on_gap(out)

    def __iter__(self) -> Iterator[None]:
        """Forward until the stream ends; it gives nothing."""
        stream = _current_stream()
        while True:
            _wait(lambda: stream.waiting > 0 or stream.has_gap, None)
            if stream.has_gap:
                stream.has_gap = False
                self.fill_gap(stream)
            yield


class Messages(Subscription):
    """What ``datastar.subscribe()`` gives: an iterator of :class:`Message`, and of None at each tick."""

    __slots__ = ("_every", "_has_overflowed", "_lock", "_next_tick", "_pending", "_pending_bytes", "waited_for")

    def __init__(self, hub: StreamHub, topics: tuple[str, ...], every: float | None) -> None:
        self._pending: deque[tuple[str, bytes]] = deque()
        self._pending_bytes = 0
        self._has_overflowed = False
        self._lock = make_short_lock()
        #: Whether a publisher gave this stream a turn since it last took something.
        self.waited_for = False
        self._every = every
        self._next_tick = None if every is None else time.monotonic() + every
        super().__init__(hub, topics)

    def deliver(self, topic: str, kind: str, payload: Payload) -> None:
        """Queue a message; a stream that falls behind ends, and its page comes back."""
        if kind != "message":
            return
        settings = self._hub.app_state.settings
        with self._lock:
            if self._has_overflowed:
                return
            count, size = len(self._pending) + 1, self._pending_bytes + len(payload.data)
            # One message is taken whatever its size, as everywhere.
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
        """Belong to a stream, which ends at once if too much has come already."""
        super().bind(stream)
        if self._has_overflowed:
            self._end_slow()

    def _end_slow(self) -> None:
        if self._stream is not None:
            self._stream.on_slow(self._stream)

    def __iter__(self) -> Iterator[Message | None]:
        return self

    def __next__(self) -> Message | None:
        # A tick that is due comes first: messages without a pause are not to keep it away.
        if not _wait(lambda: bool(self._pending) and not self._is_tick_due(), self._next_tick):
            assert self._every is not None
            self._next_tick = time.monotonic() + self._every
            return None
        with self._lock:
            topic, payload = self._pending.popleft()
            self._pending_bytes -= len(payload)
            self.waited_for = False
        return Message(topic, json.loads(payload))

    def _is_tick_due(self) -> bool:
        return self._next_tick is not None and time.monotonic() >= self._next_tick


class Changes(Subscription):
    """What ``datastar.changes()`` gives: once at the start, then once for everything that arrived meanwhile."""

    __slots__ = ("_at_most_every", "_changed", "_lock", "_not_before")

    def __init__(self, hub: StreamHub, topics: tuple[str, ...], at_most_every: float) -> None:
        self._changed: set[str] | None = None
        self._lock = make_short_lock()
        self._at_most_every = at_most_every
        self._not_before = 0.0
        super().__init__(hub, topics)

    def deliver(self, topic: str, kind: str, payload: Payload) -> None:
        """Note that there is something new; what it was does not matter."""
        if self._changed is not None:
            with self._lock:
                self._changed.add(topic)
            self._wake()

    def catch_up(self) -> None:
        """Fire once, whatever was missed."""
        if self._changed is not None:
            with self._lock:
                self._changed.update(self.topics)
            self._wake()

    def __iter__(self) -> Iterator[frozenset[str]]:
        return self

    def __next__(self) -> frozenset[str]:
        if self._changed is None:
            _current_stream()
        else:
            _wait(lambda: bool(self._changed) and time.monotonic() >= self._not_before, None, self._ready_at)
        with self._lock:
            changed, self._changed = frozenset(self._changed or ()), set()
        self._not_before = time.monotonic() + self._at_most_every
        return changed

    def _ready_at(self) -> float | None:
        return self._not_before if self._changed else None


class Ticks:
    """What ``datastar.every()`` gives: a tick at once, then one each period; missed ones are dropped."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next: float | None = None

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        """Wait for the next tick.

        :return: its number, from 0; missed ones are counted.
        """
        now = time.monotonic()
        if self._next is None:
            _current_stream()
            self._start, self._next = now, now + self._seconds
            return 0
        _wait(lambda: False, self._next)
        number = int((time.monotonic() - self._start) / self._seconds + 1e-6)
        self._next = self._start + (number + 1) * self._seconds
        return number


def add_subscription(state: RequestState, subscription: Subscription) -> None:
    """Tie a subscription to its request: the stream that it opens takes it over, else it ends with the request."""
    if state.stream is not None:
        state.stream.adopt(subscription)
    else:
        state.subscriptions.append(subscription)


def check_topics(topics: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse what is no topic.

    :raises ValueError: there is none, or one is empty or begins with NUL (the extension's own).
    :raises TypeError: one is no string.
    """
    if not topics:
        raise ValueError("no topic is given; give one or more names")
    for topic in topics:
        if not isinstance(topic, str):
            raise TypeError(f"topic is {type(topic).__name__}; accepted: str")
        if not topic or topic.startswith("\0"):
            raise ValueError(f"topic {topic!r} is not accepted; give a name")
    return tuple(dict.fromkeys(topics))


def _wait(
    is_ready: Callable[[], bool], deadline: float | None, ready_at: Callable[[], float | None] | None = None
) -> bool:
    return bool(_current_body().wait(is_ready, deadline, ready_at))


def _current_stream() -> Stream:
    stream: Stream = _current_body().stream
    return stream


def _current_body() -> Any:
    body = current_request_state().stream
    if body is None:
        raise SetupError("a wait point was reached outside of a stream; use it in a function under @datastar.stream")
    return body
