"""The connection for incoming messages, and the channels that it is subscribed to."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable

from ..transport.wakeups import Wakeup, make_lock, make_wakeup, spawn
from .backoff import Backoff
from .redis_client import PubSubConnection

#: The longest silence before the listener sends a PING.
_SILENCE_SECONDS = 5.0
_LOOK_SECONDS = 1.0
#: The most channels in one command, during which other commands have to wait.
_BATCH = 500

_logger = logging.getLogger(__name__)


class _Channel:
    __slots__ = ("is_confirmed", "waiters")

    def __init__(self) -> None:
        self.is_confirmed = False
        self.waiters: list[Wakeup] = []

    def wake(self) -> None:
        waiters, self.waiters = self.waiters, []
        for waiter in waiters:
            waiter.set()


class Listener:
    """A subscriber that keeps its channels over all outages, and reports when messages may have been missed.

    :param own_channel: a channel that is always subscribed, because a connection without channels gets no messages.
    :param on_message: called with the data of each message, in the order in which the server has them.
    :param on_lost: called when messages may be missed from now on.
    :param on_cut: called in the thread that reads, after a connection has failed and before the next one is made.
    :param on_restored: called after that, as soon as all channels are subscribed again.
    """

    def __init__(
        self,
        connection: PubSubConnection,
        own_channel: bytes,
        timeout_seconds: float,
        on_message: Callable[[bytes], object],
        on_lost: Callable[[], object],
        on_cut: Callable[[], object],
        on_restored: Callable[[], object],
    ) -> None:
        self._connection = connection
        self._timeout_seconds = timeout_seconds
        self._on_message = on_message
        self._on_lost = on_lost
        self._on_cut = on_cut
        self._on_restored = on_restored
        self._process = os.getpid()
        self._lock = make_lock()
        self._own_channel = own_channel
        self._channels: dict[bytes, _Channel] = {}
        #: The channels to be confirmed before the gap ends.
        self._missing: set[bytes] = set()
        self._retry = make_wakeup()
        self._ended = make_wakeup()
        self._is_connected = False
        self._is_running = False
        self._is_closed = False
        self._last_heard = 0.0
        #: Whether a wait has timed out since the last response, so that other callers need not wait.
        self.is_mute = False
        #: Whether the server is known not to respond.
        self.is_down = False
        #: Whether messages may be missed now.
        self.has_gap = False

    def is_subscribed(self, channel: bytes) -> bool:
        """Return whether messages of a channel come here."""
        found = self._channels.get(channel)
        return found is not None and found.is_confirmed

    def subscribe(self, channel: bytes, *, waits: bool = True) -> bool:
        """Subscribe, and wait until the server has confirmed it.

        :return: False if the server does not respond in time.
        """
        found = self._channels.get(channel)
        if found is not None and found.is_confirmed:
            return True
        waiter = make_wakeup()
        with self._lock:
            if self._is_closed:
                return False
            found = self._channels.get(channel)
            if found is None:
                found = self._channels[channel] = _Channel()
                self._tell("SUBSCRIBE", channel)
            found.waiters.append(waiter)
            if not self._is_running:
                self._is_running = True
                spawn(self._run, "datastar-redis-listener")
        deadline = time.monotonic() + (self._timeout_seconds if waits else 0)
        while not (found.is_confirmed or self.is_down or self.is_mute) and (left := deadline - time.monotonic()) > 0:
            waiter.wait(left)
        # The connection may have given up a moment before, for the same reason.
        is_in_vain = waits and deadline - time.monotonic() < self._timeout_seconds / 2
        return found.is_confirmed or self._give_up(channel, found, waiter, is_in_vain)

    def _give_up(self, channel: bytes, found: _Channel, waiter: Wakeup, is_in_vain: bool) -> bool:
        """Stop waiting; the receiver has to catch up when the channel is confirmed."""
        with self._lock:
            if not found.is_confirmed and self._channels.get(channel) is found:
                self.is_mute = is_in_vain or not self.is_down
                self._missing.add(channel)
                self.has_gap = True
                self._on_lost()
            if waiter in found.waiters:
                found.waiters.remove(waiter)
            return found.is_confirmed

    def unsubscribe(self, channel: bytes) -> None:
        """End the subscription to a channel."""
        with self._lock:
            self._missing.discard(channel)
            found = self._channels.pop(channel, None)
            if found is not None:
                found.wake()
                self._tell("UNSUBSCRIBE", channel)

    def retry(self) -> None:
        """Retry at once if the connection is lost."""
        self._retry.set()

    def reconnect(self) -> None:
        """Connect again, because another server may have the name now."""
        with self._lock:
            if self._is_running:
                self._is_connected = False
                self.has_gap = True
                self._missing.add(self._own_channel)

    def close(self) -> None:
        """Disconnect."""
        with self._lock:
            self._is_closed = True
            is_running = self._is_running
            # The response wakes the thread that reads.
            self._tell("UNSUBSCRIBE", self._own_channel)
        self._retry.set()
        if is_running:
            self._ended.wait(_LOOK_SECONDS)

    def _tell(self, command: str, *channels: bytes) -> None:
        """Send while the other thread or greenlet reads; if that fails, the reader connects again. The lock is held."""
        if self._is_connected:
            try:
                self._connection.send(command, *channels)
            except Exception:
                _logger.debug("could not %s %r", command, channels, exc_info=True)
                self._is_connected = False

    def _run(self) -> None:
        backoff = Backoff()
        try:
            while os.getpid() == self._process and not self._is_closed:
                try:
                    self._listen(backoff)
                except Exception as error:
                    if os.getpid() != self._process:
                        return
                    self._lose(error)
                    self._on_cut()
                    self._retry.clear()
                    if not self._is_closed:
                        self._retry.wait(backoff.next_wait())
        finally:
            self._is_running = False
            if os.getpid() == self._process:
                self._is_connected = False
                self._connection.close()
                self._ended.set()

    def _listen(self, backoff: Backoff) -> None:
        self._connection.connect()
        with self._lock:
            self._is_connected = True
            names = [self._own_channel, *self._channels]
            self._missing = set(names)
        for start in range(0, len(names), _BATCH):
            with self._lock:
                self._tell("SUBSCRIBE", *names[start : start + _BATCH])
        self._last_heard = time.monotonic()
        while not self._is_closed and os.getpid() == self._process:
            if not self._is_connected:
                raise ConnectionError("nothing can be sent")
            answer = self._connection.read(_LOOK_SECONDS)
            if answer is None:
                self._check_silence()
            else:
                self._last_heard = time.monotonic()
                self.is_mute = False
                if answer[0] == b"message":
                    self._on_message(answer[2])
                elif answer[0] == b"subscribe":
                    self._confirm(answer[1], backoff)
            if self.has_gap and not self._missing:
                self._end_gap()

    def _check_silence(self) -> None:
        silence = time.monotonic() - self._last_heard
        if silence > _SILENCE_SECONDS + self._timeout_seconds:
            raise ConnectionError("Redis has not responded to a PING")
        if silence > _SILENCE_SECONDS:
            with self._lock:
                self._tell("PING")

    def _confirm(self, name: bytes, backoff: Backoff) -> None:
        with self._lock:
            self._missing.discard(name)
            found = self._channels.get(name)
            if found is not None:
                found.is_confirmed = True
                found.wake()
            elif name != self._own_channel:
                # It was unsubscribed while it was being subscribed with all others.
                self._tell("UNSUBSCRIBE", name)
            else:
                self.is_down = False
                backoff.reset()

    def _end_gap(self) -> None:
        with self._lock:
            if self._missing or self.is_down:
                return
            self.has_gap = False
        _logger.info("Datastar: messages come from Redis again")
        self._on_restored()

    def _lose(self, error: BaseException) -> None:
        with self._lock:
            log = _logger.debug if self.is_down else _logger.warning
            self._is_connected = False
            self.is_down = True
            # Before the first connection no message is missed, but channels not subscribed in time must catch up.
            self.has_gap = True
            self._on_lost()
            self._missing = {self._own_channel, *self._channels}
            for channel in self._channels.values():
                channel.is_confirmed = False
                channel.wake()
        log("Datastar: no messages come from Redis: %s", error)
