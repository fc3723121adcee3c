"""The messages of processes about presence, and what strangers may send instead."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_datastar.presence.entries import Entry, Held, Joined, Left, Whole
from flask_datastar.presence.messages import (
    LONGEST_LINGER_SECONDS,
    MOST_DATA_BYTES,
    Beat,
    Hello,
    Message,
    PageIsBack,
    PageJoins,
    PageKeeps,
    Part,
    SignedOut,
    TabLeaves,
    Wanted,
    decode,
    encode,
    parts_of,
)

TEXTS = st.text(max_size=20)
COUNTS = st.integers(0, 10**9)
SECONDS = st.floats(0, 1e11)
DATA = st.dictionaries(TEXTS, st.integers() | TEXTS, max_size=3).map(json.dumps)
ENTRIES = st.builds(Entry, COUNTS, TEXTS, TEXTS, TEXTS, TEXTS, SECONDS, SECONDS, DATA)
LINGERS = st.floats(0, LONGEST_LINGER_SECONDS)
HELD = st.builds(Held, COUNTS, ENTRIES, st.none() | LINGERS)
MESSAGES = st.one_of(
    st.builds(Joined, TEXTS, COUNTS, ENTRIES),
    st.builds(Left, TEXTS, COUNTS, COUNTS, LINGERS),
    st.builds(Part, TEXTS, COUNTS, st.just(0), st.integers(1, 3), st.lists(HELD, max_size=3).map(tuple)),
    st.builds(Beat, TEXTS, COUNTS, COUNTS),
    st.builds(Hello, TEXTS),
    st.builds(Wanted, TEXTS, TEXTS),
    st.builds(PageJoins, TEXTS, st.none() | TEXTS, TEXTS, TEXTS, TEXTS, DATA),
    st.builds(PageIsBack, TEXTS, TEXTS, TEXTS, TEXTS),
    st.builds(PageKeeps, TEXTS, ENTRIES),
    st.builds(TabLeaves, TEXTS, st.none() | TEXTS, TEXTS, TEXTS),
    st.builds(SignedOut, TEXTS, TEXTS, st.none() | TEXTS, st.none() | COUNTS),
)
ENTRY = Entry(1, "board", "ann", "t", "", 1.0, 2.0, '{"n":1}')


@given(MESSAGES)
def test_messages_arrive_unchanged(message: Message) -> None:
    assert decode(encode(message)) == message


def test_order_of_an_older_version_has_no_number() -> None:
    assert decode(b'["out","p","ann",null]') == SignedOut("p", "ann", None)


def test_topics_of_any_characters_arrive() -> None:
    message = TabLeaves("p", None, "t", "\ud800\0\u2028\n")
    assert decode(encode(message)) == message


def test_a_join_has_a_size_of_its_own() -> None:
    data = encode(Joined("p" * 16, 10**6, ENTRY))
    assert len(data) < 120
    assert b"\n" not in data


def test_all_entries_come_in_parts() -> None:
    held = tuple(Held(number, ENTRY) for number in range(1001))
    parts = list(parts_of(Whole("p", 7, held)))
    assert [(part.seq, part.number, part.count, len(part.held)) for part in parts] == [
        (7, 0, 3, 500),
        (7, 1, 3, 500),
        (7, 2, 3, 1),
    ]
    assert [one for part in parts for one in part.held] == list(held)
    assert list(parts_of(Whole("p", 7, ()))) == [Part("p", 7, 0, 1, ())]


ROW = [1, None, 1, "board", "ann", "t", "", 1.0, 2.0, "{}"]


@pytest.mark.parametrize(
    "fields",
    [
        *[None, 7, "x", [], {}, [[]], [1], ["unknown"], ["?"], ["?", 1], ["?", "p", "q"], ["~", "p", 1]],
        *[["~", "p", -1, 0], ["~", "p", True, 0], ["~", "p", 1.0, 0], ["!", "p"], ["!", "p", None]],
        *[["-", "p", 1, 1, -1], ["-", "p", 1, 1, "1"], ["-", "p", 1, 1, None], ["-", "p", 1, 1, 1e300]],
        *[["+", "p", 1, 1, "board", "ann", "t", "", 1.0, 2.0], ["+", "p", 1, 1, "board", "ann", "t", "", 1.0, 2.0, {}]],
        *[["+", "p", 1, 1, "board", "ann", "t", "", 1.0, 2.0, text] for text in ("[]", "{", '"x"', "[" * 1000)],
        ["+", "p", 1, 1, "board", "ann", "t", "", 1.0, 2.0, json.dumps({"x": "x" * MOST_DATA_BYTES})],
        ["+", "p", 1, 1, "board", "ann", "t", "", True, 2.0, "{}"],
        ["+", "p", 1, 1, "board", "ann", "t", "", 1.0, 2.0, '{"x":"\ud800"}'],
        *[["=", "p", 1, 0, 1], ["=", "p", 1, 1, 1, []], ["=", "p", 1, 0, 0, []], ["=", "p", 1, 0, 1, {}]],
        *[["=", "p", 1, 0, 1, [7]], ["=", "p", 1, 0, 1, [[*ROW, 1]]], ["=", "p", 1, 0, 1, [ROW] * 501]],
        *[["=", "p", 1, 0, 1, [[1, -1.0, *ROW[2:]]]], ["join", "p", None, "t", "x", "board"]],
        *[["join", "p", 1, "t", "x", "board", "{}"], ["leave", "p", None, None, "board"], ["out", "p", None, None]],
        *[["out", "p", "ann"], ["out", "p", "ann", None, "1"], ["out", "p", "ann", None, -1]],
        *[["out", "p", "ann", None, True], ["out", "p", "ann", None, 1, 1]],
    ],
)
def test_what_no_process_sends_is_refused(fields: Any) -> None:
    with pytest.raises(ValueError, match=r"its data|a field|it is a part|it has too many"):
        decode(json.dumps(fields).encode())


@pytest.mark.parametrize("data", [b"", b"\xff", b"[", b"[" * 100_000, b'["~","p",1,NaN]', b'["-","p",1,1,Infinity]'])
def test_what_is_no_json_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"its data|a field"):
        decode(data)


def test_nobody_can_make_an_entry_linger_without_end() -> None:
    left, part = decode(b'["-","p",1,1,1e9]'), decode(json.dumps(["=", "p", 1, 0, 1, [[1, 1e9, *ROW[2:]]]]).encode())
    assert isinstance(left, Left)
    assert isinstance(part, Part)
    assert left.linger == part.held[0].gone_at == LONGEST_LINGER_SECONDS
