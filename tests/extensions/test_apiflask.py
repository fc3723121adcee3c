"""APIFlask: ``@app.input`` reads the signals by a schema, which has to leave the others out."""

from __future__ import annotations

import pytest
from apiflask import APIFlask, Schema
from apiflask.fields import Integer
from marshmallow import EXCLUDE

from flask_datastar import Datastar
from flask_datastar.testing import DatastarClient


@pytest.fixture
def app():
    app = APIFlask("shop", json_errors=False)
    app.config["SECRET_KEY"] = "only for tests"
    return app


class Strict(Schema):
    quantity = Integer(required=True)


# On the page, the schema:
class Order(Schema):
    quantity = Integer(required=True)

    class Meta:
        unknown = EXCLUDE  # the page's other signals, such as tabId


# So far.


@pytest.fixture
def tab(app, datastar):
    return DatastarClient(app, {"quantity": 3, "tabId": "a.b"})


def test_everything_works(shop):
    shop.check()


def test_strict_schema_refuses_the_other_signals_of_the_page(app, datastar, tab):
    @app.post("/order")
    @app.input(Strict)
    def order(json_data):
        return datastar.start().patch_signals({"ordered": json_data["quantity"]})

    answer = tab.post("/order")

    assert (answer.status_code, answer.response.json["detail"]) == (422, {"json": {"tabId": ["Unknown field."]}})


def test_schema_that_leaves_them_out_reads_a_plain_view(app, datastar, tab):
    @app.post("/order")
    @app.input(Order)
    def order(json_data):
        return datastar.start().patch_signals({"ordered": json_data["quantity"]})

    assert tab.post("/order").patched == {"ordered": 3}


def test_schema_reads_a_handler_whose_argument_has_a_default(app, datastar, tab):
    # On the page, the handler:
    @datastar.handler(group="shop")
    @app.input(Order)
    def order(json_data=None):
        datastar.signal("ordered", json_data["quantity"])

    # So far.
    assert tab.post("shop.order").patched == {"ordered": 3}
    assert tab.post("shop.order", _json={"quantity": "many"}).status_code == 422


def test_without_json_errors_a_400_says_what_was_wrong(datastar, tab):
    @datastar.handler(group="shop")
    def order(quantity: int, person: str): ...

    assert "parameter &#39;person&#39;: missing" in tab.post("shop.order").response.text


def test_with_json_errors_it_does_not():
    app = APIFlask("shop")
    datastar = Datastar(app)

    @datastar.handler(group="shop")
    def order(person: str): ...

    answer = DatastarClient(app).post("shop.order")
    assert (answer.status_code, answer.response.json["message"]) == (400, "Bad Request")
