"""Annotations behind other names, generic classes, and pydantic's models of one value."""

from __future__ import annotations

import dataclasses
from dataclasses import InitVar, dataclass, field
from datetime import date
from typing import Annotated, Any, Final, Generic, NamedTuple, NewType, NotRequired, Optional, Self, TypedDict, TypeVar

import msgspec
import pydantic
import pytest
import typing_extensions

from flask_datastar.models.conversion import make_converter
from flask_datastar.models.kinds import begin_signals, find_converter, model_of, required_model
from flask_datastar.models.misfits import Misfits

T = TypeVar("T")
S = TypeVar("S")
Small = TypeVar("Small", bound=int)
Either = TypeVar("Either", int, date)
Usual = typing_extensions.TypeVar("Usual", default=int)

UserId = NewType("UserId", int)
Many = typing_extensions.TypeAliasType("Many", list[T], type_params=(T,))
Whole = typing_extensions.TypeAliasType("Whole", int)


@dataclass
class Box(Generic[T]):
    value: T
    more: list[T] = field(default_factory=list)
    times: InitVar[T | None] = None


@dataclass
class One(Generic[T]):
    value: T
    next: dict[str, One[T]] = field(default_factory=dict)


@dataclass
class IntBox(Box[int]):
    name: str = ""


@dataclass
class Pair(Box[int], Generic[T]):
    other: T | None = None


@dataclass
class Shelf(Generic[T, S]):
    boxes: list[Box[T]]
    label: S


@dataclass
class Node(Generic[T]):
    value: T
    children: list[Node[T]] = field(default_factory=list)


@dataclass
class Bound(Generic[Small, Either, Usual]):
    small: Small
    either: Either
    usual: Usual


@dataclass(init=False)
class Made(Generic[T]):
    value: T

    def __init__(self, value: T, extra: T | None = None) -> None:
        self.value = value if extra is None else extra


class BoxDict(TypedDict, Generic[T]):
    value: T
    more: NotRequired[list[T]]


class IntBoxDict(BoxDict[int]):
    name: str


class BoxTuple(NamedTuple, Generic[T]):
    value: T
    more: list[T] = []  # noqa: RUF012


class BoxModel(pydantic.BaseModel, Generic[T]):
    value: T
    more: list[T] = []


class BoxStruct(msgspec.Struct, Generic[T]):
    value: T
    more: list[T] = []


class IntBoxStruct(BoxStruct[int]):
    name: str = ""


def convert(annotation: Any, value: object) -> Any:
    return make_converter(annotation, find_converter).convert(value)


def part(value: Any, name: str) -> Any:
    return value[name] if isinstance(value, dict) else getattr(value, name)


@pytest.mark.parametrize(
    ("annotation", "value", "expected"),
    [
        (UserId, "7", 7),
        (list[UserId], ["", "7"], [7]),
        (dict[UserId, UserId], {"1": "2"}, {1: 2}),
        (Many[int], ["", "7"], [7]),
        (Many[UserId] | None, ["7"], [7]),
        (Whole, "7", 7),
        (Final[int], "7", 7),
        (Annotated[UserId, "marked", []], "7", 7),
        (set[Annotated[UserId, "marked"]], ["7"], {7}),
    ],
)
def test_types_behind_other_names_are_found(annotation: Any, value: object, expected: object) -> None:
    assert convert(annotation, value) == expected


@pytest.mark.parametrize("cls", [Box, BoxDict, BoxTuple, BoxModel, BoxStruct])
def test_generic_models_have_the_types_that_they_are_given(cls: Any) -> None:
    for value in ({"value": "1", "more": ["", "2"]}, {"value": "1", "more": {"0": "2"}}):
        box = convert(cls[int], value)

        assert isinstance(box, dict if cls is BoxDict else cls)
        assert (part(box, "value"), part(box, "more")) == (1, [2])
    assert part(convert(cls[date], {"value": "2026-11-21"}), "value") == date(2026, 11, 21)
    assert [part(box, "value") for box in convert(list[cls[int]], {"0": {"value": "1"}})] == [1]
    assert convert(cls[int] | None, {"value": "1"}) is not None
    with pytest.raises(Misfits) as caught:
        convert(dict[str, cls[int]], {"a": {"value": "x"}})
    assert set(caught.value.errors) == {"a.value"}


@pytest.mark.parametrize("cls", [IntBox, IntBoxDict, IntBoxStruct])
def test_classes_that_inherit_from_generic_models_know_the_types(cls: Any) -> None:
    box = convert(cls, {"value": "1", "more": ["2"], "name": "a"})

    assert (part(box, "value"), part(box, "more"), part(box, "name")) == (1, [2], "a")


def test_a_type_variable_means_in_each_class_what_it_means_there() -> None:
    pair = convert(Pair[date], {"value": "1", "other": "2026-11-21"})

    assert (pair.value, pair.other) == (1, date(2026, 11, 21))


def test_generic_models_may_be_nested() -> None:
    shelf = convert(Shelf[int, date], {"boxes": [{"value": "1", "more": ["2"]}], "label": "2026-11-21"})
    assert shelf == Shelf([Box(1, [2])], date(2026, 11, 21))

    node = convert(Node[int], {"value": "1", "children": [{"value": "2", "children": [{"value": "3"}]}]})
    assert node == Node(1, [Node(2, [Node(3)])])

    assert convert(Box[list[int]], {"value": ["", "1"]}).value == [1]
    assert convert(Box[BoxModel[int]], {"value": {"value": "1"}}).value == BoxModel[int](value=1)
    # A mark without a hash.
    assert convert(One[Annotated[int, []]], {"value": "1", "next": {"a": {"value": "2"}}}).next["a"].value == 2


