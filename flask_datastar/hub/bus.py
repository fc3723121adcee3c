"""The bus between the topics of one process and the broker: subscriptions, and messages in both directions."""

from __future__ import annotations

import logging
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Protocol
from weakref import WeakMethod

from ..brokers import BrokerOptions
from ..brokers.payload import MessageKind, Payload
from ..brokers.schemes import make_broker
from ..config.settings import Settings
from ..errors import BrokerError
from ..transport import worker
from ..transport.ticker import call_every
from ..transport.wakeups import make_lock, spawn
from .incoming import read_message, topic_without
from .notices import Notices
from .scopes import INTERNAL_TOPICS, PRESENCE_CHANNEL, channel_of
from .topics import Subscriber, Topics
from .turns import Turns

#: How long a channel without subscribers stays subscribed: most pages that are left are followed by another one.
_IDLE_SECONDS = 1.0
#: The most topics that are announced after an outage. Other processes notice a longer outage themselves.
_MOST_MISSED = 10_000

_logger = logging.getLogger(__name__)


class PresencePort(Protocol):
    """The presence of this process, as the bus knows it."""

    def take(self, payload: Payload) -> None:
        """Take a message about presence; those of this process come back, too."""

    def catch_up(self) -> None:
        """React to an outage, in which messages may have been missed."""

    def close(self) -> None:
        """Stop all timers."""


