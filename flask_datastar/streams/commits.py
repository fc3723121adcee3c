"""Flask-SQLAlchemy: what is published inside of a transaction leaves after its commit, and never after a rollback.

A stream that reads the database anew when it hears of a change would otherwise read the old rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from flask import Flask, appcontext_pushed

from .._state import AppState

Publish = Callable[[], object]

# In the session's own dict: whether it has written, whether it was committed, and what waits for that.
_HAS_WRITTEN, _IS_COMMITTED, _WAITING = (f"flask_datastar.{name}" for name in ("written", "committed", "waiting"))
_WRITES = re.compile(r"\s*(insert|update|delete|merge|replace|truncate)\b", re.IGNORECASE)


def watch_transactions(app_state: AppState) -> None:
    """Watch the sessions of Flask-SQLAlchemy, whether it is initialised before or after this extension."""
    if not app_state.settings.publish_after_commit:
        return

    def look(sender: Flask, **_: Any) -> None:
        scoped = _scoped_session(sender)
        if scoped is not None:
            _listen(scoped)
        if scoped is not None or app_state.has_served:
            appcontext_pushed.disconnect(look, sender)

    # Not weakly: nothing else holds the function.
    appcontext_pushed.connect(look, app_state.app, weak=False)


def publish_at_commit(app_state: AppState, publish: Publish) -> bool:
    """Publish when the current transaction is committed, if it has changed anything.

    :return: False when there is nothing to wait for.
    """
    session = _current_session(app_state)
    if session is None or not (session.info.get(_HAS_WRITTEN) or session.new or session.dirty or session.deleted):
        return False
    session.info.setdefault(_WAITING, []).append((_savepoints(session.get_nested_transaction()), publish))
    return True


def _current_session(app_state: AppState) -> Any:
    """Give the session of this context, None when there is none: it is not to be made for this."""
    scoped = _scoped_session(app_state.app) if app_state.settings.publish_after_commit else None
    return scoped() if scoped is not None and scoped.registry.has() else None


def _scoped_session(app: Flask) -> Any:
    """Give Flask-SQLAlchemy's ``db.session``; None without, and for another extension of that name."""
    scoped = getattr(app.extensions.get("sqlalchemy"), "session", None)
    return scoped if hasattr(scoped, "session_factory") else None


def _listen(scoped_session: Any) -> None:
    from sqlalchemy import event

    for name, listener in _LISTENERS.items():
        # Two apps may have the same database object.
        if not event.contains(scoped_session.session_factory, name, listener):
            event.listen(scoped_session.session_factory, name, listener)


def _after_flush(session: Any, _: object) -> None:
    session.info[_HAS_WRITTEN] = True


def _do_orm_execute(state: Any) -> None:
    """Notice statements that write without a flush."""
    text = getattr(state.statement, "text", None)
    is_writing_text = isinstance(text, str) and _WRITES.match(text) is not None
    if state.is_insert or state.is_update or state.is_delete or is_writing_text:
        state.session.info[_HAS_WRITTEN] = True


def _after_commit(session: Any) -> None:
    # Also sent when a savepoint is released, which commits nothing.
    if not session.in_nested_transaction():
        session.info[_IS_COMMITTED] = True


def _after_soft_rollback(session: Any, transaction: Any) -> None:
    """Forget what was published since a savepoint that was rolled back."""
    if transaction.nested:
        waiting = session.info.get(_WAITING, [])
        session.info[_WAITING] = [item for item in waiting if transaction not in item[0]]


def _after_transaction_end(session: Any, transaction: Any) -> None:
    """Publish, after the connection was given back, so that an error leaves nothing half-done."""
    if transaction.parent is None:
        is_committed = session.info.pop(_IS_COMMITTED, False)
        session.info.pop(_HAS_WRITTEN, None)
        waiting = session.info.pop(_WAITING, [])
        if is_committed:
            for _, publish in waiting:
                publish()


def _savepoints(transaction: Any) -> list[Any]:
    """List the savepoints that a transaction is inside of, itself included."""
    found = []
    while transaction is not None and transaction.nested:
        found.append(transaction)
        transaction = transaction.parent
    return found


_LISTENERS: dict[str, Callable[..., None]] = {
    "after_flush": _after_flush,
    "do_orm_execute": _do_orm_execute,
    "after_commit": _after_commit,
    "after_soft_rollback": _after_soft_rollback,
    "after_transaction_end": _after_transaction_end,
}
