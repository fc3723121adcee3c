"""``tables=``: which tables and rows a region declares, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table

from flask_datastar import Datastar
from flask_datastar.errors import SetupError
from flask_datastar.regions.tables import declared_reads, watched_attributes
from tests.regions.models import Card

PERSON = Table("person", MetaData(), Column("id", Integer, primary_key=True), Column("name", String))


def declare(tables: Any) -> Any:
    @Datastar().region(group="shop", tables=tables)
    def part(board: Any) -> str:
        return ""

    return part


@pytest.mark.parametrize(
    ("tables", "whole", "rows"),
    [
        (Card, {"card"}, set()),
        (PERSON, {"person"}, set()),
        ("Person", {"person"}, set()),
        ([Card, PERSON], {"card", "person"}, set()),
        ((), set(), set()),
        ({Card: "board"}, set(), {("card", "board", "3")}),
        (
            {Card: {"board": "board"}, PERSON: {"name": "board"}},
            set(),
            {("card", "board", "3"), ("person", "name", "3")},
        ),
    ],
)
def test_tables_and_rows_are_declared(tables: Any, whole: set[str], rows: set[Any]) -> None:
    reads = declared_reads(declare(tables)(3))

    assert reads is not None
    assert reads.tables == whole
    assert reads.rows == rows


def test_an_argument_that_no_column_equals_declares_the_whole_table() -> None:
    region = declare({Card: "board"})
    reads = declared_reads(region([1, 2]))

    assert reads is not None
    assert (reads.tables, reads.rows) == ({"card"}, set())
    assert watched_attributes(region) == {"card": {"board"}}


@pytest.mark.parametrize(
    ("tables", "refused"),
    [
        ({Card: 3}, r"tables= has 3 for .*Card.*; accepted: the name of an attribute"),
        ({Card: {}}, r"tables= has \{\} for .*Card.*; accepted: the name of an attribute"),
        ([3], r"tables= has 3; accepted: a model, a Table, a table's name"),
        ({Card: "column"}, r"tables= has 'column': the region has no parameter of this name; its parameters: board"),
    ],
)
def test_anything_else_is_refused(tables: Any, refused: str) -> None:
    with pytest.raises(SetupError, match=rf"region shop:part: {refused}"):
        declared_reads(declare(tables)(3))
