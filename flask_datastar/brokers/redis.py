"""The broker on Redis: its channels carry the messages, its keys say which process has which tabs.

The order in which Redis has the messages of a channel is the order in which every process delivers them, also the one
that published them: two processes that patch the same element at the same moment leave the same thing in all pages. So
a process delivers its own message when it comes back. When Redis is late, it does not wait for it.
"""

from __future__ import annotations

import itertools
import logging
import time
import uuid
from functools import partial
from typing import Any, ClassVar

from ..errors import BrokerError
from ..payload import Payload
from ..transport.ticker import current_ticker
from ..transport.wakeups import make_short_lock, spawn
from .base import Broker, BrokerOptions, Receiver
from .redis_client import check_patched, make_client
from .redis_commands import Commands
from .redis_listener import Listener
from .redis_presence import Presence
from .wire import Envelope, decode, encode

#: How long a message of this process may be on its way back before it is delivered without.
PATIENCE_SECONDS = 0.05
FORGET_SECONDS = 60.0

_logger = logging.getLogger(__name__)


class RedisBroker(Broker):
    """Two connections a process, however many streams it has."""

    is_shared: ClassVar[bool] = True

    def __init__(self, url: str, receiver: Receiver, options: BrokerOptions) -> None:
        super().__init__(url, receiver, options)
        check_patched()
        #: The name of this process; a forked one makes a broker of its own.
        self.process = uuid.uuid4().hex[:16]
        self._prefix = f"ds:{options.namespace}:"
        connect = partial(make_client, url, options.timeout_seconds)
        self._commands = Commands(connect, options.timeout_seconds, lambda: self._presence.restore())
        self._listener = Listener(
            connect, self._name(f"\0{self.process}"), options.timeout_seconds, self._take, receiver.catch_up
        )
        self._presence = Presence(self._commands, self._prefix, self.process)
        self._numbers = itertools.count(1)
        self._lock = make_short_lock()
        # Number → when an own message was sent that comes back, and the message, None when it is delivered already.
        self._under_way: dict[int, tuple[float, Envelope | None]] = {}
        self._is_late = False
        self._cancel_sweep: Any = None
        self._counts = {"published": 0, "received": 0, "late": 0, "failed": 0}

    def _name(self, channel: str) -> str:
        return f"{self._prefix}channel:{channel}"

    def publish(self, channel: str, topic: str, kind: str, payload: Payload, *, waits: bool = True) -> None:
        """Publish by Redis; what does not come back soon is delivered here without."""
        envelope = Envelope(self.process, next(self._numbers), topic, kind, payload)
        name = self._name(channel)
        with self._lock:
            comes_back = self._listener.is_subscribed(name)
            is_delivered = self._is_late or not comes_back
            if comes_back:
                self._under_way[envelope.number] = (time.monotonic(), None if is_delivered else envelope)
                if self._cancel_sweep is None:
                    self._cancel_sweep = current_ticker().every(PATIENCE_SECONDS / 2, self._sweep)
        if is_delivered:
            self._deliver(envelope)
        message = ("PUBLISH", name, encode(envelope))
        if not waits:
            self._commands.post(*message)
            return
        try:
            self._commands.call(*message)
        except BrokerError:
            self._counts["failed"] += 1
            self._deliver_now([envelope.number])
            raise
        self._counts["published"] += 1

    def subscribe(self, channel: str) -> None:
        """Subscribe, and wait for the confirmation."""
        self._listener.subscribe(self._name(channel))

    def unsubscribe(self, channel: str) -> None:
        """Subscribe no more."""
        self._listener.unsubscribe(self._name(channel))

    def note_streams(self, scope: str, tab: str | None, streams: int) -> None:
        """Write it into the keys of this process."""
        self._presence.note(scope, tab, streams)

    def count_elsewhere(self, scope: str, tab: str | None) -> int:
        """Ask the keys of all processes."""
        return self._presence.count_elsewhere(scope, tab)

    def count_tabs_elsewhere(self) -> int:
        """Ask the keys of all processes."""
        return self._presence.count_tabs_elsewhere()

    def stats(self) -> dict[str, Any]:
        """Give whether Redis answers, and how many messages went which way."""
        is_connected = self._commands.down is None and not self._listener.is_down
        return {"connected": is_connected, **self._counts}

    def close(self) -> None:
        """Disconnect, and leave nothing in Redis."""
        if self._cancel_sweep is not None:
            self._cancel_sweep()
        self._presence.close()
        self._listener.close()
        self._commands.close()

    def _take(self, data: bytes) -> None:
        try:
            envelope = decode(data)
        except ValueError:
            _logger.warning("Datastar: a message from Redis cannot be read", exc_info=True)
            return
        if envelope.origin == self.process:
            with self._lock:
                sent_at, own = self._under_way.pop(envelope.number, (0.0, None))
                if sent_at:
                    self._is_late = time.monotonic() - sent_at > PATIENCE_SECONDS
            if own is None:
                return  # delivered already
            envelope = own
        self._counts["received"] += 1
        self._deliver(envelope)

    def _deliver(self, envelope: Envelope) -> None:
        try:
            self.receiver.receive(envelope.topic, envelope.kind, envelope.payload)
        except Exception:
            _logger.exception("Datastar: a message on %r could not be delivered", envelope.topic)

    def _sweep(self) -> None:
        """Look for messages that are late."""
        if not self._under_way:
            return
        now = time.monotonic()
        with self._lock:
            sent = list(self._under_way.items())
            for number, (sent_at, _) in sent:
                # It does not come back: the connection that it was to come on is another one now.
                if now - sent_at > FORGET_SECONDS:
                    del self._under_way[number]
            waiting = [number for number, (_, envelope) in sent if envelope is not None]
            is_late = any(now - sent_at > PATIENCE_SECONDS for _, (sent_at, envelope) in sent if envelope is not None)
            self._is_late = self._is_late or is_late
        if is_late:
            # Not here: thousands of deliveries would keep everything waiting that has its time.
            spawn(partial(self._deliver_now, waiting), "datastar-redis-late")

    def _deliver_now(self, numbers: list[int]) -> None:
        """Deliver own messages without Redis, if they have not come back meanwhile."""
        for number in numbers:
            with self._lock:
                sent_at, envelope = self._under_way.get(number, (0.0, None))
                if envelope is not None:
                    self._under_way[number] = (sent_at, None)
                    self._counts["late"] += 1
            if envelope is not None:
                self._deliver(envelope)
