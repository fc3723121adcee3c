"""``datastar.handlers``: what the browser can call, for people and programs to look at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import FrozenInstanceError
from functools import wraps
from typing import Any

import pytest
from flask import Blueprint, Flask

from flask_datastar import Datastar, Signals, StarView, event
from tests.conftest import MakeApp


def line_of(function: Any) -> str:
    return f"{__file__}:{function.__code__.co_firstlineno}"


def test_every_kind_is_listed_with_all_that_is_known_of_it(app: Flask, datastar: Datastar) -> None:
    blueprint = Blueprint("shop", __name__, url_prefix="/<lang>")

    @datastar.handler(group="cart", name="remove", methods=["DELETE"], blueprint=blueprint)
    def remove_row() -> None: ...

    @datastar.stream(group="cart")
    def feed() -> Iterator[None]:
        yield

    @datastar.view("/counter", group="counter")
    class Counter(StarView):
        @event(methods=["POST", "put"])
        def add(self) -> None: ...

        def handle_event(self, event: str, signals: Signals) -> None: ...

    app.register_blueprint(blueprint)
    here = f"{__name__}.test_every_kind_is_listed_with_all_that_is_known_of_it.<locals>"

    remove, stream, add, every = datastar.handlers

    assert (remove.group, remove.name, remove.kind, remove.methods) == ("cart", "remove", "handler", ("DELETE",))
    assert (remove.function, remove.source) == (f"{here}.remove_row", line_of(remove_row))
    assert remove.rules == {"shop.cart:remove": "/<lang>/ds/cart/remove"}
    assert (stream.group, stream.name, stream.kind, stream.methods) == ("cart", "feed", "stream", ("GET",))
    assert (stream.function, stream.source) == (f"{here}.feed", line_of(feed))
    assert stream.rules == {"datastar.cart:feed": "/ds/cart/feed"}
    assert (add.group, add.name, add.kind, add.methods) == ("counter", "add", "view event", ("POST", "PUT"))
    assert (add.function, add.source) == (f"{here}.Counter.add", line_of(Counter.add))
    assert add.rules == {"datastar.counter:add": "/ds/counter/add"}
    assert (every.group, every.name, every.kind) == ("counter", "*", "view event")
    assert every.rules == {"datastar.counter:*": "/ds/counter/<datastar_event>"}


def test_listing_cannot_be_changed(datastar: Datastar) -> None:
    @datastar.handler
    def act() -> None: ...

    (info,) = datastar.handlers

    assert isinstance(datastar.handlers, tuple)
    with pytest.raises(FrozenInstanceError):
        info.name = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        info.rules["other"] = "/other"  # type: ignore[index]
    for name in ("add", "remove", "exchange", "replace_all"):
        assert not hasattr(datastar.handlers, name)


def test_source_is_that_of_the_function_below_its_decorators(datastar: Datastar) -> None:
    def decorate(function: Any) -> Any:
        @wraps(function)
        def wrapper() -> Any:
            return function()

        return wrapper

    def act() -> None: ...

    class Job:
        def __call__(self) -> None: ...

    job: Any = Job()
    job.__name__ = job.__qualname__ = "job"
    datastar.handler(decorate(act))
    datastar.handler(job)

    assert [info.source for info in datastar.handlers] == [line_of(act), ""]


def test_rules_are_those_of_the_current_app_else_of_the_only_one(make_app: MakeApp) -> None:
    datastar = Datastar()
    blueprint = Blueprint("shop", __name__)

    @datastar.handler(group="g")
    def act() -> None: ...

    @datastar.handler(group="g", blueprint=blueprint)
    def guarded() -> None: ...

    def rules() -> list[list[str]]:
        return [list(info.rules.values()) for info in datastar.handlers]

    assert rules() == [[], []]
    first = make_app(datastar)
    assert rules() == [["/ds/g/act"], []]
    first.register_blueprint(blueprint, url_prefix="/one")
    first.register_blueprint(blueprint, url_prefix="/two", name="again")
    assert rules() == [["/ds/g/act"], ["/one/ds/g/guarded", "/two/ds/g/guarded"]]
    second = make_app(datastar, DATASTAR_URL_PREFIX="/live")
    assert rules() == [[], []]
    with second.app_context():
        assert rules() == [["/live/g/act"], []]
    with make_app().app_context():
        assert rules() == [[], []]
