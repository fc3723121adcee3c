"""What every broker promises: its tests inherit ``BrokerContract``, or ``SharedBrokerContract`` if it reaches others.

The tests take one argument, the maker of brokers, so that they also run where there is no pytest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from flask_datastar.brokers import Broker, BrokerOptions, Payload
from flask_datastar.brokers.schemes import BrokerSource, make_broker
from tests.support.checks import run_all, wait_until

Message = tuple[str, str, bytes, str | None]

TOPICS = [
    "news",
    "a:b",
    "a\nb",
    "\0003:ann",
    "\0003:ann:tab",
    "\U0001f600",
    "\u2028",
    "{x}*?[a]",
    " ",
    "é" * 300,
    "\ud800",
]
PAYLOADS = [
    *[b"", b"\n", b"\r\n\r\n", b"\0\xff\xfe", "\u2028\u2029\x85".encode(), b"event: x\ndata: y\n\n"],
    *[bytes(range(256)), b"x" * 1_048_576],
]


class Taker:
    """The process that a broker belongs to."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.catch_ups = 0
        self.on_catch_up: Callable[[], object] = lambda: None

    def receive(self, topic: str, kind: str, payload: Payload) -> None:
        self.messages.append((topic, kind, payload.data, payload.last_id))

    def catch_up(self) -> None:
        self.on_catch_up()
        self.catch_ups += 1

    @property
    def data(self) -> list[bytes]:
        return [message[2] for message in self.messages]

    def wait_for(self, data: bytes, count: int = 1) -> None:
        wait_until(lambda: self.data.count(data) >= count)


class Brokers:
    """Makes brokers of one URL, each standing for a process, and closes them; a context manager."""

    def __init__(self, url: str, own: Mapping[str, BrokerSource] | None = None, *, timeout_seconds: float = 60) -> None:
        self._url = url
        self._own = own
        self._timeout_seconds = timeout_seconds
        self._made: list[Broker] = []

    def make(self, namespace: str = "shop") -> tuple[Broker, Taker]:
        taker = Taker()
        broker = make_broker(self._url, taker, BrokerOptions(namespace, self._timeout_seconds), self._own)
        self._made.append(broker)
        return broker, taker

    def __enter__(self) -> Brokers:
        return self

    def __exit__(self, *error: object) -> None:
        for broker in self._made:
            broker.close()


def say(broker: Broker, data: bytes, *, channel: str = "news", last_id: str | None = None, waits: bool = True) -> None:
    broker.publish(channel, channel, "events", Payload(data, last_id), waits=waits)


class BrokerContract:
    """Promises of every broker."""

    def test_own_message_comes_once_with_a_subscription(self, brokers: Brokers) -> None:
        broker, taker = brokers.make()
        broker.subscribe("news")

        for number in range(50):
            say(broker, b"%d" % number)

        taker.wait_for(b"49")
        say(broker, b"end")
        taker.wait_for(b"end")
        assert taker.data == [*(b"%d" % number for number in range(50)), b"end"]

    def test_own_message_comes_once_without_a_subscription(self, brokers: Brokers) -> None:
        broker, taker = brokers.make()

        say(broker, b"1")
        assert taker.data == [b"1"]
        broker.subscribe("news")
        say(broker, b"2")
        broker.unsubscribe("news")
        say(broker, b"3")

        taker.wait_for(b"3")
        wait_until(lambda: len(taker.data) >= 3)
        assert sorted(taker.data) == [b"1", b"2", b"3"]

    def test_second_subscription_costs_nothing(self, brokers: Brokers) -> None:
        broker, taker = brokers.make()
        for _ in range(1000):
            broker.subscribe("news")

        say(broker, b"1")
        say(broker, b"2")
        taker.wait_for(b"2")
        assert taker.data == [b"1", b"2"]

    def test_unsubscribing_what_is_not_subscribed_is_no_error(self, brokers: Brokers) -> None:
        broker, taker = brokers.make()
        broker.unsubscribe("news")
        broker.subscribe("news")
        broker.unsubscribe("news")
        broker.unsubscribe("news")
        broker.subscribe("news")

        say(broker, b"1")
        taker.wait_for(b"1")
        assert taker.data == [b"1"]

    def test_topic_kind_and_payload_arrive_unchanged(self, brokers: Brokers) -> None:
        broker, taker = brokers.make()
        broker.subscribe("channel")
        expected: list[Message] = []
        for data in PAYLOADS:
            for last_id in (None, "", "row-1"):
                expected.append(("topic", "message", data, last_id))
                broker.publish("channel", "topic", "message", Payload(data, last_id))

        wait_until(lambda: len(taker.messages) >= len(expected))
        assert taker.messages == expected

    def test_topics_have_any_characters(self, brokers: Brokers) -> None:
        broker, taker = brokers.make()
        for topic in TOPICS:
            broker.subscribe(topic)
        for topic in TOPICS:
            say(broker, b"1", channel=topic)

        wait_until(lambda: len(taker.messages) >= len(TOPICS))
        assert [message[0] for message in taker.messages] == TOPICS

    def test_own_streams_are_not_elsewhere(self, brokers: Brokers) -> None:
        broker, _ = brokers.make()
        broker.note_streams("ann", "tab", 2)
        broker.note_streams("ann", None, 1)

        assert broker.count_elsewhere("ann", None) == 0
        assert broker.count_elsewhere("ann", "other") == 0
        assert broker.count_tabs_elsewhere() == 0
        assert broker.scopes_elsewhere() == set()

    def test_close_twice_is_no_error(self, brokers: Brokers) -> None:
        unused, _ = brokers.make()
        unused.close()
        broker, taker = brokers.make()
        broker.subscribe("news")
        broker.note_streams("ann", "tab", 1)
        say(broker, b"1")
        taker.wait_for(b"1")

        broker.close()
        broker.close()
        broker.unsubscribe("news")
        broker.note_streams("ann", "tab", 0)
        assert taker.data == [b"1"]


