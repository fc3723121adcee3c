"""Presence over several processes: each an app of its own here, joined by a broker that tests can hold and cut."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from flask_datastar.brokers import Payload
from flask_datastar.hub.scopes import ALL_TABS
from flask_datastar.presence import timers
from flask_datastar.presence.entries import Joined, Left
from flask_datastar.presence.exchange import Exchange
from flask_datastar.presence.messages import Beat, Hello, PageIsBack, PageKeeps, Part, SignedOut, Wanted, decode
from flask_datastar.presence.state import FORGOTTEN_TICKS, SILENT_TICKS, PresenceState
from flask_datastar.testing.waiting import wait_until
from tests.brokers.joined import JoinedBroker, Line
from tests.presence.conftest import LINGER_SECONDS, MakeSite, Site
from tests.support.streams import hub_for


@pytest.fixture
def beat_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timers, "BEAT_SECONDS", 0.05)


@pytest.fixture
def carried(line: Line, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The messages about presence that the broker carries."""
    found: list[bytes] = []
    publish = JoinedBroker.publish

    def note(broker: JoinedBroker, channel: str, topic: str, kind: str, payload: Payload, **options: Any) -> None:
        if kind == "presence":
            found.append(payload.data)
        publish(broker, channel, topic, kind, payload, **options)

    monkeypatch.setattr(JoinedBroker, "publish", note)
    return found


def kill(process: Site) -> None:
    """Let a process end without a word."""
    process.broker.line.brokers.remove(process.broker)
    process.presence.close()


def test_people_of_all_processes_are_present_in_all(processes: tuple[Site, Site]) -> None:
    one, other = processes
    first = one.open("board", "t.p", "ann", signals={"name": "Ann"})
    other.open("board", "u.p", "bob")
    other.open("board", "v.p", "ann")
    for process in processes:
        assert [(who.scope, who.tabs) for who in process.people()] == [("ann", 2), ("bob", 1)]
        assert process.people() == one.people()
    first.close()
    for process in processes:
        wait_until(lambda process=process: [who.tabs for who in process.people()] == [1, 1])


def test_a_page_that_comes_back_elsewhere_was_never_away(processes: tuple[Site, Site]) -> None:
    one, other = processes
    watcher = one.open("watching")
    watcher.wait('{"names":[]}')
    first = one.open("board", "t.p", "ann")
    watcher.wait('{"names":["ann"]}')
    since = other.people()[0].since
    first.close()
    other.open("board", "t.q", "ann")
    time.sleep(LINGER_SECONDS * 1.5)
    for process in processes:
        assert [(who.tabs, who.since) for who in process.people()] == [(1, since)]
    assert watcher.received.count(b'"ann"') == 1


def test_a_new_process_knows_everybody_at_once(make_process: MakeSite) -> None:
    processes = [make_process(DATASTAR_PRESENCE_LINGER_SECONDS=3600) for _ in range(2)]
    for number in range(3):
        processes[number % 2].open("board", f"t{number}.p", f"user{number}")
    processes[0].open("board", "x.p", "gone").close()
    assert make_process().names() == ["user0", "user1", "user2", "gone"]


def test_a_process_alone_waits_a_moment_only_once(make_process: MakeSite) -> None:
    process = make_process()
    started = time.monotonic()
    assert process.names() == []
    assert time.monotonic() - started < 5
    assert process.presence._exchange.is_complete
    # The second call asks nobody.
    wait = process.presence._seconds_to_wait
    process.presence._seconds_to_wait = lambda: pytest.fail(str(wait))  # type: ignore[method-assign]
    assert process.names() == []


