"""Endings: what an id says survives the way to the client and back, whatever a client makes of it."""

from __future__ import annotations

import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flask_datastar.sansio.endings import Ending, EndingKind, ending_block, parse_ending, restart_delay_ms
from flask_datastar.sansio.parser import parse_events

PAGES = st.text(string.ascii_letters + string.digits + "_.-", max_size=128)
IDS = st.text(string.printable[:95], max_size=40).map(str.strip).filter(lambda text: not text.startswith("ds:"))
ENDINGS = (
    st.just(Ending(EndingKind.DONE))
    | st.builds(Ending, st.just(EndingKind.REPLACED), page=PAGES)
    | st.builds(Ending, st.just(EndingKind.RESTART), failures=st.integers(0, 99), last_id=IDS)
)


@pytest.mark.parametrize(
    ("ending", "event_id"),
    [
        (Ending(EndingKind.DONE), "ds:done"),
        (Ending(EndingKind.REPLACED, page="p-7.a_B"), "ds:replaced:p-7.a_B"),
        (Ending(EndingKind.REPLACED), "ds:replaced:"),
        (Ending(EndingKind.RESTART), "ds:restart:0:"),
        (Ending(EndingKind.RESTART, failures=3, last_id="a:b:c"), "ds:restart:3:a:b:c"),
    ],
)
def test_id_says_what_the_ending_is(ending: Ending, event_id: str) -> None:
    assert ending.encode_id() == event_id
    assert parse_ending(event_id) == ending


@given(ENDINGS)
def test_id_comes_back_as_the_same_ending(ending: Ending) -> None:
    assert parse_ending(ending.encode_id()) == ending


@pytest.mark.parametrize("event_id", [None, "", "7", "done", "DS:done", " ds:done"])
def test_id_of_the_application_is_no_ending(event_id: str | None) -> None:
    assert parse_ending(event_id) is None


@pytest.mark.parametrize(
    "event_id",
    [
        "ds:",
        "ds:gone",
        "ds:done:",
        "ds:done:x",
        "ds:replaced:a b",
        "ds:replaced:p\n",
        "ds:replaced:a:b",
        "ds:replaced:" + "p" * 129,
        "ds:restart",
        "ds:restart::",
        "ds:restart:-1:",
        "ds:restart:x:id",
        "ds:restart:٣:id",
        "ds:restart:" + "9" * 5000 + ":",
    ],
)
def test_damaged_id_is_a_restart(event_id: str) -> None:
    assert parse_ending(event_id) == Ending(EndingKind.RESTART)


def test_header_that_lost_its_last_colon_still_says_replaced() -> None:
    assert parse_ending("ds:replaced") == Ending(EndingKind.REPLACED)


@pytest.mark.parametrize("last_id", ["ds:done", "ä", "a\nid: b", "a\x00", " a"])
def test_last_id_that_the_application_cannot_have_sent_is_dropped(last_id: str) -> None:
    assert Ending(EndingKind.RESTART, failures=1, last_id=last_id).encode_id() == "ds:restart:1:"
    assert parse_ending(f"ds:restart:1:{last_id}") == Ending(EndingKind.RESTART, failures=1)


@given(st.text(), st.integers(), st.text())
@example("p\nid: x", 10**9, "x\r\ndata: y")
def test_encoding_never_fails_nor_breaks_its_line(page: str, failures: int, last_id: str) -> None:
    for kind in EndingKind:
        event_id = Ending(kind, page, failures, last_id).encode_id()

        assert event_id.isascii()
        assert event_id.isprintable()
        parsed = parse_ending(event_id)
        assert parsed is not None
        assert parsed.kind is kind


@given(st.text().map("ds:".__add__))
def test_parsing_never_fails(event_id: str) -> None:
    assert parse_ending(event_id) is not None


def test_block_is_no_event_for_the_page() -> None:
    assert ending_block(Ending(EndingKind.DONE), None) == b"id: ds:done\n\n"
    assert ending_block(Ending(EndingKind.RESTART), 1500) == b"id: ds:restart:0:\nretry: 1500\n\n"
    # An event without a name is one that the client does nothing with but keep its id and retry.
    assert [event.type for event in parse_events(ending_block(Ending(EndingKind.DONE), 1))] in ([], [""])


def test_worker_stop_spreads_evenly() -> None:
    delays = [restart_delay_ms(0, 5, lambda share=step / 4: share) for step in range(5)]

    assert delays == [1500, 2375, 3250, 4125, 5000]


@pytest.mark.parametrize("spread_seconds", [0, 1, 1.5])
def test_spread_below_the_first_delay_is_the_first_delay(spread_seconds: float) -> None:
    assert restart_delay_ms(0, spread_seconds, lambda: 0.99) == 1500


def test_exceptions_double_the_delay_up_to_a_minute() -> None:
    assert [restart_delay_ms(failures, 5, lambda: 0.0) for failures in (1, 2, 3, 5, 6, 7, 10**9)] == [
        2000,
        4000,
        8000,
        32_000,
        60_000,
        60_000,
        60_000,
    ]
    assert restart_delay_ms(1, 5, lambda: 1.0) == 2500
    assert restart_delay_ms(9, 5, lambda: 1.0) == 75_000
