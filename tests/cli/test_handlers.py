"""`flask datastar handlers`: a table for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Blueprint, Flask

from flask_datastar import Datastar, StarView, event

HERE = Path(__file__).parent


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Flask:
    monkeypatch.chdir(HERE)
    app = Flask("shop")
    datastar = Datastar(app)

    @datastar.handler(group="cart", methods=["POST", "DELETE"])
    def add() -> None: ...

    @datastar.view("/rows", group="rows")
    class Rows(StarView):
        @event
        def save(self) -> None: ...

    shared = Blueprint("shared", __name__)

    @datastar.stream(group="cart", blueprint=shared)
    def feed() -> Iterator[None]:
        yield

    app.register_blueprint(shared, url_prefix="/de")
    app.register_blueprint(shared, url_prefix="/en", name="english")

    @datastar.handler(group="cart", blueprint=Blueprint("waiting", __name__))
    def later() -> None: ...

    return app


def test_table_has_a_line_for_each(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["datastar", "handlers"])

    assert result.exit_code == 0
    assert [line.split() for line in result.output.splitlines()] == [
        ["GROUP", "NAME", "KIND", "METHODS", "URL", "SOURCE"],
        ["cart", "add", "handler", "POST,DELETE", "/ds/cart/add", "test_handlers.py:24"],
        ["rows", "save", "view", "event", "POST,PUT,PATCH,DELETE", "/ds/rows/save", "test_handlers.py:29"],
        ["cart", "feed", "stream", "GET", "/de/ds/cart/feed,/en/ds/cart/feed", "test_handlers.py:34"],
        ["cart", "later", "handler", "POST,PUT,PATCH,DELETE", "-", "test_handlers.py:41"],
    ]


def test_json_has_all_that_is_known(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["datastar", "handlers", "--json"])

    rows = json.loads(result.output)
    assert len(rows) == 4
    assert rows[0] == {
        "group": "cart",
        "name": "add",
        "kind": "handler",
        "methods": ["POST", "DELETE"],
        "url": ["/ds/cart/add"],
        "function": f"{__name__}.app.<locals>.add",
        "source": "test_handlers.py:24",
    }
    assert rows[2]["url"] == ["/de/ds/cart/feed", "/en/ds/cart/feed"]
    assert rows[3]["url"] == []


def test_a_callable_without_code_has_no_source() -> None:
    app = Flask("shop")

    class Add:
        def __call__(self) -> None: ...

    add: Any = Add()
    add.__name__ = add.__qualname__ = "add"
    Datastar(app).handler(group="cart")(add)

    result = app.test_cli_runner().invoke(args=["datastar", "handlers"])

    assert result.output.splitlines()[1].split()[-1] == "-"


def test_without_handlers_it_says_so() -> None:
    app = Flask("shop")
    Datastar(app)
    runner = app.test_cli_runner()

    assert "declare one with @datastar.handler" in runner.invoke(args=["datastar", "handlers"]).output
    assert json.loads(runner.invoke(args=["datastar", "handlers", "--json"]).output) == []
