"""Regions that read a database: they are rendered again after each kind of write, and after no other event."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, render_template_string
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import bindparam, select, text, update
from sqlalchemy.exc import IntegrityError

from flask_datastar import Datastar
from flask_datastar.brokers.memory import MemoryBroker
from flask_datastar.errors import SetupError
from flask_datastar.regions.process import live_regions_of
from flask_datastar.regions.region import Region
from flask_datastar.state.app import app_state_of
from flask_datastar.testing.waiting import wait_until
from tests.conftest import MakeApp
from tests.regions.board import VIEWS, Board
from tests.regions.kinds import OF_POSTGRESQL, WRITES, kinds_of
from tests.support.wsgi import Connection

MakeBoard = Callable[..., Board]


@pytest.fixture
def make_board(make_app: MakeApp, tmp_path: Path) -> Iterator[MakeBoard]:
    made: list[Board] = []

    def make(database: Path | str | None = None, **options: Any) -> Board:
        made.append(Board(make_app, database or tmp_path / f"{len(made)}.db", **options))
        return made[-1]

    yield make
    for board in made:
        board.close()


@pytest.fixture(scope="module")
def idle_boards() -> Iterator[dict[str, Board]]:
    """The boards that wait for the next test, by the kind of their database."""
    idle: dict[str, Board] = {}
    yield idle
    for board in idle.values():
        board.close()


@pytest.fixture
def used_board(
    request: pytest.FixtureRequest,
    idle_boards: dict[str, Board],
    make_app: MakeApp,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Board]:
    """Return a board that other tests have used: its app, its mapped classes and its tables take long to make."""
    board = idle_boards.pop(request.param, None)
    if board is None:
        is_sqlite = request.param == "sqlite"
        database = tmp_path_factory.mktemp("board") / "board.db" if is_sqlite else None
        board = Board(make_app, database or request.getfixturevalue("postgres").new_schema())
    yield board
    # A board that cannot be left clean is not used by the next test.
    board.leave()
    board.refill()
    idle_boards[request.param] = board


@pytest.fixture
def board(make_board: MakeBoard) -> Board:
    return make_board()


def test_there_are_many_kinds_of_writes() -> None:
    assert len(kinds_of(is_sqlite=True)) >= 46
    assert len(kinds_of(is_sqlite=False)) >= 46


@pytest.mark.parametrize(
    ("used_board", "kind"),
    [
        *[("sqlite", kind) for kind in kinds_of(is_sqlite=True)],
        # The package runs the same lines for a kind on both databases: coverage would double the time of the second.
        *[
            pytest.param("postgresql", kind, marks=() if kind in OF_POSTGRESQL else pytest.mark.no_cover)
            for kind in kinds_of(is_sqlite=False)
        ],
    ],
    indirect=["used_board"],
)
def test_a_write_is_shown(used_board: Board, kind: str) -> None:
    board = used_board
    write, changed = WRITES[kind]
    connection, before = board.open_shown(*VIEWS)
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


def make_app_in_memory(make_app: MakeApp) -> tuple[Flask, Region]:
    """Make an app with a database in memory and one region."""
    db, datastar = SQLAlchemy(), Datastar()
    app = make_app(datastar, SQLALCHEMY_DATABASE_URI="sqlite:///:memory:")
    db.init_app(app)

    @datastar.region(group="shop")
    def part() -> str:
        return '<p id="part"></p>'

    return app, part


def test_a_database_in_memory_is_refused(make_app: MakeApp) -> None:
    app, part = make_app_in_memory(make_app)

    with app.test_request_context("/"):
        assert part().__html__() == '<p id="part"></p>'
        with pytest.raises(SetupError, match=r"share one connection, .* use a file, such as sqlite:///app\.db"):
            app.extensions["datastar"].follow(part())


def test_a_live_page_of_a_database_in_memory_is_refused(make_app: MakeApp) -> None:
    app, part = make_app_in_memory(make_app)

    @app.get("/")
    def page() -> str:
        return render_template_string("{{ part }}{{ datastar.live() }}", part=part())

    client = app.test_client()
    assert client.get("/").status_code == 200
    with pytest.raises(SetupError, match=r"share one connection, .* use a file, such as sqlite:///app\.db"):
        client.get("/", headers={"Datastar-Live": "1", "Datastar-Request": "true"})


def test_rows_are_compared_with_a_parameter_of_another_name(board: Board) -> None:
    @board.datastar.region(group="shop", at_most_every=0, tables={board.Card: {"board_id": "shown"}})
    def titles(shown: int) -> str:
        found = board.db.session.scalars(select(board.Card.title).where(board.Card.board_id == shown))
        return f'<p id="titles-{shown}">{",".join(found)}</p>'

    board.regions["titles"] = titles
    connection = board.open("titles(1)", "titles(2)")
    with board.app.app_context():
        board.db.session.add(board.Card(title="new", board_id=2))
        board.db.session.commit()
    connection.wait('<p id="titles-2">b,new</p>')
    board.wait()

    assert board.live.stats()["renders"] == 3


def test_declared_tables_replace_those_that_are_read(board: Board) -> None:
    @board.datastar.region(group="shop", at_most_every=0, tables=[board.Person, "tag"])
    def cards_of_people() -> str:
        return f'<p id="cards">{board.db.session.scalar(select(board.db.func.count(board.Card.id)))}</p>'

    board.regions["declared"] = cards_of_people
    board.open("declared()")
    for row, renders in ((board.Card(title="x", board_id=1), 1), (board.Person(name="x"), 2), (board.Tag(name="x"), 3)):
        with board.app.app_context():
            board.db.session.add(row)
            board.db.session.commit()
        board.wait()
        assert board.live.stats()["renders"] == renders


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

    assert "were not sent to other processes" in caplog.text
    monkeypatch.undo()
    assert board.fresh("people()") == {"people": '<p id="people">1</p>'}


def test_a_write_does_not_fail_by_a_broker_that_cannot_be_made(
    make_app: MakeApp, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(MemoryBroker):
        def __init__(self, *arguments: Any) -> None:
            raise SetupError("it cannot be made")

    datastar = Datastar(brokers={"broken": Broken}, broker_url="broken://")
    app = make_app(datastar, SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/board.db")
    db = SQLAlchemy(app)

    @datastar.region(group="shop")
    def part() -> str:
        return '<p id="part"></p>'

    with app.app_context():
        for statement in ("CREATE TABLE log (id INTEGER)", "INSERT INTO log VALUES (1)"):
            db.session.execute(text(statement))
        db.session.commit()
        assert db.session.scalar(text("SELECT id FROM log")) == 1
        db.engine.dispose()

    assert "it cannot be made" in caplog.text


def test_a_write_from_before_anybody_looked_is_shown(board: Board) -> None:
    with board.app.app_context():
        board.db.session.execute(update(board.Card).values(title="changed"))
        connection = board.open("cards(1)")
        assert "changed" not in board.shown(connection)["cards-1"]
        board.db.session.commit()

    connection.wait("changed")


def test_rows_of_a_statement_that_failed_are_shown(board: Board) -> None:
    """SQLite keeps the rows that a statement with many parameters wrote before one of them failed."""
    connection = board.open("cards(1)")
    sql = "INSERT INTO card (id, title, board_id) VALUES (?, ?, 1)"
    with board.app.app_context():
        with pytest.raises(IntegrityError):
            board.db.session.connection().exec_driver_sql(sql, [(901, "kept"), (901, "again")])
        board.db.session.commit()

    connection.wait("kept")


def test_a_connection_forgets_what_was_not_committed(board: Board) -> None:
    board.open("cards(1)")
    renders = board.live.stats()["renders"]
    with board.app.app_context():
        raw = board.db.engine.connect()
        raw.execute(update(board.Card).values(title="gone"))
        raw.close()
        WRITES["other table"][0](board)
    board.wait()

    assert board.live.stats()["renders"] == renders


def test_statements_take_no_slower_way_because_of_regions(board: Board) -> None:
    """An engine with listeners goes through SQLAlchemy's events with each statement, reads among them."""
    with board.app.app_context():
        board.db.session.execute(select(board.Card.id))

        assert not list(board.db.engine.dispatch.after_cursor_execute)
        assert not list(board.db.engine.dispatch.rollback)


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


