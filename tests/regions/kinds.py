"""Every kind of write to the boards of a database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from tests.regions.board import Board

Write = Callable[[Board], object]


def autocommit(board: Board) -> None:
    with board.db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(update(board.Card).values(title="x"))


def core(board: Board) -> None:
    with board.db.engine.begin() as connection:
        connection.execute(insert(board.Card), [{"title": "x", "board_id": 1}, {"title": "y", "board_id": 2}])


def expired(board: Board) -> None:
    card = board.db.session.get(board.Card, 1)
    board.db.session.commit()
    assert card is not None
    card.board_id = 2
    board.db.session.commit()


def savepoint(board: Board) -> None:
    with board.db.session.begin_nested():
        board.db.session.add(board.Card(title="x", board_id=1))
    try:
        with board.db.session.begin_nested():
            board.db.session.add(board.Card(title="lost", board_id=2))
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    board.db.session.commit()


def foreign_session(board: Board) -> None:
    with Session(board.db.engine) as session:
        session.add(board.Card(title="x", board_id=1))
        session.commit()


def in_board(board: Board, board_id: int) -> Any:
    """Return the cards of a board that the session keeps."""
    board.db.session.info["kept"] = kept = board.db.session.get(board.Board, board_id)
    return kept.cards


def tag(board: Board, session: Any) -> None:
    card = session.get(board.Card, 1)
    card.tags.append(session.get(board.Tag, 1))
    session.flush()


def upsert(board: Board) -> Any:
    make = sqlite.insert if board.is_sqlite else postgresql.insert
    made = make(board.Card).values(id=1, title="x", board_id=1)
    return made.on_conflict_do_update(index_elements=["id"], set_={"title": "x"})


def autocommit_of_engine(board: Board) -> None:
    engine = board.db.engine.execution_options(isolation_level="AUTOCOMMIT")
    with Session(engine) as session:
        session.execute(update(board.Card).where(board.Card.id == 1).values(title="x"))
        session.rollback()


def commit_in_sql(board: Board) -> None:
    with board.db.engine.connect() as connection:
        connection.execute(text("UPDATE card SET title = 'x' WHERE id = 1"))
        connection.execute(text("COMMIT"))


def commit_in_one_text(board: Board) -> None:
    with board.db.engine.connect() as connection:
        connection.exec_driver_sql("UPDATE card SET title = 'x' WHERE id = 1; COMMIT")


def rollback_of_savepoint(board: Board) -> None:
    savepoint = board.db.session.begin_nested()
    board.db.session.execute(update(board.Card).values(title="lost"))
    savepoint.rollback()
    board.db.session.commit()


def after_rollback(board: Board) -> None:
    board.db.session.add(board.Person(name="lost"))
    board.db.session.flush()
    board.db.session.rollback()
    board.db.session.add(board.Card(title="x", board_id=1))
    board.db.session.commit()


def session_in_transaction(board: Board) -> None:
    with board.db.engine.begin() as connection, Session(connection) as session:
        session.add(board.Card(title="x", board_id=1))
        session.commit()


def untag_by_cascade(board: Board) -> None:
    tag(board, board.db.session)
    board.db.session.add(board.Card(title="x", board_id=1))
    board.db.session.commit()
    board.db.session.execute(delete(board.Tag))
    board.db.session.commit()


def two_phases(board: Board) -> None:
    with Session(board.db.engine, twophase=True) as session:
        session.add(board.Card(title="x", board_id=1))
        session.commit()


def two_phases_of_core(board: Board) -> None:
    with board.db.engine.connect() as connection, connection.begin_twophase() as transaction:
        connection.execute(update(board.Card).where(board.Card.id == 1).values(title="x"))
        transaction.prepare()


def rollback_of_two_phases(board: Board) -> None:
    with board.db.engine.connect() as connection:
        transaction = connection.begin_twophase()
        connection.execute(update(board.Card).where(board.Card.id == 1).values(title="x"))
        transaction.prepare()
        transaction.rollback()


def two_phases_of_two_connections(board: Board) -> None:
    connection = board.db.engine.connect()
    transaction = connection.begin_twophase()
    connection.execute(update(board.Card).where(board.Card.id == 1).values(title="x"))
    transaction.prepare()
    # As if the process had ended after that.
    connection.detach()
    connection.connection.dbapi_connection.close()
    with board.db.engine.connect() as other:
        other.commit_prepared(transaction.xid, recover=True)


def executes(make: Callable[[Board], Any]) -> Write:
    def write(board: Board) -> None:
        board.db.session.execute(*[made] if not isinstance(made := make(board), tuple) else made)
        board.db.session.commit()

    return write


def changes(change: Callable[[Board, Any], object]) -> Write:
    def write(board: Board) -> None:
        change(board, board.db.session)
        board.db.session.commit()

    return write


#: Kinds of writes → the views whose HTML they change.
WRITES: dict[str, tuple[Write, set[str]]] = {
    "add": (changes(lambda b, s: s.add(b.Card(title="x", board_id=1))), {"cards-1", "narrow-1"}),
    "add by relationship": (
        changes(lambda b, s: in_board(b, 1).append(b.Card(title="x"))),
        {"cards-1", "narrow-1"},
    ),
    "update": (changes(lambda b, s: setattr(s.get(b.Card, 1), "title", "x")), {"cards-1", "narrow-1"}),
    "move": (
        changes(lambda b, s: setattr(s.get(b.Card, 1), "board_id", 2)),
        {"cards-1", "narrow-1", "cards-2", "narrow-2"},
    ),
    "move by relationship": (
        changes(lambda b, s: in_board(b, 2).append(s.get(b.Card, 1))),
        {"cards-1", "narrow-1", "cards-2", "narrow-2"},
    ),
    "move of an expired object": (expired, {"cards-1", "narrow-1", "cards-2", "narrow-2"}),
    "delete": (changes(lambda b, s: s.delete(s.get(b.Card, 1))), {"cards-1", "narrow-1"}),
    "orphan": (changes(lambda b, s: in_board(b, 1).clear()), {"cards-1", "narrow-1"}),
    "cascade by the ORM": (changes(lambda b, s: s.delete(s.get(b.Board, 1))), {"cards-1", "narrow-1"}),
    "many to many": (changes(tag), {"cards-1"}),
    "cascade by the database": (executes(lambda b: delete(b.Board).where(b.Board.id == 1)), {"cards-1", "narrow-1"}),
    "bulk update": (
        executes(lambda b: update(b.Card).values(title="x").where(b.Card.id == 1)),
        {"cards-1", "narrow-1"},
    ),
    "bulk update by key": (executes(lambda b: (update(b.Card), [{"id": 1, "title": "x"}])), {"cards-1", "narrow-1"}),
    "bulk delete": (executes(lambda b: delete(b.Card).where(b.Card.board_id == 1)), {"cards-1", "narrow-1"}),
    "bulk insert": (executes(lambda b: (insert(b.Card), [{"title": "x", "board_id": 1}])), {"cards-1", "narrow-1"}),
    "returning": (
        changes(lambda b, s: list(s.scalars(insert(b.Card).returning(b.Card), [{"title": "x", "board_id": 1}]))),
        {"cards-1", "narrow-1"},
    ),
    "legacy update": (
        changes(lambda b, s: s.query(b.Card).filter_by(id=1).update({"title": "x"})),
        {"cards-1", "narrow-1"},
    ),
    "legacy delete": (changes(lambda b, s: s.query(b.Card).filter_by(id=1).delete()), {"cards-1", "narrow-1"}),
    "bulk_save_objects": (
        changes(lambda b, s: s.bulk_save_objects([b.Card(title="x", board_id=1)])),
        {"cards-1", "narrow-1"},
    ),
    "bulk_insert_mappings": (
        changes(lambda b, s: s.bulk_insert_mappings(b.Card, [{"title": "x", "board_id": 1}])),
        {"cards-1", "narrow-1"},
    ),
    "bulk_update_mappings": (
        changes(lambda b, s: s.bulk_update_mappings(b.Card, [{"id": 1, "title": "x"}])),
        {"cards-1", "narrow-1"},
    ),
    "insert from select": (
        executes(
            lambda b: insert(b.Card).from_select(
                ["title", "board_id"], select(b.Board.name, b.Board.id).where(b.Board.id == 1)
            )
        ),
        {"cards-1", "narrow-1"},
    ),
    "raw update": (executes(lambda b: text("UPDATE card SET title = 'x' WHERE id = 1")), {"cards-1", "narrow-1"}),
    "raw upsert": (
        executes(
            lambda b: text(
                "INSERT INTO card (id, title, board_id) VALUES (1, 'x', 1) ON CONFLICT (id) DO UPDATE SET title = 'x'"
            )
        ),
        {"cards-1", "narrow-1"},
    ),
    "raw replace": (
        executes(lambda b: text("REPLACE INTO card (id, title, board_id) VALUES (1, 'x', 1)")),
        {"cards-1", "narrow-1"},
    ),
    "table between": (executes(lambda b: insert(b.tagged).values(card_id=1, tag_id=1)), {"cards-1"}),
    "connection of the session": (
        changes(lambda b, s: s.connection().execute(update(b.Card).where(b.Card.id == 1).values(title="x"))),
        {"cards-1", "narrow-1"},
    ),
    "core": (core, {"cards-1", "narrow-1", "cards-2", "narrow-2"}),
    "autocommit": (autocommit, {"cards-1", "narrow-1", "cards-2", "narrow-2"}),
    "savepoint": (savepoint, {"cards-1", "narrow-1"}),
    "foreign session": (foreign_session, {"cards-1", "narrow-1"}),
    "driver's text": (
        changes(lambda b, s: s.connection().exec_driver_sql("UPDATE card SET title = 'x' WHERE id = 1")),
        {"cards-1", "narrow-1"},
    ),
    "other table": (changes(lambda b, s: s.add(b.Person(name="x"))), {"people"}),
    "rollback": (
        lambda b: (b.db.session.add(b.Card(title="x", board_id=1)), b.db.session.flush(), b.db.session.rollback()),
        set(),
    ),
    "no commit": (lambda b: (b.db.session.add(b.Card(title="x", board_id=1)), b.db.session.flush()), set()),
    "core without commit": (
        lambda b: b.db.engine.connect().execute(update(b.Card).values(title="x")).connection.close(),
        set(),
    ),
    "several flushes": (
        changes(lambda b, s: [(s.add(b.Card(title=str(n), board_id=n)), s.flush()) for n in (1, 2)]),
        {"cards-1", "narrow-1", "cards-2", "narrow-2"},
    ),
    "merge": (
        changes(lambda b, s: s.merge(b.Card(id=1, title="x", board_id=1))),
        {"cards-1", "narrow-1"},
    ),
    "default of a column": (changes(lambda b, s: s.add(b.Card(title="x"))), {"cards-1", "narrow-1"}),
    "default of the database": (changes(lambda b, s: s.add(b.Card(board_id=1))), {"cards-1", "narrow-1"}),
    "default of a column in Core": (executes(lambda b: insert(b.Card).values(title="x")), {"cards-1", "narrow-1"}),
    "upsert": (executes(upsert), {"cards-1", "narrow-1"}),
    "update returning": (
        changes(
            lambda b, s: s.scalars(update(b.Card).where(b.Card.id == 1).values(title="x").returning(b.Card.id)).all()
        ),
        {"cards-1", "narrow-1"},
    ),
    "delete returning": (
        changes(lambda b, s: s.scalars(delete(b.Card).where(b.Card.id == 1).returning(b.Card.id)).all()),
        {"cards-1", "narrow-1"},
    ),
    "update from another table": (
        executes(
            lambda b: (
                update(b.Card)
                .where(b.Card.board_id == b.Board.id, b.Board.name == "one")
                .values(title=b.Board.name)
                .execution_options(synchronize_session=False)
            )
        ),
        {"cards-1", "narrow-1"},
    ),
    "raw delete": (executes(lambda b: text('DELETE FROM "card" WHERE id = 1')), {"cards-1", "narrow-1"}),
    "raw update after a comment": (
        executes(lambda b: text("/* of the import */ UPDATE card SET title = 'x' -- of Ann\nWHERE id = 1")),
        {"cards-1", "narrow-1"},
    ),
    "raw insert from select": (
        executes(
            lambda b: text("INSERT INTO card (title, board_id) SELECT name, id FROM board WHERE id = :id").bindparams(
                id=1
            )
        ),
        {"cards-1", "narrow-1"},
    ),
    "raw returning": (
        changes(lambda b, s: s.execute(text("UPDATE card SET title = 'x' WHERE id = 1 RETURNING id")).all()),
        {"cards-1", "narrow-1"},
    ),
    "raw update after WITH": (
        executes(
            lambda b: text(
                "WITH first AS (SELECT id FROM board WHERE name = 'one') "
                "UPDATE card SET title = 'x' WHERE board_id IN (SELECT id FROM first)"
            )
        ),
        {"cards-1", "narrow-1"},
    ),
    "raw cascade by the database": (
        executes(lambda b: text("DELETE FROM board WHERE id = 1")),
        {"cards-1", "narrow-1"},
    ),
    "autocommit of an engine": (autocommit_of_engine, {"cards-1", "narrow-1"}),
    "COMMIT in SQL": (commit_in_sql, {"cards-1", "narrow-1"}),
    "rollback of a savepoint": (rollback_of_savepoint, set()),
    "commit after a rollback": (after_rollback, {"cards-1", "narrow-1"}),
    "session in a transaction": (session_in_transaction, {"cards-1", "narrow-1"}),
    "many to many by a cascade of the database": (untag_by_cascade, {"cards-1", "narrow-1"}),
    "same value": (changes(lambda b, s: setattr(s.get(b.Card, 1), "title", "a")), set()),
    "nothing": (lambda b: b.db.session.commit(), set()),
    "WITH that writes": (
        changes(
            lambda b, s: s.execute(
                text("WITH written AS (UPDATE card SET title = 'x' WHERE id = 1 RETURNING id) SELECT id FROM written")
            ).all()
        ),
        {"cards-1", "narrow-1"},
    ),
    "WITH that writes, of Core": (
        changes(
            lambda b, s: s.execute(
                select(update(b.Card).where(b.Card.id == 1).values(title="x").returning(b.Card.id).cte("written").c.id)
            ).all()
        ),
        {"cards-1", "narrow-1"},
    ),
    "delete with another table": (
        executes(
            lambda b: (
                delete(b.Card)
                .where(b.Card.board_id == b.Board.id, b.Board.name == "one")
                .execution_options(synchronize_session=False)
            )
        ),
        {"cards-1", "narrow-1"},
    ),
    "raw merge": (
        executes(
            lambda b: text(
                "MERGE INTO card USING board ON card.board_id = board.id AND board.id = 1 "
                "WHEN MATCHED THEN UPDATE SET title = 'x'"
            )
        ),
        {"cards-1", "narrow-1"},
    ),
    "truncate": (
        executes(lambda b: text("TRUNCATE card CASCADE")),
        {"cards-1", "narrow-1", "cards-2", "narrow-2"},
    ),
    "COMMIT in one text": (commit_in_one_text, {"cards-1", "narrow-1"}),
    "two phases": (two_phases, {"cards-1", "narrow-1"}),
    "two phases of Core": (two_phases_of_core, {"cards-1", "narrow-1"}),
    "rollback of two phases": (rollback_of_two_phases, set()),
    "two phases of two connections": (two_phases_of_two_connections, {"cards-1", "narrow-1"}),
}

#: Kinds that only one database has.
OF_SQLITE = {"raw replace"}
OF_POSTGRESQL = {
    *("WITH that writes", "WITH that writes, of Core", "delete with another table", "raw merge", "truncate"),
    *("COMMIT in one text", "two phases", "two phases of Core", "rollback of two phases"),
    "two phases of two connections",
}


def kinds_of(is_sqlite: bool) -> list[str]:
    """Return the kinds of writes that a database has, in alphabetical order."""
    return sorted(WRITES.keys() - (OF_POSTGRESQL if is_sqlite else OF_SQLITE))
