"""A handler's parameters: where they come from, how they are converted, what is said of those that do not fit."""

# Optional and Union stand here on purpose, beside the new spelling: users write both.
# ruff: noqa: UP007, UP045

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, NewType, Optional, TypedDict, TypeVar, Union

import pytest
from flask import Blueprint, Flask, request

from flask_datastar import Datastar, Signal, Signals, sse
from flask_datastar.errors import InvalidSignals, SetupError
from flask_datastar.testing import DatastarClient
from tests.conftest import MakeApp

if TYPE_CHECKING:
    from somewhere import Unknown  # type: ignore[import-not-found]

UUID = "12345678-1234-5678-1234-567812345678"


class Color(Enum):
    RED = "red"
    NONE = ""


class Person(TypedDict):
    name: str


class Plain(Enum):
    ONE = "one"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


T = TypeVar("T")
UserId = NewType("UserId", int)


@dataclass
class Box(Generic[T]):
    value: T


CONVERTED: list[tuple[Any, Any, Any]] = [
    (int, "7", 7),
    (int, " -7 ", -7),
    (int, 7, 7),
    (int, 7.0, 7),
    (float, "7.5", 7.5),
    (float, 7, 7.0),
    (bool, "true", True),
    (bool, "on", True),
    (bool, "False", False),
    (bool, False, False),
    (bool, 1, True),
    (str, "text", "text"),
    (str, "", ""),
    (str, 7, "7"),
    (uuid.UUID, UUID, uuid.UUID(UUID)),
    (date, "2026-11-21", date(2026, 11, 21)),
    (datetime, "2026-11-21T12:30", datetime(2026, 11, 21, 12, 30)),
    (Decimal, "1.10", Decimal("1.10")),
    (Decimal, 1.1, Decimal("1.1")),
    (Color, "red", Color.RED),
    (Color, "", Color.NONE),
    (Level, "2", Level.HIGH),
    (Level, 2, Level.HIGH),
    (Literal["a", 1], "1", 1),
    (Literal["a", 1], "a", "a"),
    (Optional[int], "7", 7),
    (int | None, "", None),
    (Optional[str], "", ""),
    (Union[int, str], "x", "x"),
    (Annotated[int, "unit: days"], "7", 7),
    (list[int], ["1", 2], [1, 2]),
    (list[str], "one", ["one"]),
    (list, ["a"], ["a"]),
    (list[int] | None, [1], [1]),
    (list[int], ["", "2", ""], [2]),
    (list[int], ["", "", ""], []),
    (list[int] | None, ["", ""], []),
    (list[str], ["", "a"], ["", "a"]),
    (list[int], {"0": "2", "1": ""}, [2]),
    (list[Person], {"0": {"name": "c"}, "1": {"name": "d"}}, [{"name": "c"}, {"name": "d"}]),
    (list[dict], {"0": {"name": "c"}}, [{"name": "c"}]),
    (list, {"0": "a"}, ["a"]),
    (set[int], ["", "2", "2"], {2}),
    (frozenset[Plain], ["one", ""], frozenset({Plain.ONE})),
    (tuple[int, ...], ["2", ""], (2,)),
    (tuple[int, str], ["2", ""], (2, "")),
    (time, "12:30", time(12, 30)),
    (timedelta, "90", timedelta(seconds=90)),
    (Box[int], {"value": "7"}, Box(7)),
    (UserId, "7", 7),
    (Any, "", ""),
    (object, "x", "x"),
]

