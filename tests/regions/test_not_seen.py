"""The page about what is not seen: each of its rows is true, and so is what it says to do."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import create_engine, event, select, text, update

from flask_datastar import Datastar
from flask_datastar.regions.process import LiveRegions
from flask_datastar.regions.statements import read_statement
from flask_datastar.regions.writes import Writes
from flask_datastar.testing.waiting import wait_until
from tests.conftest import MakeApp
from tests.regions.board import Board

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "not-seen.md"


@pytest.fixture
def board(make_app: MakeApp, tmp_path: Path) -> Iterator[Board]:
    board = Board(make_app, tmp_path / "board.db")
    yield board
    board.close()


@dataclass
class Case:
    """One row: what a region reads, and a write that it does not see."""

    read: Callable[[Board], object]
    write: Callable[[Board], object]
    #: What is said in `tables=`; None if `changed()` is what helps.
    tables: Callable[[Board], Any] | None = None
    prepare: Callable[[Board], object] = lambda board: None


def titles(board: Board) -> object:
    return board.db.session.scalars(select(board.Card.title).order_by(board.Card.id)).all()


def executing(*statements: str) -> Callable[[Board], None]:
    def execute(board: Board) -> None:
        for statement in statements:
            board.db.session.execute(text(statement))
        board.db.session.commit()

    return execute


def add_card(board: Board) -> None:
    board.db.session.add(board.Card(title="new", board_id=1))
    board.db.session.commit()


def write_with_driver(board: Board) -> None:
    raw = board.db.engine.raw_connection()
    raw.cursor().execute("UPDATE card SET title = 'new'")
    raw.commit()
    raw.close()


def write_with_own_engine(board: Board) -> None:
    engine = create_engine(board.db.engine.url)
    with engine.begin() as connection:
        connection.execute(update(board.Card).values(title="new"))
    engine.dispose()


def write_from_outside(board: Board) -> None:
    connection = sqlite3.connect(board.db.engine.url.database)
    with connection:
        connection.execute("UPDATE card SET title = 'new'")
    connection.close()


@cache
def remembered(board: Board) -> object:
    return titles(board)


def add_card_and_forget(board: Board) -> None:
    add_card(board)
    remembered.cache_clear()


def read_in_thread(board: Board) -> object:
    found: list[object] = []

    def read() -> None:
        with board.app.app_context():
            found.append(titles(board))

    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    return found


def write_in_mapper_event(board: Board) -> None:
    @event.listens_for(board.Person, "after_insert")
    def move(mapper: object, connection: Any, person: object) -> None:
        connection.execute(update(board.Card).values(title="new"))

    board.db.session.add(board.Person(name="Ann"))
    # A flush of objects of the table, and so the statement of the event counts as one of the flush.
    board.db.session.add(board.Card(title="of board 2", board_id=2))
    board.db.session.commit()


VARIABLE: list[str] = []

CASES = {
    "Triggers": Case(
        read=lambda board: board.db.session.scalars(select(board.Person.name)).all(),
        write=add_card,
        tables=lambda board: [board.Person, board.Card],
        prepare=executing("CREATE TRIGGER t AFTER INSERT ON card BEGIN INSERT INTO person (name) VALUES ('new'); END"),
    ),
    "Database views": Case(
        read=lambda board: board.db.session.scalars(text("SELECT title FROM titles")).all(),
        write=add_card,
        tables=lambda board: "card",
        prepare=executing("CREATE VIEW titles AS SELECT title FROM card"),
    ),
    "Cascades that no model declares": Case(
        read=lambda board: board.db.session.scalars(text("SELECT id FROM note")).all(),
        write=executing("DELETE FROM board WHERE id = 1"),
        tables=lambda board: ["note", board.Board],
        prepare=executing(
            "CREATE TABLE note (id INTEGER, board_id INTEGER REFERENCES board (id) ON DELETE CASCADE)",
            "INSERT INTO note VALUES (1, 1)",
        ),
    ),
    "Cursors of the driver": Case(read=titles, write=write_with_driver),
    "Engines of your own": Case(read=titles, write=write_with_own_engine),
    "Other programs": Case(read=titles, write=write_from_outside),
    "Reads from a cache": Case(
        read=remembered, write=add_card_and_forget, tables=lambda board: board.Card, prepare=remembered
    ),
    "Reads in a thread": Case(read=read_in_thread, write=add_card, tables=lambda board: board.Card),
    "What is not in the database": Case(read=lambda board: VARIABLE, write=lambda board: VARIABLE.append("new")),
}


def declare(board: Board, name: str, read: Callable[[Board], object], tables: Any = None) -> None:
    @board.datastar.region(name=name, group="shop", tables=tables, at_most_every=0)
    def region() -> str:
        return f'<p id="{name}">{read(board)}</p>'

    board.regions[name] = region


@pytest.mark.parametrize("name", CASES)
def test_a_row_is_true(board: Board, name: str) -> None:
    case = CASES[name]
    views = ["plain()"]
    with board.app.app_context():
        case.prepare(board)
        declare(board, "plain", case.read)
        if case.tables is not None:
            declare(board, "named", case.read, case.tables(board))
            views.append("named()")
    connection, before = board.open_shown(*views)
    with board.app.app_context():
        case.write(board)
    board.wait()

    after = board.fresh(*views)
    assert after["plain"] != before["plain"]
    assert board.shown(connection)["plain"] == before["plain"]
    if case.tables is not None:
        wait_until(lambda: board.shown(connection)["named"] == after["named"])
    with board.app.app_context():
        board.regions["plain"].changed()
    wait_until(lambda: board.shown(connection)["plain"] == after["plain"])


def test_core_in_a_mapper_event_is_not_seen_by_a_region_of_some_rows(board: Board) -> None:
    connection, before = board.open_shown("narrow(1)", "cards(1)")
    with board.app.app_context():
        write_in_mapper_event(board)
    board.wait()

    after = board.fresh("narrow(1)", "cards(1)")
    assert board.shown(connection)["narrow-1"] == before["narrow-1"] != after["narrow-1"]
    # Without `tables=`, a region reads the whole table.
    wait_until(lambda: board.shown(connection)["cards-1"] == after["cards-1"])


def test_an_app_without_regions_is_not_watched(
    make_app: MakeApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db, datastar = SQLAlchemy(), Datastar()
    app = make_app(datastar, SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/jobs.db")
    db.init_app(app)
    told: list[Writes] = []
    monkeypatch.setattr(LiveRegions, "tell_writes", lambda self, writes: told.append(writes))

    def job() -> None:
        with app.app_context():
            db.session.execute(text("CREATE TABLE IF NOT EXISTS note (id INTEGER)"))
            db.session.execute(text("INSERT INTO note VALUES (1)"))
            db.session.commit()

    job()
    assert told == []
    datastar.region(group="shop", name="notes")(lambda: '<p id="notes"></p>')
    job()
    # While nobody looks, a write is noted without its tables.
    assert [writes.is_unknown for writes in told] == [True]
    with app.app_context():
        db.engine.dispose()


@pytest.mark.parametrize(
    "statement", ["SELECT archive_cards()", "WITH x AS (SELECT 1) SELECT archive_cards()", "TABLE archived"]
)
def test_a_function_that_writes_looks_like_a_read(statement: str) -> None:
    assert not read_statement(statement).is_write


@pytest.mark.parametrize(
    "statement", ["CALL archive_cards()", "REFRESH MATERIALIZED VIEW figures", "DO $$ BEGIN PERFORM 1; END $$"]
)
def test_a_statement_whose_tables_cannot_be_told_counts_for_all(statement: str) -> None:
    assert read_statement(statement).writes is None


def test_the_page_has_these_rows() -> None:
    rows = [line.split("|")[1].strip() for line in PAGE.read_text(encoding="utf-8").splitlines() if line[:2] == "| "]

    assert set(CASES) <= set(rows)
    assert set(rows) - set(CASES) == {
        "what",
        "Functions of the database that write",
        "Partitions and inherited tables",
        "Core in mapper events",
        "Processes that declare no region",
        "Pages and fragments from a cache",
    }
