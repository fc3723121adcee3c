"""Messages of this process on their way through Redis and back, and their delivery when they are late or never come."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from functools import partial

from ..transport.ticker import call_every
from ..transport.wakeups import make_lock, make_short_lock, spawn
from .redis_listener import Listener
from .wire import Envelope

#: The longest time that a message of this process may take to come back; after that it is delivered directly.
PATIENCE_SECONDS = 0.05
FORGET_SECONDS = 60.0
#: The number of a message that is delivered here only when it comes back.
POSTED = 0


class _Message:
    __slots__ = ("channel", "envelope", "sent_at")

    def __init__(self, channel: bytes, envelope: Envelope) -> None:
        self.channel = channel
        self.sent_at = time.monotonic()
        #: None if it is delivered already.
        self.envelope: Envelope | None = envelope


class OwnMessages:
    """The messages that this process has published on channels that it is subscribed to.

    :param listener: the connection on which they come back.
    :param deliver: called with each message once, while :attr:`order` is held.
    """

    def __init__(self, listener: Listener, deliver: Callable[[Envelope], object]) -> None:
        self._listener = listener
        self._deliver = deliver
        self._numbers = itertools.count(POSTED + 1)
        self._lock = make_short_lock()
        #: Held while messages are delivered, so that none overtakes another.
        self.order = make_lock()
        #: Number of a message that comes back → the message.
        self._under_way: dict[int, _Message] = {}
        #: Channel that was unsubscribed → the last message under way on it, which may never come back.
        self._cut_off: dict[bytes, int] = {}
        self.is_late = False
        #: How many were delivered before they came back.
        self.late_count = 0
        self._cancel_sweep: Callable[[], None] | None = None

    def add(self, channel: bytes, make: Callable[[int], Envelope]) -> Envelope:
        """Number a message, deliver it or record that it is under way, and return it."""
        if self._cut_off:
            self._deliver_cut_off(channel)
        with self._lock:
            envelope = make(next(self._numbers))
            if is_under_way := self._listener.is_subscribed(channel):
                self._under_way[envelope.number] = _Message(channel, envelope)
        if not is_under_way:
            self._deliver_alone(channel, envelope)
        elif self.is_late:
            self.deliver_waiting(envelope.number)
        elif self._cancel_sweep is None:
            self._start_sweep()
        return envelope

    def take(self, number: int) -> Envelope | None:
        """Return a message that has come back; None if it is delivered already. :attr:`order` is held."""
        with self._lock:
            message = self._under_way.pop(number, None)
        if message is None:
            return None
        self.is_late = time.monotonic() - message.sent_at > PATIENCE_SECONDS
        return message.envelope

    def deliver_waiting(self, last: int | None = None, channel: bytes | None = None) -> None:
        """Deliver messages directly that have not come back yet.

        :param last: the number of the last one; by default all.
        :param channel: only those of this channel; by default those of all channels.
        """
        with self.order:
            with self._lock:
                waiting = [
                    message
                    for number, message in self._under_way.items()
                    if (last is None or number <= last) and channel in (None, message.channel)
                ]
            for message in waiting:
                with self._lock:
                    envelope, message.envelope = message.envelope, None
                    self.late_count += envelope is not None
                if envelope is not None:
                    self._deliver(envelope)

    def cut_off(self, channel: bytes) -> None:
        """Record that a channel is unsubscribed, so that what is under way on it may never come back."""
        with self._lock:
            numbers = [number for number, message in self._under_way.items() if message.channel == channel]
            if numbers:
                self._cut_off[channel] = numbers[-1]

    def _deliver_alone(self, channel: bytes, envelope: Envelope) -> None:
        """Deliver a message that does not come back, after earlier ones that are still waiting."""
        if self._under_way:
            self.deliver_waiting(envelope.number, None if self._listener.is_down else channel)
        with self.order:
            self._deliver(envelope)

    def _deliver_cut_off(self, channel: bytes) -> None:
        """Deliver what is cut off: otherwise the next message of a new subscription would overtake it."""
        with self._lock:
            last = self._cut_off.pop(channel, None)
        if last is not None:
            self.deliver_waiting(last, channel)

    def _start_sweep(self) -> None:
        cancel = call_every(PATIENCE_SECONDS / 2, self._sweep)
        with self._lock:
            if self._cancel_sweep is None:
                self._cancel_sweep, cancel = cancel, _do_nothing
        cancel()

    def _sweep(self) -> None:
        """Look for messages that are late."""
        now = time.monotonic()
        with self._lock:
            for number, message in list(self._under_way.items()):
                # It never comes back: the connection that it should have come on was replaced.
                if now - message.sent_at > FORGET_SECONDS:
                    del self._under_way[number]
            waiting = {number: one.sent_at for number, one in self._under_way.items() if one.envelope is not None}
            is_late = any(now - sent_at > PATIENCE_SECONDS for sent_at in waiting.values())
            self.is_late = self.is_late or is_late
            cancel = _do_nothing
            if not self._under_way:
                self._cut_off.clear()
                cancel = self._take_cancel()
        cancel()
        if is_late:
            # Not on the ticker: thousands of deliveries would delay everything else that it runs.
            spawn(partial(self.deliver_waiting, max(waiting)), "datastar-redis-late")

    def close(self) -> None:
        """End the sweep."""
        with self._lock:
            cancel = self._take_cancel()
        cancel()

    def _take_cancel(self) -> Callable[[], None]:
        """Return the function that ends the sweep, and forget it; the lock is held."""
        cancel, self._cancel_sweep = self._cancel_sweep or _do_nothing, None
        return cancel


def _do_nothing() -> None:
    """Cancel nothing."""
