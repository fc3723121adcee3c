"""The contract of brokers. Each promise here has a test that the tests of every broker inherit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from .payload import Payload


class Receiver(Protocol):
    """The process that a broker belongs to. Its methods may be called from any thread or greenlet."""

    def receive(self, topic: str, kind: str, payload: Payload) -> None:
        """Receive a message that some process has published, perhaps this one."""

    def lose_process(self) -> None:
        """React to the death of another process: it may have left messages unsent."""

    def catch_up(self) -> None:
        """React to an outage: messages may be lost, and other processes may not know this one's tabs."""


@dataclass(frozen=True, slots=True)
class BrokerOptions:
    """The options of a broker from the app's configuration."""

    #: The name that separates apps which share one server.
    namespace: str
    #: The longest time that a call may take, in seconds.
    timeout_seconds: float = 2.0


class Broker(ABC):
    """A carrier of messages between processes that also counts the streams of each scope in other processes.

    It is created in the process that uses it, after the fork. Its methods may be called from any thread or greenlet.
    """

    #: Whether it reaches other processes.
    is_shared: ClassVar[bool]
    #: Whether it has :meth:`claim` and its three siblings. Without them each process remembers its own clicks only.
    has_claims: ClassVar[bool] = False

    def __init__(self, url: str, receiver: Receiver, options: BrokerOptions) -> None:
        self.url = url
        self.receiver = receiver
        self.options = options

    @abstractmethod
    def publish(self, channel: str, topic: str, kind: str, payload: Payload, *, waits: bool = True) -> None:
        """Send a message to all processes that subscribe to a channel, and to this one even if it does not subscribe.

        Each process gets it once. All get the messages of one channel in the same order while the server responds;
        during an outage this process gets its own messages at once. Messages of one publisher never overtake each
        other.

        :param waits: False to return at once and ignore failures. This process, too, gets such a message only in its
            place among the others, and never if the server does not respond.
        :raises BrokerError: if other processes may not get the message; this process has received it.
        """

    @abstractmethod
    def subscribe(self, channel: str) -> None:
        """Subscribe to the messages of a channel that are published from now on; a second call costs nothing.

        The method returns when the subscription is in effect. During an outage it returns without an error, and the
        broker calls the receiver's ``catch_up`` when the server responds again.
        """

    @abstractmethod
    def unsubscribe(self, channel: str) -> None:
        """End the subscription to a channel."""

    @abstractmethod
    def note_streams(self, scope: str, tab: str | None, streams: int) -> None:
        """Publish how many streams of a tab this process has. It does not wait, and fails silently."""

    def enlist(self) -> None:  # noqa: B027 (nothing to do is a promise, too)
        """List this process, if others notice the end of listed processes. It does not wait, and fails silently.

        The receivers of the others get ``lose_process`` if this one ends without :meth:`close`, perhaps several times.
        """

    @abstractmethod
    def count_elsewhere(self, scope: str, tab: str | None) -> int:
        """Count the streams of a scope in other processes, except those of one tab, which are about to be replaced.

        :return: the count; 0 if the server does not respond.
        """

    def count_and_number(self, scope: str, tab: str | None) -> tuple[int, int | None]:
        """Count as :meth:`count_elsewhere` does, for a stream that is about to open, and number its request.

        :return: the count; and a number that is higher than all that were returned before, in any process, so that of
            a tab's streams the newest one stays. None if there is no number: then the one that is announced last stays.
        """
        return self.count_elsewhere(scope, tab), None

    @abstractmethod
    def count_tabs_elsewhere(self) -> int:
        """Count the tabs, as pairs of scope and tab, that have streams in other processes.

        :raises BrokerError: if the server does not respond.
        """

    @abstractmethod
    def scopes_elsewhere(self) -> set[str]:
        """Return the scopes that have streams in other processes.

        :raises BrokerError: if the server does not respond.
        """

    def claim(self, key: str, value: bytes, seconds: float) -> bytes | None:
        """Write a value under a key unless there is one; of all processes that do so at the same moment one succeeds.

        :param seconds: how long the value stays.
        :return: the value that is there already, None if this one was written.
        :raises BrokerError: if the server does not respond.
        """
        return None

    def keep(self, key: str, value: bytes, seconds: float) -> None:  # noqa: B027
        """Write a value under a key, in the place of another. It does not wait, and fails silently."""

    def drop(self, key: str) -> None:  # noqa: B027
        """Remove the value of a key. It does not wait, and fails silently."""

    def look_up(self, key: str) -> bytes | None:
        """Return the value of a key, or None, with what this process has kept and dropped before.

        :raises BrokerError: if the server does not respond.
        """
        return None

    def stats(self) -> dict[str, Any]:
        """Return counters for :meth:`flask_datastar.Datastar.stats`; by default an empty dict."""
        return {}

    @abstractmethod
    def close(self) -> None:
        """Release all resources, and withdraw this process's streams from the counts. Safe to call twice."""
