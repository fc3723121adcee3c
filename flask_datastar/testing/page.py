"""One page of a tab: its document, the client that runs in it, and its requests."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from . import seeing
from .client_files import client_source, find_client
from .document import Document
from .document_calls import DocumentCalls
from .engine import Engine
from .exchange import Exchange
from .exchanges import Exchanges
from .no_effect import no_effect_error
from .page_errors import PageError
from .page_failures import failure_of, missing_client
from .page_host import CLIENT_LINE, PageHost
from .settling import settle_broker, unsettled_regions
from .tab_state import TabState

_PROBE = "flaskDatastarProbe"
#: More steps than any page takes: a page that never comes to rest fails.
_MOST_STEPS = 10_000


class Page:
    """A page that is loaded: its scripts have run, and its client is started.

    :param html: the page.
    :param client_file: the client's file, if the test names one.
    """

    def __init__(
        self, app: Flask, client: FlaskClient, tab: TabState, html: str, client_file: str | None, within: float
    ) -> None:
        self._app, self.tab, self.within = app, tab, within
        self.document = Document(html)
        self.host = PageHost(tab, client)
        self._client_src = client_source(app, html)
        #: Whether the page names the client.
        self.has_client = self._client_src is not None
        self._client_text = ""
        # The signals as text, until a step that may have changed them.
        self._signals: str | None = None
        if self._client_src is not None:
            self._client_text = find_client(app, self.host.url, self._client_src, client_file).text
        self.exchanges = Exchanges(app, client, tab, lambda: self.host.url, self.call, within)
        self.engine = Engine(
            DocumentCalls(self.document).callables() | self.host.callables() | self.exchanges.callables()
        )

    def start(self) -> None:
        """Run the page's scripts in the order of a browser, and start its client."""
        if self.tab.is_hidden:
            self.call("visibility", True)
        scripts: list[list[Any]] = self.call("scripts")
        for number, kind, src, _ in scripts:
            if kind != "module" and src is None:
                self.call("runScript", number)
        for number, kind, src, is_old in scripts:
            if src is not None and src == self._client_src:
                self.call("startScript", number)
                self._run_client()
            elif (kind == "module" or src is not None) and not is_old:
                self.call("runScript", number)
        self.call("ready", "interactive")
        self.run_own_timers()
        self.call("ready", "complete")
        if self.has_client:
            self._find_signals()

    def _run_client(self) -> None:
        self.engine.run_module("\n" * CLIENT_LINE + self._client_text)
        self.run_own_timers()

    def _find_signals(self) -> None:
        """Get hold of the client's signals by an expression, which is the only way to them."""
        probe = self.call("probe", _PROBE)
        self.run_own_timers()
        if not self.call("unprobe", probe, _PROBE):
            self.raise_failure()
            raise PageError(f"page {self.host.url} has a client that runs no data-init; use a client with all plugins")

    def call(self, name: str, *values: object) -> Any:
        """Call a function of the document's code."""
        self._signals = None
        with self._failing_as_host():
            return self.engine.call(name, *values)

    @contextmanager
    def _failing_as_host(self) -> Iterator[None]:
        try:
            yield
        except PageError:
            if not self.engine.errors:
                raise
            # The host's own exception says more than its copy in JavaScript.
            error = self.engine.errors[0]
            self.engine.errors.clear()
            raise error from None

    def check_client(self) -> None:
        """Check that a page which uses Datastar has its client.

        :raises PageError: if the client is missing, so that no gesture does anything.
        """
        if not self.has_client:
            error = missing_client(self.host.url, self.document, self.tab.left_out)
            if error is not None:
                raise error

    def run_own_timers(self) -> None:
        """Run the delays that the last step has started, such as a debounce."""
        signals, self._signals = self._signals, None
        with self._failing_as_host():
            count = self.engine.count("runOwnTimer", _MOST_STEPS)
        if not count:
            self._signals = signals
        if count == _MOST_STEPS:
            raise PageError(f"page {self.host.url} does not come to rest: a delay starts the next one, without end")

    def settle(self) -> None:
        """Run until nothing is left to do: no delay, no request, nothing more that the server has to send.

        :raises TimeoutError: if a stream is busy for too long.
        """
        deadline = time.monotonic() + self.within
        has_asked = False
        while self.host.navigation is None:
            self.run_own_timers()
            if self.host.navigation is not None:
                return
            if self.exchanges.send_next() or self.exchanges.read_next():
                has_asked = False
                continue
            if not self.exchanges.open:
                return
            if not has_asked:
                has_asked = True
                settle_broker(self._app, deadline)
            busy = self._busy()
            if busy is None and not unsettled_regions(self._app):
                # A piece that came between the two looks, at the queue and at the stream, is in the queue now.
                if not self.exchanges.read_next():
                    return
            elif time.monotonic() > deadline:
                raise TimeoutError(self._not_at_rest(busy))
            else:
                self.exchanges.wait_for(busy or self.exchanges.open[0], time.monotonic() + 0.005)

    def _busy(self) -> Exchange | None:
        for exchange in self.exchanges.open:
            body = exchange.served.body if exchange.served is not None else None
            if body is not None and not body.is_at_rest():
                return exchange
        return None

    def _not_at_rest(self, busy: Exchange | None) -> str:
        if busy is None:
            return (
                f"the regions of page {self.host.url} are not up to date within {self.within:g} s: waiting for "
                f"{'; '.join(unsettled_regions(self._app))}; make at_most_every shorter, or "
                "give the tab more time (within=…)"
            )
        return (
            f"the stream {busy.url} does not come to rest within {self.within:g} s: it has sent {len(busy.events)} "
            "events and waits neither for a topic nor for the time; wait with datastar.every() or changes(), or give "
            "the tab more time (within=…)"
        )

    def raise_failure(self) -> None:
        """Raise what the page has done wrong since the last look, in a test: nothing of it passes unseen."""
        errors, self.engine.errors[:] = [*self.engine.errors], []
        reports, self.host.reports[:] = [*self.host.reports], []
        if self.exchanges.has_lost_any:
            # Expected of a client without a network, and said in its own events.
            reports = [report for report in reports if not report.message.startswith("FetchFailed")]
        error = failure_of(self.host.url, self.document, errors, reports)
        if error is not None:
            raise error

    def take_no_effect(self) -> AssertionError | None:
        """Return the error for what the last gesture has not done; None if it has done what it should."""
        found, self.host.no_effects[:] = [*self.host.no_effects], []
        if not found:
            return None
        fields = found[0].detail if found[0].kind == "invalid" else []
        values = {number: self.call("value", number) for number, _, _ in fields}
        return no_effect_error(self.host.url, self.document, found[0], values)

    def signals(self) -> dict[str, Any]:
        """Return the page's signals, nested."""
        if self._signals is None:
            signals = json.dumps(self.call("signals"))
            self._signals = signals
        found: dict[str, Any] = json.loads(self._signals)
        return found

    def patch_signals(self, patch: dict[str, Any]) -> None:
        """Change signals as an event of the server does."""
        self.call("event", "datastar-patch-signals", {"signals": json.dumps(patch)})

    def shown(self, number: int) -> str:
        """Return an element's start tag, for an error."""
        return seeing.shown(self.document.node(number))

    def close(self) -> None:
        """Leave the page: its streams are closed, and its code is dropped. Safe to call twice."""
        try:
            self.exchanges.leave()
        finally:
            self.engine.close()
