"""The index of what live views read, which finds the views that a write concerns without a look at the others."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from .writes import Writes

V = TypeVar("V", bound=Hashable)

#: The word of a table, an attribute of its rows, and the value that a view shows, as text.
Row = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Reads:
    """The tables that a view read while it was rendered, or that its region declares."""

    #: The words of each statement; most views of one region share them.
    statements: frozenset[frozenset[str]] = frozenset()
    #: The words of tables of which the view may show any row.
    tables: frozenset[str] = frozenset()
    #: The rows of other tables that the view shows: those that have, or had, a value.
    rows: frozenset[Row] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.statements or self.tables or self.rows)


class Index(Generic[V]):
    """An index of live views by what they read. It has no lock of its own."""

    def __init__(self) -> None:
        self._reads: dict[V, Reads] = {}
        #: The words of a statement → the views that ran it, and a word → the statements that have it.
        self._by_statement: _Sets[frozenset[str], V] = _Sets()
        self._by_word: _Sets[str, frozenset[str]] = _Sets()
        self._by_table: _Sets[str, V] = _Sets()
        #: Table → attribute → value → views.
        self._by_row: dict[str, dict[str, _Sets[str, V]]] = {}

    def put(self, view: V, reads: Reads) -> None:
        """Add a view, or replace what it reads."""
        if self._reads.get(view) == reads:
            return
        self.drop(view)
        self._reads[view] = reads
        for words in reads.statements:
            if words not in self._by_statement:
                for word in words:
                    self._by_word.add(word, words)
            self._by_statement.add(words, view)
        for table in reads.tables:
            self._by_table.add(table, view)
        for table, attribute, value in reads.rows:
            self._by_row.setdefault(table, {}).setdefault(attribute, _Sets()).add(value, view)

    def drop(self, view: V) -> None:
        """Remove a view, if it is in the index."""
        reads = self._reads.pop(view, None)
        if reads is None:
            return
        for words in reads.statements:
            self._by_statement.discard(words, view)
            if words not in self._by_statement:
                for word in words:
                    self._by_word.discard(word, words)
        for table in reads.tables:
            self._by_table.discard(table, view)
        for table, attribute, value in reads.rows:
            by_attribute = self._by_row[table]
            by_attribute[attribute].discard(value, view)
            if not by_attribute[attribute]:
                del by_attribute[attribute]
                if not by_attribute:
                    del self._by_row[table]

    def concerned(self, writes: Writes) -> set[V]:
        """Return the views that may show something else after these writes."""
        if writes.is_unknown:
            return {view for view, reads in self._reads.items() if reads}
        found: set[V] = set()
        for table, values in writes.tables.items():
            for words in self._by_word.get(table, ()):
                found |= self._by_statement[words]
            found |= self._by_table.get(table, set())
            for attribute, by_value in self._by_row.get(table, {}).items():
                found |= by_value.of(None if values is None else values.get(attribute))
        return found


K = TypeVar("K")
T = TypeVar("T", bound=Hashable)


class _Sets(dict[K, set[T]], Generic[K, T]):
    """A mapping to sets in which no set is empty."""

    def add(self, key: K, item: T) -> None:
        self.setdefault(key, set()).add(item)

    def discard(self, key: K, item: T) -> None:
        found = self.get(key)
        if found is not None:
            found.discard(item)
            if not found:
                del self[key]

    def of(self, keys: Iterable[K] | None) -> set[T]:
        """Return the items of some keys; of all keys for None."""
        chosen = self.values() if keys is None else (self[key] for key in keys if key in self)
        return {item for items in chosen for item in items}
