"""Paths into signals: what they lead to, setting a value there, and objects that are lists."""

from __future__ import annotations

from collections import UserDict, defaultdict
from typing import Any

import pytest

from flask_datastar.sansio.signal_paths import find_path, has_path, is_index, list_items, set_path, split_path

SIGNALS = {"a": {"b": 1, "none": None}, "items": [{"n": 1}, [2, None]], "pair": (3, 4), "text": "xyz", "7": {"8": 9}}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("a.b", 1),
        ("items.0.n", 1),
        ("items.1.0", 2),
        ("pair.1", 4),
        ("7.8", 9),
        ("items", SIGNALS["items"]),
    ],
)
def test_find_path_leads_into_objects_and_lists(path: str, value: object) -> None:
    assert find_path(SIGNALS, split_path(path)) == value
    assert has_path(SIGNALS, split_path(path))


@pytest.mark.parametrize(
    "path",
    ["x", "a.x", "a.b.c", "items.2", "items.-1", "items.00", "items.n", "items.0.x", "items.1.0.0", "text.0", "pair.٣"],
)
def test_paths_that_lead_nowhere(path: str) -> None:
    assert find_path(SIGNALS, split_path(path)) is None
    assert not has_path(SIGNALS, split_path(path))


def test_has_path_counts_none_as_a_value() -> None:
    assert has_path(SIGNALS, ["a", "none"])
    assert has_path(SIGNALS, ["items", "1", "1"])


@pytest.mark.parametrize(
    ("segment", "expected"),
    [("0", True), ("12", True), ("999999", True), ("", False), ("01", False), ("-1", False), ("1000000", False)],
)
def test_indices_are_plain_numbers(segment: str, expected: bool) -> None:
    assert is_index(segment) is expected


def test_set_path_replaces_values_and_copies_containers() -> None:
    shared: dict[str, Any] = {"b": 1}
    rows: list[Any] = [{"n": "a"}, {"n": "b"}]
    state: dict[str, Any] = {"a": shared, "n": 1, "rows": rows, "pair": (1, [2])}

    set_path(state, ["a", "c"], 2)
    set_path(state, ["n", "m", "o"], 3)
    set_path(state, ["rows", "0", "n"], "x")
    set_path(state, ["rows", "2", "n"], "c")
    set_path(state, ["pair", "1", "0"], 3)

    assert state == {
        "a": {"b": 1, "c": 2},
        "n": {"m": {"o": 3}},
        "rows": [{"n": "x"}, {"n": "b"}, {"n": "c"}],
        "pair": [1, [3]],
    }
    assert (shared, rows) == ({"b": 1}, [{"n": "a"}, {"n": "b"}])


def test_set_path_keeps_what_dicts_of_other_kinds_hold() -> None:
    state: dict[str, Any] = {"a": defaultdict(list, {"b": 1}), "c": {1: 2}}

    set_path(state, ["a", "d"], 3)
    set_path(state, ["c", "d"], 3)

    assert state == {"a": {"b": 1, "d": 3}, "c": {1: 2, "d": 3}}


@pytest.mark.parametrize("segment", ["2", "n", "-1", "01", "1000000"])
def test_set_path_refuses_places_that_a_list_does_not_have(segment: str) -> None:
    state: dict[str, Any] = {"a": {"rows": [1]}}

    with pytest.raises(
        ValueError,
        match=rf"signal path 'a.rows.{segment}.x' leads out of a list: 'a.rows' has 1 items; accepted instead of "
        rf"'{segment}': 0 to 1$",
    ):
        set_path(state, ["a", "rows", segment, "x"], 2)
    assert state == {"a": {"rows": [1]}}


def test_set_path_may_be_told_how_to_open_values() -> None:
    state: dict[str, Any] = {"user": UserDict({"name": "Ada", "age": 36})}

    def open_value(value: object) -> dict[str, Any] | None:
        return dict(value) if isinstance(value, UserDict) else None

    assert has_path(state, ["user", "age"], open_value)
    assert not has_path(state, ["user", "mail"], open_value)
    set_path(state, ["user", "name"], "Bob", open_value)

    assert state == {"user": {"name": "Bob", "age": 36}}


@pytest.mark.parametrize(
    ("value", "items"),
    [
        ([1, {}], [1, {}]),
        ({"0": "a", "1": "b"}, ["a", "b"]),
        ({"1": "b", "0": "a"}, ["a", "b"]),
        ({}, []),
        ({"name": "a"}, None),
        ({"01": "a"}, None),
        ("text", None),
        (None, None),
    ],
)
def test_objects_with_index_keys_are_lists(value: object, items: list[Any] | None) -> None:
    assert list_items(value) == items


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"0": 1, "2": 1}, "the key '1' is missing"),
        ({"1": 1}, "the key '0' is missing"),
        ({"0": 1, "x": 1}, "got the key 'x' among them"),
        ({"0": 1, "": 1}, "got the key '' among them"),
    ],
)
def test_gaps_and_other_keys_are_told(value: object, text: str) -> None:
    with pytest.raises(ValueError, match=rf"^expected a list, or an object with the keys 0 to n-1.*{text}$"):
        list_items(value)
