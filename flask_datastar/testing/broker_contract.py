"""The promises of every broker, as a test class: the tests of a broker inherit it.

A subclass gives the fixture ``brokers``. Each test takes that one argument and asserts; none needs pytest, so they run
also where there is no pytest.
"""

from __future__ import annotations

from ..brokers import Payload
from .brokers import PAYLOADS, TOPICS, Brokers, Received, send


class BrokerContract:
    """Promises of every broker. The tests of one that reaches no other process inherit it."""

    def test_own_message_comes_once_with_a_subscription(self, brokers: Brokers) -> None:
        """A process gets its own message once if it subscribes to the channel."""
        broker, inbox = brokers.make()
        broker.subscribe("news")

        for number in range(50):
            send(broker, b"%d" % number)

        inbox.wait_for(b"49")
        send(broker, b"end")
        inbox.wait_for(b"end")
        assert inbox.data == [*(b"%d" % number for number in range(50)), b"end"]

    def test_own_message_comes_once_without_a_subscription(self, brokers: Brokers) -> None:
        """A process gets its own message once if it does not subscribe to the channel."""
        broker, inbox = brokers.make()

        send(broker, b"1")
        assert inbox.data == [b"1"]
        broker.subscribe("news")
        send(broker, b"2")
        broker.unsubscribe("news")
        send(broker, b"3")

        inbox.wait_for(b"3")
        inbox.wait_for_count(3)
        assert sorted(inbox.data) == [b"1", b"2", b"3"]

    def test_second_subscription_costs_nothing(self, brokers: Brokers) -> None:
        """A second subscription changes nothing."""
        broker, inbox = brokers.make()
        for _ in range(1000):
            broker.subscribe("news")

        send(broker, b"1")
        send(broker, b"2")
        inbox.wait_for(b"2")
        assert inbox.data == [b"1", b"2"]

    def test_unsubscribing_what_is_not_subscribed_is_no_error(self, brokers: Brokers) -> None:
        """Unsubscribing from a channel that is not subscribed raises nothing."""
        broker, inbox = brokers.make()
        broker.unsubscribe("news")
        broker.subscribe("news")
        broker.unsubscribe("news")
        broker.unsubscribe("news")
        broker.subscribe("news")

        send(broker, b"1")
        inbox.wait_for(b"1")
        assert inbox.data == [b"1"]

    def test_topic_kind_and_payload_arrive_unchanged(self, brokers: Brokers) -> None:
        """Topic, kind and payload arrive unchanged."""
        broker, inbox = brokers.make()
        broker.subscribe("channel")
        expected: list[Received] = []
        for data in PAYLOADS:
            for last_id in (None, "", "row-1"):
                expected.append(("topic", "message", data, last_id))
                broker.publish("channel", "topic", "message", Payload(data, last_id))

        inbox.wait_for_count(len(expected))
        assert inbox.messages == expected

    def test_topics_have_any_characters(self, brokers: Brokers) -> None:
        """Topics may have any characters, surrogates and NUL included."""
        broker, inbox = brokers.make()
        for topic in TOPICS:
            broker.subscribe(topic)
        for topic in TOPICS:
            send(broker, b"1", channel=topic)

        inbox.wait_for_count(len(TOPICS))
        assert [message[0] for message in inbox.messages] == TOPICS

    def test_own_streams_are_not_elsewhere(self, brokers: Brokers) -> None:
        """The streams of a process are not elsewhere for itself."""
        broker, _ = brokers.make()
        broker.note_streams("ann", "tab", 2)
        broker.note_streams("ann", None, 1)

        assert broker.count_elsewhere("ann", None) == 0
        assert broker.count_elsewhere("ann", "other") == 0
        assert broker.count_tabs_elsewhere() == 0
        assert broker.scopes_elsewhere() == set()

    def test_close_twice_is_no_error(self, brokers: Brokers) -> None:
        """A broker may be closed twice, and before its first use."""
        unused, _ = brokers.make()
        unused.close()
        broker, inbox = brokers.make()
        broker.subscribe("news")
        broker.note_streams("ann", "tab", 1)
        send(broker, b"1")
        inbox.wait_for(b"1")

        broker.close()
        broker.close()
        broker.unsubscribe("news")
        broker.note_streams("ann", "tab", 0)
        assert inbox.data == [b"1"]
