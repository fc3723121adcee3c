"""The requests of a page: sent in the test's own thread; the streams among them go on in threads of theirs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ..sansio.decoding import BodyDecoder
from .answer import events_of
from .exchange import Exchange, ask, noted
from .page_errors import NotInTab
from .serving import ServedRequest
from .tab_state import TabState

#: Types that the client reads as a whole.
_WHOLE = ("text/html", "application/json")


class Exchanges:
    """The requests of one page.

    :param tell: calls a function of the document's code: ``answered``, ``arrived`` or ``ended``.
    """

    def __init__(
        self,
        app: Flask,
        client: FlaskClient,
        tab: TabState,
        page_url: Callable[[], str],
        tell: Callable[..., Any],
        within: float,
    ) -> None:
        self._app, self._client, self._tab = app, client, tab
        self._page_url, self._tell, self._within = page_url, tell, within
        self._wanted: list[Exchange] = []
        #: The streams that are open.
        self.open: list[Exchange] = []
        #: Whether a request has failed because the network was lost.
        self.has_lost_any = False
        #: All that was sent, in order.
        self.sent: list[Exchange] = []
        self._answered: list[Exchange] = []

    def callables(self) -> dict[str, Callable[..., Any]]:
        """Return the functions for the document's code, by its names for them."""
        return {"request": self._request, "abort": self._abort}

    def _request(self, number: int, method: str, url: str, headers: str, body: str) -> None:
        if urlsplit(url)[:2] != urlsplit(self._page_url())[:2]:
            raise NotInTab(f"the page asks {method} {url}, which is another site; test this part in a browser")
        self._wanted.append(Exchange(number, method, url, dict(json.loads(headers)), json.loads(body)))

    def _abort(self, number: int) -> None:
        for exchange in (*self._wanted, *self.open):
            if exchange.number == number:
                exchange.is_aborted = True

    def send_next(self) -> bool:
        """Send the next request that the page wants, and hand its response over; return False without one."""
        self._leave_aborted()
        if not self._wanted:
            return False
        # Also what the page has aborted since: a browser had sent it.
        self._send(self._wanted.pop(0))
        return True

    def read_next(self) -> bool:
        """Hand over the next piece that an open stream has; return False if none has any now."""
        self._leave_aborted()
        return any(self._read(exchange, time.monotonic()) for exchange in [*self.open])

    def wait_for(self, exchange: Exchange, deadline: float) -> bool:
        """Wait for the next piece of a stream."""
        return exchange in self.open and self._read(exchange, deadline)

    def take_answered(self) -> list[Exchange]:
        """Return the requests that were answered, or broke off, since the last call."""
        found, self._answered = self._answered, []
        return found

    def leave(self, number: int | None = None) -> None:
        """Leave all open streams, as a page does that is closed."""
        self._wanted.clear()
        for exchange in self.open:
            exchange.is_aborted = True
        self._leave_aborted()

    def cut(self) -> None:
        """Break all open streams off, as a lost network does."""
        for exchange in [*self.open]:
            self._finish(exchange, is_complete=False)

    def _leave_aborted(self) -> None:
        gone = [exchange for exchange in self.open if exchange.is_aborted]
        self.open = [exchange for exchange in self.open if not exchange.is_aborted]
        for exchange in gone:
            exchange.stack.close()

    def _send(self, exchange: Exchange) -> None:
        self.sent.append(exchange)
        if not self._tab.is_online:
            self.has_lost_any = True
            self._note(exchange, 0)
            self._tell("ended", exchange.number, False)
            return
        served = exchange.served = ServedRequest(self._app, self._client, self._within)
        try:
            sending = partial(ask, app=self._app, exchange=exchange, page_url=self._page_url())
            response, exchange.take = served.begin(sending, exchange.stack)
        except BaseException:
            with suppress(BaseException):
                exchange.stack.close()
            self._note(exchange, 500)
            self._tell("answered", exchange.number, 500, "INTERNAL SERVER ERROR", [], exchange.url)
            raise
        exchange.response, exchange.is_unrouted = response, served.is_unrouted
        exchange.decoder = BodyDecoder(response.headers.get("Content-Encoding"))
        self._note(exchange, response.status_code)
        headers = [[name, value] for name, value in response.headers.items()]
        self._tell(
            "answered", exchange.number, response.status_code, response.status.partition(" ")[2], headers, exchange.url
        )
        if exchange.take is not None:
            self.open.append(exchange)
            self._leave_aborted()
        else:
            self._read_all(exchange, response)
        if response.status_code >= 500:
            exchange.is_repeated = self._tell("isRepeated", exchange.number)
        self._answered.append(exchange)

    def _read_all(self, exchange: Exchange, response: TestResponse) -> None:
        """Hand over a response that ends by itself, piece by piece."""
        deadline = time.monotonic() + self._within
        try:
            chunks: list[bytes] = []
            for chunk in response.iter_encoded():
                chunks.append(chunk)
                self._arrived(exchange, chunk)
                if time.monotonic() > deadline:
                    raise TimeoutError(
                        f"{exchange.method} {exchange.url} has not ended within {self._within:g} s: it has sent "
                        f"{len(exchange.events)} events and goes on; end it, or give the tab more time (within=…)"
                    )
            response.set_data(b"".join(chunks))
            if response.mimetype in _WHOLE:
                exchange.events = events_of(response)
                self._tab.events += exchange.events
        finally:
            response.close()
            self._tell("ended", exchange.number, True)
            exchange.stack.close()

    def _read(self, exchange: Exchange, deadline: float) -> bool:
        assert exchange.take is not None
        try:
            chunk = exchange.take(deadline)
        except TimeoutError:
            return False
        except BaseException:
            self._finish(exchange, is_complete=False)
            raise
        if chunk is None:
            self._finish(exchange, is_complete=True)
        else:
            self._arrived(exchange, chunk)
        return True

    def _finish(self, exchange: Exchange, *, is_complete: bool) -> None:
        self.open.remove(exchange)
        self._tell("ended", exchange.number, is_complete)
        # Here an exception of the stream itself is raised, where Flask's client raises it.
        exchange.stack.close()
        served = exchange.served
        if served is not None and (served.exception or served.refusal) is not None and exchange not in self._answered:
            self._answered.append(exchange)

    def _arrived(self, exchange: Exchange, chunk: bytes) -> None:
        if exchange.is_aborted or not (chunk := exchange.decoder.decode(chunk)):
            return
        response = exchange.response
        if (
            response is not None
            and response.status_code == 200
            and response.mimetype not in ("text/html", "application/json")
        ):
            found = exchange.parser.feed(chunk)
            exchange.events += found
            self._tab.events += found
        self._tell("arrived", exchange.number, chunk.decode("latin-1"))

    def _note(self, exchange: Exchange, status: int) -> None:
        self._tab.requests.append(noted(exchange, status))
