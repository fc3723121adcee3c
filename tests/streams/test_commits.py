"""Publishing inside of Flask-SQLAlchemy's transactions: after the commit, never after a rollback."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Integer, String, delete, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from flask_datastar import Datastar
from flask_datastar.errors import BrokerError
from tests.conftest import MakeApp
from tests.support.streams import hub_for

Published = list[str]


class Listener:
    """Notes what was published, and what a stream that reads anew would find then."""

    def __init__(self, app: Flask, look: Callable[[], object]) -> None:
        self.published: Published = []
        self.found: list[object] = []
        self._app = app
        self._look = look
        hub_for(app).topics.subscribe(("rows",), self)

    def deliver(self, topic: str, kind: str, payload: Any) -> None:
        self.published.append(payload.data.decode())
        with self._app.app_context():
            self.found.append(self._look())

    def catch_up(self) -> None:
        pass


class Board:
    """An app with a database."""

    def __init__(self, make_app: MakeApp, path: str, *, is_database_first: bool = True, **config: Any) -> None:
        self.db = SQLAlchemy()
        self.datastar = Datastar()

        class Row(self.db.Model):  # type: ignore[name-defined, misc]
            id = self.db.mapped_column(Integer, primary_key=True)
            name = self.db.mapped_column(String, unique=True)

        self.Row = Row
        config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{path}"
        if is_database_first:
            self.app = Flask("shop")
            self.app.config.update(TESTING=True, **config)
            self.db.init_app(self.app)
            self.datastar.init_app(self.app)
        else:
            self.app = make_app(self.datastar, **config)
            self.db.init_app(self.app)
        with self.app.app_context():
            self.db.create_all()
            self.db.session.add(Row(name="first"))
            self.db.session.commit()
        self.listener = Listener(self.app, lambda: self.db.session.scalar(select(self.db.func.count(Row.id))))

    @property
    def published(self) -> Published:
        return self.listener.published

    def publish(self, data: str) -> None:
        self.datastar.publish("rows", data)

    def close(self) -> None:
        hub_for(self.app).topics.unsubscribe(("rows",), self.listener)
        with self.app.app_context():
            self.db.engine.dispose()


MakeBoard = Callable[..., Board]


@pytest.fixture
def make_board(make_app: MakeApp, tmp_path: Any) -> Iterator[MakeBoard]:
    made: list[Board] = []

    def make(**options: Any) -> Board:
        made.append(Board(make_app, tmp_path / f"{len(made)}.db", **options))
        return made[-1]

    yield make
    for board in made:
        board.close()


@pytest.fixture(params=[True, False], ids=["database first", "extension first"])
def board(make_board: MakeBoard, request: pytest.FixtureRequest) -> Iterator[Board]:
    board = make_board(is_database_first=request.param, DATASTAR_BROKER_ON_FAILURE="raise")
    with board.app.app_context():
        yield board


@contextmanager
def waits(board: Board) -> Iterator[None]:
    """Check that what is published in the block leaves with the commit after it, and not before."""
    yield
    board.publish("1")
    assert board.published == []
    board.db.session.commit()
    assert board.published == ['"1"']


def test_published_after_the_commit(board: Board) -> None:
    board.db.session.add(board.Row(name="second"))
    board.publish("1")
    board.db.session.flush()
    board.publish("2")
    with board.datastar.broadcast("rows") as out:
        out.patch_elements("<p id='a'></p>")
    assert board.published == []

    board.db.session.commit()

    assert board.published[:2] == ['"1"', '"2"']
    assert "<p id='a'></p>" in board.published[2]
    # What reads anew has the new row.
    assert board.listener.found == [2, 2, 2]
    board.publish("3")
    assert board.published[3:] == ['"3"']


@pytest.mark.parametrize("is_flushed", [True, False])
def test_never_published_after_a_rollback(board: Board, is_flushed: bool) -> None:
    board.db.session.add(board.Row(name="second"))
    if is_flushed:
        board.db.session.flush()
    board.publish("1")
    board.db.session.rollback()
    assert board.published == []

    # Nothing of it is left for the next transaction.
    board.publish("2")
    assert board.published == ['"2"']
    board.db.session.add(board.Row(name="third"))
    board.db.session.commit()
    assert board.published == ['"2"']


@pytest.mark.parametrize("is_flushed", [True, False])
def test_never_published_when_the_session_is_removed(board: Board, is_flushed: bool) -> None:
    board.db.session.add(board.Row(name="second"))
    if is_flushed:
        board.db.session.flush()
    board.publish("1")
    board.db.session.remove()
    board.db.session.add(board.Row(name="third"))
    board.db.session.commit()

    assert board.published == []


def test_context_that_ends_without_a_commit_publishes_nothing(make_board: MakeBoard) -> None:
    board = make_board()
    with board.app.app_context():
        board.db.session.add(board.Row(name="second"))
        board.publish("1")
    with board.app.app_context():
        board.db.session.commit()

    assert board.published == []


def test_failed_commit_publishes_nothing(board: Board) -> None:
    board.db.session.add(board.Row(name="first"))
    board.publish("1")
    with pytest.raises(IntegrityError):
        board.db.session.commit()
    board.db.session.rollback()
    board.db.session.add(board.Row(name="second"))
    board.db.session.commit()

    assert board.published == []


def test_nothing_changed_is_published_at_once(board: Board) -> None:
    board.publish("1")
    board.db.session.scalars(select(board.Row)).all()
    board.publish("2")
    board.db.session.execute(text("select 'update', 'insert' from row"))
    board.publish("3")

    assert board.published == ['"1"', '"2"', '"3"']
    board.db.session.commit()
    assert len(board.published) == 3


def test_changed_and_deleted_rows_are_changes(board: Board) -> None:
    row = board.db.session.scalars(select(board.Row)).one()
    with waits(board):
        row.name = "other"
    board.published.clear()
    with waits(board):
        board.db.session.delete(row)


@pytest.mark.parametrize("name", ["insert", "update", "delete", "text", "text of several lines"])
def test_statements_without_a_flush_are_changes(board: Board, name: str) -> None:
    statements: dict[str, Any] = {
        "insert": insert(board.Row).values(name="second"),
        "update": update(board.Row).values(name="other"),
        "delete": delete(board.Row),
        "text": text("update row set name = 'other'"),
        "text of several lines": text("\n  DELETE\nfrom row"),
    }
    with waits(board):
        board.db.session.execute(statements[name])


def test_bulk_methods_are_changes(board: Board) -> None:
    with waits(board):
        board.db.session.bulk_insert_mappings(board.Row, [{"name": "second"}])
    board.published.clear()
    with waits(board):
        board.db.session.query(board.Row).update({"name": None})


def test_released_savepoint_waits_for_the_commit(board: Board) -> None:
    with board.db.session.begin_nested():
        board.db.session.add(board.Row(name="second"))
        board.publish("1")
        with board.db.session.begin_nested():
            board.db.session.add(board.Row(name="third"))
            board.publish("2")
    board.publish("3")
    assert board.published == []

    board.db.session.commit()
    assert board.published == ['"1"', '"2"', '"3"']


def test_savepoint_that_is_rolled_back_takes_with_it_what_was_published_in_it(board: Board) -> None:
    board.db.session.add(board.Row(name="second"))
    board.publish("1")
    savepoint = board.db.session.begin_nested()
    board.db.session.add(board.Row(name="third"))
    board.publish("2")
    with board.db.session.begin_nested():
        board.db.session.add(board.Row(name="fourth"))
        board.publish("3")
    savepoint.rollback()
    board.publish("4")
    assert board.published == []

    board.db.session.commit()
    assert board.published == ['"1"', '"4"']


def test_savepoint_that_held_all_changes_leaves_none_when_it_is_rolled_back(board: Board) -> None:
    savepoint = board.db.session.begin_nested()
    board.db.session.execute(insert(board.Row).values(name="second"))
    board.publish("1")
    with pytest.raises(IntegrityError):
        board.db.session.execute(insert(board.Row).values(name="first"))
    savepoint.rollback()

    # Nobody needs to commit that.
    board.publish("2")
    assert board.published == ['"2"']
    board.db.session.commit()
    assert board.published == ['"2"']


def test_it_can_be_switched_off(make_board: MakeBoard) -> None:
    board = make_board(DATASTAR_PUBLISH_AFTER_COMMIT=False)
    with board.app.app_context():
        board.db.session.add(board.Row(name="second"))
        board.publish("1")

        assert board.published == ['"1"']
        board.db.session.commit()
    assert board.published == ['"1"']


def test_views_publish_after_their_commit(make_board: MakeBoard) -> None:
    board = make_board()

    @board.app.post("/add/<outcome>")
    def add(outcome: str) -> str:
        board.db.session.add(board.Row(name=outcome))
        board.publish(outcome)
        if outcome == "breaks":
            raise RuntimeError
        if outcome == "commits":
            board.db.session.commit()
        return "ok"

    board.app.config["PROPAGATE_EXCEPTIONS"] = False
    client = board.app.test_client()
    for outcome in ("forgets", "breaks", "commits"):
        client.post(f"/add/{outcome}")

    assert board.published == ['"commits"']


def test_extension_made_inside_of_a_context_that_is_there_already(tmp_path: Any) -> None:
    app, db = Flask("shop"), SQLAlchemy()
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tmp_path}/a.db"

    class Row(db.Model):  # type: ignore[name-defined, misc]
        id = db.mapped_column(Integer, primary_key=True)

    with app.app_context():
        db.init_app(app)
        db.create_all()
        datastar = Datastar(app)
        listener = Listener(app, lambda: None)
        db.session.add(Row())
        datastar.publish("rows", "1")
        assert listener.published == []
        db.session.commit()
        db.engine.dispose()

    assert listener.published == ['"1"']


def test_nested_contexts_have_transactions_of_their_own(board: Board) -> None:
    board.publish("0")
    board.db.session.add(board.Row(name="second"))
    board.publish("outer")
    # The new session's own write has to wait for no lock of the other: it has not flushed.
    with board.app.app_context():
        board.publish("inner, nothing changed")
        board.db.session.add(board.Row(name="third"))
        board.publish("inner, changed")
        assert board.published == ['"0"', '"inner, nothing changed"']
        board.db.session.commit()
    assert board.published[2:] == ['"inner, changed"']

    board.db.session.commit()
    assert board.published[3:] == ['"outer"']


def test_two_apps_share_a_database_object(make_app: MakeApp, tmp_path: Any) -> None:
    db, found = SQLAlchemy(), []

    class Row(db.Model):  # type: ignore[name-defined, misc]
        id = db.mapped_column(Integer, primary_key=True)

    for name in ("a", "b"):
        datastar = Datastar()
        app = make_app(datastar, SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/{name}.db")
        db.init_app(app)
        listener = Listener(app, lambda: None)
        with app.app_context():
            db.create_all()
            db.session.add(Row())
            datastar.publish("rows", name)
            assert listener.published == []
            db.session.commit()
            db.engine.dispose()
        found.append(listener.published)

    assert found == [['"a"'], ['"b"']]


def test_database_object_at_the_address_of_one_that_is_gone_is_watched(make_app: MakeApp) -> None:
    addresses: list[int] = []
    # Between 5 and 20 do; which address is given out is a matter of chance.
    while len(set(addresses)) == len(addresses) < 500:
        db, datastar = SQLAlchemy(), Datastar()
        app = make_app(datastar, SQLALCHEMY_DATABASE_URI="sqlite://")
        db.init_app(app)
        listener = Listener(app, lambda: None)

        class Row(db.Model):  # type: ignore[name-defined, misc]
            id = db.mapped_column(Integer, primary_key=True)

        with app.app_context():
            db.create_all()
            db.session.add(Row())
            datastar.publish("rows", "1")
            db.session.commit()
            db.engine.dispose()
        assert listener.published == ['"1"']
        addresses.append(id(db.session.session_factory))
        del db, datastar, app, listener, Row
        gc.collect()
    assert len(set(addresses)) < len(addresses), "no address came twice, so that this shows nothing"


def test_changes_in_several_databases_wait_for_the_one_commit(make_app: MakeApp, tmp_path: Any) -> None:
    db, datastar = SQLAlchemy(), Datastar()
    app = make_app(
        datastar,
        SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/a.db",
        SQLALCHEMY_BINDS={"other": f"sqlite:///{tmp_path}/b.db"},
    )
    db.init_app(app)

    class Row(db.Model):  # type: ignore[name-defined, misc]
        id = db.mapped_column(Integer, primary_key=True)

    class Other(db.Model):  # type: ignore[name-defined, misc]
        __bind_key__ = "other"
        id = db.mapped_column(Integer, primary_key=True)

    def look() -> object:
        return [db.session.scalar(select(db.func.count(table.id))) for table in (Row, Other)]

    listener = Listener(app, look)
    with app.app_context():
        db.create_all()
        db.session.add(Other())
        datastar.publish("rows", "1")
        db.session.flush()
        db.session.add(Row())
        datastar.publish("rows", "2")
        assert listener.published == []
        db.session.commit()
        assert listener.found == [[1, 1], [1, 1]]
        db.session.add(Other())
        datastar.publish("rows", "3")
        db.session.rollback()
        for engine in db.engines.values():
            engine.dispose()

    assert listener.published == ['"1"', '"2"']


def test_block_that_begins_the_transaction_publishes_at_its_end(board: Board) -> None:
    with board.db.session.begin():
        board.db.session.add(board.Row(name="second"))
        board.publish("1")
        assert board.published == []
    assert board.published == ['"1"']

    def fail() -> None:
        with board.db.session.begin():
            board.db.session.add(board.Row(name="third"))
            board.publish("2")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert board.published == ['"1"']


def test_sessions_of_the_applications_own_are_not_waited_for(board: Board) -> None:
    with Session(board.db.engine) as session:
        session.add(board.Row(name="second"))
        session.flush()
        board.publish("1")
        assert board.published == ['"1"']
        session.rollback()


def test_another_extension_of_that_name_is_left_alone(make_app: MakeApp) -> None:
    datastar = Datastar()
    app = make_app(datastar)
    app.extensions["sqlalchemy"] = object()
    listener = Listener(app, lambda: None)
    with app.app_context():
        datastar.publish("rows", "1")

    assert listener.published == ['"1"']


def test_broker_that_fails_fails_no_commit(make_board: MakeBoard, monkeypatch: pytest.MonkeyPatch) -> None:
    board = make_board()

    def fail(*args: Any, **options: Any) -> None:
        raise BrokerError("no Redis")

    monkeypatch.setattr(hub_for(board.app).bus.broker, "publish", fail)
    with board.app.app_context():
        board.db.session.add(board.Row(name="second"))
        board.publish("1")
        board.db.session.commit()

        assert board.db.session.scalar(select(board.db.func.count(board.Row.id))) == 2


def test_broker_that_fails_leaves_the_session_usable(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    bus = hub_for(board.app).bus
    publish = bus.broker.publish

    def fail(*args: Any, **options: Any) -> None:
        publish(*args, **options)
        raise BrokerError(f"no Redis for {args[3].data}")

    monkeypatch.setattr(bus.broker, "publish", fail)
    board.db.session.add(board.Row(name="second"))
    board.publish("1")
    board.publish("2")
    with pytest.raises(BrokerError, match='"1"'):
        board.db.session.commit()

    # It is committed, and every own stream has got everything.
    assert board.published == ['"1"', '"2"']
    assert board.listener.found == [2, 2]
    monkeypatch.undo()
    board.db.session.add(board.Row(name="third"))
    board.publish("3")
    board.db.session.commit()
    assert board.published == ['"1"', '"2"', '"3"']
    assert board.db.session.scalar(select(board.db.func.count(board.Row.id))) == 3
    assert board.db.engine.pool.checkedout() <= 1  # type: ignore[attr-defined]
