"""A test client that behaves as a browser tab: it sends its signals and applies the answer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Self

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ..extension import Datastar
from ..sansio.consts import TAB_ID_SIGNAL, EventType
from ..sansio.events import Event
from ..sansio.page_signals import page_signals
from ..sansio.signal_merging import merge_patch
from ..state.app import EXTENSION_KEY
from .action_requests import ActionRequest
from .answer import Answer, events_of, is_of_the_app, text_of
from .gestures import GestureMethods
from .live_page import LivePage
from .reading import read_events
from .refused import RequestRefused
from .seen import SeeingMethods
from .serving import ServedRequest
from .tab_life import LifeMethods
from .waits import WaitMethods


class DatastarClient(GestureMethods, SeeingMethods, WaitMethods, LifeMethods):
    """A browser tab, which keeps its signals and cookies from one request to the next.

    Requests carry the headers that the Datastar client sends from a page of the same site. Signals are sent and patches
    are applied by the client's rules: names that start with an underscore and empty objects stay in the tab, and None
    removes a signal. With Flask-WTF's ``CSRFProtect`` actions send the page's token, the signal ``_csrf``, which
    :meth:`load` reads.

    With ``TESTING``, an exception in a generator or a stream is raised in the test, as Flask's client raises others. A
    request of a page that fails is an error in every configuration; that of :meth:`post` is an answer with its status.

    :param app: an app with an initialised ``Datastar``.
    :param signals: the tab's signals at the start, nested.
    :param client: a test client to share cookies with; by default the tab creates one.
    :param client_file: the browser client's file, where the app does not serve it.
    :param within: seconds after which reading a stream is given up.
    """

    def __init__(
        self,
        app: Flask,
        signals: Mapping[str, Any] | None = None,
        *,
        client: FlaskClient | None = None,
        client_file: str | Path | None = None,
        within: float = 5.0,
    ) -> None:
        super().__init__(app, signals, client_file)
        self._datastar: Datastar = app.extensions[EXTENSION_KEY]
        #: The Flask test client underneath, for plain pages and cookies.
        self.client = client if client is not None else app.test_client()
        #: Seconds after which reading a stream is given up, and :meth:`iter_events` without an event.
        self.within = within
        self._live: LivePage | None = None

    def load(self, path: str, *, status: int | None = None) -> TestResponse:
        """Load a page, follow redirects, and run the page's own client in it, as a browser does.

        The requests that the page sends by itself fail as those of a gesture do.

        Where the extra ``testing`` or the client's file is missing, expressions are not evaluated: the tab has the
        signals that ``init_signals()`` wrote, and its token; gestures then say what is missing.

        :param status: the status that the page must have, such as 404 for an error page; by default each below 400.
        :raises RequestRefused: if the page has another status, or one of its requests is refused. The page is shown by
            then, and a test may go on with it.
        """
        self._leave_live()
        self._prepare_page()
        response = self._open(path, expected=status)
        self._settle()
        if status is not None and response.status_code != status:
            answer = Answer(response, (), json.loads(json.dumps(self._signals)))
            raise RequestRefused(f"page {path} was answered with {response.status}: the test expects {status}", answer)
        return response

    def live(self, path: str) -> LivePage:
        """Load a page, and follow its regions until the tab goes to another page; needs no browser client.

        ``page["cards-3"]`` is the HTML of a region by the id of its element, up to date at each reading.

        :raises ValueError: if the page has no ``datastar.live()``, or its stream is refused.
        """
        self._leave_live()
        self._leave_page()
        response = self.client.get(path, follow_redirects=True)
        self.signals = page_signals(text_of(response))
        with _keeping_no_context(self.client):
            own = {name: self.signals[name] for name in (TAB_ID_SIGNAL,) if name in self.signals}
            self._live = LivePage(self._app, self.client, response, own, self._apply, self.within)
        return self._live

    def close(self) -> None:
        """Close the tab: it leaves its page and the page's streams. Safe to call twice."""
        self._leave_live()
        super().close()

    def _leave_live(self) -> None:
        if self._live is not None:
            self._live.close()

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
        self._settle()
        if served.is_stream:
            events = tuple(filter(is_of_the_app, events))
        return Answer(response, events, json.loads(json.dumps(self._signals)))

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
        action = ActionRequest(self._app, self._datastar, method, target, event, params)
        return action.send(client, self.signals, buffered=buffered)

    def _sibling(self) -> Self:
        other = type(self)(self._app, client_file=self._client_file, within=self.within)
        other.client = self.client
        return other

    def _apply(self, event: Event) -> None:
        if self._page is not None:
            self._page.call("event", event.type, dict(event.arguments))
        elif event.type == EventType.PATCH_SIGNALS:
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
