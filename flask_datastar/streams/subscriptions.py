"""Subscriptions: what all ways to listen to topics have in common, and what a topic may be called.

They begin when they are made, so that nothing published between that and the first wait is lost.
"""

from __future__ import annotations

from abc import abstractmethod

from ..brokers.payload import MessageKind, Payload
from ..hub.hub import StreamHub
from ..hub.stream import Stream


class Subscription:
    """Topics that one stream listens to, from the call on, also before the stream is open."""

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
        """Belong to a stream, which is woken by what comes."""
        self._stream = stream

    def close(self) -> None:
        """Listen no more; safe to call twice."""
        if not self._is_closed:
            self._is_closed = True
            self._hub.bus.unsubscribe(self.topics, self)

    @abstractmethod
    def deliver(self, topic: str, kind: MessageKind, payload: Payload) -> None:
        """Take what was published."""

    def catch_up(self) -> None:
        """Take note that messages may have been missed."""

    def _wake(self) -> None:
        if self._stream is not None:
            self._stream.wakeup.set()


def check_topics(topics: tuple[str, ...]) -> tuple[str, ...]:
    """Check the names of topics.

    :raises ValueError: if there is no name, or one is empty or starts with NUL (the extension's own).
    :raises TypeError: if one is no string.
    """
    if not topics:
        raise ValueError("no topic is given; give one or more names")
    for topic in topics:
        if not isinstance(topic, str):
            raise TypeError(f"topic is {type(topic).__name__}; accepted: str")
        if not topic:
            raise ValueError("topic is '': an empty text names nothing; give a name")
        if topic.startswith("\0"):
            raise ValueError(f"topic is {topic!r}: NUL at the start is the extension's own; give any other text")
    return tuple(dict.fromkeys(topics))
