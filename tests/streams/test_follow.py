"""What is sent to one user: each page gets it once, however many streams it has, and in however many processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask, request

from flask_datastar import Datastar
from flask_datastar.hooks import Reason
from flask_datastar.hub import bus
from flask_datastar.testing.waiting import wait_until
from tests.brokers.joined import BROKERS, URL, JoinedBroker
from tests.support.streams import Connect, hub_for
from tests.support.wsgi import Connection


class Process:
    """One process of the site; each path is a stream of its own."""

    def __init__(self, connect: Connect, **config: Any) -> None:
        self._connect = connect
        self.app = Flask("shop")
        self.app.config.update(TESTING=True, **config)
        self.datastar = datastar = Datastar(self.app, brokers=BROKERS)

        @datastar.stream(group="g", scope="ann")
        def bell() -> Any:
            return datastar.follow()

        @datastar.stream(group="g", scope="ann")
        def feed() -> Any:
            return datastar.follow("news")

        @datastar.stream(group="g", scope="ann")
        def board() -> Iterator[Any]:
            yield from datastar.follow()

        @datastar.stream(group="g", scope=lambda: request.args.get("user"))
        def of() -> Any:
            return datastar.follow()

    def open(self, name: str, tab: str | None = "t.p") -> Connection:
        signals = None if tab is None else {"tabId": tab}
        return self._connect(f"/ds/g/{name}", app=self.app, signals=signals).wait_open()

    def send(self, text: object, tab: str | None = None) -> None:
        with self.app.app_context():
            out = self.datastar.broadcast_to("ann") if tab is None else self.datastar.broadcast_to("ann", tab)
            out.patch_signals({"toast": text})


MakeProcess = Callable[..., Process]


@pytest.fixture
def make_process(monkeypatch: pytest.MonkeyPatch, connect: Connect) -> MakeProcess:
    monkeypatch.setattr(JoinedBroker, "lines", {})
    monkeypatch.setattr(bus, "_IDLE_SECONDS", 0.05)
    return lambda **config: Process(connect, **config)


@pytest.fixture(params=["one process", "two processes"])
def processes(request: pytest.FixtureRequest, make_process: MakeProcess) -> list[Process]:
    """Where a page's streams go to, in turn."""
    if request.param == "one process":
        process = make_process()
        return [process, process]
    return [make_process(DATASTAR_BROKER_URL=URL) for _ in range(2)]


def toasts(connections: list[Connection]) -> list[str]:
    """List what has come to any of a page's streams."""
    return [
        text
        for connection in connections
        for event in connection.events
        if "toast" in (text := event.arguments.get("signals", ""))
    ]


def expect(page: list[Connection], *texts: object) -> None:
    """Wait until a page has got texts, and check that it got them once and nothing else."""
    wait_until(lambda: len(toasts(page)) >= len(texts))
    assert sorted(toasts(page)) == sorted(f'{{"toast":{text}}}' for text in texts)


def test_page_gets_a_message_once_however_many_streams_it_has(processes: list[Process]) -> None:
    one, other = processes
    page = [one.open("bell"), other.open("feed"), one.open("board")]
    second = [other.open("bell", "u.q"), one.open("feed", "u.q")]
    alone = [one.open("bell", "v.r")]

    for number, process in enumerate([one, other, one, other]):
        process.send(number)
    one.send(4, "t")
    other.send(5, "u")

    expect(page, 0, 1, 2, 3, 4)
    expect(second, 0, 1, 2, 3, 5)
    expect(alone, 0, 1, 2, 3)


def test_streams_without_a_page_get_each_their_own(processes: list[Process]) -> None:
    one, other = processes
    streams = [one.open("bell", None), other.open("feed", None), one.open("bell", "hand-written")]

    other.send(1)

    for stream in streams:
        expect([stream], 1)


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_any_stream_of_a_page_may_leave(processes: list[Process], gone: int) -> None:
    one, other = processes
    page = [one.open("bell"), other.open("feed"), one.open("board")]
    one.send(0)
    expect(page, 0)

    page[gone].close()
    wait_until(lambda: count_settled(processes) == 2)
    one.send(1)
    other.send(2)

    expect(page, 0, 1, 2)
    # And the last one gets all.
    last = page[(gone + 1) % 3]
    page[(gone + 2) % 3].close()
    wait_until(lambda: count_settled(processes) == 1)
    before = toasts([last])
    other.send(3)
    wait_until(lambda: toasts([last]) == [*before, '{"toast":3}'])


def count_settled(processes: list[Process]) -> int:
    """Count the streams of a site, once all processes know of each other's."""
    hubs = {id(process): hub_for(process.app) for process in processes}.values()
    entries = [stream.entry for hub in hubs for stream in hub._snapshot() if stream.entry is not None]
    keys = {entry.key for entry in entries}
    return len(entries) if all(keys.issuperset((entry.newer or {}).values()) for entry in entries) else -1


