"""The request of an action that a test runs by its handler, without a page: as the client sends it."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from contextvars import Context
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ..actions import urls
from ..actions.targets import find_handler
from ..extension import Datastar
from ..sansio.consts import CLICK_KEY, QUERY_KEY, REQUEST_HEADER, TAB_HEADER, TAB_ID_SIGNAL, TOKEN_SIGNAL
from ..security import tokens as csrf
from ..state.app import app_state_of

_BODILESS = frozenset({"GET", "DELETE"})
#: The methods whose actions give each click a key.
_WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True, slots=True)
class ActionRequest:
    """An action of a handler. Parameters that start with an underscore are options of Flask's test client."""

    app: Flask
    datastar: Datastar
    method: str
    target: object
    event: str | None
    params: Mapping[str, Any]

    def send(self, client: FlaskClient, signals: dict[str, Any], *, buffered: bool) -> TestResponse:
        """Send the request with the tab's signals."""
        params, method = self.params, self.method
        options = {name[1:]: value for name, value in params.items() if name.startswith("_")}
        values = {name: value for name, value in params.items() if not name.startswith("_")}
        headers = {
            REQUEST_HEADER: "true",
            "Accept": "text/event-stream, text/html, application/json",
            "Sec-Fetch-Site": "same-origin",
            **options.pop("headers", {}),
        }
        headers = self._with_token(signals, headers)
        if ("data" in options or "json" in options) and isinstance(tab_id := signals.get(TAB_ID_SIGNAL), str):
            # As actions do that do not send the signal.
            headers = {TAB_HEADER: quote(tab_id, safe=""), **headers}
        key = options.pop("key", None)
        url = self._url(values)
        if method in _WRITING:
            key = key if key is not None else f"{random.random():.16f}"
            url += f"{'&' if '?' in url else '?'}{CLICK_KEY}={key}"
        if "data" not in options and "json" not in options:
            text = json.dumps(_sent(signals), separators=(",", ":"))
            if method in _BODILESS:
                url += "".join(map(str, urls.query_parts({QUERY_KEY: text}, "&" if "?" in url else "?")))
            else:
                options |= {"data": text, "content_type": "application/json"}
        return client.open(url, method=method, headers=headers, buffered=buffered, **options)

    def _with_token(self, signals: Mapping[str, Any], headers: dict[str, Any]) -> dict[str, Any]:
        """Add the page's token, as its actions do; a token header of the caller is kept."""
        name, token = csrf.token_header(self.app, self.method), signals.get(TOKEN_SIGNAL)
        if name is None or token is None or any(header.lower() == name.lower() for header in headers):
            return headers
        return {**headers, name: token}

    def _url(self, values: dict[str, Any]) -> str:
        target = self.target
        if isinstance(target, str) and target.startswith("/"):
            return "".join(map(str, [target, *urls.query_parts(values, "&" if "?" in target else "?")]))
        # An empty context, because a test may call this inside of a request, even one of another app.
        return Context().run(self._handler_url, values)

    def _handler_url(self, values: dict[str, Any]) -> str:
        app_state = app_state_of(self.app)
        with self.app.app_context():
            handler = find_handler(self.datastar._declarations.handlers, app_state, self.target, self.event)
            url = urlsplit("".join(map(str, urls.handler_url(app_state, handler, values))))
        # The test client adds APPLICATION_ROOT again.
        return url._replace(path=url.path.removeprefix(self.app.config["APPLICATION_ROOT"].rstrip("/"))).geturl()


def _sent(signals: Mapping[str, Any]) -> dict[str, Any]:
    """Return the signals that the client sends: not names with an underscore, empty objects or None."""
    found = {}
    for name, value in signals.items():
        if isinstance(value, dict):
            value = _sent(value)
        if not name.startswith("_") and value is not None and value != {}:
            found[name] = value
    return found
