"""The registry of tabs: the live streams of each browser tab, in the memory of one process."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from os import getpid
from typing import Protocol
from weakref import WeakSet

from ..hooks import Reason
from ..transport.wakeups import PerProcess, make_lock
from .held import Held
from .precedence import is_newer, may_live_beside

_logger = logging.getLogger(__name__)


class TabStream(Protocol):
    """The part of an open stream that the registry uses."""

    @property
    def must_end(self) -> bool:
        """Whether the stream is to end, or its client is gone."""

    def end_as(self, reason: Reason, winner_page: str | None) -> None:
        """End for a reason, with the page of the stream that took the place. Must not block."""

    def restore_id(self) -> bool:
        """Send the last id again; return False if the stream is to end."""


@dataclass(eq=False, slots=True, weakref_slot=True)
class TabEntry:
    """One open stream of a tab. Entries compare by identity."""

    #: The person whose stream it is; not empty.
    scope: str
    #: The tab part of the tab id. None without a tab id; such a stream replaces no other.
    tab: str | None
    #: The page part of the tab id; None if the id was written by hand.
    page: str | None
    #: Path and query without the signals; they tell the streams of one page apart.
    url: str
    #: The endpoint that serves it, for :meth:`TabRegistry.snapshot`.
    endpoint: str
    #: When the stream was opened, as Unix time.
    opened_at: float
    stream: TabStream = field(repr=False)
    #: The number of its request among those of all processes: a newer one has a higher number. None without one.
    sequence: int | None = None
    #: The stream's name among all processes; empty if there is only one process.
    key: str = ""
    #: The number of its last announcement to the other processes, and whether that has come back through the broker.
    announcement: int = 0
    is_announced: bool = False
    #: Streams of the same page that were announced later, in any process: URL → key. None instead of an empty dict.
    newer: dict[str, str] | None = None
    #: Whether the page has streams in other processes, which have to know when this one ends.
    has_others: bool = False
    #: Whether any of its announcements has come back, so that it may have been the one that speaks.
    was_announced: bool = False
    #: Marks of the newest events that came for its page, and of those that an older stream of the page has taken.
    marks: bytes = b""
    taken: bytes = b""
    #: How many streams of other processes have answered its last announcement.
    answers: int = 0
    #: The events that came before its announcement.
    held: Held | None = None


@dataclass(frozen=True, slots=True)
class TabInfo:
    """One open stream, as seen from outside."""

    scope: str
    tab: str | None
    page: str | None
    #: Flask's endpoint, as ``url_for`` takes it.
    endpoint: str
    #: When the stream was opened, as Unix time.
    opened_at: float


class TabRegistry:
    """The open streams of one process by scope and tab. All methods may be called from any thread or greenlet."""

    def __init__(self) -> None:
        self._streams = PerProcess(_Streams)

    def expect(self, entry: TabEntry) -> int:
        """Record a stream that is about to be opened, for :meth:`close` only. The record is dropped with the entry.

        :return: the number of streams of its scope that it would leave open.
        """
        streams = self._streams.by_process[getpid()]
        with streams.lock:
            streams.expected.add(entry)
            return _count_beside(streams.by_scope.get(entry.scope, {}), entry)

    def register(self, entry: TabEntry, *, limit_per_scope: int) -> TabEntry | None:
        """Make a stream the live one of its tab and end the older ones; end it if a newer one is there already.

        A page may have several streams: those of the same page under other URLs stay.

        :param entry: the stream. As soon as a newer one takes its place, it is removed from the registry, and then
            ended with the reason *replaced*.
        :param limit_per_scope: the most streams that one scope may have.
        :return: the stream, or the newer one in its place; None, with nothing changed, if the scope has the most
            streams that it may have without those that this one would end.
        """
        streams = self._streams.by_process[getpid()]
        with streams.lock:
            streams.expected.discard(entry)
            tabs = streams.by_scope.get(entry.scope, {})
            if _count_beside(tabs, entry) >= limit_per_scope:
                return None
            others = [other for other in tabs.get(entry.tab, ()) if other is not entry]
            kept = [other for other in others if may_live_beside(other, entry)]
            replaced = [other for other in others if other not in kept]
            newer = (other for other in replaced if is_newer(other, entry) and not other.stream.must_end)
            winner = next(newer, entry)
            if winner is entry:
                streams.by_scope.setdefault(entry.scope, tabs)[entry.tab] = [*kept, entry]
        _end(replaced if winner is entry else [entry], Reason.REPLACED, winner.page)
        return winner

    def count_of(self, scope: str, tab: str | None) -> int:
        """Count the streams of one tab of a scope; for None, its streams without a tab."""
        streams = self._streams.by_process[getpid()]
        with streams.lock:
            return len(streams.by_scope.get(scope, {}).get(tab, ()))

    def of_tab(self, scope: str, tab: str | None) -> list[TabEntry]:
        """Return the open streams of one tab of a scope."""
        streams = self._streams.by_process[getpid()]
        with streams.lock:
            return list(streams.by_scope.get(scope, {}).get(tab, ()))

    def speaks(self, entry: TabEntry) -> bool:
        """Return whether a stream gets what is sent to its page, as the page's newest stream that is not about to end.

        A stream that is not registered yet gets it only if no other stream does.
        """
        if entry.tab is None or entry.page is None:
            return True
        streams = self._streams.get()
        with streams.lock:
            open_ones = streams.by_scope.get(entry.scope, {}).get(entry.tab, ())
            # Without the stream that this one replaces as soon as it is registered.
            page = [one for one in open_ones if one is entry or (one.page == entry.page and one.url != entry.url)]
        ending = {one.key for one in page if one.stream.must_end}
        able = [one for one in page if not one.stream.must_end and ending.issuperset((one.newer or {}).values())]
        announced = [one for one in able if one.is_announced]
        chosen = (announced or able)[-1:]
        return chosen == [entry] or (not chosen and entry not in page)

    def has_announced_beside(self, entry: TabEntry) -> bool:
        """Return whether another stream of the same page has been announced, so that the page has one that speaks."""
        return any(
            one.was_announced and one is not entry and not one.stream.must_end and may_live_beside(one, entry)
            for one in self.of_tab(entry.scope, entry.tab)
        )

    def entries(self) -> list[TabEntry]:
        """Return the open streams, scope by scope."""
        streams = self._streams.by_process[getpid()]
        with streams.lock:
            return [entry for tabs in streams.by_scope.values() for tab in tabs.values() for entry in tab]

    def release(self, entry: TabEntry) -> None:
        """Remove a stream that has ended; safe to call twice."""
        streams = self._streams.by_process[getpid()]
        with streams.lock:
            streams.expected.discard(entry)
            entries = streams.by_scope.get(entry.scope, {}).get(entry.tab, [])
            if entry in entries:
                entries.remove(entry)
                if not entries:
                    streams.drop(entry.scope, entry.tab)

    def close(
        self,
        scope: str,
        tab: str | None = None,
        *,
        reason: Reason,
        is_meant: Callable[[TabEntry], bool] = lambda _: True,
    ) -> int:
        """End all streams of a scope, or of one of its tabs, including those that are about to open.

        :param tab: None also ends the streams without a tab.
        :param reason: the reason with which they end.
        :param is_meant: returns False for streams that stay.
        :return: the number of streams.
        """
        streams = self._streams.by_process[getpid()]
        with streams.lock:
            names = [tab] if tab is not None else list(streams.by_scope.get(scope, {}))
            ended = [entry for name in names for entry in streams.drop(scope, name, is_meant)]
            expected = [one for one in streams.expected if one.scope == scope and tab in (None, one.tab)]
            ended += filter(is_meant, expected)
        _end(ended, reason, None)
        return len(ended)

    def count(self) -> int:
        """Count the tabs, as pairs of scope and tab, that have a stream."""
        streams = self._streams.by_process[getpid()]
        with streams.lock:
            return sum(len(tabs) - (None in tabs) for tabs in streams.by_scope.values())

    def scopes(self) -> set[str]:
        """Return the scopes that have a stream."""
        streams = self._streams.by_process[getpid()]
        with streams.lock:
            return set(streams.by_scope)

    def snapshot(self) -> list[TabInfo]:
        """Return the open streams, as seen from outside."""
        return [TabInfo(one.scope, one.tab, one.page, one.endpoint, one.opened_at) for one in self.entries()]


class _Streams:
    """The streams of one process."""

    __slots__ = ("by_scope", "expected", "lock")

    def __init__(self) -> None:
        self.lock = make_lock()
        #: Scope → tab → its streams. Scopes and tabs without streams are removed.
        self.by_scope: dict[str, dict[str | None, list[TabEntry]]] = {}
        #: The streams whose response is not started yet; weakly, because not every response is sent.
        self.expected: WeakSet[TabEntry] = WeakSet()

    def drop(
        self, scope: str, tab: str | None, is_meant: Callable[[TabEntry], bool] = lambda _: True
    ) -> list[TabEntry]:
        """Remove the streams of a tab, or some of them, and return them. The caller holds the lock."""
        tabs = self.by_scope.get(scope, {})
        entries = tabs.pop(tab, [])
        dropped = [entry for entry in entries if is_meant(entry)]
        if kept := [entry for entry in entries if entry not in dropped]:
            tabs[tab] = kept
        if not tabs:
            self.by_scope.pop(scope, None)
        return dropped


def _count_beside(tabs: dict[str | None, list[TabEntry]], newcomer: TabEntry) -> int:
    kept = [one for one in tabs.get(newcomer.tab, ()) if one is not newcomer and may_live_beside(one, newcomer)]
    return len(kept) + sum(len(entries) for tab, entries in tabs.items() if tab != newcomer.tab)


def _end(entries: Iterable[TabEntry], reason: Reason, page: str | None) -> None:
    """Ask streams to end. The caller does not hold the lock, because a stream may be released at once."""
    for entry in entries:
        try:
            entry.stream.end_as(reason, page)
        except Exception:
            _logger.exception("Datastar: stream %r could not be ended (%s)", entry, reason)
