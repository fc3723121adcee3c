"""WSGI bodies of streams: the server iterates over them, and they wait. Generators run in ``generator_body``."""

from __future__ import annotations

import random
import time
from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from ..hub.direct import direct_writer
from ..hub.hub import Details, StreamHub
from ..hub.outbox import LARGEST_WRITE_BYTES, slices
from ..hub.stream import Stream
from ..sansio.endings import MAX_BACKOFF_MS, Ending, EndingKind, ending_block, restart_delay_ms
from ..sansio.stream_events import stream_ending
from ..security.tokens import holds_token
from ..sending.flush import flush
from ..sending.producer import KEEPALIVE
from ..state.request import EventQueue, RequestState
from ..transport import leaving
from .running import RunningBody
from .subscriptions import Subscription

Write = Callable[[bytes], object]


@dataclass(slots=True)
class Opening:
    """The parts from which a stream's body is created."""

    hub: StreamHub
    stream: Stream
    #: The first events, and whether they hold a token.
    prelude: bytes
    is_secret: bool
    #: Owner, tab and endpoint, for the hooks.
    details: Details
    #: The number of failures in a row before this stream, from the page's last ending.
    failures: int
    #: Made by the stream's function.
    subscriptions: list[Subscription]


class StreamBody(RunningBody):
    """The body of any stream: its first step opens the stream, its last step sends the ending."""

    __slots__ = (
        "__weakref__",
        "_details",
        "_failures",
        "_has_ended",
        "_is_closed",
        "_is_open",
        "_is_secret",
        "_opened_at",
        "_prelude",
        "_unsent",
        "hub",
        "is_connected",
        "stream",
        "subscriptions",
        "write",
    )

    def __init__(self, opening: Opening) -> None:
        self.hub = opening.hub
        self.stream = opening.stream
        self.write: Write | None = None
        self.is_connected = False
        self._prelude = opening.prelude
        self._is_secret = opening.is_secret
        self._details = opening.details
        self._failures = opening.failures
        self._is_open = False
        self._is_closed = False
        self._has_ended = False
        self._opened_at = 0.0
        # The rest of a chunk that was too large for one write; nothing else is sent before it.
        self._unsent: Iterator[bytes] | None = None
        self.subscriptions = opening.subscriptions
        for subscription in opening.subscriptions:
            subscription.bind(self.stream)

    def adopt(self, subscription: Subscription) -> None:
        """Bind a subscription to the stream, and close it with the stream."""
        self.subscriptions.append(subscription)
        subscription.bind(self.stream)

    def is_at_rest(self) -> bool:
        """Return whether the stream waits for something new, with nothing left to send: tests ask this."""
        stream = self.stream
        if not stream.is_parked or stream.waiting or any(one.is_pending for one in self.subscriptions):
            return False
        return not stream.wakeup.wait(0)

    def go_on(self, state: RequestState, response: EventQueue) -> None:
        """Add events to the first chunk, before the server has taken the body."""
        if events := flush(state, response):
            self._prelude += events
            self._is_secret |= self.stream.coding is not None and holds_token(state.app_state, events)
            self.stream.note_ids(events)

    def abandon(self) -> None:
        """Close the subscriptions, and send nothing from now on."""
        self._has_ended = True
        for subscription in self.subscriptions:
            subscription.close()

    def connect(self, environ: dict[str, Any], start_response: object, write: object) -> None:
        """Connect the body with its server: the socket to watch, and the ways to write while the stream waits.

        :param write: the result of ``start_response()``; None if the body is wrapped, because nothing may bypass the
            wrapper.
        """
        self.is_connected = True
        self.stream.socket = leaving.connection_of(environ)
        # With Werkzeug's test client, it is the append() of a list that nobody reads once the body has started.
        if callable(write) and not isinstance(getattr(write, "__self__", None), list):
            self.write = write
            if self.hub.settings.direct_writes:
                self.stream.direct = direct_writer(environ, start_response)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        stream = self.stream
        stream.is_sending = False
        chunk = self._next_slice()
        # The server writes now, after the last chunk the end of the body. This lasts until the client has read it.
        stream.is_sending = True
        stream.last_write = time.monotonic()
        if chunk is None:
            raise StopIteration
        return chunk

    def _next_slice(self) -> bytes | None:
        """Return the bytes of the next write, a slice of a chunk that is too large for one write; None at the end."""
        if self._unsent is not None and not self.stream.is_gone:
            part = next(self._unsent, None)
            if part is not None:
                return part
        self._unsent = None
        chunk = self._next_chunk()
        if chunk is None or len(chunk) <= LARGEST_WRITE_BYTES:
            return chunk
        self._unsent = slices(chunk)
        return next(self._unsent)

    def _with_shared(self, own: bytes) -> bytes:
        """Append the events that were sent to the stream to its own output; too large a sum is sliced, not copied.

        :param own: as it goes out; it was encoded before the events that follow it.
        """
        shared = self.stream.take()
        if not own or len(own) + len(shared) <= LARGEST_WRITE_BYTES:
            return own + shared
        self._unsent = chain(slices(own), slices(shared))
        return next(self._unsent)

    def _next_chunk(self) -> bytes | None:
        """Return the next chunk; None at the end."""
        if self._has_ended or self.stream.is_gone:
            return None
        if self._is_open:
            return self._advance()
        self._is_open = True
        self._opened_at = time.monotonic()
        self.hub.open(self.stream, self._details)
        # Not kept for the hours that the stream lives, because it may be a whole page.
        prelude, self._prelude = self._prelude, b""
        if self.stream.coding is not None:
            prelude = self.stream.encode_first(prelude, is_secret=self._is_secret)
        return prelude + self._take_renewal()

    def _advance(self) -> bytes | None:
        stream = self.stream
        chunk = b"" if stream.must_end else self._step()
        self._send_rest()
        if stream.is_gone:
            return None
        if stream.ending is not None and self._unsent is None:
            # Events that were sent to the stream before its end go out, without a copy.
            chunk = self._with_shared(chunk)
            if self._unsent is None and not stream.waiting and len(chunk) <= LARGEST_WRITE_BYTES:
                self._has_ended = True
                chunk += stream.encode_last(self._last_block(stream.ending))
        return chunk

    def close(self) -> None:
        """Free everything; called by the server, also if it never took a chunk."""
        self._is_closed = True
        self.stream.is_sending = False
        try:
            self.abandon()
        finally:
            self.hub.close(self.stream, self._details)

    def __del__(self) -> None:
        # A server that fails can drop the body without closing it.
        if self.is_connected and not self._is_closed:
            self.close()

    @abstractmethod
    def _step(self) -> bytes:
        """Wait for the next chunk and return it as it goes out; b"" if the stream has ended meanwhile."""

    def _take_owed(self) -> bytes:
        """Return what has to go out now: a fresh token, waiting events or a keep-alive; b"" if nothing has to."""
        stream = self.stream
        if data := self._take_renewal() or stream.take():
            return data
        is_due = time.monotonic() - stream.last_write >= self.hub.settings.keepalive_seconds
        return stream.encode_keepalive(KEEPALIVE) if is_due else b""

    def _take_renewal(self) -> bytes:
        renewal = self.stream.renewal
        return b"" if renewal is None else self.stream.encode(renewal.take(time.monotonic()), is_secret=True)

    def _park(self, timeout: float | None) -> None:
        """Wait until the stream is woken; meanwhile publishers may write to the connection."""
        self.stream.park(timeout)
        self._send_rest()

    def _send_rest(self) -> None:
        """Send the rest of a frame that a direct write could not send whole, before anything else goes out."""
        direct = self.stream.direct
        if direct is not None:
            direct.report()
            rest, direct.rest = direct.rest, None
            if rest is not None and not self.stream.is_gone:
                self._send(direct.send, rest)

    def _send(self, send: Callable[[Any], object], data: bytes | memoryview) -> None:
        """Send data, however long the client takes to read it; if that fails, the client is gone."""
        stream = self.stream
        stream.is_sending = True
        try:
            if isinstance(data, memoryview) or len(data) <= LARGEST_WRITE_BYTES:
                send(data)
            else:
                for part in slices(data):
                    send(part)
        except Exception as error:
            # Servers have their own exceptions for a client that is gone, such as waitress's ClientDisconnected.
            if not isinstance(error, OSError):
                self.hub.logger.debug("Datastar: the server's write failed, so the client is gone", exc_info=True)
            stream.leave()
        stream.is_sending = False
        stream.last_write = time.monotonic()

    def _last_block(self, ending: Ending) -> bytes:
        retry_ms = None
        if ending.kind is EndingKind.RESTART:
            failures = 0
            if ending.failures:
                # A stream that ran for longer than the longest wait has recovered from earlier failures.
                has_recovered = time.monotonic() - self._opened_at > MAX_BACKOFF_MS / 1000
                failures = 1 if has_recovered else self._failures + 1
            ending = Ending(EndingKind.RESTART, failures=failures, last_id=self.stream.last_id)
            # The pages of one person need no spread, and the end of a login should show soon.
            spread = 0 if self.stream.is_for_one else self.hub.settings.restart_spread_seconds
            retry_ms = restart_delay_ms(failures, spread, random.random)
        assert self.stream.reason is not None
        return stream_ending(self.stream.reason, retry_ms) + ending_block(ending, retry_ms)
