"""Subscriptions of streams to topics, and the check of the topics' names.

A subscription starts when it is created, so that no message before the first wait is lost.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable

from ..brokers.payload import MessageKind, Payload
from ..hub.hub import StreamHub
from ..hub.stream import Stream


class Subscription:
    """The topics that one stream listens to, from its creation on, also before the stream is open."""

    __slots__ = ("_hub", "_is_closed", "_stream", "topics")

    def __init__(self, hub: StreamHub, topics: tuple[str, ...], *, is_own: bool = False) -> None:
        self._hub = hub
        self._stream: Stream | None = None
        self._is_closed = False
        self.topics = topics if is_own else self._check(topics)
        hub.bus.subscribe(self.topics, self)

    @classmethod
    def _check(cls, topics: tuple[str, ...]) -> tuple[str, ...]:
        return check_topics(topics)

    def bind(self, stream: Stream) -> None:
        """Bind the subscription to a stream, which messages wake."""
        self._stream = stream

    def close(self) -> None:
        """End the subscription; safe to call twice."""
        if not self._is_closed:
            self._is_closed = True
            self._hub.bus.unsubscribe(self.topics, self)

    @abstractmethod
    def deliver(self, topic: str, kind: MessageKind, payload: Payload) -> None:
        """Receive a message."""

    def catch_up(self) -> None:
        """React to a gap, in which messages may have been missed."""

    @property
    def follows(self) -> list[Hashable]:
        """The names of its topics and the keys of its sources, without the extension's own topics."""
        return [topic for topic in self.topics if not topic.startswith("\0")]

    @property
    def is_pending(self) -> bool:
        """Whether something has come that the stream has not taken yet."""
        return False

    def _wake(self) -> None:
        if self._stream is not None:
            self._stream.wakeup.set()


def check_topics(topics: tuple[str, ...]) -> tuple[str, ...]:
    """Check the names of topics, and return each name once.

    :raises ValueError: if there is no name, or a name is empty or starts with NUL, which is reserved.
    :raises TypeError: if a name is not a string.
    """
    if not topics:
        raise ValueError("no topic is given; give one or more names")
    for topic in topics:
        if not isinstance(topic, str):
            raise TypeError(f"topic is {type(topic).__name__}; accepted: str")
        if not topic:
            raise ValueError("topic is '': an empty text names nothing; give a name")
        if topic.startswith("\0"):
            raise ValueError(f"topic is {topic!r}: NUL at the start is reserved; give any other text")
    return tuple(dict.fromkeys(topics))
