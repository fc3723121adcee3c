from __future__ import annotations

import inspect
import math
import typing
from collections.abc import Mapping, MutableMapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, Literal, Optional, Union
from uuid import UUID

import pytest

from flask_datastar.models.containers import Converter
from flask_datastar.models.conversion import make_converter
from flask_datastar.models.misfits import MAX_MISFITS, Misfits


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Rate(float, Enum):
    HALF = 0.5
    FULL = 1.0


ID = "12345678-1234-5678-1234-567812345678"


@pytest.mark.parametrize(
    ("annotation", "value", "expected"),
    [
        (Any, [1], [1]),
        (object, None, None),
        (inspect.Parameter.empty, "", ""),
        (str, "", ""),
        (str, 5, "5"),
        (str, 1.5, "1.5"),
        (int, 5, 5),
        (int, " -5 ", -5),
        (int, "+5", 5),
        (int, 5.0, 5),
        (int, 1e21, 10**21),
        (float, 5, 5.0),
        (float, "1.5", 1.5),
        (float, 1e3, 1000.0),
        (Decimal, " 1.10 ", Decimal("1.10")),
        (Decimal, 0.1, Decimal("0.1")),
        (Decimal, "0.00", Decimal("0.00")),
        (Decimal, "9e399", Decimal("9e399")),
        (Decimal, 1.7e308, Decimal("1.7e308")),
        (bool, True, True),
        (bool, "on", True),
        (bool, "TRUE", True),
        (bool, 1, True),
        (bool, False, False),
        (bool, "no", False),
        (bool, 0, False),
        (UUID, ID, UUID(ID)),
        (date, "2026-11-21", date(2026, 11, 21)),
        (datetime, "2026-11-21T12:30", datetime(2026, 11, 21, 12, 30)),
        (time, "12:30", time(12, 30)),
        (time, "12:30:15.5", time(12, 30, 15, 500_000)),
        (timedelta, 90, timedelta(minutes=1, seconds=30)),
        (timedelta, "0.5", timedelta(milliseconds=500)),
        (Colour, "red", Colour.RED),
        (Level, "2", Level.HIGH),
        (Level, 2, Level.HIGH),
        (Literal["a", 1], "1", 1),
        (Literal["a", 1], "a", "a"),
        (Literal[0], 0, 0),
        (Literal["a", None], "a", "a"),
        (Literal[True, "x"], "true", True),
        (Literal["true", True], "true", "true"),
        (Rate, 1, Rate.FULL),
        (Rate, "1", Rate.FULL),
        (Rate, "0.5", Rate.HALF),
        (dict, {"a": 1}, {"a": 1}),
        (dict[str, int], {"a": "1"}, {"a": 1}),
        (dict[int, list[date]], {"7": ["2026-11-21"]}, {7: [date(2026, 11, 21)]}),
        (dict[str, Any], {"a": "1", "b": None}, {"a": "1", "b": None}),
        (dict[int, Any], {"1": "1", "2": None}, {1: "1", 2: None}),
        (MutableMapping[str, int], {"a": "1"}, {"a": 1}),
        (typing.Dict, {"a": 1}, {"a": 1}),  # noqa: UP006
        (list[Any], [None, ""], [None, ""]),
        (list[int | None], ["", None, 1], [None, None, 1]),
        (Mapping[str, Any], {}, {}),
        (list, ["a", 1], ["a", 1]),
        (list[int], ["1", 2], [1, 2]),
        (list[int], "1", [1]),
        (list[Colour], ["blue"], [Colour.BLUE]),
        (typing.List[int], [1], [1]),  # noqa: UP006
        (Optional[int], "1", 1),  # noqa: UP045
        (int | None, "1", 1),
        (Union[int, str], "1", 1),  # noqa: UP007
        (int | str, "a", "a"),
        (list[int] | None, "1", [1]),
        (date | bool | None, "yes", True),
        (Annotated[int, "whole"], "1", 1),
    ],
)
def test_values_become_what_the_annotation_asks_for(annotation: Any, value: object, expected: object) -> None:
    converted = make_converter(annotation).convert(value)

    assert converted == expected
    assert type(converted) is type(expected)


