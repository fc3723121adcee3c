"""Any JSON against any annotation: the value becomes one of the annotated type, or it is a 400 that names the path."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, Generic, Literal, NamedTuple, NewType, NotRequired, TypedDict, TypeVar
from uuid import UUID

import msgspec
import pydantic
import pytest
from flask import Flask
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from flask_datastar import Datastar, Signal
from flask_datastar.errors import InvalidSignals
from flask_datastar.reading.parameters import Binder
from flask_datastar.state.request import current_request_state
from tests.conftest import MakeApp

# Thousands of inputs for code that other tests measure: coverage would double the time of each.
pytestmark = pytest.mark.no_cover

T = TypeVar("T")
UserId = NewType("UserId", int)


class Size(Enum):
    SMALL = "S"
    NONE = ""
    FOUR = 4


class Level(IntEnum):
    LOW = 1


@dataclass(frozen=True)
class Tag:
    name: str
    size: Size = Size.SMALL


@dataclass
class Box(Generic[T]):
    value: T
    more: list[T] = field(default_factory=list)


@dataclass
class Tree:
    name: str
    children: list[Tree] = field(default_factory=list)
    by_name: dict[str, Tree] = field(default_factory=dict)


class Keys(TypedDict):
    a: int
    b: NotRequired[list[float]]


class Point(NamedTuple):
    x: int
    y: float = 0.0


class Row(pydantic.BaseModel):
    name: str = "none"
    ids: list[int] = []
    sizes: set[Size] = set()
    inner: Row | None = None
    tag: Tag | None = None


class Rows(pydantic.RootModel[list[Row]]):
    pass


class Struct(msgspec.Struct):
    name: str = "none"
    ids: Annotated[list[int], msgspec.Meta(max_length=3)] = []
    inner: Struct | None = None
    day: date | None = None


SCALARS: list[Any] = [
    *[int, float, bool, str, Decimal, UUID, date, time, datetime, timedelta, Size, Level, UserId],
    *[Literal["x", "", 4, True], Annotated[int, "marked"], int | None, str | None, int | str, date | bool | None],
]
MODELS: list[Any] = [
    Tag,
    Box[int],
    Box[list[date]],
    Tree,
    Keys,
    Point,
    Row,
    Rows,
    Struct,
    Tag | Keys | int,
    Tree | None,
]
ANNOTATIONS: list[Any] = [
    *SCALARS,
    *MODELS,
    *[Any, list, dict, set, tuple, frozenset, dict[str, Any], Mapping[str, int]],
    *[list[annotation] for annotation in [*SCALARS, *MODELS, Any, dict]],
    *[list[int] | None, list[int] | str, list[Row] | Row, list[Tag] | dict[str, int], list[list[list[int]]]],
    *[set[int], set[Size], set[str | None], set[Tag], frozenset[date], set[tuple[int, str]], AbstractSet[int]],
    *[tuple[int, ...], tuple[int, str], tuple[()], tuple[Tag, int | None], tuple[list[int], ...], deque[int]],
    *[Sequence[int], Iterable[Tag], dict[int, date], dict[Size, list[int]], dict[date, Tree], dict[str, set[int]]],
    *[dict[str, list[Row]], list[dict[int, int]], dict[int, Any], Annotated[list[Annotated[int, 1]], 2]],
]


def is_of(annotation: Any, value: object) -> bool:
    """Return whether a value is of an annotated type: a reading of its own, without the package."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation is Any:
        return True
    if hasattr(annotation, "__supertype__"):
        return is_of(annotation.__supertype__, value)
    if origin is Annotated:
        return is_of(arguments[0], value)
    if origin in (typing.Union, types.UnionType):
        return any(is_of(argument, value) for argument in arguments)
    if origin is Literal:
        return any(value == option and type(value) is type(option) for option in arguments)
    if origin in (list, set, frozenset, deque, Sequence, Iterable, AbstractSet, tuple):
        made = {Sequence: list, Iterable: list, AbstractSet: set}.get(origin, origin)
        if type(value) is not made:
            return False
        if origin is tuple and arguments[-1:] != (...,):
            return len(value) == len(arguments) and all(map(is_of, arguments, value))
        return all(is_of(arguments[0], item) for item in value)
    if origin in (dict, Mapping):
        key, item = arguments
        return type(value) is dict and all(is_of(key, name) and is_of(item, part) for name, part in value.items())
    if annotation is Keys:
        return is_of(dict[str, Any], value) and value.keys() <= {"a", "b"} and is_of(int, value["a"])
    if annotation is float:
        return type(value) is float
    if dataclasses.is_dataclass(origin or annotation):
        return is_dataclass_of(annotation, value)
    if annotation is Rows:
        return type(value) is Rows and is_of(list[Row], value.root)
    if annotation is Point:
        return type(value) is Point and is_of(int, value.x) and is_of(float, value.y)
    if annotation in (Row, Struct):
        return type(value) is annotation and is_of(list[int], value.ids) and is_of(annotation | None, value.inner)
    return isinstance(value, annotation) if isinstance(annotation, type(Enum)) else type(value) is annotation


