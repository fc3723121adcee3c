"""Findings, and the places in files that they are about."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from itertools import accumulate


@dataclass(frozen=True, eq=False)
class Source:
    """The text of one file, or of a template without a file."""

    #: The path as the user would write it.
    name: str
    text: str

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *accumulate(len(line) for line in self.text.split("\n") for line in (f"{line}\n",))]

    def position(self, offset: int) -> tuple[int, int]:
        """Return the line and the column of an offset, both counted from 1."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def offset(self, line: int, column: int) -> int:
        """Return the offset of a line, counted from 1, and a column, counted from 0."""
        return self._starts[line - 1] + column


@dataclass(frozen=True)
class Place:
    """A place in a file."""

    source: Source
    offset: int


@dataclass(frozen=True, order=True)
class Finding:
    """A mistake: where it is, what is wrong, and what to do."""

    path: str
    line: int
    column: int
    text: str = field(compare=True)

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}: {self.text}"


def finding(place: Place, text: str) -> Finding:
    """Return a finding at a place."""
    return Finding(place.source.name, *place.source.position(place.offset), text)


def nearest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return the known name that is most like a name, or None."""
    found = get_close_matches(name, sorted(set(known)), 1, cutoff)
    return found[0] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the end of a message that names the nearest known name; empty without one."""
    near = nearest(name, known)
    return f"; did you mean {near!r}?" if near is not None else ""


def is_plural(name: str, other: str) -> bool:
    """Return whether one name is the plural of the other, so that both are likely to be meant."""
    return f"{name}s" == other or f"{other}s" == name


def is_typo(name: str, meant: str) -> bool:
    """Return whether a name is another one with one letter too few, one twice, or two swapped.

    A letter that is replaced by another makes too many real words of each other, such as test and text.
    """
    if len(name) + 1 == len(meant):
        return any(meant[:index] + meant[index + 1 :] == name for index in range(len(meant)))
    if len(name) == len(meant) + 1:
        return any(
            name[:index] + name[index + 1 :] == meant for index in range(1, len(name)) if name[index] == name[index - 1]
        )
    if len(name) == len(meant):
        wrong = [index for index in range(len(name)) if name[index] != meant[index]]
        return (
            len(wrong) == 2
            and wrong[1] == wrong[0] + 1
            and name[wrong[0]] == meant[wrong[1]]
            and name[wrong[1]] == meant[wrong[0]]
        )
    return False
