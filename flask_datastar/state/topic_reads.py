"""The record of the states that are read in the current context, each with the topic that tells when it changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TopicRead:
    """A state that is read, and the topic that tells when it changes."""

    topic: str
    #: Returns whether the state is still the one that was read.
    is_current: Callable[[], bool] = field(compare=False)
    #: For how long the read waited for other processes.
    waited_seconds: float = field(default=0.0, compare=False)


#: The record of this context; None where nothing records.
_record: ContextVar[list[TopicRead] | None] = ContextVar("flask_datastar.topic_reads", default=None)


@contextmanager
def recording_topics() -> Iterator[list[TopicRead]]:
    """Record the states that are read in the ``with`` block."""
    found: list[TopicRead] = []
    token = _record.set(found)
    try:
        yield found
    finally:
        _record.reset(token)


def record_topic(topic: str, is_current: Callable[[], bool], waited_seconds: float = 0.0) -> None:
    """Add a state to the current record, if any: a region that reads it is rendered again when it changes.

    :param is_current: returns whether the state is still the one that was read.
    :param waited_seconds: for how long the read waited for other processes.
    """
    found = _record.get()
    if found is not None:
        found.append(TopicRead(topic, is_current, waited_seconds))
