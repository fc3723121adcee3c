"""The page of a tab: loading it, and running a gesture to its end."""

from __future__ import annotations

import json
import threading
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from flask import Flask, got_request_exception
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ..sansio.page_signals import page_signals
from .answer import Answer, text_of
from .client_files import client_source
from .engine import prepare_engine
from .exchange import Exchange, form_data, path_in_app
from .page import Page
from .page_errors import ClientFileMissing, PageError
from .refused import page_refusal, refusal_of
from .tab_state import Entry, TabState

#: Pages that lead to one another without end.
_MOST_PAGES = 20


class TabBase:
    """A tab that shows a page. The page runs where the extra ``testing`` and the client's file are installed."""

    client: FlaskClient
    within: float

    def __init__(self, app: Flask, signals: Mapping[str, Any] | None, client_file: str | Path | None) -> None:
        self._app = app
        self._client_file = None if client_file is None else str(client_file)
        self._tab = TabState()
        self._page: Page | None = None
        self._forgotten: weakref.finalize[..., TabBase]
        # Why the page that was loaded does not run.
        self._problem: Exception | None = None
        # A page without the client, which runs only when the test does something with it.
        self._unstarted: str | None = None
        # The errors for what was refused since the last look.
        self._refused: list[AssertionError] = []
        self._signals: dict[str, Any] = json.loads(json.dumps(dict(signals or {})))
        self._known: dict[str, Any] = {}

    @property
    def signals(self) -> dict[str, Any]:
        """The tab's signals; a test may change them, as a user would."""
        self._take_in()
        if self._page is not None and self._page.has_client:
            self._push_signals()
            self._pull_signals()
        return self._signals

    @signals.setter
    def signals(self, signals: dict[str, Any]) -> None:
        self._signals = signals

    def _pull_signals(self) -> None:
        if self._page is None or not self._page.has_client:
            return
        found = self._page.signals()
        self._signals.clear()
        self._signals.update(found)
        self._known = json.loads(json.dumps(found))

    def _push_signals(self) -> None:
        """Bring what the test has changed in :attr:`signals` into the page."""
        if self._page is None or not self._page.has_client or self._signals == self._known:
            return
        removed = {name: None for name in self._known if name not in self._signals}
        changed = {name: value for name, value in self._signals.items() if self._known.get(name, ...) != value}
        self._known = json.loads(json.dumps(self._signals))
        self._page.patch_signals({**removed, **changed})

    def _open(self, path: str, *, replaces: bool = False, expected: int | None = None, **options: Any) -> TestResponse:
        """Ask for a page, follow redirects, and show the page.

        :param expected: the status of a page that is not refused; by default each below 400.
        """
        errors: list[BaseException] = []
        thread = threading.get_ident()

        def note(sender: Flask, exception: BaseException, **_: Any) -> None:
            if threading.get_ident() == thread:
                errors.append(exception)

        with got_request_exception.connected_to(note, self._app):
            response = self.client.open(path, follow_redirects=True, **options)
        self._show(response, replaces=replaces)
        if response.status_code != expected:
            refused = page_refusal(self._app, Answer(response, (), {}), errors[-1] if errors else None)
            self._refused += [] if refused is None else [refused]
        return response

    def _show(self, response: TestResponse, *, replaces: bool = False) -> None:
        """Show the page of a response, and run it if that can be done."""
        self._leave_page()
        entry = Entry(response.request.url, status=response.status_code)
        if replaces and self._tab.history:
            self._tab.history[-1] = entry
        else:
            self._tab.history.append(entry)
        html = text_of(response)
        self._signals, self._problem, self._unstarted = {}, None, None
        if response.mimetype != "text/html":
            self._problem = PageError(f"{entry.url} is {response.mimetype}, which is not a page; load a page first")
            return
        if client_source(self._app, html) is None:
            self._signals = page_signals(html)
            self._unstarted = html
            return
        try:
            self._start(html)
        except (ImportError, ClientFileMissing) as problem:
            # The tab is then what it is without the extra: it reads signals, and runs handlers.
            self._signals = page_signals(html)
            self._problem = problem

    def _start(self, html: str) -> Page:
        self._unstarted = None
        page = self._page = Page(self._app, self.client, self._tab, html, self._client_file, self.within)
        # Until the tab leaves the page: what closes it keeps it.
        self._forgotten = weakref.finalize(self, page.close)
        page.start()
        return page

    def _prepare_page(self) -> None:
        """Get ready for a page while the server makes it."""
        if self._page is None:
            with suppress(ImportError):
                prepare_engine()

    def _leave_page(self) -> None:
        page, self._page = self._page, None
        if page is not None:
            with suppress(PageError):
                page.call("leaving")
            page.close()
            self._forgotten.detach()

    def _running_page(self) -> Page:
        """Return the page.

        :raises ClientFileMissing: if the page's client is not on this machine.
        :raises ImportError: if the extra ``testing`` is not installed.
        """
        if self._page is not None:
            return self._page
        if self._unstarted is not None:
            return self._start(self._unstarted)
        if self._problem is not None:
            raise self._problem
        raise PageError("the tab shows no page: load one first, tab.load('/')")

    def _gesture(self, act: Callable[[Page], object]) -> Answer | None:
        """Do something in the page, and let it come to rest.

        :return: the answer of the last request that the page has sent meanwhile; None if it sent none.
        """
        page = self._running_page()
        count = len(page.exchanges.sent)
        self._take_in()
        if page is not (page := self._running_page()):
            count = 0
        self._push_signals()
        page.check_client()
        act(page)
        self._settle()
        return self._answer_since(page, count)

    def _answer_since(self, page: Page, count: int) -> Answer | None:
        exchanges = [one for one in page.exchanges.sent[count:] if one.response is not None]
        return self._answer(exchanges[-1]) if exchanges else None

    def _answer(self, exchange: Exchange) -> Answer:
        assert exchange.response is not None
        return Answer(exchange.response, tuple(exchange.events), json.loads(json.dumps(self._signals)))

    def _look(self) -> Page:
        """Return the page once it is at rest."""
        self._running_page()
        self._push_signals()
        self._settle()
        return self._running_page()

    def _take_in(self) -> None:
        """Take in what the server has sent, as a person has seen it before doing anything."""
        if self._page is not None and self._page.exchanges.open:
            self._push_signals()
            self._settle()

    def _settle(self) -> None:
        """Run the page until it is at rest, also where it leads to other pages; raise what went wrong."""
        try:
            self._come_to_rest()
            refused = self._refused[:1]
        finally:
            self._refused.clear()
        for error in refused:
            raise error

    def _come_to_rest(self) -> None:
        for _ in range(_MOST_PAGES):
            page = self._page
            if page is None:
                return
            try:
                page.settle()
            finally:
                self._pull_signals()
                self._look_for_refusals(page)
            navigation = page.host.navigation
            page.raise_failure()
            if navigation is None:
                return
            if navigation.is_back:
                self._go_back()
            else:
                self._navigate(navigation.url, navigation.method, navigation.body, replaces=navigation.replaces)
            if self._unstarted is not None:
                self._start(self._unstarted)
        raise PageError(
            f"{_MOST_PAGES} pages lead to one another without end, the last one {self._tab.history[-1].url}"
        )

    def _look_for_refusals(self, page: Page) -> None:
        """Collect the refusals of requests that were answered since the last look, and of what sent none."""
        answered = page.exchanges.take_answered()
        missed = page.take_no_effect()
        if missed is not None and not answered and page.host.navigation is None:
            self._refused.append(missed)
        for exchange in answered:
            refused = refusal_of(exchange, self._answer(exchange))
            self._refused += [] if refused is None else [refused]

    def _navigate(self, url: str, method: str = "GET", body: Any = None, *, replaces: bool = False) -> None:
        """Go to another page, as a link or a form does."""
        here = self._tab.history[-1].url if self._tab.history else url
        url = urljoin(here, url)
        if urlsplit(url)[:2] != urlsplit(here)[:2]:
            raise PageError(f"the page goes to {url}, which is another site: a tab shows pages of its app only")
        headers = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate", "Referer": here.partition("#")[0]}
        options = form_data(body)
        if method == "POST":
            headers["Origin"] = "{0.scheme}://{0.netloc}".format(urlsplit(here))
            options.setdefault("content_type", "application/x-www-form-urlencoded")
        # A page that was an error page before may still be.
        shown = self._tab.history[-1] if replaces and self._tab.history else None
        expected = shown.status if shown is not None and shown.url == url else None
        path = path_in_app(self._app, url)
        self._open(path, replaces=replaces, expected=expected, method=method, headers=headers, **options)
        if "#" in url and self._tab.history:
            self._tab.history[-1].url += "#" + url.partition("#")[2]

    def _go_back(self) -> None:
        raise NotImplementedError
