"""What the property tests send: texts, JSON values, options; with a liking for what breaks encoders."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

LINE_ENDS = ["\r", "\n", "\r\n", "\n\n", "\r\r\n"]
NO_LINE_ENDS = ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1e", "\x00"]
PIECES = [
    *NO_LINE_ENDS,
    *["", " ", "  ", ":", "data:", "data: ", "event: datastar-patch-signals", "id:", "id: 1", "retry: 1", "datastar"],
    *["elements", "elements ", "signals {}", "selector x", "constructor ", "</script>", "<!--", "</body>", "<svg>"],
    *[
        "\\",
        "\\\\",
        ";",
        "@get(",
        "'",
        '"',
        "<",
        ">",
        "&",
        "&quot;",
        "${x}",
        "{",
        "}",
        "a",
        "é",
        "漢字",
        "🙂",
        "\ufeff",
    ],
]


def _joined(pieces: list[str]) -> st.SearchStrategy[str]:
    return st.lists(st.one_of(st.sampled_from(pieces), st.text(max_size=4)), max_size=12).map("".join)


texts = _joined(LINE_ENDS * 3 + PIECES)
lines = _joined(PIECES).filter(lambda text: not set(text) & set("\r\n\0"))
selectors = lines.filter(str.strip)
event_ids = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12).filter(
    lambda text: text == text.strip(" ") and not text.startswith("ds:")
)
retries = st.integers(0, 2**31 - 1)
sizes = st.lists(st.integers(1, 9), max_size=6)

_NEVER = {"__proto__", "constructor", "prototype"}
names = texts.filter(lambda text: text not in _NEVER)
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), texts)
json_values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(names, inner, max_size=4)),
    max_leaves=8,
)
json_objects = st.dictionaries(names, json_values, max_size=4)

#: Things that somebody may pass by mistake, half a character among them.
anything = st.one_of(
    texts,
    lines,
    st.text(st.characters(categories=["Cs", "Lu"]), max_size=3),
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.binary(max_size=3),
    st.just(object()),
    st.lists(texts, max_size=2),
    st.dictionaries(texts, texts, max_size=2),
    st.frozensets(texts, max_size=2),
)
