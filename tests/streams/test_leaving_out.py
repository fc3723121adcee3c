"""Broadcasts that leave one tab out: every kind of stream, every process, and strangers who write such topics."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, request
from hypothesis import given
from hypothesis import strategies as st

from flask_datastar import Datastar
from flask_datastar.brokers import Payload
from flask_datastar.hub.incoming import read_topic, topic_without
from flask_datastar.testing.waiting import wait_until
from tests.brokers.joined import BROKERS, URL, JoinedBroker
from tests.support.streams import Connect, hub_for
from tests.support.wsgi import Connection, call

KINDS = ["feed", "generator", "changes"]


class Process:
    """One process, with streams of each kind."""

    def __init__(self, connect: Connect, **config: Any) -> None:
        self._connect = connect
        self.app = Flask("shop")
        self.app.config.update(TESTING=True, **config)
        self.datastar = datastar = Datastar(self.app, brokers=BROKERS)
        options: dict[str, Any] = {"group": "g", "scope": lambda: request.args.get("scope")}

        @datastar.stream(**options)
        def feed() -> Any:
            return datastar.follow("news")

        @datastar.stream(**options)
        def generator() -> Iterator[None]:
            yield from datastar.follow("news")

        @datastar.stream(**options)
        def changes() -> Iterator[None]:
            for number, _ in enumerate(datastar.changes("news", at_most_every=0)):
                datastar.signal("changed", number)
                yield

        @datastar.stream(**options)
        def early() -> Any:
            # Two broadcasts before the stream is open, of which one is for the others.
            subscription = datastar.follow("news")
            with datastar.broadcast("news", but="t") as out:
                out.signal("others", 1)
            datastar.broadcast("news").signal("all", 1)
            return subscription

        @datastar.handler(group="g")
        def type_something() -> None:
            datastar.broadcast("news", but=datastar.tab_id).signal("typing", 1)

    def open(self, kind: str, tab: str | None, scope: str | None = None, **options: Any) -> Connection:
        signals = {} if tab is None else {"tabId": tab}
        query = "" if scope is None else f"?scope={scope}"
        return self._connect(f"/ds/g/{kind}{query}", app=self.app, signals=signals, **options).wait_open()

    def type_something(self, tab: str | None) -> None:
        headers = {} if tab is None else {"Datastar-Tab": tab}
        call(self.app, "/ds/g/type_something", method="POST", headers=headers)[2].close()

    def finish(self) -> None:
        with self.app.app_context():
            self.datastar.broadcast("news").signal("last", 1)


@pytest.fixture
def process(connect: Connect) -> Process:
    return Process(connect)


@pytest.fixture
def processes(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Process]]:
    monkeypatch.setattr(JoinedBroker, "lines", {})
    made = [Process(connect, DATASTAR_BROKER_URL=URL) for _ in range(2)]
    yield made
    for process in made:
        hub = hub_for(process.app)
        hub.stop()
        wait_until(lambda hub=hub: hub.stats()["open"] == 0)
        hub.bus.close()


@pytest.mark.parametrize("kind", ["feed", "generator"])
@pytest.mark.parametrize("scope", ["ann", None])
def test_the_sender_s_tab_is_left_out(process: Process, kind: str, scope: str | None) -> None:
    own = [process.open(kind, "t.p", scope), process.open(kind, "t.p" if scope is None else "t", "bob")]
    others = [process.open(kind, tab, scope) for tab in ("u.p", "tt.p", None)]

    process.type_something("t.p")
    process.finish()
    for connection in (*own, *others):
        connection.wait('{"last":1}')
    assert [b"typing" in connection.received for connection in (*own, *others)] == [False] * 2 + [True] * 3


def test_compressed_streams_leave_the_tab_out_too(process: Process) -> None:
    headers = {"Accept-Encoding": "gzip"}
    streams = {tab: process.open("feed", f"{tab}.p", headers=headers) for tab in "tuv"}
    for _ in range(3):
        process.type_something("t.p")
        process.finish()
    hub_for(process.app).stop()

    for tab, connection in streams.items():
        connection.wait_for_end()
        assert ("Content-Encoding", "gzip") in connection.headers
        text = gzip.decompress(connection.raw)
        assert text.count(b'{"typing":1}') == (0 if tab == "t" else 3)
        assert text.count(b'{"last":1}') == 3


def test_changes_leaves_the_tab_out_too(process: Process) -> None:
    own, other = process.open("changes", "t.p"), process.open("changes", "u.p")
    for connection in (own, other):
        connection.wait('{"changed":0}')
    process.type_something("t.p")
    other.wait('{"changed":1}')
    process.finish()
    own.wait('{"changed":1}')
    assert b'{"changed":2}' not in own.received


def test_a_page_without_a_tab_id_leaves_nobody_out(process: Process) -> None:
    connections = [process.open("feed", tab) for tab in ("t.p", None)]
    process.type_something(None)
    for connection in connections:
        connection.wait('{"typing":1}')


def test_what_comes_before_the_stream_is_open_is_left_out_too(process: Process) -> None:
    own, other = process.open("early", "t.p"), process.open("early", "u.p")
    own.wait('{"all":1}')
    other.wait('{"others":1}', '{"all":1}')
    assert b"others" not in own.received


@pytest.mark.parametrize("sender", [0, 1])
def test_a_tab_is_left_out_in_all_processes(processes: list[Process], sender: int) -> None:
    streams = {(number, tab): one.open("feed", f"{tab}.p") for number, one in enumerate(processes) for tab in "tu"}
    processes[sender].type_something("t.p")
    processes[sender].finish()
    for (_, tab), connection in streams.items():
        connection.wait('{"last":1}')
        assert (b"typing" in connection.received) == (tab == "u")


@pytest.mark.parametrize(
    ("but", "error", "text"),
    [("", ValueError, "but is ''"), (3, TypeError, "but is int; accepted: a tab id"), (True, TypeError, "but is bool")],
)
def test_what_is_no_tab_id_is_refused(process: Process, but: Any, error: type[Exception], text: str) -> None:
    with process.app.app_context(), pytest.raises(error, match=text):
        process.datastar.broadcast("news", but=but)


@given(st.text(min_size=1), st.text(min_size=1))
def test_every_topic_comes_back(topic: str, but: str) -> None:
    assert read_topic(topic_without(topic, but)) == (topic, but)
    if not topic.startswith("\0but:"):
        assert read_topic(topic) == (topic, None)


@pytest.mark.parametrize(
    "topic", ["\0but:", "\0but:x", "\0but:1:", "\0but:0:x", "\0but:1:t", "\0but:9:news", "\0but:-1:news", "\0but:²:xyz"]
)
def test_what_no_process_sends_is_skipped(process: Process, caplog: pytest.LogCaptureFixture, topic: str) -> None:
    stream = process.open("feed", "t.p")
    hub_for(process.app).bus.receive(topic, "events", Payload(b"data: x\n\n"))
    assert "its topic leaves out no tab" in caplog.text
    process.finish()
    stream.wait('{"last":1}')
    assert b"data: x" not in stream.received
