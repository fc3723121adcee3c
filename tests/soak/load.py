"""The load of the soak: random actions, and the results that they must have."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from checks import Checks
from crowd import Crowd
from pages import Page
from server import Server

KINDS = ["follow"] * 4 + ["listen"] * 3 + ["changes"] * 3 + ["tick", "finish", "fail"]
#: The kinds of streams that do not end by themselves.
LASTING_KINDS = ["follow", "listen", "changes", "tick"]
TOPICS = ["red", "green", "blue"]
#: A topic without messages during the load; its streams receive only keep-alives.
QUIET_TOPIC = "quiet"
SCOPES = [f"user-{number}" for number in range(40)]
TABS = ["t1", "t2", "t3", "t4"]


class Load:
    """A load that opens, closes, replaces and ends streams, and publishes to them.

    :param pages: the approximate number of open pages.
    """

    def __init__(self, server: Server, check: Checks, pages: int) -> None:
        self.server = server
        self.check = check
        self.wanted = pages
        self.actions: Counter[str] = Counter()
        #: The numbers of endings of bodies that were read to their end.
        self.endings: Counter[str] = Counter()
        self.crowd = Crowd(server.port, check, self.ended)
        self.returning: list[Page] = []
        #: Whether the worker is being stopped, so that connections may fail.
        self.is_stopping = False
        self._pages = 0
        self._told = 0
        #: Scope → the last time at which its streams were closed.
        self._closed_at: dict[str, float] = {}

    def page(self, kind: str, topic: str, scope: str, tab: str) -> Page:
        """Create a page with a new page id."""
        self._pages += 1
        return Page(kind, topic, scope, tab, f"p{self._pages}")

    def random_page(self) -> Page:
        """Create a page of a random kind, in a tab of its own."""
        topic = random.choice([*TOPICS, *TOPICS, QUIET_TOPIC])
        tab = f"{random.choice(TABS)}x{self._pages}"
        return self.page(random.choice(KINDS), topic, random.choice(SCOPES), tab)

    def run(self, seconds: float) -> None:
        """Act at random."""
        end = time.monotonic() + seconds
        doings = [self.leave, self.replace, self.publish, self.publish, self.tell, self.close, self.vanish, self.deaf]
        weights = [8, 6, 4, 4, 2, 1, 2, 0.3]
        while time.monotonic() < end:
            # The number of open pages varies around the wanted number.
            if len(self.crowd.pages) < self.wanted * random.uniform(0.7, 1.3):
                self.open(self.random_page())
            else:
                random.choices(doings, weights)[0]()
            while self.returning:
                self.come_back(self.returning.pop())
            self.crowd.read(random.choice([0, 0, 0.002, 0.01]))

    def read_until(self, condition: Callable[[], object], seconds: float) -> bool:
        """Read until the condition holds, and return whether it holds in time."""
        deadline = time.monotonic() + seconds
        while not (is_so := condition()) and time.monotonic() < deadline:
            self.crowd.read(0.02)
        return bool(is_so)

    def open(self, page: Page) -> None:
        """Open a page's stream."""
        self.actions["open"] += 1
        self._try(self.crowd.open, page)

    def _try(self, do: Callable[..., object], *arguments: object) -> None:
        try:
            do(*arguments)
        except OSError as error:
            self.check("a page connects", self.is_stopping, str(error))

    def leave(self) -> None:
        """Close one or many pages, before their first byte, in the middle of an event, or at rest."""
        self.actions["leave"] += 1
        for page in self._some(random.choice([1, 1, 1, 20])):
            self.crowd.leave(page)

    def replace(self) -> None:
        """Open the next page of a tab and keep the old page open, which the server has to end."""
        for old in self._some(1):
            if old.status == 200 and not old.is_deaf:
                self.actions["replace"] += 1
                page = self.page(old.kind, old.topic, old.scope, old.tab)
                page.replaces = old
                self._try(self.crowd.open, page)

    def publish(self) -> None:
        """Publish to a topic's streams of both kinds."""
        self.actions["publish"] += 1
        count = random.choice([1, 1, 5, 50])
        self.server.ask("POST", "/publish", topic=random.choice(TOPICS), count=count, size=random.choice([0, 0, 2000]))

    def tell(self, scope: str | None = None) -> None:
        """Send a message to one user."""
        self.actions["tell"] += 1
        self._told += 1
        self.server.ask("POST", "/tell", scope=scope or random.choice(SCOPES), number=self._told)

    def close(self) -> None:
        """End one user's streams."""
        self.actions["close"] += 1
        scope = random.choice(SCOPES)
        begun = [page for page in self.crowd.pages if page.scope == scope and page.status == 200]
        is_done = self.server.ask("POST", "/close", scope=scope, restart=random.choice([0, 1])) is not None
        self._closed_at[scope] = time.monotonic()
        if is_done:
            for page in begun:
                self.crowd.end_soon(page)

    def vanish(self) -> None:
        """Leave before the first byte, or send HEAD requests."""
        self.actions["vanish"] += 1
        for _ in range(random.choice([1, 10])):
            self._try(self.crowd.vanish, self.random_page(), random.choice(["GET", "GET", "HEAD"]))

    def deaf(self) -> None:
        """Open a page that does not read, and publish megabytes: the server has to drop this client."""
        self.actions["deaf"] += 1
        page = self.page("follow", "flood", "deaf", "deaf")
        page.is_deaf = True
        self._try(self.crowd.open, page)
        self.server.ask("POST", "/publish", topic="flood", count=60, size=100_000)

    def _some(self, count: int) -> list[Page]:
        pages = list(self.crowd.pages)
        return random.sample(pages, min(count, len(pages)))

    def ended(self, page: Page) -> None:
        """Check how a page ended, and make some pages come back."""
        check = self.check
        if page.status == 204:
            is_right = page.came_with is not None and page.came_with.startswith("ds:done")
            check("204 follows only the ending done", is_right, f"{page.kind} {page.came_with}")
            return
        if not page.status or page.is_cut:
            # A stopping worker accepted the connection.
            check("no body is cut", self.is_stopping and not page.status, f"{page.kind} {page.status} {page.pid}")
            return
        check("a stream is answered 200", page.status == 200, str(page.status))
        reason = page.last_id.removeprefix("ds:").partition(":")[0]
        is_known = page.last_id.startswith("ds:") and reason in ("done", "restart", "replaced")
        check("each body has the reason of its end", is_known, f"{page.kind} {page.last_id!r}")
        is_right = reason != "done" or page.kind == "finish" or self._closed_at.get(page.scope, 0) >= page.asked_at
        check("only a finished or closed stream is done", is_right, page.kind)
        if reason == "restart":
            failures = int(page.last_id.split(":")[2])
            least, most = (1500, 2000) if not failures else (min(1000 << failures, 60_000), 75_000)
            is_right = page.retry is not None and least <= page.retry <= most
            check("a restart has its retry interval", is_right, f"{page.kind} {page.last_id} {page.retry}")
            check("only streams that raise fail", not failures or page.kind == "fail", f"{page.kind} {page.last_id}")
        self.endings[reason] += 1
        if random.random() < 0.5:
            self.returning.append(page)

    def come_back(self, page: Page) -> None:
        """Open the same page again, with the last event id of its stream."""
        self.actions["come back"] += 1
        self._try(self.crowd.open, Page(page.kind, page.topic, page.scope, page.tab, page.page, last_id=page.last_id))

    def silence(self) -> None:
        """Close all pages that do not read, and keep closed pages closed."""
        for page in [page for page in self.crowd.pages if page.is_deaf]:
            self.crowd.leave(page)
        self.returning.clear()

    def empty(self) -> None:
        """Close all pages."""
        for page in list(self.crowd.pages):
            self.crowd.leave(page)
        self.returning.clear()


def counted(found: dict[str, Any] | None, load: Load) -> bool:
    """Return whether a worker counts exactly the open streams and tabs."""
    if found is None:
        return False
    pages = load.crowd.pages
    tabs = {(page.scope, page.tab) for page in pages}
    return found["stats"]["open"] == len(pages) and found["tabs"] == len(tabs)
