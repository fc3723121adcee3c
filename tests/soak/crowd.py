"""All open pages, read by one selector, and the conditions that hold for each of them at any moment."""

from __future__ import annotations

import selectors
import time
from collections.abc import Callable

from pages import Check, Page

#: The longest time in which a page receives nothing: a keep-alive is due each 2 s, and the machine may be busy.
SILENCE_SECONDS = 4.5
#: The longest life of a stream: 4 s and a tenth of that, and the machine may be busy.
AGE_SECONDS = 7
#: The longest time that a stream takes to end after it was told to.
ENDING_SECONDS = 2.5


class Crowd:
    """All open pages.

    :param on_end: called with each page that has ended.
    """

    def __init__(self, port: int, check: Check, on_end: Callable[[Page], None]) -> None:
        self.pages: set[Page] = set()
        #: The number of stream requests, of responses with status 200, and of other responses, as far as read.
        self.asked = self.began = self.refused = 0
        self._port = port
        self._check = check
        self._on_end = on_end
        self._selector = selectors.DefaultSelector()
        self._looked_at = 0.0

    def open(self, page: Page) -> None:
        """Open a page.

        :raises OSError: if the server does not listen.
        """
        page.open(self._port)
        self.asked += 1
        self.pages.add(page)
        if not page.is_deaf:
            self._selector.register(page.socket, selectors.EVENT_READ, page)

    def vanish(self, page: Page, method: str) -> None:
        """Open a page and leave before the first byte.

        :raises OSError: if the server does not listen.
        """
        page.open(self._port, method)
        self.asked += method == "GET"
        page.leave()

    def leave(self, page: Page) -> None:
        """Close a page."""
        self._forget(page)
        page.leave()

    def end_soon(self, page: Page) -> None:
        """Expect a page to end soon, unless this is expected already."""
        page.must_end_by = page.must_end_by or time.monotonic() + ENDING_SECONDS

    def read(self, seconds: float) -> None:
        """Read what has arrived, and call ``on_end`` with each page that has ended."""
        for key, _ in self._selector.select(seconds):
            page: Page = key.data
            had_status = page.status
            page.read(self._check)
            if page.status and not had_status:
                self._begin(page)
            if page.is_ended:
                self._forget(page)
                page.socket.close()
                self._on_end(page)
        if time.monotonic() - self._looked_at > 0.5:
            self._look()

    def _begin(self, page: Page) -> None:
        self.began += page.status == 200
        self.refused += page.status != 200
        if page.replaces is not None and page.status == 200:
            self.end_soon(page.replaces)
        page.replaces = None

    def _look(self) -> None:
        """Check that no page is forgotten. Call this right after a read."""
        now = self._looked_at = time.monotonic()
        for page in [page for page in self.pages if not page.is_deaf]:
            name = f"{page.kind} {page.topic} {page.status} {page.last_id}"
            check = self._check
            check("a page receives events or keep-alives", now - page.heard_at < SILENCE_SECONDS, name)
            check("a stream ends at its maximum age", not page.status or now - page.began_at < AGE_SECONDS, name)
            check("a stream ends when it is told to", page.must_end_by is None or now < page.must_end_by, name)

    def _forget(self, page: Page) -> None:
        self.pages.discard(page)
        if not page.is_deaf:
            self._selector.unregister(page.socket)
