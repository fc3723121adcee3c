"""The pages of the test of presence, and what is to be known of the people who have them open."""

from __future__ import annotations

import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterable

from tests.servers.clients import BreakableClient

#: Topic → the people there, as scope and number of tabs; scope "" for each tab that belongs to nobody.
People = dict[str, list[tuple[str, int]]]
_RETRY_SECONDS = 0.5
#: The longest time, with beats of one second and on a busy machine, until all processes know of a handler's join, and
#: the shortest until they forget a dead process.
SETTLED_SECONDS, FORGOTTEN_SECONDS = 3.0, 2.0
_FACES = re.compile(r'<p id="faces-[^"]*">([^<]*)</p>')


class Page:
    """One page in a tab. It opens its stream again when that ends, as a browser does.

    :param kind: ``live`` or ``stream``.
    :param scope: the person; "" for nobody.
    """

    def __init__(self, kind: str, topic: str, scope: str, tab: str, page: str) -> None:
        self.kind, self.topic, self.scope, self.tab, self.page = kind, topic, scope, tab, page
        self.client: BreakableClient | None = None
        #: When the page asks for its stream again; None while it has one, and while it is hidden.
        self.return_at: float | None = None
        #: When the page last asked for its stream, and when it lost one that it has not got back.
        self.asked_at = 0.0
        self.lost_at: float | None = None
        #: When the client closed the stream because the page was hidden.
        self.hidden_at: float | None = None
        #: The same time, from when the page is shown until its stream has opened.
        self.left_at: float | None = None
        #: Whether the person has signed out, so that the page does not come back.
        self.is_signed_out = False
        #: The cards that the page edits, by a handler, and whether a message about them may have been lost.
        self.cards: set[str] = set()
        self.dropped: set[str] = set()
        self.is_unsure = False
        #: When a handler of the page was last answered.
        self.acted_at = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the page has a stream that has sent something."""
        return self.client is not None and bool(self.client.blocks)

    @property
    def tab_id(self) -> str:
        return f"{self.tab}.{self.page}"

    @property
    def key(self) -> tuple[str, str]:
        """The page's scope and tab."""
        return self.scope, self.tab

    @property
    def shown(self) -> str:
        """The people as the page shows them."""
        assert self.client is not None
        return _FACES.findall(self.client.text)[-1]

    def open(self, port: int) -> BreakableClient:
        """Request the page's stream."""
        self.left_at = self.hidden_at
        self.return_at = self.hidden_at = None
        self.asked_at = time.monotonic()
        path = f"/live/{self.topic}" if self.kind == "live" else "/ds/p/stream"
        query = {"topic": self.topic} if self.kind == "stream" else {}
        if self.scope:
            query["scope"] = self.scope
        # It says nothing of what the page shows, so all of it is sent.
        headers = {"Datastar-Live": ""} if self.kind == "live" else {}
        self.client = BreakableClient(port, path, tab=self.tab_id, headers=headers, **query)
        return self.client

    def ended(self, now: float) -> str:
        """Record that the stream has ended, and return how."""
        client, self.client = self.client, None
        assert client is not None
        client.socket.close()
        if client.is_broken or client.status != 200:
            self.return_at = now + _RETRY_SECONDS
            return "broken" if client.is_broken else str(client.status)
        reason = (client.ids[-1] if client.ids else "").removeprefix("ds:").partition(":")[0]
        self.return_at = now + (client.retries[-1] / 1000 if client.retries else _RETRY_SECONDS)
        return reason

    def lose(self, now: float) -> None:
        """Record that the page has lost its stream, and that its cards are unsure if few processes know them.

        So it is right after a click, and right after the page has come to a process, which asks the others then.
        """
        self.lost_at = self.lost_at or now
        self.is_unsure = self.is_unsure or now < max(self.acted_at, self.asked_at) + SETTLED_SECONDS

    def find(self, now: float) -> None:
        """Record that the page has a stream again; after long, its old process may have been forgotten everywhere."""
        assert self.lost_at is not None
        self.is_unsure = self.is_unsure or now > self.lost_at + FORGOTTEN_SECONDS
        self.lost_at = None

    def forget_cards(self) -> None:
        """Record that the page edits nothing more."""
        self.dropped |= self.cards
        self.cards.clear()
        self.is_unsure = False


def people_of(pages: Iterable[Page], topics: Iterable[str]) -> People:
    """Return who is at each topic, by the pages that are open."""
    tabs: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for page in pages:
        for topic in [page.topic, *page.cards]:
            tabs[topic][page.scope].add(page.tab)
    found: People = {}
    for topic in topics:
        alone = [("", 1)] * len(tabs[topic].pop("", ()))
        found[topic] = sorted([*alone, *((scope, len(names)) for scope, names in tabs[topic].items())])
    return found


def compare(found: People, wanted: People) -> tuple[list[str], list[str]]:
    """Return those who are listed and not there, and those who are there and not listed."""
    ghosts, missing = [], []
    for topic, people in wanted.items():
        listed, there = Counter(map(tuple, found.get(topic, []))), Counter(people)
        ghosts += [f"{topic}: {scope or 'nobody'} with {tabs} tabs" for scope, tabs in (listed - there).elements()]
        missing += [f"{topic}: {scope or 'nobody'} with {tabs} tabs" for scope, tabs in (there - listed).elements()]
    return ghosts, missing


def shown_as(people: list[tuple[str, int]]) -> str:
    """Return the people at a topic as a page shows them."""
    return " ".join(f"{scope}:{tabs}" for scope, tabs in people)
