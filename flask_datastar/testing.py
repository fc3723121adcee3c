"""A test client that behaves as a browser tab with the Datastar client: it sends its signals and applies the answer.

>>> from flask import Flask
>>> from flask_datastar import Datastar
>>> app = Flask("shop")
>>> datastar = Datastar(app)
>>> @datastar.handler(group="counter")
... def increment(count: int = 0):
...     datastar.signal("count", count + 1)
>>> tab = DatastarClient(app, {"count": 41})
>>> tab.post(increment).signals
{'count': 42}
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import Context, copy_context
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from . import sse
from .actions import targets
from .extension import Datastar
from .sansio.consts import QUERY_KEY, REQUEST_HEADER, TOKEN_SIGNAL, EventType
from .sansio.events import Event
from .sansio.page_signals import page_signals
from .sansio.parser import EventParser, parse_events
from .sansio.signal_merging import merge_patch
from .sansio.stream_events import STREAM_EVENTS
from .security import tokens as csrf
from .state.app import EXTENSION_KEY, find_app_state

_BODILESS = frozenset({"GET", "DELETE"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handler answered, and what it did to the tab's signals."""

    #: The response itself: status, headers, cookies.
    response: TestResponse
    #: The events in their order; none unless the status is 200, because the client reads no other body.
    events: tuple[Event, ...]
    #: All of the tab's signals afterwards, nested.
    signals: dict[str, Any]

    @property
    def status_code(self) -> int:
        """The HTTP status."""
        return self.response.status_code

    @property
    def patched(self) -> dict[str, Any]:
        """The signals that this answer patched, all its events merged; a removed one is None."""
        merged: dict[str, Any] = {}
        for event in self.events:
            if event.type == EventType.PATCH_SIGNALS:
                _merge_keeping_none(merged, json.loads(event.arguments["signals"]))
        return merged

    @property
    def html(self) -> str:
        """The HTML of all element patches of this answer, one after another, scripts included."""
        patches = (event.arguments.get("elements") for event in self.events if event.type == EventType.PATCH_ELEMENTS)
        return "\n".join(html for html in patches if html is not None)


