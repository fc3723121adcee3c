"""The SQL of an app: the statements that the current rendering runs, and the writes of each commit.

The listeners are on the app's engines, so they see everything that goes through SQLAlchemy: the ORM, bulk statements,
Core and raw SQL. Writes are reported after the commit, when other connections can see the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from weakref import WeakSet

from .recording import record
from .statements import Statement, read_statement
from .writes import PENDING, Cascades, Writes, pending_of

Tell = Callable[[Writes], object]


class Capture:
    """The listener of one app's engines.

    It wraps functions of their dialects, because SQLAlchemy's events would slow down every statement of the app.

    :param tell: called after each commit with its writes. It must not raise.
    :param is_heard: called at each write; returns whether any process has live views that may need it.
    :param cascades: returns the foreign keys by which the database changes further tables.
    :param is_flushed: returns whether the running statement of a connection is reported by the objects of a flush.
    """

    def __init__(
        self,
        tell: Tell,
        is_heard: Callable[[], bool],
        cascades: Callable[[], Cascades],
        is_flushed: Callable[[Any, str], bool],
    ) -> None:
        self._tell = tell
        self._is_heard = is_heard
        self._cascades = cascades
        self._is_flushed = is_flushed
        self._dialects: WeakSet[Any] = WeakSet()

    def listen(self, engines: Iterable[Any]) -> None:
        """Listen to engines, once to each."""
        for engine in engines:
            dialect = engine.dialect
            if dialect not in self._dialects:
                self._dialects.add(dialect)
                for name in ("do_execute", "do_executemany", "do_execute_no_params"):
                    setattr(dialect, name, self._noting(getattr(dialect, name)))
                for name in ("do_rollback", "do_rollback_twophase"):
                    setattr(dialect, name, _forgetting(getattr(dialect, name)))
                self._wrap_commits(dialect)

    def _noting(self, execute: Callable[..., Any]) -> Callable[..., Any]:
        """Return a dialect's function that runs a statement and takes note of it."""

        def run(cursor: Any, text: str, *arguments: Any, **named: Any) -> Any:
            # Also of one that fails: it may have written some of its rows.
            try:
                return execute(cursor, text, *arguments, **named)
            finally:
                context = named.get("context", arguments[-1] if arguments else None)
                self._executed(text, getattr(context, "root_connection", None))

        return run

    def _executed(self, text: str, connection: Any) -> None:
        statement = read_statement(text)
        if statement.is_write:
            self._write(statement, connection)
        else:
            record(statement)
        if statement.commits and connection is not None and PENDING in connection.info:
            # The writes stay pending, because the text of a procedure may have a COMMIT that does not run now.
            pending = pending_of(connection)
            pending.settle_left()
            self._tell(pending)

    def _write(self, statement: Statement, connection: Any) -> None:
        """Report a statement that writes, or keep it until the commit."""
        is_heard = self._is_heard()
        if connection is None or _is_autocommit(connection):
            writes = Writes()
            self._add(writes, statement, frozenset())
            self._tell(writes)
        elif not is_heard:
            # Somebody may look before the commit; that is rare, so it costs no more than this.
            pending_of(connection).is_unknown = True
        else:
            left = frozenset(word for word, _ in statement.writes or () if self._is_flushed(connection, word))
            self._add(pending_of(connection), statement, left)

    def _add(self, writes: Writes, statement: Statement, left: frozenset[str]) -> None:
        """Add the tables of a statement, except those that the objects of a flush report."""
        if statement.writes is None:
            writes.is_unknown = True
        else:
            writes.add_tables(self._cascades().written_by(statement.writes) - left)
            writes.left |= left

    def _wrap_commits(self, dialect: Any) -> None:
        """Report writes after the commit. SQLAlchemy's own event comes before it, when others do not see the rows."""
        commit, commit_twophase = dialect.do_commit, dialect.do_commit_twophase

        def do_commit(dbapi_connection: Any) -> None:
            commit(dbapi_connection)
            self._committed(dbapi_connection)

        def do_commit_twophase(connection: Any, xid: Any, is_prepared: bool = True, recover: bool = False) -> None:
            # The dialect may call do_commit here. The writes are reported once all the same, because they are popped.
            commit_twophase(connection, xid, is_prepared, recover)
            if recover:
                # Another connection has prepared the transaction, perhaps in another process.
                pending_of(connection).is_unknown = True
            self._committed(connection)

        dialect.do_commit, dialect.do_commit_twophase = do_commit, do_commit_twophase

    def _committed(self, connection: Any) -> None:
        writes = _take(connection)
        if writes is not None:
            writes.settle_left()
            if writes:
                self._tell(writes)


def _forgetting(roll_back: Callable[..., Any]) -> Callable[..., Any]:
    """Return a dialect's function that rolls back and forgets what was written."""

    def run(connection: Any, *arguments: Any, **named: Any) -> Any:
        _take(connection)
        return roll_back(connection, *arguments, **named)

    return run


def _take(connection: Any) -> Writes | None:
    """Take out what a connection has written; None if that is nothing."""
    try:
        info = connection.info
    except (AttributeError, NotImplementedError):
        # Before the first use of an engine, SQLAlchemy tries a connection that is in no pool.
        return None
    writes: Writes | None = info.pop(PENDING, None)
    return writes


def _is_autocommit(connection: Any) -> bool:
    """Return whether a statement is committed as soon as it has run."""
    level = connection.get_execution_options().get("isolation_level")
    if level is None:
        level = getattr(connection.dialect, "_on_connect_isolation_level", None)
    return bool(level == "AUTOCOMMIT")
