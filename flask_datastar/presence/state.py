"""The state of presence, as one process knows it: a value that only differences change, without a clock of its own.

Each process changes its own entries, and all others apply its differences. The order in which those of several
processes come does not matter. A process is taken for dead when nothing has come from it at several ticks in a row.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from dataclasses import replace

from .entries import Difference, Entry, Joined, Left, PageKey, Seen, Whole
from .people import People
from .record import Change, Record

#: The ticks in a row without any word from a process after which it counts as dead.
SILENT_TICKS = 4
#: The ticks after which nothing is remembered of a process that counts as dead.
FORGOTTEN_TICKS = 20


class PresenceState:
    """The people at all topics, as one process knows them. It has no lock.

    Times ``now`` are those of any clock that never goes back, in seconds.

    :param process: the name of this process, which no other process ever has.
    """

    def __init__(self, process: str) -> None:
        self.process = process
        self._own = Record()
        self._records: dict[str, Record] = {process: self._own}
        self._people = People()
        self._numbers = 0
        #: Own entries by tab.
        self._by_tab: dict[str, set[int]] = {}
        #: When lingering entries end: time, process, number.
        self._due: list[tuple[float, str, int]] = []
        #: The pages whose entries have started to linger in other processes since they were last taken.
        self._orphans: set[PageKey] = set()

    # Reading

    def seen(self, topic: str) -> tuple[Seen, ...]:
        """List the people at a topic in the order of their arrival; the same object until the list changes."""
        return self._people.seen(topic)

    def take_changed(self) -> set[str]:
        """Return the topics whose lists have changed since the last call."""
        changed, self._people.changed = self._people.changed, set()
        return changed

    def take_orphans(self) -> set[PageKey]:
        """Return the pages whose entries linger in other processes, each time that one starts to."""
        orphans, self._orphans = self._orphans, set()
        return orphans

    def kept_for(self, page: PageKey) -> dict[str, Entry]:
        """Return the newest entry at each topic that a page keeps, in whatever process."""
        found: dict[str, Entry] = {}
        for entry in self._people.kept_for(page):
            if entry.topic not in found or found[entry.topic].stamp < entry.stamp:
                found[entry.topic] = entry
        return found

    def dismiss(self, is_meant: Callable[[Entry], bool], tab: str | None) -> None:
        """Make pages keep some entries no longer, in whatever process: those of a tab, or of all tabs."""
        self._people.dismiss(is_meant, tab)

    def own_entries(self, tab: str | None = None) -> list[Entry]:
        """List the entries of this process, or those of one tab, also those that linger."""
        numbers = self._own.held if tab is None else self._by_tab.get(tab, ())
        return [self._own.held[number].entry for number in sorted(numbers)]

    def is_open(self, number: int) -> bool:
        """Return whether an own entry exists, and does not linger."""
        held = self._own.held.get(number)
        return held is not None and held.gone_at is None

    @property
    def seq(self) -> int:
        """The number of differences that this process has made."""
        return self._own.floor

    def peers(self) -> int:
        """Count the processes that have entries."""
        return sum(bool(record.held) for record in self._records.values())

    def next_due(self) -> float | None:
        """Return when the next lingering entry ends; None if no entry lingers."""
        return self._due[0][0] if self._due else None

    def count(self) -> dict[str, int]:
        """Return the numbers of topics, of people at them, of entries, and of processes that have entries."""
        topics, people = self._people.count()
        entries = sum(len(record.held) for record in self._records.values())
        return {"topics": topics, "people": people, "entries": entries, "processes": self.peers()}

    # Own differences

    def join(self, topic: str, scope: str, tab: str, data: str, *, page: str = "", at: float, now: float) -> Joined:
        """Add an entry of this process.

        A person who is at the topic already keeps the time of arrival.

        :param tab: "" for a stream without a tab id, which gets a name of its own.
        :param page: the page part of the tab id, if the page keeps the entry over all of its streams.
        :param at: the Unix time.
        """
        self._numbers += 1
        tab = tab or f"\0{self.process}:{self._numbers}"
        entry = Entry(self._numbers, topic, scope, tab, page, at, at, data)
        others = self._people.entries_of(topic, entry.person).values()
        since = min((other.since for other in others), default=at)
        return self._announce(replace(entry, since=min(since, at)), now)

    def adopt(self, entry: Entry, now: float) -> Joined:
        """Add an entry of another process, which a page keeps, to this one."""
        self._numbers += 1
        # It is hardly newer, so that it takes the place of the other one, and not that of what another tab joins later.
        moved = replace(entry, number=self._numbers, stamp=entry.stamp + 1e-6)
        joined = Joined(self.process, self._own.floor + 1, moved)
        self.merge(joined, now)
        return joined

    def change(self, number: int, data: str, *, at: float, now: float) -> Joined | None:
        """Change the data of an own entry; None if its data is the person's newest already.

        The entry's page must be open.
        """
        entry = self._own.held[number].entry
        others = self._people.entries_of(entry.topic, entry.person).values()
        if entry.data == data and all(other.stamp <= entry.stamp for other in others):
            return None
        return self._announce(replace(entry, data=data, stamp=at), now)

    def leave(self, number: int, linger: float, now: float) -> Left | None:
        """End an own entry after so many seconds; None if it has ended."""
        if number not in self._own.held:
            return None
        left = Left(self.process, self._own.floor + 1, number, linger)
        self.merge(left, now)
        return left

    def whole(self, now: float) -> Whole:
        """Return all entries of this process."""
        held = (
            held if held.gone_at is None else replace(held, gone_at=max(0.0, held.gone_at - now))
            for held in self._own.held.values()
        )
        return Whole(self.process, self._own.floor, tuple(held))

    def _announce(self, entry: Entry, now: float) -> Joined:
        others = self._people.entries_of(entry.topic, entry.person).values()
        # After all data that is known of the person, even if the clock of another host is ahead.
        newest = max((other.stamp for other in others), default=0.0)
        joined = Joined(self.process, self._own.floor + 1, replace(entry, stamp=max(entry.stamp, newest + 0.001)))
        self.merge(joined, now)
        return joined

    # Differences of all processes

    def merge(self, difference: Difference, now: float) -> None:
        """Apply a difference, in whatever order, and however often it comes."""
        record = self._record(difference.process)
        if isinstance(difference, Joined):
            changes = record.join(difference)
        elif isinstance(difference, Left):
            changes = record.leave(difference, now)
        else:
            changes = record.replace(difference, now)
        self._follow(difference.process, record, changes)

    def hear(self, process: str, newest: int) -> None:
        """Record that another process is alive, and how many differences it has made."""
        if newest or process in self._records:
            self._record(process).note_newest(newest)

    def behind(self) -> list[str]:
        """List the processes of which differences are missing, without those that seem to be dead."""
        records = self._records.items()
        return [process for process, record in records if record.has_gap and record.silence < SILENT_TICKS]

    def tick(self) -> None:
        """Count a period; drop the entries of processes from which nothing has come for several of them."""
        for process, record in list(self._records.items()):
            if record is self._own:
                continue
            record.silence += 1
            if record.silence == SILENT_TICKS:
                self._follow(process, record, record.lose())
            elif record.silence >= FORGOTTEN_TICKS and not record.held:
                del self._records[process]

    def advance(self, now: float) -> None:
        """Drop the entries that have lingered for long enough."""
        while self._due and self._due[0][0] <= now:
            gone_at, process, number = heapq.heappop(self._due)
            record = self._records.get(process)
            held = record.held.get(number) if record is not None else None
            if record is not None and held is not None and held.gone_at == gone_at:
                record.end(number)
                self._follow(process, record, [(number, held)])

    def _record(self, process: str) -> Record:
        record = self._records.setdefault(process, Record())
        record.silence = 0
        return record

    def _follow(self, process: str, record: Record, changes: Iterable[Change]) -> None:
        """Bring the index up to date while entries of a process change."""
        for number, old in changes:
            key, new = (process, number), record.held.get(number)
            if old is not None and (new is None or not _has_same_place(old.entry, new.entry)):
                self._people.drop(key, old.entry)
                self._index(process, old.entry, is_held=False)
            if new is None:
                continue
            if old is None or old.entry != new.entry:
                self._people.put(key, new.entry)
                self._index(process, new.entry, is_held=True)
            if new.gone_at is not None:
                heapq.heappush(self._due, (new.gone_at, process, number))
                if process != self.process and (page := new.entry.page_key) is not None:
                    self._orphans.add(page)

    def _index(self, process: str, entry: Entry, *, is_held: bool) -> None:
        if process != self.process:
            return
        if is_held:
            self._by_tab.setdefault(entry.tab, set()).add(entry.number)
        elif numbers := self._by_tab.get(entry.tab):
            numbers.discard(entry.number)
            if not numbers:
                del self._by_tab[entry.tab]


def _has_same_place(one: Entry, other: Entry) -> bool:
    return (one.topic, one.person, one.page_key) == (other.topic, other.person, other.page_key)
