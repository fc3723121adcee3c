"""Seats: the places of streams that get the same events and are served together, as a group, by each publisher."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from ..brokers.payload import MessageKind, Payload
from .groups import Group

_EVENTS = MessageKind.EVENTS


class Member(Protocol):
    """A stream, as its group knows it."""

    def put(self, payload: Payload) -> None:
        """Take events that come to this stream alone."""

    def catch_up(self) -> None:
        """React to messages that may have been missed."""


class Seat:
    """The place of one stream among the subscribers of topics: it is a subscriber, but served with its whole group.

    Each topic has an entry for each stream, so that a stream comes and goes in each topic at one moment, and no event
    reaches it twice or never.
    """

    __slots__ = ("group", "stream")

    def __init__(self, group: Group, stream: Member) -> None:
        self.group = group
        self.stream = stream

    def deliver(self, topic: str, kind: MessageKind, payload: Payload) -> None:
        """Bring events to this stream alone."""
        if kind is _EVENTS:
            self.stream.put(payload)

    def catch_up(self) -> None:
        """Record that the stream may have missed messages."""
        self.stream.catch_up()


class Row:
    """The seats of one group in one topic, at the moment at which a publisher looks."""

    __slots__ = ("_group", "_streams")

    def __init__(self, group: Group, streams: tuple[Any, ...]) -> None:
        self._group = group
        self._streams = streams

    def deliver(self, topic: str, kind: MessageKind, payload: Payload) -> None:
        """Bring events to all streams of the row in one call."""
        if kind is _EVENTS:
            self._group.deliver(self._streams, payload)


def in_rows(subscribers: Iterable[Any]) -> tuple[Any, ...]:
    """Return subscribers, with a row in the place of each group's first seat."""
    found: list[Any] = []
    rows: dict[int, list[Any]] = {}
    for subscriber in subscribers:
        if type(subscriber) is not Seat:
            found.append(subscriber)
            continue
        group = subscriber.group
        row = rows.get(id(group))
        if row is None:
            # The group's place, until all of its streams are known.
            found.append(group)
            rows[id(group)] = [subscriber.stream]
        else:
            row.append(subscriber.stream)
    return tuple(Row(one, tuple(rows[id(one)])) if id(one) in rows else one for one in found)
