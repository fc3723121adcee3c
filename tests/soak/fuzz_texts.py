"""Hostile texts and values, and the ways in which whole ones are damaged."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

#: Marks what an input must not put anywhere but into the data of an event.
MARK = "evil"

LINES = [
    *[f"\r\n\r\nevent: datastar-{MARK}\r\ndata: {MARK} 1\r\n\r\n", f"\nid: {MARK}\n\n", f"\rid: {MARK}\r\r"],
    *[
        f"\n\nevent: datastar-{MARK}\n\n",
        f"\r\n{MARK}: 1\r\n\r\n",
        "\nretry: 0\n",
        f"\n:{MARK}\n",
        "\r",
        "\n",
        "\r\n\r\n",
    ],
    *[
        f"\ndata: {MARK} x\n\n",
        f"\nselector {MARK}",
        f"\ndata: selector {MARK}\ndata: mode remove",
        "\ndata: signals {}",
    ],
]
TEXTS = [
    *["", " ", "\0", "\x0b\x0c\x1c\x1d\x1e\x85", "\u2028\u2029", "\ufeff", "\ud800", "\udfff\ud800", "\x7f"],
    *["🙂", "é\u0301", "漢"],
    *["</script><script>evil()</script>", "<!--<script>", "]]>", "</body></html>", "<svg></svg>"],
    *["<img src=x onerror=evil()>"],
    *['" onclick="evil()', "' onclick='evil()", "`${evil()}`", "\\", "\\\\;", "@get('/evil')", "$evil"],
    *["{{ evil }}", "{% evil %}"],
    *["//evil.example", "/\\evil.example", "https://evil.example", "javascript:evil()"],
    *["data:text/html,evil", "mailto:evil@x"],
    *["http://[", "http://[::1", "http://a:b:c/", "http://localhost:99999/", "//", "/\t/evil.example"],
    *["?next=//evil", "#", "../.."],
    *["__proto__", "constructor", "prototype", "toString", "a.b.c", "a..b", ".", "_csrf", "csrf", "tabId"],
    *["errors", "datastar"],
    *["null", "true", "NaN", "Infinity", "-0", "1e999", "1_0", "٣", "0x1f", "1e400", "9" * 400, "9" * 5000],
    *["1." + "0" * 5000],
    *["ds:done", "ds:restart:1:x", "ds:restart:999:", "ds:replaced:p", "ds:replaced:" + "p" * 200, "ds:"],
    *["ds:nonsense", "DS:done"],
    *["2026-02-30", "9999-12-31T23:59:59+99:99", "24:00", "00:00:60", "1e18", "-1e18", "0001-01-01", "P1D"],
    *["2026-W60-1"],
    *["%", "%zz", "%00", "%ff", "%0d%0aevil: 1", "+", "&", "=", ";", "a=b&a=c", "x" * 300, "x" * 70_000],
    *["true;q=0", "*"],
]  # fmt: skip
NAMES = [
    *["", " ", ".", "a.b", "a..b", "..", "0", "-1", "00", "1e0", "__proto__", "constructor", "prototype"],
    *["hasOwnProperty"],
    *["a-csrf_token", '"],body,x-csrf_token', "\nid: evil-csrf_token", "evil csrf_token"],
    *["tabId", "csrf", "_csrf", "csrf_token", "errors", "signals", "datastar", "self", "request", "é"],
    *["\u2028", "\0", "\ud800"],
    *["a\nb", f"x\r\nid: {MARK}", "x" * 300, "<b>", "a b", "key ", "toString", "valueOf"],
    *["__defineGetter__", "length"],
]  # fmt: skip
VALUES: list[Any] = [
    *[None, True, False, 0, 1, -1, 2**31, 2**53 + 1, -(2**63), 2**64, 10**400, 1.5, -0.0, 5e-324, 1e308],
    *[
        float("nan"),
        float("inf"),
        [],
        {},
        [[]],
        [{}],
        [None],
        ["", "2", ""],
        {"0": 1},
        {"0": {}, "2": {}},
        {"": {"": ""}},
    ],
    *[{"__proto__": 1}, {"a": {"constructor": {}}}, {"1": 1, "x": 2}, [1, [2, [3, [4]]]], list(range(2000))],
]


def hostile_text(chance: random.Random) -> str:
    """Return one hostile text, or several joined."""
    pool = LINES if chance.random() < 0.4 else TEXTS
    text = chance.choice(pool)
    while chance.random() < 0.3:
        text += chance.choice(chance.choice([LINES, TEXTS, NAMES]))
    return text


def hostile_value(chance: random.Random) -> Any:
    """Return a value for the place of another."""
    if chance.random() < 0.5:
        return hostile_text(chance)
    value = chance.choice(VALUES)
    if chance.random() < 0.02:
        for _ in range(chance.choice([3, 63, 64, 65, 200, 900])):
            value = {chance.choice(NAMES[:6]): value} if chance.random() < 0.5 else [value]
    return value


def damaged_value(chance: random.Random, value: Any, depth: int = 0) -> Any:
    """Return a value of JSON with one place damaged."""
    if isinstance(value, dict) and value and chance.random() < (0.95 if depth == 0 else 0.6):
        return _damaged_dict(chance, value, depth)
    if isinstance(value, list) and value and chance.random() < 0.6:
        place = chance.randrange(len(value))
        changed = list(value)
        if chance.random() < 0.2:
            # As the client sends a list whose items were bound one by one.
            return {str(index + chance.choice([0, 0, 0, 1])): item for index, item in enumerate(changed)}
        changed[place] = damaged_value(chance, changed[place], depth + 1)
        return changed
    return hostile_value(chance)


def _damaged_dict(chance: random.Random, value: dict[str, Any], depth: int) -> dict[str, Any]:
    key = chance.choice(list(value))
    changed = dict(value)
    way = chance.random()
    if way < 0.6:
        changed[key] = damaged_value(chance, changed[key], depth + 1)
    elif way < 0.7:
        del changed[key]
    elif way < 0.8:
        changed[chance.choice(NAMES)] = hostile_value(chance)
    elif way < 0.85:
        changed[chance.choice(NAMES)] = changed.pop(key)
    elif way < 0.9:
        changed = {name: changed[name] for name in chance.sample(list(changed), len(changed))}
    else:
        changed = dict.fromkeys(changed, hostile_value(chance))
    return changed


def json_bytes(chance: random.Random, value: Any) -> bytes:
    """Write a value as JSON, in one of the ways that are read the same."""
    if chance.random() < 0.8:
        return json.dumps(value).encode()
    return json.dumps(value, ensure_ascii=False, indent=chance.choice([None, 1])).encode("utf-8", "surrogatepass")


def damaged_bytes(chance: random.Random, text: bytes) -> bytes:
    """Damage a text that has a syntax, such as JSON, a form post or a query."""
    ways: list[Callable[[random.Random, bytes, int], bytes]] = [_cut, _replace, _insert, _repeat, _nest, _swap]
    return chance.choice(ways)(chance, text, chance.randrange(len(text) + 1))


def _cut(chance: random.Random, text: bytes, place: int) -> bytes:
    return text[:place] if chance.random() < 0.5 else text[:place] + text[place + chance.randrange(1, 9) :]


def _replace(chance: random.Random, text: bytes, place: int) -> bytes:
    return text[:place] + chance.randbytes(chance.randrange(1, 4)) + text[place + 1 :]


_PIECES = b'" { } [ ] , : \\ \\u \\ud800 \xff \0 \r\n -- % & ='.split(b" ")


def _insert(chance: random.Random, text: bytes, place: int) -> bytes:
    piece = chance.choice(_PIECES)
    return text[:place] + piece * chance.choice([1, 1, 1, 2, 50]) + text[place:]


def _repeat(chance: random.Random, text: bytes, place: int) -> bytes:
    end = min(len(text), place + chance.randrange(1, 60))
    return text[:end] + text[place:end] * chance.choice([1, 2, 30]) + text[end:]


def _nest(chance: random.Random, text: bytes, place: int) -> bytes:
    opening, closing = chance.choice([(b"[", b"]"), (b'{"a":', b"}")])
    depth = chance.choice([1, 40, 70, 3000])
    return opening * depth + text + closing * chance.choice([depth, depth - 1, 0])


def _swap(chance: random.Random, text: bytes, place: int) -> bytes:
    return text[place:] + text[:place]
