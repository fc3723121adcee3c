"""Waiting in a page: for the tab's clock, and for what streams bring."""

from __future__ import annotations

import math
import time
from typing import Any

from . import seeing
from .answer import Answer
from .finding import find_all
from .page import Page
from .tab_base import TabBase


class WaitMethods(TabBase):
    """Two clocks: the tab's own, which :meth:`wait` moves, and the real one, on which streams send."""

    def wait(self, seconds: float) -> Answer | None:
        """Move the tab's clock: repeats of requests, intervals, delays and timers that are due meanwhile run.

        It takes no real time. What the server does at its own times, such as ``every``, is waited for with
        :meth:`wait_for`.

        :raises ValueError: if it is not a number above 0.
        """
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < 10**9:
            raise ValueError(f"seconds is {seconds!r}; accepted: numbers above 0")

        def act(page: Page) -> None:
            until = page.call("clock") + seconds * 1000
            while self._page is page and page.call("advance", until):
                page.settle()
                if page.host.navigation is not None:
                    return

        return self._gesture(act)

    def wait_for(
        self,
        selector: str | None = None,
        text: str | None = None,
        signals: dict[str, Any] | None = None,
        event: str | None = None,
        within: float | None = None,
    ) -> None:
        """Wait for the page's streams until all that is given is so.

        :param selector: an element that the page has, and a person sees.
        :param text: a text in the element, or without one in the page.
        :param signals: signals with their values; others may be there.
        :param event: the type of an event that comes, such as ``"datastar-patch-signals"``.
        :param within: seconds; by default those of the tab.
        :raises TimeoutError: if it is not so in time; it says what came instead.
        """
        if selector is None and text is None and signals is None and event is None:
            raise TypeError("wait_for() got nothing to wait for: give a selector, text=, signals= or event=")
        within = self.within if within is None else within
        deadline = time.monotonic() + within
        count = len(self._tab.events)
        self._push_signals()
        while True:
            self._settle()
            page = self._running_page()
            missing = self._missing(page, selector, text, signals, event, count)
            if missing is None:
                return
            if not page.exchanges.open:
                raise TimeoutError(
                    f"page {page.host.url}: {missing}, and it has no open stream that could change that; "
                    f"{self._came(page, count)}"
                )
            if time.monotonic() > deadline:
                raise TimeoutError(f"page {page.host.url}: {missing} within {within:g} s; {self._came(page, count)}")
            for exchange in [*page.exchanges.open]:
                if page.exchanges.wait_for(exchange, min(deadline, time.monotonic() + 0.02)):
                    break

    def _missing(
        self,
        page: Page,
        selector: str | None,
        text: str | None,
        signals: dict[str, Any] | None,
        event: str | None,
        count: int,
    ) -> str | None:
        """Return what is not so yet; None if all is."""
        found = [one for one in find_all(page, selector or "body", None, None) if seeing.is_visible(one)]
        if not found:
            return f"nobody sees an element {selector!r}"
        if text is not None and not any(text in seeing.visible_text(one) for one in found):
            shown = " | ".join(seeing.visible_text(one) for one in found)
            return f"{selector or 'the page'} does not show {text!r}, but {shown[:300]!r}"
        if signals is not None:
            now = page.signals()
            wrong = {name: now.get(name) for name, value in signals.items() if now.get(name) != value}
            if wrong:
                return f"the signals are not {signals}, but {wrong}"
        if event is not None and not any(one.type == event for one in self._tab.events[count:]):
            return f"no event {event} has come"
        return None

    def _came(self, page: Page, count: int) -> str:
        new = self._tab.events[count:]
        if not new:
            return f"no event has come meanwhile{_due(page)}"
        return f"{len(new)} events have come meanwhile, the last one {new[-1].type} {new[-1].wire_data!r}{_due(page)}"


def _due(page: Page) -> str:
    """Return what the page does next by the tab's clock, which only the test moves."""
    if (due := page.call("nextDue")) is None:
        return ""
    seconds = f"{math.ceil(due['ms']) / 1000:g}"
    what = "repeats a request" if due["isRepeat"] else "has a timer that is due"
    return f"; the page {what} in {seconds} s of the tab's clock: move it with tab.wait({seconds})"
