"""Streams over several processes: each an app of its own here, joined by a broker that tests can hold and cut."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from flask import Flask

from flask_datastar import Datastar
from flask_datastar.brokers import Broker
from flask_datastar.errors import BrokerError
from flask_datastar.hub import bus, questions
from flask_datastar.hub.scopes import PRESENCE_CHANNEL
from flask_datastar.testing.waiting import DEADLINE_SECONDS, wait_until
from tests.brokers.joined import BROKERS, URL, JoinedBroker, Line
from tests.support.streams import Connect, hub_for, wait_subscribed
from tests.support.wsgi import Connection, call, ending


class Process:
    """One process of the site."""

    def __init__(self, connect: Connect, **config: Any) -> None:
        self._connect = connect
        self.app = Flask("shop")
        self.app.config.update({"TESTING": True, "DATASTAR_BROKER_URL": URL, **config})
        #: Set when a slow function runs; it goes on when the other one is set.
        self.is_asked, self.may_open = threading.Event(), threading.Event()
        self.datastar = datastar = Datastar(self.app, brokers=BROKERS)
        self.log: list[object] = []

        @datastar.stream(group="g", scope=lambda: "ann")
        def changes() -> Iterator[None]:
            for number, _ in enumerate(datastar.changes("news", at_most_every=0)):
                datastar.signal("changed", number)
                yield

        @datastar.stream(group="g", scope=lambda: "ann")
        def feed() -> Any:
            return datastar.follow("news")

        @datastar.stream(group="g", scope=lambda: "ann")
        def delayed() -> Any:
            self.is_asked.set()
            assert self.may_open.wait(DEADLINE_SECONDS)
            return datastar.follow("news")

        @datastar.stream(group="g", scope=lambda: "ann")
        def careful() -> Any:
            return datastar.follow("news", on_gap=lambda out: out.signal("gap", datastar.stats()["open"]))

        @datastar.stream(group="g", scope=lambda: "ann")
        def careful_generator() -> Iterator[None]:
            yield from datastar.follow("news", on_gap=lambda out: out.console_log("gap"))

        @datastar.stream(group="g", scope=lambda: "ann")
        def failing() -> Any:
            return datastar.follow("news", on_gap=lambda out: 1 / 0)

        @datastar.stream(group="g", scope=lambda: "ann")
        def messages() -> Iterator[None]:
            for message in datastar.subscribe("news"):
                assert message is not None
                datastar.signal("message", message.data)
                yield

    def open(self, name: str, tab: str | None = None, **options: Any) -> Connection:
        signals = {} if tab is None else {"tabId": tab}
        return self._connect(f"/ds/g/{name}", app=self.app, signals=signals, **options)

    @property
    def broker(self) -> JoinedBroker:
        broker = hub_for(self.app).bus.broker
        assert isinstance(broker, JoinedBroker)
        return broker

    def publish(self, data: object) -> None:
        with self.app.app_context():
            self.datastar.publish("news", data)

    def broadcast(self, name: str) -> None:
        with self.app.app_context():
            self.datastar.broadcast("news").signal(name, 1)

    def count(self) -> tuple[int, int]:
        with self.app.app_context():
            return self.datastar.tabs.count(), self.datastar.tabs.count(everywhere=True)


MakeProcess = Callable[..., Process]


@pytest.fixture
def make_process(monkeypatch: pytest.MonkeyPatch, connect: Connect) -> MakeProcess:
    monkeypatch.setattr(JoinedBroker, "lines", {})
    # What nobody listens to is given up while the test still looks.
    monkeypatch.setattr(bus, "_IDLE_SECONDS", 0.05)
    return lambda **config: Process(connect, **config)


@pytest.fixture
def processes(make_process: MakeProcess) -> tuple[Process, Process]:
    return make_process(), make_process()


@pytest.fixture
def line(processes: tuple[Process, Process]) -> Line:
    for process in processes:
        assert not process.broker.is_closed
    return JoinedBroker.lines["shop"]


# Messages


def test_message_of_any_process_reaches_streams_of_all_once(processes: tuple[Process, Process]) -> None:
    names = ("messages", "feed")
    opened = [process.open(name, f"t{n}.p") for n, process in enumerate(processes) for name in names]
    for stream in opened:
        stream.wait_open()
    for process in processes:
        wait_subscribed(process.app, count=2)

    for number, process in enumerate(processes):
        process.publish(number)
        process.broadcast(f"from{number}")
    processes[0].publish("end")
    processes[0].broadcast("end")

    for stream in opened[::2]:
        stream.wait('{"message":"end"}')
        assert [event.arguments["signals"] for event in stream.events] == [
            '{"message":0}',
            '{"message":1}',
            '{"message":"end"}',
        ]
    for stream in opened[1::2]:
        stream.wait('{"end":1}')
        assert [event.arguments["signals"] for event in stream.events] == ['{"from0":1}', '{"from1":1}', '{"end":1}']


def test_process_that_has_served_nobody_reaches_streams(make_process: MakeProcess) -> None:
    server, script = make_process(), make_process()
    stream = server.open("messages").wait_open()
    wait_subscribed(server.app)

    script.publish("from a script")

    stream.wait('{"message":"from a script"}')
    assert script.broker.history == []


def test_only_topics_with_listeners_here_are_subscribed(processes: tuple[Process, Process]) -> None:
    one, other = processes
    other.publish("unheard")
    stream = one.open("feed", "t.p").wait_open()

    assert one.broker.channels == {"news", "\0003:ann", PRESENCE_CHANNEL}
    assert other.broker.channels == set()
    stream.close()
    wait_until(lambda: one.broker.channels == {PRESENCE_CHANNEL})
    assert [what for what, _ in one.broker.history] == ["subscribe", "subscribe", "unsubscribe", "unsubscribe"]


def test_page_that_makes_way_for_another_keeps_the_subscription(
    processes: tuple[Process, Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus, "_IDLE_SECONDS", 3600)
    one, other = processes
    one.open("feed", "t.p").wait_open().close()

    stream = one.open("feed", "t.q").wait_open()
    other.broadcast("again")

    stream.wait('{"again":1}')
    assert [what for what, _ in one.broker.history] == ["subscribe", "subscribe"]
    hub_for(one.app).bus.close()


# One stream a tab


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_stream_that_is_opened_anywhere_ends_the_older_one_of_its_tab(
    processes: tuple[Process, Process], order: tuple[int, int]
) -> None:
    older = processes[order[0]].open("feed", "t.p1").wait_open()
    newer = processes[order[1]].open("feed", "t.p2").wait_open()

    assert "replaced" in older.wait_end().decode()
    assert "p2" in ending(older.wait_end())[0]
    assert not newer.has_ended
    assert processes[order[0]].count() == (0, 1)
    assert processes[order[1]].count() == (1, 1)
    processes[order[0]].broadcast("after")
    newer.wait('{"after":1}')


def test_streams_of_one_page_and_of_other_tabs_live_beside_each_other(processes: tuple[Process, Process]) -> None:
    one, other = processes
    streams = [
        *[one.open("feed", "t.p"), other.open("messages", "t.p"), other.open("feed", "u.p")],
        *[one.open("feed"), other.open("feed")],
    ]
    for stream in streams:
        stream.wait_open()
    wait_subscribed(one.app, count=2)
    wait_subscribed(other.app, count=3)

    one.publish("end")
    one.broadcast("end")
    for stream in streams:
        stream.wait("end")
    assert not any(stream.has_ended for stream in streams)


def test_page_that_asks_twice_keeps_one_stream_whichever_processes_are_asked(make_process: MakeProcess) -> None:
    one, other, third = make_process(), make_process(), make_process()
    first = one.open("feed", "t.p").wait_open()
    second = other.open("feed", "t.p").wait_open()
    last_id, _ = ending(first.wait_end())

    # The client comes back with the id of the stream that was replaced, although the other one lives.
    for process in (third, one, other):
        assert call(process.app, "/ds/g/feed", signals={"tabId": "t.p"}, last_id=last_id)[0] == 204
    second.wait("id: \n\n", count=3)
    third.broadcast("after")
    second.wait('{"after":1}')
    wait_until(lambda: third.broker.channels == set())


def test_page_whose_other_stream_has_gone_gets_one(make_process: MakeProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    # Nobody is to be asked: it would wait for ever.
    monkeypatch.setattr(questions, "_ANSWER_SECONDS", 3600)
    one, other = make_process(), make_process()
    first = one.open("feed", "t.p").wait_open()
    second = other.open("feed", "t.p").wait_open()
    last_id, _ = ending(first.wait_end())
    second.close()

    assert one.open("feed", "t.p", last_id=last_id).wait_open().status == 200


def test_page_whose_other_stream_is_another_one_gets_one_too(make_process: MakeProcess) -> None:
    one, other = make_process(), make_process()
    first = one.open("feed", "t.p").wait_open()
    second = other.open("feed", "t.p").wait_open()
    last_id, _ = ending(first.wait_end())
    beside = other.open("messages", "t.p").wait_open()
    wait_subscribed(other.app, count=2)
    second.close()

    # Its tab has a stream there, under another URL: it is asked for, and nobody says that it is the one.
    assert one.open("feed", "t.p", last_id=last_id).wait_open().status == 200
    other.publish("after")
    beside.wait('{"message":"after"}')


@pytest.mark.parametrize("is_late", [False, True])
def test_newer_stream_of_a_tab_stays_also_if_the_older_one_is_announced_later(
    processes: tuple[Process, Process], line: Line, is_late: bool
) -> None:
    with line.held() as messages:
        streams = []
        for number, process in enumerate(processes, start=1):
            streams.append(process.open("feed", f"t.p{number}").wait_open())
            wait_until(lambda number=number: len(messages) == number)
        if is_late:
            messages.reverse()

    assert ending(streams[0].wait_end())[0] == "ds:replaced:p2"
    processes[0].broadcast("after")
    streams[1].wait('{"after":1}')
    assert not streams[1].has_ended
    assert processes[1].count() == (1, 1)


def test_page_that_asks_twice_keeps_the_newer_stream_also_if_the_older_one_is_announced_later(
    processes: tuple[Process, Process], line: Line
) -> None:
    with line.held() as messages:
        older, newer = (process.open("feed", "t.p").wait_open() for process in processes)
        wait_until(lambda: len(messages) == 2)
        messages.reverse()

    last_id, _ = ending(older.wait_end())
    for process in processes:
        assert call(process.app, "/ds/g/feed", signals={"tabId": "t.p"}, last_id=last_id)[0] == 204
    newer.wait("id: \n\n", count=2)
    assert processes[1].count() == (1, 1)


@pytest.mark.parametrize("name", ["feed", "delayed"])
@pytest.mark.parametrize(("restart", "reason"), [(False, "done"), (True, "restart")])
def test_streams_of_requests_that_come_after_the_order_to_close_stay(
    processes: tuple[Process, Process], line: Line, restart: bool, reason: str, name: str
) -> None:
    one, other = processes
    # One is open, one about to open, when the person signs out; then the person signs in again.
    older = [other.open("feed", "t.p").wait_open(), other.open(name, "u.p")]
    assert name == "feed" or other.is_asked.wait(DEADLINE_SECONDS)
    older[1].wait_open() if name == "feed" else None
    with line.held(), one.app.app_context():
        one.datastar.tabs.close("ann", restart=restart)
        newer = [process.open("feed", f"t{number}.q").wait_open() for number, process in enumerate(processes)]
    other.may_open.set()

    for stream in older:
        assert reason in ending(stream.wait_end())[0]
    one.broadcast("after")
    for stream in newer:
        stream.wait('{"after":1}')
        assert not stream.has_ended
    assert one.count() == (1, 2)


@pytest.mark.parametrize(
    ("url", "places"), [(URL, (0, 1)), (URL, (0, 0)), ("memory://", (0, 0))], ids=["two processes", "one", "memory"]
)
def test_page_whose_view_was_slow_does_not_end_the_stream_of_the_next_page(
    make_process: MakeProcess, url: str, places: tuple[int, int]
) -> None:
    processes = [make_process(DATASTAR_BROKER_URL=url) for _ in {*places}]
    older_process, newer_process = (processes[place] for place in places)
    older = older_process.open("delayed", "t.p1")
    assert older_process.is_asked.wait(DEADLINE_SECONDS)
    newer = newer_process.open("feed", "t.p2").wait_open()
    older_process.may_open.set()

    assert ending(older.wait_end())[0] == "ds:replaced:p2"
    newer_process.broadcast("after")
    newer.wait('{"after":1}')
    assert newer_process.count() == (1, 1)
    # A page may have a slow stream beside a quick one.
    newer_process.is_asked.clear()
    newer_process.may_open.clear()
    beside = newer_process.open("delayed", "t.p2")
    assert newer_process.is_asked.wait(DEADLINE_SECONDS)
    newer_process.open("messages", "t.p2").wait_open()
    newer_process.may_open.set()
    beside.wait_open()
    newer_process.broadcast("end")
    for stream in (beside, newer):
        stream.wait('{"end":1}')


@pytest.mark.parametrize("winner", [0, 1])
def test_of_two_that_open_at_once_without_numbers_the_one_that_is_heard_of_later_stays(
    processes: tuple[Process, Process], line: Line, monkeypatch: pytest.MonkeyPatch, winner: int
) -> None:
    monkeypatch.setattr(JoinedBroker, "count_and_number", Broker.count_and_number)
    with line.held() as messages:
        streams = []
        for number, process in enumerate(processes, start=1):
            streams.append(process.open("feed", f"t.p{number - 1}").wait_open())
            wait_until(lambda number=number: len(messages) == number)
        assert not any(stream.has_ended for stream in streams)
        if winner == 0:
            messages.reverse()

    assert f"p{winner}" in ending(streams[1 - winner].wait_end())[0]
    processes[0].broadcast("after")
    streams[winner].wait('{"after":1}')


def test_own_announcement_that_comes_late_ends_nothing_newer(processes: tuple[Process, Process], line: Line) -> None:
    one, _ = processes
    with line.held():
        streams = [one.open("feed", f"t.p{number}").wait_open() for number in range(3)]
        for stream in streams[:2]:
            stream.wait_end()

    one.broadcast("after")
    streams[2].wait('{"after":1}')
    assert one.count() == (1, 1)


@pytest.mark.parametrize("newer", [0, 1])
def test_after_an_outage_the_stream_that_was_opened_later_stays(
    processes: tuple[Process, Process], line: Line, newer: int
) -> None:
    older, younger = processes[1 - newer], processes[newer]
    with line.cut():
        first = older.open("feed", "t.p1").wait_open()
        time.sleep(0.002)  # the clock that tells which is newer has moved on
        second = younger.open("feed", "t.p2").wait_open()
        assert not first.has_ended

    assert "p2" in ending(first.wait_end())[0]
    older.broadcast("after")
    second.wait('{"after":1}')
    assert younger.count() == (1, 1)


def test_streams_of_a_page_live_on_after_an_outage(processes: tuple[Process, Process], line: Line) -> None:
    one, other = processes
    streams = [one.open("feed", "t.p").wait_open(), other.open("messages", "t.p").wait_open()]
    streams.append(one.open("feed").wait_open())
    wait_subscribed(other.app)

    with line.cut():
        pass

    one.publish("end")
    one.broadcast("end")
    for stream in streams:
        stream.wait("end")


@pytest.mark.parametrize(("restart", "reason"), [(False, "done"), (True, "restart")])
def test_tabs_are_closed_everywhere(processes: tuple[Process, Process], restart: bool, reason: str) -> None:
    one, other = processes
    streams = [one.open("feed", "t.p").wait_open(), other.open("feed", "u.p").wait_open(), other.open("feed")]
    streams[2].wait_open()

    with one.app.app_context():
        ended = one.datastar.tabs.close("ann", restart=restart)

    assert ended == 1
    for stream in streams:
        assert reason in ending(stream.wait_end())[0]


def test_one_tab_is_closed_wherever_it_is(processes: tuple[Process, Process]) -> None:
    one, other = processes
    kept, closed = other.open("feed", "t.p").wait_open(), other.open("feed", "u.p").wait_open()

    with one.app.app_context():
        assert one.datastar.tabs.close("ann", "u") == 0
        closed.wait_end()
        one.datastar.broadcast_to("ann", "t").signal("here", 1)
        one.datastar.broadcast_to("ann").signal("all", 1)

    kept.wait('{"here":1}', '{"all":1}')


def test_limit_of_a_scope_holds_for_all_processes(make_process: MakeProcess) -> None:
    one, other = (make_process(DATASTAR_MAX_STREAMS_PER_SCOPE=3) for _ in range(2))
    streams = [one.open("feed", "a.p"), one.open("feed"), other.open("feed", "b.p")]
    for stream in streams:
        stream.wait_open()

    for process in (one, other):
        assert call(process.app, "/ds/g/feed", signals={"tabId": "c.p"})[0] == 503
    # The place of an older one of its tab is free for it.
    newer = other.open("feed", "a.q").wait_open()
    streams[0].wait_end()
    newer.close()
    assert other.open("feed", "c.p").wait_open().status == 200


def test_what_has_ended_is_counted_nowhere(processes: tuple[Process, Process]) -> None:
    one, other = processes
    streams = [one.open("feed", "a.p").wait_open(), one.open("feed", "b.p").wait_open(), one.open("feed").wait_open()]
    assert (one.count(), other.count()) == ((2, 2), (0, 2))

    for stream in streams:
        stream.close()

    assert (one.count(), other.count()) == ((0, 0), (0, 0))
    assert one.broker.streams == {}


# The broker goes away


def test_failure_is_raised_and_local_streams_have_got_it(make_process: MakeProcess) -> None:
    one, other = make_process(DATASTAR_BROKER_ON_FAILURE="raise"), make_process()
    streams = [one.open("messages", "t.p").wait_open(), one.open("feed", "u.p").wait_open()]
    far = other.open("messages", "v.p").wait_open()
    wait_subscribed(one.app, count=2)
    wait_subscribed(other.app)

    with JoinedBroker.lines["shop"].cut():
        with pytest.raises(BrokerError, match="the line is cut"):
            one.publish("local")
        with pytest.raises(BrokerError):
            one.broadcast("local")
        with pytest.raises(BrokerError):
            one.count()
        with one.app.app_context(), pytest.raises(BrokerError):
            one.datastar.tabs.close("nobody")
        for stream in streams:
            stream.wait("local")
        with one.app.app_context():
            assert one.datastar.stats()["broker"] == {"connected": False}
    one.publish("after")

    far.wait('{"message":"after"}')
    assert b"local" not in far.received


def test_failure_is_logged_once_an_outage_and_nothing_is_raised(
    processes: tuple[Process, Process], line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = processes
    stream = one.open("messages", "t.p").wait_open()
    far = other.open("changes", "u.p").wait_open()
    for process in processes:
        wait_subscribed(process.app)
    assert other.count() == (1, 2)

    for number in range(2):
        with line.cut(), caplog.at_level(logging.WARNING):
            for _ in range(3):
                one.publish("local")
                one.broadcast("local")
            with one.app.app_context():
                one.datastar.tabs.close("nobody")
        stream.wait('{"message":"local"}', count=3 * (number + 1))
        far.wait(f'{{"changed":{number + 1}}}')
        text = "other processes do not get what was published to 'news': the line is cut"
        assert caplog.text.count(text) == number + 1


@pytest.mark.parametrize("on_failure", ["drop", "raise"])
@pytest.mark.parametrize("tab", [None, "t"])
def test_streams_that_were_closed_in_an_outage_end_after_it(
    make_process: MakeProcess, on_failure: str, tab: str | None
) -> None:
    one, other = (make_process(DATASTAR_BROKER_ON_FAILURE=on_failure) for _ in range(2))
    far, beside = other.open("feed", "t.p").wait_open(), other.open("feed", "u.p").wait_open()

    with JoinedBroker.lines["shop"].cut():
        with one.app.app_context(), suppress(BrokerError):
            one.datastar.tabs.close("ann", *([] if tab is None else [tab]), restart=True)
        time.sleep(0.002)
        # Signed in again, in the same browser or in another one, and the clock has moved on.
        later = other.open("feed", "v.p").wait_open()

    assert ending(far.wait_end())[0] == "ds:restart:0:"
    if tab is None:
        assert ending(beside.wait_end())[0] == "ds:restart:0:"
    one.broadcast("after")
    later.wait('{"after":1}')
    assert beside.has_ended == (tab is None)
    # Once, however many outages follow.
    with JoinedBroker.lines["shop"].cut():
        pass
    one.broadcast("last")
    later.wait('{"last":1}')


def test_changes_are_noticed_once_after_an_outage(processes: tuple[Process, Process], line: Line) -> None:
    streams = [process.open("changes", f"t{n}.p").wait_open() for n, process in enumerate(processes)]
    for stream in streams:
        stream.wait('{"changed":0}')

    with line.cut():
        pass

    for stream in streams:
        stream.wait('{"changed":1}')
    processes[0].publish("news")
    for stream in streams:
        stream.wait('{"changed":2}')
        assert stream.received.count(b'"changed":1') == 1


def test_page_that_follows_may_ask_for_what_it_missed(processes: tuple[Process, Process], line: Line) -> None:
    careful, plain = processes[0].open("careful", "a.p").wait_open(), processes[0].open("feed", "b.p").wait_open()
    generator = processes[1].open("careful_generator", "c.p").wait_open()
    wait_subscribed(processes[1].app)

    with line.cut():
        pass

    careful.wait('{"gap":2}')
    generator.wait('console.log("gap")')
    processes[0].broadcast("after")
    for stream in (careful, plain, generator):
        stream.wait('{"after":1}')
        assert stream.received.count(b"gap") == (stream is not plain)


def test_callback_that_fails_lets_its_page_come_back(
    processes: tuple[Process, Process], line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    failing, other = processes[0].open("failing", "a.p").wait_open(), processes[0].open("feed", "b.p").wait_open()

    with line.cut():
        pass

    assert "restart" in ending(failing.wait_end())[0]
    assert "on_gap of datastar.follow() failed" in caplog.text
    processes[1].broadcast("after")
    other.wait('{"after":1}')


def test_gap_before_a_stream_is_open_is_filled_when_it_opens(processes: tuple[Process, Process], line: Line) -> None:
    app, datastar = processes[0].app, processes[0].datastar

    @datastar.stream(group="g")
    def early() -> Any:
        feed = datastar.follow("news", on_gap=lambda out: out.signal("gap", 1))
        with line.cut():
            pass
        return feed

    stream = processes[0]._connect("/ds/g/early", app=app)
    stream.wait('{"gap":1}')


def test_end_of_the_process_lets_go_of_the_broker(make_process: MakeProcess) -> None:
    one, other = make_process(), make_process()
    stream = one.open("feed", "t.p").wait_open()
    assert other.count() == (0, 1)
    stream.close()

    hub = hub_for(one.app)
    hub._end_at_exit()

    assert hub.bus.broker not in JoinedBroker.lines["shop"].brokers


# Several streams of one page


@pytest.mark.parametrize("order", ["one, told, other", "other, told, one", "told, one, other", "one, other, told"])
def test_page_gets_each_event_once_wherever_its_streams_are_announced(
    processes: tuple[Process, Process], line: Line, order: str
) -> None:
    one, other = processes
    with line.held() as messages:
        streams = [one.open("feed", "t.p").wait_open()]
        wait_until(lambda: len(messages) == 1)
        streams.append(other.open("messages", "t.p").wait_open())
        wait_until(lambda: len(messages) == 2)
        with one.app.app_context():
            one.datastar.broadcast_to("ann", "t").signal("told", 1)
        by_name = dict(zip(("one", "other", "told"), messages, strict=True))
        messages[:] = [by_name[name] for name in order.split(", ")]

    with one.app.app_context():
        one.datastar.broadcast_to("ann").signal("last", 1)
    for text in (b'"told"', b'"last"'):
        wait_until(lambda text=text: any(text in stream.received for stream in streams))
    received = b"".join(stream.received for stream in streams)
    assert (received.count(b'{"told":1}'), received.count(b'{"last":1}')) == (1, 1)


def test_page_gets_an_event_that_comes_while_the_function_of_its_second_stream_runs_once(
    processes: tuple[Process, Process],
) -> None:
    one, other = processes
    first = one.open("feed", "t.p").wait_open()

    @other.datastar.stream(group="g", scope=lambda: "ann")
    def slow() -> Any:
        other.datastar.broadcast_to("ann", "t").signal("told", 1)
        return other.datastar.follow()

    second = other.open("slow", "t.p").wait_open()
    with one.app.app_context():
        one.datastar.broadcast_to("ann", "t").signal("last", 1)
    second.wait('{"last":1}')
    first.wait('{"told":1}')
    assert b'"told"' not in second.received
    assert b'"last"' not in first.received


def test_page_gets_what_comes_during_an_outage_before_its_first_announcement(
    make_process: MakeProcess, line: Line
) -> None:
    one = make_process(DATASTAR_BROKER_TIMEOUT_SECONDS=0.2)
    assert not one.broker.is_closed
    with line.cut():
        stream = one.open("feed", "t.p").wait_open()
        with one.app.app_context():
            for number in range(3):
                with suppress(BrokerError):
                    one.datastar.broadcast_to("ann", "t").signal("told", number)
        stream.wait('{"told":2}')
    with one.app.app_context():
        one.datastar.broadcast_to("ann", "t").signal("told", 3)
    stream.wait('{"told":3}')
    found = [stream.received.index(b'{"told":%d}' % number) for number in range(4)]
    assert found == sorted(found)


def test_page_gets_an_event_that_no_process_answers_for(
    make_process: MakeProcess, line: Line, processes: tuple[Process, Process]
) -> None:
    _, other = processes
    hasty = make_process(DATASTAR_BROKER_TIMEOUT_SECONDS=0.2)
    # A process that has died is counted for a while.
    other.broker.streams["ann", "t"] = 1
    with line.held() as messages:
        stream = hasty.open("feed", "t.p").wait_open()
        wait_until(lambda: len(messages) == 1)
        with hasty.app.app_context():
            hasty.datastar.broadcast_to("ann", "t").signal("told", 1)
        messages.reverse()

    stream.wait('{"told":1}')
