"""A broker of somebody's own: the one in the documentation keeps what every broker promises."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_datastar import Datastar
from flask_datastar.brokers.memory import MemoryBroker
from flask_datastar.brokers.schemes import check_broker_url
from flask_datastar.errors import BrokerError, ConfigError, SetupError
from flask_datastar.testing import Brokers, SharedBrokerContract
from flask_datastar.testing.brokers import send
from flask_datastar.testing.waiting import wait_until
from tests.support.streams import hub_for

HOWTO = Path(__file__).parents[2] / "docs/howto"


OWN = {"sqlite": "sqlite_broker:SqliteBroker"}


@pytest.fixture(autouse=True)
def path(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the module that the page shows be imported."""
    monkeypatch.syspath_prepend(HOWTO)
    yield
    sys.modules.pop("sqlite_broker", None)


class TestSqliteBroker(SharedBrokerContract):
    @pytest.fixture
    def brokers(self, tmp_path: Path) -> Iterator[Brokers]:
        with Brokers(f"sqlite://{tmp_path}/broker", OWN) as brokers:
            yield brokers
        # What is closed leaves nothing behind.
        for path in tmp_path.glob("broker.*"):
            if not path.name.endswith(("-wal", "-shm")):
                with sqlite3.connect(path) as connection:
                    assert connection.execute("SELECT * FROM streams").fetchall() == []
                connection.close()

    def test_file_that_cannot_be_written_is_an_error(self, tmp_path: Path) -> None:
        with Brokers(f"sqlite://{tmp_path}/missing/broker", OWN) as brokers:
            broker, inbox = brokers.make()
            broker.subscribe("news")
            broker.note_streams("ann", "tab", 1)
            with pytest.raises(BrokerError, match="the broker's file cannot be used: unable to open"):
                send(broker, b"1")
            send(broker, b"2", waits=False)
            assert inbox.data == [b"1"]
            assert broker.count_elsewhere("ann", None) == 0
            with pytest.raises(BrokerError):
                broker.count_tabs_elsewhere()

    def test_file_that_could_not_be_opened_is_caught_up_with(self, tmp_path: Path) -> None:
        with Brokers(f"sqlite://{tmp_path}/broker", OWN, timeout_seconds=0.1) as brokers:
            (broker, inbox), (other, _) = brokers.make(), brokers.make()
            with closing(sqlite3.connect(f"{tmp_path}/broker.shop", isolation_level=None)) as somebody:
                somebody.execute("BEGIN EXCLUSIVE")
                broker.subscribe("news")
                assert inbox.catch_ups == 0
                somebody.execute("COMMIT")

            wait_until(lambda: inbox.catch_ups == 1)
            send(other, b"1")
            inbox.wait_for(b"1")
            assert inbox.catch_ups == 1


@pytest.mark.parametrize("gives_class", [False, True])
def test_app_knows_the_broker_that_is_given(tmp_path: Path, gives_class: bool) -> None:
    source = import_module("sqlite_broker").SqliteBroker if gives_class else OWN["sqlite"]
    app = Flask("shop")
    datastar = Datastar(app, brokers={"sqlite": source}, broker_url=f"sqlite://{tmp_path}/broker")

    with app.app_context():
        assert datastar.tabs.count(everywhere=True) == 0
    assert type(hub_for(app).bus.broker).__name__ == "SqliteBroker"
    hub_for(app).bus.close()


def test_brokers_belong_to_the_instance_they_are_given_to() -> None:
    Datastar(Flask("one"), brokers={"own": "flask_datastar.brokers.memory:MemoryBroker"}, broker_url="own://")

    with pytest.raises(ConfigError, match=r"^DATASTAR_BROKER_URL \(argument broker_url\) is 'own://…'"):
        Datastar(Flask("two"), broker_url="own://")


def test_brokers_may_be_named_in_the_config() -> None:
    app = Flask("shop")
    app.config.update(
        DATASTAR_BROKERS={"own": "flask_datastar.brokers.memory.MemoryBroker"}, DATASTAR_BROKER_URL="own://"
    )
    datastar = Datastar(app)

    with app.app_context():
        datastar.publish("news")


@pytest.mark.parametrize("scheme", ["my_broker", "NATS", "redis+nats", "redis"])
def test_scheme_is_taken_as_it_is_given(scheme: str) -> None:
    app = Flask("shop")
    datastar = Datastar(app, brokers={scheme: MemoryBroker}, broker_url=f"{scheme}://host:1/x")

    with app.app_context():
        datastar.publish("news")
    assert type(hub_for(app).bus.broker) is MemoryBroker
    assert hub_for(app).bus.broker.url == f"{scheme}://host:1/x"


@pytest.mark.parametrize(
    "value",
    [
        *["own", ["own"], {"own": None}, {"own": MemoryBroker("", None, None)}],  # type: ignore[arg-type]
        *[{"own://": MemoryBroker}, {"": MemoryBroker}, {1: MemoryBroker}, {"own": "MemoryBroker"}, {"own": "a b:C"}],
    ],
)
def test_brokers_that_are_no_mapping_to_classes_are_refused(value: Any) -> None:
    with pytest.raises(
        ConfigError,
        match=r"^DATASTAR_BROKERS \(argument brokers\) is .*; accepted: None, or a mapping of ",
    ):
        Datastar(Flask("shop"), brokers=value)


@pytest.mark.parametrize("source", [dict, "collections:OrderedDict", "flask_datastar.brokers.memory:NoSuchBroker"])
def test_class_that_is_no_broker_is_refused(source: Any) -> None:
    with pytest.raises(ConfigError, match=r"^URL is 'own://…', but its broker .* is not a class of brokers; acc"):
        check_broker_url("own://:secret@h", "URL", {"own": source})


@pytest.mark.parametrize("source", ["no_such_module:Broker", "flask_datastar.no_such_module.Broker"])
def test_broker_that_cannot_be_imported_is_refused_when_the_app_starts(source: str) -> None:
    with pytest.raises(SetupError, match=r"its broker '.*' cannot be imported: No module named '.*no_such_module'; "):
        Datastar(Flask("shop"), brokers={"own": source}, broker_url="own://")
    # It is not needed here.
    Datastar(Flask("shop"), brokers={"own": source})


def test_refusal_of_other_schemes_names_it() -> None:
    with pytest.raises(ConfigError, match=r"'redis://' or 'rediss://' or 'sqlite://'. A broker of your own is"):
        Datastar(Flask("shop"), brokers=OWN, broker_url="nats://localhost")
