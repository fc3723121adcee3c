"""Signals as models, in handlers, streams and plain views, and what is told of those that do not fit."""

from __future__ import annotations

import html
import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any, TypedDict

import msgspec
import pydantic
import pytest
from flask import Flask, render_template_string

from flask_datastar import Datastar, Signal, Signals
from flask_datastar.errors import InvalidSignals, SetupError
from flask_datastar.testing import Answer, DatastarClient
from tests.conftest import MakeApp


@dataclass
class Row:
    name: str
    price: Decimal = Decimal(1)


@dataclass
class Basket:
    person: str
    rows: list[Row] = field(default_factory=list)


class BasketDict(TypedDict):
    person: str


class BasketModel(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")

    person: str


class BasketStruct(msgspec.Struct, forbid_unknown_fields=True):
    person: str


@dataclass
class Own:
    csrf: str | None
    tabId: str | None
    name: str = ""


SIGNALS = {"tabId": "a.b", "csrf": "token", "person": "Ada", "rows": [{"name": "Tea", "price": "1.50"}], "scroll": 7}


def text_of(answer: Answer) -> str:
    return html.unescape(answer.response.text)


@pytest.mark.parametrize("model", [Basket, BasketDict, BasketModel, BasketStruct])
def test_the_parameter_signals_becomes_its_model(datastar: Datastar, app: Flask, model: Any) -> None:
    def act(signals):  # type: ignore[no-untyped-def]
        got.append(signals)

    got: list[Any] = []
    act.__annotations__ = {"signals": model}
    datastar.handler(group="g")(act)

    assert DatastarClient(app, SIGNALS).post(act).status_code == 204
    person = got[0]["person"] if isinstance(got[0], dict) else got[0].person
    assert person == "Ada"
    answer = DatastarClient(app, {"person": []}).post(act)
    assert answer.status_code == 400
    assert "signal 'person': " in text_of(answer)


def test_paths_are_named_in_the_answer(datastar: Datastar, app: Flask) -> None:
    @datastar.handler(group="g")
    def act(signals: Basket, page: int = 1) -> None: ...

    answer = DatastarClient(app, {"rows": [{"name": "Tea"}, {"price": "x"}], "page": "last"}).post(act)

    assert answer.status_code == 400
    assert (
        "signal 'person': missing; signal 'rows.1.name': missing; signal 'rows.1.price': expected a decimal number, "
        "got 'x'; parameter 'page': expected a whole number, got 'last'"
    ) in text_of(answer)


def test_plain_signals_keep_all(datastar: Datastar, app: Flask) -> None:
    @datastar.handler(group="g")
    def act(signals: Signals) -> Signals:
        return {"got": sorted(signals)}

    assert DatastarClient(app, SIGNALS).post(act).patched == {"got": ["csrf", "person", "rows", "scroll", "tabId"]}


def test_signals_of_the_extension_are_no_part_of_a_model(datastar: Datastar, app: Flask) -> None:
    @datastar.handler(group="g")
    def act(signals: Own) -> Signals:
        return {"got": repr(signals)}

    tab = DatastarClient(app, {"tabId": "a.b", "csrf": "token", "name": "Ada"})
    assert tab.post(act).patched["got"] == "Own(csrf=None, tabId=None, name='Ada')"


def test_read_signals_makes_a_model_in_a_plain_view(datastar: Datastar, app: Flask) -> None:
    @app.post("/old")
    def old() -> str:
        return datastar.read_signals(Basket).rows[0].name

    assert DatastarClient(app, SIGNALS).post("/old").response.text == "Tea"
    refused = DatastarClient(app, {}).post("/old")
    assert refused.status_code == 400
    assert "signal 'person': missing" in text_of(refused)


def test_read_signals_refuses_what_is_no_model(datastar: Datastar, app: Flask) -> None:
    with (
        app.test_request_context(),
        pytest.raises(TypeError, match=r"<class 'int'> is not a model; accepted: a dataclass"),
    ):
        datastar.read_signals(int)


@pytest.mark.parametrize("annotation", [int, list[str], "Basket | None", Basket | None])
def test_other_annotations_for_all_signals_are_refused(datastar: Datastar, annotation: Any) -> None:
    def act(signals):  # type: ignore[no-untyped-def]
        ...

    act.__annotations__ = {"signals": annotation}
    with pytest.raises(SetupError, match=r"parameter 'signals': .* cannot be the annotation of 'signals'; acc"):
        datastar.handler(group="g")(act)


def test_a_model_with_an_unfit_field_is_refused_at_the_declaration(datastar: Datastar) -> None:
    @dataclass
    class Wrong:
        name: bytes

    def act(signals):  # type: ignore[no-untyped-def]
        ...

    act.__annotations__ = {"signals": Wrong}
    with pytest.raises(
        SetupError, match=r"parameter 'signals': .*Wrong.name: annotation <class 'bytes'> is not one of"
    ):
        datastar.handler(group="g")(act)


def test_a_model_may_be_defined_after_its_handler(datastar: Datastar, app: Flask) -> None:
    @datastar.handler(group="g")
    def act(signals: Later) -> Signals:
        return {"got": signals.name}

    assert DatastarClient(app, {"name": "Ada"}).post(act).patched == {"got": "Ada"}
    assert "signal 'name': missing" in text_of(DatastarClient(app, {}).post(act))


# Other parameters


def test_other_parameters_may_be_models_too(datastar: Datastar, app: Flask) -> None:
    @datastar.handler(group="g")
    def act(main: Row, rows: list[Row], second: Row | None = None) -> Signals:
        return {"got": repr((main, rows, second))}

    tab = DatastarClient(app, {"main": {"name": "Tea", "price": 2}, "rows": [{"name": "Cake"}]})
    assert tab.post(act).patched["got"] == (
        "(Row(name='Tea', price=Decimal('2')), [Row(name='Cake', price=Decimal('1'))], None)"
    )
    refused = text_of(DatastarClient(app, {"rows": [{"price": []}], "second": 7}).post(act))
    for text in (
        "parameter 'main.name': missing",
        "parameter 'rows.0.name': missing",
        "parameter 'rows.0.price': expected a decimal number, got []",
        "parameter 'second': expected an object, got 7",
    ):
        assert text in refused


def test_a_parameter_may_be_a_nested_signal(datastar: Datastar, app: Flask) -> None:
    @datastar.handler(group="g")
    def act(
        name: Annotated[str, Signal("user.name")], age: Annotated[int | None, Signal("user.more.age")] = 5
    ) -> Signals:
        return {"got": [name, age]}

    assert DatastarClient(app, {"user": {"name": "Ada"}, "name": "x"}).post(act).patched == {"got": ["Ada", 5]}
    nested = DatastarClient(app, {"user": {"name": "Ada", "more": {"age": "36"}}})
    assert nested.post(act).patched == {"got": ["Ada", 36]}
    # It says that it is a signal: the query string, which a link can set, is not asked.
    assert nested.post("/ds/g/act", name="Eve").patched == {"got": ["Ada", 36]}
    assert "parameter 'user.name': missing" in text_of(DatastarClient(app, {"user": "flat", "name": "x"}).post(act))


@pytest.mark.parametrize(
    "annotation",
    [
        Annotated[str, Signal("user.name")] | None,
        list[Annotated[str, Signal("user.name")]],
        Annotated[list[Annotated[str, Signal("user.name")]], Signal("user.names")],
        Annotated[str, Signal("user.name"), Signal("user.nick")],
    ],
)
def test_a_mark_that_would_be_passed_over_is_refused(datastar: Datastar, annotation: Any) -> None:
    def act(name: Any = None) -> None: ...

    act.__annotations__["name"] = annotation

    with pytest.raises(
        SetupError, match=r"parameter 'name': Signal\(...\) stands once, around all: Annotated\[str \| None"
    ):
        datastar.handler(act)


# A form post has no signals


def test_a_form_post_says_that_it_carries_no_signals(datastar: Datastar, app: Flask) -> None:
    @datastar.handler(group="g")
    def act(signals: Basket, page: int) -> None: ...

    text = text_of(DatastarClient(app).post(act, _data={"person": "Ada"}))

    assert "signal 'person': missing (a form post carries no signals; its fields are in request.form)" in text
    assert "parameter 'page': missing (a form post carries no signals" in text


# What on_invalid gets


def test_on_invalid_gets_all_messages_and_paths(datastar: Datastar, app: Flask) -> None:
    caught: list[InvalidSignals] = []

    @datastar.handler(group="g", on_invalid=caught.append)
    def act(signals: Basket, main: Row, size: int, name: Annotated[str, Signal("user.name")]) -> None: ...

    assert DatastarClient(app, {"rows": [{"price": "x"}], "size": "L", "main": {"name": "Tea"}}).post(act).events == ()

    (error,) = caught
    assert error.errors == {
        "person": "missing",
        "rows.0.name": "missing",
        "rows.0.price": "expected a decimal number, got 'x'",
        "size": "expected a whole number, got 'L'",
        "user.name": "missing",
    }
    assert error.paths == ("_", "person", "rows._", "main._", "main.name", "main.price", "size", "user.name")


# The defaults on a page


def test_init_signals_writes_the_defaults(make_app: MakeApp) -> None:
    app = make_app()
    datastar: Datastar = app.extensions["datastar"]

    @app.get("/")
    def page() -> str:
        datastar.signal("person", "<Ada>")
        datastar.signal("other", 1)
        return render_template_string("{{ datastar.init_signals(model) }}", model=Basket)

    text = html.unescape(app.test_client().get("/").text)

    assert json.loads(text) == {"person": "<Ada>", "rows": []}
    assert "<Ada>" not in text
    # In the answer to the client they would overwrite what was typed.
    assert DatastarClient(app).get("/").response.text == "{}"


def test_init_signals_writes_defaults_without_a_request_too(app: Flask, datastar: Datastar) -> None:
    with app.app_context():
        assert json.loads(datastar.init_signals(Row).js) == {"name": "", "price": "1"}
        assert datastar.init_signals().js == "{}"


def test_init_signals_refuses_what_is_no_model(app: Flask, datastar: Datastar) -> None:
    with app.test_request_context(), pytest.raises(TypeError, match="is not a model"):
        datastar.init_signals(int)


@dataclass
class Later:
    name: str
