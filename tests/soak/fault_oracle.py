"""The messages and the state that each page must have, whatever was broken in between."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Container, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tests.soak.checks import Checks
from tests.soak.fault_pages import NUMBERS, Page


@dataclass
class Messages:
    """The messages that one request published."""

    numbers: range
    #: The addressee: either a topic or a scope.
    topic: str | None
    scope: str | None
    #: The time of the request.
    asked_at: float
    #: The worker, known after its response, and whether all messages have reached Redis.
    pid: int | None = None
    is_complete: bool = False

    def is_for(self, page: Page) -> bool:
        """Return whether a page must receive the messages: it was open before the request, and is an addressee."""
        is_early = page.is_open and page.began_at is not None and page.began_at < self.asked_at
        is_meant = page.scope == self.scope or (page.kind == "follow" and page.topic == self.topic)
        return is_early and is_meant


class Oracle:
    """The messages published since the last rest, and the checks that follow from them.

    :param database: the file with the state that all pages show.
    :param ended: the workers that were killed or stopped, whose unpublished messages are lost.
    """

    def __init__(self, database: Path, ended: Container[int], check: Checks) -> None:
        self._database = database
        self._ended = ended
        self._check = check
        self._requests = 0
        self._published: list[Messages] = []

    def publishing(self, count: int, *, topic: str | None = None, scope: str | None = None) -> Messages:
        """Record messages that are about to be published."""
        self._requests += 1
        first = self._requests * NUMBERS
        messages = Messages(range(first, first + count), topic, scope, time.monotonic())
        self._published.append(messages)
        return messages

    def states(self) -> dict[str, int]:
        """Return the state of every topic that was edited."""
        with closing(sqlite3.connect(self._database, timeout=20)) as database:
            return dict(database.execute("SELECT name, number FROM topics"))

    def heard_all(self, pages: Iterable[Page]) -> bool:
        """Return whether all pages have received all their messages."""
        return not any(self._missing(messages, page) for page in pages for messages in self._published)

    def check_messages(self, pages: Iterable[Page], *, is_calm: bool) -> None:
        """Check the messages of every page since the last check, and forget them.

        :param is_calm: whether nothing was broken since then.
        """
        for page in pages:
            for messages in self._published:
                if messages.pid is None or not messages.is_for(page):
                    continue
                missing = self._missing(messages, page)
                detail = f"{page}: {missing} of {messages}; gap {page.gap_at - messages.asked_at:+.1f} s after"
                if is_calm:
                    self._check("all pages receive everything while nothing is broken", not missing, detail)
                elif page.pid == messages.pid:
                    self._check("a page receives everything that its own worker publishes", not missing, detail)
                else:
                    self._check("a page that misses messages is told of a gap", not missing, detail)
        self._published.clear()

    def _missing(self, messages: Messages, page: Page) -> list[int]:
        """Return the messages that a page has missed without a reason."""
        if messages.pid is None or not messages.is_for(page):
            return []
        # After an outage the stream was told of a gap.
        has_gap = page.gap_at > messages.asked_at or page.kind != "follow"
        is_lost = not messages.is_complete and messages.pid in self._ended
        if page.pid != messages.pid and (has_gap or is_lost):
            return []
        return [number for number in messages.numbers if not page.heard[number]]

    def check_tabs(self, pages: Iterable[Page]) -> None:
        """Check that each tab has one stream."""
        counts = Counter({page.key: 0 for page in pages})
        counts.update(page.key for page in pages if page.is_open)
        for key, count in counts.items():
            self._check("a tab has exactly one stream", count == 1, f"{key} has {count}")

    def stale(self, pages: Iterable[Page]) -> list[str]:
        """Return a line for each page that does not show the current state."""
        states = self.states()
        return [
            f"{page} shows {page.shown}, not {states.get(page.topic, 0)}"
            for page in pages
            if page.kind == "show" and page.is_open and page.shown != states.get(page.topic, 0)
        ]
