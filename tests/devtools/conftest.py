"""An app in debug mode, and a browser that has a name in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_datastar import Datastar

#: What the client sends with every request.
HEADERS = {"Datastar-Request": "true", "Sec-Fetch-Site": "same-origin", "Referer": "http://localhost/"}
PANEL = {"Datastar-Timeline": "1"}
Items = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def app() -> Flask:
    app = Flask("shop")
    app.secret_key = "only for tests"
    app.debug = True
    return app


@pytest.fixture
def datastar(app: Flask) -> Datastar:
    datastar = Datastar(app)
    app.add_url_rule("/", "home", lambda: "<!doctype html><p>home</p>")
    return datastar


@pytest.fixture
def browser(app: Flask, datastar: Datastar) -> FlaskClient:
    """A browser that has loaded a page, so that it has a name."""
    return new_browser(app)


def new_browser(app: Flask) -> FlaskClient:
    client = app.test_client()
    client.get("/", headers={"Accept": "text/html"})
    return client


@pytest.fixture
def items(request: pytest.FixtureRequest) -> Items:
    """Read what the panel of a browser gets, by default of ``browser``; as merged entries, the oldest first."""

    def items(client: FlaskClient | None = None) -> list[dict[str, Any]]:
        client = client or request.getfixturevalue("browser")
        found: dict[int, dict[str, Any]] = {}
        for item in client.get("/ds/-timeline/items.json", headers=PANEL).json["items"]:
            entry = found.setdefault(item["id"], {"events": []})
            if "event" in item:
                entry["events"].append(item["event"])
            else:
                entry.update(item)
        return list(found.values())

    return items
