"""Brokers under test: makers of them, what they deliver to, and texts and bytes to send."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..brokers import Broker, BrokerOptions, Payload
from ..brokers.schemes import BrokerSource, make_broker
from .waiting import wait_until

#: Topic, kind, data and last id of a message.
Received = tuple[str, str, bytes, str | None]

#: Topics, channels and scopes of all kinds of characters.
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
#: Data of all kinds of bytes, and of some length.
PAYLOADS = [
    *[b"", b"\n", b"\r\n\r\n", b"\0\xff\xfe", "\u2028\u2029\x85".encode(), b"event: x\ndata: y\n\n"],
    *[bytes(range(256)), b"x" * 1_048_576],
]


class Inbox:
    """The receiver of a broker under test. It keeps what the broker delivers."""

    def __init__(self) -> None:
        self.messages: list[Received] = []
        self.catch_ups = 0
        #: How often another process turned out to be dead.
        self.losses = 0
        #: Called first when the broker asks to catch up.
        self.on_catch_up: Callable[[], object] = lambda: None

    def receive(self, topic: str, kind: str, payload: Payload) -> None:
        """Keep a message."""
        self.messages.append((topic, kind, payload.data, payload.last_id))

    def lose_process(self) -> None:
        """Count that another process has died."""
        self.losses += 1

    def catch_up(self) -> None:
        """Count that messages may have been missed."""
        self.on_catch_up()
        self.catch_ups += 1

    @property
    def data(self) -> list[bytes]:
        """The data of the messages, in their order."""
        return [message[2] for message in self.messages]

    def wait_for(self, data: bytes, count: int = 1) -> None:
        """Wait until messages with that data have come.

        :raises AssertionError: if they do not come.
        """
        wait_until(lambda: self.data.count(data) >= count)

    def wait_for_count(self, count: int) -> None:
        """Wait until so many messages have come.

        :raises AssertionError: if they do not come.
        """
        wait_until(lambda: len(self.messages) >= count)


class Brokers:
    """A maker of brokers of one URL. Each stands for a process; all are closed at the end of the ``with`` block.

    :param own: the application's own brokers, as in ``Datastar(brokers=…)``.
    :param timeout_seconds: the longest that a call of a broker may take.
    """

    def __init__(self, url: str, own: Mapping[str, BrokerSource] | None = None, *, timeout_seconds: float = 60) -> None:
        self._url = url
        self._own = own
        self._timeout_seconds = timeout_seconds
        self._made: list[Broker] = []

    def make(self, namespace: str = "shop") -> tuple[Broker, Inbox]:
        """Create a broker, with what it delivers to."""
        inbox = Inbox()
        broker = make_broker(self._url, inbox, BrokerOptions(namespace, self._timeout_seconds), self._own)
        self._made.append(broker)
        return broker, inbox

    def __enter__(self) -> Brokers:
        return self

    def __exit__(self, *error: object) -> None:
        for broker in self._made:
            broker.close()


def send(broker: Broker, data: bytes, *, channel: str = "news", last_id: str | None = None, waits: bool = True) -> None:
    """Publish data to a channel, as a message to the topic of the same name."""
    broker.publish(channel, channel, "events", Payload(data, last_id), waits=waits)
