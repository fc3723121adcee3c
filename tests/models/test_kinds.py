"""Signals made into models: the same rules for each kind, what is said of values that do not fit, the defaults."""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import InitVar, dataclass, field, make_dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Generic, Literal, NotRequired, Optional, Required, TypedDict, TypeVar
from uuid import UUID

import msgspec
import pydantic
import pytest
import typing_extensions

from flask_datastar.models import kinds
from flask_datastar.models.conversion import make_converter
from flask_datastar.models.kinds import AnyModel, begin_signals, find_converter, model_of
from flask_datastar.models.misfits import MAX_MISFITS, Misfits
from flask_datastar.models.signal import Signal
from tests.models.inherited import Dated, DatedDict, MadeByHand

ID = "12345678-1234-5678-1234-567812345678"
T = TypeVar("T")


class Size(Enum):
    SMALL = "S"
    LARGE = "L"


# The same order, four times.


@dataclass(frozen=True)
class Row:
    name: str
    price: Decimal
    count: int = 1


@dataclass(kw_only=True)
class Order:
    person: str
    rows: list[Row]
    main: Row
    note: str | None
    size: Size = Size.SMALL
    due: date | None = None
    tags: list[str] = field(default_factory=lambda: ["new"])


class RowDict(TypedDict):
    name: str
    price: Decimal
    count: NotRequired[int]


class OrderDict(TypedDict, total=False):
    person: Required[str]
    rows: Required[list[RowDict]]
    main: Required[RowDict]
    note: Required[str | None]
    size: Size
    due: date | None
    tags: list[str]


class RowModel(pydantic.BaseModel):
    name: str
    price: Decimal
    count: int = 1


class OrderModel(pydantic.BaseModel):
    person: str
    rows: list[RowModel]
    main: RowModel
    note: str | None
    size: Size = Size.SMALL
    due: date | None = None
    tags: list[str] = pydantic.Field(default_factory=lambda: ["new"])


class RowStruct(msgspec.Struct):
    name: str
    price: Decimal
    count: int = 1


class OrderStruct(msgspec.Struct):
    person: str
    rows: list[RowStruct]
    main: RowStruct
    note: str | None
    size: Size = Size.SMALL
    due: date | None = None
    tags: list[str] = msgspec.field(default_factory=lambda: ["new"])


ORDERS = [Order, OrderDict, OrderModel, OrderStruct]
each_order = pytest.mark.parametrize("cls", ORDERS)
GIVEN = {
    "person": "Ada",
    "rows": [{"name": "Tea", "price": "1.50", "count": 2}, {"name": "Cake", "price": 3}],
    "main": {"name": "Tea", "price": "1.50", "unknown": 1},
    "size": "L",
    "due": "2026-11-21",
    "tags": ["a", "b"],
    "page": {"scroll": 3},
}


def model(cls: Any) -> AnyModel:
    found = model_of(cls)
    assert found is not None
    return found


def bind(cls: Any, value: object) -> Any:
    return model(cls).bind(value)


def misfits(cls: Any, value: object) -> dict[str, str]:
    with pytest.raises(Misfits) as caught:
        bind(cls, value)
    return caught.value.errors


def part(value: Any, name: str) -> Any:
    return value[name] if isinstance(value, dict) else getattr(value, name)


@each_order
def test_signals_become_the_model(cls: Any) -> None:
    order = bind(cls, GIVEN)

    assert isinstance(order, dict if cls is OrderDict else cls)
    assert part(order, "person") == "Ada"
    assert [part(row, "price") for row in part(order, "rows")] == [Decimal("1.50"), Decimal(3)]
    assert part(part(order, "rows")[0], "count") == 2
    assert part(part(order, "main"), "name") == "Tea"
    assert part(order, "note") is None
    assert part(order, "size") is Size.LARGE
    assert part(order, "due") == date(2026, 11, 21)
    assert part(order, "tags") == ["a", "b"]


