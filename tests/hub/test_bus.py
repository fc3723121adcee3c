"""What one process could not publish, streams of other processes catch up with when the broker is there again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from flask_datastar import Datastar
from flask_datastar.brokers.memory import MemoryBroker
from flask_datastar.brokers.payload import MessageKind, Payload
from flask_datastar.errors import BrokerError
from flask_datastar.hub import bus as bus_module
from flask_datastar.hub.bus import Bus
from flask_datastar.hub.scopes import REGIONS_TOPIC
from flask_datastar.hub.turns import Turns
from flask_datastar.state.app import app_state_of

MESSAGE, EVENTS, STORED, TABS, MISSED = MessageKind
DEADLINE_SECONDS = 40


class FailingBroker(MemoryBroker):
    """One that can be away, and remembers what has left the process."""

    is_shared = True

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.is_away = False
        self.published: list[tuple[str, str, str]] = []
        #: Called while a publisher is being told that it has failed.
        self.on_failure: Any = None
        self.heard = threading.Condition()

    def publish(self, channel: str, topic: str, kind: str, payload: Payload, *, waits: bool = True) -> None:
        super().publish(channel, topic, kind, payload, waits=waits)
        if self.is_away:
            if self.on_failure is not None:
                self.on_failure()
            raise BrokerError("away")
        with self.heard:
            self.published.append((channel, topic, kind))
            self.heard.notify_all()

    def wait_for(self, count: int) -> list[tuple[str, str, str]]:
        with self.heard:
            assert self.heard.wait_for(lambda: len(self.published) >= count, DEADLINE_SECONDS), self.published
            return list(self.published)


class Listener:
    """A subscriber that counts."""

    def __init__(self) -> None:
        self.kinds: list[str] = []
        self.catch_ups = 0

    def deliver(self, topic: str, kind: str, payload: Any) -> None:
        self.kinds.append(kind)

    def catch_up(self) -> None:
        self.catch_ups += 1


@pytest.fixture
def bus() -> Iterator[Bus]:
    app = Flask(__name__)
    Datastar(app, brokers={"failing": FailingBroker}, broker_url="failing://", broker_on_failure="raise")
    bus = Bus(app_state_of(app).settings, app.name, Turns())
    yield bus
    bus.close()


def broker_of(bus: Bus) -> Any:
    return bus.broker


def fail(bus: Bus, topic: str, kind: MessageKind = MESSAGE) -> None:
    with pytest.raises(BrokerError, match="away"):
        bus.publish(topic, kind, Payload(b"1"))


def test_topics_that_failed_are_made_good_after_the_outage(bus: Bus) -> None:
    broker = broker_of(bus)
    broker.is_away = True
    for topic, kind in (("news", MESSAGE), ("news", EVENTS), ("\x003:ann:tab", EVENTS)):
        fail(bus, topic, kind)
    # Who closes a tab is told that it may not be closed; that is no message of a stream.
    fail(bus, "\x003:bob", TABS)

    broker.is_away = False
    bus.catch_up()

    assert sorted(broker.wait_for(2)) == [("\x003:ann", "\x003:ann:tab", MISSED), ("news", "news", MISSED)]
    bus.catch_up()
    bus.publish("news", MESSAGE, Payload(b"2"))
    # Once.
    assert len(broker.wait_for(3)) == 3


def test_own_streams_catch_up_once(bus: Bus) -> None:
    broker, listener = broker_of(bus), Listener()
    bus.subscribe(("news",), listener)
    broker.is_away = True
    fail(bus, "news")

    broker.is_away = False
    bus.catch_up()

    assert broker.wait_for(1) == [("news", "news", MISSED)]
    assert (listener.kinds, listener.catch_ups) == ([MESSAGE], 1)


def test_outage_that_ends_while_it_is_noted_is_made_good(bus: Bus) -> None:
    broker = broker_of(bus)

    def recover() -> None:
        broker.is_away = False
        bus.catch_up()

    broker.is_away, broker.on_failure = True, recover
    fail(bus, "news")

    assert broker.wait_for(1) == [("news", "news", MISSED)]


def test_next_outage_does_not_make_it_forgotten(bus: Bus) -> None:
    broker = broker_of(bus)
    broker.is_away = True
    fail(bus, "news")
    tried = threading.Event()
    broker.on_failure = tried.set
    bus.catch_up()
    assert tried.wait(DEADLINE_SECONDS)

    broker.is_away, broker.on_failure = False, None
    bus.catch_up()

    assert broker.wait_for(1) == [("news", "news", MISSED)]


def test_others_catch_up_with_that_topic_alone(bus: Bus) -> None:
    listener, other = Listener(), Listener()
    bus.subscribe(("news",), listener)
    bus.subscribe(("weather",), other)

    bus.receive("news", MISSED, Payload(b""))
    bus.receive("sports", MISSED, Payload(b""))

    assert (listener.catch_ups, other.catch_ups) == (1, 0)
    assert listener.kinds == other.kinds == []


def test_only_so_many_topics_are_remembered(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bus_module, "_MOST_MISSED", 2)
    broker = broker_of(bus)
    broker.is_away = True
    for topic in ("a", "b", "c"):
        fail(bus, topic)

    broker.is_away = False
    bus.catch_up()
    broker.wait_for(2)
    bus.publish("end", MESSAGE, Payload(b"1"))

    assert sorted(topic for _, topic, _ in broker.wait_for(3)) == ["a", "b", "end"]


def test_death_of_a_process_makes_all_read_internal_topics_again(bus: Bus) -> None:
    listener, other = Listener(), Listener()
    bus.subscribe((REGIONS_TOPIC,), listener)
    bus.subscribe(("news",), other)

    bus.lose_process()
    assert broker_of(bus).published == [(REGIONS_TOPIC, REGIONS_TOPIC, MISSED)]

    # Unlike after an outage of its own, this process has missed the messages, too.
    assert (listener.catch_ups, other.catch_ups) == (1, 0)


def test_death_of_a_process_during_an_outage_is_told_after_it(bus: Bus) -> None:
    broker = broker_of(bus)
    broker.is_away = True
    bus.lose_process()

    broker.is_away = False
    bus.catch_up()

    assert broker.wait_for(1) == [(REGIONS_TOPIC, REGIONS_TOPIC, MISSED)]


def test_stored_events_are_events_that_share_no_compression(bus: Bus) -> None:
    got: list[tuple[str, bool]] = []

    class Keeper(Listener):
        def deliver(self, topic: str, kind: str, payload: Any) -> None:
            got.append((kind, payload.is_stored))

    bus.subscribe(("news",), Keeper())
    bus.publish("news", STORED, Payload(b"data: 1\n\n"))
    bus.publish("news", EVENTS, Payload(b"data: 2\n\n"))
    # An end is missing.
    bus.receive("news", STORED, Payload(b"data: 3"))

    assert got == [(EVENTS, True), (EVENTS, False)]
