"""Clicks in the database: what ran and what was written are one, whatever is killed in between."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.pool import StaticPool

from flask_datastar import Datastar
from flask_datastar.errors import ConfigError, DatastarError, SetupError
from flask_datastar.repeats import table
from flask_datastar.repeats.app import Repeats
from flask_datastar.repeats.claim import Claim
from flask_datastar.repeats.claims import SharedClaims, Ticket, Verdict
from flask_datastar.repeats.clicks import Stage
from flask_datastar.repeats.owners import Owner
from flask_datastar.repeats.table import HasRun
from flask_datastar.state.app import app_state_of
from tests.brokers.joined import BROKERS, URL
from tests.repeats.conftest import counts, send_click
from tests.support.checks import wait_until


class Shop:
    """A process of an app with a database; others may have the same file."""

    def __init__(
        self, uri: str, *, makes_table: bool = True, engine_options: dict[str, Any] | None = None, **settings: Any
    ) -> None:
        self.app = Flask("shop")
        self.app.config.update(TESTING=True, SECRET_KEY="test", SQLALCHEMY_DATABASE_URI=uri)
        if engine_options:
            self.app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options
        self.db = SQLAlchemy(self.app)

        class Order(self.db.Model):  # type: ignore[name-defined, misc]
            id = self.db.Column(self.db.Integer, primary_key=True)
            title = self.db.Column(self.db.String(40), unique=True)

        self.order: Any = Order
        self.datastar = Datastar(self.app, repeats=self.db, **settings)
        self.calls: list[str] = []
        with self.app.app_context():
            if makes_table:
                self.db.create_all()
            else:
                Order.__table__.create(self.db.engine)

    def add(self, title: str | None = None) -> None:
        self.calls.append("add")
        self.db.session.add(self.order(title=title))
        self.db.session.commit()
        self.datastar.signal("done", True)

    def handler(self, function: Callable[[], object] | None = None, *, group: str = "g") -> None:
        def act() -> object:
            return (function if function is not None else self.add)()

        self.datastar.handler(group=group, name="act")(act)

    def click(self, key: str = "0.1", **options: Any) -> Any:
        return send_click(self.app.test_client(), "/ds/g/act", key, **options)

    def rows(self) -> list[tuple[int, str | None]]:
        with self.app.app_context():
            return [tuple(row) for row in self.db.session.execute(select(self.order.id, self.order.title))]

    def repeats(self) -> int:
        with self.app.app_context():
            return int(self.db.session.execute(text("select count(*) from datastar_repeat")).scalar_one())

    def close(self) -> None:
        with self.app.app_context():
            self.db.engine.dispose()


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/shop.sqlite"


@pytest.fixture
def shops(uri: str) -> Iterator[tuple[Shop, Shop]]:
    """A process, and the one that takes its place after a kill: it has the database, and no memory."""
    made = Shop(uri), Shop(uri)
    for one in made:
        one.handler()
    yield made
    for one in made:
        one.close()


def test_click_whose_process_was_killed_after_the_commit_writes_once(shops: tuple[Shop, Shop]) -> None:
    killed, other = shops
    killed.click()

    repeat = other.click()

    assert (repeat.status_code, repeat.headers["Datastar-Repeat-Ignored"], repeat.data) == (204, "true", b"")
    assert len(other.rows()) == other.repeats() == 1
    # From now on this process knows it, too, and runs nothing.
    assert other.click().status_code == 204
    assert other.calls == ["add"]
    assert counts(other.app) == {"runs": 1, "answered": 0, "ignored": 2}


def test_click_whose_process_was_killed_before_the_commit_is_not_lost(shops: tuple[Shop, Shop]) -> None:
    killed, other = shops

    def die() -> None:
        killed.db.session.add(killed.order())
        killed.db.session.flush()
        raise SystemExit

    killed.datastar.handler(group="h", name="act")(die)
    with pytest.raises(SystemExit):
        send_click(killed.app.test_client(), "/ds/h/act")
    other.datastar.handler(group="h", name="act")(other.add)

    assert send_click(other.app.test_client(), "/ds/h/act").status_code == 200
    assert len(other.rows()) == other.repeats() == 1


def test_each_click_writes(shops: tuple[Shop, Shop]) -> None:
    one, other = shops
    for key in ("1", "2", "3"):
        assert one.click(key).status_code == 200
        assert other.click(f"{key}1").status_code == 200

    assert len(one.rows()) == one.repeats() == 6


def test_same_key_of_another_tab_is_another_click(shops: tuple[Shop, Shop]) -> None:
    one, other = shops
    one.click(json={"tabId": "a.1"})

    assert other.click(json={"tabId": "b.1"}).status_code == 200
    assert len(one.rows()) == 2


def test_what_the_handler_catches_is_not_the_rows_fault(uri: str) -> None:
    caught: list[Exception] = []

    def act(shop: Shop) -> None:
        try:
            shop.add()
        except Exception as error:
            caught.append(error)
            raise

    killed, other = Shop(uri), Shop(uri)
    killed.handler(partial(act, killed))
    other.handler(partial(act, other))
    killed.click()

    assert other.click().status_code == 204
    assert caught == []
    assert len(other.rows()) == 1
    for one in (killed, other):
        one.close()


def test_handler_that_catches_a_title_that_is_taken_is_not_asked(uri: str) -> None:
    def act(shop: Shop) -> None:
        shop.db.session.add(shop.order(title="tea"))
        try:
            shop.db.session.flush()
        except IntegrityError:
            shop.db.session.rollback()
            shop.datastar.signal("error", "there is tea already")
        else:
            shop.db.session.commit()

    one, other = Shop(uri), Shop(uri)
    for shop in (one, other):
        shop.handler(partial(act, shop))
    assert one.click().status_code == 204
    # The page is not told that its own tea is somebody else's.
    assert other.click().headers["Datastar-Repeat-Ignored"] == "true"
    assert b"already" in other.click("0.2").data
    assert len(other.rows()) == 1
    for shop in (one, other):
        shop.close()


def test_row_goes_with_the_transaction_that_is_committed(uri: str) -> None:
    shop, other = Shop(uri), Shop(uri)

    def act(shop: Shop) -> None:
        session_ = shop.db.session
        session_.add(shop.order(title="taken"))
        session_.commit()
        session_.add(shop.order(title="taken"))
        with pytest.raises(IntegrityError):
            session_.commit()
        session_.rollback()

    def retry(shop: Shop) -> None:
        # The first commit fails, and takes the row along.
        shop.db.session.add(shop.order(title="taken"))
        with pytest.raises(IntegrityError):
            shop.db.session.commit()
        shop.db.session.rollback()
        shop.db.session.add(shop.order(title="free"))
        shop.db.session.commit()

    shop.handler(partial(act, shop))
    assert shop.click().status_code == 204
    for one in (shop, other):
        one.handler(partial(retry, one), group="h")
    assert send_click(shop.app.test_client(), "/ds/h/act").status_code == 204
    assert shop.repeats() == 2
    # The second process meets the row at its first commit.
    repeat = send_click(other.app.test_client(), "/ds/h/act")
    assert repeat.headers["Datastar-Repeat-Ignored"] == "true"
    assert [title for _, title in other.rows()] == ["taken", "free"]
    for one in (shop, other):
        one.close()


def test_commit_at_the_end_of_the_request_writes_the_row(uri: str) -> None:
    shop, other = Shop(uri), Shop(uri)
    for one in (shop, other):

        def act(one: Shop = one) -> None:
            one.db.session.add(one.order(title="tea"))

        def commit(error: BaseException | None, one: Shop = one) -> None:
            one.db.session.commit()

        one.handler(act)
        one.app.teardown_request(commit)

    assert shop.click().status_code == 204
    assert shop.repeats() == len(shop.rows()) == 1
    assert other.click().headers["Datastar-Repeat-Ignored"] == "true"
    assert other.repeats() == len(other.rows()) == 1
    for one in (shop, other):
        one.close()


def test_savepoints_and_statements_without_objects_count(uri: str) -> None:
    def act(shop: Shop) -> None:
        shop.calls.append("act")
        with shop.db.session.begin_nested():
            shop.db.session.execute(insert(shop.order).values(title="a"))
        assert shop.db.session.execute(text("select count(*) from datastar_repeat")).scalar_one() == 0
        shop.db.session.commit()
        shop.db.session.execute(insert(shop.order).values(title="b"))
        shop.db.session.commit()

    one, other = Shop(uri), Shop(uri)
    for shop in (one, other):
        shop.handler(partial(act, shop))
    one.click()
    # What the savepoint writes again is refused before anybody looks for the row.
    assert other.click().headers["Datastar-Repeat-Ignored"] == "true"
    assert [title for _, title in other.rows()] == ["a", "b"]
    assert other.repeats() == 1
    for shop in (one, other):
        shop.close()


def test_session_outside_of_a_click_writes_no_row(shops: tuple[Shop, Shop]) -> None:
    shop, _ = shops
    with shop.app.app_context():
        shop.db.session.add(shop.order())
        shop.db.session.commit()

    @shop.app.post("/plain")
    def plain() -> str:
        shop.add()
        return ""

    shop.app.test_client().post("/plain?_k=1", headers={"Datastar-Request": "true"})
    shop.datastar.handler(group="h", name="often", once=False)(lambda: shop.add())
    send_click(shop.app.test_client(), "/ds/h/often")

    assert shop.repeats() == 0
    assert len(shop.rows()) == 3


def test_generator_that_commits_first_runs_once(uri: str) -> None:
    def act(shop: Shop) -> Iterator[None]:
        shop.add()
        yield
        shop.datastar.signal("step", 2)

    one, other = Shop(uri), Shop(uri)
    for shop in (one, other):
        shop.handler(partial(act, shop))
    assert one.click().data.count(b"event:") == 2
    assert other.click().headers["Datastar-Repeat-Ignored"] == "true"
    assert len(other.rows()) == other.repeats() == 1
    for shop in (one, other):
        shop.close()


def test_what_has_sent_something_cannot_be_answered_as_a_repeat(shops: tuple[Shop, Shop]) -> None:
    killed, other = shops
    killed.click()
    repeats = app_state_of(other.app).part(Repeats)
    store = repeats.store.get()
    claim = Claim(repeats, store, None, "g:act\0000.1", Owner(tab="tab"))
    store.add(claim)
    claim.finish()

    with other.app.app_context(), pytest.raises(DatastarError, match="ran earlier, so what it does again is rolled"):
        claim.write_row(other.db.session)


def test_missing_table_says_what_to_do(uri: str) -> None:
    shop = Shop(uri, makes_table=False)
    shop.handler()

    with pytest.raises(SetupError, match=r"no table 'datastar_repeat'.*; create it by a migration, or by db"):
        shop.click()
    assert shop.rows() == []
    shop.close()


def test_table_is_on_the_apps_metadata_once(uri: str) -> None:
    db = SQLAlchemy()
    datastar = Datastar(repeats=db)
    for name in ("one", "two"):
        app = Flask(name)
        app.config.update(SECRET_KEY="test", SQLALCHEMY_DATABASE_URI="sqlite://")
        db.init_app(app)
        datastar.init_app(app)

    assert list(db.metadata.tables) == ["datastar_repeat"]
    assert [column.name for column in db.metadata.tables["datastar_repeat"].columns] == ["id", "ran_at"]


def test_another_database_of_the_app_gets_no_row(uri: str, tmp_path: Path) -> None:
    shop, other = Shop(uri), Shop(f"sqlite:///{tmp_path}/other.sqlite", makes_table=False)

    def act() -> None:
        with other.app.app_context():
            other.db.session.add(other.order())
            other.db.session.commit()
        shop.add()

    shop.handler(act)
    shop.click()

    assert shop.repeats() == 1
    for one in (shop, other):
        one.close()


@pytest.mark.parametrize("value", ["sqlite://", object(), True])
def test_something_else_is_refused(value: object) -> None:
    with pytest.raises(ConfigError, match=r"^DATASTAR_REPEATS \(argument repeats\) is .*; accepted: None, or the SQL"):
        Datastar(Flask("shop"), repeats=value)


def test_it_is_off_with_repeats(uri: str) -> None:
    app = Flask("shop")
    app.config.update(SECRET_KEY="test", SQLALCHEMY_DATABASE_URI=uri)
    db = SQLAlchemy(app)
    Datastar(app, repeats=db, repeats_seconds=0)

    assert "datastar_repeat" not in db.metadata.tables


# Cleaning


def test_old_rows_are_deleted_from_time_to_time(shops: tuple[Shop, Shop], monkeypatch: pytest.MonkeyPatch) -> None:
    shop, _ = shops
    shop.click("1")
    with shop.app.app_context():
        shop.db.session.execute(text("update datastar_repeat set ran_at = ran_at - 601"))
        shop.db.session.commit()
    shop.click("2")
    assert shop.repeats() == 2
    monkeypatch.setattr(table, "_CLEAN_EVERY_SECONDS", 0)
    shop.click("3")

    wait_until(lambda: shop.repeats() == 2)


def test_cleaning_that_fails_is_logged_and_harms_nobody(
    shops: tuple[Shop, Shop], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    shop, _ = shops
    monkeypatch.setattr(table, "_CLEAN_EVERY_SECONDS", 0)
    own = app_state_of(shop.app).part(Repeats).table
    assert own is not None
    monkeypatch.setattr(own, "table", None)
    with caplog.at_level(logging.WARNING):
        with shop.app.app_context():
            own.clean(shop.app)
        wait_until(lambda: "could not be deleted" in caplog.text)


def test_database_in_memory_is_not_cleaned_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    # All have one connection, and it ends with the process.
    monkeypatch.setattr(table, "_CLEAN_EVERY_SECONDS", 0)
    monkeypatch.setattr(table, "spawn", pytest.fail)
    shop = Shop("sqlite://", engine_options={"poolclass": StaticPool})
    shop.handler()

    assert shop.click().status_code == 200
    assert shop.repeats() == 1
    shop.close()


# What only unlucky moments show


def test_row_of_a_lost_process_is_asked_for_before_anything_runs(shops: tuple[Shop, Shop]) -> None:
    killed, other = shops
    killed.click()
    own = app_state_of(other.app).part(Repeats).table
    assert own is not None
    with other.app.app_context():
        row = other.db.session.execute(text("select id from datastar_repeat")).scalar_one()
        assert own.has_row(row)
        assert not own.has_row("another")
        with pytest.raises(HasRun):
            own.insert(other.db.session, row)
        own.rollback()


def test_other_errors_of_the_database_stay_what_they_are(uri: str) -> None:
    shop = Shop(uri)
    own = app_state_of(shop.app).part(Repeats).table
    assert own is not None
    row: Any = object()
    with shop.app.app_context(), pytest.raises(DBAPIError, match="not supported"):
        own.insert(shop.db.session, row)
    shop.close()


def test_plain_view_whose_process_was_killed_after_the_commit_writes_once(shops: tuple[Shop, Shop]) -> None:
    for shop in shops:
        shop.app.post("/pay", endpoint="pay")(shop.datastar.once(lambda shop=shop: shop.add() or "paid"))
    killed, other = shops
    assert send_click(killed.app.test_client(), "/pay").data == b"paid"

    repeat = send_click(other.app.test_client(), "/pay")

    assert (repeat.status_code, repeat.headers["Datastar-Repeat-Ignored"]) == (204, "true")
    assert len(other.rows()) == other.repeats() == 1


def test_plain_view_that_fails_after_its_click_ran_elsewhere_is_a_repeat(shops: tuple[Shop, Shop]) -> None:
    def fail(shop: Shop) -> str:
        raise RuntimeError(shop)

    for shop, function in zip(shops, (lambda shop: shop.add() or "paid", fail), strict=True):
        shop.app.post("/pay", endpoint="pay")(shop.datastar.once(lambda shop=shop, function=function: function(shop)))
    killed, other = shops
    assert send_click(killed.app.test_client(), "/pay").data == b"paid"

    assert send_click(other.app.test_client(), "/pay").status_code == 204
    assert len(other.rows()) == 1


def test_row_tells_what_a_lost_process_did(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    killed, other = Shop(uri), Shop(uri, broker_url=URL, brokers=BROKERS)
    killed.handler()
    other.handler()
    killed.click()
    lost = (Ticket("key", Owner()), Verdict(Stage.FAILED, is_lost=True))
    monkeypatch.setattr(SharedClaims, "claim", lambda *_, **__: lost)
    monkeypatch.setattr(SharedClaims, "finish", lambda *_, **__: None)

    repeat = other.click()

    assert (repeat.status_code, other.calls) == (204, [])
    killed.close()
    other.close()
