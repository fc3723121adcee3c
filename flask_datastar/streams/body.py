"""The WSGI bodies of streams: the server iterates them, and they wait."""

from __future__ import annotations

import random
import time
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from flask import stream_with_context

from .._state import RequestState
from ..generators import AddResult, report
from ..response import response_of, take_queue, take_tracked
from ..sansio.endings import Ending, Reason, ending_block, restart_delay_ms
from ..transport import leaving
from .direct import direct_writer
from .hub import Details, StreamHub
from .stream import Stream, StreamEnds
from .waiting import Subscription

KEEPALIVE = b":\n\n"
OPENING = b": open\n\n"

Write = Callable[[bytes], object]


class StreamBody:
    """What all streams do: open at the first step, say how they end at the last, and leave nothing behind."""

    __slots__ = ("_details", "_failures", "_has_ended", "_is_open", "_last_id", "_prelude", "hub", "stream", "write")

    def __init__(self, hub: StreamHub, stream: Stream, prelude: bytes, details: Details, ending: Ending) -> None:
        self.hub = hub
        self.stream = stream
        self.write: Write | None = None
        self._prelude = prelude
        self._details = details
        # What the last ending said of failures and of the application's own id is carried on into the next.
        self._failures = ending.failures
        self._last_id = ending.last_id
        self._is_open = False
        self._has_ended = False

    def connect(self, environ: dict[str, Any], start_response: object, write: Write) -> None:
        """Take what the server offers: the socket to watch, and its way to write from inside a wait."""
        self.stream.socket = leaving.connection_of(environ)
        # A test client's write() does not reach the reader before the next chunk, so without a socket it is not used.
        self.write = write if self.stream.socket is not None else None
        if self.hub.app_state.settings.direct_writes:
            self.stream.direct = direct_writer(environ, start_response)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        stream = self.stream
        if not self._is_open:
            self._is_open = True
            self.hub.open(stream, self._details)
            return self._prelude or OPENING
        if self._has_ended or stream.is_gone:
            raise StopIteration
        chunk = b"" if stream.must_end else self._step()
        self._send_rest()
        if stream.ending is not None:
            self._has_ended = True
            chunk += self._last_block(stream.ending)
        elif stream.is_gone or not chunk:
            raise StopIteration
        stream.last_write = time.monotonic()
        return chunk

    def close(self) -> None:
        """Free everything; called by the server, whether it iterated or not."""
        self._has_ended = True
        self.hub.close(self.stream, self._details)

    @abstractmethod
    def _step(self) -> bytes:
        """Wait for the next chunk; b"" when the stream has ended meanwhile."""

    def _park(self, timeout: float | None) -> None:
        """Wait to be woken; meanwhile publishers may write to the connection."""
        stream = self.stream
        stream.is_parked = True
        stream.wakeup.wait(timeout)
        stream.is_parked = False
        self._send_rest()

    def _send_rest(self) -> None:
        """Send what a direct write left of its frame, before anything else goes out."""
        direct = self.stream.direct
        while direct is not None and direct.rest and not self.stream.is_gone:
            rest, direct.rest = direct.rest, b""
            try:
                self.stream.socket.sendall(rest)
            except OSError:
                self.stream.leave()
            self.stream.last_write = time.monotonic()

    def _last_block(self, ending: Ending) -> bytes:
        retry_ms = None
        if ending.reason is Reason.RESTART:
            failures = self._failures + 1 if ending.failures else 0
            ending = Ending(Reason.RESTART, failures=failures, last_id=self.stream.last_id or self._last_id)
            retry_ms = restart_delay_ms(failures, self.hub.app_state.settings.restart_spread_seconds, random.random)
        return ending_block(ending, retry_ms)


class FollowBody(StreamBody):
    """A stream that only forwards what is broadcast: no request, no context and no generator is kept."""

    __slots__ = ("_subscriptions",)

    def __init__(self, *args: Any, subscriptions: Iterable[Subscription]) -> None:
        super().__init__(*args)
        self._subscriptions = tuple(subscriptions)
        for subscription in self._subscriptions:
            subscription.bind(self.stream)

    def _step(self) -> bytes:
        stream, wakeup = self.stream, self.stream.wakeup
        keepalive = self.hub.app_state.settings.keepalive_seconds
        while not stream.must_end:
            wakeup.clear()
            if data := stream.take():
                return data
            if time.monotonic() - stream.last_write >= keepalive:
                return KEEPALIVE
            if stream.must_end:
                break
            self._park(None)
        return b""

    def close(self) -> None:
        """Free everything, subscriptions included."""
        for subscription in self._subscriptions:
            subscription.close()
        super().close()