class DatastarClient:
    """One browser tab: it keeps its signals and cookies from one request to the next.

    Requests carry the headers that the Datastar client sends from a page of the same site. Signals are sent and patches
    are applied by the client's rules: names beginning with an underscore and empty objects stay in the tab, None
    removes. With Flask-WTF's ``CSRFProtect`` actions send the token of the page, the signal ``_csrf``, which
    :meth:`load` reads.

    :param app: with an initialised ``Datastar``.
    :param signals: the tab's signals at the start, nested.
    :param client: a test client to share cookies with; by default one of its own.
    """

    def __init__(
        self, app: Flask, signals: Mapping[str, Any] | None = None, *, client: FlaskClient | None = None
    ) -> None:
        self._app = app
        self._datastar: Datastar = app.extensions[EXTENSION_KEY]
        #: The Flask test client underneath, for plain pages and cookies.
        self.client = client if client is not None else app.test_client()
        #: The tab's signals; change them as a user would.
        self.signals: dict[str, Any] = json.loads(json.dumps(dict(signals or {})))

    def load(self, path: str) -> TestResponse:
        """Load a page, following redirects: the tab's signals are those that the page sets by ``init_signals()``.

        Expressions are not evaluated, so of ``tab_signal()`` only the token is read.
        """
        response = self.client.get(path, follow_redirects=True)
        self.signals = page_signals(response.text)
        return response

    def get(self, target: object, event: str | None = None, /, **params: Any) -> Answer:
        """Run a GET action; parameters as in :meth:`post`."""
        return self._run("GET", target, event, params)

    def post(self, target: object, event: str | None = None, /, **params: Any) -> Answer:
        """Run a POST action.

        :param target: a handler in any form that ``datastar.post`` takes, or a path that begins with a slash.
        :param params: handler parameters; those that begin with an underscore are arguments of Flask's test client
            instead: ``_headers``, ``_data`` (a form post, which has no signals), ``_json`` (in place of the signals).
        """
        return self._run("POST", target, event, params)

    def put(self, target: object, event: str | None = None, /, **params: Any) -> Answer:
        """Run a PUT action; parameters as in :meth:`post`."""
        return self._run("PUT", target, event, params)

    def patch(self, target: object, event: str | None = None, /, **params: Any) -> Answer:
        """Run a PATCH action; parameters as in :meth:`post`."""
        return self._run("PATCH", target, event, params)

    def delete(self, target: object, event: str | None = None, /, **params: Any) -> Answer:
        """Run a DELETE action; parameters as in :meth:`post`."""
        return self._run("DELETE", target, event, params)

    def query(self, target: object, event: str | None = None, /, **params: Any) -> Answer:
        """Run a QUERY action; parameters as in :meth:`post`."""
        return self._run("QUERY", target, event, params)

    def iter_events(
        self, target: object, event: str | None = None, /, *, method: str = "POST", **params: Any
    ) -> Iterator[Event]:
        """Run an action and give its events one by one, as they arrive; the signals change with them.

        What a stream tells its page about itself (``datastar-stream-opened``, ``datastar-stream-ending``) is left out.
        Closing the iterator is a tab that leaves: the handler's ``finally`` runs.

        :param method: the action's verb; GET for a stream.
        :raises ValueError: the handler does not take it.
        """
        parser = EventParser()
        # In a context of its own, as in a server: between two steps the stream's request stays pushed.
        run = copy_context().run
        with _keeping_no_context(self.client):
            response = run(self._request, method, target, event, params, buffered=False)
        try:
            if response.status_code == 405:
                allowed = response.headers.get("Allow")
                raise ValueError(f"{target!r} does not take {method}; it takes {allowed}, so give method=…")
            chunks = response.iter_encoded() if response.status_code == 200 else iter(())
            while chunk := run(next, chunks, b""):
                for found in parser.feed(chunk):
                    if found.type not in STREAM_EVENTS:
                        self._apply(found)
                        yield found
        finally:
            run(response.close)

    def _run(self, method: str, target: object, event: str | None, params: dict[str, Any]) -> Answer:
        response = self._request(method, target, event, params, buffered=True)
        events = tuple(_events_of(response))
        for found in events:
            self._apply(found)
        return Answer(response, events, json.loads(json.dumps(self.signals)))

    def _request(
        self, method: str, target: object, event: str | None, params: dict[str, Any], *, buffered: bool
    ) -> TestResponse:
        options = {name[1:]: value for name, value in params.items() if name.startswith("_")}
        values = {name: value for name, value in params.items() if not name.startswith("_")}
        headers = {
            REQUEST_HEADER: "true",
            "Accept": "text/event-stream, text/html, application/json",
            "Sec-Fetch-Site": "same-origin",
            **options.pop("headers", {}),
        }
        headers = self._with_token(method, headers)
        url = self._url(target, event, values)
        if "data" not in options and "json" not in options:
            text = json.dumps(_sent(self.signals), separators=(",", ":"))
            if method in _BODILESS:
                url += "".join(map(str, targets.query_parts({QUERY_KEY: text}, "&" if "?" in url else "?")))
            else:
                options |= {"data": text, "content_type": "application/json"}
        return self.client.open(url, method=method, headers=headers, buffered=buffered, **options)

    def _with_token(self, method: str, headers: dict[str, Any]) -> dict[str, Any]:
        """Add the token that the page has, as its actions do; one that the caller gives stays."""
        name, token = csrf.token_header(self._app, method), self.signals.get(TOKEN_SIGNAL)
        if name is None or token is None or any(header.lower() == name.lower() for header in headers):
            return headers
        return {**headers, name: token}

    def _url(self, target: object, event: str | None, values: dict[str, Any]) -> str:
        if isinstance(target, str) and target.startswith("/"):
            return "".join(map(str, [target, *targets.query_parts(values, "&" if "?" in target else "?")]))
        # In an empty context: the client may be used inside of a request, also of another app.
        return Context().run(self._handler_url, target, event, values)

    def _handler_url(self, target: object, event: str | None, values: dict[str, Any]) -> str:
        app_state = find_app_state(self._app)
        with self._app.app_context():
            handler = targets.find_handler(self._datastar.handlers, app_state, target, event)
            url = urlsplit("".join(map(str, targets.handler_url(app_state, handler, values))))
        # The test client puts it in front again.
        return url._replace(path=url.path.removeprefix(self._app.config["APPLICATION_ROOT"].rstrip("/"))).geturl()

    def _apply(self, event: Event) -> None:
        if event.type == EventType.PATCH_SIGNALS:
            arguments = event.arguments
            patch = json.loads(arguments["signals"])
            merge_patch(self.signals, patch, only_if_missing=arguments.get("onlyIfMissing", "").strip() == "true")


@contextmanager
def _keeping_no_context(client: FlaskClient) -> Iterator[None]:
    """Let a client in a ``with`` block keep nothing of a request: contexts can end only where they began."""
    keeps = client.preserve_context
    if keeps:
        client.__exit__(None, None, None)
    try:
        yield
    finally:
        if keeps:
            client.__enter__()


def _events_of(response: TestResponse) -> list[Event]:
    """Read a body as the client does: by its type, and only with status 200."""
    if response.status_code != 200:
        return []
    if response.mimetype == "text/html":
        options: dict[str, Any] = {
            name: value
            for name in ("selector", "mode", "namespace")
            if (value := response.headers.get(f"datastar-{name}"))
        }
        return [sse.patch_elements(response.text, **options)]
    if response.mimetype == "application/json":
        only_if_missing = response.headers.get("datastar-only-if-missing") == "true"
        return [sse.patch_signals_raw(response.text, only_if_missing=only_if_missing)]
    return [event for event in parse_events(response.data) if event.type not in STREAM_EVENTS]


def _sent(signals: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what the client keeps to itself: names with an underscore, empty objects, None."""
    found = {}
    for name, value in signals.items():
        if isinstance(value, dict):
            value = _sent(value)
        if not name.startswith("_") and value is not None and value != {}:
            found[name] = value
    return found


def _merge_keeping_none(target: dict[str, Any], patch: dict[str, Any]) -> None:
    for name, value in patch.items():
        inner = target.get(name)
        if isinstance(value, dict) and isinstance(inner, dict):
            _merge_keeping_none(inner, value)
        else:
            target[name] = value
