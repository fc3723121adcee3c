"""Expressions of the client: their actions, the signals that they read and set, the keys of their objects."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .fragments import GAP

_STRING = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|`(?:\\.|[^`\\])*`|/\*.*?\*/|//[^\n]*", re.DOTALL)
_ACTION = re.compile(r"@([A-Za-z_$][\w$]*)\(")
_SIGNAL = re.compile(r"(?<![\w$])\$([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)")
_ASSIGNED = re.compile(r"\s*(?:=(?![=>])|(?:[-+*/%&|^?]|\*\*|<<|>>|&&|\|\||\?\?)=|\+\+|--)")
_KEY = re.compile(r"\s*(?:'([^']*)'|\"([^\"]*)\"|([A-Za-z_$][\w$-]*))\s*:")
#: Parts that only an expression of the client has.
EVIDENCE = re.compile(r"(?<![\w$])\$[A-Za-z_]\w*|(?<![\w.])@[A-Za-z]\w*\(")


def without_strings(js: str) -> str:
    """Return an expression with blanks in place of its strings and comments, so that all positions stay.

    The placeholders in template strings stay as they are.
    """

    def blank(match: re.Match[str]) -> str:
        text = match[0]
        if text[0] != "`":
            return " " * len(text)
        return re.sub(r"\$\{[^}]*\}|[^\n]", lambda part: part[0] if part[0].startswith("${") else " ", text)

    return _STRING.sub(blank, js)


def actions(js: str) -> Iterator[tuple[str, int, str | None]]:
    """Yield each action of an expression: its name, the index of its ``@``, and its URL if that is one string."""
    bare = without_strings(js)
    for match in _ACTION.finditer(bare):
        url = re.compile(r"\s*(?:'([^'\\]*)'|\"([^\"\\]*)\"|`([^`\\$]*)`)\s*[,)]").match(js, match.end())
        yield match[1], match.start(), next((part for part in url.groups() if part is not None), None) if url else None


def signals(js: str) -> Iterator[tuple[str, int, bool]]:
    """Yield each signal of an expression: its path, the index of its ``$``, and whether it is set there."""
    bare = without_strings(js)
    for match in _SIGNAL.finditer(bare):
        if bare[match.end() : match.end() + 1] in (GAP, "-"):
            # A name with a computed end, or text that is not an expression.
            yield match[1], match.start(), True
            continue
        before = bare[: match.start()].rstrip()
        is_set = _ASSIGNED.match(bare, match.end()) is not None or before.endswith(("++", "--"))
        yield match[1], match.start(), is_set


def object_keys(js: str) -> list[tuple[str, int]] | None:
    """Return the keys of an object literal with their indexes, those of nested objects dotted.

    :return: a list; None if the text is not an object literal whose keys are all known.
    """
    found: list[tuple[str, int]] = []
    start = len(js) - len(js.lstrip())
    end = _read_object(js, start, "", found)
    return found if end is not None and not js[end:].strip(" \n\t;") else None


def _read_object(js: str, index: int, prefix: str, found: list[tuple[str, int]]) -> int | None:
    if js[index : index + 1] != "{":
        return None
    index += 1
    while True:
        end = re.compile(r"[\s,]*\}").match(js, index)
        if end:
            return end.end()
        match = _KEY.match(js, re.compile(r"[\s,]*").match(js, index).end())  # type: ignore[union-attr]
        if match is None:
            return None
        name = next(part for part in match.groups() if part is not None)
        if GAP in name:
            return None
        before = len(found)
        value = re.compile(r"\s*").match(js, match.end()).end()  # type: ignore[union-attr]
        if js[value : value + 1] == "{":
            inner = _read_object(js, value, f"{prefix}{name}.", found)
            if inner is None:
                return None
            index = inner
        else:
            index = _skip_value(js, value)
        if len(found) == before:
            found.append((prefix + name, match.start(match.lastindex or 0)))


def _skip_value(js: str, index: int) -> int:
    depth = 0
    while index < len(js):
        if js[index] in "'\"`" and (string := _STRING.match(js, index)):
            index = string.end()
            continue
        if js[index] in "([{":
            depth += 1
        elif js[index] in ")]}":
            if depth == 0:
                return index
            depth -= 1
        elif js[index] == "," and depth == 0:
            return index
        index += 1
    return index
