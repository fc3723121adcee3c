"""Clients that send a click, and its repeats as the browser does."""

from __future__ import annotations

from typing import Any, Protocol

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_datastar.repeats.app import Repeats
from flask_datastar.state.app import app_state_of


class Click(Protocol):
    def __call__(
        self, path: str, key: str = "0.1", client: FlaskClient | None = None, **options: Any
    ) -> TestResponse: ...


def send_click(client: FlaskClient, path: str, key: str = "0.1", **options: Any) -> TestResponse:
    """Send a click, or its repeat, which has the same key."""
    headers = {"Datastar-Request": "true", **options.pop("headers", {})}
    if not options.keys() & {"data", "json", "input_stream"}:
        options["json"] = {"tabId": "tab.page"}
    method = options.pop("method", "POST")
    separator = "&" if "?" in path else "?"
    return client.open(f"{path}{separator}_k={key}", method=method, headers=headers, **options)


@pytest.fixture
def click(client: FlaskClient) -> Click:
    def send(path: str, key: str = "0.1", client: FlaskClient | None = client, **options: Any) -> TestResponse:
        assert client is not None
        return send_click(client, path, key, **options)

    return send


def counts(app: Flask) -> dict[str, int]:
    """Return how many clicks ran, and how many repeats were answered and ignored."""
    found = app_state_of(app).part(Repeats).stats()
    return {name: found[name] for name in ("runs", "answered", "ignored")}