def is_dataclass_of(annotation: Any, value: object) -> bool:
    cls = typing.get_origin(annotation) or annotation
    if type(value) is not cls:
        return False
    if cls is Box:
        (inner,) = typing.get_args(annotation)
        return is_of(inner, value.value) and is_of(list[inner], value.more)
    hints = typing.get_type_hints(cls)
    return all(is_of(hint, getattr(value, name)) for name, hint in hints.items())


texts = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    st.sampled_from(
        [
            *["", "0", "1", "-7", "1.5", "1e400", "NaN", "true", "x", "S", "4", "9" * 500, "__proto__", "constructor"],
            *["2026-11-21", "0000-00-00", "12:30", "24:00", "12:30+99:99", "2026-11-21T12:30", "2026-W54-1", "P1D"],
            "12345678-1234-5678-1234-567812345678",
        ]
    ),
)
numbers = st.one_of(
    st.integers(-5, 5),
    st.integers(),
    st.sampled_from([10**300, 2**63]),
    st.floats(allow_nan=False, allow_infinity=False),
)
names = st.one_of(
    st.sampled_from(
        [*["0", "1", "2", "01", "name", "value", "more", "children", "by_name", "a", "b", "x", "y"], "ids"]
    ),
    st.sampled_from(["sizes", "inner", "tag", "size", "day"]),
    texts,
)


def containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    by_index = st.lists(inner, max_size=4).map(lambda items: {str(index): item for index, item in enumerate(items)})
    return st.one_of(st.lists(inner, max_size=4), by_index, st.dictionaries(names, inner, max_size=4))


json_values = st.recursive(st.one_of(st.none(), st.booleans(), numbers, texts), containers, max_leaves=12)


@pytest.fixture(scope="module")
def app() -> Flask:
    app = Flask("shop")
    Datastar(app)
    return app


few = settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])


def make_binder(hint: Any, name: str = "value") -> Binder:
    namespace: dict[str, Any] = {}
    exec(f"def act({name}): ...", namespace)
    namespace["act"].__annotations__ = {name: hint}
    return Binder(namespace["act"])


def bind(app: Flask, binder: Binder, signals: Any) -> tuple[dict[str, Any] | None, InvalidSignals | None]:
    options: dict[str, Any] = {"data": json.dumps(signals), "content_type": "application/json", "method": "POST"}
    with app.test_request_context("/", **options) as context:
        try:
            return binder.bind(context.request, current_request_state(), {}), None
        except InvalidSignals as error:
            # What the page would be told can be sent.
            app.extensions["datastar"].show_errors(error).get_data()
            app.extensions["datastar"].init_signals()
            return None, error


