"""A broker of somebody's own: the one in the documentation keeps what every broker promises."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from flask import Flask

from flask_datastar import Datastar
from flask_datastar.brokers import BROKERS
from flask_datastar.errors import BrokerError, ConfigError, SetupError
from tests.brokers.contract import Brokers, SharedBrokerContract, say
from tests.support.checks import wait_until
from tests.support.streams import hub_for

HOWTO = Path(__file__).parents[2] / "docs/howto"


@pytest.fixture(autouse=True)
def row(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Add the row that the page shows."""
    monkeypatch.syspath_prepend(HOWTO)
    monkeypatch.setitem(BROKERS, "sqlite", ("sqlite_broker", "SqliteBroker", None))
    yield
    sys.modules.pop("sqlite_broker", None)


class TestSqliteBroker(SharedBrokerContract):
    @pytest.fixture
    def brokers(self, tmp_path: Path) -> Iterator[Brokers]:
        with Brokers(f"sqlite://{tmp_path}/broker") as brokers:
            yield brokers
        # What is closed leaves nothing behind.
        for path in tmp_path.glob("broker.*"):
            if not path.name.endswith(("-wal", "-shm")):
                with sqlite3.connect(path) as connection:
                    assert connection.execute("SELECT * FROM streams").fetchall() == []
                connection.close()

    def test_file_that_cannot_be_written_is_an_error(self, tmp_path: Path) -> None:
        with Brokers(f"sqlite://{tmp_path}/missing/broker") as brokers:
            broker, taker = brokers.make()
            broker.subscribe("news")
            broker.note_streams("ann", "tab", 1)
            with pytest.raises(BrokerError, match="the broker's file cannot be used: unable to open"):
                say(broker, b"1")
            say(broker, b"2", waits=False)
            assert taker.data == [b"1"]
            assert broker.count_elsewhere("ann", None) == 0
            with pytest.raises(BrokerError):
                broker.count_tabs_elsewhere()

    def test_file_that_could_not_be_opened_is_caught_up_with(self, tmp_path: Path) -> None:
        with Brokers(f"sqlite://{tmp_path}/broker", timeout_seconds=0.1) as brokers:
            (broker, taker), (other, _) = brokers.make(), brokers.make()
            with closing(sqlite3.connect(f"{tmp_path}/broker.shop", isolation_level=None)) as somebody:
                somebody.execute("BEGIN EXCLUSIVE")
                broker.subscribe("news")
                assert taker.catch_ups == 0
                somebody.execute("COMMIT")

            wait_until(lambda: taker.catch_ups == 1)
            say(other, b"1")
            taker.wait_for(b"1")
            assert taker.catch_ups == 1


def test_app_knows_the_new_scheme(tmp_path: Path) -> None:
    app = Flask("shop")
    datastar = Datastar(app, broker_url=f"sqlite://{tmp_path}/broker")

    with app.app_context():
        assert datastar.tabs.count(everywhere=True) == 0
    hub_for(app).bus.close()


@pytest.mark.parametrize("scheme", ["my_broker", "NATS", "redis+nats"])
def test_scheme_is_taken_as_the_row_has_it(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    monkeypatch.setitem(BROKERS, scheme, ("flask_datastar.brokers.memory", "MemoryBroker", None))
    app = Flask("shop")
    datastar = Datastar(app, broker_url=f"{scheme}://host:1/x")

    with app.app_context():
        datastar.publish("news")
    assert hub_for(app).bus.broker.url == f"{scheme}://host:1/x"


@pytest.mark.parametrize("package", ["no_such_client", "no_such_client.pubsub"])
def test_missing_package_of_an_own_broker_is_no_extra_of_this_one(
    monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(BROKERS, "nats", ("shop.nats_broker", "NatsBroker", package))

    expected = rf"^DATASTAR_BROKER_URL .*needs {package}; install it by: pip install no_such_client$"
    with pytest.raises(SetupError, match=expected):
        Datastar(Flask("shop"), broker_url="nats://localhost")


def test_refusal_of_other_schemes_names_it() -> None:
    with pytest.raises(ConfigError, match="'redis://' or 'rediss://' or 'sqlite://'"):
        Datastar(Flask("shop"), broker_url="nats://localhost")
