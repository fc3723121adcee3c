"""An app with presence, and processes that are joined by a broker that tests can hold and cut."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask, request

from flask_datastar import Datastar, Present
from flask_datastar.hub import bus
from flask_datastar.presence import timers
from flask_datastar.presence.joins import presence_of
from flask_datastar.presence.process import Presence
from flask_datastar.state.app import app_state_of
from flask_datastar.testing.waiting import wait_until
from tests.brokers.joined import BROKERS, URL, JoinedBroker, Line
from tests.support.streams import Connect, hub_for
from tests.support.wsgi import Connection, call

#: Short enough to wait for.
LINGER_SECONDS = 0.3


class Site:
    """An app, or one process of an app, with pages at topics."""

    def __init__(self, connect: Connect, **config: Any) -> None:
        self._connect = connect
        self.app = Flask("shop")
        self.app.config.update(
            TESTING=True, DATASTAR_PRESENCE_LINGER_SECONDS=LINGER_SECONDS, DATASTAR_RESTART_SPREAD_SECONDS=0
        )
        self.app.config.update(config)
        self.datastar = datastar = Datastar(self.app, brokers=BROKERS)

        def scope() -> str | None:
            return request.args.get("scope")

        @datastar.stream(group="g", scope=scope)
        def board(name: str = "") -> Any:
            datastar.join("board", name=name)
            return datastar.follow("board")

        @datastar.stream(group="g", scope=scope)
        def silent() -> Any:
            return datastar.follow("board")

        @datastar.stream(group="g", scope=scope)
        def busy() -> Iterator[object]:
            datastar.join("board", n=0)
            for message in datastar.subscribe("busy"):
                assert message is not None
                if message.data == "leave":
                    datastar.leave("board")
                elif message.data == "end":
                    return
                else:
                    datastar.join("board", n=message.data)
                yield datastar.signal("done", message.data)

        @datastar.stream(group="g")
        def watching() -> Iterator[object]:
            for _ in datastar.changes(datastar.presence_topic("board"), at_most_every=0):
                datastar.signal("names", [one.scope or one.data.get("name") for one in datastar.presence("board")])
                yield

        @datastar.handler(group="g", methods=["GET", "POST"])
        def edit(card: int = 1) -> None:
            datastar.join(f"card{card}", by="hand")

        @datastar.handler(group="g", methods=["GET", "POST"])
        def stop(card: int = 1) -> None:
            datastar.leave(f"card{card}")

    def open(self, name: str, tab: str | None = None, scope: str | None = None, **options: Any) -> Connection:
        signals = {} if tab is None else {"tabId": tab}
        signals |= options.pop("signals", {})
        query = "" if scope is None else f"?scope={scope}"
        return self._connect(f"/ds/g/{name}{query}", app=self.app, signals=signals, **options).wait_open()

    def post(self, name: str, tab: str | None, method: str = "POST") -> int:
        """Run a handler for the page of a tab."""
        headers = {} if tab is None else {"Datastar-Tab": tab}
        status, _, body = call(self.app, f"/ds/g/{name}", method=method, headers=headers)
        body.close()
        return status

    def people(self, topic: str = "board") -> list[Present]:
        with self.app.app_context():
            return self.datastar.presence(topic)

    def names(self, topic: str = "board") -> list[str]:
        return [one.scope for one in self.people(topic)]

    def wait_for(self, names: list[str], topic: str = "board") -> None:
        wait_until(lambda: self.names(topic) == names)

    @property
    def presence(self) -> Presence:
        return presence_of(app_state_of(self.app))

    @property
    def broker(self) -> JoinedBroker:
        broker = hub_for(self.app).bus.broker
        assert isinstance(broker, JoinedBroker)
        return broker


MakeSite = Callable[..., Site]


@pytest.fixture
def make_site(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeSite]:
    monkeypatch.setattr(timers, "STEP_SECONDS", 0.02)
    monkeypatch.setattr(JoinedBroker, "lines", {})
    monkeypatch.setattr(bus, "_IDLE_SECONDS", 0.05)
    made: list[Site] = []

    def make(**config: Any) -> Site:
        made.append(Site(connect, **config))
        return made[-1]

    yield make
    for site in made:
        hub = hub_for(site.app)
        hub.stop()
        wait_until(lambda hub=hub: hub.stats()["open"] == 0)
        hub.bus.close()


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return make_site()


@pytest.fixture
def make_process(make_site: MakeSite) -> MakeSite:
    return lambda **config: make_site(DATASTAR_BROKER_URL=URL, **config)


@pytest.fixture
def processes(make_process: MakeSite) -> tuple[Site, Site]:
    return make_process(), make_process()


@pytest.fixture
def line(processes: tuple[Site, Site]) -> Line:
    for process in processes:
        assert not process.broker.is_closed
    return JoinedBroker.lines["shop"]
