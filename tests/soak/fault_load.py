"""The load of the fault test: user actions during faults, and the conditions that hold when nothing is broken."""

from __future__ import annotations

import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

from tests.servers.clients import BreakableClient
from tests.servers.cluster import Cluster
from tests.servers.crowd import Crowd
from tests.soak.checks import Checks
from tests.soak.fault_cluster import Faults
from tests.soak.fault_oracle import Messages, Oracle
from tests.soak.fault_pages import Page

TOPICS = ["red", "green", "blue", "brown", "black", "white"]
SCOPES = [f"user-{number}" for number in range(8)]
TIMEOUT_SECONDS = 1.0
#: The time that a busy machine with starting workers may add to a promised time.
SLACK_SECONDS = 3.0
#: The time in which messages flow again, and every page is current, after Redis is back.
RECOVERY_SECONDS = 5.0
#: The time in which a worker has started and its pages have come back.
RETURN_SECONDS = 20.0

Handle = Callable[[BreakableClient | None], object]


class Load:
    """A load that opens and closes pages, edits, broadcasts, and causes faults.

    :param pages: the approximate number of open pages.
    """

    def __init__(self, cluster: Cluster, database: Path, check: Checks, pages: int) -> None:
        self.cluster = cluster
        self.check = check
        self.faults = Faults(cluster)
        self.oracle = Oracle(database, self.faults.ended, check)
        self.actions: Counter[str] = Counter()
        self.endings: Counter[str] = Counter()
        self._crowd = Crowd(0)
        self._wanted = pages
        self._made = 0
        #: The pages that users have not closed.
        self._pages: set[Page] = set()
        self._asks: dict[BreakableClient, Handle] = {}
        #: Topic with edits that a page may have missed → the workers that published them; 0 for a worker that was
        #: killed during the request. Others may be killed before they can announce the outage of Redis.
        self._unsure: defaultdict[str, set[int]] = defaultdict(set)
        #: Scope → the last time at which its streams were told to come back.
        self._closed_at: dict[str, float] = {}

    def run(self, seconds: float) -> None:
        """Act at random, and cause faults at random."""
        end = time.monotonic() + seconds
        doings = [self.leave, self.replace, self.edit, self.broadcast, self.tell, self.close]
        next_fault = time.monotonic() + random.uniform(0.2, 1)
        while time.monotonic() < end:
            if len(self._pages) < self._wanted * random.uniform(0.7, 1.3):
                self.open(self._new_page())
            elif len(self._asks) < 12:
                random.choices(doings, [1, 1.5, 6, 6, 3, 0.1])[0]()
            if time.monotonic() > next_fault:
                self.faults.break_something()
                next_fault = time.monotonic() + random.expovariate(1.5)
            self.read(random.choice([0, 0.005, 0.02]))

    # User actions

    def _new_page(self, *, scope: str = "", tab: str = "") -> Page:
        self._made += 1
        kind, topic = random.choice(["show", "follow"]), random.choice(TOPICS)
        return Page(kind, topic, scope or random.choice(SCOPES), tab or f"t{self._made}", f"p{self._made}")

    def open(self, page: Page) -> None:
        """Open a page."""
        self.actions["open"] += 1
        self._pages.add(page)
        self._connect(page)

    def leave(self) -> None:
        """Close a tab with all its pages."""
        for chosen in self._some(1):
            self.actions["leave"] += 1
            for page in [page for page in self._pages if page.key == chosen.key]:
                self._pages.discard(page)
                if page.client is not None:
                    self._crowd.leave(page.client)
                    self._crowd.clients.remove(page.client)

    def replace(self) -> None:
        """Open one or several new pages of a tab, and keep the old page open."""
        for old in self._some(1):
            self.actions["replace"] += 1
            for _ in range(random.choice([1, 1, 3])):
                self.open(self._new_page(scope=old.scope, tab=old.tab))

    def edit(self, topic: str = "") -> None:
        """Change the state of a topic."""
        self.actions["edit"] += 1
        topic = topic or random.choice(TOPICS)

        def handle(client: BreakableClient | None) -> None:
            answer = {"pid": 0, "failed": True} if client is None else json.loads(client.body)
            if answer["failed"]:
                self._unsure[topic].add(answer["pid"])

        self._ask("/edit", handle, topic=topic)

    def broadcast(self, topic: str = "") -> None:
        """Broadcast one or several messages to a topic."""
        self.actions["broadcast"] += 1
        messages = self.oracle.publishing(random.choice([1, 1, 20]), topic=topic or random.choice(TOPICS))
        query = {"topic": messages.topic, "first": messages.numbers[0], "count": len(messages.numbers)}
        self._ask("/broadcast", lambda client: _note(messages, client), **query)

    def tell(self, scope: str = "") -> None:
        """Send a message to one user."""
        self.actions["tell"] += 1
        messages = self.oracle.publishing(1, scope=scope or random.choice(SCOPES))
        query = {"scope": messages.scope, "text": messages.numbers[0]}
        self._ask("/tell", lambda client: _note(messages, client), **query)

    def close(self) -> None:
        """Make one user's pages reconnect, as after a logout."""
        self.actions["close"] += 1
        scope = random.choice(SCOPES)

        def handle(_: object) -> None:
            self._closed_at[scope] = time.monotonic() + TIMEOUT_SECONDS + SLACK_SECONDS

        self._closed_at[scope] = float("inf")
        self._ask("/close", handle, scope=scope, restart=1)

    def _some(self, count: int) -> list[Page]:
        pages = [page for page in self._pages if page.is_open]
        return random.sample(pages, min(count, len(pages)))

    # Results

    def _port(self) -> int:
        return random.choice(self.cluster.servers).port

    def _connect(self, page: Page) -> None:
        self._crowd.add(page.open(self._port()))

    def _ask(self, path: str, handle: Handle, *, method: str = "POST", **query: object) -> None:
        client = BreakableClient(self._port(), path, method=method, **query)
        self._crowd.add(client)
        self._asks[client] = handle

    def read(self, seconds: float) -> None:
        """Read what has arrived, reopen pages that are due, and end the faults whose time is over."""
        self.faults.mend()
        self._crowd.read(seconds)
        for client in [client for client in self._asks if client.is_ended]:
            self._answered(client, self._asks.pop(client))
        for page in list(self._pages):
            if page.client is not None:
                page.take(self.check)
                if page.client.is_ended:
                    self._ended(page)
            elif page.return_at is not None and page.return_at <= time.monotonic():
                self.actions["come back"] += 1
                self._connect(page)

    def _answered(self, client: BreakableClient, handle: Handle) -> None:
        self._crowd.clients.remove(client)
        client.socket.close()
        if client.is_broken:
            self.check("a request breaks off only with its worker", self.faults.explains(None), str(client.status))
            handle(None)
            return
        self.check("a request is answered 200", client.status == 200, f"{client.status} {bytes(client.body)!r}")
        took = float(client.headers["x-seconds"])
        if not self.faults.was_held(client.started_at, client.ended_at):
            is_quick = took < TIMEOUT_SECONDS + SLACK_SECONDS
            self.check("no request waits longer than the timeout", is_quick, f"{took:.1f} s")
        handle(client)

    def _ended(self, page: Page) -> None:
        """Check that a stream's end has a reason."""
        assert page.client is not None
        self._crowd.clients.remove(page.client)
        name, pid, text = str(page), page.pid, page.client.text[-200:]
        how = page.end()
        self.endings[how] += 1
        if how == "replaced":
            rivals = [other for other in self._pages if other.key == page.key and other is not page]
            self.check("a stream is replaced by another of its tab", bool(rivals), f"{name} {page.last_id}")
            self._pages.discard(page)
        else:
            is_closed = how == "restart" and self._closed_at.get(page.scope, 0) >= page.asked_at
            is_right = is_closed or (how in ("broken", "restart") and self.faults.explains(pid))
            self.check("no stream is lost", is_right, f"{name}: {how} {text!r}")

    # Conditions at rest

    def rest(self) -> None:
        """End all faults, and check what each page has received and shows."""
        self.faults.mend(everything=True)
        is_back = self.read_until(
            lambda: not self._asks and self.faults.is_whole() and all(page.is_open for page in self._pages),
            RETURN_SECONDS,
        )
        self.check("all pages come back", is_back, str([str(page) for page in self._pages if not page.is_open][:5]))
        # A worker that is killed between a change and its publishing loses the message, so users repeat the edit.
        for topic, pids in self._unsure.items():
            if any(not pid or pid in self.faults.ended for pid in pids):
                self.edit(topic)
        self._unsure.clear()
        self.read_until(lambda: not self._asks, RECOVERY_SECONDS)
        pages = self._pages
        self.read_until(lambda: not self.oracle.stale(pages), RECOVERY_SECONDS)
        stale = self.oracle.stale(pages)
        self.check("every page is current", not stale, "; ".join(stale[:5]))
        self.read_until(lambda: self._is_one_a_tab() and self.oracle.heard_all(pages), RECOVERY_SECONDS)
        self.oracle.check_tabs(pages)
        self.oracle.check_messages(pages, is_calm=False)
        self._probe()

    def _probe(self) -> None:
        """Publish while nothing is broken, and check messages and counts."""
        for number in range(4):
            for topic in TOPICS:
                self.broadcast(topic)
                self.edit(topic)
            self.tell(SCOPES[number % len(SCOPES)])
        self.read_until(lambda: not self._asks, RECOVERY_SECONDS)
        pages = self._pages
        self.read_until(lambda: self.oracle.heard_all(pages) and not self.oracle.stale(pages), RECOVERY_SECONDS)
        stale = self.oracle.stale(pages)
        self.check("every page follows while nothing is broken", not stale, "; ".join(stale[:5]))
        self.oracle.check_messages(pages, is_calm=True)
        wanted = {(len(pages), len({page.key for page in pages}))}
        found: list[tuple[int, int]] = []

        def is_counted() -> bool:
            found[:] = self._figures()
            return {(sum(open_ for open_, _ in found), tabs) for _, tabs in found} == wanted

        self.read_until(is_counted, 3 * RECOVERY_SECONDS)
        detail = f"{wanted}, {found}, {self.cluster.tabs_in_redis()}"
        self.check("streams and tabs are counted", is_counted(), detail)
        living = len(self.cluster.workers())
        self.read_until(lambda: len(self.cluster.processes_in_redis()) <= living, RECOVERY_SECONDS)
        known = self.cluster.processes_in_redis()
        self.check("Redis has nothing of workers that are gone", len(known) <= living, f"{living}: {known}")

    def _is_one_a_tab(self) -> bool:
        # A page may be on its way back: another process receives an end after the request that caused it.
        is_open = all(page.is_open for page in self._pages)
        return is_open and set(Counter(page.key for page in self._pages).values()) <= {1}

    def _figures(self) -> list[tuple[int, int]]:
        """Ask every worker how many streams it has, and how many tabs it counts everywhere."""
        found: dict[int, tuple[int, int]] = {}

        def handle(client: BreakableClient | None) -> None:
            if client is not None:
                figures = json.loads(client.body)
                found[figures["pid"]] = figures["stats"]["open"], figures["everywhere"]

        def is_complete() -> bool:
            for server in self.cluster.servers if len(self._asks) < 3 else []:
                client = BreakableClient(server.port, "/figures")
                self._crowd.add(client)
                self._asks[client] = handle
            return set(found) >= {worker.pid for worker in self.cluster.workers()}

        self.read_until(is_complete, RECOVERY_SECONDS)
        return list(found.values())

    def read_until(self, condition: Callable[[], object], seconds: float) -> bool:
        """Read until the condition holds, and return whether it holds in time."""
        deadline = time.monotonic() + seconds
        while not (is_so := condition()) and time.monotonic() < deadline:
            self.read(0.02)
        return bool(is_so)


def _note(messages: Messages, client: BreakableClient | None) -> None:
    """Record which worker has published the messages, and whether all of them reached Redis."""
    if client is not None and client.status == 200:
        answer = json.loads(client.body)
        messages.pid, messages.is_complete = answer["pid"], not answer["failed"]