class SharedBrokerContract(BrokerContract):
    """Promises of brokers that reach other processes."""

    def test_it_says_so(self, brokers: Brokers) -> None:
        assert brokers.make()[0].is_shared

    def test_message_comes_once_to_every_process(self, brokers: Brokers) -> None:
        made = [brokers.make() for _ in range(3)]
        for broker, _ in made:
            broker.subscribe("news")
        for number in range(30):
            say(made[number % 3][0], b"%d" % number)
        say(made[0][0], b"end")

        for _, taker in made:
            taker.wait_for(b"end")
            assert taker.data == [*(b"%d" % number for number in range(30)), b"end"]

    def test_all_processes_see_one_order(self, brokers: Brokers) -> None:
        made = [brokers.make() for _ in range(3)]
        for broker, _ in made:
            broker.subscribe("news")

        def publish(number: int) -> None:
            for count in range(100):
                say(made[number % 3][0], b"%d:%03d" % (number, count))

        run_all([partial(publish, number) for number in range(6)])

        for _, taker in made:
            wait_until(lambda taker=taker: len(taker.messages) >= 600)
            assert taker.data == made[0][1].data
        # Those of one publisher are in the order in which it published them.
        for number in range(6):
            own = [data for data in made[0][1].data if data.startswith(b"%d:" % number)]
            assert own == sorted(own)
            assert len(own) == 100

    def test_subscription_is_in_effect_when_it_returns(self, brokers: Brokers) -> None:
        (one, taker), (other, _) = brokers.make(), brokers.make()
        for number in range(100):
            one.subscribe(f"news{number}")
            say(other, b"%d" % number, channel=f"news{number}")

        taker.wait_for(b"99")
        assert taker.data == [b"%d" % number for number in range(100)]

    def test_subscriptions_beside_each_other_are_in_effect(self, brokers: Brokers) -> None:
        (one, taker), (other, _) = brokers.make(), brokers.make()

        def subscribe(number: int) -> None:
            one.subscribe("news")
            say(other, b"%d" % number)

        run_all([partial(subscribe, number) for number in range(20)])
        wait_until(lambda: len(taker.data) >= 20)
        assert sorted(map(int, taker.data)) == list(range(20))

    def test_nothing_comes_after_unsubscribing(self, brokers: Brokers) -> None:
        (one, taker), (other, _) = brokers.make(), brokers.make()
        one.subscribe("news")
        one.subscribe("weather")
        one.unsubscribe("news")
        # On the same connection: what was asked for before is in effect.
        one.subscribe("sports")
        say(other, b"news")
        say(other, b"sports", channel="sports")
        say(other, b"weather", channel="weather")

        taker.wait_for(b"weather")
        assert taker.data == [b"sports", b"weather"]

    def test_publisher_needs_no_subscription(self, brokers: Brokers) -> None:
        (one, taker), (other, own) = brokers.make(), brokers.make()
        one.subscribe("news")
        say(other, b"1", last_id="row-1")

        taker.wait_for(b"1")
        assert taker.messages == own.messages == [("news", "events", b"1", "row-1")]

    def test_what_is_not_waited_for_comes_in_its_place(self, brokers: Brokers) -> None:
        (one, taker), (other, own) = brokers.make(), brokers.make()
        one.subscribe("news")
        other.subscribe("news")
        for number in range(50):
            say(other, b"%d" % number, waits=number % 2 == 0)

        own.wait_for(b"49")
        taker.wait_for(b"49")
        assert taker.data == own.data == [b"%d" % number for number in range(50)]

    def test_payloads_reach_others_unchanged(self, brokers: Brokers) -> None:
        (one, taker), (other, _) = brokers.make(), brokers.make()
        one.subscribe("channel")
        expected: list[Message] = []
        for data in PAYLOADS:
            for last_id in (None, "", "row-1"):
                expected.append(("topic", "message", data, last_id))
                other.publish("channel", "topic", "message", Payload(data, last_id))

        wait_until(lambda: len(taker.messages) >= len(expected))
        assert taker.messages == expected

    def test_topics_of_any_characters_reach_others(self, brokers: Brokers) -> None:
        (one, taker), (other, _) = brokers.make(), brokers.make()
        for topic in TOPICS:
            one.subscribe(topic)
        for topic in TOPICS:
            say(other, b"1", channel=topic)

        wait_until(lambda: len(taker.messages) >= len(TOPICS))
        assert [message[0] for message in taker.messages] == TOPICS

    def test_streams_are_counted_elsewhere(self, brokers: Brokers) -> None:
        (one, _), (other, _), (third, _) = brokers.make(), brokers.make(), brokers.make()
        one.note_streams("ann", "a", 2)
        one.note_streams("ann", None, 3)
        other.note_streams("ann", "b", 1)
        other.note_streams("bob", "a", 7)

        wait_until(lambda: third.count_elsewhere("ann", None) == 6)
        assert third.count_elsewhere("ann", "a") == 4
        assert third.count_elsewhere("ann", "b") == 5
        assert third.count_elsewhere("ann", "c") == 6
        assert third.count_elsewhere("carl", None) == 0
        assert one.count_elsewhere("ann", "a") == 1
        assert other.count_elsewhere("ann", "c") == 5

        one.note_streams("ann", "a", 1)
        wait_until(lambda: third.count_elsewhere("ann", None) == 5)
        one.note_streams("ann", "a", 0)
        one.note_streams("ann", None, 0)
        wait_until(lambda: third.count_elsewhere("ann", None) == 1)

    def test_tabs_are_counted_elsewhere(self, brokers: Brokers) -> None:
        (one, _), (other, _), (third, _) = brokers.make(), brokers.make(), brokers.make()
        for number in range(10):
            one.note_streams("ann", f"t{number}", 2)
        one.note_streams("ann", None, 5)
        other.note_streams("\0a\n:", "t1", 1)

        wait_until(lambda: third.count_tabs_elsewhere() == 11)
        assert one.count_tabs_elsewhere() == 1
        assert other.count_tabs_elsewhere() == 10
        one.note_streams("ann", "t1", 0)
        wait_until(lambda: third.count_tabs_elsewhere() == 10)
        one.close()
        wait_until(lambda: third.count_tabs_elsewhere() == 1)

    def test_scopes_are_known_elsewhere(self, brokers: Brokers) -> None:
        (one, _), (other, _), (third, _) = brokers.make(), brokers.make(), brokers.make()
        one.note_streams("ann", "a", 2)
        one.note_streams("ann", "b", 1)
        one.note_streams("bob", None, 1)
        other.note_streams("bob", "a", 1)
        other.note_streams("\0a\n:", None, 1)

        wait_until(lambda: third.scopes_elsewhere() == {"ann", "bob", "\0a\n:"})
        assert one.scopes_elsewhere() == {"bob", "\0a\n:"}
        assert other.scopes_elsewhere() == {"ann", "bob"}
        one.note_streams("ann", "a", 0)
        one.note_streams("bob", None, 0)
        one.note_streams("carl", "a", 1)
        wait_until(lambda: other.scopes_elsewhere() == {"ann", "carl"})
        one.close()
        wait_until(lambda: third.scopes_elsewhere() == {"bob", "\0a\n:"})

    def test_streams_are_known_to_who_hears_of_them(self, brokers: Brokers) -> None:
        one, taker = brokers.make()
        one.subscribe("people")
        for number in range(10):
            newcomer, _ = brokers.make()
            newcomer.note_streams(f"user{number}", "a", 1)
            say(newcomer, b"%d" % number, channel="people")
            taker.wait_for(b"%d" % number)
            assert f"user{number}" in one.scopes_elsewhere()
            assert one.count_tabs_elsewhere() == number + 1

    def test_scopes_have_any_characters(self, brokers: Brokers) -> None:
        (one, _), (other, _) = brokers.make(), brokers.make()
        for topic in TOPICS:
            one.note_streams(topic, "tab", 1)
        for topic in TOPICS:
            wait_until(lambda topic=topic: other.count_elsewhere(topic, None) == 1)
        assert other.scopes_elsewhere() == set(TOPICS)

    def test_apps_are_kept_apart(self, brokers: Brokers) -> None:
        (one, taker), (other, _) = brokers.make("shop"), brokers.make("blog")
        (odd, odd_taker), (plain, _) = brokers.make("a:channel"), brokers.make("a")
        for broker in (one, odd):
            broker.subscribe("news")
        one.note_streams("ann", "a", 1)
        say(other, b"other")
        say(plain, b"other", channel="channel:news")
        say(one, b"own")
        say(odd, b"own")

        taker.wait_for(b"own")
        odd_taker.wait_for(b"own")
        assert taker.data == odd_taker.data == [b"own"]
        assert other.count_elsewhere("ann", None) == 0
        assert other.count_tabs_elsewhere() == 0
        assert other.scopes_elsewhere() == set()
