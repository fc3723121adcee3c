"""The connection that messages come in on, and the channels that it is subscribed to."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from typing import Any

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from ..transport.wakeups import Wakeup, make_lock, make_wakeup, spawn
from .backoff import Backoff

#: How long nothing may come before the server is asked whether it lives.
_SILENCE_SECONDS = 5.0
_LOOK_SECONDS = 1.0

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
    """Keeps its channels subscribed over all outages; says when messages may have been missed.

    :param own_channel: one that is always subscribed, because a connection without any takes no messages.
    :param on_message: called with the data of each message, in the order in which the server has them.
    :param on_restored: called after an outage, as soon as all channels are subscribed again.
    """

    def __init__(
        self,
        connect: Callable[[], Any],
        own_channel: str,
        timeout_seconds: float,
        on_message: Callable[[bytes], object],
        on_restored: Callable[[], object],
    ) -> None:
        self._connect = connect
        self._timeout_seconds = timeout_seconds
        self._on_message = on_message
        self._on_restored = on_restored
        self._process = os.getpid()
        self._lock = make_lock()
        self._own_channel = own_channel
        self._channels: dict[str, _Channel] = {}
        self._pubsub: Any = None
        self._is_running = False
        self._is_closed = False
        self._has_gap = False
        #: Whether the server is known not to answer.
        self.is_down = False
        self._last_heard = 0.0

    def is_subscribed(self, channel: str) -> bool:
        """Whether messages of a channel come here."""
        found = self._channels.get(channel)
        return found is not None and found.is_confirmed

    def subscribe(self, channel: str) -> bool:
        """Subscribe, and wait until the server has confirmed it.

        :return: False when the server does not answer in time.
        """
        found = self._channels.get(channel)
        if found is not None and found.is_confirmed:
            return True
        waiter = make_wakeup()
        with self._lock:
            found = self._channels.get(channel)
            if found is None:
                found = self._channels[channel] = _Channel()
                self._tell("subscribe", channel)
            found.waiters.append(waiter)
            if not self._is_running:
                self._is_running = True
                spawn(self._run, "datastar-redis-listener")
        deadline = time.monotonic() + self._timeout_seconds
        while not found.is_confirmed and not self.is_down and (left := deadline - time.monotonic()) > 0:
            waiter.wait(left)
        return found.is_confirmed

    def unsubscribe(self, channel: str) -> None:
        """Take no more messages of a channel."""
        with self._lock:
            if self._channels.pop(channel, None) is not None:
                self._tell("unsubscribe", channel)

    def close(self) -> None:
        """Disconnect."""
        self._is_closed = True
        pubsub = self._pubsub
        if pubsub is not None:
            self._tell("unsubscribe")

    def _tell(self, command: str, *channels: str) -> None:
        """Send while the other thread or greenlet reads; when it fails, that one notices, and subscribes again."""
        pubsub = self._pubsub
        if pubsub is not None:
            try:
                getattr(pubsub, command)(*channels)
            except (RedisError, OSError, ValueError):
                _logger.debug("could not %s %r", command, channels, exc_info=True)

    def _run(self) -> None:
        client = self._connect()
        backoff = Backoff()
        try:
            while os.getpid() == self._process and not self._is_closed:
                try:
                    self._listen(client, backoff)
                except (RedisError, OSError) as error:
                    self._lose(error)
                    time.sleep(backoff.next_wait())
        finally:
            self._is_running = False
            if os.getpid() == self._process:
                client.close()

    def _listen(self, client: Any, backoff: Backoff) -> None:
        pubsub = client.pubsub()
        try:
            with self._lock:
                names = [self._own_channel, *self._channels]
                pubsub.subscribe(*names)
                self._pubsub = pubsub
            self._last_heard = time.monotonic()
            missing = set(names)
            while not self._is_closed and os.getpid() == self._process:
                message = pubsub.get_message(timeout=_LOOK_SECONDS)
                if message is None:
                    self._check_silence(pubsub)
                    continue
                self._last_heard = time.monotonic()
                if message["type"] == "message":
                    self._on_message(message["data"])
                elif message["type"] == "subscribe":
                    name = message["channel"].decode()
                    self._confirm(name)
                    missing.discard(name)
                    if name == self._own_channel:
                        self.is_down = False
                        backoff.reset()
                    if not missing and self._has_gap:
                        self._has_gap = False
                        self._on_restored()
        finally:
            self._pubsub = None
            if os.getpid() == self._process:
                pubsub.close()

    def _check_silence(self, pubsub: Any) -> None:
        silence = time.monotonic() - self._last_heard
        if silence > _SILENCE_SECONDS + self._timeout_seconds:
            raise RedisConnectionError("nothing heard, although asked")
        if silence > _SILENCE_SECONDS:
            pubsub.ping()

    def _confirm(self, name: str) -> None:
        with self._lock:
            found = self._channels.get(name)
            if found is not None:
                found.is_confirmed = True
                found.wake()

    def _lose(self, error: BaseException) -> None:
        with self._lock:
            self.is_down = True
            # At the first connection nothing was missed, but what was not subscribed in time has to catch up, too.
            self._has_gap = True
            for channel in self._channels.values():
                channel.is_confirmed = False
                channel.wake()
        _logger.warning("Datastar: no messages from Redis: %s", error)
