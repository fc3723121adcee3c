"""Messages that no process sends, as they come from a broker: skipped, logged once, and no stream is worse for them."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from flask_datastar import Datastar
from flask_datastar.brokers.payload import MessageKind, Payload
from flask_datastar.brokers.wire import decode
from flask_datastar.hub import bus as bus_module
from flask_datastar.hub import tab_messages
from flask_datastar.hub.bus import Bus
from tests.brokers.joined import BROKERS, URL, JoinedBroker
from tests.support.hostile import TAB_MESSAGES, VALUES, damaged_messages, nested
from tests.support.streams import Connect, hub_for, wait_subscribed
from tests.support.wsgi import ending

MISSING = object()


@pytest.fixture
def datastar() -> Datastar:
    return Datastar(brokers=BROKERS)


@pytest.fixture
def app(datastar: Datastar, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """A process that may have others."""
    monkeypatch.setattr(JoinedBroker, "lines", {})
    # What nobody listens to is given up before the test is over.
    monkeypatch.setattr(bus_module, "_IDLE_SECONDS", 0.05)
    app = Flask("shop")
    app.config.update(TESTING=True, DATASTAR_BROKER_URL=URL, DATASTAR_BROKERS=BROKERS)
    datastar.init_app(app)

    @datastar.stream(group="g", scope="ann")
    def follow() -> Any:
        return datastar.follow("news")

    @datastar.stream(group="g", scope="ann")
    def listen() -> Iterator[Any]:
        for message in datastar.subscribe("news"):
            assert message is not None
            yield {"got": message.data}

    @datastar.stream(group="g", scope="ann")
    def watch() -> Iterator[Any]:
        for number, _ in enumerate(datastar.changes("news", at_most_every=0)):
            yield {"changed": number}

    return app


@pytest.fixture
def bus(app: Flask) -> Bus:
    return hub_for(app).bus


# The tabs


@pytest.mark.parametrize("payload", TAB_MESSAGES, ids=lambda payload: payload.data[:9].decode())
def test_tab_message_is_read_as_it_was_written(payload: Payload) -> None:
    message = tab_messages.decode(payload.data)

    assert tab_messages.decode(message.encode().data) == message
    assert json.loads(message.encode().data) == json.loads(payload.data)


@pytest.mark.parametrize("payload", TAB_MESSAGES, ids=lambda payload: payload.data[:9].decode())
def test_every_field_of_a_tab_message_is_checked(payload: Payload) -> None:
    whole = json.loads(payload.data)
    wrong = []
    for name in whole:
        for value in [MISSING, *VALUES]:
            message = {**whole, name: value}
            if value is MISSING:
                del message[name]
            try:
                tab_messages.decode(json.dumps(message).encode())
            except ValueError:
                is_taken = False
            else:
                is_taken = True
            if is_taken != is_fit(whole, name, value):
                wrong.append((name, value, is_taken))

    assert wrong == []


def is_fit(whole: dict[str, Any], name: str, value: Any) -> bool:
    """Whether a process may have sent a value in the place of a field."""
    if name in ("before", "marks", "sequence") and value is MISSING:
        return True
    if name == "marks":
        return isinstance(value, str) and not value.strip("0123456789abcdef")
    if name in ("at", "before"):
        return type(value) in (int, float) and abs(value) < 10**300
    if name == "page" or (name == "tab" and "close" in whole):
        return isinstance(value, str | None)
    if name == "reason":
        return isinstance(value, str) and value in ("done", "restart")
    return type(value) is type(whole[name]) and (name != "scope" or value != "")


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b'"close"', b"{}", b"\xff", nested(), b'{"a":' * 100_000])
def test_what_is_no_tab_message_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"^it"):
        tab_messages.decode(data)


# The bus


@pytest.mark.parametrize(
    ("topic", "kind", "payload"),
    [
        (7, "events", Payload(b"data: x\n\n")),
        (["news"], "events", Payload(b"data: x\n\n")),
        ("news", "nonsense", Payload(b"data: x\n\n")),
        ("news", ["events"], Payload(b"data: x\n\n")),
        ("news", None, Payload(b"data: x\n\n")),
        ("news", "events", Payload(b"data: no end")),
        ("news", "events", Payload(b"")),
        ("news", "events", Payload(b"data: x\n\n", 7)),  # type: ignore[arg-type]
        ("news", "events", Payload(b"data: x\n\n", "ds:done")),
        ("news", "events", Payload(b"data: x\n\n", "a\nb")),
        ("\0003:ann", "tabs", Payload(b'{"close":"x","scope":"ann","tab":null,"reason":"nonsense"}')),
        ("\0003:ann", "tabs", Payload(nested())),
    ],
)
def test_message_is_skipped_and_logged_once(
    app: Flask,
    datastar: Datastar,
    bus: Bus,
    connect: Connect,
    caplog: pytest.LogCaptureFixture,
    topic: Any,
    kind: Any,
    payload: Payload,
) -> None:
    streams = [connect(f"/ds/g/{name}", signals={"tabId": f"{name}.p"}).wait_open() for name in ("follow", "watch")]

    for _ in range(5):
        bus.receive(topic, kind, payload)

    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "was skipped" in caplog.text
    with app.app_context():
        datastar.broadcast("news").patch_signals({"after": 1}, event_id="row-9")
        streams[0].wait('{"after":1}')
        datastar.tabs.close("ann", restart=True)
    assert ending(streams[0].wait_end())[0] == "ds:restart:0:row-9"
    assert streams[0].events[0].type == "datastar-patch-signals"


@pytest.mark.parametrize("data", [b"", b"nonsense", b"[1", b"\xff", nested()], ids=lambda data: repr(data[:10]))
def test_data_that_is_no_json_is_skipped(
    app: Flask, datastar: Datastar, bus: Bus, connect: Connect, caplog: pytest.LogCaptureFixture, data: bytes
) -> None:
    stream = connect("/ds/g/listen").wait_open()
    wait_subscribed(app)

    for _ in range(3):
        bus.receive("news", MessageKind.MESSAGE, Payload(data))
    with app.app_context():
        datastar.publish("news", "after")

    stream.wait('{"got":"after"}')
    assert caplog.text.count("was skipped: its data is not JSON") == 1


def test_whatever_comes_streams_live_on(
    app: Flask, datastar: Datastar, bus: Bus, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    streams = [
        connect(f"/ds/g/{name}", signals={"tabId": f"{name}.p"}).wait_open() for name in ("follow", "listen", "watch")
    ]
    wait_subscribed(app, count=3)
    for data in damaged_messages(seed=2, count=2000):
        try:
            envelope = decode(data)
        except ValueError:
            continue
        if b'"close"' in envelope.payload.data and envelope.kind == "tabs":
            continue  # those that are whole are obeyed
        bus.receive(envelope.topic, envelope.kind, envelope.payload)

    with app.app_context():
        datastar.publish("news", "after")
        datastar.broadcast("news").patch_signals({"after": 1})
        assert datastar.tabs.count() == 3
    streams[0].wait('{"after":1}')
    streams[1].wait('{"got":"after"}')
    assert not any(stream.has_ended for stream in streams)
    assert not any(record.levelno > logging.WARNING for record in caplog.records), caplog.text
    assert len(caplog.records) < 20


@pytest.mark.parametrize("order", [1, -1])
def test_stream_is_registered_whatever_comes_before_it(
    app: Flask, datastar: Datastar, bus: Bus, connect: Connect, order: int
) -> None:
    for data in list(damaged_messages(seed=3, count=500))[::order]:
        try:
            envelope = decode(data)
        except ValueError:
            continue
        bus.receive(envelope.topic, envelope.kind, envelope.payload)

    connect("/ds/g/follow", signals={"tabId": "t.p"}).wait_open()
    with app.app_context():
        assert [(info.scope, info.tab) for info in datastar.tabs.snapshot()] == [("ann", "t")]