def test_a_join_is_one_message_of_a_fixed_size(processes: tuple[Site, Site], carried: list[bytes]) -> None:
    one, other = processes
    for number in range(20):
        processes[number % 2].open("board", f"t{number}.p", f"user{number % 2}")
    assert len(other.people()) == 2
    del carried[:]
    one.open("board", "new.p", "carl").close()
    one.post("edit", "t0.p")
    one.wait_for(["user0", "user1"])
    differences = [data for data in carried if isinstance(decode(data), Joined | Left)]
    assert [type(decode(data)) for data in differences] == [Joined, Left, Joined]
    assert max(map(len, differences)) < 150


def test_a_killed_process_takes_its_people_with_it(processes: tuple[Site, Site], beat_fast: None) -> None:
    one, other = processes
    one.open("board", "t.p", "ann")
    other.open("board", "u.p", "bob")
    assert one.names() == other.names() == ["ann", "bob"]
    kill(other)
    one.wait_for(["ann"])


def test_a_process_that_was_only_slow_is_back_with_its_next_word(
    processes: tuple[Site, Site], beat_fast: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = processes
    one.open("board", "t.p", "ann")
    other.open("board", "u.p", "bob")
    with monkeypatch.context() as patched:
        patched.setattr(other.broker, "publish", lambda *_, **__: None)
        one.wait_for(["ann"])
        other.open("board", "v.p", "carl")
    for process in processes:
        process.wait_for(["ann", "bob", "carl"])


def test_nobody_is_taken_for_dead_during_an_outage(processes: tuple[Site, Site], line: Line, beat_fast: None) -> None:
    one, other = processes
    one.open("board", "t.p", "ann")
    left = other.open("board", "u.p", "bob")
    assert one.names() == ["ann", "bob"]
    with line.cut():
        left.close()
        other.wait_for(["ann"])
        other.open("board", "v.p", "carl")
        time.sleep(0.05 * SILENT_TICKS * 3)
        assert one.names() == ["ann", "bob"]
    for process in processes:
        process.wait_for(["ann", "carl"])


def test_a_subscription_that_was_cut_is_made_good(processes: tuple[Site, Site], line: Line) -> None:
    one, other = processes
    one.open("board", "t.p", "ann")
    left = other.open("board", "u.p", "bob")
    assert one.names() == ["ann", "bob"]
    line.brokers.remove(one.broker)
    left.close()
    other.open("board", "v.p", "carl")
    other.wait_for(["ann", "carl"])
    line.brokers.append(one.broker)
    # As a broker does when its connection is back; the other one has noticed nothing.
    one.broker.receiver.catch_up()
    one.wait_for(["ann", "carl"])


def test_a_message_that_was_lost_is_missed_at_the_next_beat(
    processes: tuple[Site, Site], line: Line, beat_fast: None
) -> None:
    one, other = processes
    one.open("board", "t.p", "ann")
    assert other.names() == ["ann"]
    line.brokers.remove(other.broker)
    one.open("board", "u.p", "bob")
    line.brokers.append(other.broker)
    other.wait_for(["ann", "bob"])


def test_a_worker_that_stops_leaves_its_people_lingering(make_process: MakeSite, beat_fast: None) -> None:
    one, other = (make_process(DATASTAR_PRESENCE_LINGER_SECONDS=0.6) for _ in range(2))
    stream = other.open("board", "u.p", "bob")
    staying = other.open("board", "v.p", "carl")
    one.wait_for(["bob", "carl"])
    for connection in (stream, staying):
        connection.close()
    kill(other)
    one.open("board", "v.q", "carl")
    # The dead process's beats are missed before its people have lingered.
    time.sleep(0.05 * SILENT_TICKS * 1.5)
    assert one.names() == ["bob", "carl"]
    one.wait_for(["carl"])


def test_signing_out_reaches_those_that_linger_elsewhere(make_process: MakeSite) -> None:
    one, other, script = (make_process(DATASTAR_PRESENCE_LINGER_SECONDS=3600) for _ in range(3))
    one.open("board", "t.p", "ann").close()
    other.open("board", "u.p", "ann")
    other.open("board", "v.p", "bob")
    assert one.names() == ["ann", "bob"]
    with script.app.app_context():
        script.datastar.tabs.close("ann")
    for process in (one, other):
        process.wait_for(["bob"])


@pytest.mark.parametrize("tab", [None, "t"])
def test_signing_out_leaves_who_came_after_it_however_late_it_is_heard_of(
    make_process: MakeSite, monkeypatch: pytest.MonkeyPatch, tab: str | None
) -> None:
    one, other = (make_process(DATASTAR_PRESENCE_LINGER_SECONDS=3600) for _ in range(2))
    other.open("board", "t.p", "ann").close()
    other.open("board", "t.q", "ann", signals={"name": "old"})
    other.post("edit", "t.q")
    other.open("board", "u.p", "bob")
    assert len(one.people()) == 2
    late: list[Callable[[], None]] = []
    publish = JoinedBroker.publish

    def hold(broker: JoinedBroker, channel: str, topic: str, kind: str, payload: Payload, **options: Any) -> None:
        if kind == "presence" and isinstance(decode(payload.data), SignedOut):
            late.append(lambda: publish(broker, channel, topic, kind, payload, **options))
        else:
            publish(broker, channel, topic, kind, payload, **options)

    monkeypatch.setattr(JoinedBroker, "publish", hold)
    with one.app.app_context():
        one.datastar.tabs.close("ann", "t" if tab else ALL_TABS)
    other.open("board", "t.r", "ann", signals={"name": "new"})
    other.open("silent", "t.r", "ann")
    other.post("edit", "t.r")
    (deliver,) = late
    deliver()

    for process in (one, other):
        # What was there before is over, although it would linger for long: bob's entry is left, and two new ones.
        wait_until(lambda process=process: process.presence.stats()["entries"] == 3)
        assert [(who.tabs, who.data) for who in process.people() if who.scope == "ann"] == [(1, {"name": "new"})]
        assert process.names("card1") == ["ann"]


def test_page_that_is_announced_late_takes_nobody_away(processes: tuple[Site, Site], line: Line) -> None:
    one, other = processes
    with line.held() as messages:
        older = one.open("board", "t.p1", "ann", signals={"name": "old"})
        other.open("board", "t.p2", "ann", signals={"name": "new"})
        wait_until(lambda: len(messages) == 2)
        messages.reverse()
    older.wait_end()
    for process in processes:
        # The older page has lingered, and is gone.
        wait_until(lambda process=process: process.people() and process.presence.stats()["entries"] == 1)
        assert [(who.scope, who.tabs, who.data) for who in process.people()] == [("ann", 1, {"name": "new"})]


def test_processes_without_people_watch_no_streams(processes: tuple[Site, Site]) -> None:
    one, _ = processes
    for process in processes:
        process.open("silent", "t.p", "ann")
        process.open("silent", "u.p", "bob")
        assert hub_for(process.app).watcher is None
        with process.app.app_context():
            assert "presence" not in process.datastar.stats()
    with one.app.app_context():
        one.datastar.tabs.close("nobody")
    one.post("stop", "t.p")
    assert [hub_for(process.app).watcher for process in processes] == [None, None]
    one.open("board", "v.p", "carl")
    for process in processes:
        assert hub_for(process.app).watcher is process.presence
        process.wait_for(["carl"])


# Handlers


def test_a_handler_in_another_process_joins_and_leaves_for_its_page(processes: tuple[Site, Site]) -> None:
    one, other = processes
    stream = one.open("silent", "t.p", "ann")
    other.post("edit", "t.p")
    for process in processes:
        process.wait_for(["ann"], "card1")
    other.post("stop", "t.p")
    for process in processes:
        process.wait_for([], "card1")
    other.post("edit", "t.p")
    stream.close()
    other.wait_for([], "card1")


def test_what_a_handler_joined_follows_its_page_to_another_process(processes: tuple[Site, Site]) -> None:
    one, other = processes
    stream = one.open("silent", "t.p", "ann")
    one.post("edit", "t.p")
    since = other.people("card1")[0].since
    stream.close()
    back = other.open("silent", "t.p", "ann")
    time.sleep(LINGER_SECONDS * 1.5)
    for process in processes:
        assert [(who.scope, who.tabs, who.since) for who in process.people("card1")] == [("ann", 1, since)]
    one.post("stop", "t.p")
    other.wait_for([], "card1")
    back.close()


def test_a_click_of_a_page_on_its_way_to_another_process_counts(make_process: MakeSite) -> None:
    processes = one, other = [make_process(DATASTAR_PRESENCE_LINGER_SECONDS=3600) for _ in range(2)]
    one.open("board", "u.p", "bob")
    one.open("silent", "t.p", "ann").close()
    wait_until(lambda: hub_for(one.app).stats()["open"] == 1)
    other.post("edit", "t.p")
    other.open("silent", "t.p", "ann")
    for process in processes:
        assert [(who.scope, who.tabs) for who in process.people("card1")] == [("ann", 1)]
    [entry] = other.presence._state.own_entries("t")
    assert other.presence._state.is_open(entry.number)
    one.post("stop", "t.p")
    for process in processes:
        assert process.names("card1") == []


def test_what_a_request_orders_is_sent_before_its_answer(
    processes: tuple[Site, Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = processes
    one.open("silent", "t.p", "ann")
    sent: list[tuple[str, bool]] = []
    publish = JoinedBroker.publish

    def note(
        broker: JoinedBroker, channel: str, topic: str, kind: str, payload: Payload, *, waits: bool = True
    ) -> None:
        if kind == "presence" and broker is other.broker:
            sent.append((type(decode(payload.data)).__name__, waits))
        publish(broker, channel, topic, kind, payload, waits=waits)

    monkeypatch.setattr(JoinedBroker, "publish", note)
    # The page's next click may run in another process, and must not overtake this one.
    other.post("edit", "t.p")
    other.post("stop", "t.p")
    with other.app.app_context():
        other.datastar.tabs.close("ann")
    orders = [message for message in sent if message[0] in ("PageJoins", "TabLeaves", "SignedOut")]
    assert orders == [("PageJoins", True), ("TabLeaves", True), ("SignedOut", True)]


def test_a_page_with_streams_in_two_processes_keeps_what_it_joined(processes: tuple[Site, Site]) -> None:
    one, other = processes
    first = one.open("silent", "t.p", "ann")
    second = other.open("busy", "t.p", "ann")
    one.post("edit", "t.p")
    first.close()
    time.sleep(LINGER_SECONDS * 1.5)
    assert one.names("card1") == other.names("card1") == ["ann"]
    second.close()
    one.wait_for([], "card1")


def test_what_a_handler_joined_follows_its_page_from_a_dead_process_to_a_new_one(make_process: MakeSite) -> None:
    one, other = make_process(), make_process()
    other.open("board", "u.p", "bob")
    one.open("silent", "t.p", "ann")
    one.post("edit", "t.p")
    other.wait_for(["ann"], "card1")
    since = other.people("card1")[0].since
    kill(one)
    new = make_process()
    new.open("silent", "t.p", "ann")
    new.wait_for(["bob"])
    wait_until(lambda: "t" in new.presence._pages._by_tab)
    for _ in range(SILENT_TICKS):
        for process in (other, new):
            process.presence._beat()
    # Nothing comes from the dead process, so its own entry has ended.
    assert other.presence.stats()["processes"] == new.presence.stats()["processes"] == 2
    for process in (other, new):
        assert [(who.scope, who.tabs, who.since) for who in process.people("card1")] == [("ann", 1, since)]
    new.post("stop", "t.p")
    for process in (other, new):
        process.wait_for([], "card1")


@pytest.mark.parametrize("how", ["leave", "sign out"])
def test_a_page_does_not_bring_back_what_ended_after_its_process_died(processes: tuple[Site, Site], how: str) -> None:
    one, other = processes
    other.open("board", "u.p", "bob")
    one.open("silent", "t.p", "ann")
    one.post("edit", "t.p")
    other.wait_for(["ann"], "card1")
    kill(one)
    stream = other.open("silent", "t.p", "ann")
    if how == "leave":
        other.post("stop", "t.p")
    else:
        with other.app.app_context():
            other.datastar.tabs.close("ann", restart=True)
        stream.wait_end()
        other.open("silent", "t.p", "ann")
    assert other.presence._state.own_entries("t") == []
    other.open("busy", "t.p", "ann")
    # The generator joins after its stream has opened.
    wait_until(lambda: [entry.topic for entry in other.presence._state.own_entries("t")] == ["board"])


# Messages


@pytest.mark.parametrize("data", [b"", b"{}", b'["?"]', b'["+","p",1]', b"\xff"])
def test_what_strangers_send_is_skipped(
    processes: tuple[Site, Site], caplog: pytest.LogCaptureFixture, data: bytes
) -> None:
    one, _ = processes
    one.open("board", "t.p", "ann")
    one.broker.receiver.receive("\0presence", "presence", Payload(data))
    assert "a message from the broker was skipped: about presence" in caplog.text
    assert one.names() == ["ann"]


def test_a_stranger_s_entries_end_by_themselves(make_process: MakeSite, beat_fast: None) -> None:
    process = make_process()
    assert process.names() == []
    data = b'["+","ghost",7,1,"board","ann","t","p",1.0,2.0,"{}"]'
    process.presence.take(Payload(data))
    process.wait_for(["ann"])
    process.wait_for([])


def test_messages_go_out_in_their_order(processes: tuple[Site, Site], carried: list[bytes]) -> None:
    one, _ = processes
    started = threading.Barrier(4)

    def act(number: int) -> None:
        started.wait()
        for _ in range(20):
            one.post("edit", f"t{number}.p")
            one.post("stop", f"t{number}.p")

    for number in range(4):
        one.open("silent", f"t{number}.p", f"user{number}")
    threads = [threading.Thread(target=act, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    own = [message for data in carried if (message := decode(data)).process == one.presence._state.process]
    numbers = [
        seq for message in own if isinstance(seq := getattr(message, "seq", None), int) and type(message) is not Beat
    ]
    assert numbers == list(range(1, 161))


# The talk alone


def talk(count: int) -> list[Exchange]:
    return [Exchange(PresenceState(f"p{number}")) for number in range(count)]


def settle(exchanges: list[Exchange], now: float, *, drops: Callable[[Any], bool] = lambda message: False) -> int:
    """Deliver what was sent, to all, until nobody sends anything. Give the number of messages."""
    delivered = 0
    while any(exchange.outbox for exchange in exchanges):
        for exchange in exchanges:
            if exchange.outbox:
                message = exchange.outbox.popleft()
                delivered += 1
                for other in exchanges if not drops(message) else ():
                    other.take(message, now)
    return delivered


def join(exchange: Exchange, count: int = 1) -> None:
    for number in range(count):
        exchange.send(exchange._state.join("board", f"{exchange._state.process}.{number}", "t", "{}", at=1.0, now=1.0))


def test_many_that_ask_get_one_answer() -> None:
    exchanges = talk(4)
    for exchange in exchanges:
        join(exchange, 600)
        exchange.outbox.clear()
    for exchange in exchanges:
        exchange.start(10.0)
    # Per process: a greeting, two beats, two parts, and what it asks of the others.
    assert settle(exchanges, 10.0) <= 4 * (1 + 2 + 2 + 3)
    for exchange in exchanges:
        assert len(exchange._state.seen("board")) == 2400
        assert exchange.wait_until() < 0
        # Some have asked a moment later, perhaps too late for the first answer.
        assert exchange.next_due() in (None, 10.2)
        exchange.advance(10.2)
        assert exchange.next_due() is None


def test_a_part_that_is_lost_is_asked_for_again() -> None:
    one, other = talk(2)
    join(one, 1200)
    one.outbox.clear()
    other.start(10.0)
    settle([one, other], 10.0, drops=lambda message: isinstance(message, Part) and message.number == 1)
    assert other._state.seen("board") == ()
    assert other._state.behind() == ["p0"]
    assert other.wait_until() == 11.5
    one.beat()
    settle([one, other], 14.0)
    assert len(other._state.seen("board")) == 1200
    assert other._parts == {}


def test_parts_of_two_answers_are_not_mixed() -> None:
    one, other = talk(2)
    join(one, 600)
    one.outbox.clear()
    one.take(Wanted("p1", "p0"), 10.0)
    first = list(one.outbox)
    join(one, 1)
    one.outbox.clear()
    one.take(Wanted("p1", "p0"), 20.0)
    second = list(one.outbox)
    for message in (second[0], first[1]):
        other.take(message, 20.0)
    assert other._state.seen("board") == ()
    for message in (first[0], second[1], *second):
        other.take(message, 20.0)
    assert len(other._state.own_entries()) == 0
    assert other._state.count()["entries"] == 601


def test_waiting_is_over_when_nobody_answers_and_when_somebody_does_not() -> None:
    one, other, _ = talk(3)
    assert one.wait_until() == float("inf")
    one.start(10.0)
    assert one.wait_until() == 10.5
    # The other one knows of two processes with people, and only one of them answers.
    other._state.merge(talk(1)[0]._state.join("board", "x", "t", "{}", at=1.0, now=1.0), 1.0)
    join(other)
    settle([one, other], 10.0)
    assert one.wait_until() == 11.5


def test_own_beats_count_the_time_of_the_others() -> None:
    one, other = talk(2)
    join(other)
    join(one)
    settle([one, other], 10.0)
    for number in range(SILENT_TICKS + 1):
        assert len(one._state.seen("board")) == (2 if number < SILENT_TICKS else 1)
        one.beat()
        # While the broker is away, no time passes.
        one.outbox.clear()
        one.beat()
        beat = one.outbox[-1]
        settle([one], 20.0)
        # It comes back once for each period.
        one.take(beat, 20.0)
    for _ in range(FORGOTTEN_TICKS):
        one.beat()
        settle([one], 20.0)
    assert len(one._state._records) == 1


def test_a_process_does_not_answer_for_another() -> None:
    one, _ = talk(2)
    join(one)
    one.outbox.clear()
    one.take(Wanted("p1", "p7"), 10.0)
    assert not one.outbox
    one.take(Hello("p1"), 10.0)
    assert [type(message) for message in one.outbox] == [Beat]


def test_only_a_young_process_asks_what_its_pages_keep() -> None:
    one, other = talk(2)
    page = ("ann", "t", "p")
    join(one)
    dead = PresenceState("dead").join("card", "ann", "t", "{}", page="p", at=1.0, now=1.0)
    one._state.merge(dead, 1.0)
    asked: list[Any] = []

    def note(message: Any) -> bool:
        if isinstance(message, PageIsBack | PageKeeps):
            asked.append(message)
        return False

    for at in (10.0, 29.9, 30.0):
        if at == 10.0:
            other.start(at)
        other.arrive(page, at)
        one.beat()
        settle([one, other], at, drops=note)
        assert asked == ([PageIsBack("p1", *page), PageKeeps("p0", dead.entry)] if at < 30 else [])
        asked.clear()
    # Who knows as much as others has nothing to ask.
    other._state.merge(dead, 1.0)
    other.start(40.0)
    other.arrive(page, 40.0)
    one.beat()
    settle([one, other], 40.0, drops=note)
    assert asked == []
