from __future__ import annotations

import dataclasses

import pytest
from markupsafe import Markup

from flask_datastar import sse
from flask_datastar.sansio import events
from flask_datastar.sansio.events import Event


def test_event_is_frozen_and_compared_by_its_fields() -> None:
    event = sse.raw("datastar-x", ["a 1"])

    assert event == sse.raw("datastar-x", ["a 1"])
    assert event != sse.raw("datastar-x", ["a 1"], event_id="1")
    assert hash(event) == hash(sse.raw("datastar-x", ["a 1"]))
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.type = "datastar-y"  # type: ignore[misc]


def test_encode_writes_event_id_retry_data_and_an_empty_line() -> None:
    event = sse.raw("datastar-x", ["a 1", "b 2"], event_id="7", retry_ms=2000)

    assert event.encode() == b"event: datastar-x\nid: 7\nretry: 2000\ndata: a 1\ndata: b 2\n\n"


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (sse.raw("datastar-x"), b"event: datastar-x\n\n"),
        (sse.raw("datastar-x", ["a "]), b"event: datastar-x\ndata: a \n\n"),
        (sse.raw("datastar-x", event_id=""), b"event: datastar-x\nid: \n\n"),
        (sse.raw("datastar-x", ["a 1"], retry_ms=0), b"event: datastar-x\nretry: 0\ndata: a 1\n\n"),
        (sse.raw("datastar-x", ["a é"]), b"event: datastar-x\ndata: a \xc3\xa9\n\n"),
    ],
)
def test_encode_leaves_out_what_is_not_set(event: Event, expected: bytes) -> None:
    assert event.encode() == expected


def test_data_lines_are_the_lines_of_the_wire() -> None:
    assert sse.raw("datastar-x").data_lines == ()
    assert sse.raw("datastar-x", ["a 1", "a ", "b 2"]).data_lines == ("a 1", "a ", "b 2")


def test_arguments_are_what_the_client_reads() -> None:
    event = Event("datastar-x", "a 1\ndata: a \ndata: b  2\ndata: bare")

    assert event.arguments == {"a": "1\n", "b": " 2", "bar": "bare"}


def test_raw_takes_any_iterable_and_str_subclasses() -> None:
    event = sse.raw(sse.EventType.PATCH_ELEMENTS, iter([Markup("elements <p>"), "elements </p>"]))

    assert event == sse.patch_elements("<p>\n</p>")


@pytest.mark.parametrize("event_type", ["", "message", "Datastar-x", " datastar-x", "datastar-x y", "datastar-x "])
def test_raw_refuses_a_type_that_the_client_drops(event_type: str) -> None:
    with pytest.raises(ValueError, match=r"event type .* is dropped by the client; .* start with 'datastar'"):
        sse.raw(event_type)


@pytest.mark.parametrize("event_type", ["datastar-x\n", "datastar-x\r", "datastar-\0x"])
def test_raw_refuses_a_type_that_breaks_the_line(event_type: str) -> None:
    with pytest.raises(ValueError, match=r"event type .* contains a line break or NUL"):
        sse.raw(event_type)


@pytest.mark.parametrize("line", ["a 1\nb 2", "a 1\r", "a 1\r\n", "a \0"])
def test_raw_refuses_a_line_with_a_line_break(line: str) -> None:
    with pytest.raises(ValueError, match=r"data line .* contains a line break or NUL"):
        sse.raw("datastar-x", [line])


@pytest.mark.parametrize("line", ["", "elements"])
def test_raw_refuses_a_line_without_a_space(line: str) -> None:
    with pytest.raises(ValueError, match=r"data line .* has no space: the client reads '<key> <value>'"):
        sse.raw("datastar-x", [line])


@pytest.mark.parametrize("key", ["__proto__", "constructor", "toString", "valueOf", "hasOwnProperty"])
def test_raw_refuses_a_key_that_breaks_the_client(key: str) -> None:
    with pytest.raises(ValueError, match=f"data key '{key}' breaks the client"):
        sse.raw("datastar-x", [f"{key} 1"])


