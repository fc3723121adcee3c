"""Boards with cards in a database, the regions that show them, and every kind of write."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask, render_template_string
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import ForeignKey, Integer, String, delete, event, insert, select, text, update
from sqlalchemy.orm import Session

from flask_datastar import Datastar
from flask_datastar.regions.process import LiveRegions, live_regions_of
from flask_datastar.state.app import app_state_of
from flask_datastar.testing.waiting import wait_until
from tests.conftest import MakeApp
from tests.support.streams import assert_nothing_is_left, hub_for
from tests.support.wsgi import Connection


class Board:
    """Boards with cards, and regions for the cards of a board, for the number of people, and for all boards."""

    def __init__(
        self, make_app: MakeApp, path: Path, *, is_database_first: bool = False, is_new: bool = True, **config: Any
    ) -> None:
        self.connections: list[Connection] = []
        #: The share of renderings of cards that fail, 0 to 1.
        self.failing = 0.0
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
            if random.random() < self.failing:
                raise RuntimeError("it fails at random")
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

        @datastar.region(group="shop", at_most_every=0)
        def wall() -> str:
            names = db.session.execute(select(BoardRow.id, BoardRow.name).order_by(BoardRow.id))
            return f'<div id="wall">{"".join(name + cards(number).__html__() for number, name in names)}</div>'

        self.regions = {"cards": cards, "people": people, "narrow": narrow, "wall": wall}

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
                connection.execute("PRAGMA journal_mode=WAL")

            if not is_new:
                return
            db.create_all()
            db.session.add_all([BoardRow(id=1, name="one"), BoardRow(id=2, name="two"), Tag(id=1, name="tag")])
            db.session.add_all([CardRow(id=1, title="a", board_id=1), CardRow(id=2, title="b", board_id=2)])
            db.session.commit()

    @property
    def live(self) -> LiveRegions:
        return live_regions_of(app_state_of(self.app))

    def open(self, *views: str) -> Connection:
        self.connections.append(Connection(self.app, f"/ds/shop/feed?views={';'.join(views)}"))
        return self.connections[-1].wait_open()

    def wait(self) -> None:
        wait_until(lambda: self.live.views.loop.is_idle(float("inf")))

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
        hub_for(self.app).bus.close()


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
    """Return the cards of a board that the session keeps."""
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
