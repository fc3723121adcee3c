"""A broker that joins several apps of one process, each standing for a process, and can be held and cut.

It keeps the contract (its own test says so), and lets tests choose when what happens.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from flask_datastar.brokers import Broker, BrokerOptions, Payload, Receiver
from flask_datastar.errors import BrokerError
from flask_datastar.hub.scopes import PRESENCE_CHANNEL
from flask_datastar.transport.wakeups import make_lock

URL = "joined://"


class Line:
    """What all brokers of one namespace are on."""

    def __init__(self) -> None:
        self.lock = make_lock()
        self.brokers: list[JoinedBroker] = []
        #: Key → when its value ends, and the value.
        self.values: dict[str, tuple[float, bytes]] = {}
        self.is_cut = False
        self.numbers = itertools.count(1)
        self._is_held = False
        self._is_delivering = False
        self._waiting: list[Callable[[], object]] = []

    def carry(self, kind: str, deliver: Callable[[], object]) -> None:
        """Deliver a message to all before the next one, also one that a delivery causes."""
        with self.lock:
            if self._is_held and kind == "presence":
                # Every process greets the others at its first stream.
                deliver()
                return
            self._waiting.append(deliver)
            if not self._is_held and not self._is_delivering:
                self._deliver_waiting()

    def _deliver_waiting(self) -> None:
        self._is_delivering = True
        try:
            while self._waiting:
                self._waiting.pop(0)()
        finally:
            self._is_delivering = False

    @contextmanager
    def held(self) -> Iterator[list[Callable[[], object]]]:
        """Hold all messages but those about presence until the end of the block, which may change their order."""
        self._is_held = True
        try:
            yield self._waiting
        finally:
            with self.lock:
                self._is_held = False
                self._deliver_waiting()

    @contextmanager
    def cut(self) -> Iterator[None]:
        """Reach nobody in the block; at its end all catch up, as after an outage."""
        self.is_cut = True
        yield
        self.is_cut = False
        for broker in list(self.brokers):
            broker.receiver.catch_up()


class JoinedBroker(Broker):
    is_shared = True
    has_claims = True
    lines: ClassVar[dict[str, Line]] = {}

    def __init__(self, url: str, receiver: Receiver, options: BrokerOptions) -> None:
        super().__init__(url, receiver, options)
        self.line = self.lines.setdefault(options.namespace, Line())
        self.channels: set[str] = set()
        #: Every subscription and its end, without that to presence.
        self.history: list[tuple[str, str]] = []
        self.streams: dict[tuple[str, str | None], int] = {}
        self.is_closed = False
        self.line.brokers.append(self)

    def publish(self, channel: str, topic: str, kind: str, payload: Payload, *, waits: bool = True) -> None:
        if self.line.is_cut:
            if waits:
                self.receiver.receive(topic, kind, payload)
                raise BrokerError("the line is cut")
            return
        self.line.carry(kind, lambda: self._deliver(channel, topic, kind, payload, waits))

    def _deliver(self, channel: str, topic: str, kind: str, payload: Payload, waits: bool) -> None:
        """Give a message to who listens now, not to who did when it was sent: that is how a server has it."""
        for one in list(self.line.brokers):
            if channel in one.channels or (one is self and waits):
                one.receiver.receive(topic, kind, Payload(payload.data, payload.last_id))

    def subscribe(self, channel: str) -> None:
        with self.line.lock:
            if channel not in self.channels:
                self.channels.add(channel)
                if channel != PRESENCE_CHANNEL:
                    self.history.append(("subscribe", channel))

    def unsubscribe(self, channel: str) -> None:
        with self.line.lock:
            if channel in self.channels:
                self.channels.discard(channel)
                self.history.append(("unsubscribe", channel))

    def note_streams(self, scope: str, tab: str | None, streams: int) -> None:
        self.streams.pop((scope, tab), None)
        if streams:
            self.streams[scope, tab] = streams

    def _elsewhere(self) -> list[tuple[tuple[str, str | None], int]]:
        return [item for one in self.line.brokers if one is not self for item in one.streams.items()]

    def count_elsewhere(self, scope: str, tab: str | None) -> int:
        if self.line.is_cut:
            return 0
        return sum(
            streams
            for (its_scope, its_tab), streams in self._elsewhere()
            if its_scope == scope and (its_tab is None or its_tab != tab)
        )

    def count_and_number(self, scope: str, tab: str | None) -> tuple[int, int | None]:
        return self.count_elsewhere(scope, tab), None if self.line.is_cut else next(self.line.numbers)

    def count_tabs_elsewhere(self) -> int:
        if self.line.is_cut:
            raise BrokerError("the line is cut")
        return len([tab for (_, tab), _ in self._elsewhere() if tab is not None])

    def scopes_elsewhere(self) -> set[str]:
        if self.line.is_cut:
            raise BrokerError("the line is cut")
        return {scope for (scope, _), _ in self._elsewhere()}

    def claim(self, key: str, value: bytes, seconds: float) -> bytes | None:
        with self.line.lock:
            found = self.look_up(key)
            if found is None:
                self.keep(key, value, seconds)
            return found

    def keep(self, key: str, value: bytes, seconds: float) -> None:
        if not self.line.is_cut:
            self.line.values[key] = (time.monotonic() + seconds, value)

    def drop(self, key: str) -> None:
        if not self.line.is_cut:
            self.line.values.pop(key, None)

    def look_up(self, key: str) -> bytes | None:
        if self.line.is_cut:
            raise BrokerError("the line is cut")
        ends_at, value = self.line.values.get(key, (0.0, b""))
        return value if ends_at > time.monotonic() else None

    def stats(self) -> dict[str, Any]:
        return {"connected": not self.line.is_cut}

    def close(self) -> None:
        self.is_closed = True
        self.streams = {}
        if self in self.line.brokers:
            self.line.brokers.remove(self)


#: The argument ``brokers``.
BROKERS = {"joined": JoinedBroker}
