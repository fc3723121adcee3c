"""The record of the SQL that runs in the current context while a region is rendered for streams."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from .statements import Statement

#: The statements of the rendering that runs in this context; None outside of a rendering.
_record: ContextVar[set[frozenset[str]] | None] = ContextVar("flask_datastar.region_reads", default=None)


@contextmanager
def recording() -> Iterator[set[frozenset[str]]]:
    """Record the words of each statement that runs in the ``with`` block."""
    found: set[frozenset[str]] = set()
    token = _record.set(found)
    try:
        yield found
    finally:
        _record.reset(token)


def record(statement: Statement) -> None:
    """Add a statement to the current record, if any."""
    found = _record.get()
    if found is not None:
        found.add(statement.words)
