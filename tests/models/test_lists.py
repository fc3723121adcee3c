"""Lists, sets and tuples: what counts as one, and which of its items are left out; the same for each kind of model."""

from __future__ import annotations

import typing
from collections import deque
from collections.abc import Collection, Iterable, MutableSequence, MutableSet, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, NamedTuple, NotRequired, Optional, TypedDict
from uuid import UUID

import msgspec
import pydantic
import pytest

from flask_datastar.models.conversion import make_converter
from flask_datastar.models.kinds import find_converter, model_of
from flask_datastar.models.misfits import Misfits

ID = "12345678-1234-5678-1234-567812345678"


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class OrNone(Enum):
    NONE = ""
    RED = "red"


@dataclass(frozen=True)
class Tag:
    name: str


def convert(annotation: Any, value: object) -> Any:
    return make_converter(annotation, find_converter).convert(value)


def misfits(annotation: Any, value: object) -> dict[str, str]:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        convert(annotation, value)
    return caught.value.errors if isinstance(caught.value, Misfits) else {"": str(caught.value)}


# Blanks: the client sends "" for each unticked checkbox of a group.


@pytest.mark.parametrize(
    ("item", "given", "expected"),
    [
        (int, "2", 2),
        (float, "2.5", 2.5),
        (bool, True, True),
        (Decimal, "1.50", Decimal("1.50")),
        (date, "2026-11-21", date(2026, 11, 21)),
        (UUID, ID, UUID(ID)),
        (Colour, "red", Colour.RED),
        (Literal["a", "b"], "a", "a"),
        (Annotated[int, "marked"], "2", 2),
        (int | Decimal, "1.5", Decimal("1.5")),
        (dict, {"a": 1}, {"a": 1}),
        (Tag, {"name": "a"}, Tag("a")),
        (list[int], ["1", ""], [1]),
    ],
)
def test_blanks_are_left_out_where_items_take_no_text(item: Any, given: object, expected: object) -> None:
    annotation = list[item]

    assert convert(annotation, ["", given, ""]) == [expected]
    assert convert(annotation, ["", "", ""]) == []
    assert convert(annotation | None, ["", given]) == [expected]
    assert convert(Optional[annotation], ["", ""]) == []  # noqa: UP045
    assert convert(dict[str, annotation], {"a": ["", given]}) == {"a": [expected]}


@pytest.mark.parametrize(
    ("annotation", "given", "expected"),
    [
        (list[str], ["", "a"], ["", "a"]),
        (list, ["", 1], ["", 1]),
        (list[Any], ["", None], ["", None]),
        (list[str | int], ["", 1], ["", "1"]),
        (list[OrNone], ["", "red"], [OrNone.NONE, OrNone.RED]),
        (list[Literal["", "a"]], ["", "a"], ["", "a"]),
        (list[int | None], ["", "1"], [None, 1]),
        (tuple[str, int], ["", "1"], ("", 1)),
    ],
)
def test_blanks_that_are_values_are_kept(annotation: Any, given: object, expected: object) -> None:
    assert convert(annotation, given) == expected


def test_a_null_is_no_blank() -> None:
    assert misfits(list[int], ["", None, "1"]) == {"1": "missing"}


def test_misfits_are_named_by_the_place_that_they_came_at() -> None:
    assert misfits(list[int], ["", "x", "", "y"]) == {
        "1": "expected a whole number, got 'x'",
        "3": "expected a whole number, got 'y'",
    }


# Objects with index keys: what data-bind="rows.0.name" makes where there is no list.


