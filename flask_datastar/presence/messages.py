"""The messages of processes about presence. Each is checked, because others may be able to write to the broker."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isfinite
from typing import Any

from .entries import Entry, Held, Joined, Left, Whole

#: The largest data of one entry, in bytes of JSON.
MOST_DATA_BYTES = 1024
#: The longest time that an entry may linger.
LONGEST_LINGER_SECONDS = 86_400.0
#: The entries of one message.
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Beat:
    """The sign that a process is alive, with the number of its newest difference."""

    process: str
    seq: int
    #: The processes that have entries, as far as the sender knows.
    peers: int


@dataclass(frozen=True, slots=True)
class Hello:
    """The request of a process for a beat of every process: it is new, or may have missed messages."""

    process: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """The request for all entries of one process."""

    process: str
    of: str


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the entries of a process."""

    process: str
    seq: int
    number: int
    #: How many parts there are.
    count: int
    held: tuple[Held, ...]


@dataclass(frozen=True, slots=True)
class PageJoins:
    """The request of a handler, for the process that has a stream of its page."""

    process: str
    #: The scope that the stream must have; None for any.
    scope: str | None
    tab: str
    page: str
    topic: str
    data: str


@dataclass(frozen=True, slots=True)
class PageIsBack:
    """The question what a page keeps that has come to a process which does not know all that others know."""

    process: str
    scope: str
    tab: str
    page: str


@dataclass(frozen=True, slots=True)
class PageKeeps:
    """The answer: one entry that the page keeps, and that is perhaps a dead process's."""

    process: str
    entry: Entry


@dataclass(frozen=True, slots=True)
class TabLeaves:
    """The request to end the entries of a tab at one topic, at once."""

    process: str
    scope: str | None
    tab: str
    topic: str


@dataclass(frozen=True, slots=True)
class SignedOut:
    """The request to end all entries of a scope, or of one of its tabs, at once."""

    process: str
    scope: str
    tab: str | None
    #: Its number among the requests of streams: entries of later streams stay. None without one.
    sequence: int | None = None


Message = Joined | Left | Part | Beat | Hello | Wanted | PageJoins | PageIsBack | PageKeeps | TabLeaves | SignedOut


def encode(message: Message) -> bytes:
    """Encode a message."""
    match message:
        case Joined(process, seq, entry):
            fields: tuple[Any, ...] = ("+", process, seq, *_entry_fields(entry))
        case Left(process, seq, number, linger):
            fields = ("-", process, seq, number, linger)
        case Part(process, seq, number, count, held):
            rows = [(one.version, one.gone_at, *_entry_fields(one.entry)) for one in held]
            fields = ("=", process, seq, number, count, rows)
        case Beat(process, seq, peers):
            fields = ("~", process, seq, peers)
        case Hello(process):
            fields = ("?", process)
        case Wanted(process, of):
            fields = ("!", process, of)
        case PageJoins(process, scope, tab, page, topic, data):
            fields = ("join", process, scope, tab, page, topic, data)
        case PageIsBack(process, scope, tab, page):
            fields = ("back", process, scope, tab, page)
        case PageKeeps(process, entry):
            fields = ("keeps", process, *_entry_fields(entry))
        case TabLeaves(process, scope, tab, topic):
            fields = ("leave", process, scope, tab, topic)
        case SignedOut(process, scope, tab, sequence):
            fields = ("out", process, scope, tab, sequence)
    return json.dumps(fields, separators=(",", ":")).encode()


def parts_of(whole: Whole) -> Iterator[Part]:
    """Split all entries of a process into messages of a limited size."""
    batches = [whole.held[start : start + _BATCH] for start in range(0, len(whole.held), _BATCH)] or [()]
    for number, batch in enumerate(batches):
        yield Part(whole.process, whole.seq, number, len(batches), batch)


def decode(data: bytes) -> Message:
    """Decode a message.

    :raises ValueError: if the data is not one of these messages.
    """
    try:
        fields = json.loads(data)
        kind, *rest = fields
        read = _READERS[kind]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValueError("its data is of no known form") from error
    take = _Fields(rest)
    message = read(take)
    take.end()
    return message


