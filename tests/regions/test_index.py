"""The index that finds the views which a write concerns."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_datastar.regions.index import Index, Reads
from flask_datastar.regions.statements import read_statement
from flask_datastar.regions.writes import Writes


def reading(*statements: str, tables: tuple[str, ...] = (), rows: tuple[tuple[str, str, str], ...] = ()) -> Reads:
    words = frozenset(read_statement(text).words for text in statements)
    return Reads(words, frozenset(tables), frozenset(rows))


def writing(tables: dict[str, Any], *, is_unknown: bool = False) -> Writes:
    writes = Writes()
    writes.tables, writes.is_unknown = tables, is_unknown
    return writes


@pytest.fixture
def index() -> Index[str]:
    index: Index[str] = Index()
    index.put("cards", reading("SELECT * FROM card JOIN person ON 1", "SELECT * FROM board"))
    index.put("people", reading("SELECT * FROM person"))
    index.put("figures", reading(tables=("card",)))
    index.put("board 3", reading(rows=(("card", "board_id", "3"),)))
    index.put("board 4", reading(rows=(("card", "board_id", "4"),)))
    index.put("clock", Reads())
    return index


@pytest.mark.parametrize(
    ("tables", "views"),
    [
        ({"card": None}, {"cards", "figures", "board 3", "board 4"}),
        ({"card": {"board_id": {"3"}}}, {"cards", "figures", "board 3"}),
        ({"card": {"board_id": {"3", "4"}}}, {"cards", "figures", "board 3", "board 4"}),
        ({"card": {"board_id": {"5"}}}, {"cards", "figures"}),
        ({"card": {"board_id": None}}, {"cards", "figures", "board 3", "board 4"}),
        ({"card": {"owner_id": {"5"}}}, {"cards", "figures", "board 3", "board 4"}),
        ({"person": None}, {"cards", "people"}),
        ({"person": {"id": {"3"}}}, {"cards", "people"}),
        ({"person": None, "board": None}, {"cards", "people"}),
        ({"log": None}, set()),
        ({}, set()),
    ],
)
def test_views_are_found_by_table_and_value(index: Index[str], tables: dict[str, Any], views: set[str]) -> None:
    assert index.concerned(writing(tables)) == views


def test_a_write_of_unknown_tables_concerns_all_that_read(index: Index[str]) -> None:
    assert index.concerned(writing({}, is_unknown=True)) == {"cards", "people", "figures", "board 3", "board 4"}


def test_a_view_is_found_by_what_it_read_last(index: Index[str]) -> None:
    index.put("cards", reading("SELECT * FROM tag"))

    assert index.concerned(writing({"card": None})) == {"figures", "board 3", "board 4"}
    assert index.concerned(writing({"tag": None})) == {"cards"}


def test_a_dropped_view_is_not_found(index: Index[str]) -> None:
    for view in ("cards", "people", "figures", "board 3", "board 4", "clock", "unknown"):
        index.drop(view)

    assert index.concerned(writing({"card": None, "person": None}, is_unknown=True)) == set()
    assert [value for name, value in vars(index).items() if value] == []


READS = st.builds(
    Reads,
    st.frozensets(st.frozensets(st.sampled_from("abc")), max_size=3),
    st.frozensets(st.sampled_from("abc")),
    st.frozensets(st.tuples(st.sampled_from("abc"), st.sampled_from("xy"), st.sampled_from("12"))),
)
VALUES = st.none() | st.dictionaries(st.sampled_from("xy"), st.none() | st.sets(st.sampled_from("12")))


@given(
    st.lists(st.tuples(st.integers(0, 3), st.none() | READS)),
    st.dictionaries(st.sampled_from("abc"), VALUES),
    st.booleans(),
)
def test_the_index_finds_what_a_search_finds(
    steps: list[tuple[int, Reads | None]], tables: dict[str, Any], is_unknown: bool
) -> None:
    index: Index[int] = Index()
    known: dict[int, Reads] = {}
    for view, reads in steps:
        if reads is None:
            index.drop(view)
            known.pop(view, None)
        else:
            index.put(view, reads)
            known[view] = reads

    expected = {view for view, reads in known.items() if is_concerned(reads, tables, is_unknown)}
    assert index.concerned(writing(tables, is_unknown=is_unknown)) == expected


def is_concerned(reads: Reads, tables: dict[str, Any], is_unknown: bool) -> bool:
    if is_unknown:
        return bool(reads)
    for table, values in tables.items():
        if table in reads.tables or any(table in words for words in reads.statements):
            return True
        for row_table, attribute, value in reads.rows:
            if row_table == table and (values is None or values.get(attribute) is None or value in values[attribute]):
                return True
    return False


def test_views_that_ran_the_same_statements_share_them() -> None:
    index: Index[int] = Index()
    for view in range(5000):
        index.put(view, reading("SELECT * FROM person WHERE id = ?"))
    index.put(-1, reading("SELECT * FROM card"))

    assert index.concerned(writing({"card": None})) == {-1}
    assert len(index._by_statement) == 2
    assert {word: len(statements) for word, statements in index._by_word.items()}["person"] == 1