def test_parameters_of_an_init_of_its_own_have_the_types_too() -> None:
    assert convert(Made[int], {"value": "1", "extra": "2"}).value == 2


def test_type_variables_that_nothing_was_given_for() -> None:
    bound = convert(Bound, {"small": "1", "either": "2026-11-21", "usual": "3"})
    assert (bound.small, bound.either, bound.usual) == (1, date(2026, 11, 21), 3)

    with pytest.raises(
        TypeError, match=r"Box.value: annotation ~T is not one of .*; give the class its types, as in Bo"
    ):
        model_of(Box)


def test_generic_models_are_models() -> None:
    model = model_of(Box[int])

    assert model is not None
    assert model is model_of(Box[int])
    assert model.paths() == ("_", "value", "more", "times")
    assert begin_signals(Box[int], {"value": 5}) == {"value": 5, "more": [], "times": ""}
    assert dataclasses.is_dataclass(Box)


# pydantic's models of one value


class Ids(pydantic.RootModel[list[int]]):
    pass


class Row(pydantic.BaseModel):
    name: str = "none"
    ids: Ids = Ids([])


class Rows(pydantic.RootModel[list[Row]]):
    @pydantic.model_validator(mode="after")
    def check(self) -> Rows:
        if len(self.root) > 2:
            raise ValueError("more than two rows")
        return self


class Prices(pydantic.RootModel[dict[str, int]]):
    pass


class Wrapped(pydantic.RootModel[Row]):
    pass


class Tree(pydantic.RootModel["list[Tree]"]):
    pass


class Day(pydantic.RootModel[date]):
    pass


def test_root_models_of_lists_are_lists() -> None:
    assert convert(Ids, ["", "2"]) == Ids([2])
    assert convert(Ids, {"0": "1", "1": ""}) == Ids([1])
    assert convert(Ids | None, "7") == Ids([7])
    assert make_converter(Ids, find_converter).is_list
    assert convert(Rows, {"0": {"name": "c", "ids": {"0": "1"}}, "1": {}}) == Rows([Row(name="c", ids=Ids([1])), Row()])
    assert convert(Tree, [[], [[]]]) == Tree([Tree([]), Tree([Tree([])])])
    assert convert(Day, "2026-11-21") == Day(date(2026, 11, 21))


def test_root_models_name_the_paths_of_misfits() -> None:
    for annotation, value, path in (
        (Ids, ["", "x"], "1"),
        (dict[str, Ids], {"a": ["", "x"]}, "a.1"),
        (dict[str, Rows], {"a": ["", {"ids": ["x"]}]}, "a.1.ids.0"),
        (dict[str, Ids], {"a": {"0": "1", "2": "1"}}, "a"),
        (dict[str, Rows], {"a": [{}, {}, {}]}, "a"),
    ):
        with pytest.raises(Misfits) as caught:
            convert(annotation, value)
        assert set(caught.value.errors) == {path}


def test_root_models_of_objects_may_be_all_signals() -> None:
    prices = required_model(Prices)
    wrapped = required_model(Wrapped)

    assert prices.bind_signals({"a": "1"}) == Prices({"a": 1})
    assert (prices.paths(), prices.defaults()) == (("_",), {})
    assert wrapped.bind_signals({"name": "a", "ids": ["", "1"]}) == Wrapped(Row(name="a", ids=Ids([1])))
    assert (wrapped.paths(), wrapped.defaults()) == (("_", "name", "ids"), {"name": "none", "ids": []})
    for cls in (Ids, Rows, Day, Tree):
        assert model_of(cls) is None
        with pytest.raises(
            TypeError, match="is not a model; accepted: a dataclass, a TypedDict, a pydantic or msgspec mo"
        ):
            required_model(cls)


@dataclass
class Person:
    name: str
    boss: Self | None = None
    friends: list[Self] = field(default_factory=list)
    others: dict[str, Annotated[list[Self], "marked"]] | None = None
    pair: Optional[tuple[Self, int]] = None  # noqa: UP045


@dataclass
class Employee(Person):
    number: int = 0


class PersonModel(pydantic.BaseModel):
    name: str
    friends: list[Self] = []
    ids: list[int] = []


def test_self_is_the_class_that_was_asked_for() -> None:
    friends = {"0": {"name": "b", "friends": {"0": {"name": "c"}}}}

    found = convert(Person, {"name": "a", "boss": {"name": "b"}, "friends": friends, "others": {"x": [{"name": "d"}]}})
    assert found == Person("a", Person("b"), [Person("b", None, [Person("c")])], {"x": [Person("d")]})
    assert convert(Person, {"name": "a", "pair": [{"name": "b"}, "1"]}).pair == (Person("b"), 1)
    assert convert(Employee, {"name": "a", "boss": {"name": "b", "number": "2"}}).boss == Employee("b", number=2)
    assert convert(Box[Person], {"value": {"name": "a", "boss": {"name": "b"}}}).value.boss == Person("b")
    inner = {"0": {"name": "b", "friends": {"0": {"name": "c", "ids": ["", "2"]}}}}
    assert convert(PersonModel, {"name": "a", "friends": inner}).friends[0].friends[0].ids == [2]
