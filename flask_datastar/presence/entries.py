"""The entries of presence, and the differences by which processes know those of each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

#: A person at a topic: the scope and "", or "" and the tab where nobody owns the tab.
Person = tuple[str, str]
#: A page: its scope, its tab, and the page part of its tab id.
PageKey = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """One tab at one topic. The process of its stream is the only one that changes it."""

    #: The name of the entry in its process.
    number: int
    topic: str
    #: The person; "" for a tab that belongs to nobody.
    scope: str
    #: The tab part of the tab id; a name of its own for a stream without a tab id.
    tab: str
    #: The page that keeps the entry over all of its streams; "" if one stream keeps it.
    page: str
    #: When the person came, as Unix time.
    since: float
    #: Orders the data of one person's entries: the newest counts.
    stamp: float
    #: JSON text of an object.
    data: str

    @property
    def person(self) -> Person:
        """The person whose entry it is."""
        return (self.scope, "") if self.scope else ("", self.tab)

    @property
    def page_key(self) -> PageKey | None:
        """The page that keeps the entry; None if one stream keeps it."""
        return (self.scope, self.tab, self.page) if self.page else None


class Seen(NamedTuple):
    """One person at a topic, as all entries together show them."""

    scope: str
    tabs: int
    since: float
    data: str


@dataclass(frozen=True, slots=True)
class Joined:
    """The difference that an entry is new, or has other data."""

    process: str
    #: The number of the difference: a process counts all of its differences from 1.
    seq: int
    entry: Entry


@dataclass(frozen=True, slots=True)
class Left:
    """The difference that an entry ends."""

    process: str
    seq: int
    number: int
    #: The seconds for which the entry still counts.
    linger: float


@dataclass(frozen=True, slots=True)
class Held:
    """An entry, as a process holds it."""

    #: The number of the difference that it comes from.
    version: int
    entry: Entry
    #: When it no longer counts; None while its page is open.
    gone_at: float | None = None


@dataclass(frozen=True, slots=True)
class Whole:
    """All entries of a process after one of its differences; ``gone_at`` counts from now."""

    process: str
    seq: int
    held: tuple[Held, ...]


Difference = Joined | Left | Whole
