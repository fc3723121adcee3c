"""Boards with cards in a database, and the regions that show them."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask, render_template
from flask_sqlalchemy import SQLAlchemy
from jinja2 import DictLoader
from sqlalchemy import ForeignKey, Integer, String, event, func, select, text

from flask_datastar import Datastar
from flask_datastar.regions.process import LiveRegions, live_regions_of
from flask_datastar.state.app import app_state_of
from flask_datastar.testing.waiting import wait_until
from tests.support.streams import assert_nothing_is_left, hub_for
from tests.support.wsgi import Connection

if TYPE_CHECKING:
    from tests.conftest import MakeApp

_CARDS = """\
<ul id="cards-{{ board_id }}">{% for card in cards %}<li>{{ card.title }}{{ card.tags|length }}</li>{% endfor %}</ul>\
"""


class Board:
    """Boards with cards, and regions for the cards of a board, for the number of people, and for all boards.

    :param make_app: makes the app; not used, and None is enough, if the database comes first.
    :param database: a file of SQLite, or the URL of another database.
    """

    def __init__(
        self,
        make_app: MakeApp | None,
        database: Path | str,
        *,
        is_database_first: bool = False,
        is_new: bool = True,
        **config: Any,
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
            title = db.mapped_column(String, server_default="made")
            board_id = db.mapped_column(ForeignKey("board.id", ondelete="CASCADE"), default=lambda: 1)
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
            return render_template("cards.html", board_id=board_id, cards=found)

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
        self._declare_more()

        @datastar.stream(group="shop")
        def feed(views: str) -> Any:
            return datastar.follow(*(eval(view, self.regions) for view in views.split(";")))

        self.is_sqlite = isinstance(database, Path)
        config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{database}" if self.is_sqlite else database
        if is_database_first:
            self.app = Flask("shop")
            self.app.config.update(TESTING=True, **config)
            db.init_app(self.app)
            datastar.init_app(self.app)
        else:
            assert make_app is not None
            self.app = make_app(datastar, **config)
            db.init_app(self.app)
        # A template that is given as text would be compiled each time.
        self.app.jinja_loader = DictLoader({"cards.html": _CARDS})  # type: ignore[assignment]
        with self.app.app_context():
            if self.is_sqlite:
                event.listen(db.engine, "connect", _configure_sqlite)
            if is_new:
                db.create_all()
                self._fill()

    def _declare_more(self) -> None:
        """Declare regions that read in other ways, and that contain others."""
        session, regions = self.db.session, self.regions
        title, board_of = self.Card.title, self.Card.board_id

        def names() -> str:
            return f'<p id="names">{",".join(session.scalars(select(self.Board.name).order_by(self.Board.id)))}</p>'

        def newest() -> str:
            return f'<p id="newest">{session.scalar(select(title).order_by(self.Card.id.desc()).limit(1))}</p>'

        def counts() -> str:
            statement = text("SELECT board_id, count(*) FROM card GROUP BY board_id ORDER BY board_id")
            return f'<p id="counts">{session.execute(statement).all()}</p>'

        def tagged(tag_id: int) -> str:
            found = select(title).join(self.Card.tags).where(self.Tag.id == tag_id).order_by(self.Card.id)
            return f'<p id="tagged-{tag_id}">{",".join(session.scalars(found))}</p>'

        def related(board_id: int) -> str:
            board = session.get(self.Board, board_id)
            titles = sorted(card.title for card in board.cards) if board is not None else "none"
            return f'<p id="related-{board_id}">{titles}</p>'

        def is_empty(board_id: int) -> str:
            found = session.scalar(select(~select(self.Card.id).where(board_of == board_id).exists()))
            return f'<p id="is_empty-{board_id}">{bool(found)}</p>'

        def site() -> str:
            return f'<section id="site">{regions["names"]().__html__()}{regions["wall"]().__html__()}</section>'

        def pair() -> str:
            return f'<article id="pair">{regions["cards"](1).__html__()}{regions["narrow"](2).__html__()}</article>'

        for function in (names, newest, counts, tagged, related, is_empty, site, pair):
            tables = {self.Card: "board_id"} if function is is_empty else None
            declare = self.datastar.region(group="shop", at_most_every=0, tables=tables)
            regions[function.__name__] = declare(function)

    def _fill(self) -> None:
        """Store two boards of one card each."""
        session = self.db.session
        session.add_all([self.Board(id=1, name="one"), self.Board(id=2, name="two"), self.Tag(id=1, name="tag")])
        session.add_all([self.Card(id=1, title="a", board_id=1), self.Card(id=2, title="b", board_id=2)])
        session.flush()
        if not self.is_sqlite:
            # Ids that are given do not advance the sequences.
            session.execute(select(func.setval("card_id_seq", 100)))
        session.commit()

    @property
    def live(self) -> LiveRegions:
        return live_regions_of(app_state_of(self.app))

    def open(self, *views: str) -> Connection:
        self.connections.append(Connection(self.app, f"/ds/shop/feed?views={';'.join(views)}"))
        return self.connections[-1].wait_open()

    def wait(self) -> None:
        wait_until(lambda: not self.live.views.unsettled())

    def open_shown(self, *views: str) -> tuple[Connection, dict[str, str]]:
        """Open a stream; return it once it shows all views, with what it shows."""
        connection = self.open(*views)
        wait_until(lambda: len(self.shown(connection)) == len(views))
        return connection, self.shown(connection)

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

    def leave(self) -> None:
        """Close all streams, and check that nothing is left of them."""
        for connection in self.connections:
            connection.close()
        self.connections.clear()
        self.wait()
        assert_nothing_is_left(self.app)
        assert len(self.live.views) == 0

    def refill(self) -> None:
        """Bring the tables back to what they had at first; new connections know nothing of earlier writes."""
        with self.app.app_context():
            for table in reversed(self.db.metadata.sorted_tables):
                self.db.session.execute(table.delete())
            self._fill()
            self.db.engine.dispose()
        self.wait()

    def close(self) -> None:
        self.leave()
        with self.app.app_context():
            self.db.engine.dispose()
        hub_for(self.app).bus.close()


def _configure_sqlite(connection: Any, record: object) -> None:
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA journal_mode=WAL")


VIEWS = ("cards(1)", "cards(2)", "people()", "narrow(1)", "narrow(2)")
