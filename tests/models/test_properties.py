"""Any JSON object against any model of a family: it becomes the model, or its misfits are told, and nothing else."""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Literal, NotRequired, TypedDict
from uuid import UUID

import msgspec
import pydantic
import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flask_datastar import Datastar
from flask_datastar.errors import InvalidSignals
from flask_datastar.models.kinds import model_of
from flask_datastar.testing import DatastarClient

# Thousands of inputs for code that other tests measure: coverage would double the time of each.
pytestmark = pytest.mark.no_cover

NAMES = ["a", "b", "c", "d"]


class Size(Enum):
    SMALL = "S"
    FOUR = 4


# Models: a tree of descriptions, of which each kind makes its class.

Description = Any
LEAVES: list[Description] = [
    *[int, float, str, bool, date, datetime, Decimal, UUID, Size, Any, Literal["x", "y"], list, dict, dict[str, Any]],
    *[int | None, str | None, list[int], list[str | None], dict[str, int], list[list[float]], int | str, bool | date],
]
#: A leaf's default, where it may have one.
DEFAULTS: dict[Any, Any] = {
    int: 3,
    str: "text",
    bool: True,
    Size: Size.SMALL,
    int | None: None,
    Decimal: Decimal("1.5"),
}

leaves = st.sampled_from(LEAVES)
#: (wrapping, description): the description itself, a list of it, optional, an object of it.
wrappings = st.sampled_from(["", "list", "optional", "dict"])


def described(inner: st.SearchStrategy[Description]) -> st.SearchStrategy[Description]:
    fields = st.dictionaries(
        st.sampled_from(NAMES), st.tuples(wrappings, st.one_of(leaves, inner), st.booleans()), min_size=1
    )
    return st.tuples(st.just("model"), st.sampled_from(["dataclass", "typeddict", "pydantic", "msgspec"]), fields)


models = described(st.recursive(leaves, described, max_leaves=4))


def annotation_of(wrapping: str, description: Description, kind: str) -> Any:
    # A model contains its own kind alone: pydantic and msgspec know nothing of each other.
    inner = build(description, kind) if isinstance(description, tuple) else description
    return {"": inner, "list": list[inner], "optional": inner | None, "dict": dict[str, inner]}[wrapping]


def build(description: Description, kind: str) -> Any:
    """Make the class that is described."""
    _, _, fields = description
    annotations: dict[str, Any] = {}
    defaults: dict[str, Any] = {}
    for name, (wrapping, inner, has_default) in fields.items():
        annotations[name] = annotation_of(wrapping, inner, kind)
        if has_default and not wrapping and not isinstance(inner, tuple) and inner in DEFAULTS:
            defaults[name] = DEFAULTS[inner]
    return MAKERS[kind](annotations, defaults)


def make_dataclass(annotations: dict[str, Any], defaults: dict[str, Any]) -> Any:
    fields = [(name, hint, defaults.get(name, dataclasses.MISSING)) for name, hint in annotations.items()]
    return dataclasses.make_dataclass(
        "Made",
        [
            (name, hint) if d is dataclasses.MISSING else (name, hint, dataclasses.field(default=d))
            for name, hint, d in fields
        ],
        kw_only=True,
    )


def make_typeddict(annotations: dict[str, Any], defaults: dict[str, Any]) -> Any:
    marked = {name: NotRequired[hint] if name in defaults else hint for name, hint in annotations.items()}
    return TypedDict("Made", marked)  # type: ignore[operator]


def make_pydantic(annotations: dict[str, Any], defaults: dict[str, Any]) -> Any:
    return pydantic.create_model(
        "Made", **{name: (hint, defaults.get(name, ...)) for name, hint in annotations.items()}
    )


def make_msgspec(annotations: dict[str, Any], defaults: dict[str, Any]) -> Any:
    fields = [(name, hint, defaults[name]) if name in defaults else (name, hint) for name, hint in annotations.items()]
    return msgspec.defstruct("Made", fields, kw_only=True)


MAKERS: dict[str, Callable[[dict[str, Any], dict[str, Any]], Any]] = {
    "dataclass": make_dataclass,
    "typeddict": make_typeddict,
    "pydantic": make_pydantic,
    "msgspec": make_msgspec,
}


# Objects: some quite unlike the model, some nearly right.

