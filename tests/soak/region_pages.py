"""The pages and writers of the test of live regions, over raw sockets."""

from __future__ import annotations

import json
import random
import time

from flask_datastar.sse import parse_events
from tests.regions.oracle import PAGES, show
from tests.servers.clients import BreakableClient
from tests.servers.crowd import Crowd

#: The requests that write at the same time, and the writes of each.
WRITERS = 4
WRITES = 10


class Page:
    """A page that follows views. It opens its stream again when that ends, as a browser does."""

    def __init__(self, views: tuple[str, ...]) -> None:
        self.views = views
        self.client: BreakableClient | None = None
        self.return_at = 0.0
        self.shown: dict[str, str] = {}
        self._taken = 0

    def open(self, port: int) -> BreakableClient:
        """Request the stream."""
        self.client = BreakableClient(port, "/ds/shop/feed", views=";".join(self.views))
        self._taken = 0
        return self.client

    def take(self) -> None:
        """Show what has arrived."""
        assert self.client is not None
        blocks, self._taken = self.client.blocks[self._taken :], len(self.client.blocks)
        for block in blocks:
            for event in parse_events(block + b"\n\n"):
                self.shown = show(self.shown, self.views, event.arguments.get("elements", ""))


class Crew:
    """Pages that come and go, and writers.

    :param pages: the approximate number of open pages.
    """

    def __init__(self, port: int, pages: int) -> None:
        self._port, self._wanted = port, pages
        self._crowd = Crowd(port)
        self.pages: list[Page] = []
        self._writers: list[BreakableClient] = []
        self.writes = self.failed = self.opened = 0

    @property
    def views(self) -> list[str]:
        """The views of all pages."""
        return sorted({view for page in self.pages for view in page.views})

    @property
    def is_quiet(self) -> bool:
        """Whether no write is under way, and every page has a stream that has sent something."""
        return not self._writers and all(page.client is not None and page.client.blocks for page in self.pages)

    def act(self) -> None:
        """Open a page, close one, or write."""
        if len(self.pages) < self._wanted:
            self.pages.append(Page(random.choice(PAGES)))
            self.opened += 1
        elif random.random() < 0.02:
            page = self.pages.pop(random.randrange(len(self.pages)))
            if page.client is not None:
                self._drop(page.client)
        if len(self._writers) < WRITERS:
            self.write()

    def write(self, *, dies: bool = False) -> None:
        """Send a request that writes; at its first commit the worker may die."""
        more = {"dies": 1} if dies else {}
        client = BreakableClient(
            self._port, "/write", method="POST", seed=random.randrange(2**32), count=WRITES, **more
        )
        self._crowd.add(client)
        self._writers.append(client)

    def read(self, seconds: float) -> None:
        """Read what has come, and open the streams again that have ended."""
        self._crowd.read(seconds)
        now = time.monotonic()
        for page in self.pages:
            if page.client is not None:
                page.take()
                if page.client.is_ended:
                    self._drop(page.client)
                    page.client, page.return_at = None, now + random.uniform(0.1, 0.5)
            elif now >= page.return_at:
                self._crowd.add(page.open(self._port))
        for client in [client for client in self._writers if client.is_ended]:
            self._writers.remove(client)
            self._drop(client)
            if client.status == 200 and not client.is_broken:
                answer = json.loads(client.body)
                self.writes += answer["writes"]
                self.failed += answer["failed"]

    def stale(self, fresh: dict[str, str]) -> list[str]:
        """Return a line for each page that does not show what a new page shows."""
        lines = []
        for page in self.pages:
            wrong = [name for name, html in page.shown.items() if html != fresh.get(name)]
            if wrong or len(page.shown) != len(page.views):
                lines.append(f"{page.views}: {page.shown}, not {fresh}")
        return lines

    def close(self) -> None:
        """Leave everything."""
        self._crowd.__exit__(None, None, None)

    def _drop(self, client: BreakableClient) -> None:
        self._crowd.leave(client)
        self._crowd.clients.remove(client)
