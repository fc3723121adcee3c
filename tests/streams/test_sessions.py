"""Flask-SQLAlchemy's session in a generator stream: it holds no connection over a wait, and loses no change."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Integer, String, func, select, text

from flask_datastar import Datastar
from flask_datastar.testing.waiting import wait_until
from tests.conftest import MakeApp
from tests.support.streams import Connect
from tests.support.wsgi import ending

PATH = "/ds/g/stream"


class Store:
    """An app with a database of one table, whose pool has one connection."""

    def __init__(self, app: Flask, datastar: Datastar, path: Path) -> None:
        app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{path}"
        app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"pool_size": 1, "max_overflow": 0, "pool_timeout": 5}
        self.app = app
        self.datastar = datastar
        self.db = SQLAlchemy(app)

        class Row(self.db.Model):  # type: ignore[name-defined, misc]
            id = self.db.mapped_column(Integer, primary_key=True)
            name = self.db.mapped_column(String)

        self.Row: Any = Row
        with app.app_context():
            self.db.create_all()
            self.db.session.add(Row(id=1, name="first"))
            self.db.session.commit()

    def names(self) -> list[str]:
        with self.app.app_context():
            return list(self.db.session.scalars(select(self.Row.name).order_by(self.Row.id)))

    @property
    def checked_out(self) -> int:
        with self.app.app_context():
            return int(self.db.engine.pool.checkedout())  # type: ignore[attr-defined]


@pytest.fixture(params=[{}, {"DATASTAR_PUBLISH_AFTER_COMMIT": False}], ids=["after commit", "at once"])
def store(make_app: MakeApp, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Store]:
    datastar = Datastar()
    store = Store(make_app(datastar, **request.param), datastar, tmp_path / "rows.sqlite")
    yield store
    with store.app.app_context():
        store.db.engine.dispose()


def test_connection_is_given_back_while_objects_are_held(store: Store, connect: Connect) -> None:
    db, datastar = store.db, store.datastar

    @datastar.stream(group="g")
    def stream() -> Iterator[Any]:
        row = db.session.get(store.Row, 1)
        for _ in datastar.changes("rows"):
            yield {"name": row.name}

    connection = connect(PATH, app=store.app)
    connection.wait("first")
    wait_until(lambda: store.checked_out == 0)

    with store.app.app_context():
        db.session.get(store.Row, 1).name = "renamed"
        db.session.commit()
        datastar.publish("rows")
    # It is loaded again, and not as old as the stream.
    connection.wait("renamed")
    wait_until(lambda: store.checked_out == 0)


@pytest.mark.parametrize("statement", [None, "insert into row (id, name) values (2, 'second')"])
@pytest.mark.parametrize("is_flushed", [True, False])
def test_uncommitted_changes_outlive_a_yield_and_a_wait(
    store: Store, connect: Connect, caplog: pytest.LogCaptureFixture, statement: str | None, is_flushed: bool
) -> None:
    db, datastar = store.db, store.datastar

    @datastar.stream(group="g")
    def stream() -> Iterator[Any]:
        for number in datastar.every(0.01):
            if number:
                break
            if statement is None:
                db.session.add(store.Row(id=2, name="second"))
            else:
                db.session.execute(text(statement))
            if is_flushed:
                db.session.flush()
            yield {"told": "second"}
        db.session.commit()

    assert ending(connect(PATH, app=store.app).wait_end())[0] == "ds:done"

    assert store.names() == ["first", "second"]
    assert caplog.text.count("waits while its db.session has uncommitted changes") == 1


def test_changes_over_a_yield_alone_are_no_reason_to_warn(
    store: Store, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    @store.datastar.stream(group="g")
    def stream() -> Iterator[Any]:
        store.db.session.add(store.Row(id=2, name="second"))
        yield {"told": "second"}
        store.db.session.commit()

    connect(PATH, app=store.app).wait_end()

    assert store.names() == ["first", "second"]
    assert caplog.text == ""


@pytest.mark.parametrize("leaves", [True, False])
def test_uncommitted_changes_are_rolled_back_at_the_end(store: Store, connect: Connect, leaves: bool) -> None:
    waiting = threading.Event()

    @store.datastar.stream(group="g", scope="ann")
    def stream() -> Iterator[Any]:
        store.db.session.add(store.Row(id=2, name="second"))
        store.db.session.flush()
        yield {"told": "second"}
        waiting.set()
        yield from store.datastar.follow("news")

    connection = connect(PATH, app=store.app)
    assert waiting.wait(60)
    if leaves:
        connection.close()
    else:
        with store.app.app_context():
            store.datastar.tabs.close("ann")
        connection.wait_end()

    assert store.names() == ["first"]


def test_session_without_objects_is_removed(store: Store, connect: Connect) -> None:
    held: list[bool] = []

    @store.datastar.stream(group="g")
    def stream() -> Iterator[Any]:
        yield {"count": store.db.session.scalar(select(func.count(store.Row.id)))}
        held.append(store.db.session.registry.has())

    connect(PATH, app=store.app).wait_end()

    assert held == [False]


def test_many_streams_share_one_connection(store: Store, connect: Connect) -> None:
    @store.datastar.stream(group="g")
    def stream() -> Iterator[Any]:
        row = store.db.session.get(store.Row, 1)
        for number in store.datastar.every(0.01):
            yield {"number": number, "name": row.name}

    connections = [connect(PATH, app=store.app) for _ in range(10)]

    for connection in connections:
        connection.wait('"name":"first"', count=5)
