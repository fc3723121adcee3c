"""What a broker does. Each promise here is a test of the contract that every broker's tests inherit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from .payload import Payload


class Receiver(Protocol):
    """The process that a broker belongs to. Its methods may be called from any thread or greenlet."""

    def receive(self, topic: str, kind: str, payload: Payload) -> None:
        """Take what some process has published, perhaps this one."""

    def catch_up(self) -> None:
        """Take note that messages may have been missed, and that others may not know this process's tabs."""


@dataclass(frozen=True, slots=True)
class BrokerOptions:
    """What the app's configuration says about its broker."""

    #: Tells the apps apart that share one server.
    namespace: str
    #: The longest that a call may take.
    timeout_seconds: float = 2.0


class Broker(ABC):
    """Carries messages between processes, and knows of each scope how many streams it has elsewhere.

    Made in the process that uses it, after the fork. Its methods may be called from any thread or greenlet.
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
        """Give a message to all processes that subscribe to a channel; to this one whether it does or not.

        Each gets it once. All get the messages of one channel in the same order, as long as the server answers; when
        it does not, this process has its own messages at once. Those of one publisher never overtake each other.

        :param waits: False to return at once and hear of no failure. This process, too, gets such a message only in
            its place among the others', which is never when the server does not answer.
        :raises BrokerError: other processes may not get it; this one has got it.
        """

    @abstractmethod
    def subscribe(self, channel: str) -> None:
        """Get the messages of a channel that are published from now on; a second time costs nothing.

        Returns when that is in effect, and without an error when the server does not answer: the receiver is told to
        catch up when it does again.
        """

    @abstractmethod
    def unsubscribe(self, channel: str) -> None:
        """Get the messages of a channel no more."""

    @abstractmethod
    def note_streams(self, scope: str, tab: str | None, streams: int) -> None:
        """Tell the others how many streams of a tab are here. It does not wait, and fails silently."""

    @abstractmethod
    def count_elsewhere(self, scope: str, tab: str | None) -> int:
        """Count the streams of a scope in other processes, except those of one tab, which are about to be replaced.

        :return: 0 when the server does not answer.
        """

    @abstractmethod
    def count_tabs_elsewhere(self) -> int:
        """Count the tabs, as pairs of scope and tab, that have streams in other processes.

        :raises BrokerError: the server does not answer.
        """

    @abstractmethod
    def scopes_elsewhere(self) -> set[str]:
        """Give the scopes that have streams in other processes.

        :raises BrokerError: the server does not answer.
        """

    def claim(self, key: str, value: bytes, seconds: float) -> bytes | None:
        """Write a value under a key unless there is one; of all processes that do so at the same moment one succeeds.

        :param seconds: how long the value stays.
        :return: the value that is there already, None if this one was written.
        :raises BrokerError: the server does not answer.
        """
        return None

    def keep(self, key: str, value: bytes, seconds: float) -> None:  # noqa: B027 (nothing to do is a promise, too)
        """Write a value under a key, in the place of another. It does not wait, and fails silently."""

    def drop(self, key: str) -> None:  # noqa: B027
        """Remove the value of a key. It does not wait, and fails silently."""

    def look_up(self, key: str) -> bytes | None:
        """Give the value of a key, None if there is none, with what this process has kept and dropped before.

        :raises BrokerError: the server does not answer.
        """
        return None

    def stats(self) -> dict[str, Any]:
        """Give counters for :meth:`flask_datastar.Datastar.stats`; empty when there are none."""
        return {}

    @abstractmethod
    def close(self) -> None:
        """Let go of everything, and tell the others that no stream is here. Safe to call twice."""