@pytest.mark.parametrize("cls", [Order, OrderModel, OrderStruct])
def test_what_did_not_come_has_its_default(cls: Any) -> None:
    order = bind(cls, {"person": "Ada", "rows": [], "main": {"name": "Tea", "price": 1}, "size": "", "due": ""})

    assert (order.size, order.due, order.tags, order.main.count) == (Size.SMALL, None, ["new"], 1)


def make_class(kind: str, annotation: Any) -> Any:
    """Create a model with a field ``v``."""
    if kind == "pydantic":
        return pydantic.create_model("Made", v=(annotation, ...))
    if kind == "msgspec":
        return msgspec.defstruct("Made", [("v", annotation)])
    if kind == "TypedDict":
        return TypedDict("Made", {"v": annotation})  # type: ignore[operator]
    return make_dataclass("Made", [("v", annotation)])


class Level(Enum):
    LOW = 1


@pytest.mark.parametrize("kind", ["pydantic", "msgspec", "TypedDict", "dataclass"])
@pytest.mark.parametrize(
    ("annotation", "given", "expected"),
    [
        (list[date | None], ["", "2026-11-21", ""], [None, date(2026, 11, 21), None]),
        (list[int | None], {"0": "", "1": "2"}, [None, 2]),
        (tuple[date | None, int], ["", "2"], (None, 2)),
        (dict[str, Decimal | None], {"a": "", "b": "1.5"}, {"a": None, "b": Decimal("1.5")}),
        (list[list[float | None]], [["", "1.5"]], [[None, 1.5]]),
        (Literal[1, 2], "2", 2),
        (list[Literal[1, 2]], ["", "2"], [2]),
        (Level, "1", Level.LOW),
        (list[Level | None], ["", "1"], [None, Level.LOW]),
    ],
)
def test_blanks_and_choices_mean_the_same_in_all_models(
    kind: str, annotation: Any, given: object, expected: object
) -> None:
    assert part(bind(make_class(kind, annotation), {"v": given}), "v") == expected


def test_member_of_an_enum_may_be_a_literal() -> None:
    convert = make_converter(Literal[Size.LARGE, "all"]).convert

    assert [convert("L"), convert("all")] == [Size.LARGE, "all"]
    with pytest.raises(ValueError, match="expected one of 'L', 'all', got 'S'"):
        convert("S")


def test_keys_that_are_not_required_are_absent() -> None:
    order = bind(OrderDict, {"person": "Ada", "rows": [], "main": {"name": "Tea", "price": 1}, "size": ""})

    assert order == {"person": "Ada", "rows": [], "main": {"name": "Tea", "price": Decimal(1)}, "note": None}


@each_order
def test_all_that_does_not_fit_is_named_by_its_path(cls: Any) -> None:
    rows = [{"name": "Tea", "price": 1}, {"price": 2}, {"name": "Cake", "price": "dear", "count": "x"}]

    errors = misfits(
        cls, {"rows": rows, "main": {"name": [], "price": ""}, "size": "XL", "due": "noon", "tags": [1, {}]}
    )

    paths = {
        "person",
        "rows.1.name",
        "rows.2.price",
        "rows.2.count",
        "main.name",
        "main.price",
        "size",
        "due",
        "tags.1",
    }
    # pydantic and msgspec take no number for a text.
    assert set(errors) - {"tags.0"} <= paths
    assert paths - {"tags.1"} <= set(errors)
    assert errors["person"] == errors["rows.1.name"] == errors["main.price"] == "missing"


def test_messages_say_what_was_expected() -> None:
    errors = misfits(Order, {"person": 1, "rows": 7, "main": {"name": "a", "price": "b"}, "size": "XL", "due": "noon"})

    assert errors == {
        "rows.0": "expected an object, got 7",
        "main.price": "expected a decimal number, got 'b'",
        "size": "expected one of 'S', 'L', got 'XL'",
        "due": "expected a date such as 2026-11-21, got 'noon'",
    }


