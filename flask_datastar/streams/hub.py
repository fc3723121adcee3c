"""All streams of one app in one process: who is open, what they cost, and what the one timer does for them."""

from __future__ import annotations

import random
import time
from collections import Counter
from functools import partial
from typing import Any

from blinker import NamedSignal

from .. import hooks
from .._state import AppState
from ..sansio.endings import Ending, Reason
from ..tabs import TabRegistry
from ..topics import Topics
from ..transport import leaving, worker
from ..transport.ticker import current_ticker
from ..transport.wakeups import PerProcess, is_gevent
from .direct import Payload
from .stream import Stream

#: How long a connection that takes nothing is borne after its stream ended; when the worker stops, less.
_LINGER_SECONDS, _LINGER_STOPPING_SECONDS = 5.0, 1.0
_STOP_POLL_SECONDS = 0.05


#: What the hooks tell of a stream: scope, tab, endpoint.
Details = tuple[str, str | None, str]


class StreamHub:
    """The streams of one app in this process; made at first use, so after the fork."""

    def __init__(self, app_state: AppState) -> None:
        self.app_state = app_state
        self.registry = TabRegistry()
        self.topics = Topics()
        self.opened = 0
        self.dropped = 0
        self.high_water = 0
        self.ended: Counter[str] = Counter()
        self.is_stopping = False
        self._streams: set[Stream] = set()
        self._pressed: list[Stream] = []
        self._cancel_ticks: list[Any] = []

    @property
    def open_count(self) -> int:
        """Streams that are open now."""
        return len(self._streams)

    def new_stream(self) -> Stream:
        """Make a stream by the app's limits; it counts only once it was opened."""
        settings = self.app_state.settings
        age = settings.stream_max_age_seconds
        expires_at = time.monotonic() + age * (1 + random.random() / 10) if age else None
        return Stream(
            (settings.max_queued_events, settings.max_queued_bytes),
            on_slow=self._end_slow,
            on_pressed=self._pressed.append,
            expires_at=expires_at,
        )

    def open(self, stream: Stream, details: Details) -> None:
        """Enter a stream when the server begins to iterate it, and watch its client."""
        self._streams.add(stream)
        self.opened += 1
        if not self._cancel_ticks:
            self._start_ticks()
        if stream.socket is not None:
            leaving.set_user_timeout(stream.socket, self.app_state.settings.keepalive_seconds + 20)
            stream.watch = leaving.watch(stream.socket, stream.leave)
        if stream.entry is not None and not self.registry.register(
            stream.entry, limit_per_scope=self.app_state.settings.max_streams_per_scope
        ):
            self.app_state.app.logger.warning(
                "Datastar: scope %r has its %d streams already (DATASTAR_MAX_STREAMS_PER_SCOPE)",
                stream.entry.scope,
                self.app_state.settings.max_streams_per_scope,
            )
            self.end_restarting(stream, "refused")
        _send(hooks.stream_opened, self.app_state, details)

    def restore_id(self, scope: str, tab: str, page: str | None, url: str) -> bool:
        """Let the live stream of a page take back the last id that the page's other request left in the browser.

        The client has one last id for both requests of its double retry, so the live stream, once its connection
        breaks, would come back as the one that was replaced, and be turned away.

        :return: whether there is one.
        """
        for stream in tuple(self._streams):
            entry = stream.entry
            if (
                entry is not None
                and not stream.must_end
                and (entry.scope, entry.tab, entry.page) == (scope, tab, page)
                and (page is None or entry.url == url)
            ):
                stream.put(Payload(f"id: {stream.last_id}\n\n".encode()))
                return True
        return False

    def close(self, stream: Stream, details: Details) -> None:
        """Take a stream out, whatever ended it; safe to call twice."""
        if stream not in self._streams:
            return
        self._streams.discard(stream)
        if stream.watch is not None:
            stream.watch.cancel()
        if stream.entry is not None:
            self.registry.release(stream.entry)
        if self.is_stopping and stream.socket is not None:
            # Else gunicorn keeps the connection for the client's next request, and waits for it.
            leaving.shut_for_reading(stream.socket)
        stream.leave()
        self.ended[stream.reason] += 1
        _send(hooks.stream_closed, self.app_state, details, reason=stream.reason)

    def end_restarting(self, stream: Stream, reason: str, *, failures: int = 0) -> None:
        """End a stream so that its page comes back."""
        stream.end(Ending(Reason.RESTART, failures=failures), reason)

    def stop(self) -> None:
        """End all streams, because the worker is about to stop."""
        self.is_stopping = True
        for stream in tuple(self._streams):
            self.end_restarting(stream, "stopping")

    def relieve(self) -> None:
        """Let streams whose queues fill up take their turn, before they overflow only because a publisher never rests.

        Each is waited for once: one that took nothing in its turn has a client that does not read.
        """
        pressed, self._pressed[:] = list(self._pressed), []
        if pressed:
            for stream in pressed:
                stream.waited_for = True
            # Under gevent all that are awake run before this returns; with threads they get a moment.
            time.sleep(0 if is_gevent() else 0.002)

    def stats(self) -> dict[str, Any]:
        """Give the counters: open, opened, ended by reason, dropped, queue high-water mark (events)."""
        return {
            "open": self.open_count,
            "opened": self.opened,
            "ended": dict(self.ended),
            "dropped": self.dropped,
            "queue_high_water": self.high_water,
        }

    def _end_slow(self, stream: Stream) -> None:
        self.dropped += 1
        self.app_state.app.logger.warning(
            "Datastar: a client reads too slowly, %d events wait; its stream ends and the page comes back",
            stream.waiting,
        )
        self.end_restarting(stream, "slow")

    def _start_ticks(self) -> None:
        ticker = current_ticker()
        keepalive = self.app_state.settings.keepalive_seconds
        self._cancel_ticks = [
            ticker.every(min(1.0, keepalive / 4), self._tick),
            ticker.every(_STOP_POLL_SECONDS, self._poll_stop),
        ]

    def _poll_stop(self) -> None:
        if not self.is_stopping and worker.is_stopping():
            self.stop()

    def _tick(self) -> None:
        """Wake streams that owe a keep-alive, end those of age, cut connections that take nothing after the end."""
        now = time.monotonic()
        settings = self.app_state.settings
        linger = _LINGER_STOPPING_SECONDS if self.is_stopping else _LINGER_SECONDS
        for stream in tuple(self._streams):
            waiting = stream.waiting
            if waiting > self.high_water:
                self.high_water = waiting
            if stream.must_end:
                if stream.socket is not None and now - stream.ended_at > linger:
                    leaving.shut(stream.socket)
            elif stream.expires_at is not None and now >= stream.expires_at:
                self.end_restarting(stream, "age")
            elif now - stream.last_write >= settings.keepalive_seconds:
                stream.wakeup.set()
        if not self._streams:
            for cancel in self._cancel_ticks:
                cancel()
            self._cancel_ticks = []


def _send(hook: NamedSignal, app_state: AppState, details: Details, **more: Any) -> None:
    if hook.receivers:
        scope, tab, endpoint = details
        hook.send(app_state.app, scope=scope, tab=tab, endpoint=endpoint, **more)


def hub_of(app_state: AppState) -> StreamHub:
    """Give the hub of an app in this process; a forked process gets its own."""
    hubs: PerProcess[StreamHub] = app_state.__dict__.setdefault("_hubs", PerProcess(partial(StreamHub, app_state)))
    return hubs.get()
