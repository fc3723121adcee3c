"""A test client that behaves as a browser tab: it sends its signals and applies the answer."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from contextvars import Context
from functools import partial
from typing import Any
from urllib.parse import quote, urlsplit

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ..actions import urls
from ..actions.targets import find_handler
from ..extension import Datastar
from ..sansio.consts import (
    CLICK_KEY,
    QUERY_KEY,
    REQUEST_HEADER,
    TAB_HEADER,
    TAB_ID_SIGNAL,
    TOKEN_SIGNAL,
    EventType,
)
from ..sansio.events import Event
from ..sansio.page_signals import page_signals
from ..sansio.signal_merging import merge_patch
from ..security import tokens as csrf
from ..state.app import EXTENSION_KEY, app_state_of
from .answer import Answer, events_of, is_of_the_app, text_of
from .live_page import LivePage
from .reading import read_events
from .serving import ServedRequest

_BODILESS = frozenset({"GET", "DELETE"})
#: The methods whose actions give each click a key.
_WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class DatastarClient:
    """A browser tab, which keeps its signals and cookies from one request to the next.

    Requests carry the headers that the Datastar client sends from a page of the same site. Signals are sent and patches
    are applied by the client's rules: names that start with an underscore and empty objects stay in the tab, and None
    removes a signal. With Flask-WTF's ``CSRFProtect`` actions send the page's token, the signal ``_csrf``, which
    :meth:`load` reads.

    With ``TESTING``, an exception in a generator or a stream is raised in the test, as Flask's client raises others.

    :param app: an app with an initialised ``Datastar``.
    :param signals: the tab's signals at the start, nested.
    :param client: a test client to share cookies with; by default the tab creates one.
    :param within: seconds after which reading a stream is given up.
    """

    def __init__(
        self,
        app: Flask,
        signals: Mapping[str, Any] | None = None,
        *,
        client: FlaskClient | None = None,
        within: float = 5.0,
    ) -> None:
        self._app = app
        self._datastar: Datastar = app.extensions[EXTENSION_KEY]
        #: The Flask test client underneath, for plain pages and cookies.
        self.client = client if client is not None else app.test_client()
        #: Seconds after which reading a stream is given up, and :meth:`iter_events` without an event.
        self.within = within
        self._page: LivePage | None = None
        #: The tab's signals; a test may change them, as a user would.
        self.signals: dict[str, Any] = json.loads(json.dumps(dict(signals or {})))

    def load(self, path: str) -> TestResponse:
        """Load a page, follow redirects, and replace the tab's signals with those that ``init_signals()`` wrote.

        Expressions are not evaluated, so only the token is read from ``tab_signal()``.
        """
        if self._page is not None:
            self._page.close()
        response = self.client.get(path, follow_redirects=True)
        self.signals = page_signals(text_of(response))
        return response

    def live(self, path: str) -> LivePage:
        """Load a page as :meth:`load` does, and follow its regions until the tab goes to another page.

        ``page["cards-3"]`` is the HTML of a region by the id of its element, up to date at each reading.

        :raises ValueError: if the page has no ``datastar.live()``, or its stream is refused.
        """
        response = self.load(path)
        with _keeping_no_context(self.client):
            own = {name: self.signals[name] for name in (TAB_ID_SIGNAL,) if name in self.signals}
            self._page = LivePage(self._app, self.client, response, own, self._apply, self.within)
        return self._page

    def get(self, target: object, event: str | None = None, /, **params: Any) -> Answer:
        """Run a GET action; parameters as in :meth:`post`."""
        return self._run("GET", target, event, params)

    def post(self, target: object, event: str | None = None, /, **params: Any) -> Answer:
        """Run a POST action.

        :param target: a handler in any form that ``datastar.post`` takes, or a path that starts with a slash.
        :param params: parameters of the handler. Names that start with an underscore are arguments of Flask's test
            client instead: ``_headers``, ``_data`` (a form post without signals), ``_json`` (a replacement for the
            signals), ``_key`` (the click's key: the same key again is a repeat, as the client sends one when an answer
            breaks off; by default each call is a click of its own). ``_within`` takes the place of :attr:`within`.
        :raises TimeoutError: if the response is a stream that does not end in time.
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
        """Run an action and yield its events one by one, as they arrive. The tab's signals are updated before each.

        The action runs in a thread of its own, as on a server, and goes on when the next event is asked for. What the
        extension sends for itself, such as a fresh token, is applied and not yielded. Closing the iterator closes the
        tab: the handler's ``finally`` runs.

        :param method: the action's verb; GET for a stream.
        :raises ValueError: if the handler does not take this verb.
        :raises TimeoutError: if no event comes in time; it says what came instead.
        """
        within = params.pop("_within", self.within)
        with ExitStack() as stack:
            with _keeping_no_context(self.client):
                served = ServedRequest(self._app, self.client, within)
                ask = partial(self._request, method, target, event, params, buffered=False)
                response, take = stack.enter_context(served.opened(ask))
            if response.status_code == 405:
                allowed = response.headers.get("Allow")
                raise ValueError(f"{target!r} does not take {method}; it takes {allowed}, so give method=…")
            coding = response.headers.get("Content-Encoding")
            for found in read_events(take, within, coding) if response.status_code == 200 else ():
                self._apply(found)
                if is_of_the_app(found):
                    yield found

    def _run(self, method: str, target: object, event: str | None, params: dict[str, Any]) -> Answer:
        served = ServedRequest(self._app, self.client, params.pop("_within", self.within))
        response = served.finish(partial(self._request, method, target, event, params, buffered=True))
        events = tuple(events_of(response))
        for found in events:
            self._apply(found)
        if served.is_stream:
            events = tuple(filter(is_of_the_app, events))
        return Answer(response, events, json.loads(json.dumps(self.signals)))

    def _request(
        self,
        method: str,
        target: object,
        event: str | None,
        params: dict[str, Any],
        client: FlaskClient,
        *,
        buffered: bool,
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
        if ("data" in options or "json" in options) and isinstance(tab_id := self.signals.get(TAB_ID_SIGNAL), str):
            # As actions do that do not send the signal.
            headers = {TAB_HEADER: quote(tab_id, safe=""), **headers}
        key = options.pop("key", None)
        url = self._url(target, event, values)
        if method in _WRITING:
            key = key if key is not None else f"{random.random():.16f}"
            url += f"{'&' if '?' in url else '?'}{CLICK_KEY}={key}"
        if "data" not in options and "json" not in options:
            text = json.dumps(_sent(self.signals), separators=(",", ":"))
            if method in _BODILESS:
                url += "".join(map(str, urls.query_parts({QUERY_KEY: text}, "&" if "?" in url else "?")))
            else:
                options |= {"data": text, "content_type": "application/json"}
        return client.open(url, method=method, headers=headers, buffered=buffered, **options)

    def _with_token(self, method: str, headers: dict[str, Any]) -> dict[str, Any]:
        """Add the page's token, as its actions do; a token header of the caller is kept."""
        name, token = csrf.token_header(self._app, method), self.signals.get(TOKEN_SIGNAL)
        if name is None or token is None or any(header.lower() == name.lower() for header in headers):
            return headers
        return {**headers, name: token}

    def _url(self, target: object, event: str | None, values: dict[str, Any]) -> str:
        if isinstance(target, str) and target.startswith("/"):
            return "".join(map(str, [target, *urls.query_parts(values, "&" if "?" in target else "?")]))
        # An empty context, because a test may call this inside of a request, even one of another app.
        return Context().run(self._handler_url, target, event, values)

    def _handler_url(self, target: object, event: str | None, values: dict[str, Any]) -> str:
        app_state = app_state_of(self._app)
        with self._app.app_context():
            handler = find_handler(self._datastar._declarations.handlers, app_state, target, event)
            url = urlsplit("".join(map(str, urls.handler_url(app_state, handler, values))))
        # The test client adds APPLICATION_ROOT again.
        return url._replace(path=url.path.removeprefix(self._app.config["APPLICATION_ROOT"].rstrip("/"))).geturl()

    def _apply(self, event: Event) -> None:
        if event.type == EventType.PATCH_SIGNALS:
            arguments = event.arguments
            patch = json.loads(arguments["signals"])
            merge_patch(self.signals, patch, only_if_missing=arguments.get("onlyIfMissing", "").strip() == "true")


@contextmanager
def _keeping_no_context(client: FlaskClient) -> Iterator[None]:
    """Suspend a client's ``with`` block, so that it keeps no context: a context can only end where it started."""
    keeps = client.preserve_context
    if keeps:
        client.__exit__(None, None, None)
    try:
        yield
    finally:
        if keeps:
            client.__enter__()


def _sent(signals: Mapping[str, Any]) -> dict[str, Any]:
    """Return the signals that the client sends: not names with an underscore, empty objects or None."""
    found = {}
    for name, value in signals.items():
        if isinstance(value, dict):
            value = _sent(value)
        if not name.startswith("_") and value is not None and value != {}:
            found[name] = value
    return found
