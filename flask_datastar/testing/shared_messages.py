"""The promises of brokers about messages between processes, as a test class."""

from __future__ import annotations

from functools import partial

from ..brokers import Payload
from ..brokers.payload import MessageKind
from .broker_contract import BrokerContract
from .brokers import PAYLOADS, TOPICS, Brokers, Received, send
from .waiting import run_all


class SharedMessageContract(BrokerContract):
    """Promises about messages between processes."""

    def test_it_says_so(self, brokers: Brokers) -> None:
        """The broker says that it reaches other processes."""
        assert brokers.make()[0].is_shared

    def test_message_comes_once_to_every_process(self, brokers: Brokers) -> None:
        """Every process that subscribes gets a message once."""
        made = [brokers.make() for _ in range(3)]
        for broker, _ in made:
            broker.subscribe("news")
        for number in range(30):
            send(made[number % 3][0], b"%d" % number)
        send(made[0][0], b"end")

        for _, inbox in made:
            inbox.wait_for(b"end")
            assert inbox.data == [*(b"%d" % number for number in range(30)), b"end"]

    def test_all_processes_see_one_order(self, brokers: Brokers) -> None:
        """All processes get the messages of a channel in one order; those of one publisher keep theirs."""
        made = [brokers.make() for _ in range(3)]
        for broker, _ in made:
            broker.subscribe("news")

        def publish(number: int) -> None:
            for count in range(100):
                send(made[number % 3][0], b"%d:%03d" % (number, count))

        run_all([partial(publish, number) for number in range(6)])

        for _, inbox in made:
            inbox.wait_for_count(600)
            assert inbox.data == made[0][1].data
        # Those of one publisher are in the order in which it published them.
        for number in range(6):
            own = [data for data in made[0][1].data if data.startswith(b"%d:" % number)]
            assert own == sorted(own)
            assert len(own) == 100

    def test_subscription_is_in_effect_when_it_returns(self, brokers: Brokers) -> None:
        """A message that is published after ``subscribe`` has returned arrives."""
        (one, inbox), (other, _) = brokers.make(), brokers.make()
        for number in range(100):
            one.subscribe(f"news{number}")
            send(other, b"%d" % number, channel=f"news{number}")

        inbox.wait_for(b"99")
        assert inbox.data == [b"%d" % number for number in range(100)]

    def test_subscriptions_beside_each_other_are_in_effect(self, brokers: Brokers) -> None:
        """The same holds for subscriptions that run beside each other."""
        (one, inbox), (other, _) = brokers.make(), brokers.make()

        def subscribe(number: int) -> None:
            one.subscribe("news")
            send(other, b"%d" % number)

        run_all([partial(subscribe, number) for number in range(20)])
        inbox.wait_for_count(20)
        assert sorted(map(int, inbox.data)) == list(range(20))

    def test_nothing_comes_after_unsubscribing(self, brokers: Brokers) -> None:
        """No message of a channel comes after it is unsubscribed."""
        (one, inbox), (other, _) = brokers.make(), brokers.make()
        one.subscribe("news")
        one.subscribe("weather")
        one.unsubscribe("news")
        # On the same connection: what was asked for before is in effect.
        one.subscribe("sports")
        send(other, b"news")
        send(other, b"sports", channel="sports")
        send(other, b"weather", channel="weather")

        inbox.wait_for(b"weather")
        assert inbox.data == [b"sports", b"weather"]

    def test_publisher_needs_no_subscription(self, brokers: Brokers) -> None:
        """A process that subscribes to nothing reaches the others."""
        (one, inbox), (other, own) = brokers.make(), brokers.make()
        one.subscribe("news")
        send(other, b"1", last_id="row-1")

        inbox.wait_for(b"1")
        assert inbox.messages == own.messages == [("news", "events", b"1", "row-1")]

    def test_what_is_not_waited_for_comes_in_its_place(self, brokers: Brokers) -> None:
        """A message that is not waited for keeps its place among the others of its publisher."""
        (one, inbox), (other, own) = brokers.make(), brokers.make()
        one.subscribe("news")
        other.subscribe("news")
        for number in range(50):
            send(other, b"%d" % number, waits=number % 2 == 0)

        own.wait_for(b"49")
        inbox.wait_for(b"49")
        assert inbox.data == own.data == [b"%d" % number for number in range(50)]

    def test_every_kind_is_carried(self, brokers: Brokers) -> None:
        """Messages of every kind reach all processes, also the one that does not wait for them: presence needs that."""
        (one, inbox), (other, own) = brokers.make(), brokers.make()
        one.subscribe("people")
        other.subscribe("people")
        for kind in MessageKind:
            other.publish("people", "people", kind, Payload(b"1"), waits=False)

        for found in (inbox, own):
            found.wait_for_count(len(MessageKind))
            assert [message[1] for message in found.messages] == list(MessageKind)

    def test_payloads_reach_others_unchanged(self, brokers: Brokers) -> None:
        """Topic, kind and payload reach other processes unchanged."""
        (one, inbox), (other, _) = brokers.make(), brokers.make()
        one.subscribe("channel")
        expected: list[Received] = []
        for data in PAYLOADS:
            for last_id in (None, "", "row-1"):
                expected.append(("topic", "message", data, last_id))
                other.publish("channel", "topic", "message", Payload(data, last_id))

        inbox.wait_for_count(len(expected))
        assert inbox.messages == expected

    def test_topics_of_any_characters_reach_others(self, brokers: Brokers) -> None:
        """Topics of any characters reach other processes."""
        (one, inbox), (other, _) = brokers.make(), brokers.make()
        for topic in TOPICS:
            one.subscribe(topic)
        for topic in TOPICS:
            send(other, b"1", channel=topic)

        inbox.wait_for_count(len(TOPICS))
        assert [message[0] for message in inbox.messages] == TOPICS
