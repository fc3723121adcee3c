"""Groups: streams that follow the same topics are served together, in one order."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from flask_datastar.brokers.payload import MessageKind, Payload
from flask_datastar.hub.groups import Group, Groups
from flask_datastar.hub.seats import Seat
from flask_datastar.hub.topics import Topics

EVENTS = MessageKind.EVENTS


class Numbering:
    """Makes of each payload its text and its number in the group."""

    def __init__(self) -> None:
        self.made: list[tuple[int, bytes, int]] = []
        self.finished: list[int] = []
        #: The streams that take everything without an offer.
        self.quick: list[Box] = []
        self.is_closed = False

    def make(self, payload: Payload, count: int) -> tuple[int, bytes]:
        self.made.append((len(self.made), payload.data, count))
        return self.made[-1][:2]

    def write(self, item: tuple[int, bytes], streams: tuple[Any, ...]) -> list[Any]:
        for stream in streams:
            if stream in self.quick:
                stream.got.append((item[0], b"written"))
        return [stream for stream in streams if stream not in self.quick]

    def finish(self, item: tuple[int, bytes]) -> None:
        # Not before all streams of the group have it.
        self.finished.append(item[0])

    def close(self) -> None:
        self.is_closed = True


class Box:
    """A stream that keeps what comes."""

    def __init__(self, topics: Topics, names: tuple[str, ...], room: int = 1000) -> None:
        self.got: list[Any] = []
        self.gaps = 0
        self.slow = 0
        self._topics = topics
        self._names = names
        self._room = room
        topics.subscribe(names, self)

    def sit(self, group: Group) -> None:
        self._topics.hand_over(self._names, self, Seat(group, self))

    def leave(self) -> None:
        self._topics.unsubscribe(self._names, self)

    def deliver(self, topic: str, kind: MessageKind, payload: Payload) -> None:
        self.put(payload)

    def put(self, payload: Payload) -> None:
        self.got.append(payload.data)

    def offer(self, item: Any) -> bool:
        self.got.append(item)
        return len(self.got) <= self._room

    def on_slow(self, stream: Any) -> None:
        assert stream is self
        self.slow += 1

    def catch_up(self) -> None:
        self.gaps += 1


@pytest.fixture
def topics() -> Topics:
    return Topics()


@pytest.fixture
def group() -> Group:
    return Groups().join("a and b", Numbering)


def publish(topics: Topics, topic: str, *texts: bytes, kind: MessageKind = EVENTS) -> int:
    return [topics.publish(topic, kind, Payload(text)) for text in texts][-1]


def test_one_item_is_made_for_all_streams_of_a_group(topics: Topics, group: Group) -> None:
    boxes = [Box(topics, ("a", "b")) for _ in range(3)]
    for box in boxes:
        box.sit(group)

    publish(topics, "a", b"1")
    publish(topics, "b", b"2")

    assert group.maker.made == [(0, b"1", 3), (1, b"2", 3)]  # type: ignore[attr-defined]
    assert group.maker.finished == [0, 1]  # type: ignore[attr-defined]
    assert [box.got for box in boxes] == [[(0, b"1"), (1, b"2")]] * 3


def test_others_of_the_topic_get_it_as_before(topics: Topics, group: Group) -> None:
    alone = Box(topics, ("a",))
    together = [Box(topics, ("a", "b")) for _ in range(2)]
    for box in together:
        box.sit(group)
    late = Box(topics, ("a",))

    # A group counts as one.
    assert publish(topics, "a", b"1") == 3
    assert (alone.got, late.got, together[0].got) == ([b"1"], [b"1"], [(0, b"1")])
    assert topics.count("a") == 4


def test_two_groups_of_one_topic_are_served_apart(topics: Topics) -> None:
    groups = Groups()
    pairs = [(Box(topics, ("a",)), groups.join(name, Numbering)) for name in ("one", "two", "one")]
    for box, group in pairs:
        box.sit(group)

    publish(topics, "a", b"1")

    counts = [group.maker.made[0][2] for _, group in pairs]  # type: ignore[attr-defined]
    assert counts == [2, 1, 2]
    assert all(box.got == [(0, b"1")] for box, _ in pairs)


def test_stream_that_leaves_gets_nothing_more_and_the_others_all(topics: Topics, group: Group) -> None:
    boxes = [Box(topics, ("a", "b")) for _ in range(2)]
    for box in boxes:
        box.sit(group)
    publish(topics, "a", b"1")
    boxes[0].leave()
    publish(topics, "b", b"2")
    boxes[1].leave()
    publish(topics, "a", b"3")

    assert [len(box.got) for box in boxes] == [1, 2]
    assert topics.is_empty


def test_stream_joins_each_topic_between_two_messages(topics: Topics, group: Group) -> None:
    seated = Box(topics, ("a",))
    seated.sit(group)
    joining: list[Box] = []

    # The first stream of the row lets another one join, in the middle of a delivery.
    def offer(item: Any, original: Callable[[Any], bool] = seated.offer) -> bool:
        if not joining:
            joining.append(Box(topics, ("a",)))
            joining[0].sit(group)
        return original(item)

    seated.offer = offer  # type: ignore[method-assign]
    publish(topics, "a", b"1", b"2")

    assert seated.got == [(0, b"1"), (1, b"2")]
    assert joining[0].got == [(1, b"2")]


def test_message_that_is_on_its_way_while_a_stream_sits_down_comes_once(topics: Topics, group: Group) -> None:
    class First(Box):
        def put(self, payload: Payload) -> None:
            super().put(payload)
            if payload.data == b"1":
                later.sit(group)

    First(topics, ("a",))
    later = Box(topics, ("a",))

    publish(topics, "a", b"1", b"2")

    # The publisher had looked before, so the first one still came to the stream itself.
    assert later.got == [b"1", (0, b"2")]


def test_messages_that_are_no_events_are_left_out(topics: Topics, group: Group) -> None:
    box = Box(topics, ("a",))
    box.sit(group)

    publish(topics, "a", b"{}", kind=MessageKind.MESSAGE)

    assert box.got == []


def test_gap_is_noticed_by_each_stream(topics: Topics, group: Group) -> None:
    boxes = [Box(topics, ("a", "b")) for _ in range(2)]
    for box in boxes:
        box.sit(group)

    for subscriber in topics.subscribers("a"):
        subscriber.catch_up()

    assert [box.gaps for box in boxes] == [1, 1]


def test_seat_serves_its_stream_alone_where_it_is_asked_itself(topics: Topics, group: Group) -> None:
    box = Box(topics, ("a",))
    seat = Seat(group, box)

    seat.deliver("a", EVENTS, Payload(b"1"))
    seat.deliver("a", MessageKind.MESSAGE, Payload(b"2"))

    assert box.got == [b"1"]


def test_stream_without_room_is_told_so_after_the_delivery(topics: Topics, group: Group) -> None:
    class Chatty(Box):
        def on_slow(self, stream: Any) -> None:
            super().on_slow(stream)
            # As a logging handler may do.
            if self.slow == 1:
                publish(topics, "b", b"full")

    boxes = [Chatty(topics, ("a", "b"), room=1), Box(topics, ("a", "b"))]
    for box in boxes:
        box.sit(group)

    publish(topics, "a", b"1", b"2")

    assert boxes[0].slow == 2
    assert boxes[1].got == [(0, b"1"), (1, b"2"), (2, b"full")]


def test_stream_that_fails_is_logged_and_the_others_go_on(
    topics: Topics, group: Group, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing(Box):
        def offer(self, item: Any) -> bool:
            raise LookupError("no room")

    boxes = [Failing(topics, ("a",)), Box(topics, ("a",))]
    for box in boxes:
        box.sit(group)
    with caplog.at_level(logging.ERROR):
        publish(topics, "a", b"1")

    assert boxes[1].got == [(0, b"1")]
    assert "no room" in caplog.text


def test_thousand_streams_of_a_group_get_one_event_each(topics: Topics, group: Group) -> None:
    boxes = [Box(topics, ("a",)) for _ in range(1000)]
    for box in boxes:
        box.sit(group)

    publish(topics, "a", b"1")

    assert all(box.got == [(0, b"1")] for box in boxes)


def test_streams_that_were_written_to_are_offered_nothing(topics: Topics, group: Group) -> None:
    boxes = [Box(topics, ("a",)) for _ in range(500)]
    for box in boxes:
        box.sit(group)
    group.maker.quick = boxes[::3]  # type: ignore[attr-defined]

    publish(topics, "a", b"1")

    assert all(box.got == [(0, b"written")] for box in boxes[::3])
    assert all(box.got == [(0, b"1")] for box in boxes[1::3] + boxes[2::3])


def test_group_lives_as_long_as_its_seats() -> None:
    groups = Groups()
    makers: list[Numbering] = []

    def make() -> Numbering:
        makers.append(Numbering())
        return makers[-1]

    first, second = groups.join("a", make), groups.join("a", make)
    other = groups.join("b", make)
    assert first is second
    assert (len(groups), len(makers)) == (2, 2)

    groups.leave(first)
    assert not makers[0].is_closed
    groups.leave(second)
    groups.leave(other)

    assert [maker.is_closed for maker in makers] == [True, True]
    assert len(groups) == 0
    assert groups.join("a", make) is not first


def test_group_that_loses_its_last_seat_during_a_delivery_is_closed_after_it(topics: Topics) -> None:
    groups = Groups()
    group = groups.join("a", Numbering)
    box = Box(topics, ("a",))
    box.sit(group)
    made = group.maker.make

    def leave_and_make(payload: Payload, count: int) -> Any:
        # Another thread; what is made after that may open an encoder.
        groups.leave(group)
        assert group.maker.is_closed
        group.maker.is_closed = False
        return made(payload, count)

    group.maker.make = leave_and_make

    publish(topics, "a", b"1")

    assert box.got == [(0, b"1")]
    assert group.maker.is_closed