@each_order
def test_a_nested_model_that_did_not_come_misses_its_fields(cls: Any) -> None:
    # The browser leaves empty objects out.
    errors = misfits(cls, {"person": "Ada", "rows": []})

    assert errors == {"main.name": "missing", "main.price": "missing"}


@each_order
@pytest.mark.parametrize("value", [None, 7, "text", [], [{}], True])
def test_what_is_no_object_is_refused(cls: Any, value: object) -> None:
    with pytest.raises(ValueError, match="expected an object, got"):
        bind(cls, value)


@each_order
def test_messages_are_limited(cls: Any) -> None:
    errors = misfits(cls, {"person": "Ada", "main": {"name": "Tea", "price": 1}, "rows": [{"name": "a"}] * 5000})

    assert 1 <= len(errors) <= MAX_MISFITS
    assert errors["rows.0.price"] == "missing"


@each_order
def test_names_from_outside_are_cut_in_paths(cls: Any) -> None:
    errors = misfits(cls, {"person": {"x" * 5000: 1}, "rows": [], "main": {"name": "Tea", "price": {"y" * 5000: 1}}})

    assert set(errors) == {"person", "main.price"}
    assert all(len(text) < 300 for text in errors.values())


@each_order
def test_defaults_are_signals(cls: Any) -> None:
    row = {"name": "", "price": 0, "count": 0 if cls is OrderDict else 1}
    known = {} if cls is OrderDict else {"size": "S", "tags": ["new"]}

    expected = {"person": "", "rows": [], "main": row, "note": "", "size": "", "due": "", "tags": [], **known}
    assert model(cls).defaults() == expected


@each_order
def test_paths_are_those_of_all_fields(cls: Any) -> None:
    paths = ("_", "person", "rows._", "main._", "main.name", "main.price", "main.count", "note", "size", "due", "tags")

    assert model(cls).paths() == paths


@each_order
def test_a_model_is_made_once(cls: Any) -> None:
    assert model_of(cls) is model_of(cls)


# Values of the request take the place of defaults.


def test_what_the_request_set_wins_over_defaults() -> None:
    signals = begin_signals(Order, {"person": "Ada", "main": {"price": "2"}, "count": 1})

    assert signals["person"] == "Ada"
    assert signals["main"] == {"name": "", "price": "2", "count": 1}
    assert "count" not in signals


def test_what_is_no_model_has_no_defaults() -> None:
    with pytest.raises(
        TypeError, match=r"<class 'int'> is not a model; accepted: a dataclass, a TypedDict, a pydantic or"
    ):
        begin_signals(int, {})


# Dataclasses


@dataclass
class Period:
    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError("ends before it starts")


@dataclass
class Booking:
    period: Period
    days: InitVar[int] = 0
    total: int = field(init=False, default=7)

    def __post_init__(self, days: int) -> None:
        self.total = days


def test_checks_of_the_dataclass_itself_stand_at_its_path() -> None:
    wrong = {"start": "2026-11-21", "end": "2026-11-20"}

    assert misfits(Period, wrong) == {"": "ends before it starts"}
    assert misfits(Booking, {"period": wrong}) == {"period": "ends before it starts"}


def test_other_errors_of_a_dataclass_are_not_taken_for_bad_input() -> None:
    @dataclass
    class Broken:
        name: str

        def __post_init__(self) -> None:
            raise KeyError("name")

    with pytest.raises(KeyError):
        bind(Broken, {"name": "a"})


def test_fields_are_the_parameters_of_init() -> None:
    days = {"start": "2026-11-20", "end": "2026-11-21"}

    booking = bind(Booking, {"period": days, "days": "3", "total": 99})

    assert booking.total == 3
    assert model(Booking).paths() == ("_", "period._", "period.start", "period.end", "days")
    assert model(Booking).defaults() == {"period": {"start": "", "end": ""}, "days": 0}


