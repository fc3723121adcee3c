"""The identity of a view: the same text for equal arguments, another text for any others."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from flask_datastar.regions.identity import argument_texts, identity_of


class Color(Enum):
    RED = "red"


class Name(str):
    pass


class Card:
    id = 3


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary() | st.dates(),
    lambda items: st.lists(items) | st.tuples(items, items) | st.dictionaries(st.text(), items),
    max_leaves=6,
)


def typed(value: Any) -> Any:
    """Tell values apart that Python takes for equal, such as 1 and True."""
    if isinstance(value, list | tuple):
        return (type(value), *map(typed, value))
    if isinstance(value, dict):
        return frozenset((key, typed(item)) for key, item in value.items())
    return type(value), repr(value)


@given(PLAIN, PLAIN)
def test_texts_are_equal_where_values_are(one: Any, other: Any) -> None:
    assert (argument_texts({"a": one}) == argument_texts({"a": other})) == (typed(one) == typed(other))


@given(st.text(), st.text(), st.text(), st.text())
def test_no_argument_can_look_like_two(one: str, other: str, third: str, fourth: str) -> None:
    first = identity_of("shop:cards", argument_texts({"a": one, "b": other}))
    second = identity_of("shop:cards", argument_texts({"a": third, "b": fourth}))

    assert (first == second) == ((one, other) == (third, fourth))


@pytest.mark.parametrize(
    "values",
    [
        [1, True, 1.0, "1", Decimal(1), b"1", Markup("1"), [1], (1,), {1}, {1: 1}],
        [None, "None", "", [], (), set(), {}],
        [Color.RED, "red", "RED"],
        [UUID(int=1), str(UUID(int=1))],
        [date(2026, 11, 25), "2026-11-25"],
        [["a", "b"], ["a, b"], ["b", "a"]],
    ],
)
def test_values_that_may_be_shown_differently_differ(values: list[Any]) -> None:
    texts = [argument_texts({"a": value})["a"] for value in values]

    assert len(set(texts)) == len(values)


def test_the_order_of_sets_and_dicts_does_not_matter() -> None:
    assert argument_texts({"a": {"x", "y", "z"}}) == argument_texts({"a": {"z", "y", "x"}})
    assert argument_texts({"a": {"x": 1, "y": 2}}) == argument_texts({"a": {"y": 2, "x": 1}})


@pytest.mark.parametrize("value", [Card(), [Card()], {"card": Card()}, Name("x"), object, float("nan")])
def test_what_cannot_be_compared_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="argument 'card'"):
        argument_texts({"card": value})