texts = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
    st.sampled_from(
        [
            *[
                "",
                " ",
                "1",
                "-7",
                "1.5",
                "1e400",
                "NaN",
                "inf",
                "true",
                "x",
                "S",
                "9" * 500,
                "2026-11-21",
                "0000-00-00",
            ],
            *["2026-11-21T12:30", "9999-12-31T23:59:60+99:99", "12345678-1234-5678-1234-567812345678", "__proto__"],
        ]
    ),
)
numbers = st.one_of(
    st.integers(), st.sampled_from([10**300, -(10**4000), 4, 2**63]), st.floats(allow_nan=False, allow_infinity=False)
)
names = st.one_of(st.sampled_from(NAMES), texts)
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=4)),
    max_leaves=12,
)
RIGHT: dict[Any, Any] = {
    **{int: 7, float: 1.5, str: "text", bool: False, date: "2026-11-21", datetime: "2026-11-21T12:30", Decimal: "1.5"},
    **{UUID: "12345678-1234-5678-1234-567812345678", Size: "S", Literal["x", "y"]: "y", list: [1], dict: {"k": 1}},
    **{int | None: 1, str | None: "t", list[int]: [1], list[str | None]: ["a"], dict[str, int]: {"k": 1}},
    **{list[list[float]]: [[1.5]], int | str: 5, bool | date: True, Any: "any", dict[str, Any]: {"k": None}},
}


def right_value(description: Description) -> Any:
    if not isinstance(description, tuple):
        return copy.deepcopy(RIGHT[description])
    found = {}
    for name, (wrapping, inner, _) in description[2].items():
        value = right_value(inner)
        found[name] = {"": value, "list": [value], "optional": value, "dict": {"k": value}}[wrapping]
    return found


@st.composite
def near_objects(draw: st.DrawFn, description: Description) -> Any:
    """Draw an object that fits but for some of its parts."""
    value = right_value(description)
    for _ in range(draw(st.integers(0, 3))):
        place, name = value, None
        while isinstance(place, dict) and place and (name is None or draw(st.booleans())):
            if name is not None:
                if not isinstance(place[name], dict) or not place[name]:
                    break
                place = place[name]
            name = draw(st.sampled_from(sorted(place)))
        if name is not None:
            place[name] = draw(json_values)
    return value


@st.composite
def cases(draw: st.DrawFn) -> tuple[Any, Any]:
    description = draw(models)
    value = draw(st.one_of(near_objects(description), st.dictionaries(names, json_values, max_size=5)))
    return build(description, description[1]), value


@pytest.fixture(scope="module")
def app() -> Flask:
    app = Flask("shop")
    # An exception of the package would be a 500; here it is the test's failure.
    app.config.update(TESTING=True, PROPAGATE_EXCEPTIONS=True)
    Datastar(app)
    return app


few = settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])


@few
@given(case=cases())
def test_an_object_becomes_the_model_or_is_refused(app: Flask, case: tuple[Any, Any]) -> None:
    cls, value = case
    datastar: Datastar = app.extensions["datastar"]
    got = refused = None

    with app.test_request_context("/", method="POST", data=json.dumps(value), content_type="application/json"):
        try:
            got = datastar.read_signals(cls)
        except InvalidSignals as error:
            refused = error
            # What the ready-made answer makes of it can be sent.
            datastar.show_errors(error)
            datastar.init_signals()
    if refused is not None:
        assert refused.code == 400
        assert len(str(refused)) < 40_000
    else:
        assert isinstance(got, dict if issubclass(cls, dict) else cls)


@few
@given(description=models)
def test_what_is_right_is_taken(app: Flask, description: Description) -> None:
    cls = build(description, description[1])
    model = model_of(cls)
    assert model is not None

    found = model.bind(json.loads(json.dumps(right_value(description))))

    assert isinstance(found, dict if description[1] == "typeddict" else cls)


@few
@given(description=models)
def test_defaults_can_be_sent_and_have_the_paths_of_the_model(app: Flask, description: Description) -> None:
    model = model_of(build(description, description[1]))
    assert model is not None

    defaults = model.defaults()

    assert json.loads(json.dumps(defaults)) == defaults
    assert {path.partition(".")[0] for path in model.paths()} == {"_", *defaults}


@settings(max_examples=60)
@given(description=models, value=st.dictionaries(names, json_values, max_size=5))
def test_a_handler_answers_any_object(description: Description, value: dict[str, Any]) -> None:
    app = Flask("shop")
    app.config.update(TESTING=True, PROPAGATE_EXCEPTIONS=True)
    datastar = Datastar(app)

    def act(signals):  # type: ignore[no-untyped-def]
        ...

    act.__annotations__ = {"signals": build(description, description[1])}
    datastar.handler(group="plain")(act)
    datastar.handler(group="shown", on_invalid=datastar.show_errors)(act)

    assert DatastarClient(app).post("plain.act", _json=value).status_code in (204, 400)
    assert DatastarClient(app).post("shown.act", _json=value | {"errors": value}).status_code == 200
