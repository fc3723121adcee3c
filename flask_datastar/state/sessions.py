"""Listeners on the database sessions of an application."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakSet


class SessionListeners:
    """Listeners that each session factory of SQLAlchemy gets once.

    :param listeners: SQLAlchemy's name of an event → its listener.
    """

    def __init__(self, listeners: Mapping[str, Callable[..., None]]) -> None:
        self._listeners = listeners
        self._watched: WeakSet[Any] = WeakSet()

    def watch(self, scoped: Any) -> None:
        """Listen to the sessions of a ``scoped_session``; a second time changes nothing."""
        from sqlalchemy import event

        # Two apps may have the same database object. SQLAlchemy's own look-up goes by the address of a factory: it
        # confuses a new factory with an old one that is gone.
        factory = scoped.session_factory
        if factory not in self._watched:
            # Two threads may add them at the same moment, which does no harm.
            for name, listener in self._listeners.items():
                event.listen(factory, name, listener)
            self._watched.add(factory)