UNFIT: list[tuple[Any, Any, str]] = [
    (int, "7.5", "expected a whole number, got '7.5'"),
    (int, "1_000", "expected a whole number, got '1_000'"),
    (int, True, "expected a whole number, got True"),
    (int, [1], "expected a whole number, got [1]"),
    (float, "nan", "expected a number, got 'nan'"),
    (float, "1e999", "expected a number, got '1e999'"),
    (bool, "maybe", "expected true or false, got 'maybe'"),
    (str, {"a": 1}, "expected a text, got {'a': 1}"),
    (uuid.UUID, "x", "expected a UUID, got 'x'"),
    (date, "21.11.2026", "expected a date such as 2026-11-21, got '21.11.2026'"),
    (datetime, "noon", "expected a time such as 2026-11-21T12:30, got 'noon'"),
    (Decimal, "NaN", "expected a decimal number, got 'NaN'"),
    (Color, "blue", "expected one of 'red', '', got 'blue'"),
    (Level, "3", "expected one of 1, 2, got '3'"),
    (Literal["a"], "b", "expected one of 'a', got 'b'"),
    (Optional[int], "x", "expected a whole number, got 'x'"),
    (Union[int, float], "x", "expected a number, got 'x'"),
    (dict, "x", "expected an object, got 'x'"),
    (time, "noon", "expected a time such as 12:30, got 'noon'"),
    (list[int], {"0": 1, "2": 1}, "expected a list, or an object with the keys 0 to n-1, but the key '1' is missing"),
    (list, {"0": 1, "a": 1}, "expected a list, or an object with the keys 0 to n-1, got the key 'a' among them"),
    (tuple[int, int], ["1"], "expected 2 values, got 1"),
]


