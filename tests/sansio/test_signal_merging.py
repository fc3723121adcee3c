from __future__ import annotations

from typing import Any

import pytest

from flask_datastar.sansio.signal_merging import merge_patch


@pytest.mark.parametrize(
    ("state", "patch", "expected"),
    [
        ({"a": 1, "b": 2}, {"a": None, "c": 3}, {"b": 2, "c": 3}),
        ({"a": {"b": 1}}, {"a": {"c": 2}}, {"a": {"b": 1, "c": 2}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": [1, 2, 3]}, {"a": {"1": "X"}}, {"a": [1, "X", 3]}),
        ({"a": [1]}, {"a": {"2": "X", "name": "dropped"}}, {"a": [1, "", "X"]}),
        ({"a": [1, 2]}, {"a": {"0": None}}, {"a": ["", 2]}),
        ({"a": 1}, {"a": {"b": 2}}, {"a": {"b": 2}}),
        ({}, {"a": {"b": None}}, {"a": {}}),
        ({}, {"a": None}, {}),
    ],
)
def test_merge_patch_does_what_protocol_says(
    state: dict[str, Any], patch: dict[str, Any], expected: dict[str, Any]
) -> None:
    merge_patch(state, patch)

    assert state == expected


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        ({"a": 9, "new": 3}, {"a": 1, "b": {"c": 2}, "l": [1], "new": 3}),
        ({"a": None}, {"a": 1, "b": {"c": 2}, "l": [1]}),
        ({"b": {"c": 9, "d": 3}}, {"a": 1, "b": {"c": 2, "d": 3}, "l": [1]}),
        ({"l": {"0": 9, "1": 3}}, {"a": 1, "b": {"c": 2}, "l": [1, 3]}),
        ({"a": {"x": 3}}, {"a": {"x": 3}, "b": {"c": 2}, "l": [1]}),
    ],
)
def test_merge_patch_sets_absent_leaves_only_if_asked_to(patch: dict[str, Any], expected: dict[str, Any]) -> None:
    state = {"a": 1, "b": {"c": 2}, "l": [1]}

    merge_patch(state, patch, only_if_missing=True)

    assert state == expected


def test_merge_patch_may_keep_nulls() -> None:
    state: dict[str, Any] = {}
    for patch in ({"a": 1, "l": [1, 2]}, {"a": None, "b": {"c": None}, "l": {"0": None}}, {"b": {"d": 1}}):
        merge_patch(state, patch, keep_nulls=True)

    assert state == {"a": None, "b": {"c": None, "d": 1}, "l": [None, 2]}
