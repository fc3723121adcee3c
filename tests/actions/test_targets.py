"""Targets of actions: functions, modules, dotted names, and what is alone in its group or in the app."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest
from flask import Blueprint, Flask, render_template_string
from flask.testing import FlaskClient
from flask.views import View

from flask_datastar import Datastar
from flask_datastar.errors import SetupError
from flask_datastar.handlers.handler import default_group
from flask_datastar.testing import DatastarClient
from tests.support.actions import keyed
from tests.support.handlers import add

pytestmark = pytest.mark.usefixtures("req_ctx")


def test_target_may_be_a_function(datastar: Datastar) -> None:
    assert datastar.post(add(datastar, "cart")).js == keyed("@post('/ds/cart/add')")


def test_target_may_be_a_module_and_an_event(datastar: Datastar) -> None:
    module = ModuleType("shop.shoppingCart")
    exec("def add(): ...\ndef remove(): ...\ndef remove_late(): ...", module.__dict__)
    datastar.handler(module.add)
    datastar.handler(group="elsewhere")(module.remove)

    assert datastar.post(module, "add").js == keyed("@post('/ds/shop-shopping_cart/add')")
    assert datastar.post(module, "remove").js == keyed("@post('/ds/elsewhere/remove')")
    with pytest.raises(SetupError, match=r"^no handler fits <module 'shop\.shoppingCart'>, 'clear'; declare it with"):
        datastar.post(module, "clear")
    with pytest.raises(SetupError, match=r"^the action names the module 'shop\.shoppingCart', but no handler; give"):
        datastar.post(module)


@pytest.mark.parametrize("target", [("shop.cart", "add"), ("shop-cart", "add"), ("shop.cart.add",), ("shop-cart.add",)])
def test_target_may_be_a_dotted_name(datastar: Datastar, target: tuple[str, ...]) -> None:
    add(datastar, "shop-cart")
    add(datastar, "other")

    assert datastar.post(*target).js == keyed("@post('/ds/shop-cart/add')")


def test_target_may_be_an_event_that_is_alone_in_the_app(datastar: Datastar) -> None:
    add(datastar, "cart")
    add(datastar, "cart", "remove")

    assert datastar.post("remove").js == keyed("@post('/ds/cart/remove')")


def test_event_of_the_running_views_group_comes_first(app: Flask, datastar: Datastar, client: FlaskClient) -> None:
    add(datastar, default_group(__name__))
    add(datastar, "other")

    class Page(View):
        def dispatch_request(self) -> str:
            return datastar.post("add").js

    app.add_url_rule("/function", view_func=lambda: datastar.post("add").js, endpoint="function")
    app.add_url_rule("/class", view_func=Page.as_view("class"))

    assert (
        client.get("/function").text
        == client.get("/class").text
        == keyed("@post('/ds/tests-actions-test_targets/add')")
    )


def test_event_of_the_running_handlers_group_comes_first(app: Flask, datastar: Datastar) -> None:
    add(datastar, default_group(__name__))
    add(datastar, "other")
    blueprint = Blueprint("shop", __name__, url_prefix="/shop")

    def show() -> dict[str, str]:
        return {"action": render_template_string("{{ datastar.post('add').js|safe }}")}

    datastar.handler(group="other", name="show")(show)
    datastar.handler(group="other", name="show_in_blueprint", blueprint=blueprint)(show)
    app.register_blueprint(blueprint)
    tab = DatastarClient(app)

    assert tab.post("other.show").patched == {"action": keyed("@post('/ds/other/add')")}
    assert tab.post("other.show_in_blueprint").patched == {"action": keyed("@post('/ds/other/add')")}


def test_page_without_an_endpoint_has_no_group(app: Flask, datastar: Datastar, client: FlaskClient) -> None:
    add(datastar, "cart")
    app.register_error_handler(404, lambda error: datastar.post("add").js)

    assert client.get("/missing").text == keyed("@post('/ds/cart/add')")


def test_view_without_a_module_has_no_group(app: Flask, datastar: Datastar, client: FlaskClient) -> None:
    add(datastar, "cart")

    def view() -> str:
        return datastar.post("add").js

    view.__module__ = None  # type: ignore[assignment]
    app.add_url_rule("/", view_func=view)

    assert client.get("/").text == keyed("@post('/ds/cart/add')")


def test_ambiguous_event_lists_the_candidates(datastar: Datastar) -> None:
    add(datastar, "cart")
    add(datastar, "list")

    with pytest.raises(
        SetupError,
        match=r"^several handlers fit 'add': cart:add \(tests\.support\.handlers\.handler_cart_add\), list:add",
    ):
        datastar.post("add")


@pytest.mark.parametrize(
    "target", [("no",), ("cart.no",), ("no", "add"), ("cart", "no"), (print,), (5,), (None,), ("",)]
)
def test_unknown_target_lists_what_is_known(datastar: Datastar, target: tuple[Any, ...]) -> None:
    add(datastar, "cart")

    with pytest.raises(
        SetupError,
        match=r"^no handler fits .*; declare it with @datastar\.handler\. Known handlers: cart:add \(tests\.",
    ):
        datastar.post(*target)


def test_unknown_target_in_an_app_without_handlers_says_so(datastar: Datastar) -> None:
    with pytest.raises(SetupError, match=r"Known handlers: none$"):
        datastar.post("add")


def test_module_of_this_test_is_a_target(datastar: Datastar) -> None:
    add(datastar, default_group(__name__))

    assert datastar.post(sys.modules[__name__], "add").js == keyed("@post('/ds/tests-actions-test_targets/add')")
