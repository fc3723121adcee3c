"""The broker on Redis: its channels carry the messages, its keys record which process has which tabs.

Every process delivers the messages of a channel in Redis' order, also the process that published them: if two processes
patch the same element at the same moment, all pages end up the same. So a process delivers its own message when it
comes back. If Redis is late, the process delivers it without waiting longer.
"""

from __future__ import annotations

import logging
import os
import uuid
from typing import Any, ClassVar
from urllib.parse import quote

from ..errors import BrokerError
from ..transport.wakeups import make_short_lock
from .base import Broker, BrokerOptions, Receiver
from .payload import Payload
from .redis_claims import Claims
from .redis_client import PubSubConnection, check_patched, make_client
from .redis_commands import Commands
from .redis_listener import Listener
from .redis_own import POSTED, OwnMessages
from .redis_presence import Presence, keepalive_command
from .wire import Envelope, decode, encode

_MOST_COMPLAINTS = 10

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
            PubSubConnection(make_client(url, timeout)),
            own_channel,
            timeout,
            on_message=self._take,
            on_lost=self._lose,
            on_cut=self._deliver_cut_off,
            on_restored=self._restore,
        )
        self._claims = Claims(self._commands, self._prefix)
        self._presence = Presence(self._commands, self._prefix, self.process, timeout, self._note_dead)
        self._own = OwnMessages(self._listener, self._deliver)
        self._lock = make_short_lock()
        self._owes_catch_up = False
        self._complaints: set[str] = set()
        self._counts = {"published": 0, "received": 0, "failed": 0}

    def _name(self, channel: str) -> bytes:
        return self._prefix + b"channel:" + channel.encode("utf-8", "surrogatepass")

    def publish(self, channel: str, topic: str, kind: str, payload: Payload, *, waits: bool = True) -> None:
        """Publish through Redis; a message that does not come back soon is delivered here directly."""
        name = self._name(channel)
        if not waits:
            envelope = Envelope(self.process, POSTED, topic, kind, payload)
            self._commands.post("PUBLISH", name, encode(envelope))
            return
        envelope = self._own.add(name, lambda number: Envelope(self.process, number, topic, kind, payload))
        try:
            self._commands.call("PUBLISH", name, encode(envelope))
        except BrokerError:
            self._counts["failed"] += 1
            self._own.deliver_waiting(envelope.number)
            raise
        self._counts["published"] += 1

    def subscribe(self, channel: str) -> None:
        """Subscribe, and wait for the confirmation."""
        is_subscribed = self._listener.subscribe(self._name(channel), waits=self._commands.down is None)
        if not is_subscribed and self._listener.is_mute:
            self._commands.suspect(BrokerError("Redis has not confirmed a subscription"))

    def unsubscribe(self, channel: str) -> None:
        """End the subscription."""
        name = self._name(channel)
        self._listener.unsubscribe(name)
        self._own.cut_off(name)

    def note_streams(self, scope: str, tab: str | None, streams: int) -> None:
        """Write the number of streams into the keys of this process."""
        self._presence.note(scope, tab, streams)

    def enlist(self) -> None:
        """List this process among those that are alive."""
        self._presence.enlist()

    def count_elsewhere(self, scope: str, tab: str | None) -> int:
        """Read the count from the keys of all processes."""
        return self._presence.count_elsewhere(scope, tab)

    def count_and_number(self, scope: str, tab: str | None) -> tuple[int, int | None]:
        """Read the count, and the time of Redis, in one round trip."""
        return self._presence.count_and_number(scope, tab)

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
        return {"connected": is_connected, **self._counts, "late": self._own.late_count}

    def close(self) -> None:
        """Remove this process's keys from Redis, and disconnect."""
        if os.getpid() != self._process_id:
            return  # a forked child ends: everything belongs to its parent
        self._own.close()
        self._presence.close()
        self._commands.close()
        self._listener.close()

    def _take(self, data: bytes) -> None:
        try:
            envelope = decode(data)
        except ValueError as error:
            self._complain(str(error))
            return
        with self._own.order:
            if envelope.origin == self.process and envelope.number != POSTED:
                own = self._own.take(envelope.number)
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

    def _note_dead(self) -> None:
        self.receiver.lose_process()

    def _deliver_cut_off(self) -> None:
        """Deliver this process's messages that should have come on a connection that has failed.

        Otherwise they would wait until they count as late, and what comes on the next connection would overtake them.
        """
        self._own.deliver_waiting()

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
                _logger.exception("Datastar: catching up after the outage failed")
