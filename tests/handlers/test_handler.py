"""Handlers: what may be declared as one, and their names and groups."""

from __future__ import annotations

import functools
import runpy
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from flask import Flask

from flask_datastar import Datastar, Signals
from flask_datastar.errors import SetupError
from flask_datastar.handlers.handler import default_group
from flask_datastar.testing import DatastarClient
from tests.support.actions import keyed


def rules(app: Flask) -> dict[str, str]:
    """Endpoint → rule of all handlers."""
    return {rule.endpoint: rule.rule for rule in app.url_map.iter_rules() if ":" in rule.endpoint}


def test_decorator_returns_the_function_it_got(datastar: Datastar) -> None:
    def act() -> None: ...

    assert datastar.handler(act) is act
    assert datastar.handler(name="other")(act) is act


def test_handler_is_an_endpoint_of_the_dispatcher_with_its_own_rule(app: Flask, datastar: Datastar) -> None:
    @datastar.handler
    def add_item() -> None: ...

    @datastar.handler(name="remove", group="cart", methods=["delete", "POST", "DELETE"])
    def remove_item() -> None: ...

    assert rules(app) == {
        "datastar.tests-handlers-test_handler:add_item": "/ds/tests-handlers-test_handler/add_item",
        "datastar.cart:remove": "/ds/cart/remove",
    }
    methods = {rule.endpoint: rule.methods for rule in app.url_map.iter_rules()}
    assert methods["datastar.tests-handlers-test_handler:add_item"] == {"POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
    assert methods["datastar.cart:remove"] == {"POST", "DELETE", "OPTIONS"}


@pytest.mark.parametrize(
    ("module", "group"),
    [
        ("shop", "shop"),
        ("shop.cart", "shop-cart"),
        ("shop.shoppingCart", "shop-shopping_cart"),
        ("Shop.HTTPServer", "shop-http_server"),
        ("shop.v2Api", "shop-v2_api"),
        ("shop._private", "shop-_private"),
    ],
)
def test_default_group_is_the_module_snake_cased(module: str, group: str) -> None:
    assert default_group(module) == group


@pytest.mark.parametrize(
    ("run", "group"),
    [
        (lambda: runpy.run_path("stall.py", run_name="__main__"), "stall"),
        (lambda: runpy.run_module("stall", run_name="__main__", alter_sys=True), "stall"),
        (lambda: runpy.run_module("market", run_name="__main__", alter_sys=True), "market"),
        (lambda: runpy.run_module("market.stall", run_name="__main__", alter_sys=True), "market-stall"),
    ],
    ids=["python stall.py", "python -m stall", "python -m market", "python -m market.stall"],
)
def test_default_group_of_the_main_module_is_the_name_that_others_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Callable[[], dict[str, Any]], group: str
) -> None:
    code = "from flask_datastar.handlers.handler import default_group; group = default_group(__name__)"
    (tmp_path / "market").mkdir()
    (tmp_path / "market" / "__init__.py").touch()
    for name in ("stall.py", "market/__main__.py", "market/stall.py"):
        (tmp_path / name).write_text(code)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "market", raising=False)

    assert run()["group"] == group


def test_default_group_of_an_interpreter_without_a_file_is_main(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))

    assert default_group("__main__") == "main"


@pytest.mark.parametrize("name", ["", "a.b", "a b", "a/b", "a:b", "é", "<x>", "a\n", 5])
def test_name_that_could_not_stand_in_the_url_is_refused(datastar: Datastar, name: Any) -> None:
    for option in ("name", "group"):
        with pytest.raises(
            SetupError, match=rf"^handler .*act: {option} is .*; accepted: letters, digits, '_', '-' and '~', no dot$"
        ):

            @datastar.handler(**{option: name})
            def act() -> None: ...


def test_lambda_without_a_name_is_refused(datastar: Datastar) -> None:
    with pytest.raises(SetupError, match="name is '<lambda>'"):
        datastar.handler(lambda: None)

    datastar.handler(name="act")(lambda: None)


