"""The writes of a transaction, by table, and by the values of rows where these are known."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from .statements import ANY, DELETE, INSERT, UPDATE, table_word

#: The key of a connection's writes since its last commit, in the connection's own ``info``.
PENDING = "flask_datastar.writes"
#: The maximum number of values of one attribute; more count as any value.
_MOST_VALUES = 1000

#: Attribute → the values that its rows had before or after, as text; None for any value.
Values = dict[str, set[str] | None]


class Writes:
    """The writes of one or several transactions."""

    __slots__ = ("is_unknown", "left", "tables", "told")

    def __init__(self) -> None:
        #: Whether a statement was run whose tables cannot be told.
        self.is_unknown = False
        #: The word of a table → the values of its rows; None for all rows.
        self.tables: dict[str, Values | None] = {}
        #: Tables that the objects of a flush are to report, and those of them that the objects have reported.
        self.left: set[str] = set()
        self.told: set[str] = set()

    def __bool__(self) -> bool:
        return self.is_unknown or bool(self.tables)

    def settle_left(self) -> None:
        """Count the tables for all rows that the objects of a flush were to report, but did not."""
        if self.left:
            self.add_tables(self.left - self.told)
            self.left, self.told = set(), set()

    def add_tables(self, words: Iterable[str]) -> None:
        """Add tables of which any row may have changed."""
        for word in words:
            self.tables[word] = None

    def add_row(self, word: str, values: Mapping[str, Iterable[object] | None]) -> None:
        """Add a row of a table.

        :param values: attribute → the values that it had before and after; None if they are not known.
        """
        known = self.tables.setdefault(word, {attribute: set() for attribute in values})
        if known is None:
            return
        for attribute, texts in known.items():
            given = values.get(attribute)
            if texts is not None:
                known[attribute] = _joined(texts, None if given is None else [comparable(value) for value in given])

    def merge(self, other: Writes) -> None:
        """Add all writes of another object."""
        self.is_unknown |= other.is_unknown
        for word, values in other.tables.items():
            if word not in self.tables:
                self.tables[word] = None if values is None else dict(values)
                continue
            known = self.tables[word]
            if known is None or values is None:
                self.tables[word] = None
                continue
            # An attribute that only one of them has may have any value in the other.
            self.tables[word] = {
                attribute: _joined(known[attribute] or set(), values[attribute])
                if known[attribute] is not None
                else None
                for attribute in known.keys() & values.keys()
            }

    def to_json(self) -> str:
        """Return the writes as text for other processes."""
        tables = {
            word: None
            if values is None
            else {attribute: None if texts is None else sorted(texts) for attribute, texts in values.items()}
            for word, values in self.tables.items()
        }
        return json.dumps({"unknown": self.is_unknown, "tables": tables}, separators=(",", ":"))


def pending_of(connection: Any) -> Writes:
    """Return the writes of a SQLAlchemy connection since its last commit."""
    writes: Writes | None = connection.info.get(PENDING)
    if writes is None:
        writes = connection.info[PENDING] = Writes()
    return writes


def read_writes(text: str | bytes) -> Writes:
    """Read the writes of another process. Text of any other form counts as writes that cannot be told."""
    writes = Writes()
    try:
        data: Any = json.loads(text)
        writes.is_unknown = bool(data["unknown"])
        for word, values in data["tables"].items():
            writes.tables[word] = None if values is None else {name: _texts(texts) for name, texts in values.items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        writes.is_unknown = True
    return writes


def comparable(value: object) -> str | None:
    """Return a value as text, the same for all values that a database may take for equal; None if that is not known.

    Different values may have the same text as well, which costs a rendering.

    >>> comparable(" Straße-07"), comparable(7.0), comparable("007")
    ('strasse07', '7', '7')
    """
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float | Decimal):
        # Neither nan nor a fraction equals the value of an integer column.
        is_whole = abs(float(value)) < 1e15 and value == int(value)
        return comparable(int(value)) if is_whole else None
    if value is not None and type(value) not in (int, str, UUID, date, time):
        return None
    # Many databases ignore case, accents and trailing blanks in texts, and compare texts with numbers.
    text = unicodedata.normalize("NFKD", str(value).strip().casefold())
    return "".join(char for char in text if char != "-" and not unicodedata.combining(char)).lstrip("0") or "0"


def _texts(texts: Any) -> set[str] | None:
    return None if texts is None else {str(text) for text in texts}


def _joined(known: set[str], given: Iterable[str | None] | None) -> set[str] | None:
    if given is None:
        return None
    joined = set(known)
    for text in given:
        if text is None:
            return None
        joined.add(text)
    return joined if len(joined) <= _MOST_VALUES else None


class Cascades:
    """The tables that the database changes by itself, by foreign keys, when another table is written.

    :param on_delete: table → the tables that change when a row of this table is deleted.
    :param on_update: table → the tables that change when a key of this table changes.
    """

    def __init__(
        self, on_delete: Mapping[str, Iterable[str]] | None = None, on_update: Mapping[str, Iterable[str]] | None = None
    ) -> None:
        deleted, updated = on_delete or {}, on_update or {}
        self._first = {
            INSERT: {},
            DELETE: _by_word(deleted),
            UPDATE: _by_word(updated),
            ANY: _by_word(deleted, updated),
        }
        self._further = self._first[ANY]

    def written_by(self, targets: Iterable[tuple[str, str]]) -> set[str]:
        """Return the words of all tables that statements may change.

        :param targets: the word of each table that is written itself, with the verb.
        """
        found: set[str] = set()
        new: set[str] = set()
        for word, verb in targets:
            found.add(word)
            new |= self._first[verb].get(word, set())
        while new:
            found |= new
            new = {other for word in new for other in self._further.get(word, ())} - found
        return found


def _by_word(*graphs: Mapping[str, Iterable[str]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for graph in graphs:
        for table, others in graph.items():
            found.setdefault(table_word(table), set()).update(map(table_word, others))
    return found
