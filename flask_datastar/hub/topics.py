"""Who listens to which topic in this process. It knows neither streams nor tabs, and encodes nothing."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager
from os import getpid
from typing import Any, Protocol

from ..brokers.payload import MessageKind
from ..transport.wakeups import PerProcess, make_lock, pause

# Deliveries without a pause: a few milliseconds, in which no other greenlet runs.
_BATCH = 400

_logger = logging.getLogger(__name__)


class Subscriber(Protocol):
    """What gets the messages of a topic."""

    def deliver(self, topic: str, kind: MessageKind, payload: Any) -> None:
        """Take one message.

        Called by the publisher. It may yield to other greenlets, but must not wait for another publisher.

        :param kind: *message* or *events*.
        """

    def catch_up(self) -> None:
        """Take note that messages may have been missed."""


class Topics:
    """Topics in process memory. All methods may be called from any thread or greenlet."""

    def __init__(self) -> None:
        self._topics = PerProcess(_Topics)

    def subscribe(self, names: tuple[str, ...], subscriber: Subscriber) -> None:
        """Let a subscriber have every message of these topics from now on; a second time changes nothing."""
        topics = self._topics.by_process[getpid()]
        with topics.lock:
            for name in names:
                found = topics.by_name.get(name)
                if found is None:
                    found = topics.by_name[name] = _Topic()
                found.subscribers[id(subscriber)] = subscriber
                found.snapshot = None

    def hand_over(self, names: tuple[str, ...], subscriber: Subscriber, taker: Subscriber) -> None:
        """Let another one take the messages of a subscriber, in whose name it is still unsubscribed."""
        topics = self._topics.by_process[getpid()]
        with topics.lock:
            for name in names:
                found = topics.by_name.get(name)
                if found is not None and id(subscriber) in found.subscribers:
                    found.subscribers[id(subscriber)] = taker
                    found.snapshot = None

    def unsubscribe(self, names: tuple[str, ...], subscriber: Subscriber) -> None:
        """Let a subscriber have no more messages of these topics; one that is none already is no error.

        A message that is being delivered at this moment may still come.
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

        Messages reach every subscriber in the same order: of two publishers one waits until the other has delivered.

        :return: how many took it; one that raises is logged, the others go on.
        """
        topics = self._topics.by_process[getpid()]
        with topics.lock:
            found = topics.by_name.get(topic)
            if found is None:
                return 0
            if found.order is None:
                # Most topics are somebody's own and are published to rarely, so each gets its lock here.
                found.order = make_lock()
        # A lock of the topic, not the one above: while it is held, others subscribe, leave, and publish elsewhere.
        with found.order:
            with topics.lock:
                if found.snapshot is None:
                    found.snapshot = tuple(found.subscribers.values())
                subscribers = found.snapshot
            delivered = 0
            for number, subscriber in enumerate(subscribers, start=1):
                if number % _BATCH == 0:
                    pause()
                try:
                    subscriber.deliver(topic, kind, payload)
                    delivered += 1
                except Exception:
                    _logger.exception("A subscriber of topic %r failed to take a message: %r", topic, subscriber)
            return delivered

    def subscribers(self, topic: str | None = None) -> list[Subscriber]:
        """List all who listen to a topic, or to anything; one that listens to several topics comes once for each."""
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
        """List the topics that somebody is subscribed to, without those of one user's streams."""
        topics = self._topics.get()
        with topics.lock:
            return [name for name in topics.by_name if not name.startswith("\0")]

    @property
    def is_empty(self) -> bool:
        """Whether nobody is subscribed to anything."""
        return not self._topics.by_process[getpid()].by_name


class _Topic:
    __slots__ = ("order", "snapshot", "subscribers")

    def __init__(self) -> None:
        #: Held while one message is delivered; made for the first one.
        self.order: AbstractContextManager[object] | None = None
        #: By the identity of who subscribed, in the order in which they came: thousands come and go, so no list is
        #: searched.
        self.subscribers: dict[int, Subscriber] = {}
        #: What a publisher goes through without a lock; made anew by the first one after a change.
        self.snapshot: tuple[Subscriber, ...] | None = None


class _Topics:
    """What one process has."""

    __slots__ = ("by_name", "lock")

    def __init__(self) -> None:
        self.lock = make_lock()
        #: Topic → its subscribers; none without one stays.
        self.by_name: dict[str, _Topic] = {}
