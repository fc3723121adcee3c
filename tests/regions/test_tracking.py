"""Regions that read a database: every way to write is seen after its commit, and nothing else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, render_template_string
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import ForeignKey, Integer, String, bindparam, delete, event, insert, select, text, update
from sqlalchemy.orm import Session

from flask_datastar import Datastar
from flask_datastar.errors import SetupError
from flask_datastar.regions.process import LiveRegions, live_regions_of
from flask_datastar.state.app import app_state_of
from flask_datastar.testing.waiting import wait_until
from tests.conftest import MakeApp
from tests.support.streams import assert_nothing_is_left
from tests.support.wsgi import Connection


class Board:
    """Boards with cards; a region shows the cards of a board, another one all figures, a third one people."""

    def __init__(self, make_app: MakeApp, path: Path, *, is_database_first: bool = False, **config: Any) -> None:
        self.db = db = SQLAlchemy()
        self.datastar = datastar = Datastar()

        class BoardRow(db.Model):  # type: ignore[name-defined, misc]
            __tablename__ = "board"
            id = db.mapped_column(Integer, primary_key=True)
            name = db.mapped_column(String)
            cards = db.relationship("CardRow", back_populates="board", cascade="all, delete-orphan")

        tagged = db.Table(
            "tagged",
            db.Column("card_id", ForeignKey("card.id", ondelete="CASCADE"), primary_key=True),
            db.Column("tag_id", ForeignKey("tag.id", ondelete="CASCADE"), primary_key=True),
        )

        class Tag(db.Model):  # type: ignore[name-defined, misc]
            __tablename__ = "tag"
            id = db.mapped_column(Integer, primary_key=True)
            name = db.mapped_column(String)

        class CardRow(db.Model):  # type: ignore[name-defined, misc]
            __tablename__ = "card"
            id = db.mapped_column(Integer, primary_key=True)
            title = db.mapped_column(String)
            board_id = db.mapped_column(ForeignKey("board.id", ondelete="CASCADE"))
            board = db.relationship(BoardRow, back_populates="cards")
            tags = db.relationship(Tag, secondary=tagged)

        class Person(db.Model):  # type: ignore[name-defined, misc]
            __tablename__ = "person"
            id = db.mapped_column(Integer, primary_key=True)
            name = db.mapped_column(String)

        self.Board, self.Card, self.Tag, self.Person, self.tagged = BoardRow, CardRow, Tag, Person, tagged

        @datastar.region(group="shop", at_most_every=0)
        def cards(board_id: int) -> str:
            found = db.session.scalars(select(CardRow).where(CardRow.board_id == board_id).order_by(CardRow.id))
            return render_template_string(
                '<ul id="cards-{{ board_id }}">{% for card in cards %}<li>{{ card.title }}{{ card.tags|length }}</li>'
                "{% endfor %}</ul>",
                board_id=board_id,
                cards=found,
            )

        @datastar.region(group="shop", at_most_every=0)
        def people() -> str:
            return f'<p id="people">{db.session.scalar(select(db.func.count(Person.id)))}</p>'

        @datastar.region(group="shop", at_most_every=0, tables={CardRow: "board_id"})
        def narrow(board_id: int) -> str:
            found = db.session.scalars(select(CardRow.title).where(CardRow.board_id == board_id).order_by(CardRow.id))
            return f'<p id="narrow-{board_id}">{",".join(found)}</p>'

        self.regions = {"cards": cards, "people": people, "narrow": narrow}

        @datastar.stream(group="shop")
        def feed(views: str) -> Any:
            return datastar.follow(*(eval(view, self.regions) for view in views.split(";")))

        config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{path}"
        if is_database_first:
            self.app = Flask("shop")
            self.app.config.update(TESTING=True, **config)
            db.init_app(self.app)
            datastar.init_app(self.app)
        else:
            self.app = make_app(datastar, **config)
            db.init_app(self.app)
        with self.app.app_context():

            @event.listens_for(db.engine, "connect")
            def connect(connection: Any, record: Any) -> None:
                connection.execute("PRAGMA foreign_keys=ON")

            db.create_all()
            db.session.add_all([BoardRow(id=1, name="one"), BoardRow(id=2, name="two"), Tag(id=1, name="tag")])
            db.session.add_all([CardRow(id=1, title="a", board_id=1), CardRow(id=2, title="b", board_id=2)])
            db.session.commit()
        self.connections: list[Connection] = []

    @property
    def live(self) -> LiveRegions:
        return live_regions_of(app_state_of(self.app))

    def open(self, *views: str) -> Connection:
        self.connections.append(Connection(self.app, f"/ds/shop/feed?views={';'.join(views)}"))
        return self.connections[-1].wait_open()

    def wait(self) -> None:
        wait_until(lambda: self.live.views.loop.is_idle(time.monotonic() + 0.5))

    def shown(self, connection: Connection) -> dict[str, str]:
        """Return the last HTML of each element that a stream has sent."""
        found = {}
        for one in connection.events:
            html = one.arguments.get("elements", "")
            if html:
                found[html.split('"')[1]] = html
        return found

    def fresh(self, *views: str) -> dict[str, str]:
        with self.app.app_context():
            texts = [str(eval(view, self.regions).__html__()) for view in views]
        return {html.split('"')[1]: html for html in texts}

    def close(self) -> None:
        for connection in self.connections:
            connection.close()
        self.wait()
        assert_nothing_is_left(self.app)
        assert len(self.live.views) == 0
        with self.app.app_context():
            self.db.engine.dispose()


MakeBoard = Callable[..., Board]


@pytest.fixture
def make_board(make_app: MakeApp, tmp_path: Path) -> Iterator[MakeBoard]:
    made: list[Board] = []

    def make(**options: Any) -> Board:
        made.append(Board(make_app, tmp_path / f"{len(made)}.db", **options))
        return made[-1]

    yield make
    for board in made:
        board.close()


@pytest.fixture
def board(make_board: MakeBoard) -> Board:
    return make_board()


VIEWS = ("cards(1)", "cards(2)", "people()", "narrow(1)", "narrow(2)")

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
    """Return the cards of a board, which the session keeps."""
    board.db.session.info["kept"] = kept = board.db.session.get(board.Board, board_id)
    return kept.cards


def tag(board: Board, session: Any) -> None:
    card = session.get(board.Card, 1)
    card.tags.append(session.get(board.Tag, 1))
    session.flush()


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
}


@pytest.mark.parametrize("kind", WRITES)
def test_a_write_is_shown(board: Board, kind: str) -> None:
    write, changed = WRITES[kind]
    connection = board.open(*VIEWS)
    before = board.shown(connection)
    assert before == board.fresh(*VIEWS)

    with board.app.app_context():
        write(board)
    board.wait()

    after = board.fresh(*VIEWS)
    wait_until(lambda: board.shown(connection) == after, 10)
    assert {name for name in after if after[name] != before[name]} == changed


@pytest.mark.parametrize("is_database_first", [True, False])
def test_the_order_of_the_extensions_does_not_matter(make_board: MakeBoard, is_database_first: bool) -> None:
    board = make_board(is_database_first=is_database_first)
    connection = board.open("people()")
    with board.app.app_context():
        WRITES["other table"][0](board)

    connection.wait('<p id="people">1</p>')


def test_views_of_other_tables_are_not_rendered(board: Board) -> None:
    board.open(*VIEWS)
    with board.app.app_context():
        WRITES["other table"][0](board)
    board.wait()

    assert board.live.stats()["renders"] == len(VIEWS) + 1


@pytest.mark.parametrize(
    ("kind", "renders"),
    # cards() of both boards, which read the whole table, and narrow() of those whose rows are known to have changed.
    [
        ("add", 3),
        ("update", 3),
        ("move", 4),
        ("delete", 3),
        ("orphan", 3),
        ("core", 4),
        ("rollback", 0),
        ("many to many", 2),
    ],
)
def test_rows_of_other_values_render_nothing(board: Board, kind: str, renders: int) -> None:
    board.open(*VIEWS)
    with board.app.app_context():
        WRITES[kind][0](board)
    board.wait()

    assert board.live.stats()["renders"] == len(VIEWS) + renders


def test_a_page_shows_what_its_request_has_flushed(board: Board) -> None:
    @board.app.get("/")
    def page() -> str:
        board.db.session.add(board.Person(name="flushed"))
        board.db.session.flush()
        html = board.regions["people"]().__html__()
        board.db.session.commit()
        return str(html)

    assert board.app.test_client().get("/").text == '<p id="people">1</p>'
    assert board.fresh("people()") == {"people": '<p id="people">1</p>'}


def test_a_page_needs_one_connection(make_board: MakeBoard) -> None:
    board = make_board(SQLALCHEMY_ENGINE_OPTIONS={"pool_size": 1, "max_overflow": 0, "pool_timeout": 0.5})

    @board.app.get("/")
    def page() -> str:
        board.db.session.scalar(select(board.Person.id))
        return str(board.regions["people"]().__html__() + board.regions["cards"](1).__html__())

    assert board.app.test_client().get("/").status_code == 200
    connection = board.open("people()")
    with board.app.app_context():
        WRITES["other table"][0](board)
    connection.wait('<p id="people">1</p>')


def test_a_failing_region_leaves_the_page_s_session_alone(board: Board) -> None:
    @board.datastar.region(group="shop")
    def broken() -> str:
        raise ZeroDivisionError

    with board.app.test_request_context("/"):
        board.db.session.add(board.Person(name="kept"))
        board.db.session.flush()
        with pytest.raises(ZeroDivisionError):
            broken().__html__()
        board.db.session.commit()

    assert board.fresh("people()") == {"people": '<p id="people">1</p>'}


def test_a_database_in_memory_is_refused(make_app: MakeApp) -> None:
    db, datastar = SQLAlchemy(), Datastar()
    app = make_app(datastar, SQLALCHEMY_DATABASE_URI="sqlite:///:memory:")
    db.init_app(app)

    @datastar.region(group="shop")
    def part() -> str:
        return '<p id="part"></p>'

    with app.test_request_context("/"):
        assert part().__html__() == '<p id="part"></p>'
        with pytest.raises(SetupError, match=r"share one connection, .* use a file, such as sqlite:///app\.db"):
            datastar.follow(part())


def test_changed_waits_for_the_commit(board: Board) -> None:
    connection = board.open("people()")
    renders = board.live.stats()["renders"]
    with board.app.app_context():
        board.db.session.add(board.Card(title="x", board_id=1))
        board.regions["people"].changed()
        board.wait()
        assert board.live.stats()["renders"] == renders
        board.db.session.commit()
    wait_until(lambda: board.live.stats()["renders"] == renders + 1)
    connection.close()


def test_a_commit_does_not_fail_by_a_region(
    board: Board, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    board.open("people()")

    def fail(*arguments: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(type(board.live.views), "tell", fail)
    with board.app.app_context():
        WRITES["other table"][0](board)

    assert "other processes were not told" in caplog.text
    monkeypatch.undo()
    assert board.fresh("people()") == {"people": '<p id="people">1</p>'}


def test_writers_side_by_side_leave_nothing_stale(board: Board) -> None:
    connections = [board.open(*VIEWS) for _ in range(3)]

    def write(board_id: int) -> None:
        for number in range(10):
            with board.app.app_context():
                board.db.session.execute(
                    update(board.Card).where(board.Card.board_id == bindparam("b")).values(title=f"{number}"),
                    {"b": board_id},
                )
                board.db.session.commit()

    writers = [threading.Thread(target=write, args=(number,)) for number in (1, 2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    board.wait()

    fresh = board.fresh(*VIEWS)
    for connection in connections:
        wait_until(lambda connection=connection: board.shown(connection) == fresh)  # type: ignore[misc]
