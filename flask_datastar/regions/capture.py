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

    :param tell: called after each commit with its writes. It must not raise.
    :param cascades: returns the foreign keys by which the database changes further tables.
    :param is_flushed: returns whether the running statement of a connection is reported by the objects of a flush.
    """

    def __init__(self, tell: Tell, cascades: Callable[[], Cascades], is_flushed: Callable[[Any, str], bool]) -> None:
        self._tell = tell
        self._cascades = cascades
        self._is_flushed = is_flushed
        self._engines: WeakSet[Any] = WeakSet()

    def listen(self, engines: Iterable[Any]) -> None:
        """Listen to engines, once to each."""
        from sqlalchemy import event

        for engine in engines:
            if engine not in self._engines:
                self._engines.add(engine)
                event.listen(engine, "after_cursor_execute", self._after_execute)
                event.listen(engine, "rollback", _forget)
                event.listen(engine, "rollback_twophase", _forget)
                self._wrap_commits(engine.dialect)

    def _after_execute(
        self, connection: Any, cursor: Any, text: str, parameters: Any, context: Any, executemany: bool
    ) -> None:
        statement = read_statement(text)
        if not statement.is_write:
            record(statement)
            return
        if _is_autocommit(connection):
            writes = Writes()
            self._add(writes, statement, frozenset())
            self._tell(writes)
            return
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
        writes: Writes | None = getattr(connection, "info", {}).pop(PENDING, None)
        if writes is not None:
            writes.settle_left()
            if writes:
                self._tell(writes)


def _forget(connection: Any, *arguments: object) -> None:
    connection.info.pop(PENDING, None)


def _is_autocommit(connection: Any) -> bool:
    """Return whether a statement is committed as soon as it has run."""
    level = connection.get_execution_options().get("isolation_level")
    if level is None:
        level = getattr(connection.dialect, "_on_connect_isolation_level", None)
    return bool(level == "AUTOCOMMIT")