class GeneratorBody(StreamBody):
    """A stream that runs a user's generator, in its request's contexts."""

    __slots__ = ("_add_result", "_before_wait", "_chunks", "_events", "_is_unread", "_state", "_subscriptions")

    def __init__(
        self,
        *args: Any,
        events: Iterator[Any],
        state: RequestState,
        add_result: AddResult,
        before_wait: Iterable[Callable[[], object]],
    ) -> None:
        super().__init__(*args)
        self._events = events
        self._state = state
        self._add_result = add_result
        self._before_wait = before_wait
        self._subscriptions: list[Subscription] = []
        self._is_unread = False
        for subscription in state.subscriptions:
            self.adopt(subscription)
        state.subscriptions = []
        state.stream = self
        self._chunks = stream_with_context(iter(self._run, None))

    def adopt(self, subscription: Subscription) -> None:
        """Close a subscription with the stream."""
        self._subscriptions.append(subscription)
        subscription.bind(self.stream)

    def wait(
        self, is_ready: Callable[[], bool], deadline: float | None, ready_at: Callable[[], float | None] | None
    ) -> bool:
        """Wait inside the user's generator; send meanwhile what was sent to this tab, and keep-alives.

        :param deadline: ``time.monotonic()``; None to wait for ever.
        :param ready_at: gives a time at which ``is_ready`` is to be asked again.
        :return: whether it is ready; False at the deadline.
        :raises StreamEnds: the stream is to end.
        """
        stream = self.stream
        keepalive = self.hub.app_state.settings.keepalive_seconds
        self._give_back()
        while True:
            stream.wakeup.clear()
            if stream.must_end:
                raise StreamEnds
            if is_ready():
                return True
            now = time.monotonic()
            if deadline is not None and now >= deadline:
                return False
            if self.write is not None and self._write_waiting(now, keepalive):
                continue
            until = [t for t in (deadline, ready_at() if ready_at is not None else None) if t is not None]
            self._park(max(0.0, min(until) - now) if until else None)

    def _give_back(self) -> None:
        for callback in self._before_wait:
            callback()

    def _write_waiting(self, now: float, keepalive: float) -> bool:
        assert self.write is not None
        data = self.stream.take()
        if not data and now - self.stream.last_write >= keepalive:
            data = KEEPALIVE
        if data:
            try:
                self.write(data)
            except OSError:
                self.stream.leave()
            self.stream.last_write = time.monotonic()
        return bool(data)

    def _step(self) -> bytes:
        return next(self._chunks, b"")

    def _run(self) -> bytes | None:
        """Run the generator to its next ``yield``, inside of its contexts."""
        stream = self.stream
        if self._is_unread:
            self._close_events()
            return None
        try:
            item = next(self._events)
            self._add_result(item)
            chunk = self._flush()
            # To send is to wait, too, for a client that does not read.
            self._give_back()
            return chunk
        except StopIteration as stop:
            self._add_result(stop.value)
            stream.end(Ending(Reason.DONE), "done")
            return self._flush()
        except StreamEnds:
            return None
        except Exception as error:
            report(self._state, error)
            self.hub.end_restarting(stream, "failed", failures=1)
            return None
        finally:
            if stream.must_end:
                self._close_events()

    def _flush(self) -> bytes:
        body = take_queue(response_of(self._state))
        if self._state.tracked.is_pending:
            body += take_tracked(self._state)
        return (body + self.stream.take()) or KEEPALIVE

    def _close_events(self) -> None:
        try:
            close = getattr(self._events, "close", None)
            if close is not None:
                close()
        except StreamEnds:
            pass
        except Exception as error:
            report(self._state, error)

    def close(self) -> None:
        """Close the generator in its contexts, then free everything."""
        if not self._is_unread:
            self._is_unread = True
            next(self._chunks, None)
        for subscription in self._subscriptions:
            subscription.close()
        super().close()