def test_objects_with_index_keys_are_lists() -> None:
    rows = {"1": {"name": "d"}, "0": {"name": "c"}}

    assert convert(list[Tag], rows) == [Tag("c"), Tag("d")]
    assert convert(list[dict], rows) == convert(list, rows) == [{"name": "c"}, {"name": "d"}]
    assert convert(list[int], {"0": "2", "1": "", "2": "3"}) == [2, 3]
    assert convert(list[str], {str(index): "" for index in range(12)}) == [""] * 12
    assert convert(list[list[int]], {"0": {"0": "1"}, "1": ["2"]}) == [[1], [2]]
    assert convert(list[int] | None, {"0": "1"}) == [1]
    assert convert(list[int], {}) == []
    assert convert(Tag | list[Tag], rows) == [Tag("c"), Tag("d")]
    assert convert(set[int] | Tag, {"0": "1"}) == {1}
    # With a gap it is no list, and the model says what it lacks.
    assert misfits(Tag | list[Tag], {"0": {"name": "a"}, "2": {}}) == {"name": "missing"}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"0": 1, "2": 1}, "expected a list, or an object with the keys 0 to n-1, but the key '1' is missing"),
        ({"1": 1}, "expected a list, or an object with the keys 0 to n-1, but the key '0' is missing"),
        ({"0": 1, "name": 1}, "expected a list, or an object with the keys 0 to n-1, got the key 'name' among them"),
        ({"0": 1, "": 1}, "expected a list, or an object with the keys 0 to n-1, got the key '' among them"),
        ({"0": 1, "01": 1}, "expected a list, or an object with the keys 0 to n-1, got the key '01' among them"),
        ({"0": 1, "1٣": 1}, "expected a list, or an object with the keys 0 to n-1, got the key '1٣' among them"),
        ({"0": 1, "9" * 5000: 1}, "expected a list, or an object with the keys 0 to n-1, got the key '9999"),
    ],
)
@pytest.mark.parametrize("annotation", [list[int], list, list[dict], set[int], tuple[int, ...], list[Tag]])
def test_gaps_and_other_keys_are_told(annotation: Any, value: object, message: str) -> None:
    (text,) = misfits(annotation, value).values()

    assert text.startswith(message)
    assert len(text) < 200


def test_other_objects_are_a_list_of_one() -> None:
    assert convert(list[Tag], {"name": "a"}) == [Tag("a")]
    assert convert(list, {"01": 1}) == [{"01": 1}]


def test_objects_stay_objects_where_one_is_asked_for() -> None:
    assert convert(dict[int, int], {"0": "1"}) == {0: 1}
    assert convert(dict, {"0": "1"}) == {"0": "1"}
    assert convert(Any, {"0": "1"}) == {"0": "1"}
    assert convert(dict[str, int] | list[int], {"0": "1"}) == {"0": 1}


# Other containers


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (set[int], {1, 2}),
        (typing.Set[int], {1, 2}),  # noqa: UP006
        (MutableSet[int], {1, 2}),
        (AbstractSet[int], {1, 2}),
        (frozenset[int], frozenset({1, 2})),
        (tuple[int, ...], (1, 2, 1)),
        (tuple[int, str, Any], (1, "2", 1)),
        (Sequence[int], [1, 2, 1]),
        (MutableSequence[int], [1, 2, 1]),
        (Collection[int], [1, 2, 1]),
        (Iterable[int], [1, 2, 1]),
        (deque[int], deque([1, 2, 1])),
        (set, {1, 2}),
        (tuple, (1, 2, 1)),
        (typing.Tuple, (1, 2, 1)),  # noqa: UP006
        (set[int] | None, {1, 2}),
    ],
)
def test_lists_become_other_containers(annotation: Any, expected: object) -> None:
    for value in ([1, 2, 1], {"0": 1, "1": 2, "2": 1}):
        found = convert(annotation, value)

        assert found == expected
        assert type(found) is type(expected)
    assert make_converter(annotation).is_list


def test_containers_leave_blanks_out() -> None:
    assert convert(set[int], ["", "1"]) == {1}
    assert convert(frozenset[Colour], ["", "red", "red"]) == {Colour.RED}
    assert convert(tuple[int, ...], ["", "1"]) == (1,)
    assert convert(set[str], ["", "a"]) == {"", "a"}
    assert convert(set[int], "1") == {1}


def test_places_of_a_tuple_have_their_own_types() -> None:
    assert convert(tuple[int, date], ["1", "2026-11-21"]) == (1, date(2026, 11, 21))
    assert convert(tuple[int, str | None], ["1", None]) == (1, None)
    assert convert(tuple[()], []) == ()
    assert misfits(tuple[int, date], ["x", ""]) == {"0": "expected a whole number, got 'x'", "1": "missing"}
    assert misfits(tuple[int, date], ["1"]) == {"": "expected 2 values, got 1"}
    assert misfits(tuple[int], ["1", "2"]) == {"": "expected 1 values, got 2"}


