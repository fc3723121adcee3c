"""The writes of transactions: joined, and sent to other processes."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from flask_datastar.regions.writes import Cascades, Writes, comparable, read_writes


def written(*rows: tuple[str, dict[str, Any]], tables: list[str] | None = None) -> Writes:
    writes = Writes()
    for word, values in rows:
        writes.add_row(word, values)
    writes.add_tables(tables or [])
    return writes


def test_values_before_and_after_are_kept() -> None:
    writes = written(("card", {"board_id": [1, 2]}), ("card", {"board_id": [2, 3]}))

    assert writes.tables == {"card": {"board_id": {"1", "2", "3"}}}


def test_an_unknown_value_counts_as_any() -> None:
    assert written(("card", {"board_id": None})).tables == {"card": {"board_id": None}}
    assert written(("card", {"board_id": [1]}), ("card", {})).tables == {"card": {"board_id": None}}
    assert written(("card", {"board_id": [object()]})).tables == {"card": {"board_id": None}}


def test_all_rows_count_once_any_row_may_be_written() -> None:
    assert written(("card", {"board_id": [1]}), tables=["card"]).tables == {"card": None}

    writes = written(tables=["card"])
    writes.add_row("card", {"board_id": [1]})
    assert writes.tables == {"card": None}


def test_a_great_many_values_count_as_any() -> None:
    writes = written(*(("card", {"board_id": [number]}) for number in range(2000)))

    assert writes.tables == {"card": {"board_id": None}}


@pytest.mark.parametrize(
    ("one", "other", "joined"),
    [
        ({"card": {"a": {"1"}}}, {"card": {"a": {"2"}}}, {"card": {"a": {"1", "2"}}}),
        ({"card": {"a": {"1"}}}, {"card": None}, {"card": None}),
        ({"card": None}, {"card": {"a": {"1"}}}, {"card": None}),
        ({"card": {"a": {"1"}, "b": {"2"}}}, {"card": {"a": {"3"}}}, {"card": {"a": {"1", "3"}}}),
        ({"card": {"a": None}}, {"card": {"a": {"3"}}}, {"card": {"a": None}}),
        ({}, {"card": {"a": {"3"}}}, {"card": {"a": {"3"}}}),
    ],
)
def test_writes_are_merged(one: dict[str, Any], other: dict[str, Any], joined: dict[str, Any]) -> None:
    first, second = Writes(), Writes()
    first.tables, second.tables = one, other

    first.merge(second)

    assert first.tables == joined
    assert not first.is_unknown


def test_what_is_merged_does_not_change_its_source() -> None:
    first, second = Writes(), written(("card", {"a": [1]}))
    first.merge(second)
    first.add_row("card", {"a": [2]})

    assert second.tables == {"card": {"a": {"1"}}}


def test_unknown_tables_stay_unknown() -> None:
    first, second = Writes(), Writes()
    second.is_unknown = True
    assert not first
    first.merge(second)

    assert first
    assert first.is_unknown


def test_writes_reach_other_processes() -> None:
    writes = written(("card", {"board_id": [1, None], "owner": None}), tables=["board"])
    writes.is_unknown = True

    read = read_writes(writes.to_json())

    assert read.tables == writes.tables
    assert read.is_unknown


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"unknown":false,"tables":3}', b"\xff", "[" * 10_000])
def test_any_other_text_counts_as_unknown(text: str | bytes) -> None:
    assert read_writes(text).is_unknown


@pytest.mark.parametrize(
    "values",
    [
        [3, "3", 3.0, Decimal("3.00"), " 3 "],
        [True, 1, "1"],
        [
            UUID("12345678-1234-5678-1234-567812345678"),
            "12345678-1234-5678-1234-567812345678",
            "12345678123456781234567812345678".upper(),
        ],
        ["Straße", "STRASSE"],
        ["Café", "cafe"],
        [date(2026, 11, 25), "2026-11-25"],
        [-3, "-3", "-03"],
        [0, "0", "00", False],
        [None],
    ],
)
def test_values_that_a_database_may_take_for_equal_are_alike(values: list[Any]) -> None:
    assert len({comparable(value) for value in values}) == 1
    assert comparable(values[0]) is not None


@pytest.mark.parametrize("value", [1.5, Decimal("1.5"), float("nan"), datetime(2026, 11, 25), object(), [1], b"x"])
def test_other_values_cannot_be_compared(value: Any) -> None:
    assert comparable(value) is None


def test_the_database_writes_by_foreign_keys() -> None:
    cascades = Cascades(
        on_delete={"board": ["card"], "card": ["comment", "Tag link"], "comment": ["board"]},
        on_update={"person": ["card"]},
    )

    assert cascades.written_by([("board", "insert")]) == {"board"}
    assert cascades.written_by([("board", "update")]) == {"board"}
    assert cascades.written_by([("board", "delete")]) == {"board", "card", "comment", "tag"}
    assert cascades.written_by([("person", "update")]) == {"person", "card", "comment", "tag", "board"}
    assert cascades.written_by([("person", "any"), ("log", "delete")]) >= {"person", "card", "log"}
    assert Cascades().written_by([("card", "any")]) == {"card"}
