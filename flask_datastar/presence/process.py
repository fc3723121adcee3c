"""Presence in one process: its state behind a lock, the messages of the other processes, and the timers."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ..brokers.payload import MessageKind, Payload
from ..errors import BrokerError
from ..hub.hub import StreamHub
from ..hub.scopes import presence_topic
from ..hub.stream import Stream
from ..transport.wakeups import Wakeup, make_lock, make_wakeup
from .entries import Seen
from .exchange import Exchange
from .messages import Beat, Hello, Message, PageJoins, SignedOut, TabLeaves, decode, encode
from .open_pages import OpenPages
from .state import PresenceState
from .timers import Timers, linger_after

#: The messages of processes that nobody may have joined in, beside beats that count no process.
_UNUSED = (Hello, TabLeaves, SignedOut)


class Presence:
    """The presence of one app in one process. All methods may be called from any thread or greenlet.

    Streams are watched from the first use on, here or in another process, so that apps without presence pay nothing.
    """

    def __init__(self, hub: StreamHub) -> None:
        self._hub = hub
        self._bus = hub.bus
        self._settings = hub.settings
        self._lock = make_lock()
        self._state = PresenceState(uuid.uuid4().hex[:16])
        self._exchange = Exchange(self._state)
        self._pages = OpenPages(self._state, self._exchange.send)
        self._timers = Timers(self._beat, self._step)
        self._is_used = self._is_listening = self._is_sending = False
        self._waiting: list[Wakeup] = []
        hub.bus.presence = self
        if self._bus.is_shared:
            # Until the first stream is open; from then on this process receives what handlers elsewhere join.
            hub.watcher = self
        hub.tabs.on_signed_out = self.sign_out
        hub.counters["presence"] = self.stats

    # Reading

    def seen(self, topic: str) -> tuple[Seen, ...]:
        """List the people at a topic; the same object until the list changes.

        The first call in a process waits a moment for the entries of the other processes.
        """
        self._listen()
        self._wait_until_complete()
        with self._lock:
            return self._state.seen(topic)

    def is_seen(self, topic: str, seen: tuple[Seen, ...]) -> bool:
        """Return whether :meth:`seen` would still return this object."""
        with self._lock:
            return self._state.seen(topic) is seen

    def stats(self) -> dict[str, int]:
        """Return the numbers of topics, people, entries and processes, and of messages; empty before any use."""
        if not self._is_used:
            return {}
        with self._lock:
            return {**self._state.count(), "sent": self._exchange.sent, "received": self._exchange.received}

    # Streams

    def opened(self, stream: Stream) -> None:
        """Add the entries of a stream that was opened."""
        self._listen()
        if not self._is_used:
            with self._lock:
                # Another thread may use presence now.
                self._hub.watcher = self if self._is_used else None
            return
        with self._acting() as now:
            self._open(stream, now)

    def _open(self, stream: Stream, now: float) -> None:
        page = self._pages.open(stream, time.time(), now)
        if page is not None:
            self._exchange.arrive(page, now)

    def closed(self, stream: Stream) -> None:
        """End the entries of a stream; they linger, unless its page does not come back."""
        with self._acting() as now:
            linger, spread = self._settings.presence_linger_seconds, self._settings.restart_spread_seconds
            self._pages.close(stream, linger_after(stream.reason, linger, spread), now)

    def _use(self) -> None:
        """Watch the streams of this process from now on."""
        if self._is_used:
            return
        with self._acting() as now:
            self._is_used = True
            for stream in self._hub.watch(self):
                self._open(stream, now)

    def join(self, stream: Stream, topic: str, data: str) -> None:
        """Add an entry to a stream, as soon as it is open."""
        self._use()
        with self._lock:
            if not stream.is_open:
                self._pages.expect(stream, topic, data)
                return
        with self._acting() as now:
            self._pages.join(stream, topic, data, time.time(), now)

    def forget(self, stream: Stream) -> None:
        """Drop the entries of a stream that does not open."""
        with self._lock:
            self._pages.forget(stream)

    def leave(self, stream: Stream, topic: str) -> None:
        """End the entries of a stream's tab at a topic at once."""
        with self._acting() as now:
            self._pages.leave_stream(stream, topic, now)
        if stream.tab is not None:
            self.leave_tab(stream.scope, stream.tab, topic)

    # Handlers

    def join_page(self, scope: str | None, tab: str, page: str, topic: str, data: str) -> str | None:
        """Add an entry for a page, in the process that has a stream of it.

        :return: the scope of the page's stream; None if this process has no such stream.
        """
        self._use()
        with self._acting() as now:
            owner = self._pages.join_page(scope, tab, page, topic, data, time.time(), now)
        if owner is None:
            self._order(PageJoins(self._state.process, scope, tab, page, topic, data))
        return owner

    def leave_tab(self, scope: str | None, tab: str, topic: str) -> None:
        """End the entries of a tab at a topic at once, in all processes."""
        with self._acting() as now:
            self._pages.leave(scope, tab, topic, now)
        self._order(TabLeaves(self._state.process, scope, tab, topic))

    def sign_out(self, scope: str, tab: str | None, sequence: int | None) -> None:
        """End all entries of a scope, or of one of its tabs, at once, in all processes; not those of later requests."""
        order = SignedOut(self._state.process, scope, tab, sequence)
        with self._acting() as now:
            self._pages.sign_out(order, now)
        self._order(order)

    def _order(self, message: Message) -> None:
        """Send what a request orders, and wait until it is sent: the page's next request may run in another process."""
        if self._bus.is_shared:
            self._exchange.sent += 1
            with suppress(BrokerError):
                self._bus.post_presence(encode(message), waits=True)

    # Other processes

    def take(self, payload: Payload) -> None:
        """Take a message of any process, also of this one."""
        try:
            message = decode(payload.data)
        except ValueError as error:
            self._bus.skip(f"about presence: {error}")
            return
        is_foreign = message.process != self._state.process
        if is_foreign and not (isinstance(message, _UNUSED) or (isinstance(message, Beat) and not message.peers)):
            self._use()
        with self._acting() as now:
            self._exchange.take(message, now)
            if is_foreign:
                self._pages.obey(message, time.time(), now)
            for page in self._state.take_orphans():
                self._pages.adopt(page, self._state.kept_for(page).values(), now)
        for wakeup in list(self._waiting):
            wakeup.set()

    def catch_up(self) -> None:
        """Ask for what was missed, after an outage."""
        if self._is_listening:
            with self._acting() as now:
                self._exchange.start(now)

    def close(self) -> None:
        """Stop the timers."""
        with self._lock:
            self._timers.close()

    def _listen(self) -> None:
        """Receive the messages of other processes from now on, and ask for what they know."""
        if self._is_listening or not self._bus.is_shared:
            return
        self._is_listening = True
        self._bus.hear_presence()
        with self._acting() as now:
            self._exchange.start(now)

    def _wait_until_complete(self) -> None:
        if self._exchange.is_complete or not self._bus.is_shared:
            return
        wakeup = make_wakeup()
        self._waiting.append(wakeup)
        try:
            while (left := self._seconds_to_wait()) > 0:
                wakeup.wait(left)
                wakeup.clear()
        finally:
            self._waiting.remove(wakeup)

    def _seconds_to_wait(self) -> float:
        with self._lock:
            left = self._exchange.wait_until() - time.monotonic()
            if left <= 0:
                self._exchange.is_complete = True
            # Another thread may be about to ask.
            return min(left, 0.1)

    # The lock, sending and the timers

    @contextmanager
    def _acting(self) -> Iterator[float]:
        """Hold the lock; afterwards tell streams what has changed, and send what waits to be sent."""
        with self._lock:
            yield time.monotonic()
            changed = self._state.take_changed()
            self._keep_time()
        for topic in changed:
            self._bus.topics.publish(presence_topic(topic), MessageKind.MESSAGE, Payload(b"null"))
        self._send()

    def _send(self) -> None:
        """Send what waits, in its order; the lock is not held, because a broker may deliver before it returns."""
        while True:
            with self._lock:
                if self._is_sending or not self._exchange.outbox:
                    return
                message = self._exchange.outbox.popleft()
                self._is_sending = True
            try:
                if self._bus.is_shared:
                    with suppress(BrokerError):
                        self._bus.post_presence(encode(message))
            finally:
                self._is_sending = False

    def _keep_time(self) -> None:
        """Run the timers as long as there is something to time. The lock is held."""
        has_due = self._state.next_due() is not None or self._exchange.next_due() is not None
        self._timers.run(beats=self._bus.is_shared and self._state.peers() > 0, steps=has_due)

    def _beat(self) -> None:
        with self._acting():
            self._exchange.beat()

    def _step(self) -> None:
        with self._acting() as now:
            self._state.advance(now)
            self._exchange.advance(now)