def test_what_has_no_hash_is_in_no_set() -> None:
    @dataclass
    class Plain:
        name: str

    class Keys(TypedDict):
        name: str

    for annotation in (
        set[list[int]],
        set[dict],
        frozenset[Plain],
        set[Keys],
        dict[list[int], int],
        set[Annotated[list, 1]],
    ):
        with pytest.raises(TypeError, match="has no hash, which the items of a set and the keys of a dict need; use a"):
            make_converter(annotation, find_converter)
    assert convert(set[Tag], [{"name": "a"}, {"name": "a"}]) == {Tag("a")}
    assert misfits(set, [["a"]]) == {"": "expected values that can be in a set, got [['a']]"}


def test_frozen_values_with_lists_in_them_are_in_no_set() -> None:
    @dataclass(frozen=True)
    class Group:
        names: list[str]

    assert misfits(set[Group], [{"names": ["a"]}])[""].startswith("expected values that can be in a set, got [")


# Named tuples


class Point(NamedTuple):
    x: int
    y: int = 0


class Line(NamedTuple):
    start: Point
    end: Point


def test_named_tuples_are_read_by_name_and_by_place() -> None:
    assert convert(Point, {"x": "1"}) == Point(1)
    assert convert(Point, ["1", "2"]) == convert(Point, {"0": "1", "1": "2"}) == Point(1, 2)
    assert convert(list[Point], [["1"], {"x": 2, "y": 3}]) == [Point(1), Point(2, 3)]
    assert convert(Line, {"start": [1], "end": {"x": 2}}) == Line(Point(1), Point(2))
    assert misfits(Line, {"start": ["x"], "end": {}}) == {
        "start.x": "expected a whole number, got 'x'",
        "end.x": "missing",
    }
    assert misfits(Point, [1, 2, 3]) == {"": "expected at most 2 values, got 3"}
    model = model_of(Line)
    assert model is not None
    assert model.defaults() == {"start": {"x": 0, "y": 0}, "end": {"x": 0, "y": 0}}


def test_named_tuples_may_be_in_pydantic_models() -> None:
    class Holder(pydantic.BaseModel):
        point: Point

    for value in ({"0": "1", "1": "2"}, ["1", "2"], {"x": "1", "y": "2"}):
        assert bind(Holder, {"point": value}).point == Point(1, 2)
    assert bind(Holder, {"point": {"x": "1", "y": ""}}).point == Point(1)


# The same in every kind of model


@dataclass
class Row:
    name: str = "none"
    ids: list[int] = field(default_factory=list)


@dataclass
class Page:
    rows: list[Row] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    maybe: list[int] | None = None
    sets: set[int] = field(default_factory=set)
    pair: tuple[int, str] = (0, "")
    names: list[str] = field(default_factory=list)
    by_name: dict[str, list[int]] = field(default_factory=dict)
    nested: list[list[int]] = field(default_factory=list)


class RowDict(TypedDict):
    name: NotRequired[str]
    ids: NotRequired[list[int]]


class PageDict(TypedDict, total=False):
    rows: list[RowDict]
    ids: list[int]
    maybe: list[int] | None
    sets: set[int]
    pair: tuple[int, str]
    names: list[str]
    by_name: dict[str, list[int]]
    nested: list[list[int]]


class RowModel(pydantic.BaseModel):
    name: str = "none"
    ids: list[int] = []


class PageModel(pydantic.BaseModel):
    rows: list[RowModel] = []
    ids: list[int] = []
    maybe: list[int] | None = None
    sets: set[int] = set()
    pair: tuple[int, str] = (0, "")
    names: list[str] = []
    by_name: dict[str, list[int]] = {}
    nested: list[list[int]] = []


class MarkedModel(pydantic.BaseModel):
    rows: list[Row] = []
    ids: list[pydantic.PositiveInt] = []
    maybe: Annotated[list[int], pydantic.Field(max_length=5)] | None = None
    sets: pydantic.conset(int, max_length=5) = set()  # type: ignore[valid-type]
    pair: tuple[int, str] = (0, "")
    names: pydantic.conlist(str) = []  # type: ignore[valid-type]
    by_name: dict[str, pydantic.conlist(int)] = {}  # type: ignore[valid-type]
    nested: list[pydantic.conlist(int)] = []  # type: ignore[valid-type]


