"""Messages on the wire: what is written is read, and nothing else is taken for a message."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_datastar.brokers.payload import MessageKind, Payload
from flask_datastar.brokers.wire import Envelope, decode, encode
from tests.support.hostile import VALUES, damaged_messages, nested

HEAD = [1, "a", 7, "news", "events", "row-1"]
FIELDS: list[set[Any]] = [{int}, {str}, {int}, {str}, {MessageKind}, {str, type(None)}]


def read(head: object) -> Envelope:
    return decode(json.dumps(head).encode() + b"\nbody")


@given(
    st.text(),
    st.integers(),
    st.text(st.characters(codec=None)),
    st.sampled_from(MessageKind),
    st.none() | st.text(),
    st.binary(),
)
def test_what_is_written_is_read(
    origin: str, number: int, topic: str, kind: MessageKind, last_id: str | None, data: bytes
) -> None:
    envelope = decode(encode(Envelope(origin, number, topic, kind, Payload(data, last_id))))

    assert (envelope.origin, envelope.number, envelope.topic, envelope.kind) == (origin, number, topic, kind)
    assert (envelope.payload.data, envelope.payload.last_id) == (data, last_id)


@pytest.mark.parametrize("place", range(len(HEAD)))
def test_field_of_another_type_is_refused(place: int) -> None:
    wrong = []
    for value in VALUES:
        is_fit = [
            type(value) is int and value == 1,
            isinstance(value, str),
            type(value) is int,
            isinstance(value, str),
            isinstance(value, str) and value in ("message", "events", "tabs", "missed"),
            isinstance(value, str | None),
        ][place]
        try:
            read([*HEAD[:place], value, *HEAD[place + 1 :]])
        except ValueError:
            is_taken = False
        else:
            is_taken = True
        if is_taken != is_fit:
            wrong.append((value, is_taken))

    assert wrong == []


@pytest.mark.parametrize(
    "data",
    [
        *[b"", b"\n", b"{}", b"[]\n", b"null\nx", b'"abcdef"\nx', b"\xff\nx", b"[1]\n", json.dumps(HEAD).encode()],
        *[json.dumps([*HEAD, 1]).encode() + b"\n", json.dumps(dict.fromkeys("abcdef", 1)).encode() + b"\n"],
        *[nested(), nested() + b"\nx", b"[" * 100_000, b'{"a":' * 100_000, b"[1," + b"9" * 5000 + b"]\n"],
    ],
    ids=lambda data: repr(data[:20]),
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="message"):
        decode(data)


def test_damaged_messages_are_read_or_refused() -> None:
    taken = 0
    for data in damaged_messages(seed=1, count=3000):
        try:
            envelope = decode(data)
        except ValueError:
            continue
        taken += 1
        fields = (1, envelope.origin, envelope.number, envelope.topic, envelope.kind, envelope.payload.last_id)
        assert all(type(value) in types for value, types in zip(fields, FIELDS, strict=True))

    # The damage leaves some of them whole, or is in the body.
    assert 300 < taken < 2700
