"""Queries with raw bytes, which browsers encode and hostile clients do not: a 400, wherever the query is read."""

from __future__ import annotations

from typing import Any

import pytest
import wtforms
from flask import Flask

from flask_datastar import Datastar, StarView, event
from tests.conftest import MakeApp

RAW = "text=x&\xff=1&name=\xe9"
HEADERS = {"Datastar-Request": "true"}
METHODS = ["GET", "POST", "DELETE", "QUERY"]


class Named(wtforms.Form):
    name = wtforms.StringField()


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    app = make_app()
    datastar: Datastar = app.extensions["datastar"]

    @datastar.handler(group="raw", methods=METHODS)
    def parameter(text: str = "") -> None:
        datastar.signal("text", text)

    @datastar.handler(group="raw", methods=["GET", "DELETE"])
    def form() -> None:
        datastar.signal("name", datastar.form(Named).name.data)

    @datastar.stream(group="raw")
    def feed() -> Any:
        return datastar.follow("news")

    @app.get("/plain")
    def plain() -> dict[str, Any]:
        return datastar.read_signals()

    @datastar.view("/lists/<name>", group="raw-list")
    class ListView(StarView):
        @event(methods=METHODS)
        def add(self) -> None:
            datastar.signal("added", True)

    return app


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *[(method, "/ds/raw/parameter") for method in METHODS],
        *[("GET", path) for path in ("/ds/raw/form", "/ds/raw/feed", "/plain")],
        *[(method, "/ds/raw-list/add") for method in METHODS],
    ],
)
@pytest.mark.parametrize("content_type", ["", "application/x-www-form-urlencoded"])
def test_query_with_raw_bytes_is_refused(app: Flask, method: str, path: str, content_type: str) -> None:
    response = app.test_client().open(
        path, method=method, headers=HEADERS, content_type=content_type, environ_overrides={"QUERY_STRING": RAW}
    )

    assert response.status_code == 400
    assert "the query is not UTF-8: invalid" in response.text


def test_query_with_raw_utf8_is_read(app: Flask) -> None:
    query = "text=ü".encode().decode("latin-1")

    response = app.test_client().get("/ds/raw/parameter", headers=HEADERS, environ_overrides={"QUERY_STRING": query})

    assert response.status_code == 200
    assert '{"text":"\\u00fc"}' in response.text
