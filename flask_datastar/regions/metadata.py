"""The database of an app as Flask-SQLAlchemy configures it: its engines, foreign keys and shared connections."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Flask

from ..streams.commits import scoped_session
from .writes import Cascades


def find_database(app: Flask) -> Any:
    """Return the Flask-SQLAlchemy object of an app, None if the app does not use it."""
    return app.extensions["sqlalchemy"] if scoped_session(app) is not None else None


def engines_of(app: Flask) -> list[Any]:
    """Return the engines of all binds of an app, whose context must be active."""
    database = find_database(app)
    return list(database.engines.values()) if database is not None else []


def shares_one_connection(engine: Any) -> bool:
    """Return whether all sessions of an engine share one connection, as with SQLite in memory."""
    from sqlalchemy.pool import SingletonThreadPool, StaticPool

    return isinstance(engine.pool, StaticPool | SingletonThreadPool)


class CascadesOf:
    """The cascades of an app's foreign keys, which are read again when tables were added."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._tables = -1
        self._cascades = Cascades()

    def __call__(self) -> Cascades:
        database = find_database(self._app)
        metadatas = list(database.metadatas.values()) if database is not None else []
        count = sum(len(metadata.tables) for metadata in metadatas)
        if count != self._tables:
            self._cascades = read_cascades(table for metadata in metadatas for table in list(metadata.tables.values()))
            self._tables = count
        return self._cascades


def read_cascades(tables: Iterable[Any]) -> Cascades:
    """Return the cascades of the foreign keys of some tables."""
    on_delete: dict[str, set[str]] = {}
    on_update: dict[str, set[str]] = {}
    for table in tables:
        for key in table.foreign_key_constraints:
            for action, found in ((key.ondelete, on_delete), (key.onupdate, on_update)):
                if action is not None and action.upper() not in ("NO ACTION", "RESTRICT"):
                    found.setdefault(_parent(key), set()).add(table.name)
    return Cascades(on_delete, on_update)


def _parent(key: Any) -> str:
    """Return the name of the table that a foreign key refers to, which may not be defined yet."""
    name: str = key.elements[0].target_fullname
    return name.split(".")[-2]