@dataclass
class Defaults:
    row: Row = field(default_factory=lambda: Row("Tea", Decimal("1.50")))
    rows: list[Row] = field(default_factory=lambda: [Row("Cake", Decimal(2))])
    at: datetime = datetime(2026, 11, 21, 12, 30)
    id: UUID = field(default_factory=lambda: UUID(ID))
    prices: dict[str, Decimal] = field(default_factory=lambda: {"tea": Decimal("1.5")})
    sizes: tuple[Size, ...] | Any = (Size.LARGE,)
    struct: Any = field(default_factory=lambda: RowStruct("Pie", Decimal(3)))
    model: Any = field(default_factory=lambda: RowModel(name="Jam", price=Decimal(4)))
    kind: Any = RowModel


def test_defaults_are_written_as_they_are_read() -> None:
    @dataclass
    class Known(Defaults):
        sizes: Any = (Size.LARGE,)
        kind: Any = None

    defaults = model(Known).defaults()

    assert defaults == {
        "row": {"name": "Tea", "price": "1.50", "count": 1},
        "rows": [{"name": "Cake", "price": "2", "count": 1}],
        "at": "2026-11-21T12:30:00",
        "id": ID,
        "prices": {"tea": "1.5"},
        "sizes": ["L"],
        "struct": {"name": "Pie", "price": "3", "count": 1},
        "model": {"name": "Jam", "price": "4", "count": 1},
        "kind": "",
    }
    read = bind(Known, defaults)
    assert (read.row, read.rows, read.at, read.id, read.prices) == (
        Row("Tea", Decimal("1.50")),
        [Row("Cake", Decimal(2))],
        datetime(2026, 11, 21, 12, 30),
        UUID(ID),
        {"tea": Decimal("1.5")},
    )


def test_default_names_of_an_object_are_written_as_they_are_read() -> None:
    @dataclass
    class Stock:
        sizes: dict[Size, int] = field(default_factory=lambda: {Size.LARGE: 3})

    defaults = model(Stock).defaults()

    assert defaults == {"sizes": {"L": 3}}
    assert bind(Stock, defaults) == Stock()


def test_default_that_follows_from_other_fields_is_empty() -> None:
    class Stay(pydantic.BaseModel):
        first: int = 1
        last: int = pydantic.Field(default_factory=lambda fields: fields["first"] + 7)

    assert model(Stay).defaults() == {"first": 1, "last": 0}
    assert bind(Stay, {"first": 3}) == Stay(first=3, last=10)


def test_factories_of_a_pydantic_dataclass_are_defaults() -> None:
    @pydantic.dataclasses.dataclass
    class Stay:
        first: int = pydantic.Field(1, ge=1)
        tags: list[str] = pydantic.Field(default_factory=lambda: ["new"])
        ids: list[int] = field(default_factory=list)
        last: int = pydantic.Field(default_factory=lambda fields: fields["first"] + 7)

    assert model(Stay).defaults() == {"first": 1, "tags": ["new"], "ids": [], "last": 0}
    assert bind(Stay, {"first": "3"}) == Stay(3, ["new"], [], 10)


def test_default_times_are_written_as_they_are_read() -> None:
    class Opening(pydantic.BaseModel):
        at: time = time(9, 30)

    defaults = model(Opening).defaults()

    assert defaults == {"at": "09:30:00"}
    assert bind(Opening, defaults) == Opening()


def test_an_init_of_its_own_is_read() -> None:
    @dataclass(init=False)
    class Own:
        name: str

        def __init__(self, name: str, times: int = 2) -> None:
            self.name = name * times

    assert bind(Own, {"name": "ab"}).name == "abab"
    assert bind(Own, {"name": "ab", "times": "1"}).name == "ab"


@dataclass
class Trip(Dated):
    place: str = ""


class TripDict(DatedDict):
    place: NotRequired[str]