def check_refusal(error: InvalidSignals, path: str) -> None:
    """A refusal is a 400 whose text names the path, or the signals as a whole where no answer could send them back."""
    assert error.code == 400
    assert len(str(error)) < 60_000
    if error.errors:
        assert all(name == path or name.startswith(f"{path}.") for name in error.errors), error.errors
        assert all(name in str(error.description) for name in error.errors)
    else:
        # Not its path: one with a quote in it is shown in the other quotes.
        assert "would reach an object's prototype" in str(error.description)


@few
@given(value=json_values)
@example(value=["", "2", ""])
@example(value={"0": {"name": "c"}, "1": {"name": "d"}})
@example(value={"0": 1, "2": 1})
@example(value={"'": {"__proto__": 1}})
@pytest.mark.parametrize("annotation", ANNOTATIONS, ids=str)
def test_a_parameter_is_of_its_type_or_named(app: Flask, annotation: Any, value: Any) -> None:
    arguments, error = bind(app, make_binder(annotation), {"value": value})

    if error is not None:
        check_refusal(error, "value")
    else:
        assert arguments is not None
        assert is_of(annotation, arguments["value"]), arguments["value"]


@few
@given(value=json_values)
@pytest.mark.parametrize("annotation", [int, list[int], Tag, Rows, set[int]], ids=str)
def test_a_marked_parameter_is_of_its_type_or_named(app: Flask, annotation: Any, value: Any) -> None:
    binder = make_binder(Annotated[annotation, Signal("rows.1.a")])
    arguments, error = bind(app, binder, {"rows": [0, {"a": value}]})

    if error is not None:
        check_refusal(error, "rows.1.a")
    else:
        assert arguments is not None
        assert is_of(annotation, arguments["value"])


@few
@given(signals=st.dictionaries(names, json_values, max_size=5))
@pytest.mark.parametrize("model", [Tag, Box[int], Tree, Keys, Point, Row, Struct], ids=str)
def test_all_signals_are_the_model_or_named(app: Flask, model: Any, signals: dict[str, Any]) -> None:
    arguments, error = bind(app, make_binder(model, "signals"), signals)

    if error is None:
        assert arguments is not None
        assert is_of(model, arguments["signals"])
    else:
        assert error.code == 400
        assert all(name in str(error.description) for name in error.errors)


@few
@given(value=json_values)
@pytest.mark.parametrize("kind", ["dataclass", "typeddict", "pydantic", "msgspec"])
@pytest.mark.parametrize(
    "annotation",
    [list[int], set[int], tuple[int, str], list[Size], dict[str, list[int]], list[int] | None, time],
    ids=str,
)
def test_a_field_of_every_kind_of_model_is_of_its_type_or_named(
    app: Flask, annotation: Any, kind: str, value: Any
) -> None:
    model = MAKERS[kind](annotation)
    arguments, error = bind(app, make_binder(model, "signals"), {"value": value})

    if error is not None:
        check_refusal(error, "value")
    else:
        assert arguments is not None
        found = arguments["signals"]
        assert is_of(annotation, found["value"] if isinstance(found, dict) else found.value)


MAKERS: dict[str, Any] = {
    "dataclass": lambda annotation: dataclasses.make_dataclass("Made", [("value", annotation)]),
    "typeddict": lambda annotation: TypedDict("Made", {"value": annotation}),  # type: ignore[operator]
    "pydantic": lambda annotation: pydantic.create_model("Made", value=(annotation, ...)),
    "msgspec": lambda annotation: msgspec.defstruct("Made", [("value", annotation)]),
}


def test_a_refusal_is_a_400_of_the_server(make_app: MakeApp) -> None:
    app = make_app()
    datastar: Datastar = app.extensions["datastar"]

    @datastar.handler(group="g")
    def act(value: list[Tag]) -> None: ...

    headers = {"Datastar-Request": "true"}
    response = app.test_client().post("/ds/g/act", json={"value": {"0": {"name": []}}}, headers=headers)

    assert response.status_code == 400
    assert "value.0.name" in response.text
