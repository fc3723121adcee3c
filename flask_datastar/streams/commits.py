"""Support for Flask-SQLAlchemy: publishing waits for the commit, and waiting streams hold no connection.

Messages that are published inside a transaction are sent after its commit, and never after a rollback: a stream that
reads the database on each message would otherwise read the old rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, appcontext_pushed

from ..errors import BrokerError
from ..state.app import AppState, app_state_of
from ..state.sessions import SessionListeners

Publish = Callable[[], object]

# Keys in the session's own dict: the savepoints inside which it has written, whether it was committed, and the messages
# that wait for the commit, with the savepoints inside which they were published.
_WRITTEN, _IS_COMMITTED, _WAITING = (f"flask_datastar.{name}" for name in ("written", "committed", "waiting"))
_WRITES = re.compile(r"\s*(insert|update|delete|merge|replace|truncate)\b", re.IGNORECASE)


def watch_transactions(app_state: AppState) -> None:
    """Watch the sessions of Flask-SQLAlchemy, whether it is initialised before or after this extension."""
    appcontext_pushed.connect(_look, app_state.app)


def _look(sender: Flask, **_: Any) -> None:
    """Listen to an app's sessions, as soon as it has any.

    It is one function for all apps, because a signal would keep the function of every app forever.
    """
    scoped = scoped_session(sender)
    if scoped is not None:
        _listeners.watch(scoped)
    if scoped is not None or app_state_of(sender).has_served:
        appcontext_pushed.disconnect(_look, sender)


def publish_at_commit(app_state: AppState, publish: Publish) -> bool:
    """Publish when the current transaction is committed, if it has changed anything.

    :return: whether it waits for a commit; if not, the caller has to publish.
    """
    session = _current_session(app_state) if app_state.settings.publish_after_commit else None
    if session is None or not _has_changes(session):
        return False
    session.info.setdefault(_WAITING, []).append((_savepoints(session.get_nested_transaction()), publish))
    return True


def release_session(app_state: AppState, *, is_waiting: bool) -> None:
    """Return the connection of this context's session to its pool: thousands of streams share a few connections.

    Objects that the stream still holds stay attached, and are loaded again when they are used. A session with
    uncommitted changes keeps its connection, because the changes would be lost.

    :param is_waiting: whether the stream is about to wait, perhaps for hours; False if it only sends.
    """
    session = _current_session(app_state)
    if session is None:
        return
    if _has_changes(session):
        if is_waiting:
            app_state.warn_once(
                "Datastar: a stream waits while its db.session has uncommitted changes, which keep a connection of "
                "the pool and their locks; commit them, or roll them back, before the wait"
            )
    elif len(session.identity_map):
        session.rollback()
    else:
        scoped_session(app_state.app).remove()


def _has_changes(session: Any) -> bool:
    return bool(session.info.get(_WRITTEN) or session.new or session.dirty or session.deleted)


def _current_session(app_state: AppState) -> Any:
    """Return the session of this context; None if the application has not created it yet."""
    scoped = scoped_session(app_state.app)
    if scoped is None or not scoped.registry.has():
        return None
    # In a context that is older than the extension, nothing listens to the session yet.
    _listeners.watch(scoped)
    return scoped()


def scoped_session(app: Flask) -> Any:
    """Return Flask-SQLAlchemy's ``db.session``; None without it, and for another extension of that name."""
    # Read from the instance: in Flask-SQLAlchemy-Lite it is a property that creates a session, or fails.
    scoped = getattr(app.extensions.get("sqlalchemy"), "__dict__", {}).get("session")
    return scoped if hasattr(scoped, "session_factory") else None


def _after_flush(session: Any, _: object) -> None:
    _note_write(session)


def _note_write(session: Any) -> None:
    written, savepoints = session.info.setdefault(_WRITTEN, []), _savepoints(session.get_nested_transaction())
    if savepoints not in written:
        written.append(savepoints)


def _do_orm_execute(state: Any) -> None:
    """Record a statement that writes without a flush."""
    text = getattr(state.statement, "text", None)
    is_writing_text = isinstance(text, str) and _WRITES.match(text) is not None
    if state.is_insert or state.is_update or state.is_delete or is_writing_text:
        _note_write(state.session)


def _after_commit(session: Any) -> None:
    # Also sent when a savepoint is released, which commits nothing.
    if not session.in_nested_transaction():
        session.info[_IS_COMMITTED] = True


def _after_soft_rollback(session: Any, transaction: Any) -> None:
    """Forget the writes and the messages since a savepoint that was rolled back."""
    if transaction.nested:
        info = session.info
        info[_WRITTEN] = [savepoints for savepoints in info.get(_WRITTEN, ()) if transaction not in savepoints]
        info[_WAITING] = [item for item in info.get(_WAITING, ()) if transaction not in item[0]]


def _after_transaction_end(session: Any, transaction: Any) -> None:
    """Publish the waiting messages; the connection is back in its pool, so an error leaves nothing half-done."""
    if transaction.parent is None:
        is_committed = session.info.pop(_IS_COMMITTED, False)
        session.info.pop(_WRITTEN, None)
        waiting = session.info.pop(_WAITING, [])
        if is_committed:
            _publish_all(publish for _, publish in waiting)
    elif not transaction.nested:
        # Not a savepoint: it surrounds a flush or a bulk method, and bulk methods cause no other event.
        _note_write(session)


def _publish_all(waiting: Iterable[Publish]) -> None:
    """Publish all messages, also after an error; the first error is raised at the end."""
    first: BrokerError | None = None
    for publish in waiting:
        try:
            publish()
        except BrokerError as error:
            first = first or error
    if first is not None:
        raise first


def _savepoints(transaction: Any) -> list[Any]:
    """Return the savepoints that a transaction is inside of, including itself."""
    found = []
    while transaction is not None and transaction.nested:
        found.append(transaction)
        transaction = transaction.parent
    return found


_listeners = SessionListeners(
    {
        "after_flush": _after_flush,
        "do_orm_execute": _do_orm_execute,
        "after_commit": _after_commit,
        "after_soft_rollback": _after_soft_rollback,
        "after_transaction_end": _after_transaction_end,
    }
)
