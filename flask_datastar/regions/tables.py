"""The argument ``tables=`` of a region, which declares the tables that the region reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import SetupError
from .index import Reads, Row
from .region import Region, RegionView
from .statements import table_word
from .writes import comparable


def declared_reads(view: RegionView) -> Reads | None:
    """Return the tables that a view's region declares; None if the region has no ``tables=``.

    :raises SetupError: if ``tables=`` has anything but models and tables, or if a parameter does not exist.
    """
    tables = view.region.tables
    if tables is None:
        return None
    whole: set[str] = set()
    rows: set[Row] = set()
    for given, narrowing in _entries(view.region, tables):
        words = _words(view.region, given)
        if narrowing is None:
            whole |= words
            continue
        for attribute, parameter in narrowing.items():
            text = comparable(_argument(view, parameter))
            if text is None:
                # Rows cannot be selected by a value that cannot be compared with a column's.
                whole |= words
            else:
                rows |= {(word, attribute, text) for word in words}
    return Reads(frozenset(), frozenset(whole), frozenset(rows))


def watched_attributes(region: Region) -> dict[str, set[str]]:
    """Return the attributes by which a region selects rows, by the word of each table."""
    found: dict[str, set[str]] = {}
    for given, narrowing in _entries(region, region.tables or ()):
        for word in _words(region, given) if narrowing else ():
            found.setdefault(word, set()).update(narrowing or ())
    return found


def _entries(region: Region, tables: Any) -> Iterable[tuple[Any, Mapping[str, str] | None]]:
    """Yield each table with its attributes and the parameters that they are compared with; None for all rows."""
    if not isinstance(tables, Mapping):
        for given in tables if isinstance(tables, list | tuple | set | frozenset) else (tables,):
            yield given, None
        return
    for given, narrowing in tables.items():
        if isinstance(narrowing, str):
            yield given, {narrowing: narrowing}
        elif isinstance(narrowing, Mapping) and narrowing and all(isinstance(name, str) for name in narrowing.values()):
            yield given, narrowing
        else:
            raise SetupError(
                f"region {region.key}: tables= has {narrowing!r} for {given!r}; accepted: the name of an attribute "
                "that is also a parameter, or {attribute: parameter}"
            )


def _words(region: Region, given: Any) -> set[str]:
    """Return the words of the tables of a model, of a table, or of a table's name."""
    if isinstance(given, str):
        return {table_word(given)}
    name = getattr(given, "name", None)
    if isinstance(name, str) and hasattr(given, "columns"):
        return {table_word(name)}
    mapper = getattr(given, "__mapper__", None)
    if mapper is None:
        raise SetupError(
            f"region {region.key}: tables= has {given!r}; accepted: a model, a Table, a table's name, a list of these, "
            "or a dict of one of these → attribute"
        )
    return {table_word(table.name) for table in mapper.tables}


def _argument(view: RegionView, parameter: str) -> Any:
    if parameter not in view.arguments:
        known = ", ".join(view.arguments) or "none"
        raise SetupError(
            f"region {view.region.key}: tables= has {parameter!r}: the region has no parameter of this name; its "
            f"parameters: {known}"
        )
    return view.arguments[parameter]