class _Fields:
    """The fields of a message, each checked as it is taken."""

    def __init__(self, fields: list[Any]) -> None:
        self._fields = iter(fields)

    def text(self) -> str:
        value = next(self._fields, None)
        if not isinstance(value, str):
            raise ValueError("a field is missing or is not text")
        return value

    def optional_text(self) -> str | None:
        value = next(self._fields, ...)
        if not isinstance(value, str | None):
            raise ValueError("a field is missing or is neither text nor null")
        return value

    def count(self) -> int:
        value = next(self._fields, None)
        if type(value) is not int or value < 0:
            raise ValueError("a field is missing or is not a count")
        return value

    def optional_count(self) -> int | None:
        return None if (value := next(self._fields, None)) is None else _Fields([value]).count()

    def seconds(self) -> float:
        value: Any = next(self._fields, None)
        if type(value) not in (int, float) or not 0 <= value <= 1e12 or not isfinite(value):
            raise ValueError("a field is missing or is not a time")
        return float(value)

    def optional_seconds(self) -> float | None:
        value = next(self._fields, ...)
        return None if value is None else _Fields([value]).seconds()

    def data(self) -> str:
        text = self.text()
        try:
            is_known = len(text.encode()) <= MOST_DATA_BYTES and isinstance(json.loads(text), dict)
        except (ValueError, RecursionError):
            is_known = False
        if not is_known:
            raise ValueError("its data is not a small object")
        return text

    def entry(self) -> Entry:
        number, topic, scope, tab, page = self.count(), self.text(), self.text(), self.text(), self.text()
        return Entry(number, topic, scope, tab, page, self.seconds(), self.seconds(), self.data())

    def rows(self) -> tuple[Held, ...]:
        value = next(self._fields, None)
        if not isinstance(value, list) or len(value) > _BATCH or not all(isinstance(row, list) for row in value):
            raise ValueError("a field is missing or is not a list of entries")
        return tuple(_held(_Fields(row)) for row in value)

    def end(self) -> None:
        if next(self._fields, None) is not None:
            raise ValueError("it has too many fields")


def _entry_fields(entry: Entry) -> tuple[Any, ...]:
    place = entry.number, entry.topic, entry.scope, entry.tab, entry.page
    return *place, entry.since, entry.stamp, entry.data


def _held(take: _Fields) -> Held:
    version, gone_at = take.count(), take.optional_seconds()
    held = Held(version, take.entry(), None if gone_at is None else min(gone_at, LONGEST_LINGER_SECONDS))
    take.end()
    return held


def _left(take: _Fields) -> Left:
    return Left(take.text(), take.count(), take.count(), min(take.seconds(), LONGEST_LINGER_SECONDS))


def _part(take: _Fields) -> Part:
    part = Part(take.text(), take.count(), take.count(), take.count(), take.rows())
    if part.number >= part.count:
        raise ValueError("it is a part beyond the last one")
    return part


def _page_joins(take: _Fields) -> PageJoins:
    place = take.text(), take.optional_text(), take.text(), take.text(), take.text()
    return PageJoins(*place, take.data())


_READERS: dict[str, Callable[[_Fields], Message]] = {
    "+": lambda take: Joined(take.text(), take.count(), take.entry()),
    "-": _left,
    "=": _part,
    "~": lambda take: Beat(take.text(), take.count(), take.count()),
    "?": lambda take: Hello(take.text()),
    "!": lambda take: Wanted(take.text(), take.text()),
    "join": _page_joins,
    "back": lambda take: PageIsBack(take.text(), take.text(), take.text(), take.text()),
    "keeps": lambda take: PageKeeps(take.text(), take.entry()),
    "leave": lambda take: TabLeaves(take.text(), take.optional_text(), take.text(), take.text()),
    "out": lambda take: SignedOut(take.text(), take.text(), take.optional_text(), take.optional_count()),
}
