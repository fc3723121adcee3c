"""The values of the objects that a flush writes, for regions that show only some rows of a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from weakref import WeakKeyDictionary, ref

from .statements import table_word
from .writes import Writes, pending_of

#: The key, in a session's ``info``, of the writes of its connections that the objects of a flush may report.
_WRITES = "flask_datastar.flushes"


class Flushes:
    """The listener of one app's sessions.

    If a region shows only the rows of a table that have some value, a flush reports that table by its objects: the
    listener records the values before and after, and the flush's statements do not count for all rows.

    :param watched: returns, for each table, the attributes by which regions select rows.
    """

    def __init__(self, watched: Callable[[], Mapping[str, set[str]]]) -> None:
        self._watched = watched
        self._sessions: WeakKeyDictionary[Any, ref[Any]] = WeakKeyDictionary()
        self._factories: list[Any] = []

    def listen(self, factory: Any) -> None:
        """Listen to the sessions of a factory, once to each factory."""
        from sqlalchemy import event

        if not any(factory is known for known in self._factories):
            self._factories.append(factory)
            event.listen(factory, "after_begin", self._after_begin)
            event.listen(factory, "before_flush", _before_flush)
            event.listen(factory, "after_flush", self._after_flush)

    def takes(self, connection: Any, word: str) -> bool:
        """Return whether the objects of the flush that runs a statement report a table instead."""
        if word not in self._watched():
            return False
        found = self._sessions.get(connection)
        session = found() if found is not None else None
        # Without this attribute, which is not public, the statement counts for all rows.
        if not getattr(session, "_flushing", False):
            return False
        assert session is not None
        writes, known = pending_of(connection), session.info.setdefault(_WRITES, [])
        if not any(writes is one for one in known):
            known.append(writes)
        return True

    def _after_begin(self, session: Any, transaction: Any, connection: Any) -> None:
        # A statement of a session that is not known counts for all rows.
        if self._watched():
            self._sessions[connection] = ref(session)

    def _after_flush(self, session: Any, context: Any) -> None:
        written: list[Writes] = session.info.pop(_WRITES, [])
        if not written:
            return
        watched = self._watched()
        for item in _objects(context):
            for word in _words_of(item):
                for writes in written:
                    if word in writes.left:
                        writes.add_row(word, {name: _values(item, name) for name in watched.get(word, ())})
                        writes.told.add(word)
        for writes in written:
            # A table without objects, such as the one between two others, counts for all rows.
            writes.settle_left()


def _before_flush(session: Any, context: Any, instances: Any) -> None:
    """Count earlier writes that no object has reported for all rows: bulk methods flush without objects."""
    for writes in session.info.pop(_WRITES, ()):
        writes.settle_left()


def _objects(context: Any) -> Iterator[Any]:
    """Yield the objects of a flush, including those that it found itself: orphans, and rows that follow a parent."""
    for state in list(context.states):
        item = state.obj()
        if item is not None:
            yield item


def _words_of(item: Any) -> set[str]:
    from sqlalchemy import inspect

    return {table_word(table.name) for table in inspect(type(item)).tables}


def _values(item: Any, name: str) -> list[Any] | None:
    """Return the values of an attribute before and after a flush; None if they are not known."""
    from sqlalchemy import inspect
    from sqlalchemy.orm.attributes import get_history
    from sqlalchemy.orm.base import PassiveFlag

    state: Any = inspect(item)
    if name not in state.manager or name not in state.dict:
        return None
    history = get_history(item, name, PassiveFlag.PASSIVE_NO_INITIALIZE)
    if history.added and not history.deleted and state.key is not None:
        # The attribute was set before its old value was loaded.
        return None
    return [*history.added, *history.unchanged, *history.deleted]
