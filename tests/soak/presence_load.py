"""The load of the test of presence: what people do with their pages."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable

from tests.servers.clients import BreakableClient
from tests.servers.cluster import Cluster
from tests.servers.crowd import Crowd
from tests.soak.checks import Checks
from tests.soak.presence_pages import Page

TOPICS = [f"board-{number}" for number in range(12)]
CARDS = [f"card-{number}" for number in range(20)]
PEOPLE = [f"user-{number}" for number in range(60)]
#: The requests under way beside the streams.
MOST_ASKS = 20
BROKER_TIMEOUT_SECONDS = 1.0

Handle = Callable[[BreakableClient | None], object]


class Load:
    """Pages that come, go and act.

    :param pages: the approximate number of open pages.
    :param linger: the seconds for which people stay after their last page has closed.
    """

    def __init__(self, cluster: Cluster, check: Checks, pages: int, linger: float) -> None:
        self.cluster, self.check = cluster, check
        self.actions: Counter[str] = Counter()
        self.endings: Counter[str] = Counter()
        self._wanted, self._linger = pages, linger
        self._crowd = Crowd(0)
        self._made = 0
        self.pages: set[Page] = set()
        self.asks: dict[BreakableClient, Handle] = {}
        #: Those whose pages are about to be ended, and the pages whose handlers are under way.
        self._closing: set[str] = set()
        self._busy: set[Page] = set()

    def act(self) -> None:
        """Do one random thing, if the servers are not busy with earlier ones."""
        if sum(page.hidden_at is None for page in self.pages) < self._wanted * random.uniform(0.8, 1.2):
            self.open(self._new_page())
        elif len(self.asks) < MOST_ASKS:
            doings = [self.leave, self.reload, self.hide, self.duplicate, self.edit, self.stop, self.sign_out]
            random.choices(doings, [3, 4, 4, 2, 5, 3, 0.3])[0]()

    # User actions

    def _new_page(self, scope: str | None = None, tab: str = "", topic: str = "") -> Page:
        self._made += 1
        if scope is None:
            scope = random.choice(["", *(one for one in random.sample(PEOPLE, 5) if one not in self._closing)])
        kind, topic = random.choice(["live", "stream"]), topic or random.choice(TOPICS)
        return Page(kind, topic, scope, tab or f"t{self._made}", f"p{self._made}")

    def open(self, page: Page) -> None:
        """Open a page."""
        self.actions["open"] += 1
        self.pages.add(page)
        self._connect(page)

    def leave(self) -> None:
        """Close a page."""
        for page in self._some():
            self.actions["close"] += 1
            self.close_stream(page)
            self.pages.discard(page)

    def reload(self) -> None:
        """Load a page again: its old stream may end before or after the new one opens."""
        for page in self._some():
            self.actions["reload"] += 1
            new = self._new_page(page.scope, page.tab, random.choice([page.topic, page.topic, ""]))
            # Tabs of nobody replace nothing.
            is_first = random.random() < 0.7 or not page.scope
            if is_first:
                self.close_stream(page)
            self.pages.add(new)
            self._connect(new)
            if not is_first:
                self.close_stream(page)
            self.pages.discard(page)

    def hide(self) -> None:
        """Hide a page, whose client closes the stream; it is shown again after a moment, or after a long time."""
        for page in self._some():
            self.actions["hide"] += 1
            self.close_stream(page)
            page.hidden_at = time.monotonic()
            page.return_at = page.hidden_at + random.choice([0.1, 0.3, self._linger + 2, 1000])

    def duplicate(self) -> None:
        """Open more pages with the id of a tab, as a browser's copy of a tab does."""
        for page in self._some():
            self.actions["duplicate"] += 1
            for _ in range(random.choice([1, 2])):
                new = self._new_page(page.scope, page.tab)
                self.pages.add(new)
                self._connect(new)

    def edit(self) -> None:
        """Join a card by a handler."""
        for page in self._some(lambda page: not any(one.key == page.key for one in self.pages if one is not page)):
            card = random.choice(CARDS)
            self.actions["edit"] += 1
            self.act_on(page, "/ds/p/edit", card)

    def stop(self) -> None:
        """Leave a card by a handler."""
        for page in self._some(lambda page: bool(page.cards)):
            self.actions["stop"] += 1
            self.act_on(page, "/ds/p/stop", random.choice(sorted(page.cards)))

    def act_on(self, page: Page, path: str, card: str) -> None:
        """Send the request of a page that joins or leaves a card."""
        is_edit, asked_at = path.endswith("edit"), time.monotonic()

        def handle(client: BreakableClient | None) -> None:
            self._busy.discard(page)
            page.acted_at = time.monotonic()
            # A worker that does not reach Redis in time answers as well, and the click is lost.
            is_late = page.acted_at > asked_at + BROKER_TIMEOUT_SECONDS
            page.is_unsure = page.is_unsure or client is None or is_late or not page.is_open

        # One tab's pages leave together; in tabs of nobody, several pages may be open.
        for one in [page] if is_edit else [one for one in self.pages if one.key == page.key]:
            (one.cards if is_edit else one.dropped).add(card)
            (one.dropped if is_edit else one.cards).discard(card)
        self._busy.add(page)
        self.ask(path, handle, headers={"Datastar-Tab": page.tab_id}, card=card)

    def sign_out(self, scope: str = "") -> None:
        """Sign somebody out, or send all of somebody's pages through the login check, which lets them pass."""
        here = {page.scope for page in self.pages if page.scope} - {page.scope for page in self._busy} - self._closing
        if not scope and not here:
            return
        scope = scope or random.choice(sorted(here))
        # Few are signed out, so each kind comes once before chance decides.
        comes_back = random.random() < 0.4 if self.actions["send away"] else bool(self.actions["sign out"])
        is_restart = comes_back or (random.random() < 0.7 and self.endings["done"] > 0)
        self.actions["send away" if comes_back else "sign out"] += 1
        self._closing.add(scope)
        for page in [page for page in self.pages if page.scope == scope]:
            page.is_signed_out = page.is_signed_out or not comes_back
            page.forget_cards()
            if page.is_signed_out and page.client is None:
                self.pages.discard(page)

        def handle(client: BreakableClient | None) -> None:
            self._closing.discard(scope)
            if client is None:
                # The worker was killed: somebody whose click has failed clicks again.
                self.sign_out(scope)

        self.ask("/close", handle, scope=scope, **({"restart": 1} if is_restart else {}))

    def _some(self, condition: Callable[[Page], bool] = lambda page: True) -> list[Page]:
        """Return one page, or none, that can be acted on."""
        pages = [
            page
            for page in self.pages
            if page.is_open and page not in self._busy and page.scope not in self._closing and not page.is_signed_out
        ]
        chosen = random.sample(pages, min(8, len(pages)))
        return [page for page in chosen if condition(page)][:1]

    # Results

    def _connect(self, page: Page) -> None:
        self._crowd.add(page.open(random.choice(self.cluster.servers).port))

    def close_stream(self, page: Page) -> None:
        """End the stream of a page, as its client does."""
        if page.client is not None:
            self._crowd.leave(page.client, random.choice(["close", "close", "reset"]))
            self._crowd.clients.remove(page.client)
            page.client = None

    def ask(self, path: str, handle: Handle, *, port: int = 0, method: str = "POST", **options: object) -> None:
        """Send a request, and hand the response to a function; None if it breaks off."""
        port = port or random.choice(self.cluster.servers).port
        client = BreakableClient(port, path, method=method, **options)  # type: ignore[arg-type]
        self._crowd.add(client)
        self.asks[client] = handle

    def read(self, seconds: float) -> None:
        """Read what has arrived, and open the streams that are due."""
        self._crowd.read(seconds)
        for client in [client for client in self.asks if client.is_ended]:
            handle = self.asks.pop(client)
            self._crowd.clients.remove(client)
            client.socket.close()
            is_answered = not client.is_broken and client.status < 400
            self.check("a request is answered or breaks off", is_answered or client.is_broken, str(client.status))
            handle(client if is_answered else None)
        now = time.monotonic()
        for page in list(self.pages):
            if page.client is not None and page.client.is_ended:
                self._ended(page, now)
            elif page.client is None and page.return_at is not None and page.return_at <= now:
                self.actions["show"] += page.hidden_at is not None
                self._connect(page)
            elif page.lost_at is not None and page.is_open:
                page.find(now)
            elif page.left_at is not None and page.is_open:
                self._shown(page, now - page.left_at)

    def _ended(self, page: Page, now: float) -> None:
        self._crowd.clients.remove(page.client)
        how = page.ended(now)
        self.endings[how] += 1
        if how in ("replaced", "done") or page.is_signed_out:
            self.pages.discard(page)
        else:
            page.lose(now)
            page.is_unsure = page.is_unsure or page in self._busy

    def _shown(self, page: Page, hidden: float) -> None:
        """Record that the stream of a page that was hidden is open: if that took too long, it edits no card."""
        page.left_at = None
        if hidden > self._linger + 1:
            page.forget_cards()
        elif hidden > self._linger / 2:
            page.is_unsure = True

    def read_until(self, condition: Callable[[], object], seconds: float) -> bool:
        """Read until the condition holds, and return whether it holds in time."""
        deadline = time.monotonic() + seconds
        while not (is_so := condition()) and time.monotonic() < deadline:
            self.read(0.02)
        return bool(is_so)

    def close(self) -> None:
        """Leave everything."""
        self._crowd.__exit__(None, None, None)