class Calls:
    """Declares a handler with one parameter ``value`` and keeps what it got."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.datastar: Datastar = app.extensions["datastar"]

    def __call__(self, annotation: Any, signals: dict[str, Any] | None = None, **query: Any) -> Any:
        got: list[Any] = []

        def act(value):  # type: ignore[no-untyped-def]
            got.append(value)

        act.__annotations__ = {"value": annotation}
        self.datastar.handler(group="g")(act)
        answer = DatastarClient(self.app, signals).post(act, **query)
        if answer.status_code == 400:
            return answer.response.text
        assert answer.status_code == 204
        return got[0]


@pytest.fixture
def calls(app: Flask) -> Calls:
    return Calls(app)


@pytest.mark.parametrize(("annotation", "value", "expected"), CONVERTED)
def test_parameter_is_converted_from_its_signal(calls: Calls, annotation: Any, value: Any, expected: Any) -> None:
    got = calls(annotation, {"value": value})

    assert got == expected
    assert type(got) is type(expected)


@pytest.mark.parametrize(("annotation", "value", "expected"), [row for row in CONVERTED if isinstance(row[1], str)])
def test_parameter_is_converted_from_the_query(calls: Calls, annotation: Any, value: str, expected: Any) -> None:
    got = calls(annotation, {"value": "from the signal"}, value=value)

    assert got == expected
    assert type(got) is type(expected)


@pytest.mark.parametrize(("annotation", "value", "text"), UNFIT)
def test_unfit_signal_is_a_400_that_names_it(calls: Calls, annotation: Any, value: Any, text: str) -> None:
    body = calls(annotation, {"value": value})

    assert f"parameter 'value': {text}" in body.replace("&#39;", "'")


@pytest.mark.parametrize(("annotation", "value", "text"), [row for row in UNFIT if isinstance(row[1], str)])
def test_unfit_query_is_a_400_that_names_it(calls: Calls, annotation: Any, value: str, text: str) -> None:
    body = calls(annotation, {}, value=value)

    assert f"parameter 'value': {text}" in body.replace("&#39;", "'")


@pytest.mark.parametrize("annotation", [int, str, list[int], dict, Any, uuid.UUID, Color])
def test_missing_parameter_is_a_400_that_names_it(calls: Calls, annotation: Any) -> None:
    assert "parameter 'value': missing" in calls(annotation).replace("&#39;", "'")


@pytest.mark.parametrize("annotation", [int, float, bool, date, Decimal, uuid.UUID, list[int], dict, Level])
def test_empty_text_of_an_undefined_signal_is_missing(calls: Calls, annotation: Any) -> None:
    # Reading an undefined signal in an expression creates it with the value "".
    assert "parameter 'value': missing" in calls(annotation, {"value": ""}).replace("&#39;", "'")


def test_empty_text_takes_the_default_where_it_is_no_value(datastar: Datastar, app: Flask) -> None:
    @datastar.handler
    def act(count: int = 5, name: str = "Ada", due: date | None = None, plain: Plain = Plain.ONE) -> Signals:
        return {"got": [count, name, due, plain.value]}

    empty = DatastarClient(app, {"count": "", "name": "", "due": "", "plain": ""})

    assert empty.post(act).patched == {"got": [5, "", None, "one"]}
    assert DatastarClient(app).post(act).patched == {"got": [5, "Ada", None, "one"]}


@pytest.mark.parametrize("annotation", [Optional[int], int | None, Optional[str], list[int] | None])
def test_missing_optional_is_none(calls: Calls, annotation: Any) -> None:
    assert calls(annotation) is None


def test_list_takes_all_values_of_the_query(calls: Calls) -> None:
    assert calls(list[int], {}, value=[3, 1, 2]) == [3, 1, 2]
    assert calls(list[int], {}, value=[3]) == [3]


def test_blanks_of_the_query_are_left_out_of_lists(calls: Calls) -> None:
    assert calls(list[int], {}, value=["", "2", ""]) == [2]
    assert calls(list[int], {}, value="") == []
    assert calls(set[int], {}, value=["", "2"]) == {2}
    assert calls(list[str], {}, value=["", "a"]) == ["", "a"]


def test_single_value_takes_the_first_of_the_query(calls: Calls) -> None:
    assert calls(int, {}, value=[3, 1]) == 3


@pytest.mark.parametrize("annotation", [dict, dict[str, Any], Mapping[str, Any]])
def test_object_parameter_is_the_nested_signal(calls: Calls, annotation: Any) -> None:
    assert calls(annotation, {"value": {"a": {"b": 1}}}) == {"a": {"b": 1}}


def test_parameter_without_annotation_gets_the_value_as_it_is(datastar: Datastar, app: Flask) -> None:
    @datastar.handler
    def act(value, other=1):  # type: ignore[no-untyped-def]
        return {"got": [value, other]}

    assert DatastarClient(app, {"value": {"a": [1.5]}}).post(act).patched == {"got": [{"a": [1.5]}, 1]}
    assert DatastarClient(app, {"value": ""}).post(act).patched == {"got": ["", 1]}


def test_signals_parameter_gets_all_of_them(datastar: Datastar, app: Flask) -> None:
    @datastar.handler
    def act(signals: Signals, count: int) -> Signals:
        return {"got": [sorted(signals), count]}

    assert DatastarClient(app, {"count": 1, "name": "x"}).post(act, count=2).patched == {"got": [["count", "name"], 2]}


def test_star_arguments_are_left_empty(datastar: Datastar, app: Flask) -> None:
    @datastar.handler
    def act(*args: Unknown, count: int, **kwargs: Unknown) -> Signals:
        return {"got": [list(args), count, kwargs]}

    assert DatastarClient(app, {"count": 1, "other": 2}).post(act).patched == {"got": [[], 1, {}]}


def test_several_faults_are_all_named(make_app: MakeApp) -> None:
    app = make_app()
    datastar: Datastar = app.extensions["datastar"]
    seen: list[InvalidSignals] = []

    def explain(error: InvalidSignals) -> str:
        seen.append(error)
        return "<p id='error'>no</p>"

    @datastar.handler(on_invalid=explain)
    def act(count: int, day: date, fine: int = 0) -> None:
        raise AssertionError

    answer = DatastarClient(app, {"count": "x", "fine": 1}).post(act)

    assert answer.html == "<p id='error'>no</p>"
    assert seen[0].errors == {"count": "expected a whole number, got 'x'", "day": "missing"}
    assert seen[0].description == "parameter 'count': expected a whole number, got 'x'; parameter 'day': missing"


def test_on_invalid_gets_malformed_signals_too(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.handler(on_invalid=lambda error: {"error": error.description, "errors": error.errors})
    def act(signals: Signals) -> None: ...

    answer = tab.post(act, _data="[]", _headers={"Content-Type": "application/json"})

    assert answer.patched == {"error": "the signals are a list; accepted: a JSON object", "errors": {}}


def test_on_invalid_drops_what_the_handler_had_queued(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.handler(on_invalid=lambda error: "<p id='error'></p>")
    def act() -> None:
        datastar.signal("count", 1)
        datastar.patch_elements("<p id='half'></p>")
        raise InvalidSignals("no")

    assert [event.arguments for event in tab.post(act).events] == [{"elements": "<p id='error'></p>"}]


def test_on_invalid_gets_what_a_generator_reads_before_its_first_yield(datastar: Datastar, tab: DatastarClient) -> None:
    closed: list[bool] = []

    @datastar.handler(on_invalid=lambda error: {"error": error.description})
    def act() -> Iterator[object]:
        datastar.signal("seen", 1)
        try:
            yield {"name": datastar.read_signals(Person)["name"]}
            yield {"closed": False}
            return {"done": True}
        finally:
            closed.append(True)

    assert tab.post(act).patched == {"error": "signal 'name': missing"}
    tab.signals["name"] = "Ada"
    assert tab.post(act).patched == {"name": "Ada", "seen": 1, "closed": False, "done": True}
    events = tab.iter_events(act)
    next(events)
    assert len(closed) == 2
    events.close()  # type: ignore[attr-defined]
    assert len(closed) == 3


def test_on_invalid_is_too_late_after_the_first_yield(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.handler(on_invalid=lambda error: {"error": error.description})
    def act() -> Iterator[object]:
        yield {"begun": True}
        datastar.read_signals(Person)

    events = tab.iter_events(act)
    assert next(events) == sse.patch_signals({"begun": True})
    with pytest.raises(InvalidSignals, match="signal 'name': missing"):
        next(events)


def test_on_invalid_may_be_async(datastar: Datastar, tab: DatastarClient) -> None:
    async def explain(error: InvalidSignals) -> str:
        return "<p id='error'></p>"

    @datastar.handler(on_invalid=explain)
    def act(count: int) -> None: ...

    assert tab.post(act).html == "<p id='error'></p>"


def test_on_invalid_may_raise_it_again(datastar: Datastar, tab: DatastarClient) -> None:
    def explain(error: InvalidSignals) -> None:
        raise error

    @datastar.handler(on_invalid=explain)
    def act(count: int) -> None: ...

    assert tab.post(act).status_code == 400


def test_invalid_signals_reach_the_errorhandler_of_400(app: Flask, datastar: Datastar, tab: DatastarClient) -> None:
    @app.errorhandler(400)
    def show(error: InvalidSignals) -> tuple[dict[str, str], int]:
        return error.errors, 400

    @datastar.handler
    def act(count: int) -> None: ...

    response = tab.post(act).response

    assert (response.status_code, response.json) == (400, {"count": "missing"})


def test_url_value_wins_over_query_and_signal(app: Flask, datastar: Datastar) -> None:
    blueprint = Blueprint("shop", __name__, url_prefix="/<int:shop>/<lang>")

    @datastar.handler(blueprint=blueprint, group="g")
    def act(shop: int, name: str) -> Signals:
        return {"got": [shop, name, request.view_args]}

    app.register_blueprint(blueprint)
    tab = DatastarClient(app, {"shop": 3, "name": "x"})

    assert tab.post("/7/de/ds/g/act", shop=5).patched == {"got": [7, "x", {"shop": 7, "lang": "de"}]}


def test_annotations_may_name_what_is_defined_later(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.handler
    def act(size: Size) -> Signals:  # type: ignore[name-defined]  # noqa: F821
        return {"got": size.value}

    globals()["Size"] = Enum("Size", {"SMALL": "s"})
    try:
        assert tab.post(act, size="s").patched == {"got": "s"}
    finally:
        del globals()["Size"]


def test_annotation_that_never_resolves_is_named(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.handler
    def act(size: Unknown) -> None: ...

    with pytest.raises(
        SetupError, match=r"^handler .*act: an annotation cannot be resolved: name 'Unknown' is not defined$"
    ):
        tab.post(act, size="s")


def test_return_annotation_for_the_type_checker_alone_is_left_alone(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.handler
    def act(count: int) -> Unknown:
        return {"got": count}

    assert tab.post(act, count="3").patched == {"got": 3}


def test_annotation_without_converter_is_refused_at_once(datastar: Datastar) -> None:
    with pytest.raises(
        SetupError, match=r"^handler .*act: parameter 'value': annotation <class 'bytes'> is not one of"
    ):

        @datastar.handler
        def act(value: bytes) -> None: ...

    assert datastar.handlers == ()


def test_late_annotation_without_converter_is_named(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.handler
    def act(value: Late) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    globals()["Late"] = bytes
    try:
        with pytest.raises(SetupError, match="parameter 'value': annotation <class 'bytes'> is not one of"):
            tab.post(act, value="s")
    finally:
        del globals()["Late"]


def test_positional_only_parameter_is_refused(datastar: Datastar) -> None:
    with pytest.raises(SetupError, match=r"^handler .*act: parameter 'value' is positional-only; remove the '/'$"):

        @datastar.handler
        def act(value: int, /) -> None: ...


def test_decorated_function_keeps_its_parameters(datastar: Datastar, tab: DatastarClient) -> None:
    def logged(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def wrapper(**kwargs: Any) -> Any:
            return function(**kwargs)

        return wrapper

    @datastar.handler
    @logged
    def act(count: int) -> Signals:
        return {"got": count}

    assert tab.post(act, count="3").patched == {"got": 3}


def test_bound_method_gets_no_self(datastar: Datastar, tab: DatastarClient) -> None:
    class Cart:
        def add(self, count: int) -> Signals:
            return {"got": count}

    add = Cart().add
    datastar.handler(add)

    assert tab.post(add, count="3").patched == {"got": 3}


def test_two_apps_bind_late_annotations_each(make_app: MakeApp) -> None:
    datastar = Datastar()

    @datastar.handler
    def act(value: Later) -> Signals:  # type: ignore[name-defined]  # noqa: F821
        return {"got": value}

    first, second = make_app(datastar), make_app(datastar)
    globals()["Later"] = int
    try:
        assert DatastarClient(first).post(act, value="1").patched == {"got": 1}
        assert DatastarClient(second).post(act, value="2").patched == {"got": 2}
    finally:
        del globals()["Later"]


def test_type_alias_that_contains_itself_is_named(datastar: Datastar) -> None:
    class Endless:
        """As ``type Endless = list[Endless]``, which older Pythons cannot write."""

        __type_params__ = ()

    alias = Endless()
    alias.__value__ = list[alias]  # type: ignore[attr-defined, valid-type]

    def act(value):  # type: ignore[no-untyped-def]
        ...

    act.__annotations__ = {"value": alias}
    with pytest.raises(SetupError, match=r"parameter 'value': .* contains itself without an end; put a dataclass or a"):
        datastar.handler(group="g")(act)


# Parameters that are nested signals


@pytest.mark.parametrize(
    ("path", "signals", "expected"),
    [
        ("items.0.n", {"items": [{"n": "1"}, {"n": "2"}]}, 1),
        ("items.1.n", {"items": [{"n": "1"}, {"n": "2"}]}, 2),
        ("items.1.n", {"items": {"0": {"n": "1"}, "1": {"n": "2"}}}, 2),
        ("matrix.1.0", {"matrix": [[1], [2]]}, 2),
        ("user.age", {"user": {"age": "7"}}, 7),
    ],
)
def test_path_of_a_signal_leads_into_lists(
    datastar: Datastar, app: Flask, path: str, signals: Signals, expected: int
) -> None:
    def act(value: int) -> Signals:
        return {"got": value}

    act.__annotations__ = {"value": Annotated[int, Signal(path)]}
    datastar.handler(group="g")(act)

    assert DatastarClient(app, signals).post(act).patched == {"got": expected}


@pytest.mark.parametrize(
    "path", ["items.2", "items.-1", "items.n", "items.00", "items.0.n.0", "items.9999999", "name.0"]
)
def test_path_that_leads_out_of_a_list_is_missing(datastar: Datastar, app: Flask, path: str) -> None:
    def act(value: int) -> None: ...

    act.__annotations__ = {"value": Annotated[int, Signal(path)]}
    datastar.handler(group="g")(act)
    answer = DatastarClient(app, {"items": [{"n": 1}, 2], "name": "Ada"}).post(act)

    assert answer.status_code == 400
    assert f"parameter '{path}': missing" in answer.response.text.replace("&#39;", "'")


def test_messages_about_a_list_of_models_stand_by_index(datastar: Datastar, app: Flask) -> None:
    @datastar.handler(on_invalid=datastar.show_errors)
    def act(rows: list[Person], box: Box[int]) -> None: ...

    answer = DatastarClient(app, {"rows": {"0": {"name": "a"}, "1": {"name": []}}, "box": {"value": "x"}}).post(act)

    assert answer.patched["errors"] == {
        "rows": {"_": "", "1": {"name": "expected a text, got []"}},
        "box": {"_": "", "value": "expected a whole number, got 'x'"},
    }