@pytest.mark.parametrize(
    ("annotation", "value", "message"),
    [
        (str, True, "expected a text, got True"),
        (str, None, "expected a text, got None"),
        (str, ["a"], r"expected a text, got \['a'\]"),
        (int, "", "expected a whole number, got ''"),
        (int, "1.0", "expected a whole number, got '1.0'"),
        (int, "1_000", "expected a whole number"),
        (int, "٣", "expected a whole number"),
        (int, 1.5, "expected a whole number, got 1.5"),
        (int, math.inf, "expected a whole number, got inf"),
        (int, True, "expected a whole number, got True"),
        (int, "1" * 401, "expected a whole number, got '1111"),
        (float, "nan", "expected a number, got 'nan'"),
        (float, "1_0", "expected a number, got '1_0'"),
        (float, "", "expected a number, got ''"),
        (float, 10**400, "expected a number, got 1000"),
        (float, False, "expected a number, got False"),
        (float, None, "expected a number, got None"),
        (Decimal, "NaN", "expected a decimal number, got 'NaN'"),
        (Decimal, "1e400", "expected a decimal number, got '1e400'"),
        (Decimal, "-1e-999999999", "expected a decimal number, got '-1e-999999999'"),
        (Decimal, "0e999999999", "expected a decimal number, got '0e999999999'"),
        (Decimal, "a", "expected a decimal number, got 'a'"),
        (Decimal, True, "expected a decimal number, got True"),
        (bool, "maybe", "expected true or false, got 'maybe'"),
        (bool, 2, "expected true or false, got 2"),
        (bool, None, "expected true or false, got None"),
        (UUID, "a", "expected a UUID, got 'a'"),
        (UUID, 1, "expected a UUID, got 1"),
        (date, "21.11.2026", "expected a date such as 2026-11-21, got '21.11.2026'"),
        (date, 1, "expected a date such as 2026-11-21, got 1"),
        (datetime, "noon", "expected a time such as 2026-11-21T12:30, got 'noon'"),
        (datetime, None, "expected a time such as 2026-11-21T12:30, got None"),
        (time, "noon", "expected a time such as 12:30, got 'noon'"),
        (time, "2026-11-21T12:30", "expected a time such as 12:30, got '2026-11-21T12:30'"),
        (time, 1230, "expected a time such as 12:30, got 1230"),
        (timedelta, "soon", "expected a number of seconds, got 'soon'"),
        (timedelta, 1e300, "expected a number of seconds, got 1e\\+300"),
        (timedelta, True, "expected a number of seconds, got True"),
        (Colour, "green", "expected one of 'red', 'blue', got 'green'"),
        (Colour, None, "expected one of 'red', 'blue', got None"),
        (Level, 3, "expected one of 1, 2, got 3"),
        (Literal["a", 1], ["a"], r"expected one of 'a', 1, got \['a'\]"),
        (Literal[1], True, "expected one of 1, got True"),
        (Literal["a", None], "None", "expected one of 'a', got 'None'"),
        (Rate, True, "expected one of 0.5, 1.0, got True"),
        (dict, [], r"expected an object, got \[\]"),
        (list[int], ["1", "a"], "1: expected a whole number, got 'a'"),
        (list[int], [None, 1, "a"], "0: missing; 2: expected a whole number, got 'a'"),
        (list[list[int]], [[1], [2, "a"]], "1.1: expected a whole number, got 'a'"),
        (list[str], [1, {}, ""], r"1: expected a text, got \{\}$"),
        (dict[str, int], {"a": 1, "b": "c"}, "b: expected a whole number, got 'c'$"),
        (dict[int, int], {"a": 1, "2": ""}, "a: expected a whole number, got 'a'; 2: missing$"),
        (dict[str, int], {"x" * 100: "c"}, r"x{57}\.\.\.: expected a whole number, got 'c'$"),
        (dict[str, int], [1], r"expected an object, got \[1\]"),
        (int | bool, "maybe", "expected true or false, got 'maybe'"),
        (str, "x" * 100 + "\n", None),
        (int, "x" * 100, "expected a whole number, got 'xxxxx.*[.]{3}$"),
    ],
)
def test_values_that_do_not_fit_say_what_was_expected(annotation: Any, value: object, message: str | None) -> None:
    converter = make_converter(annotation)

    if message is None:
        assert converter.convert(value) == value
        return
    with pytest.raises(ValueError, match=f"^{message}"):
        converter.convert(value)


@pytest.mark.parametrize(
    ("annotation", "takes_empty", "is_list", "is_optional"),
    [
        (int, False, False, False),
        (str, True, False, False),
        (Any, True, False, False),
        (str | None, True, False, True),
        (int | None, False, False, True),
        (int | str, True, False, False),
        (list[int], False, True, False),
        (list[int] | None, False, True, True),
        (Literal["", "a"], True, False, False),
        (Literal["a", None], False, False, True),
        (Colour, False, False, False),
    ],
)
def test_a_converter_knows_what_its_annotation_means(
    annotation: Any, takes_empty: bool, is_list: bool, is_optional: bool
) -> None:
    converter = make_converter(annotation)

    assert converter == Converter(converter.convert, takes_empty, is_list, is_optional)


@pytest.mark.parametrize(
    "annotation", [bytes, set[bytes], tuple[int, bytes], complex, list[bytes], int | bytes, "int", None, 5]
)
def test_annotations_without_a_converter_are_refused(annotation: Any) -> None:
    with pytest.raises(TypeError, match=r"annotation .* is not one of int, float, bool, str, UUID, date"):
        make_converter(annotation)


@pytest.mark.parametrize(
    ("annotation", "value"), [(list[int], ["x"] * 5000), (dict[str, int], {str(i): "x" for i in range(5000)})]
)
def test_what_is_wrong_is_told_up_to_a_limit(annotation: Any, value: object) -> None:
    with pytest.raises(Misfits) as caught:
        make_converter(annotation).convert(value)

    assert len(caught.value.errors) == MAX_MISFITS
    assert caught.value.errors["99"] == "expected a whole number, got 'x'"


@pytest.mark.parametrize(
    ("annotation", "empty"),
    [
        *[(int, 0), (float, 0), (Decimal, 0), (bool, False), (str, ""), (date, ""), (UUID, ""), (Colour, "")],
        *[(time, ""), (timedelta, 0), (set[int], []), (tuple[int, ...], []), (tuple[int, str], [0, ""])],
        *[(list[int], []), (dict[str, int], {}), (dict, {}), (int | str, 0), (int | None, ""), (list[int] | None, "")],
    ],
)
def test_a_converter_knows_what_is_there_before_a_value(annotation: Any, empty: object) -> None:
    found = make_converter(annotation).empty

    assert found == empty
    assert type(found) is type(empty)


def test_what_is_unknown_is_asked_for() -> None:
    asked = []

    def find(annotation: Any) -> Converter:
        asked.append(annotation)
        return Converter(lambda value: (annotation, value))

    assert make_converter(list[bytes] | None, find).convert(["a"]) == [(bytes, "a")]
    assert asked == [bytes]