class Bus:
    """Publishes, subscribes, and passes the broker's messages on to the topics of this process."""

    def __init__(self, settings: Settings, name: str, turns: Turns) -> None:
        self.topics = Topics()
        self._notices = Notices(_logger)
        self._turns = turns
        self._drops_failures = settings.broker_on_failure == "drop"
        options = BrokerOptions(settings.broker_namespace or name, settings.broker_timeout_seconds)
        self.broker = make_broker(settings.broker_url or "memory://", self, options, settings.brokers)
        #: Whether there may be other processes.
        self.is_shared = self.broker.is_shared
        #: Called with each message about tabs, in the order in which all processes receive them.
        self.on_tabs: Callable[[Payload], object] | None = None
        #: Takes the messages about presence.
        self.presence: PresencePort | None = None
        #: Called after an outage, when this process has to announce its streams again.
        self.on_restored: Callable[[], object] | None = None
        self._lock = make_lock()
        # Channel → number of subscriptions. Channels without subscriptions are unsubscribed a little later.
        self._uses: Counter[str] = Counter()
        self._idle: set[str] = set()
        self._cancel_idle: Callable[[], None] | None = None
        # Topics of which other processes missed messages, whether that was logged, and how many outages have ended.
        self._missed: set[str] = set()
        self._has_dropped = False
        self._restored = 0
        self._is_enlisted = False
        # Marks this process's announcements of missed messages; it ignores its own, because its streams missed nothing.
        self._process = uuid.uuid4().hex.encode()

    def subscribe(self, topics: tuple[str, ...], subscriber: Subscriber) -> None:
        """Subscribe to all messages of these topics from now on, whichever process publishes them."""
        self.topics.subscribe(topics, subscriber)
        if self.is_shared:
            for topic in topics:
                self._use(channel_of(topic))

    def unsubscribe(self, topics: tuple[str, ...], subscriber: Subscriber) -> None:
        """Unsubscribe from these topics."""
        self.topics.unsubscribe(topics, subscriber)
        if self.is_shared:
            for topic in topics:
                self._leave(channel_of(topic))

    def _use(self, channel: str) -> None:
        with self._lock:
            self._uses[channel] += 1
            self._idle.discard(channel)
        self.broker.subscribe(channel)

    def _leave(self, channel: str) -> None:
        """Count one subscription less; after the last one, the channel is unsubscribed a little later."""
        with self._lock:
            self._uses[channel] -= 1
            if self._uses[channel] <= 0:
                del self._uses[channel]
                self._idle.add(channel)
                if self._cancel_idle is None:
                    self._cancel_idle = call_every(_IDLE_SECONDS, self._give_up_idle)

    def publish(self, topic: str, kind: MessageKind, payload: Payload) -> bool:
        """Publish a payload to all streams of a topic, in all processes.

        :return: False if other processes may not have received it.
        :raises BrokerError: if False would be returned, and ``DATASTAR_BROKER_ON_FAILURE`` is ``"raise"``.
        """
        restored, but = self._restored, payload.but
        try:
            named = topic if but is None else topic_without(topic, but)
            self.broker.publish(channel_of(topic), named, kind, payload)
        except BrokerError as error:
            if kind is not MessageKind.TABS:
                self._note_missed(topic, restored)
            if not self._drops_failures:
                raise
            # Warn once an outage, because everything that is published meanwhile fails.
            log = _logger.debug if self._has_dropped else _logger.warning
            self._has_dropped = True
            log(
                "Datastar: other processes do not get what was published to %r: %s; their streams read their state "
                "again when the broker is back",
                topic,
                error,
            )
            return False
        return True

    def post(self, topic: str, kind: MessageKind, payload: Payload) -> None:
        """Publish without waiting, and ignore failures."""
        self.broker.publish(channel_of(topic), topic, kind, payload, waits=False)

    def hear_presence(self) -> None:
        """Receive the messages about presence from now on."""
        if self.is_shared:
            self._use(PRESENCE_CHANNEL)

    def post_presence(self, data: bytes, *, waits: bool = False) -> None:
        """Send a message about presence to all processes.

        :param waits: whether it has been sent when this returns.
        :raises BrokerError: if it has not.
        """
        self.broker.publish(PRESENCE_CHANNEL, PRESENCE_CHANNEL, MessageKind.PRESENCE, Payload(data), waits=waits)

    def receive(self, topic: str, kind: str, payload: Payload) -> None:
        """Deliver a message, then give a turn to the streams whose queues fill up."""
        try:
            # The broker delivers the kind as text.
            known, topic, payload.but = read_message(topic, kind, payload)
        except ValueError as error:
            self.skip(str(error))
            return
        if known is MessageKind.TABS:
            if self.on_tabs is not None:
                self.on_tabs(payload)
            return
        if known is MessageKind.PRESENCE:
            if self.presence is not None:
                self.presence.take(payload)
            return
        if known is MessageKind.MISSED:
            if payload.data != self._process:
                for subscriber in self.topics.subscribers(topic):
                    subscriber.catch_up()
            return
        if known is MessageKind.STORED:
            known, payload.is_stored = MessageKind.EVENTS, True
        self.topics.publish(topic, known, payload)
        if self._turns.pressed:
            self._turns.relieve()

    def skip(self, reason: str) -> None:
        """Log that a message was skipped, because no process of this app sends such messages."""
        self._notices.warn("Datastar: a message from the broker was skipped: %s", reason)

    def enlist(self) -> None:
        """Make other processes notice if this one dies before it has published what it wanted to."""
        if self.is_shared and not self._is_enlisted:
            self._is_enlisted = True
            # Otherwise the end of a command would look like a death.
            worker.before_exit(WeakMethod(self.close))
            self.broker.enlist()

    def lose_process(self) -> None:
        """Make all processes read again what is not published by the app's own code, after one of them has died."""
        # Without an own mark, because this process missed the messages, too.
        for topic in INTERNAL_TOPICS:
            try:
                self.broker.publish(channel_of(topic), topic, MessageKind.MISSED, Payload(b""))
            except BrokerError:
                self._note_missed(topic, self._restored)

    def catch_up(self) -> None:
        """Make every stream read its state again, because messages may have been missed."""
        for subscriber in self.topics.subscribers():
            subscriber.catch_up()
        if self.on_restored is not None:
            self.on_restored()
        if self.presence is not None:
            self.presence.catch_up()
        with self._lock:
            self._restored += 1
            self._has_dropped = False
            has_missed = bool(self._missed)
        if has_missed:
            # In the background, because the caller must not wait for the broker.
            spawn(self._tell_missed, "datastar-missed")

    def close(self) -> None:
        """Close the broker at the end of the process."""
        if self._cancel_idle is not None:
            self._cancel_idle()
        if self.presence is not None:
            self.presence.close()
        self.broker.close()

    def _note_missed(self, topic: str, restored: int) -> None:
        """Record a topic of which other processes missed messages: they may not have noticed the outage.

        :param restored: the number of outages that had ended before the attempt to publish.
        """
        with self._lock:
            if len(self._missed) < _MOST_MISSED:
                self._missed.add(topic)
            is_over = self._restored != restored
        if is_over:
            spawn(self._tell_missed, "datastar-missed")

    def _tell_missed(self) -> None:
        """Make the streams of other processes read their state again."""
        restored = self._restored
        with self._lock:
            topics, self._missed = self._missed, set()
        for topic in topics:
            try:
                self.broker.publish(channel_of(topic), topic, MessageKind.MISSED, Payload(self._process))
            except BrokerError:
                self._note_missed(topic, restored)

    def _give_up_idle(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, set()
            for channel in idle:
                # Under the lock, so that a subscription made at this moment reaches the broker afterwards.
                self.broker.unsubscribe(channel)
            if not idle and self._cancel_idle is not None:
                self._cancel_idle()
                self._cancel_idle = None
