"""String literals of Python as text whose characters know their places, f-strings with gaps for their expressions."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from .findings import Source
from .fragments import Fragment, Texts

_START = re.compile(r"([A-Za-z]{0,2})('''|\"\"\"|'|\")")
_BETWEEN = re.compile(r"(?:\s|\\\n|#[^\n]*)*")
_ESCAPE = re.compile(r"\\(?:N\{[^}]*\}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{1,3}|.)", re.DOTALL)
_INNER_STRING = re.compile(r"'''.*?'''|\"\"\".*?\"\"\"|'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"", re.DOTALL)


@dataclass(frozen=True, eq=False)
class Embedded(Source):
    """The text of a string literal, whose positions are those in the Python file."""

    outer: Source
    offsets: Sequence[int] = field(default=())

    def position(self, offset: int) -> tuple[int, int]:
        """Return the line and the column in the Python file."""
        if not self.offsets:
            return self.outer.position(0)
        return self.outer.position(self.offsets[min(offset, len(self.offsets) - 1)])


def read_literal(source: Source, start: int, end: int, gaps: Sequence[Callable[[], Texts]] = ()) -> Fragment:
    """Read a string literal, which may consist of several that follow each other.

    :param gaps: functions that return the texts of an f-string's expressions, in order.
    """
    fragment = Fragment(source)
    text, index, values = source.text, start, iter(gaps)
    while index < end:
        index = _BETWEEN.match(text, index).end()  # type: ignore[union-attr]
        opening = _START.match(text, index)
        if opening is None or index >= end:
            break
        index = _read_one(fragment, opening, values)
    return fragment


def _read_one(fragment: Fragment, opening: re.Match[str], gaps: Iterator[Callable[[], Texts]]) -> int:
    text, quote, prefix, index = fragment.source.text, opening[2], opening[1].lower(), opening.end()
    is_raw, has_gaps = "r" in prefix, "f" in prefix or "t" in prefix
    while index < len(text) and not text.startswith(quote, index):
        character = text[index]
        if character == "\\" and not is_raw:
            escape = _ESCAPE.match(text, index)
            length = len(escape[0]) if escape else 1
            fragment.text += (decoded := _decode(escape[0] if escape else character))
            fragment.offsets += [index] * len(decoded)
            index += length
        elif has_gaps and character in "{}":
            if text[index + 1 : index + 2] == character:
                fragment.add(character, index)
                index += 2
            else:
                end = _end_of_expression(text, index + 1)
                fragment.add_gap(index, next(gaps, _unknown))
                index = end
        else:
            fragment.add(character, index)
            index += 1
    return index + len(quote)


def _end_of_expression(text: str, index: int) -> int:
    depth = 1
    while index < len(text):
        if inner := _INNER_STRING.match(text, index):
            index = inner.end()
            continue
        depth += (text[index] in "{[(") - (text[index] in "}])")
        index += 1
        if depth == 0:
            break
    return index


def _decode(escape: str) -> str:
    if escape == "\\\n":
        return ""
    with warnings.catch_warnings():
        # Of escapes that Python does not know, which stay as they are.
        warnings.simplefilter("ignore")
        try:
            return str(ast.literal_eval(f"'{escape}'"))
        except SyntaxError:
            return escape


def _unknown() -> Texts:
    return None
