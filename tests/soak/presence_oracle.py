"""The comparison of the test of presence, when nothing is broken: who is there, and who is said to be there."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.servers.clients import BreakableClient
from tests.soak.presence_load import CARDS, MOST_ASKS, TOPICS, Load
from tests.soak.presence_pages import Page, People, compare, people_of, shown_as

#: The time after which every process must know who is there, once nothing is broken.
QUIET_SECONDS = 20.0
#: The time in which messages flow again after Redis is back.
RECOVERY_SECONDS = 5.0


class Oracle:
    """The comparisons of a load's pages with what the processes say."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self.ghosts = self.missing = self.compared = 0
        #: The pages whose clicks were repeated, and those that edited a card and had to keep it by themselves.
        self.repeated = self.kept = 0
        #: The longest time until every process knew everything.
        self.longest = 0.0
        #: The longest time until every page showed it.
        self.longest_shown = 0.0

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Keep pages hidden that are hidden for a moment, until the comparisons are over."""
        shown_at = {page: page.return_at for page in self._load.pages if page.hidden_at is not None}
        for page in shown_at:
            page.return_at = None
        yield
        for page, at in shown_at.items():
            page.return_at = at

    def settle(self) -> None:
        """Wait until all pages that are not hidden are open, and no request is under way."""
        is_back = self._load.read_until(lambda: not self._load.asks and not self._coming(), QUIET_SECONDS)
        self._load.check("all pages come back", is_back, str([vars(page) for page in self._coming()][:3]))
        for page in [page for page in self._load.pages if page.is_signed_out]:
            # Its request was on its way while the person signed out, or the order was lost with a worker; a login check
            # would have refused it.
            self._load.close_stream(page)
            self._load.pages.discard(page)

    def repeat_clicks(self, *, all_pages: bool) -> None:
        """Repeat what handlers were told of cards where a message may have been lost.

        :param all_pages: whether Redis was broken: then a handler's join may be lost on its way to the page's process.
        """
        if all_pages:
            # Until all processes are connected again.
            self._load.read_until(lambda: False, RECOVERY_SECONDS)
        for page in [page for page in self._load.pages if page.is_open]:
            if all_pages or page.is_unsure:
                self.repeated += 1
                for path, cards in (("/ds/p/stop", sorted(page.dropped)), ("/ds/p/edit", sorted(page.cards))):
                    for card in cards:
                        self._load.act_on(page, path, card)
                        self._load.read_until(lambda: len(self._load.asks) < MOST_ASKS, QUIET_SECONDS)
            elif page.cards:
                self.kept += 1
            page.dropped.clear()
            page.is_unsure = False
        self._load.read_until(lambda: not self._load.asks, QUIET_SECONDS)

    def _coming(self) -> list[Page]:
        return [
            page for page in self._load.pages if not page.is_open and page.hidden_at is None and not page.is_signed_out
        ]

    def compare(self, topics: list[str]) -> None:
        """Compare what each process and each page says with the pages that are open, after a time of quiet at most."""
        start = time.monotonic()
        problems: list[tuple[list[str], list[str]]] = []

        def is_exact() -> bool:
            problems[:] = [compare(found, self.expected(topics)) for found in self._answers()]
            return bool(problems) and not any(ghosts or missing for ghosts, missing in problems)

        is_so = self._load.read_until(is_exact, QUIET_SECONDS)
        self.longest = max(self.longest, time.monotonic() - start)
        ghosts, missing = ([one for found in problems for one in found[side]] for side in (0, 1))
        self.ghosts, self.missing, self.compared = (
            self.ghosts + len(ghosts),
            self.missing + len(missing),
            self.compared + 1,
        )
        self._load.check(
            "every process knows exactly who is there",
            is_so,
            f"round {self.compared}: ghosts {ghosts[:5]}, missing {missing[:5]}",
        )
        self._load.read_until(lambda: not self._stale(), QUIET_SECONDS)
        self.longest_shown = max(self.longest_shown, time.monotonic() - start)
        self._load.check(
            "every page shows exactly who is there",
            not self._stale(),
            f"round {self.compared}: " + "; ".join(self._stale()[:3]),
        )

    def expected(self, topics: list[str]) -> People:
        """Return who is at each topic, by the pages that are open."""
        return people_of([page for page in self._load.pages if page.is_open], topics)

    def _stale(self) -> list[str]:
        wanted = self.expected(TOPICS)
        live = [page for page in self._load.pages if page.is_open and page.kind == "live"]
        return [
            f"{page.topic}: {page.shown}, not {shown_as(wanted[page.topic])}"
            for page in live
            if page.shown != shown_as(wanted[page.topic])
        ]

    def _answers(self) -> list[People]:
        """Ask all processes who is there."""
        found: dict[int, People] = {}

        def handle(client: BreakableClient | None) -> None:
            if client is not None:
                answer = json.loads(client.body)
                found[answer["pid"]] = answer["people"]

        def is_complete() -> bool:
            for server in self._load.cluster.servers if len(self._load.asks) < 3 else []:
                self._load.ask("/people", handle, port=server.port, method="GET", topics=",".join([*TOPICS, *CARDS]))
            return {*found} >= {worker.pid for worker in self._load.cluster.workers()}

        is_all = self._load.read_until(is_complete, QUIET_SECONDS)
        self._load.read_until(lambda: not self._load.asks, QUIET_SECONDS)
        living = {worker.pid for worker in self._load.cluster.workers()}
        return [people for pid, people in found.items() if pid in living] if is_all else []