@pytest.mark.parametrize("methods", [[], "POST", ["HEAD"], ["OPTIONS"], ["TRACE"], ["POST", "FETCH"], [None]])
def test_methods_that_the_client_has_no_action_for_are_refused(datastar: Datastar, methods: Any) -> None:
    with pytest.raises(
        SetupError,
        match=r"^handler .*act: methods is .*; accepted: a list of GET, POST, PUT, PATCH, DELETE, QUERY$",
    ):

        @datastar.handler(methods=methods)
        def act() -> None: ...


def test_on_invalid_that_cannot_be_called_is_refused(datastar: Datastar) -> None:
    with pytest.raises(SetupError, match=r"^handler .*act: on_invalid is 'explain'; accepted: a function of the Inv"):

        @datastar.handler(on_invalid="explain")  # type: ignore[arg-type]
        def act() -> None: ...


@pytest.mark.parametrize("target", ["increment", None, 5])
def test_decorator_on_something_else_than_a_function_is_refused(datastar: Datastar, target: Any) -> None:
    with pytest.raises(
        SetupError, match=r"^@datastar\.handler decorates a function, not .*; write @datastar\.handler\("
    ):
        datastar.handler()(target)


@pytest.mark.parametrize("name", ["handler", "stream"])
def test_string_in_place_of_the_function_is_refused(datastar: Datastar, name: str) -> None:
    with pytest.raises(
        SetupError, match=rf"^@datastar\.{name} decorates a function, not 'live'; write @datastar\.{name}\(name="
    ):
        getattr(datastar, name)("live")


def test_callable_without_a_name_is_refused(datastar: Datastar) -> None:
    def act(count: int) -> None: ...

    with pytest.raises(SetupError, match=r"has no name of its own; wrap it in a function$"):
        datastar.handler(functools.partial(act, count=1))


def test_async_generator_is_refused(datastar: Datastar) -> None:
    with pytest.raises(
        SetupError, match=r"^handler .*act is an async generator, which WSGI cannot stream; write a gen"
    ):

        @datastar.handler
        async def act() -> AsyncIterator[None]:
            yield


def test_decorated_async_generator_is_refused(datastar: Datastar) -> None:
    async def act() -> AsyncIterator[None]:
        yield

    with pytest.raises(SetupError, match="is an async generator"):

        @datastar.handler
        @functools.wraps(act)
        def wrapper() -> Any: ...


def test_async_handler_runs(datastar: Datastar, tab: DatastarClient) -> None:
    @datastar.handler
    async def act(count: int) -> Signals:
        datastar.signal("tracked", count)
        return {"count": count + 1}

    assert tab.post(act, count=1).patched == {"count": 2, "tracked": 1}


def test_method_is_refused(datastar: Datastar) -> None:
    with pytest.raises(SetupError, match=r"PageView.act is a method, .*; in a StarView mark it with @event$"):

        class PageView:
            @datastar.handler
            def act(self) -> None: ...


def test_function_of_a_class_may_be_a_handler(datastar: Datastar, tab: DatastarClient) -> None:
    class Handlers:
        @staticmethod
        @datastar.handler
        def act(count: int) -> Signals:
            return {"count": count + 1}

        def bound(self, count: int) -> Signals:
            return {"bound": count}

    datastar.handler(Handlers().bound)

    assert tab.post(Handlers.act, count=1).patched == {"count": 2}
    assert tab.post("bound", count=1).patched == {"bound": 1}


def test_handlers_are_found_by_module_in_any_group(app: Flask, datastar: Datastar) -> None:
    module = ModuleType("somewhere")
    exec("def act(): ...", module.__dict__)
    datastar.handler(group="g")(module.act)

    with app.test_request_context():
        assert datastar.post(module, "act").js == keyed("@post('/ds/g/act')")


def test_generator_handler_is_known_as_one(app: Flask, datastar: Datastar) -> None:
    @datastar.handler
    def stream() -> Iterator[None]:
        yield

    @datastar.handler(name="wrapped")
    @functools.wraps(stream)
    def wrapper() -> Any:
        return stream()

    @datastar.handler
    def act() -> None: ...

    with app.test_request_context():
        # What breaks off is not repeated.
        actions = {name: datastar.post(name).js for name in ("stream", "wrapped", "act")}
    assert {name: "retryMaxCount: 0" in action for name, action in actions.items()} == {
        "stream": True,
        "wrapped": True,
        "act": False,
    }
