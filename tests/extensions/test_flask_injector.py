"""Flask-Injector: views are injected, handlers ask for what they need."""

from __future__ import annotations

import pytest
from flask_injector import FlaskInjector, inject

from flask_datastar.errors import SetupError
from flask_datastar.testing import DatastarClient


class Store:
    name = "the store"


def bind(binder):
    binder.bind(Store, to=Store())


def test_everything_works(app, shop):
    FlaskInjector(app=app, modules=[bind])

    shop.check()


def test_view_is_injected_and_a_handler_asks(app, datastar):
    @app.get("/")
    @inject
    def index(store: Store):
        return store.name

    # On the page:
    injector = FlaskInjector(app=app, modules=[bind]).injector

    @datastar.handler(group="shop")
    def show(count: int = 0):
        store = injector.get(Store)
        datastar.signal("store", f"{store.name} {count}")

    # So far.
    tab = DatastarClient(app, {"count": 3})

    assert tab.client.get("/").text == "the store"
    assert tab.post("shop.show").patched == {"store": "the store 3"}


def test_injected_parameter_of_a_handler_is_refused(datastar):
    with pytest.raises(SetupError, match="parameter 'store': annotation"):

        @datastar.handler(group="shop")
        @inject
        def show(store: Store): ...
