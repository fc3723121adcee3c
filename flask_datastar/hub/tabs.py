"""Which stream is the live one of each browser tab. In the memory of one process; it knows neither Flask nor topics."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf
from os import getpid
from typing import Protocol
from weakref import WeakSet

from ..hooks import Reason
from ..transport.wakeups import PerProcess, make_lock

_logger = logging.getLogger(__name__)


class TabStream(Protocol):
    """What the registry asks of an open stream."""

    @property
    def must_end(self) -> bool:
        """Whether it is to end, or its client has gone."""

    def end_as(self, reason: Reason, winner_page: str | None) -> None:
        """End, with the page of the stream that took its place. Must not block."""

    def restore_id(self) -> bool:
        """Send the last id again; False when the stream is to end."""


@dataclass(eq=False, slots=True, weakref_slot=True)
class TabEntry:
    """One open stream of a tab. Entries compare by identity."""

    #: Whose stream it is; not empty.
    scope: str
    #: The tab part of the tab id; None without one: such a stream replaces no other.
    tab: str | None
    #: The page part, None for a hand-written tab id.
    page: str | None
    #: Path and query without the signals: what tells the streams of one page apart.
    url: str
    #: The endpoint that serves it, for :meth:`TabRegistry.snapshot`.
    endpoint: str
    #: When it was opened, as :func:`time.time` gives it.
    opened_at: float
    stream: TabStream = field(repr=False)
    #: Its name among all processes, where there are more.
    key: str = ""
    #: The number of its last announcement to the other processes, and whether that has come, in the order of all.
    announcement: int = 0
    is_announced: bool = False
    #: Streams of the same page that were announced later, in any process: URL → key. None for none.
    newer: dict[str, str] | None = None
    #: Whether the page has streams in other processes, which want to know when this one ends.
    has_others: bool = False


@dataclass(frozen=True, slots=True)
class TabInfo:
    """One open stream, as seen from outside."""

    scope: str
    tab: str | None
    page: str | None
    #: Flask's own, as ``url_for`` takes it.
    endpoint: str
    #: As :func:`time.time` gives it.
    opened_at: float


class Place(Protocol):
    """What tells the streams of one scope apart."""

    @property
    def tab(self) -> str | None:
        """The tab part of the tab id."""

    @property
    def page(self) -> str | None:
        """The page part of the tab id."""

    @property
    def url(self) -> str:
        """Path and query of the stream, without the signals."""


class TabRegistry:
    """The open streams by scope and tab. All methods may be called from any thread or greenlet."""

    def __init__(self) -> None:
        self._streams = PerProcess(_Streams)

    def expect(self, entry: TabEntry) -> int:
        """Note a stream that is about to be opened, for :meth:`close` alone; forgotten with it.

        :return: how many streams of its scope it would leave open.
        """
        streams = self._streams.by_process[getpid()]
        with streams.lock:
            streams.expected.add(entry)
            return _count_beside(streams.by_scope.get(entry.scope, {}), entry)

    def register(self, entry: TabEntry, *, limit_per_scope: int) -> bool:
        """Make a stream the live one of its tab and end the older ones.

        A page may have several streams: those of the same page under other URLs stay.

        :param entry: ended with the reason *replaced* as soon as a newer one takes its place; it is out of the
            registry by then.
        :param limit_per_scope: how many streams one scope may have.
        :return: False, with nothing changed, when the scope has that many that this one would not end.
        """
        streams = self._streams.by_process[getpid()]
        with streams.lock:
            streams.expected.discard(entry)
            tabs = streams.by_scope.get(entry.scope, {})
            if _count_beside(tabs, entry) >= limit_per_scope:
                return False
            older = tabs.get(entry.tab, [])
            kept = [other for other in older if other is not entry and may_live_beside(other, entry)]
            replaced = [other for other in older if other is not entry and other not in kept]
            streams.by_scope.setdefault(entry.scope, tabs)[entry.tab] = [*kept, entry]
        _end(replaced, Reason.REPLACED, entry.page)
        return True

    def count_of(self, scope: str, tab: str | None) -> int:
        """Count the streams of one tab of a scope; None for those without."""
        streams = self._streams.by_process[getpid()]
        with streams.lock:
            return len(streams.by_scope.get(scope, {}).get(tab, ()))

    def of_tab(self, scope: str, tab: str | None) -> list[TabEntry]:
        """List the open streams of one tab of a scope."""
        streams = self._streams.by_process[getpid()]
        with streams.lock:
            return list(streams.by_scope.get(scope, {}).get(tab, ()))

    def speaks(self, entry: TabEntry) -> bool:
        """Whether a stream is the one that gets what is sent to its page: the newest that is not about to end.

        One that is not registered yet takes what no other one gets.
        """
        if entry.tab is None or entry.page is None:
            return True
        streams = self._streams.get()
        with streams.lock:
            open_ones = streams.by_scope.get(entry.scope, {}).get(entry.tab, ())
            # Not the one that it replaces as soon as it is registered.
            page = [one for one in open_ones if one is entry or (one.page == entry.page and one.url != entry.url)]
        ending = {one.key for one in page if one.stream.must_end}
        able = [one for one in page if not one.stream.must_end and ending.issuperset((one.newer or {}).values())]
        announced = [one for one in able if one.is_announced]
        chosen = (announced or able)[-1:]
        return chosen == [entry] or (not chosen and entry not in page)

    def entries(self) -> list[TabEntry]:
        """List the open streams; those of one scope stand together."""
        streams = self._streams.by_process[getpid()]
        with streams.lock:
            return [entry for tabs in streams.by_scope.values() for tab in tabs.values() for entry in tab]

    def release(self, entry: TabEntry) -> None:
        """Take a stream out that has ended; one that is out already is no error."""
        streams = self._streams.by_process[getpid()]
        with streams.lock:
            streams.expected.discard(entry)
            entries = streams.by_scope.get(entry.scope, {}).get(entry.tab, [])
            if entry in entries:
                entries.remove(entry)
                if not entries:
                    streams.drop(entry.scope, entry.tab)

    def close(self, scope: str, tab: str | None = None, *, reason: Reason, before: float = inf) -> int:
        """End all streams of a scope, those without a tab too, or of one of its tabs, and those that are about to open.

        :param reason: what they are ended with.
        :param before: streams that were opened later stay; as :func:`time.time` gives it.
        :return: how many.
        """
        streams = self._streams.by_process[getpid()]
        with streams.lock:
            names = [tab] if tab is not None else list(streams.by_scope.get(scope, {}))
            ended = [entry for name in names for entry in streams.drop(scope, name, before)]
            expected = [one for one in streams.expected if one.scope == scope and tab in (None, one.tab)]
            ended += [entry for entry in expected if entry.opened_at <= before]
        _end(ended, reason, None)
        return len(ended)

    def count(self) -> int:
        """Count the tabs, as pairs of scope and tab, that have a stream."""
        streams = self._streams.by_process[getpid()]
        with streams.lock:
            return sum(len(tabs) - (None in tabs) for tabs in streams.by_scope.values())

    def scopes(self) -> set[str]:
        """Give the scopes that have a stream."""
        streams = self._streams.by_process[getpid()]
        with streams.lock:
            return set(streams.by_scope)

    def snapshot(self) -> list[TabInfo]:
        """List the open streams, as seen from outside."""
        return [TabInfo(one.scope, one.tab, one.page, one.endpoint, one.opened_at) for one in self.entries()]


class _Streams:
    """What one process has."""

    __slots__ = ("by_scope", "expected", "lock")

    def __init__(self) -> None:
        self.lock = make_lock()
        #: Scope → tab → its streams; neither a scope nor a tab without one stays.
        self.by_scope: dict[str, dict[str | None, list[TabEntry]]] = {}
        #: Those whose request is being answered; weakly, because not every answer is sent.
        self.expected: WeakSet[TabEntry] = WeakSet()

    def drop(self, scope: str, tab: str | None, before: float = inf) -> list[TabEntry]:
        """Forget the streams of a tab that were opened before a time, and return them. The lock is held."""
        tabs = self.by_scope.get(scope, {})
        entries = tabs.pop(tab, [])
        if kept := [entry for entry in entries if entry.opened_at > before]:
            tabs[tab] = kept
        if not tabs:
            self.by_scope.pop(scope, None)
        return [entry for entry in entries if entry.opened_at <= before]


def _count_beside(tabs: dict[str | None, list[TabEntry]], newcomer: TabEntry) -> int:
    kept = [one for one in tabs.get(newcomer.tab, ()) if one is not newcomer and may_live_beside(one, newcomer)]
    return len(kept) + sum(len(entries) for tab, entries in tabs.items() if tab != newcomer.tab)


def may_live_beside(older: TabEntry, newer: Place) -> bool:
    """Whether a newer stream of the same scope and tab leaves an older one open."""
    if newer.tab is None:
        return True
    return older.page is not None and older.page == newer.page and older.url != newer.url


def _end(entries: Iterable[TabEntry], reason: Reason, page: str | None) -> None:
    """Ask streams to end, without the lock: the answer may be a release."""
    for entry in entries:
        try:
            entry.stream.end_as(reason, page)
        except Exception:
            _logger.exception("The stream %r could not be asked to end (%s)", entry, reason)
