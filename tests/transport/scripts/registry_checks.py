"""Checks of the tab registry and of topics that threads and greenlets may decide differently."""

from __future__ import annotations

import random
import threading
import time

from flask_datastar.hooks import Reason
from flask_datastar.hub.tabs import TabEntry, TabRegistry
from flask_datastar.hub.topics import Topics
from flask_datastar.testing.waiting import DEADLINE_SECONDS, run_all
from flask_datastar.transport.wakeups import make_wakeup
from tests.support.checks import held, run_in_child

ROUNDS = 200


class Recorded:
    """A stream that notes its end."""

    must_end = False

    def __init__(self, ended: list[TabEntry], scope: str, tab: str, page: str | None) -> None:
        self._ended = ended
        self.entry = TabEntry(scope, tab, page, "/", "feed", 0.0, self)

    def end_as(self, reason: Reason, winner_page: str | None) -> None:
        time.sleep(0)
        self._ended.append(self.entry)

    def restore_id(self) -> bool:
        return True


def make_entry(ended: list[TabEntry], scope: str = "s", tab: str = "t", page: str | None = None) -> TabEntry:
    return Recorded(ended, scope, tab, page).entry


def check_streams_of_one_tab_opened_at_one_moment_leave_one() -> None:
    registry = TabRegistry()
    for _ in range(ROUNDS // 4):
        ended: list[TabEntry] = []
        entries = [make_entry(ended, page=str(number)) for number in range(8)]
        start = threading.Barrier(len(entries))

        def register(entry: TabEntry, start: threading.Barrier = start) -> None:
            start.wait(DEADLINE_SECONDS)
            assert registry.register(entry, limit_per_scope=1)

        run_all([lambda entry=entry: register(entry) for entry in entries])
        [live] = registry.snapshot()
        assert len(ended) == len(entries) - 1
        assert len({id(entry) for entry in ended}) == len(ended)
        [winner] = [entry for entry in entries if not any(entry is other for other in ended)]
        assert live.page == winner.page
        run_all([lambda entry=entry: registry.release(entry) for entry in entries])
        assert registry.count() == 0
    assert registry._streams.get().by_scope == {}


def check_every_stream_ends_once_whatever_happens_together() -> None:
    registry = TabRegistry()
    ended: list[TabEntry] = []
    opened: list[TabEntry] = []

    def work(number: int) -> None:
        chance = random.Random(number)
        for _ in range(ROUNDS):
            scope, tab = chance.choice("ab"), chance.choice("xyz")
            entry = make_entry(ended, scope, tab, chance.choice([None, "p", "q"]))
            if registry.register(entry, limit_per_scope=chance.choice([2, 5])):
                opened.append(entry)
                if chance.random() < 0.3:
                    registry.close(scope, chance.choice([tab, None]), reason=Reason.DONE)
                if chance.random() < 0.6:
                    registry.release(entry)
                    ended.append(entry)
            registry.count()
            registry.snapshot()

    run_all([lambda number=number: work(number) for number in range(6)])
    left = registry.close("a", reason=Reason.DONE) + registry.close("b", reason=Reason.DONE)
    assert left <= 10
    assert {id(entry) for entry in ended} == {id(entry) for entry in opened}
    assert registry.count() == 0
    assert registry._streams.get().by_scope == {}


def check_registry_of_a_forked_child_is_empty() -> None:
    registry, topics = TabRegistry(), Topics()
    ended: list[TabEntry] = []
    entry, box = make_entry(ended), Box()
    assert registry.register(entry, limit_per_scope=1)
    topics.subscribe(("news",), box)

    def child() -> None:
        assert registry.count() == 0
        assert topics.is_empty
        registry.release(entry)
        topics.unsubscribe(("news",), box)
        assert registry.register(make_entry(ended), limit_per_scope=1)
        assert ended == []
        assert topics.publish("news", "message", b"1") == 0

    with held(registry._streams.get().lock, topics._topics.get().lock):
        run_in_child(child)
    assert registry.count() == 1
    assert topics.publish("news", "message", b"1") == 1


class Box:
    """A subscriber that lets others run while it takes a message."""

    def __init__(self) -> None:
        self.got: list[bytes] = []

    def deliver(self, topic: str, kind: str, payload: bytes) -> None:
        time.sleep(0)
        self.got.append(payload)


def check_subscribers_get_messages_in_one_order() -> None:
    topics = Topics()
    boxes = [Box() for _ in range(5)]
    for box in boxes:
        topics.subscribe(("news",), box)
    expected = [b"%d-%d" % (publisher, number) for publisher in range(4) for number in range(ROUNDS)]

    def publish(publisher: int) -> None:
        for number in range(ROUNDS):
            assert topics.publish("news", "message", b"%d-%d" % (publisher, number)) == len(boxes)

    run_all([lambda publisher=publisher: publish(publisher) for publisher in range(4)])
    for box in boxes:
        assert box.got == boxes[0].got
    assert sorted(boxes[0].got) == sorted(expected)
    for publisher in range(4):
        of_one = [payload for payload in boxes[0].got if payload.startswith(b"%d-" % publisher)]
        assert of_one == [b"%d-%d" % (publisher, number) for number in range(ROUNDS)]


def check_slow_delivery_holds_nobody_else_up() -> None:
    topics = Topics()
    begun, may_end = make_wakeup(), make_wakeup()

    class Slow:
        def deliver(self, topic: str, kind: str, payload: bytes) -> None:
            begun.set()
            assert may_end.wait(DEADLINE_SECONDS)

    def others() -> None:
        assert begun.wait(DEADLINE_SECONDS)
        box = Box()
        topics.subscribe(("slow",), box)
        topics.subscribe(("other",), box)
        assert topics.publish("other", "message", b"1") == 1
        assert topics.count("slow") == 2
        topics.unsubscribe(("slow",), box)
        assert box.got == [b"1"]
        may_end.set()

    topics.subscribe(("slow",), Slow())
    run_all([lambda: topics.publish("slow", "message", b"1"), others])


def check_subscribers_come_and_go_while_others_publish() -> None:
    topics = Topics()
    stop: list[bool] = []

    def come_and_go(number: int) -> None:
        for _ in range(ROUNDS):
            box, name = Box(), f"topic-{number % 2}"
            topics.subscribe((name,), box)
            assert topics.publish(name, "message", b"own") >= 1
            assert b"own" in box.got
            topics.unsubscribe((name,), box)
            got = len(box.got)
            topics.publish(name, "message", b"late")
            assert b"late" not in box.got[got:] or stop == []
        stop.append(True)

    run_all([lambda number=number: come_and_go(number) for number in range(4)])
    assert topics.is_empty
    assert topics._topics.get().by_name == {}
