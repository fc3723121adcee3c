"""The WSGI bodies of streams: the server iterates them, and they wait. What runs a generator is in ``running``."""

from __future__ import annotations

import random
import time
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ..hub.direct import direct_writer
from ..hub.hub import Details, StreamHub
from ..hub.stream import Stream
from ..sansio.endings import MAX_BACKOFF_MS, Ending, Reason, ending_block, restart_delay_ms
from ..sansio.stream_events import stream_ending
from ..transport import leaving
from .follow import Follow
from .subscriptions import Subscription

KEEPALIVE = b":\n\n"

Write = Callable[[bytes], object]


class StreamBody:
    """What all streams do: open at the first step, say how they end at the last, and leave nothing behind."""

    __slots__ = (
        "_details",
        "_failures",
        "_has_ended",
        "_is_open",
        "_opened_at",
        "_prelude",
        "_subscriptions",
        "hub",
        "is_connected",
        "stream",
        "write",
    )

    def __init__(
        self,
        hub: StreamHub,
        stream: Stream,
        prelude: bytes,
        details: Details,
        failures: int,
        subscriptions: Iterable[Subscription],
    ) -> None:
        self.hub = hub
        self.stream = stream
        self.write: Write | None = None
        #: Whether a server has it; until then the end of the request closes it.
        self.is_connected = False
        self._prelude = prelude
        self._details = details
        # Failures in a row before this stream, as its last ending told.
        self._failures = failures
        self._is_open = False
        self._has_ended = False
        self._opened_at = 0.0
        self._subscriptions: list[Subscription] = []
        for subscription in subscriptions:
            self.adopt(subscription)

    def adopt(self, subscription: Subscription) -> None:
        """Close a subscription with the stream."""
        self._subscriptions.append(subscription)
        subscription.bind(self.stream)

    def send_first(self, events: bytes) -> None:
        """Send more at the begin: what came when the body was made already, and no server has it yet."""
        self._prelude += events
        self.stream.note_ids(events)

    def abandon(self) -> None:
        """Free what it holds, when no server will have it."""
        self._has_ended = True
        for subscription in self._subscriptions:
            subscription.close()

    def connect(self, environ: dict[str, Any], start_response: object, write: object) -> None:
        """Take what the server offers: the socket to watch, and its ways to write while the stream waits.

        :param write: what ``start_response()`` gave; None when the body is wrapped, so that nothing may pass it by.
        """
        self.is_connected = True
        self.stream.socket = leaving.connection_of(environ)
        # What Werkzeug's test client gives is the append of a list, which nobody reads once the body has begun.
        if callable(write) and not isinstance(getattr(write, "__self__", None), list):
            self.write = write
            if self.hub.settings.direct_writes:
                self.stream.direct = direct_writer(environ, start_response)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        stream = self.stream
        stream.is_sending = False
        chunk = self._next_chunk()
        # The server writes now, after the last chunk the end of the body, and that takes as long as the client likes.
        stream.is_sending = True
        stream.last_write = time.monotonic()
        if chunk is None:
            raise StopIteration
        return chunk

    def _next_chunk(self) -> bytes | None:
        """Give the next chunk; None when there is none any more."""
        if self._has_ended or self.stream.is_gone:
            return None
        if self._is_open:
            return self._advance()
        self._is_open = True
        self._opened_at = time.monotonic()
        self.hub.open(self.stream, self._details)
        return self._prelude + self._take_renewal()

    def _advance(self) -> bytes | None:
        stream = self.stream
        chunk = b"" if stream.must_end else self._step()
        self._send_rest()
        if stream.is_gone:
            return None
        if stream.ending is not None:
            # What was sent to the stream before its end is not lost.
            chunk += stream.take()
            if not stream.waiting:
                self._has_ended = True
                chunk += self._last_block(stream.ending)
        return chunk

    def close(self) -> None:
        """Free everything; called by the server, whether it iterated or not."""
        self.stream.is_sending = False
        self.abandon()
        self.is_connected = True
        self.hub.close(self.stream, self._details)

    @abstractmethod
    def _step(self) -> bytes:
        """Wait for the next chunk; b"" when the stream has ended meanwhile."""

    def _take_owed(self) -> bytes:
        """Give what the stream owes by the clock, b"" when it is nothing: a fresh token, what waits, a keep-alive."""
        data = self._take_renewal() + self.stream.take()
        keepalive = self.hub.settings.keepalive_seconds
        return data or (KEEPALIVE if time.monotonic() - self.stream.last_write >= keepalive else b"")

    def _take_renewal(self) -> bytes:
        renewal = self.stream.renewal
        return renewal.take(time.monotonic()) if renewal is not None else b""

    def _park(self, timeout: float | None) -> None:
        """Wait to be woken; meanwhile publishers may write to the connection."""
        self.stream.park(timeout)
        self._send_rest()

    def _send_rest(self) -> None:
        """Send what a direct write left of its frame, before anything else goes out."""
        direct = self.stream.direct
        if direct is not None:
            direct.report()
            if direct.rest and not self.stream.is_gone:
                rest, direct.rest = direct.rest, b""
                self._send(self.stream.socket.sendall, rest)

    def _send(self, send: Write, data: bytes) -> None:
        """Send, for as long as the client takes to read; one that cannot be reached has left."""
        stream = self.stream
        stream.is_sending = True
        try:
            send(data)
        except OSError:
            stream.leave()
        stream.is_sending = False
        stream.last_write = time.monotonic()

    def _last_block(self, ending: Ending) -> bytes:
        retry_ms = None
        if ending.reason is Reason.RESTART:
            failures = 0
            if ending.failures:
                # One that ran for longer than the longest wait has recovered from the earlier ones.
                has_recovered = time.monotonic() - self._opened_at > MAX_BACKOFF_MS / 1000
                failures = 1 if has_recovered else self._failures + 1
            ending = Ending(Reason.RESTART, failures=failures, last_id=self.stream.last_id)
            # One person's pages are few, and a login that ended is to be noticed soon: those are not spread.
            is_for_one = self.stream.reason == Reason.RESTART
            spread = 0 if is_for_one else self.hub.settings.restart_spread_seconds
            retry_ms = restart_delay_ms(failures, spread, random.random)
        return stream_ending(self.stream.reason, retry_ms) + ending_block(ending, retry_ms)


class FollowBody(StreamBody):
    """A stream that only forwards what is broadcast: no request, no context and no generator is kept."""

    __slots__ = ()

    def _step(self) -> bytes:
        stream, wakeup = self.stream, self.stream.wakeup
        while not stream.must_end:
            wakeup.clear()
            if stream.has_gap:
                self._fill_gaps()
            if data := self._take_owed():
                return data
            if not stream.must_end:
                self._park(None)
        return b""

    def _fill_gaps(self) -> None:
        """Let the application send what this stream may have missed."""
        self.stream.has_gap = False
        for subscription in self._subscriptions:
            if isinstance(subscription, Follow):
                try:
                    subscription.fill_gap(self.stream)
                except Exception:
                    self.hub.logger.exception("Datastar: on_gap of datastar.follow() failed")
                    self.hub.end_restarting(self.stream, "failed", failures=1)