class RowStruct(msgspec.Struct):
    name: str = "none"
    ids: list[int] = []


class PageStruct(msgspec.Struct):
    rows: list[RowStruct] = []
    ids: list[int] = []
    maybe: list[int] | None = None
    sets: set[int] = set()
    pair: tuple[int, str] = (0, "")
    names: list[str] = []
    by_name: dict[str, list[int]] = {}
    nested: list[list[int]] = []


Few = Annotated[list[int], msgspec.Meta(max_length=5)]


class MarkedStruct(msgspec.Struct):
    rows: Annotated[list[RowStruct], msgspec.Meta(max_length=5)] = []
    ids: Few = []
    maybe: Few | None = None
    sets: Annotated[set[int], msgspec.Meta(max_length=5)] = set()
    pair: tuple[int, str] = (0, "")
    names: Annotated[list[str], msgspec.Meta(max_length=5)] = []
    by_name: dict[str, Few] = {}
    nested: list[Few] = []


each_kind = pytest.mark.parametrize("cls", [Page, PageDict, PageModel, MarkedModel, PageStruct, MarkedStruct])


def bind(cls: Any, value: dict[str, Any]) -> Any:
    model = model_of(cls)
    assert model is not None
    return model.bind(value)


def part(value: Any, name: str) -> Any:
    return value[name] if isinstance(value, dict) else getattr(value, name)


@each_kind
def test_every_kind_of_model_leaves_blanks_out(cls: Any) -> None:
    page = bind(
        cls,
        {
            "rows": [{"name": "a", "ids": ["", "2"]}, ""],
            "ids": ["", "2", ""],
            "maybe": ["", ""],
            "sets": ["", "1", "1"],
            "pair": ["1", ""],
            "names": ["", "a"],
            "by_name": {"a": ["", "1"]},
            "nested": [["", "1"], ["", ""]],
        },
    )

    assert [(part(row, "name"), part(row, "ids")) for row in part(page, "rows")] == [("a", [2])]
    assert (part(page, "ids"), part(page, "maybe"), part(page, "sets")) == ([2], [], {1})
    assert (part(page, "pair"), part(page, "names")) == ((1, ""), ["", "a"])
    assert (part(page, "by_name"), part(page, "nested")) == ({"a": [1]}, [[1], []])


@each_kind
def test_every_kind_of_model_takes_objects_with_index_keys(cls: Any) -> None:
    page = bind(
        cls,
        {
            "rows": {"0": {"name": "c", "ids": {"0": "2", "1": ""}}, "1": {"name": "d"}},
            "ids": {"0": "", "1": "2"},
            "maybe": {"0": "1"},
            "sets": {"0": "1"},
            "pair": {"0": "1", "1": "x"},
            "names": {"0": "a", "1": ""},
            "by_name": {"a": {"0": "1"}},
            "nested": {"0": {"0": "1"}},
        },
    )

    assert [part(row, "name") for row in part(page, "rows")] == ["c", "d"]
    assert part(part(page, "rows")[0], "ids") == [2]
    assert (part(page, "ids"), part(page, "maybe"), part(page, "sets")) == ([2], [1], {1})
    assert (part(page, "pair"), part(page, "names")) == ((1, "x"), ["a", ""])
    assert (part(page, "by_name"), part(page, "nested")) == ({"a": [1]}, [[1]])


@each_kind
@pytest.mark.parametrize("odd", ["2", "x"])
def test_every_kind_of_model_names_the_path_of_a_gap(cls: Any, odd: str) -> None:
    wrong = {"0": {"ids": {"0": "1", odd: "1"}}, "1": {}}

    with pytest.raises(Misfits) as caught:
        bind(cls, {"rows": wrong, "ids": {"0": "1", odd: "1"}, "by_name": {"a": {odd: "1", "0": "1"}}})

    assert set(caught.value.errors) == {"rows.0.ids", "ids", "by_name.a"}
    assert all("an object with the keys 0 to n-1" in text for text in caught.value.errors.values())


