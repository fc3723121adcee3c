"""All streams of one app in one process: who is open, what they cost, and what the one timer does for them."""

from __future__ import annotations

import logging
import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Protocol
from weakref import WeakMethod

from blinker import NamedSignal

from .. import hooks
from ..brokers.payload import Payload
from ..config.settings import Settings
from ..sansio.endings import Ending, Reason
from ..transport import leaving, worker
from ..transport.ticker import current_ticker
from ..transport.wakeups import make_lock
from .exchange import Exchange
from .limits import max_streams
from .lingering import cut_lingering
from .shared_tabs import SharedTabs
from .stream import Stream
from .tabs import TabRegistry
from .turns import Turns

_STOP_POLL_SECONDS = 0.05
#: How long the end of the process waits for streams to end: longer than it lingers, so that all who read get theirs.
_EXIT_SECONDS = 1.8

#: What the hooks tell of a stream: scope, tab, endpoint.
Details = tuple[str, str | None, str]


class Tell(Protocol):
    """Sends a hook to its receivers."""

    def __call__(self, hook: NamedSignal, /, **details: Any) -> None: ...


class StreamHub:
    """The streams of one app in this process; made at first use, so after the fork.

    :param name: the app's; it separates apps that share a broker.
    :param tell: sends one of the hooks to its receivers, with keyword arguments.
    """

    def __init__(self, settings: Settings, name: str, logger: logging.Logger, tell: Tell) -> None:
        self.settings = settings
        self.logger = logger
        self._tell = tell
        self.registry = TabRegistry()
        self.turns = Turns()
        self.exchange = Exchange(settings, name, self.turns)
        self.topics = self.exchange.topics
        self.tabs = SharedTabs(self.registry, self.exchange, self._restore_here)
        #: Held while a subscription is given to its stream.
        self.binding = make_lock()
        self.is_stopping = False
        self._lock = make_lock()
        self._streams: set[Stream] = set()
        self._opened = 0
        self._dropped = 0
        self._peak = 0
        self._ended: Counter[str] = Counter()
        self._cancel_ticks: list[Callable[[], None]] = []
        self._has_exit_hook = False
        self._most_streams: int | None = None

    @property
    def is_full(self) -> bool:
        """Whether there are as many streams as there may be."""
        return len(self._streams) >= self.most_streams

    @property
    def most_streams(self) -> int:
        """How many streams there may be; found when the first one is opened, so not before requests are handled."""
        if self._most_streams is None:
            self._most_streams = max_streams(self.settings)
        return self._most_streams

    def new_stream(self) -> Stream:
        """Make a stream by the app's limits; it counts only once it was opened."""
        settings = self.settings
        age = settings.stream_max_age_seconds
        expires_at = time.monotonic() + age * (1 + random.random() / 10) if age else None
        return Stream(
            (settings.max_queued_events, settings.max_queued_bytes),
            on_slow=self._end_slow,
            on_pressed=self.turns.press,
            expires_at=expires_at,
        )

    def open(self, stream: Stream, details: Details) -> None:
        """Enter a stream when the server begins to iterate it, and watch its client."""
        with self._lock:
            is_full = self.is_full
            self._streams.add(stream)
            self._opened += 1
            if not self._cancel_ticks:
                self._start_ticks()
        if stream.socket is not None:
            leaving.set_user_timeout(stream.socket, self.settings.keepalive_seconds + 20)
            stream.watch = leaving.watch(stream.socket, stream.leave)
        if self.is_stopping:
            # All others were ended while this one was on its way here.
            self.end_restarting(stream, "stopping")
        # Asked already when the request came, but others were opened meanwhile.
        elif is_full:
            self.end_restarting(stream, "refused")
        elif stream.entry is not None and not stream.must_end:
            self._register(stream)
        self._send(hooks.stream_opened, details)

    def _register(self, stream: Stream) -> None:
        """Make a stream the live one of its tab, where its scope has room."""
        limit = self.settings.max_streams_per_scope
        if not self.tabs.register(stream.entry, limit_per_scope=limit):
            self.logger.warning(
                "Datastar: scope %r has its %d streams already (DATASTAR_MAX_STREAMS_PER_SCOPE)",
                stream.entry.scope,
                limit,
            )
            self.end_restarting(stream, "refused")

    def restore_id(self, scope: str, tab: str, page: str | None, url: str) -> bool:
        """Let the live stream of a page take back the last id that the page's other request left in the browser.

        The client has one last id for both requests of its double retry, so the live stream, once its connection
        breaks, would come back as the one that was replaced, and be turned away.

        :return: whether there is one, in any process.
        """
        return self._restore_here(scope, tab, page, url) or self.tabs.restore_elsewhere(scope, tab, page, url)

    def _restore_here(self, scope: str, tab: str, page: str | None, url: str) -> bool:
        for stream in self._snapshot():
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
        with self._lock:
            if stream not in self._streams:
                return
            self._streams.discard(stream)
            stream.leave()
            self._ended[stream.reason] += 1
            self._peak = max(self._peak, stream.peak)
            if not self._streams:
                for cancel in self._cancel_ticks:
                    cancel()
                self._cancel_ticks = []
        if stream.watch is not None:
            stream.watch.cancel()
        if stream.entry is not None:
            self.registry.release(stream.entry)
            self.tabs.released(stream.entry)
        if self.is_stopping and stream.socket is not None:
            # Else gunicorn keeps the connection for the client's next request, and waits for it.
            leaving.shut_for_reading(stream.socket)
        self._send(hooks.stream_closed, details, reason=stream.reason)

    def end_restarting(self, stream: Stream, reason: str, *, failures: int = 0) -> bool:
        """End a stream so that its page comes back; False when it was to end already."""
        return stream.end(Ending(Reason.RESTART, failures=failures), reason)

    def stop(self) -> None:
        """End all streams, because the worker is about to stop."""
        self.is_stopping = True
        for stream in self._snapshot():
            self.end_restarting(stream, "stopping")

    def stats(self) -> dict[str, Any]:
        """Give the counters: open, opened, ended by reason, dropped, queue high-water mark (events)."""
        with self._lock:
            return {
                "open": len(self._streams),
                "opened": self._opened,
                "ended": dict(self._ended),
                "dropped": self._dropped,
                "queue_high_water": max([self._peak, *(stream.peak for stream in self._streams)]),
                **self._broker_stats(),
            }

    def _broker_stats(self) -> dict[str, Any]:
        found = self.exchange.broker.stats()
        return {"broker": found} if found else {}

    def _send(self, hook: NamedSignal, details: Details, **more: Any) -> None:
        if hook.receivers:
            scope, tab, endpoint = details
            self._tell(hook, scope=scope, tab=tab, endpoint=endpoint, **more)

    def _end_slow(self, stream: Stream) -> None:
        if not self.end_restarting(stream, "slow"):
            return
        stream.drop_waiting()
        with self._lock:
            self._dropped += 1
        self.logger.warning(
            "Datastar: a client reads too slowly, more waits for it than %d events or %d bytes; its stream ends, and "
            "the page comes back",
            *stream.limits,
        )

    def _snapshot(self) -> list[Stream]:
        with self._lock:
            return list(self._streams)

    def _start_ticks(self) -> None:
        if not self._has_exit_hook:
            self._has_exit_hook = True
            # Weakly: the process's end is not to keep an app alive.
            worker.before_exit(WeakMethod(self._end_at_exit))
        ticker = current_ticker()
        keepalive = self.settings.keepalive_seconds
        self._cancel_ticks = [
            ticker.every(min(1.0, keepalive / 4), self._tick),
            ticker.every(_STOP_POLL_SECONDS, self._poll_stop),
        ]

    def _poll_stop(self) -> None:
        if not self.is_stopping and worker.is_stopping():
            self.stop()
        if self.is_stopping:
            cut_lingering(self._snapshot(), is_stopping=True)

    def _end_at_exit(self) -> None:
        """End all streams where the process ends without saying so before, and let their threads finish."""
        self.stop()
        deadline = time.monotonic() + _EXIT_SECONDS
        while self._streams and time.monotonic() < deadline:
            time.sleep(0.01)
        self.exchange.close()

    def _tick(self) -> None:
        """Wake streams that owe something by the clock, end those of age, cut connections that take nothing then."""
        now = time.monotonic()
        keepalive = self.settings.keepalive_seconds
        streams = self._snapshot()
        for stream in streams:
            if stream.must_end:
                continue
            if stream.expires_at is not None and now >= stream.expires_at:
                self.end_restarting(stream, "age")
            elif now - stream.last_write >= keepalive or (stream.renewal is not None and now >= stream.renewal.due_at):
                stream.wakeup.set()
        cut_lingering(streams)
