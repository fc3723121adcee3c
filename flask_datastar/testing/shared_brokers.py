"""The promises of brokers that reach other processes, as a test class."""

from __future__ import annotations

from functools import partial

from ..brokers import Broker
from .brokers import TOPICS, Brokers, send
from .shared_messages import SharedMessageContract
from .waiting import wait_until


class SharedBrokerContract(SharedMessageContract):
    """Promises of brokers that reach other processes. Their tests inherit it, and give the fixture ``brokers``."""

    def test_streams_are_counted_elsewhere(self, brokers: Brokers) -> None:
        """The streams of a scope in other processes are counted, without those of one tab."""
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

    def test_requests_are_numbered_in_one_order(self, brokers: Brokers) -> None:
        """Requests are counted in other processes as before, and numbered in the order in which they come, or not."""
        made = [brokers.make()[0] for _ in range(3)]
        made[0].note_streams("ann", "a", 2)
        wait_until(lambda: made[1].count_elsewhere("ann", "b") == 2)

        found = [made[number % 3].count_and_number("ann", "b") for number in range(30)]
        assert [count for count, _ in found] == [0, 2, 2] * 10
        numbers = [number for _, number in found if number is not None]
        assert numbers in ([], sorted(numbers))
        assert len({*numbers}) in (0, 30)

    def test_tabs_are_counted_elsewhere(self, brokers: Brokers) -> None:
        """The tabs in other processes are counted, and no more when their process closes."""
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
        """The scopes in other processes are known, and no more when their process closes."""
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
        """A process that gets a message about a stream counts that stream."""
        one, inbox = brokers.make()
        one.subscribe("people")
        for number in range(10):
            newcomer, _ = brokers.make()
            newcomer.note_streams(f"user{number}", "a", 1)
            send(newcomer, b"%d" % number, channel="people")
            inbox.wait_for(b"%d" % number)
            assert f"user{number}" in one.scopes_elsewhere()
            assert one.count_tabs_elsewhere() == number + 1

    def test_scopes_have_any_characters(self, brokers: Brokers) -> None:
        """Scopes may have any characters."""
        (one, _), (other, _) = brokers.make(), brokers.make()
        for topic in TOPICS:
            one.note_streams(topic, "tab", 1)
        for topic in TOPICS:
            wait_until(partial(_is_counted, other, topic))
        assert other.scopes_elsewhere() == set(TOPICS)

    def test_one_of_all_claims_a_key(self, brokers: Brokers) -> None:
        """Of all processes that claim a key, one succeeds, and the others get its value."""
        made = [brokers.make()[0] for _ in range(3)]
        found = [broker.claim("click", b"%d" % number, 60) for number, broker in enumerate(made)]

        assert found == ([None, b"0", b"0"] if made[0].has_claims else [None] * 3)
        made[0].drop("click")

    def test_claim_is_kept_and_dropped(self, brokers: Brokers) -> None:
        """A process can replace and remove the value of a key, and all processes notice it."""
        (one, _), (other, _) = brokers.make(), brokers.make()
        assert one.claim("click", b"started", 60) is None
        one.keep("click", b"done", 60)
        # In the order in which this process does it.
        assert one.look_up("click") == (b"done" if one.has_claims else None)
        assert other.look_up("click") == other.claim("click", b"started", 60) == one.look_up("click")
        one.drop("click")
        assert one.look_up("click") is None
        assert other.claim("click", b"again", 60) is None
        other.drop("click")
        other.look_up("click")

    def test_claim_ends_with_its_time(self, brokers: Brokers) -> None:
        """The value of a key is gone after its time."""
        (one, _), (other, _) = brokers.make(), brokers.make()
        one.claim("click", b"x", 0.05)
        one.keep("page", b"x", 0.05)

        wait_until(lambda: other.claim("click", b"y", 60) is None)
        wait_until(lambda: other.look_up("page") is None)
        other.drop("click")
        other.look_up("click")

    def test_claims_may_have_any_bytes(self, brokers: Brokers) -> None:
        """Values are bytes of any kind and of some size, and keys of other apps are other keys."""
        (one, _), (other, _), (blog, _) = brokers.make(), brokers.make(), brokers.make("blog")
        for data in (b"", b"\0\r\n\xff", b"x" * 100_000):
            one.keep("click", data, 60)
            assert one.look_up("click") == (data if one.has_claims else None)
            assert other.look_up("click") == one.look_up("click")
            assert blog.look_up("click") is None
        one.drop("click")
        one.look_up("click")

    def test_apps_are_kept_apart(self, brokers: Brokers) -> None:
        """Brokers of another namespace share neither messages nor counts."""
        (one, inbox), (other, _) = brokers.make("shop"), brokers.make("blog")
        (odd, odd_inbox), (plain, _) = brokers.make("a:channel"), brokers.make("a")
        for broker in (one, odd):
            broker.subscribe("news")
        one.note_streams("ann", "a", 1)
        send(other, b"other")
        send(plain, b"other", channel="channel:news")
        send(one, b"own")
        send(odd, b"own")

        inbox.wait_for(b"own")
        odd_inbox.wait_for(b"own")
        assert inbox.data == odd_inbox.data == [b"own"]
        assert other.count_elsewhere("ann", None) == 0
        assert other.count_tabs_elsewhere() == 0
        assert other.scopes_elsewhere() == set()


def _is_counted(broker: Broker, scope: str) -> bool:
    return broker.count_elsewhere(scope, None) == 1
