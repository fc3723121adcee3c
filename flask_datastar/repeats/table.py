"""Clicks in the database: the row of a click is written in the transaction of what it did, so that both are, or none.

For Flask-SQLAlchemy. A click that runs a second time, because the process that ran it was killed before it could
answer, meets its row as it writes, and is rolled back.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from flask import Flask

from ..errors import SetupError
from ..state.request import find_request_state
from ..state.sessions import SessionListeners
from ..transport.wakeups import spawn

TABLE = "datastar_repeat"
#: In the session's own dict: whose row was written in the transaction that is open.
WRITTEN = "flask_datastar.written_row"
_CLEAN_EVERY_SECONDS = 60.0

_logger = logging.getLogger(__name__)


class HasRun(BaseException):
    """The click ran earlier, in a transaction that was committed.

    No ``Exception``, because a handler that catches those around its commit must not take it for an error of its own.
    """


class RepeatTable:
    """The table of the clicks that ran, in the database of the app.

    :param db: Flask-SQLAlchemy's object.
    :param seconds: how long a row is kept.
    """

    def __init__(self, db: Any, seconds: float) -> None:
        from sqlalchemy import BigInteger, Column, String

        self._db = db
        self._seconds = seconds
        self._cleaned_at = time.monotonic()
        known = db.metadata.tables.get(TABLE)
        #: On the app's metadata, so that ``db.create_all()`` and migrations make it. Two apps may share the database.
        self.table = (
            known
            if known is not None
            else db.Table(
                TABLE,
                Column("id", String(32), primary_key=True),
                Column("ran_at", BigInteger, nullable=False, index=True),
            )
        )
        _listeners.watch(db.session)

    def insert(self, session: Any, row: str) -> None:
        """Write the row of a click into the transaction that is open.

        :raises HasRun: if it is there already.
        :raises SetupError: if there is no such table.
        """
        from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, ProgrammingError

        try:
            session.connection(bind_arguments={"clause": self.table}).execute(
                self.table.insert().values(id=row, ran_at=int(time.time()))
            )
        except IntegrityError:
            raise HasRun from None
        except DBAPIError as error:
            if isinstance(error, OperationalError | ProgrammingError) and self._is_missing(session):
                raise SetupError(
                    f"the database has no table {TABLE!r}, which Datastar(app, repeats=db) needs; create it by a "
                    "migration, or by db.create_all()"
                ) from error
            raise

    def is_of(self, session: Any) -> bool:
        """Return whether a session is one of the database that has the table."""
        return getattr(session, "_db", self._db) is self._db

    def has_row(self, row: str) -> bool:
        """Return whether a click ran, asked outside of the app's own transaction; False where that cannot be asked."""
        from sqlalchemy import select
        from sqlalchemy.exc import SQLAlchemyError

        try:
            with self._db.engine.connect() as connection:
                return connection.execute(select(self.table.c.id).where(self.table.c.id == row)).first() is not None
        except SQLAlchemyError:
            return False

    def rollback(self) -> None:
        """Undo what the current session has not committed."""
        self._db.session.rollback()

    def clean(self, app: Flask) -> None:
        """Delete old rows from time to time, in the background."""
        now = time.monotonic()
        if now - self._cleaned_at >= _CLEAN_EVERY_SECONDS:
            self._cleaned_at = now
            # A database in memory has one connection for all threads, and ends with the process.
            if type(self._db.engine.pool).__name__ not in ("StaticPool", "SingletonThreadPool"):
                spawn(lambda: self._delete_old(app), "datastar-repeats")

    def _delete_old(self, app: Flask) -> None:
        try:
            with app.app_context(), self._db.engine.begin() as connection:
                oldest = int(time.time() - 2 * self._seconds)
                connection.execute(self.table.delete().where(self.table.c.ran_at < oldest))
        except Exception:
            _logger.warning("Datastar: old rows of %r could not be deleted; tried again later", TABLE, exc_info=True)

    def _is_missing(self, session: Any) -> bool:
        from sqlalchemy import inspect

        try:
            return not inspect(session.get_bind(clause=self.table)).has_table(TABLE)
        except Exception:
            return False


def _write_row(session: Any, *_: object) -> None:
    """Write the row of the click that runs, before the first change or else at the commit.

    Before, because what a click does a second time may meet what it did the first time: a title that is taken.
    """
    state = find_request_state()
    # A savepoint's changes may be rolled back alone, and its release commits nothing.
    if state is not None and state.claim is not None and not session.in_nested_transaction():
        state.claim.write_row(session)


def _do_orm_execute(state: Any) -> None:
    if state.is_insert or state.is_update or state.is_delete:
        _write_row(state.session)


def _after_commit(session: Any) -> None:
    if not session.in_nested_transaction() and (written := session.info.pop(WRITTEN, None)) is not None:
        written.note_committed()


def _after_soft_rollback(session: Any, transaction: Any) -> None:
    if not transaction.nested:
        session.info.pop(WRITTEN, None)


_listeners = SessionListeners(
    {
        "before_flush": _write_row,
        "do_orm_execute": _do_orm_execute,
        "before_commit": _write_row,
        "after_commit": _after_commit,
        "after_soft_rollback": _after_soft_rollback,
    }
)
