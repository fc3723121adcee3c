from __future__ import annotations

import pytest

from flask_datastar import sse
from flask_datastar.sansio.events import Event


def test_parser_gives_the_events_that_a_piece_completes() -> None:
    parser = sse.EventParser()
    body = sse.patch_elements("<p>\n\n</p>", event_id="1", retry_ms=5).encode() + sse.patch_signals({"a": "é"}).encode()

    found = [parser.feed(body[index : index + 1]) for index in range(len(body))]

    assert [index for index, events in enumerate(found) if events] == [body.index(b"\n\n") + 1, len(body) - 1]
    assert [event for events in found for event in events] == [
        sse.patch_elements("<p>\n\n</p>", event_id="1", retry_ms=5),
        sse.patch_signals({"a": "é"}),
    ]


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
@pytest.mark.parametrize("step", [1, 2, 3, 100])
def test_every_line_end_is_read_in_pieces_of_any_size(end: bytes, step: int) -> None:
    body = end.join([b"event: datastar-x", b"data: a 1", b"", b"event: datastar-y", b"", b""])
    parser = sse.EventParser()

    found = [event for start in range(0, len(body), step) for event in parser.feed(body[start : start + step])]

    assert found == [sse.raw("datastar-x", ["a 1"]), sse.raw("datastar-y")]


def test_an_empty_piece_between_cr_and_lf_changes_nothing() -> None:
    parser = sse.EventParser()

    found = [parser.feed(piece) for piece in (b"event: datastar-x\r", b"", b"\ndata: a 1\r", b"\n\r\n")]

    assert found == [[], [], [], [sse.raw("datastar-x", ["a 1"])]]


def test_one_space_after_the_colon_is_dropped() -> None:
    assert sse.parse_events(b"event:datastar-x\ndata:a 1\ndata:  2\n\n") == [
        Event("datastar-x", "a 1\ndata:  2"),
    ]


def test_an_event_without_its_empty_line_is_not_given_out() -> None:
    assert sse.parse_events(b"event: datastar-x\ndata: a 1\n") == []


def test_comments_are_kept_aside() -> None:
    parser = sse.EventParser()

    assert parser.feed(b": keep-alive\n\n:\n\n:x\n\n") == []
    assert parser.comments == ["keep-alive", "", "x"]


def test_unknown_fields_and_lines_without_a_colon_are_passed_over() -> None:
    assert sse.parse_events(b"event: datastar-x\nfoo: bar\ndata\nevent\n\n") == [sse.raw("datastar-x")]


def test_empty_lines_make_no_event() -> None:
    assert sse.parse_events(b"\n\n\r\n\r\r") == []


def test_events_that_the_client_drops_are_given_out() -> None:
    assert sse.parse_events(b"data: a 1\n\nevent: message\n\n") == [Event("", "a 1"), Event("message", "")]


def test_an_id_on_its_own_does_not_stick_to_the_next_event() -> None:
    assert sse.parse_events(b"id: 1\nretry: 2\n\nevent: datastar-x\n\n") == [
        Event("", "", "1", 2),
        sse.raw("datastar-x"),
    ]


def test_empty_data_lines_are_those_of_the_client() -> None:
    [event] = sse.parse_events(b"event: datastar-x\ndata:\ndata: a 1\ndata:\ndata: b 2\n\n")

    assert event.arguments == {"a": "1", "": "", "b": "2"}


@pytest.mark.parametrize(
    ("text", "expected"), [("0", 0), ("2500", 2500), ("", 0), ("soon", None), ("-1", None), ("²", None), ("٣", None)]
)
def test_retry_is_read_as_digits(text: str, expected: int | None) -> None:
    [event] = sse.parse_events(f"event: datastar-x\nretry: {text}\n\n".encode())

    assert event.retry_ms == expected


def test_what_is_not_utf8_is_refused() -> None:
    with pytest.raises(ValueError, match="can't decode byte 0xff"):
        sse.parse_events(b"data: \xff\n\n")
