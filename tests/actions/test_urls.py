"""URLs of actions: below every mount, with values in the path, in the query, and from the browser."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum
from typing import Any
from uuid import UUID

import pytest
from flask import Blueprint, Flask, g
from markupsafe import Markup

from flask_datastar import Datastar
from flask_datastar.errors import SetupError
from flask_datastar.testing import DatastarClient
from tests.conftest import MakeApp
from tests.support.actions import keyed
from tests.support.handlers import add

pytestmark = pytest.mark.usefixtures("req_ctx")


class Size(Enum):
    SMALL = "s&"


@pytest.mark.parametrize(
    ("value", "query"),
    [
        (3, "?v=3"),
        (True, "?v=true"),
        (False, "?v=false"),
        (1.5, "?v=1.5"),
        ("a b&c=d?#/ü", "?v=a%20b%26c%3Dd%3F%23%2F%C3%BC"),
        ("", "?v="),
        (None, ""),
        ([1, None, "x"], "?v=1&v=x"),
        ((), ""),
        (date(2026, 11, 21), "?v=2026-11-21"),
        (datetime(2026, 11, 21, 12, 30), "?v=2026-11-21T12%3A30%3A00"),
        (time(12, 30), "?v=12%3A30%3A00"),
        (timedelta(days=1, seconds=5, microseconds=1), "?v=86405.000001"),
        (UUID(int=1), "?v=00000000-0000-0000-0000-000000000001"),
        (Size.SMALL, "?v=s%26"),
        (Markup("<b>"), "?v=%3Cb%3E"),
    ],
)
def test_parameters_travel_in_the_query(datastar: Datastar, value: Any, query: str) -> None:
    add(datastar, "cart")

    assert datastar.post("add", v=value).js == keyed(f"@post('/ds/cart/add{query}')")


@dataclass
class Row:
    name: str


@pytest.mark.parametrize(
    "value",
    [
        {"a": 1},
        {1},
        b"x",
        frozenset({1}),
        bytearray(b"x"),
        [[1], [2]],
        [(1, 2)],
        [{"a": 1}],
        iter("ab"),
        Row("x"),
        [Row("x")],
    ],
)
def test_parameter_that_no_url_carries_is_refused(datastar: Datastar, value: Any) -> None:
    add(datastar, "cart")

    with pytest.raises(
        SetupError, match=r"^parameter 'v' is \w+, which a URL cannot carry; send it as a signal instead"
    ):
        datastar.post("add", v=value)


def test_expressions_are_filled_in_by_the_browser(datastar: Datastar) -> None:
    add(datastar, "cart")
    expr = datastar.expr

    assert datastar.post("add", id=expr("$id"), n=1, ids=[expr("$a"), 2]).js == (
        keyed("@post('/ds/cart/add?id=' + encodeURIComponent($id) + '&n=1&ids=' + encodeURIComponent($a) + '&ids=2')")
    )


@pytest.mark.parametrize(
    ("annotation", "empty", "expected"),
    [
        (list[int], [], []),
        (list[Size], (), []),
        (tuple[UUID, ...], (), ()),
        (set[date], [], set()),
        (list[str], [], ["x"]),
    ],
)
def test_empty_list_is_not_the_signal_of_its_name(
    app: Flask, datastar: Datastar, annotation: Any, empty: Any, expected: Any
) -> None:
    got: list[Any] = []

    def act(v: Any) -> None:
        got.append(v)

    act.__annotations__["v"] = annotation
    datastar.handler(group="g")(act)
    url = datastar.post("g.act", v=empty).js.split("'")[1]
    sent = {"v": ["x"] if expected else ["1"]}
    app.test_client().post(url, headers={"Datastar-Request": "true"}, json=sent)

    # A list of texts keeps its blanks, so a URL cannot carry an empty one.
    assert got == [expected]


def test_length_of_time_survives_the_way_to_the_handler(app: Flask, datastar: Datastar) -> None:
    got: list[timedelta] = []

    @datastar.handler(group="g")
    def act(wait: timedelta) -> None:
        got.append(wait)

    url = datastar.post("g.act", wait=timedelta(days=2, milliseconds=1)).js.split("'")[1]
    app.test_client().post(url, headers={"Datastar-Request": "true"})

    assert got == [timedelta(days=2, milliseconds=1)]


def test_parameter_survives_the_way_to_the_handler(app: Flask, datastar: Datastar) -> None:
    @datastar.handler
    def act(when: date, size: Size, tags: list[str], flag: bool) -> dict[str, Any]:
        return {"got": [when.isoformat(), size.value, tags, flag]}

    answer = DatastarClient(app).post(act, when=date(2026, 11, 21), size=Size.SMALL, tags=["a&b", "ü"], flag=False)

    assert answer.patched == {"got": ["2026-11-21", "s&", ["a&b", "ü"], False]}


def test_path_values_of_the_blueprint_go_into_the_path(app: Flask, datastar: Datastar, nested: Blueprint) -> None:
    app.register_blueprint(nested)

    assert datastar.post("act", lang="ü", order=7, page=2).js == keyed("@post('/%C3%BC/orders/7/ds/g/act?page=2')")


def test_expressions_may_stand_in_the_path(app: Flask, datastar: Datastar, nested: Blueprint) -> None:
    app.register_blueprint(nested)

    assert datastar.post("act", lang=datastar.expr("$lang"), order=7, page=datastar.expr("$page")).js == (
        keyed("@post('/' + encodeURIComponent($lang) + '/orders/7/ds/g/act?page=' + encodeURIComponent($page))")
    )


def test_expression_may_stand_where_the_path_has_a_number(app: Flask, datastar: Datastar, nested: Blueprint) -> None:
    app.register_blueprint(nested)

    assert datastar.post("act", lang="de", order=datastar.expr("$order")).js == (
        keyed("@post('/de/orders/' + encodeURIComponent($order) + '/ds/g/act')")
    )
    assert datastar.post("act", lang=datastar.expr("$lang"), order=datastar.expr("$order")).js == (
        keyed("@post('/' + encodeURIComponent($lang) + '/orders/' + encodeURIComponent($order) + '/ds/g/act')")
    )


@pytest.mark.parametrize(
    "converter", ["int(fixed_digits=4)", "int(max=5)", "float", "uuid", "path", "string(length=2)"]
)
def test_expression_may_stand_in_every_kind_of_path(app: Flask, datastar: Datastar, converter: str) -> None:
    blueprint = Blueprint("shop", __name__, url_prefix=f"/<{converter}:value>")
    add(datastar, "g", "act", blueprint=blueprint)
    app.register_blueprint(blueprint)

    assert datastar.post("act", value=datastar.expr("$v")).js == keyed(
        "@post('/' + encodeURIComponent($v) + '/ds/g/act')"
    )


def test_expression_in_a_path_of_fixed_words_is_refused(app: Flask, datastar: Datastar) -> None:
    blueprint = Blueprint("shop", __name__, url_prefix="/<any(de, en):lang>")
    add(datastar, "g", "act", blueprint=blueprint)
    app.register_blueprint(blueprint)

    with pytest.raises(SetupError, match="cannot be built from"):
        datastar.post("act", lang=datastar.expr("$lang"))


def test_path_value_that_is_missing_or_unfit_is_named(app: Flask, datastar: Datastar, nested: Blueprint) -> None:
    app.register_blueprint(nested)

    for values in ({"lang": "de"}, {"lang": "de", "order": "x"}):
        with pytest.raises(SetupError, match=r"^the URL of handler g:act \(.*\) cannot be built from \{'lang': 'de'"):
            datastar.post("act", **values)


def test_url_defaults_fill_in_path_values(app: Flask, datastar: Datastar, nested: Blueprint) -> None:
    @nested.url_defaults
    def fill_in(endpoint: str, values: dict[str, Any]) -> None:
        values.setdefault("lang", g.get("lang", "en"))
        values.setdefault("extra", "1")

    app.register_blueprint(nested)

    assert datastar.post("act", order=1, page=2).js == keyed("@post('/en/orders/1/ds/g/act?extra=1&page=2')")


def test_unregistered_blueprints_handler_says_so(datastar: Datastar, nested: Blueprint) -> None:
    with pytest.raises(
        SetupError, match=r"^handler g:act \(.*\) is not reachable in <Flask 'shop'>; register its blueprint 'orders'$"
    ):
        datastar.post("act")


def test_actions_hold_below_script_name(app: Flask, datastar: Datastar) -> None:
    add(datastar, "cart")

    with app.test_request_context("/", base_url="https://shop.example/mount/deep"):
        assert datastar.post("add").js == keyed("@post('/mount/deep/ds/cart/add')")
        assert datastar.js(datastar.post("add")).js == f"({datastar.post('add').js})"


def test_two_apps_write_their_own_urls(make_app: MakeApp) -> None:
    datastar = Datastar()
    add(datastar, "cart")
    first, second = make_app(datastar, DATASTAR_URL_PREFIX="/one"), make_app(datastar, APPLICATION_ROOT="/two")

    with first.test_request_context():
        assert datastar.post("add").js == keyed("@post('/one/cart/add')")
    with second.test_request_context():
        assert datastar.post("add").js == keyed("@post('/two/ds/cart/add')")
