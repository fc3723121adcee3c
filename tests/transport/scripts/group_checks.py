"""Checks of groups that threads and greenlets may decide differently: streams join while others publish."""

from __future__ import annotations

import random
import time
from typing import Any

from flask_datastar.brokers.payload import MessageKind, Payload
from flask_datastar.hub.groups import Group, Groups
from flask_datastar.hub.seats import Seat
from flask_datastar.hub.topics import Topics
from flask_datastar.testing.waiting import run_all
from tests.support.checks import run_natively

TOPICS = ("a", "b")
EVENTS = 300
JOINERS = 4


class Numbering:
    """Gives each event its number in the group, with a switch to others in the middle."""

    def __init__(self) -> None:
        self.count = 0

    def make(self, payload: Payload, count: int) -> tuple[int, bytes]:
        number = self.count
        time.sleep(0)
        self.count = number + 1
        return number, payload.data

    def write(self, item: tuple[int, bytes], streams: tuple[Any, ...]) -> tuple[Any, ...]:
        return streams

    def finish(self, item: tuple[int, bytes]) -> None: ...

    def close(self) -> None: ...


class Box:
    """A stream that first takes events itself, then by its group."""

    def __init__(self, topics: Topics, chance: random.Random) -> None:
        self.got: list[bytes] = []
        self.numbers: list[int] = []
        self._topics = topics
        self._chance = chance
        topics.subscribe(TOPICS, self)

    def sit(self, group: Group) -> None:
        self._topics.hand_over(TOPICS, self, Seat(group, self))

    def leave(self) -> None:
        self._topics.unsubscribe(TOPICS, self)

    def deliver(self, topic: str, kind: MessageKind, payload: Payload) -> None:
        self.put(payload)

    def put(self, payload: Payload) -> None:
        self.got.append(payload.data)

    def offer(self, item: Any) -> bool:
        if self._chance.random() < 0.1:
            time.sleep(0)
        self.numbers.append(item[0])
        self.got.append(item[1])
        return True

    def on_slow(self, stream: Any) -> None:
        raise AssertionError

    def catch_up(self) -> None: ...

    def check(self) -> None:
        """Check that nothing came twice, that nothing is missing since the first event, and that all is in order."""
        for topic in TOPICS:
            of_topic = [int(data[1:]) for data in self.got if data.startswith(topic.encode())]
            assert of_topic == list(range(of_topic[0], of_topic[0] + len(of_topic))) if of_topic else True, of_topic
        assert self.numbers == sorted(self.numbers)


def publish(topics: Topics, topic: str) -> None:
    for number in range(EVENTS):
        topics.publish(topic, MessageKind.EVENTS, Payload(b"%s%d" % (topic.encode(), number)))
        if number % 20 == 0:
            time.sleep(0.001)


def check_streams_join_and_leave_a_group_while_others_publish() -> None:
    topics, groups = Topics(), Groups()
    boxes: list[Box] = []
    steady = [Box(topics, random.Random(number)) for number in range(3)]
    for box in steady:
        box.sit(groups.join("key", Numbering))

    def come_and_go(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(60):
            box = Box(topics, chance)
            boxes.append(box)
            time.sleep(0)
            group = groups.join("key", Numbering)
            box.sit(group)
            time.sleep(chance.random() / 500)
            box.leave()
            groups.leave(group)

    jobs = [lambda topic=topic: publish(topics, topic) for topic in TOPICS]
    run_all([*jobs, *(lambda seed=seed: come_and_go(seed) for seed in range(JOINERS))])

    for box in steady:
        assert len(box.got) == EVENTS * len(TOPICS)
        # Both topics in the one order of the group.
        assert box.numbers == list(range(EVENTS * len(TOPICS)))
        assert box.got == steady[0].got
    for box in [*steady, *boxes]:
        box.check()
    assert any(box.numbers for box in boxes)


def check_native_threads_publish_to_a_group_in_one_order() -> None:
    topics, groups = Topics(), Groups()
    boxes = [Box(topics, random.Random(number)) for number in range(3)]
    for box in boxes:
        box.sit(groups.join("key", Numbering))

    run_natively([lambda: publish(topics, "a")], lambda: publish(topics, "b"))

    for box in boxes:
        assert box.numbers == list(range(EVENTS * len(TOPICS)))
        assert box.got == boxes[0].got
        box.check()
