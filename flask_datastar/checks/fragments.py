"""HTML with gaps: the literal text of a template or of a Python string, with a mark for each part that is computed."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import accumulate

from .findings import Place, Source

#: Stands for a computed part.
GAP = "\ue000"
#: Stands between parts of which a page may have one or the other.
BRANCH = "\ue001"

#: The texts that a computed part may have, or None if they are not known.
Texts = tuple[str, ...] | None

_NAME = r"[^\s/>=\ue001][^\s/>=]*"
_ATTRIBUTE = re.compile(rf"({_NAME})(?:\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s>\"'][^\s>]*))?")
_IGNORE = frozenset({"data-ignore", "data-star-ignore"})
_IGNORE_SELF = frozenset({"data-ignore__self", "data-star-ignore__self"})
_WITHOUT_END = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
)
_MOST_TEXTS = 100


@dataclass
class Fragment:
    """Literal text in the order of its file, with a gap for each computed part."""

    source: Source
    text: str = ""
    #: For each character its offset in the file.
    offsets: list[int] = field(default_factory=list)
    #: Index of a gap → a function that returns its texts.
    gaps: dict[int, Callable[[], Texts]] = field(default_factory=dict)

    def add(self, text: str, offset: int) -> None:
        """Add literal text that stands in the file as it is."""
        self.text += text
        self.offsets.extend(range(offset, offset + len(text)))

    def add_gap(self, offset: int, texts: Callable[[], Texts]) -> None:
        """Add a computed part. After a ``<`` it is a part of a tag's name."""
        if self.text.endswith(("<", "</")):
            self.text += "x"
            self.offsets.append(offset)
        self.gaps[len(self.text)] = texts
        self.text += GAP
        self.offsets.append(offset)

    def add_branch(self, offset: int) -> None:
        """Mark that the text before and after does not follow each other in every page."""
        self.text += BRANCH
        self.offsets.append(offset)

    def place(self, index: int) -> Place:
        """Return the place of a character."""
        end = self.offsets[-1] if self.offsets else 0
        return Place(self.source, self.offsets[index] if index < len(self.offsets) else end)

    def texts(self, start: int, end: int) -> Texts:
        """Return all texts that a part of the fragment may have, or None if they are not known."""
        if BRANCH in self.text[start:end]:
            return None
        found = [""]
        for index in range(start, end):
            parts: Texts = (self.text[index],)
            if index in self.gaps:
                parts = self.gaps[index]()
            if parts is None or len(found) * len(parts) > _MOST_TEXTS:
                return None
            found = [before + part for before in found for part in parts]
        return tuple(found)

    def pattern(self, start: int, end: int) -> tuple[str, ...]:
        """Return the texts of a part, with gaps where they are not known."""
        known = self.texts(start, end)
        if known is not None:
            return known
        found = [""]
        for index in range(start, end):
            parts = self.gaps[index]() if index in self.gaps else (self.text[index].replace(BRANCH, GAP),)
            if parts is None or len(found) * len(parts) > _MOST_TEXTS:
                parts = (GAP,)
            found = [before + part for before in found for part in parts]
        return tuple(found)


@dataclass(frozen=True)
class Attribute:
    """One attribute of a tag, by its indexes in the fragment."""

    name: str
    start: int
    #: The value as it is written, or None without one.
    value: str | None
    value_start: int

    @property
    def value_end(self) -> int:
        """The position after the value."""
        return self.value_start + len(self.value or "")


@dataclass(frozen=True)
class Tag:
    """One start tag."""

    name: str
    start: int
    #: The index behind its ``>``.
    end: int
    attributes: tuple[Attribute, ...]
    #: Whether ``data-ignore`` keeps the client away from it.
    is_ignored: bool


class _Reader(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=False)
        self.tags: list[Tag] = []
        self.scripts: list[str] = []
        self._starts = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]
        self._is_script = False
        #: The open element with ``data-ignore``, and how many of this name are open.
        self._ignored, self._depth = "", 0
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        line, column = self.getpos()
        start = self._starts[line - 1] + column
        raw = self.get_starttag_text() or ""
        self._is_script = tag == "script"
        attributes = tuple(_attributes(raw, start))
        names = {one.name.lower() for one in attributes}
        if self._depth:
            self._depth += tag == self._ignored
        elif names & _IGNORE and tag not in _WITHOUT_END:
            self._ignored, self._depth = tag, 1
        is_ignored = self._depth > 0 or bool(names & (_IGNORE | _IGNORE_SELF))
        self.tags.append(Tag(tag, start, start + len(raw), attributes, is_ignored))

    def handle_endtag(self, tag: str) -> None:
        self._is_script = False
        self._depth -= self._depth > 0 and tag == self._ignored

    def handle_data(self, data: str) -> None:
        if self._is_script:
            self.scripts.append(data)


def _attributes(raw: str, start: int) -> list[Attribute]:
    name = re.match(r"<[^\s/>]*", raw)
    found = []
    for match in _ATTRIBUTE.finditer(raw.rstrip(">"), name.end() if name else 0):
        value, at = match[2], match.start(2)
        if value is not None and value[0] in "\"'":
            value, at = value[1:-1], at + 1
        found.append(Attribute(match[1], start + match.start(1), value, start + at))
    return found


def read_tags(fragment: Fragment) -> list[Tag]:
    """Return the start tags of a fragment, in order."""
    return _Reader(fragment.text).tags


def read_scripts(fragment: Fragment) -> str:
    """Return the text of the scripts in a fragment."""
    return "\n".join(_Reader(fragment.text).scripts)
