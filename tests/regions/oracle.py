"""The oracle: after random writes, each page shows what a fresh rendering shows."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.exc import SAWarning, SQLAlchemyError

from flask_datastar.testing.waiting import wait_until
from tests.regions.board import VIEWS, Board
from tests.regions.kinds import WRITES, kinds_of
from tests.regions.pages import morph
from tests.support.wsgi import Connection

#: The views that a page may show: none of them is inside another one of the same page.
PAGES = (
    *(VIEWS, ("wall()",), ("cards(2)", "people()"), ("narrow(1)",), ("wall()", "narrow(2)"), ("site()",)),
    *(("pair()", "names()"), ("newest()", "counts()", "tagged(1)"), ("related(1)", "related(2)", "is_empty(1)")),
)

#: What a writer may get if another one has deleted its row meanwhile, or holds a lock.
COLLISIONS = (SQLAlchemyError, SAWarning, AttributeError, AssertionError)


def show(shown: dict[str, str], views: tuple[str, ...], html: str) -> dict[str, str]:
    """Return what a page shows after an event.

    :param shown: the HTML before, by the ids of the page's own views.
    :param html: the element of the event, "" for an event without one.
    """
    if not html:
        return shown
    own = {view.replace("(", "-").rstrip(")").rstrip("-") for view in views}
    if (name := html.split('"')[1]) in own:
        return {**shown, name: html}
    return {name: morph(outer, html) for name, outer in shown.items()}


class Page:
    """A page that follows views of one process."""

    def __init__(self, board: Board, views: tuple[str, ...]) -> None:
        self.board, self.views = board, views
        self.connection: Connection = board.open(*views)

    @property
    def shown(self) -> dict[str, str]:
        """The HTML that a browser shows, by the ids of the page's own views."""
        found: dict[str, str] = {}
        for one in self.connection.events:
            found = show(found, self.views, one.arguments.get("elements", ""))
        return found

    def close(self) -> None:
        self.connection.close()
        self.board.connections.remove(self.connection)


class Oracle:
    """Random writes by several writers to the boards of some processes, with pages that come and go."""

    def __init__(self, boards: list[Board], seed: int) -> None:
        self.boards = boards
        self.random = random.Random(seed)
        self.pages: list[Page] = []
        #: The writes so far, for the message of a failure.
        self.log: list[str] = []
        self.writes = self.failed = self.compared = 0

    def burst(self, writers: int = 2, writes: int = 8) -> None:
        """Write from several threads, while pages come and go."""
        threads = [threading.Thread(target=self._write, args=(writes, self.random.random())) for _ in range(writers)]
        for thread in threads:
            thread.start()
        for _ in range(2):
            board = self.random.choice(self.boards)
            self.pages.append(Page(board, self.random.choice(PAGES)))
            if len(self.pages) > 4:
                self.pages.pop(self.random.randrange(3)).close()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()

    def compare(self, is_quiet: Callable[[], bool] = lambda: True) -> None:
        """Wait until all processes are quiet, and compare all pages with fresh renderings.

        :param is_quiet: whether nothing is on its way between the processes.
        """
        for board in self.boards:
            board.failing = 0.0
        wait_until(lambda: is_quiet() and all(board.live.views.loop.is_idle(float("inf")) for board in self.boards))
        for page in self.pages:
            fresh = page.board.fresh(*page.views)
            try:
                wait_until(lambda page=page, fresh=fresh: page.shown == fresh, 5)  # type: ignore[misc]
            except AssertionError:
                log = "\n".join(self.log[-25:])
                raise AssertionError(f"{page.views}: {page.shown} is not {fresh}\n{log}") from None
            self.compared += 1

    def close(self) -> None:
        for page in self.pages:
            page.close()

    def _write(self, count: int, seed: float) -> None:
        rng = random.Random(seed)
        for _ in range(count):
            board = rng.choice(self.boards)
            with board.app.app_context():
                try:
                    self.log.append(write_at_random(board, rng))
                except COLLISIONS as error:
                    self.log.append(repr(error)[:100])
                    board.db.session.rollback()
                    self.failed += 1
            self.writes += 1
            time.sleep(rng.random() * 0.01)


def write_at_random(board: Board, rng: random.Random) -> str:
    """Write something, in the context of a board's app, and return what it was."""
    session, title = board.db.session, str(rng.randrange(1000))
    kind = rng.choice(["known", "known", "retitle", "insert", "rename", "restore"])
    if kind == "known":
        kind = rng.choice(kinds_of(board.is_sqlite))
        WRITES[kind][0](board)
    elif kind == "retitle":
        cards = session.scalars(select(board.Card).limit(3)).all()
        for card in cards:
            card.title = title
            if rng.random() < 0.3:
                card.board_id = rng.choice([1, 2])
    elif kind == "insert":
        session.add(board.Card(title=title, board_id=rng.choice([1, 2])))
    elif kind == "rename":
        session.execute(update(board.Board).where(board.Board.id == rng.choice([1, 2])).values(name=title))
    else:
        for table, values in (("board", "1, 'one'"), ("board", "2, 'two'"), ("tag", "1, 'tag'")):
            session.execute(text(f"INSERT INTO {table} (id, name) VALUES ({values}) ON CONFLICT DO NOTHING"))
        if session.scalar(select(func.count(board.Card.id))) > 12:
            session.execute(text("DELETE FROM card WHERE id > 6"))
        cards = "(1, 'a', 1), (2, 'b', 2)"
        session.execute(text(f"INSERT INTO card (id, title, board_id) VALUES {cards} ON CONFLICT DO NOTHING"))
    ends = rng.choice([session.commit] * 9 + [session.rollback])
    ends()
    return f"{kind}: {ends.__name__}"


def run(boards: list[Board], seed: int, bursts: int, failing: float = 0.0, around: Any = None) -> Oracle:
    """Run an oracle.

    :param failing: the share of renderings that fail during a burst.
    :param around: called with the number of the burst; returns a function that ends what it has started.
    """
    oracle = Oracle(boards, seed)
    try:
        for number in range(bursts):
            for board in boards:
                board.failing = failing
            end = around(number) if around is not None else lambda: None
            try:
                oracle.burst()
            finally:
                is_quiet = end()
            oracle.compare(is_quiet or (lambda: True))
    finally:
        oracle.close()
    return oracle