@dataclass
class Choices:
    text: list[int] | str = ""
    lists: list[int] | list[str] | None = None
    either: dict[str, int] | list[int] | None = None
    both: Row | list[Row] | None = None


class ChoicesModel(pydantic.BaseModel):
    text: list[int] | str = ""
    lists: list[int] | list[str] | None = None
    either: dict[str, int] | list[int] | None = None
    both: RowModel | list[RowModel] | None = None


class ChoicesStruct(msgspec.Struct):
    # With a mark, so that msgspec converts them itself.
    text: Annotated[list[int] | str, "marked"] = ""
    lists: Annotated[list[str] | None, "marked"] = None
    either: Annotated[dict[str, int] | None, "marked"] = None


@pytest.mark.parametrize("cls", [Choices, ChoicesModel, ChoicesStruct])
def test_lists_among_other_types(cls: Any) -> None:
    found = bind(cls, {"text": {"0": "1", "1": ""}, "lists": {"0": "a", "1": ""}, "either": {"0": "1"}})
    assert (found.text, found.lists, found.either) == ([1], ["a", ""], {"0": 1})
    found = bind(cls, {"text": "plain", "lists": ["", "a"]})
    assert (found.text, found.lists) == ("plain", ["", "a"])
    assert bind(cls, {"text": ["", "1"]}).text == [1]
    if cls is not ChoicesStruct:
        assert [row.name for row in bind(cls, {"both": {"0": {"name": "a"}, "1": {}}}).both] == ["a", "none"]
        assert bind(cls, {"both": {"name": "a", "ids": {"0": "1"}}}).both.ids == [1]
        assert bind(cls, {"lists": []}).lists == []


@each_kind
def test_every_kind_of_model_refuses_tuples_of_another_length(cls: Any) -> None:
    for pair in ([1], [1, "a", 2], {"0": 1}, []):
        with pytest.raises(Misfits) as caught:
            bind(cls, {"pair": pair})
        assert {path.partition(".")[0] for path in caught.value.errors} == {"pair"}


@each_kind
def test_every_kind_of_model_names_the_place_that_an_item_came_at(cls: Any) -> None:
    with pytest.raises(Misfits) as caught:
        bind(cls, {"ids": ["", "x"]})
    assert set(caught.value.errors) == {"ids.1"}

    with pytest.raises(Misfits) as caught:
        bind(cls, {"rows": ["", {"ids": ["", "", "x"]}]})
    assert set(caught.value.errors) == {"rows.1.ids.2"}


@each_kind
def test_every_kind_of_model_takes_a_lone_value_as_a_list(cls: Any) -> None:
    page = bind(cls, {"ids": 2, "maybe": "2", "sets": "2", "names": "a"})

    assert (part(page, "ids"), part(page, "maybe")) == ([2], [2])
    assert (part(page, "sets"), part(page, "names")) == ({2}, ["a"])


# msgspec alone converts what is inside of a field with constraints.
@pytest.mark.parametrize("cls", [Page, PageDict, PageModel, MarkedModel, PageStruct])
def test_lone_values_inside_of_others_are_lists(cls: Any) -> None:
    page = bind(cls, {"rows": [{"ids": "3"}], "by_name": {"a": 1, "b": [1]}, "nested": ["1", [2]]})

    assert [part(row, "ids") for row in part(page, "rows")] == [[3]]
    assert (part(page, "by_name"), part(page, "nested")) == ({"a": [1], "b": [1]}, [[1], [2]])

    with pytest.raises(Misfits) as caught:
        bind(cls, {"ids": "x", "by_name": {"a": "y"}})
    assert {path.removesuffix(".0") for path in caught.value.errors} == {"ids", "by_name.a"}


def test_a_validator_that_splits_a_text_gets_the_text() -> None:
    class Split(pydantic.BaseModel):
        tags: Annotated[list[str], pydantic.BeforeValidator(lambda value: value.split(","))]
        both: list[int] | str = ""

    found = bind(Split, {"tags": "a,b", "both": "plain"})

    assert (found.tags, found.both) == (["a", "b"], "plain")
