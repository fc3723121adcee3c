"""Topics: who gets what. Under load they are tried in ``tests/transport``."""

from __future__ import annotations

import logging

import pytest

from flask_datastar.hub.topics import Topics


class Box:
    def __init__(self) -> None:
        self.got: list[tuple[str, str, bytes]] = []

    def deliver(self, topic: str, kind: str, payload: bytes) -> None:
        self.got.append((topic, kind, payload))


class Twin(Box):
    """Equal to every other one and not hashable, as a careless subscriber may be."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Twin)


@pytest.fixture
def topics() -> Topics:
    return Topics()


def test_message_reaches_the_subscribers_of_its_topic(topics: Topics) -> None:
    one, both = Box(), Box()
    topics.subscribe(("a",), one)
    topics.subscribe(("a", "b"), both)

    assert topics.publish("a", "message", b"1") == 2
    assert topics.publish("b", "events", b"2") == 1
    assert topics.publish("c", "message", b"3") == 0
    assert one.got == [("a", "message", b"1")]
    assert both.got == [("a", "message", b"1"), ("b", "events", b"2")]


def test_subscribing_twice_is_subscribing_once(topics: Topics) -> None:
    box = Box()
    topics.subscribe(("a",), box)
    topics.subscribe(("a",), box)

    assert topics.count("a") == 1
    assert topics.publish("a", "message", b"1") == 1
    topics.unsubscribe(("a",), box)
    topics.unsubscribe(("a",), box)
    assert topics.publish("a", "message", b"2") == 0
    assert box.got == [("a", "message", b"1")]


def test_several_topics_are_handed_over_and_left_in_one_call(topics: Topics) -> None:
    box, taker = Box(), Box()
    topics.subscribe(("a", "b"), box)
    topics.hand_over(("a", "b", "c"), box, taker)

    for topic in ("a", "b", "c"):
        topics.publish(topic, "message", b"1")
    topics.unsubscribe(("a", "b"), box)

    assert box.got == []
    assert taker.got == [("a", "message", b"1"), ("b", "message", b"1")]
    assert topics.is_empty


def test_equal_subscribers_are_two(topics: Topics) -> None:
    one, other = Twin(), Twin()
    topics.subscribe(("a",), one)
    topics.subscribe(("a",), other)
    topics.unsubscribe(("a",), one)
    topics.publish("a", "message", b"1")

    assert (one.got, len(other.got)) == ([], 1)


def test_nothing_is_kept_of_a_topic_that_everybody_left(topics: Topics) -> None:
    boxes = [Box(), Box()]
    assert topics.is_empty
    for box in boxes:
        topics.subscribe(("a",), box)
    topics.unsubscribe(("b",), boxes[0])
    topics.unsubscribe(("a",), boxes[0])
    assert not topics.is_empty
    assert topics.count("a") == 1
    topics.unsubscribe(("a",), boxes[1])

    assert topics.is_empty
    assert topics.count("a") == 0


def test_subscriber_that_fails_is_logged_and_the_others_go_on(topics: Topics, caplog: pytest.LogCaptureFixture) -> None:
    class Failing:
        def deliver(self, topic: str, kind: str, payload: bytes) -> None:
            raise LookupError("no room")

    box = Box()
    topics.subscribe(("a",), Failing())
    topics.subscribe(("a",), box)
    with caplog.at_level(logging.ERROR):
        assert topics.publish("a", "message", b"1") == 1

    assert len(box.got) == 1
    assert "topic 'a'" in caplog.text
    assert "no room" in caplog.text


def test_subscriber_that_leaves_or_comes_during_a_delivery_has_effect_on_the_next(topics: Topics) -> None:
    late = Box()

    class Leaving(Box):
        def deliver(self, topic: str, kind: str, payload: bytes) -> None:
            super().deliver(topic, kind, payload)
            topics.unsubscribe((topic,), self)
            topics.subscribe((topic,), late)

    leaving = Leaving()
    topics.subscribe(("a",), leaving)

    assert [topics.publish("a", "message", payload) for payload in (b"1", b"2")] == [1, 1]
    assert [payload for _, _, payload in leaving.got] == [b"1"]
    assert [payload for _, _, payload in late.got] == [b"2"]


def test_thousand_subscribers_get_one_message_each(topics: Topics) -> None:
    boxes = [Box() for _ in range(1000)]
    for box in boxes:
        topics.subscribe(("a",), box)

    assert topics.publish("a", "message", b"1") == 1000
    assert all(box.got == [("a", "message", b"1")] for box in boxes)
