"""The topics of one process and their subscribers, without streams, tabs or encoding."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager
from os import getpid
from typing import Any, Protocol

from ..brokers.payload import MessageKind
from ..transport.wakeups import PerProcess, make_lock, pause
from .seats import Seat, in_rows

# The number of deliveries without a pause: a few milliseconds, in which no other greenlet runs.
_BATCH = 400

_logger = logging.getLogger(__name__)


class Subscriber(Protocol):
    """An object that gets the messages of topics."""

    def deliver(self, topic: str, kind: MessageKind, payload: Any) -> None:
        """Take one message.

        The publisher calls this. It may yield to other greenlets, but must not wait for another publisher.

        :param kind: *message* or *events*.
        """

    def catch_up(self) -> None:
        """React to messages that may have been missed."""


class Topics:
    """Topics in the memory of one process. All methods may be called from any thread or greenlet."""

    def __init__(self) -> None:
        self._topics = PerProcess(_Topics)

    def subscribe(self, names: tuple[str, ...], subscriber: Subscriber) -> None:
        """Subscribe to all messages of these topics from now on; a second call changes nothing."""
        topics = self._topics.by_process[getpid()]
        with topics.lock:
            for name in names:
                found = topics.by_name.get(name)
                if found is None:
                    found = topics.by_name[name] = _Topic()
                found.subscribers[id(subscriber)] = subscriber
                found.snapshot = None

    def hand_over(self, names: tuple[str, ...], subscriber: Subscriber, taker: Subscriber) -> None:
        """Redirect a subscriber's messages to another object, without waiting. Unsubscribing still uses the original.

        A message that is being delivered at this moment reaches the subscriber; every later one reaches the taker.

        :param taker: with a :class:`.seats.Seat`, messages come by its group.
        """
        topics = self._topics.by_process[getpid()]
        with topics.lock:
            for name in names:
                found = topics.by_name.get(name)
                if found is not None and id(subscriber) in found.subscribers:
                    found.subscribers[id(subscriber)] = taker
                    found.snapshot = None
                    if type(taker) is Seat:
                        found.has_seats = True

    def unsubscribe(self, names: tuple[str, ...], subscriber: Subscriber) -> None:
        """Unsubscribe from these topics; safe to call without a subscription.

        A message that is being delivered at this moment may still arrive.
        """
        topics = self._topics.by_process[getpid()]
        with topics.lock:
            for name in names:
                found = topics.by_name.get(name)
                if found is not None and found.subscribers.pop(id(subscriber), None) is not None:
                    found.snapshot = None
                    if not found.subscribers:
                        del topics.by_name[name]

    def publish(self, topic: str, kind: MessageKind, payload: object) -> int:
        """Deliver a message to all subscribers of a topic.

        Messages reach every subscriber in the same order: of two publishers, one waits until the other has delivered.

        :return: the number of subscribers that took it; a group counts as one. An exception of a subscriber is logged;
            the others still get the message.
        """
        topics = self._topics.by_process[getpid()]
        with topics.lock:
            found = topics.by_name.get(topic)
            if found is None:
                return 0
            if found.order is None:
                # Created here, because most topics belong to one person, and few of those ever get a message.
                found.order = make_lock()
        # The topic's own lock: while it is held, others can subscribe, unsubscribe, and publish to other topics.
        with found.order:
            with topics.lock:
                subscribers = found.snapshot
                if subscribers is None:
                    present = found.subscribers.values()
                    subscribers = found.snapshot = in_rows(present) if found.has_seats else tuple(present)
            delivered = 0
            for number, subscriber in enumerate(subscribers, start=1):
                if number % _BATCH == 0:
                    pause()
                try:
                    subscriber.deliver(topic, kind, payload)
                    delivered += 1
                except Exception:
                    _logger.exception("Datastar: a subscriber of topic %r failed on a message: %r", topic, subscriber)
            return delivered

    def subscribers(self, topic: str | None = None) -> list[Subscriber]:
        """Return the subscribers of a topic, or of all topics; a subscriber of several topics comes once for each."""
        topics = self._topics.by_process[getpid()]
        with topics.lock:
            chosen = topics.by_name.values() if topic is None else filter(None, [topics.by_name.get(topic)])
            return [one for found in chosen for one in found.subscribers.values()]

    def count(self, topic: str) -> int:
        """Count the subscribers of a topic."""
        topics = self._topics.by_process[getpid()]
        with topics.lock:
            found = topics.by_name.get(topic)
            return 0 if found is None else len(found.subscribers)

    def names(self) -> list[str]:
        """Return the topics that have subscribers, except the topics of one person's streams."""
        topics = self._topics.get()
        with topics.lock:
            return [name for name in topics.by_name if not name.startswith("\0")]

    @property
    def is_empty(self) -> bool:
        """Whether no topic has a subscriber."""
        return not self._topics.by_process[getpid()].by_name


class _Topic:
    __slots__ = ("has_seats", "order", "snapshot", "subscribers")

    def __init__(self) -> None:
        #: Held while one message is delivered; created for the first message.
        self.order: AbstractContextManager[object] | None = None
        #: The identity of the object that subscribed → the subscriber, in the order of subscription. Thousands come and
        #: go, so no list is searched.
        self.subscribers: dict[int, Subscriber] = {}
        #: The subscribers that a publisher calls without a lock; created by the first publisher after a change.
        self.snapshot: tuple[Subscriber, ...] | None = None
        #: Whether there has been a seat among the subscribers.
        self.has_seats = False


class _Topics:
    """The topics of one process."""

    __slots__ = ("by_name", "lock")

    def __init__(self) -> None:
        self.lock = make_lock()
        #: Topic → its subscribers. Topics without subscribers are removed.
        self.by_name: dict[str, _Topic] = {}