def test_raw_refuses_a_key_with_a_byte_order_mark() -> None:
    with pytest.raises(ValueError, match="starts with a byte order mark, which the client drops; leave it out"):
        sse.raw("datastar-x", ["\ufeffa 1"])


def test_raw_refuses_wrong_types() -> None:
    with pytest.raises(TypeError, match="data_lines is the string 'a 1'; give a list of lines"):
        sse.raw("datastar-x", "a 1")
    with pytest.raises(TypeError, match=r"data line is bytes; accepted: str"):
        sse.raw("datastar-x", [b"a 1"])  # type: ignore[list-item]
    with pytest.raises(TypeError, match=r"event type is int; accepted: str"):
        sse.raw(1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "event_id", ["", "1", "a b", "2026-11-21T12:30:00Z", "~!\"#$%&'()*+,/;<=>?@[]^_`{|}", "ds", "DS:1"]
)
def test_an_id_of_printable_ascii_is_taken(event_id: str) -> None:
    assert sse.raw("datastar-x", event_id=event_id).event_id == event_id


@pytest.mark.parametrize("event_id", ["ä", "\u0100", "a\nb", "a\rb", "a\0b", "\t", "\x7f", "\u2028", "\ud800"])
def test_an_id_that_no_header_carries_is_refused(event_id: str) -> None:
    with pytest.raises(ValueError, match=r"event_id .* is not printable ASCII, so a header cannot carry it back"):
        sse.raw("datastar-x", event_id=event_id)


@pytest.mark.parametrize("event_id", [" a", "a ", " "])
def test_an_id_with_a_space_at_an_end_is_refused(event_id: str) -> None:
    with pytest.raises(ValueError, match=r"event_id .* has a space at an end, which a header loses"):
        sse.raw("datastar-x", event_id=event_id)


def test_a_reserved_id_is_refused() -> None:
    with pytest.raises(ValueError, match=r"event_id 'ds:done' starts with 'ds:', which is reserved"):
        sse.raw("datastar-x", event_id="ds:done")


def test_an_id_that_is_no_string_is_refused() -> None:
    with pytest.raises(TypeError, match=r"event_id is int; accepted: str"):
        sse.raw("datastar-x", event_id=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("retry_ms", [-1, 2**31])
def test_a_retry_that_no_timer_takes_is_refused(retry_ms: int) -> None:
    with pytest.raises(ValueError, match=f"retry_ms is {retry_ms}; accepted: 0 to 2147483647 milliseconds"):
        sse.raw("datastar-x", retry_ms=retry_ms)


@pytest.mark.parametrize("retry_ms", [1.5, "1000", True])
def test_a_retry_that_is_no_int_is_refused(retry_ms: object) -> None:
    with pytest.raises(TypeError, match=f"retry_ms is {type(retry_ms).__name__}; accepted: int, in milliseconds"):
        sse.raw("datastar-x", retry_ms=retry_ms)  # type: ignore[arg-type]


def test_a_lone_surrogate_is_refused_and_named() -> None:
    with pytest.raises(
        ValueError, match=r"data line contains the lone surrogate U\+D83D at 3, which UTF-8 cannot carry"
    ):
        sse.raw("datastar-x", ["a é\ud83d"])


def test_wire_lines_end_at_crlf_cr_and_lf_only() -> None:
    text = "1\r\n2\r3\n4\n\r5\u20286\u20297\x858\x0b9\x0c10\x1c11"

    assert events.wire_lines("k", text).split("\ndata: ") == [
        *["k 1", "k 2", "k 3", "k 4", "k "],
        "k 5\u20286\u20297\x858\x0b9\x0c10\x1c11",
    ]


def test_shorten_cuts_long_values() -> None:
    assert events.shorten("a") == "'a'"
    assert events.shorten("a" * 100) == "'" + "a" * 56 + "..."
    assert len(events.shorten(list(range(100)))) == 60
