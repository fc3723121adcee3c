"""The record of one process: its entries, and which of its differences are known.

Differences may come in any order, twice or late. A process numbers its differences, so each is applied once, and the
record knows whether an earlier one is missing. Until it has come, the ends of entries are remembered: otherwise a late
difference would bring an entry back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from .entries import Held, Joined, Left, Whole

#: An entry that has changed: its number, and what was held before.
Change = tuple[int, Held | None]


class Record:
    """The entries of one process, and the differences that are known of it."""

    def __init__(self) -> None:
        #: The entries by number.
        self.held: dict[int, Held] = {}
        #: All differences up to this one are known.
        self.floor = 0
        #: The newest difference that the process is known to have made.
        self.newest = 0
        #: Whether the entries were dropped, because nothing came from the process for a while.
        self.is_lost = False
        #: How often in a row nothing had come from the process.
        self.silence = 0
        #: Differences that are known before an earlier one.
        self._ahead: set[int] = set()
        #: Entry → the difference that ended it, as long as an earlier difference is missing.
        self._ended: dict[int, int] = {}

    @property
    def has_gap(self) -> bool:
        """Whether differences of the process are missing."""
        return self.is_lost or self.newest > self.floor

    def join(self, joined: Joined) -> Iterator[Change]:
        """Apply a new entry, or an entry's new data."""
        number = joined.entry.number
        # Asked first, because the ends of entries are forgotten once no difference is missing.
        is_newer = self._version_of(number) < joined.seq
        if self._note(joined.seq) and is_newer:
            before = self.held.get(number)
            self.held[number] = Held(joined.seq, joined.entry)
            yield number, before

    def leave(self, left: Left, now: float) -> Iterator[Change]:
        """Apply the end of an entry, which still counts while it lingers."""
        number = left.number
        is_newer = self._version_of(number) < left.seq
        if not self._note(left.seq) or not is_newer:
            return
        held = self.held.get(number)
        if held is None or left.linger <= 0:
            self._end(number, left.seq)
        else:
            self.held[number] = replace(held, version=left.seq, gone_at=now + left.linger)
        if held is not None:
            yield number, held

    def replace(self, whole: Whole, now: float) -> Iterator[Change]:
        """Apply all entries of the process, unless as much is known already."""
        if whole.seq < self.floor or (whole.seq == self.floor and not self.is_lost):
            return
        given = {held.entry.number: held for held in whole.held}
        for number, known in list(self.held.items()):
            if known.version <= whole.seq and number not in given:
                self._end(number, known.version)
                yield number, known
        for number, new in given.items():
            # An entry that was known before, and is not held, has ended here already.
            if self._version_of(number) < new.version and not self._is_known(new.version):
                gone_at = None if new.gone_at is None else now + new.gone_at
                before = self.held.get(number)
                self.held[number] = Held(new.version, new.entry, gone_at)
                yield number, before
        self.is_lost = False
        self.newest = max(self.newest, whole.seq)
        self.floor = whole.seq
        self._raise_floor()

    def end(self, number: int) -> None:
        """Drop an entry that has lingered for long enough."""
        self._end(number, self.held[number].version)

    def lose(self) -> Iterator[Change]:
        """Drop the entries of open pages, because the process seems to be dead; those that linger are left alone."""
        self.is_lost = True
        for number, held in list(self.held.items()):
            if held.gone_at is None:
                del self.held[number]
                yield number, held

    def note_newest(self, seq: int) -> None:
        """Record how many differences the process has made."""
        self.newest = max(self.newest, seq)

    def _version_of(self, number: int) -> int:
        held = self.held.get(number)
        return max(held.version if held is not None else 0, self._ended.get(number, 0))

    def _is_known(self, seq: int) -> bool:
        return not self.is_lost and (seq <= self.floor or seq in self._ahead)

    def _note(self, seq: int) -> bool:
        """Record a difference; return False if it is known."""
        if seq <= self.floor or seq in self._ahead:
            return False
        self._ahead.add(seq)
        self.newest = max(self.newest, seq)
        self._raise_floor()
        return True

    def _raise_floor(self) -> None:
        while self.floor + 1 in self._ahead:
            self.floor += 1
            self._ahead.discard(self.floor)
        if self._ended or self._ahead:
            self._ahead = {seq for seq in self._ahead if seq > self.floor}
            self._ended = {number: seq for number, seq in self._ended.items() if seq > self.floor}

    def _end(self, number: int, seq: int) -> None:
        self.held.pop(number, None)
        if seq > self.floor:
            self._ended[number] = seq