@dataclass(init=False)
class MadeTrip(MadeByHand):
    place: str = ""


@pytest.mark.parametrize("cls", [Trip, TripDict, MadeTrip])
def test_inherited_annotations_mean_what_they_mean_in_their_module(cls: Any) -> None:
    trip = bind(cls, {"when": "2026-11-21"})

    assert (trip["when"] if isinstance(trip, dict) else trip.when) == date(2026, 11, 21)
    assert set(misfits(cls, {"when": "soon"})) == {"when"}


@dataclass
class Node:
    name: str
    parent: Node | None = None
    children: list[Node] = field(default_factory=list)


def test_a_model_may_contain_itself() -> None:
    node = bind(Node, {"name": "a", "parent": {"name": "b"}, "children": [{"name": "c", "children": [{"name": "d"}]}]})

    assert node == Node("a", Node("b"), [Node("c", children=[Node("d")])])
    assert misfits(Node, {"name": "a", "children": [{"children": [{}]}]}) == {
        "children.0.name": "missing",
        "children.0.children.0.name": "missing",
    }
    assert model(Node).paths() == ("_", "name", "parent", "children._")
    assert model(Node).defaults() == {"name": "", "parent": "", "children": []}


# Choices of models


@dataclass
class Circle:
    kind: Literal["circle"]
    radius: float


@dataclass
class Square:
    kind: Literal["square"]
    side: float
    inner: Circle | Square | None = None


@dataclass
class Drawing:
    shape: Circle | Square | str
    other: Optional[Circle | Square] = None  # noqa: UP045


def test_an_object_becomes_the_model_that_it_looks_like() -> None:
    drawing = bind(Drawing, {"shape": {"kind": "square", "side": 2}, "other": {"kind": "circle", "radius": "1"}})

    assert drawing == Drawing(Square("square", 2.0), Circle("circle", 1.0))
    assert bind(Drawing, {"shape": "none"}) == Drawing("none")
    assert misfits(Drawing, {"shape": {"kind": "square"}}) == {"shape.side": "missing"}
    assert misfits(Drawing, {"shape": {"kind": "square", "side": 1, "inner": {"kind": "square", "side": {}}}}) == {
        "shape.inner.side": "expected a number, got {}"
    }
    assert misfits(Drawing, {"shape": [], "other": 3}) == {
        "shape": "expected a text, got []",
        "other": "expected an object, got 3",
    }


def test_choices_inside_of_choices_take_no_time() -> None:
    value: dict[str, Any] = {"kind": "square", "side": "wrong at the innermost"}
    for _ in range(60):
        value = {"kind": "square", "side": 1, "inner": value}

    # Trying both models at each level would take 2 to the power of 60 steps.
    assert set(misfits(Drawing, {"shape": value})) == {".".join(["shape", *["inner"] * 59, "inner.side"])}


# TypedDicts


def test_typed_dicts_of_other_modules_count() -> None:
    Extended = typing_extensions.TypedDict("Extended", {"a-b": int, "c": typing_extensions.NotRequired[str]})

    assert bind(Extended, {"a-b": "7", "d": 1}) == {"a-b": 7}


def test_marks_are_read_where_annotations_are_texts() -> None:
    class Base(TypedDict):
        name: str

    class Partial(Base, total=False):
        count: int
        price: "Required[Decimal]"  # noqa: UP037

    assert misfits(Partial, {}) == {"name": "missing", "price": "missing"}


# pydantic


