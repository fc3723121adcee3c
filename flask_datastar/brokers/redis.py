"""The broker on Redis: its channels carry the messages, its keys record which process has which tabs.

Every process delivers the messages of a channel in Redis' order, also the process that published them: if two processes
patch the same element at the same moment, all pages end up the same. So a process delivers its own message when it
comes back. If Redis is late, the process delivers it without waiting longer.
"""

from __future__ import annotations

import itertools
import logging
import os
import time
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar
from urllib.parse import quote

from ..errors import BrokerError
from ..transport.ticker import call_every
from ..transport.wakeups import make_lock, make_short_lock, spawn
from .base import Broker, BrokerOptions, Receiver
from .payload import Payload
from .redis_claims import Claims
from .redis_client import PubSubConnection, check_patched, make_client
from .redis_commands import Commands
from .redis_listener import Listener
from .redis_presence import Presence, keepalive_command
from .wire import Envelope, decode, encode

#: The longest time that a message of this process may take to come back; after that it is delivered directly.
PATIENCE_SECONDS = 0.05
FORGET_SECONDS = 60.0
_MOST_COMPLAINTS = 10
#: The number of a message that is delivered here only when it comes back.
_POSTED = 0

_logger = logging.getLogger(__name__)


class RedisBroker(Broker):
    """The broker on Redis: two connections in each process, however many streams it has."""

    is_shared: ClassVar[bool] = True
    has_claims: ClassVar[bool] = True

    def __init__(self, url: str, receiver: Receiver, options: BrokerOptions) -> None:
        super().__init__(url, receiver, options)
        check_patched()
        timeout = options.timeout_seconds
        #: The name of this process; a forked process creates a broker of its own.
        self.process = uuid.uuid4().hex[:16]
        self._process_id = os.getpid()
        # Quoted, so that no namespace with a part of a topic looks like another namespace.
        self._prefix = f"ds:{quote(options.namespace, safe='')}:".encode()
        self._commands = Commands(
            make_client(url, timeout), keepalive_command(self._prefix), timeout, self._lose, self._restore
        )
        own_channel = self._name(f"\0{self.process}")
        self._listener = Listener(
            PubSubConnection(make_client(url, timeout)), own_channel, timeout, self._take, self._lose, self._restore
        )
        self._claims = Claims(self._commands, self._prefix)
        self._presence = Presence(self._commands, self._prefix, self.process, timeout)
        self._numbers = itertools.count(_POSTED + 1)
        self._lock = make_short_lock()
        # Held while own messages are delivered, so that none overtakes another.
        self._order = make_lock()
        # Number of an own message that comes back → when it was sent, and the message; None if it is delivered already.
        self._under_way: dict[int, tuple[float, Envelope | None]] = {}
        self._is_late = False
        self._owes_catch_up = False
        self._complaints: set[str] = set()
        self._cancel_sweep: Callable[[], None] | None = None
        self._counts = {"published": 0, "received": 0, "late": 0, "failed": 0}

    def _name(self, channel: str) -> bytes:
        return self._prefix + b"channel:" + channel.encode("utf-8", "surrogatepass")

    def publish(self, channel: str, topic: str, kind: str, payload: Payload, *, waits: bool = True) -> None:
        """Publish through Redis; a message that does not come back soon is delivered here directly."""
        name = self._name(channel)
        if not waits:
            envelope = Envelope(self.process, _POSTED, topic, kind, payload)
            self._commands.post("PUBLISH", name, encode(envelope))
            return
        with self._lock:
            envelope = Envelope(self.process, next(self._numbers), topic, kind, payload)
            comes_back = self._listener.is_subscribed(name)
            if comes_back:
                self._under_way[envelope.number] = (time.monotonic(), envelope)
        if not comes_back:
            self._deliver_alone(envelope)
        elif self._is_late:
            self._deliver_waiting(envelope.number)
        elif self._cancel_sweep is None:
            self._start_sweep()
        try:
            self._commands.call("PUBLISH", name, encode(envelope))
        except BrokerError:
            self._counts["failed"] += 1
            self._deliver_waiting(envelope.number)
            raise
        self._counts["published"] += 1

    def subscribe(self, channel: str) -> None:
        """Subscribe, and wait for the confirmation."""
        is_subscribed = self._listener.subscribe(self._name(channel), waits=self._commands.down is None)
        if not is_subscribed and self._listener.is_mute:
            self._commands.suspect(BrokerError("Redis has not confirmed a subscription"))

    def unsubscribe(self, channel: str) -> None:
        """End the subscription."""
        self._listener.unsubscribe(self._name(channel))

    def note_streams(self, scope: str, tab: str | None, streams: int) -> None:
        """Write the number of streams into the keys of this process."""
        self._presence.note(scope, tab, streams)

    def count_elsewhere(self, scope: str, tab: str | None) -> int:
        """Read the count from the keys of all processes."""
        return self._presence.count_elsewhere(scope, tab)

    def count_tabs_elsewhere(self) -> int:
        """Read the count from the keys of all processes."""
        return self._presence.count_tabs_elsewhere()

    def scopes_elsewhere(self) -> set[str]:
        """Read the scopes from the keys of all processes."""
        return self._presence.scopes_elsewhere()

    def claim(self, key: str, value: bytes, seconds: float) -> bytes | None:
        """Write a key that Redis drops by itself."""
        return self._claims.claim(key, value, seconds)

    def keep(self, key: str, value: bytes, seconds: float) -> None:
        """Write the key, at some time soon."""
        self._claims.keep(key, value, seconds)

    def drop(self, key: str) -> None:
        """Delete the key, at some time soon."""
        self._claims.drop(key)

    def look_up(self, key: str) -> bytes | None:
        """Read the key."""
        return self._claims.look_up(key)

    def stats(self) -> dict[str, Any]:
        """Return whether Redis is connected, and the counts of messages."""
        is_connected = self._commands.down is None and not self._listener.is_down
        return {"connected": is_connected, **self._counts}

    def close(self) -> None:
        """Remove this process's keys from Redis, and disconnect."""
        if os.getpid() != self._process_id:
            return  # a forked child ends: everything belongs to its parent
        with self._lock:
            cancel = self._take_cancel()
        cancel()
        self._presence.close()
        self._commands.close()
        self._listener.close()

    def _take(self, data: bytes) -> None:
        try:
            envelope = decode(data)
        except ValueError as error:
            self._complain(str(error))
            return
        with self._order:
            if envelope.origin == self.process and envelope.number != _POSTED:
                with self._lock:
                    sent_at, own = self._under_way.pop(envelope.number, (0.0, None))
                    if sent_at:
                        self._is_late = time.monotonic() - sent_at > PATIENCE_SECONDS
                if own is None:
                    return  # delivered already
                envelope = own
            self._counts["received"] += 1
            self._deliver(envelope)

    def _complain(self, text: str) -> None:
        """Log a skipped message: each reason once, up to a limit, because strangers can send anything."""
        if text not in self._complaints and len(self._complaints) < _MOST_COMPLAINTS:
            self._complaints.add(text)
            _logger.warning("Datastar: a message from Redis cannot be read, and is skipped: %s", text)

    def _deliver(self, envelope: Envelope) -> None:
        try:
            self.receiver.receive(envelope.topic, envelope.kind, envelope.payload)
        except Exception:
            _logger.exception("Datastar: a message on %r could not be delivered", envelope.topic)

    def _deliver_alone(self, envelope: Envelope) -> None:
        """Deliver a message of this process that does not come back, after earlier ones that are still waiting."""
        if self._listener.is_down:
            self._deliver_waiting(envelope.number)
        with self._order:
            self._deliver(envelope)

    def _deliver_waiting(self, last: int) -> None:
        """Deliver this process's messages up to a number directly, if they have not come back yet."""
        with self._order:
            with self._lock:
                numbers = [number for number in self._under_way if number <= last]
            for number in numbers:
                with self._lock:
                    sent_at, envelope = self._under_way.get(number, (0.0, None))
                    if envelope is not None:
                        self._under_way[number] = (sent_at, None)
                        self._counts["late"] += 1
                if envelope is not None:
                    self._deliver(envelope)

    def _start_sweep(self) -> None:
        cancel = call_every(PATIENCE_SECONDS / 2, self._sweep)
        with self._lock:
            if self._cancel_sweep is None:
                self._cancel_sweep, cancel = cancel, _do_nothing
        cancel()

    def _sweep(self) -> None:
        """Look for messages that are late."""
        now = time.monotonic()
        with self._lock:
            for number, (sent_at, _) in list(self._under_way.items()):
                # It never comes back: the connection that it should have come on was replaced.
                if now - sent_at > FORGET_SECONDS:
                    del self._under_way[number]
            waiting = {number: sent_at for number, (sent_at, own) in self._under_way.items() if own is not None}
            is_late = any(now - sent_at > PATIENCE_SECONDS for sent_at in waiting.values())
            self._is_late = self._is_late or is_late
            cancel = None if self._under_way else self._take_cancel()
        if cancel is not None:
            cancel()
        if is_late:
            # Not on the ticker: thousands of deliveries would delay everything else that it runs.
            spawn(partial(self._deliver_waiting, max(waiting)), "datastar-redis-late")

    def _take_cancel(self) -> Callable[[], None]:
        """Return the function that ends the sweep, and forget it; the lock is held."""
        cancel, self._cancel_sweep = self._cancel_sweep or _do_nothing, None
        return cancel

    def _lose(self) -> None:
        """Record that messages, or commands that nobody waits for, may be lost."""
        with self._lock:
            self._owes_catch_up = True

    def _restore(self) -> None:
        """Catch up after an outage, once both connections work again."""
        if self._commands.has_moved and self._commands.down is None:
            self._commands.has_moved = False
            self._listener.reconnect()
        self._commands.retry()
        self._listener.retry()
        with self._lock:
            is_whole = self._commands.down is None and not self._listener.has_gap
            is_due, self._owes_catch_up = self._owes_catch_up and is_whole, self._owes_catch_up and not is_whole
        if is_due:
            self._presence.restore()
            try:
                self.receiver.catch_up()
            except Exception:
                _logger.exception("Datastar: what was missed could not be made good")


def _do_nothing() -> None:
    """Cancel nothing."""