def test_writes_of_every_bind_are_seen(make_app: MakeApp, tmp_path: Path) -> None:
    db, datastar = SQLAlchemy(), Datastar()

    class Log(db.Model):  # type: ignore[name-defined, misc]
        __bind_key__ = "logs"
        id = db.mapped_column(db.Integer, primary_key=True)

    @datastar.region(group="shop", at_most_every=0)
    def logs() -> str:
        return f'<p id="logs">{db.session.scalar(select(db.func.count(Log.id)))}</p>'

    @datastar.stream(group="shop")
    def feed() -> Any:
        return datastar.follow(logs())

    app = make_app(
        datastar,
        SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/main.db",
        SQLALCHEMY_BINDS={"logs": f"sqlite:///{tmp_path}/logs.db"},
    )
    db.init_app(app)
    with app.app_context():
        db.create_all()
    connection = Connection(app, "/ds/shop/feed").wait_open()
    connection.wait('<p id="logs">0</p>')
    with app.app_context():
        db.session.add(Log())
        db.session.commit()

    connection.wait('<p id="logs">1</p>')
    connection.close()
    with app.app_context():
        for engine in db.engines.values():
            engine.dispose()


def test_two_apps_of_one_database_object_are_told_apart(make_app: MakeApp, tmp_path: Path) -> None:
    db, datastar = SQLAlchemy(), Datastar()

    class Log(db.Model):  # type: ignore[name-defined, misc]
        id = db.mapped_column(db.Integer, primary_key=True)
        kind = db.mapped_column(db.Integer)

    @datastar.region(group="shop", at_most_every=0, tables={Log: "kind"})
    def logs(kind: int) -> str:
        return f'<p id="logs">{db.session.scalar(select(db.func.count(Log.id)).where(Log.kind == kind))}</p>'

    @datastar.stream(group="shop")
    def feed() -> Any:
        return datastar.follow(logs(1))

    apps = []
    for name in ("one", "other"):
        apps.append(make_app(datastar, SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/{name}.db"))
        db.init_app(apps[-1])
        with apps[-1].app_context():
            db.create_all()
    connections = [Connection(app, "/ds/shop/feed").wait_open() for app in apps]
    for connection in connections:
        connection.wait('<p id="logs">0</p>')
    with apps[1].app_context():
        db.session.add_all([Log(kind=1), Log(kind=2)])
        db.session.commit()
    connections[1].wait('<p id="logs">1</p>')

    renders = [live_regions_of(app_state_of(app)).stats()["renders"] for app in apps]
    assert renders == [1, 2]
    for app, connection in zip(apps, connections, strict=True):
        connection.close()
        with app.app_context():
            db.engine.dispose()


def test_a_transaction_whose_connection_was_lost_can_be_rolled_back(board: Board) -> None:
    connection = board.open("people()")
    with board.app.app_context():
        board.db.session.add(board.Person(name="lost"))
        board.db.session.flush()
        # As after a restart of the database.
        board.db.session.connection().invalidate()
        board.db.session.rollback()
        board.db.session.add(board.Person(name="kept"))
        board.db.session.commit()

    connection.wait('<p id="people">1</p>')


def test_the_log_has_the_exception_of_a_failing_region_alone(board: Board, caplog: pytest.LogCaptureFixture) -> None:
    @board.datastar.region(name="broken", group="shop", at_most_every=0)
    def region() -> str:
        if board.db.session.scalars(select(board.Person.name)).all():
            raise ZeroDivisionError
        return '<p id="broken"></p>'

    board.regions["broken"] = region
    connection = board.open("broken()")
    with board.app.app_context():
        WRITES["other table"][0](board)
    wait_until(lambda: "region shop:broken() failed" in caplog.text)
    connection.close()

    # It may have been tried again meanwhile.
    error, *_ = [record.exc_info[1] for record in caplog.records if record.exc_info]
    assert isinstance(error, ZeroDivisionError)
    assert error.__context__ is None
