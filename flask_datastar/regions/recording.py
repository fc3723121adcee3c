"""The record of what is read in the current context while a region is rendered for streams: SQL, and topics."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from .statements import Statement


@dataclass(frozen=True, slots=True)
class TopicRead:
    """A state that is read, and the topic that tells when it changes."""

    topic: str
    #: Returns whether the state is still the one that was read.
    is_current: Callable[[], bool] = field(compare=False)


@dataclass(slots=True)
class Record:
    """The statements and topics that one rendering has read."""

    #: The words of each statement.
    statements: set[frozenset[str]] = field(default_factory=set)
    topics: list[TopicRead] = field(default_factory=list)


#: The record of the rendering that runs in this context; None outside of a rendering.
_record: ContextVar[Record | None] = ContextVar("flask_datastar.region_reads", default=None)


@contextmanager
def recording() -> Iterator[Record]:
    """Record what is read in the ``with`` block."""
    found = Record()
    token = _record.set(found)
    try:
        yield found
    finally:
        _record.reset(token)


def record(statement: Statement) -> None:
    """Add a statement to the current record, if any."""
    found = _record.get()
    if found is not None:
        found.statements.add(statement.words)


def record_topic(topic: str, is_current: Callable[[], bool]) -> None:
    """Add a state to the current record, if any: the region is rendered again at each message of the topic.

    :param is_current: returns whether the state is still the one that was read.
    """
    found = _record.get()
    if found is not None:
        found.topics.append(TopicRead(topic, is_current))
