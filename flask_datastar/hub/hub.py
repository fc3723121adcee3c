"""The streams of one app in one process: opening and closing, limits, counters, and the timer."""

from __future__ import annotations

import logging
import random
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol
from weakref import WeakMethod

from blinker import NamedSignal

from .. import hooks
from ..config.settings import Settings
from ..hooks import Reason
from ..transport import leaving, worker
from ..transport.ticker import call_each
from ..transport.wakeups import make_lock
from .bus import Bus
from .coded_stream import CodedStream
from .compression import Compression
from .lingering import cut_lingering
from .notices import Notices
from .places import NoRoom, Places, Shortage
from .shared_tabs import SharedTabs
from .stream import Stream
from .tabs import TabEntry
from .turns import Turns

_STOP_POLL_SECONDS = 0.05
#: How long the end of the process waits for streams to end: longer than connections linger when the worker stops, so
#: that every client that reads gets the end of its stream.
_EXIT_SECONDS = 1.8

#: The arguments of a stream's hooks: scope, tab, endpoint.
Details = tuple[str, str | None, str]


class Tell(Protocol):
    """A function that sends a hook to its receivers."""

    def __call__(self, hook: NamedSignal, /, **details: Any) -> None: ...


class StreamHub:
    """The streams of one app in this process, created at first use and therefore after the fork.

    :param name: the name of the app; it separates apps that share a broker.
    :param tell: sends a hook to its receivers, with keyword arguments.
    """

    def __init__(self, settings: Settings, name: str, logger: logging.Logger, tell: Tell) -> None:
        self.settings = settings
        self.logger = logger
        self.notices = Notices(logger)
        self._tell = tell
        self.turns = Turns()
        self.bus = Bus(settings, name, self.turns)
        self.topics = self.bus.topics
        self.tabs = SharedTabs(self.bus)
        self.compression = Compression(settings.compression)
        #: Held while a subscription is handed over to its stream.
        self.binding = make_lock()
        self.is_stopping = False
        self._lock = make_lock()
        self._places = Places(settings)
        self._opened = self._dropped = self._peak = 0
        self._ended: Counter[Reason] = Counter()
        #: Name → a function that returns further counters.
        self.counters: dict[str, Callable[[], dict[str, Any]]] = {"broker": self.bus.broker.stats}
        self.counters["compression"] = self.compression.stats
        self._cancel_ticks: list[Callable[[], None]] = []
        self._has_exit_hook = False

    def reserve(self, stream: Stream, details: Details, page: str | None, url: str, address: str | None) -> None:
        """Check that there is room for a stream. It takes its place when it is opened.

        From now on, closing the streams of its scope ends this one, too.

        :param stream: made by :meth:`new_stream`.
        :param details: the arguments of its hooks; an empty scope means that the stream belongs to nobody.
        :param page: the page part of the tab id.
        :param url: path and query without the signals.
        :param address: the address of its client; None if it is unknown.
        :raises NoRoom: if there is no room. The reason is logged.
        """
        settings, stream.address = self.settings, address
        scope, tab, endpoint = details
        if scope:
            stream.entry = TabEntry(scope, tab, page, url, endpoint, time.time(), stream)
        with self._lock:
            shortage = self._places.shortage(stream)
        if shortage is Shortage.PLACES:
            self.notices.warn(
                "Datastar: %d streams are open, which is the limit (DATASTAR_MAX_STREAMS); further ones are refused",
                self._places.limit,
            )
            raise NoRoom("too many streams are open here; try again later")
        if shortage is Shortage.PLACES_OF_ADDRESS:
            self.notices.warn(
                "Datastar: %s has %d streams already (DATASTAR_MAX_STREAMS_PER_ADDRESS); further ones are refused",
                address,
                settings.max_streams_per_address,
            )
            raise NoRoom("too many streams are open from one address; close a tab")
        entry = stream.entry
        if entry is not None and not self.tabs.expect(entry, limit_per_scope=settings.max_streams_per_scope):
            self._note_full_scope(entry)
            raise NoRoom("too many streams are open for one user; close a tab")

    def has_place(self) -> bool:
        """Return whether the process may hold one more stream."""
        return self._places.shortage(self.new_stream()) is None

    def new_stream(self, coding: str | None = None) -> Stream:
        """Create a stream with the app's limits. It counts only once it is opened.

        :param coding: the content coding of its body; None for none.
        """
        settings = self.settings
        limits = settings.max_queued_events, settings.max_queued_bytes
        age = settings.stream_max_age_seconds
        expires_at = time.monotonic() + age * (1 + random.random() / 10) if age else None
        make = Stream if coding is None else partial(CodedStream, self.compression.body(coding))
        return make(limits, on_slow=self._end_slow, on_pressed=self.turns.press, expires_at=expires_at)

    def open(self, stream: Stream, details: Details) -> None:
        """Register a stream when the server starts to iterate it, and watch its client."""
        with self._lock:
            has_room, leaving_one = self._places.take(stream)
            self._opened += 1
            if not self._cancel_ticks:
                self._start_ticks()
        if stream.socket is not None:
            leaving.set_user_timeout(stream.socket, self.settings.keepalive_seconds + 20)
            stream.watch = leaving.watch(stream.socket, stream.leave)
        if self.is_stopping:
            # All others were ended before this one was registered.
            stream.end(Reason.STOPPING)
        # There was room when the request came, but other streams were opened meanwhile.
        elif not has_room:
            stream.end(Reason.REFUSED)
        elif stream.entry is not None and not stream.must_end:
            self._register(stream, stream.entry)
        if leaving_one is not None:
            self._end_for_another(leaving_one)
        self._send(hooks.stream_opened, details)

    def _register(self, stream: Stream, entry: TabEntry) -> None:
        """Make a stream the live one of its tab, or end it if its scope has no room."""
        if not self.tabs.register(entry, limit_per_scope=self.settings.max_streams_per_scope):
            self._note_full_scope(entry)
            stream.end(Reason.REFUSED)

    def _note_full_scope(self, entry: TabEntry) -> None:
        self.notices.warn(
            "Datastar: scope %r has %d streams already (DATASTAR_MAX_STREAMS_PER_SCOPE); further ones are refused",
            entry.scope,
            self.settings.max_streams_per_scope,
        )

    def _end_for_another(self, stream: Stream) -> None:
        """End a stream without a scope whose place a stream with a scope has taken."""
        self.notices.warn(
            "Datastar: %d streams are open, which is the limit (DATASTAR_MAX_STREAMS); streams without a scope end "
            "if streams with a scope need their places",
            self._places.limit,
        )
        stream.end(Reason.REFUSED)

    def close(self, stream: Stream, details: Details) -> None:
        """Remove a stream, whatever ended it; safe to call twice."""
        with self._lock:
            if stream not in self._places.streams:
                return
            self._places.leave(stream)
            stream.leave()
            assert stream.reason is not None
            self._ended[stream.reason] += 1
            self._peak = max(self._peak, stream.peak)
            if not self._places.streams:
                for cancel in self._cancel_ticks:
                    cancel()
                self._cancel_ticks = []
        stream.close()
        if stream.entry is not None:
            self.tabs.release(stream.entry)
        if self.is_stopping and stream.socket is not None:
            # Otherwise gunicorn would keep the connection for the client's next request, and wait for it.
            leaving.shut_for_reading(stream.socket)
        self._send(hooks.stream_closed, details, reason=stream.reason)

    def stop(self) -> None:
        """End all streams, because the worker is about to stop."""
        self.is_stopping = True
        for stream in self._snapshot():
            stream.end(Reason.STOPPING)

    def stats(self) -> dict[str, Any]:
        """Return the counters: open, opened, ended by reason, dropped, queue high-water mark (events)."""
        with self._lock:
            return {
                "open": len(self._places.streams),
                "opened": self._opened,
                "ended": {reason.value: count for reason, count in self._ended.items()},
                "dropped": self._dropped,
                "queue_high_water": max([self._peak, *(stream.peak for stream in self._places.streams)]),
                **{name: found for name, count in self.counters.items() if (found := count())},
            }

    def _send(self, hook: NamedSignal, details: Details, **more: Any) -> None:
        if hook.receivers:
            scope, tab, endpoint = details
            self._tell(hook, scope=scope, tab=tab, endpoint=endpoint, **more)

    def _end_slow(self, stream: Stream) -> None:
        if not stream.end(Reason.SLOW):
            return
        stream.drop_waiting()
        with self._lock:
            self._dropped += 1
        self.logger.warning(
            "Datastar: a client reads too slowly: more than %d events or %d bytes wait for it, here or on its own "
            "system; its stream ends, and the page comes back",
            *stream.limits,
        )

    def _snapshot(self) -> list[Stream]:
        with self._lock:
            return list(self._places.streams)

    def _start_ticks(self) -> None:
        if not self._has_exit_hook:
            self._has_exit_hook = True
            # Weakly, so that the exit function does not keep an app alive.
            worker.before_exit(WeakMethod(self._end_at_exit))
        ticks = (min(1.0, self.settings.keepalive_seconds / 4), self._tick), (_STOP_POLL_SECONDS, self._poll_stop)
        self._cancel_ticks = call_each(*ticks)

    def _poll_stop(self) -> None:
        if not self.is_stopping and worker.is_stopping():
            self.stop()
        if self.is_stopping:
            cut_lingering(self._snapshot(), is_stopping=True)

    def _end_at_exit(self) -> None:
        """End all streams if the process ends without notice, and let their threads finish."""
        self.stop()
        deadline = time.monotonic() + _EXIT_SECONDS
        while self._places.streams and time.monotonic() < deadline:
            time.sleep(0.01)
        self.bus.close()

    def _tick(self) -> None:
        """Wake streams with a due keep-alive or token, end those that are too old, and cut lingering connections."""
        now = time.monotonic()
        keepalive = self.settings.keepalive_seconds
        streams = self._snapshot()
        for stream in streams:
            if stream.must_end:
                continue
            if stream.expires_at is not None and now >= stream.expires_at:
                stream.end(Reason.AGE)
            elif now - stream.last_write >= keepalive or (stream.renewal is not None and now >= stream.renewal.due_at):
                stream.wakeup.set()
        cut_lingering(streams)
        self.compression.drop_idle()