def test_stream_that_is_about_to_end_is_not_chosen(make_process: MakeProcess) -> None:
    process = make_process()
    page = [process.open("feed"), process.open("bell")]
    page[1].reads.clear()
    (newest,) = [s for s in hub_for(process.app)._snapshot() if s.entry is not None and "bell" in s.entry.url]
    # The server writes its last event, which takes as long as the client likes.
    newest.end(Reason.SLOW)

    process.send(1)

    expect(page[:1], 1)
    page[1].reads.set()


def test_stream_that_comes_back_is_chosen_once(processes: list[Process]) -> None:
    one, other = processes
    page = [one.open("bell"), other.open("feed")]
    # The same URL again: it takes the place of its own, in the other process.
    page.append(other.open("bell"))
    page[0].wait_end()
    page.append(one.open("feed"))
    page[1].wait_end()

    one.send(1)
    other.send(2)

    expect(page, 1, 2)


def test_new_page_of_a_tab_gets_what_is_sent(processes: list[Process]) -> None:
    one, other = processes
    old = [one.open("bell"), other.open("feed")]
    new = [one.open("bell", "t.q")]
    for stream in old:
        stream.wait_end()

    other.send(1)

    expect(new, 1)
    assert toasts(old) == []


def test_page_gets_a_message_once_after_an_outage(make_process: MakeProcess) -> None:
    one, other = (make_process(DATASTAR_BROKER_URL=URL) for _ in range(2))
    page = [one.open("bell"), other.open("feed")]
    line = JoinedBroker.lines["shop"]

    with line.cut():
        page.append(one.open("board"))
        page.pop(0).close()
    wait_until(lambda: count_settled([one, other]) == 2)
    one.send(1)
    other.send(2)

    expect(page, 1, 2)


def test_stream_that_is_about_to_open_misses_nothing(make_process: MakeProcess) -> None:
    process = make_process()
    app, datastar = process.app, process.datastar

    @datastar.stream(group="g", scope="ann")
    def late() -> Any:
        feed = datastar.follow()
        datastar.broadcast_to("ann").patch_signals({"toast": len(opened)})
        return feed

    opened: list[Connection] = []
    # Alone; again, while nobody has noticed that its client has gone; and beside another one of its page.
    for path in ("late", "late", "late?n=2"):
        opened.append(process.open(path))
    wait_until(lambda: len(toasts(opened)) == 4)

    # To the server the first one may be a connection that nobody is at any more: it does not count.
    expected = [['{"toast":0}', '{"toast":1}'], ['{"toast":1}', '{"toast":2}'], []]
    assert [toasts([connection]) for connection in opened] == expected
    assert opened[0].wait_end()
    assert hub_for(app).stats()["open"] == 2


def test_follow_needs_no_topic(make_process: MakeProcess) -> None:
    process = make_process()
    streams = [process.open("bell"), process.open("of?user=ann", "u.p"), process.open("of?user=bob", "v.p")]

    process.send(1)

    for stream in streams[:2]:
        expect([stream], 1)
    with process.app.app_context():
        process.datastar.broadcast_to("bob").patch_signals({"toast": 2})
    expect([streams[2]], 2)


# Whose tab


@pytest.mark.parametrize("tab", [None, ""])
def test_no_tab_is_never_all_tabs(make_process: MakeProcess, tab: str | None) -> None:
    process = make_process()
    streams = [process.open("bell", "t.p"), process.open("bell", "u.q")]
    datastar = process.datastar

    with process.app.app_context():
        for use in (datastar.broadcast_to, datastar.tabs.close):
            with pytest.raises(ValueError, match=r"^tab is (None|''): .*never means all tabs; put tab_signal"):
                use("ann", tab)
            with pytest.raises(ValueError, match=r"^tab is (None|''): "):
                use("ann", tab=tab)
        datastar.broadcast_to("ann").patch_signals({"toast": 1})
    for stream in streams:
        expect([stream], 1)
    assert not any(stream.has_ended for stream in streams)


@pytest.mark.parametrize("tab", [7, True, b"t", ["t"]])
def test_tab_that_is_no_text_is_refused(app: Flask, datastar: Datastar, tab: Any) -> None:
    with app.app_context():
        for use in (datastar.broadcast_to, datastar.tabs.close):
            with pytest.raises(TypeError, match=r"^tab is \w+; accepted: a tab id"):
                use("ann", tab)


@pytest.mark.parametrize("body", [{"data": {"text": "Tea"}}, {"json": {}}, {"json": {"tabId": "not/one"}}, {}])
def test_request_without_a_tab_id_reaches_nobody(
    app: Flask, datastar: Datastar, connect: Connect, body: dict[str, Any]
) -> None:
    @datastar.stream(group="g", scope="ann")
    def bell() -> Any:
        return datastar.follow()

    @datastar.handler(group="g")
    def tell() -> None:
        datastar.broadcast_to("ann", datastar.tab_id).patch_signals({"toast": 1})

    stream = connect("/ds/g/bell", signals={"tabId": "t.p"}).wait_open()
    headers = {"Datastar-Request": "true", "Sec-Fetch-Site": "same-origin"}

    with pytest.raises(ValueError, match=r"^tab is None"):
        app.test_client().post("/ds/g/tell", headers=headers, **body)

    app.test_client().post("/ds/g/tell", headers=headers, json={"tabId": "t.p"})
    expect([stream], 1)