class Strict(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", populate_by_name=True)

    full_name: str = pydantic.Field(alias="fullName", min_length=2)
    mail: str | None
    inner: RowModel | None = None

    @pydantic.model_validator(mode="after")
    def check(self) -> Strict:
        if self.mail == self.full_name:
            raise ValueError("name and mail are the same")
        return self


class Several(pydantic.BaseModel):
    name: str = pydantic.Field(validation_alias=pydantic.AliasChoices("first", "second"))
    secret: pydantic.SecretStr | None = None
    items: list[int] = []
    ids: list[int] = pydantic.Field([], validation_alias=pydantic.AliasChoices("ids", "numbers"))
    size: int | None = pydantic.Field(3, validation_alias=pydantic.AliasChoices("size", pydantic.AliasPath("box", 0)))


def test_pydantic_gets_the_signals_that_it_knows() -> None:
    found = model(Strict).bind_signals({"fullName": "Ada", "mail": "", "inner": "", "page": 1})

    assert found == Strict(full_name="Ada", mail="", inner=None)
    assert model(Strict).bind_signals({"full_name": "Ada", "page": 1}) == Strict(full_name="Ada", mail=None)
    assert misfits(Strict, {"fullName": "A", "mail": 1, "x": 1}) == {
        "fullName": "String should have at least 2 characters",
        "mail": "Input should be a valid string",
        "x": "Extra inputs are not permitted",
    }


def test_checks_of_a_pydantic_model_itself_have_no_path() -> None:
    assert misfits(Strict, {"fullName": "Ada", "mail": "Ada"}) == {"": "Value error, name and mail are the same"}


def test_several_names_of_a_field_are_left_to_pydantic() -> None:
    found = model(Several).bind_signals({"second": "Ada", "secret": "x", "items": ""})

    assert (found.name, found.secret.get_secret_value(), found.items) == ("Ada", "x", [])  # type: ignore[attr-defined]
    assert model(Several).paths() == ("_", "secret", "items")


def test_lists_are_read_under_each_of_a_field_s_names() -> None:
    for name in ("ids", "numbers"):
        assert bind(Several, {"first": "Ada", name: ["", "2"], "size": ""}).ids == [2]
        assert bind(Several, {"first": "Ada", name: {"0": "1", "1": ""}}).ids == [1]
        assert misfits(Several, {"first": "Ada", name: {"1": "1"}}) == {
            name: "expected a list, or an object with the keys 0 to n-1, but the key '0' is missing"
        }
        assert list(misfits(Several, {"first": "Ada", name: ["", "x"]})) == [f"{name}.1"]
    assert bind(Several, {"first": "Ada", "size": ""}).size == 3
    assert bind(Several, {"first": "Ada", "box": [7]}).size == 7


def test_what_was_given_to_pydantic_is_not_changed() -> None:
    given = {"person": "Ada", "rows": [{"name": "a", "price": 1, "count": ""}], "main": {"name": "b", "price": 2}}
    before = repr(given)

    assert bind(OrderModel, given).rows[0].count == 1
    assert repr(given) == before


# msgspec


class Renamed(msgspec.Struct, rename="camel"):
    first_name: Annotated[str, msgspec.Meta(min_length=2)]
    born_on: date | None = None
    prices: dict[str, int] = {}
    raw: msgspec.Raw | None = None
    matrix: list[list[int]] = []
    letters: set[str] = set()

    def __post_init__(self) -> None:
        if self.first_name == "No":
            raise ValueError("No is no name")


def test_structs_have_the_names_of_json() -> None:
    found = bind(Renamed, {"firstName": "Ada", "bornOn": "1815-12-10", "prices": {"a": "1"}, "letters": ["a"]})

    assert found == Renamed("Ada", date(1815, 12, 10), {"a": 1}, letters={"a"})
    assert model(Renamed).defaults() == {
        **{"firstName": "", "bornOn": "", "prices": {}, "raw": "", "matrix": [], "letters": []}
    }
    assert misfits(Renamed, {"firstName": "A", "prices": {"a": "b"}, "matrix": [[1], [2, "x"]], "bornOn": "x"}) == {
        "firstName": "Expected `str` of length >= 2",
        "bornOn": "expected a date such as 2026-11-21, got 'x'",
        "prices.a": "expected a whole number, got 'b'",
        "matrix.1.1": "expected a whole number, got 'x'",
    }
    assert misfits(Renamed, {"firstName": "No"}) == {"": "No is no name"}


class Cat(msgspec.Struct, tag=True):
    lives: Annotated[int, msgspec.Meta(le=9)]


class Dog(msgspec.Struct, tag=True):
    name: str


class Pets(msgspec.Struct):
    pets: list[Cat | Dog]
    ages: dict[str, Annotated[int, msgspec.Meta(ge=0)]] = {}


def test_what_msgspec_alone_knows_it_converts() -> None:
    found = bind(Pets, {"pets": [{"type": "Dog", "name": "Rex"}, {"type": "Cat", "lives": "7"}], "ages": {"Rex": "3"}})

    assert found == Pets([Dog("Rex"), Cat(7)], {"Rex": 3})
    assert misfits(
        Pets, {"pets": [{"type": "Dog", "name": "Rex"}, {"type": "Cat", "lives": 10}], "ages": {"Rex": -1}}
    ) == {
        "pets.1.lives": "Expected `int` <= 9",
        "ages": "Expected `int` >= 0",
    }


class Pair(msgspec.Struct, array_like=True):
    x: int
    y: int = 0


class Line(msgspec.Struct):
    start: Pair
    others: list[Pair] = []


def test_structs_that_are_lists_in_json_are_read() -> None:
    found = bind(Line, {"start": ["1", "2"], "others": {"0": ["3"]}})

    assert found == Line(Pair(1, 2), [Pair(3)])
    assert misfits(Line, {"start": ["x"]}) == {"start.0": "Expected `int`, got `str`"}


def test_types_that_msgspec_does_not_know_are_named() -> None:
    Mixed = Enum("Mixed", {"ONE": 1, "TWO": "2"})
    Odd = msgspec.defstruct("Odd", [("value", Annotated[Mixed, "marked"])])

    with pytest.raises(TypeError, match=r"Odd.value: Enums must contain either all str or all int"):
        model_of(Odd)


# What cannot be a model


@pytest.mark.parametrize("cls", [int, str, dict, list, Size, dict[str, int], int | None, "Order", None, 5, T])
def test_other_types_are_no_models(cls: Any) -> None:
    assert model_of(cls) is None
    assert find_converter(cls) is None


def test_unfit_annotations_of_fields_are_named() -> None:
    @dataclass
    class Wrong:
        name: bytes

    @dataclass
    class Marked:
        name: Annotated[str, Signal("user.name")]

    @dataclass
    class MarkedInside:
        name: Annotated[str, Signal("user.name")] | None

    @dataclass
    class Box(Generic[T]):
        value: T

    with pytest.raises(TypeError, match=r"Wrong.name: annotation <class 'bytes'> is not one of int, float"):
        model_of(Wrong)
    for cls in (Marked, MarkedInside):
        with pytest.raises(TypeError, match=r"name: Signal\(...\) is for parameters; in a model, nest another model"):
            model_of(cls)
    with pytest.raises(TypeError, match=r"Box.value: annotation ~T is not one of"):
        model_of(Box)


def test_optional_packages_need_not_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pydantic", "msgspec"):
        monkeypatch.delitem(sys.modules, name)
    kinds._make_root.cache_clear()

    assert model_of(RowModel) is None
    assert model_of(RowStruct) is None
    assert model_of(Row) is not None
    kinds._make_root.cache_clear()


# The mark of nested signals


def test_a_signal_is_a_path() -> None:
    assert Signal("user.name").segments == ("user", "name")
    assert Signal("user.name") == Signal("user.name")
    assert dataclasses.is_dataclass(Signal)


@pytest.mark.parametrize("path", ["", ".a", "a.", "a..b", "a.__proto__", "constructor"])
def test_unfit_paths_are_refused(path: str) -> None:
    with pytest.raises(ValueError, match="signal path"):
        Signal(path)
