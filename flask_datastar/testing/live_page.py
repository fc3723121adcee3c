"""A live page of a tab: its HTML, which the events of its stream keep up to date."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from types import TracebackType
from typing import Self

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ..brokers.payload import Payload
from ..sansio.consts import EventType
from ..sansio.events import Event
from ..sansio.markup import find_element, find_root
from ..sansio.parser import EventParser
from .answer import text_of
from .live_opening import ask, read_opening
from .renders import Render, capture_renders
from .serving import ServedRequest
from .settling import settle_broker, unsettled_regions
from .waiting import wait_until


class LivePage:
    """A page that follows its regions, as a browser shows it; a context manager, whose end leaves the page.

    Reading waits until the regions are rendered that have changed so far, and until their events have come: after a
    handler's answer, ``page["cards-3"]`` is what the handler has left. :meth:`DatastarClient.live` opens it.
    """

    def __init__(
        self,
        app: Flask,
        client: FlaskClient,
        loaded: TestResponse,
        signals: dict[str, object],
        apply: Callable[[Event], object],
        within: float,
    ) -> None:
        self._app, self._apply = app, apply
        #: Seconds after which a reading is given up.
        self.within = within
        #: The path and query of the page.
        self.url, header = read_opening(app, loaded)
        #: The events of the page's stream so far.
        self.events: list[Event] = []
        #: Whether the stream has ended.
        self.has_ended = False
        self._html = text_of(loaded)
        self._raised = 0
        with ExitStack() as stack:
            #: The renderings of the app's regions for streams, since the page was opened.
            self.renders: list[Render] = stack.enter_context(capture_renders(app))
            self._served = ServedRequest(app, client, within)
            response, self._take = stack.enter_context(self._served.opened(partial(ask, self.url, header, signals)))
            if self._served.stream is None and response.mimetype != "text/event-stream":
                raise ValueError(
                    f"the stream of page {self.url} was answered with {response.status}: its view runs for it as for a "
                    "visitor; let it answer as it answered the page"
                )
            self._parser = EventParser(response.headers.get("Content-Encoding"))
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave the page: its stream is closed. Safe to call twice."""
        self._stack.close()

    def __getitem__(self, element_id: str) -> str:
        """Return the current HTML of the element with an id: of a region, or any other element of the page.

        :raises KeyError: if the page has no element with this id.
        :raises TimeoutError: if a region is not rendered in time; it says which one, and why it is rendered.
        :raises ConnectionError: if the stream has ended.
        :raises Exception: if a region raised it in the background: with ``TESTING``, unless ``PROPAGATE_EXCEPTIONS``
            says otherwise, once for each failure.
        """
        self._update(time.monotonic() + self.within)
        span = find_element(self._html, element_id)
        if span is None:
            ids = ", ".join(re.findall(r"""\sid=["']?([^"'\s>]+)""", self._html)) or "no element with an id"
            raise KeyError(f"page {self.url} has no element with the id {element_id!r}; it has {ids}")
        return self._html[slice(*span)]

    def __contains__(self, element_id: str) -> bool:
        """Return whether the page has an element with an id now; it raises as reading the element does."""
        return find_element(self.html, element_id) is not None

    @property
    def html(self) -> str:
        """The current HTML of the whole page; it raises as reading an element does."""
        self._update(time.monotonic() + self.within)
        return self._html

    def wait_for(self, element_id: str, text: str, within: float | None = None) -> str:
        """Wait until the HTML of an element contains a text, for changes that other threads or processes make.

        :param within: seconds; by default those of the tab.
        :return: the element's HTML.
        :raises TimeoutError: if it does not in time; it says what came instead.
        """
        within = self.within if within is None else within
        deadline = time.monotonic() + within
        while text not in (html := self[element_id]):
            try:
                self._read(deadline)
            except TimeoutError:
                raise TimeoutError(
                    f"{element_id!r} of page {self.url} does not contain {text!r} within {within:g} s: it is {html!r}, "
                    f"and {self._came()}"
                ) from None
        return html

    def _update(self, deadline: float) -> None:
        """Read what the stream has sent of all changes so far."""
        self._settle(deadline)
        self._raise_failure()
        stream = self._served.stream
        mark = f"test {uuid.uuid4()}"
        if stream is not None:
            # A comment behind everything that was sent before.
            stream.put(Payload(f": {mark}\n\n".encode()))
        while mark not in self._parser.comments:
            if self.has_ended:
                raise ConnectionError(f"the stream of page {self.url} has ended: {self._came()}; open the page again")
            try:
                self._read(deadline)
            except TimeoutError:
                raise TimeoutError(f"the stream of page {self.url} stands still: {self._came()}") from None
        self._parser.comments.clear()

    def _settle(self, deadline: float) -> None:
        """Wait until all regions are rendered that have changed so far."""
        settle_broker(self._app, deadline)
        try:
            wait_until(lambda: not unsettled_regions(self._app), deadline - time.monotonic())
        except AssertionError:
            raise TimeoutError(
                f"the regions of page {self.url} are not up to date within {self.within:g} s: waiting for "
                f"{'; '.join(unsettled_regions(self._app))}; {self._came()}; make at_most_every shorter, or give the "
                "tab more time (within=…)"
            ) from None

    def _raise_failure(self) -> None:
        raises = self._app.config["PROPAGATE_EXCEPTIONS"]
        new, self._raised = self.renders[self._raised :], len(self.renders)
        for render in new:
            if render.error is not None and (self._app.testing if raises is None else raises):
                raise render.error

    def _read(self, deadline: float) -> None:
        """Read the next piece of the stream."""
        chunk = self._take(deadline)
        if chunk is None:
            self.has_ended = True
            # Here a stream's own exception is raised.
            self.close()
            return
        for event in self._parser.feed(chunk):
            self.events.append(event)
            self._apply(event)
            self._patch(event)

    def _patch(self, event: Event) -> None:
        """Put an element in the place of the one with its id, as the client does."""
        arguments = event.arguments if event.type == EventType.PATCH_ELEMENTS else {}
        if "elements" not in arguments or arguments.keys() & {"selector", "mode"}:
            return
        try:
            span = find_element(self._html, find_root(arguments["elements"]))
        except ValueError:
            return
        if span is not None:
            self._html = self._html[: span[0]] + arguments["elements"] + self._html[span[1] :]

    def _came(self) -> str:
        if not self.events:
            return "no event has come"
        last = self.events[-1]
        return f"{len(self.events)} events have come, the last one {last.type} {last.wire_data!r}"
