"""What each page must have heard and must show, whatever was broken meanwhile."""

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
    """What one request published."""

    numbers: range
    #: One of the two says whom it is for.
    topic: str | None
    scope: str | None
    #: When it was asked for.
    asked_at: float
    #: The worker, when its answer was heard, and whether all of it has reached Redis.
    pid: int | None = None
    is_complete: bool = False

    def is_for(self, page: Page) -> bool:
        """Whether a page is to hear it: one that was there before it was asked for."""
        is_early = page.is_open and page.began_at is not None and page.began_at < self.asked_at
        is_meant = page.scope == self.scope or (page.kind == "follow" and page.topic == self.topic)
        return is_early and is_meant


class Oracle:
    """Remembers what was published since the last rest, and knows what follows from it.

    :param database: the file with the state that all pages show.
    :param ended: the workers that were killed or stopped: what one has failed to publish dies with it.
    """

    def __init__(self, database: Path, ended: Container[int], check: Checks) -> None:
        self._database = database
        self._ended = ended
        self._check = check
        self._requests = 0
        self._published: list[Messages] = []

    def publishing(self, count: int, *, topic: str | None = None, scope: str | None = None) -> Messages:
        """Remember messages that are about to be published."""
        self._requests += 1
        first = self._requests * NUMBERS
        messages = Messages(range(first, first + count), topic, scope, time.monotonic())
        self._published.append(messages)
        return messages

    def states(self) -> dict[str, int]:
        """Read the state of every topic that has one."""
        with closing(sqlite3.connect(self._database, timeout=20)) as database:
            return dict(database.execute("SELECT name, number FROM topics"))

    def heard_all(self, pages: Iterable[Page]) -> bool:
        """Whether nothing is missing any more."""
        return not any(self._missing(messages, page) for page in pages for messages in self._published)

    def check_messages(self, pages: Iterable[Page], *, is_calm: bool) -> None:
        """Check what every page has heard since the last time, and forget it.

        :param is_calm: nothing was broken since.
        """
        for page in pages:
            for messages in self._published:
                if messages.pid is None or not messages.is_for(page):
                    continue
                missing = self._missing(messages, page)
                detail = f"{page}: {missing} of {messages}; gap {page.gap_at - messages.asked_at:+.1f} s after"
                if is_calm:
                    self._check("all hear everything while nothing is broken", not missing, detail)
                elif page.pid == messages.pid:
                    self._check("a page hears all that its own worker publishes", not missing, detail)
                else:
                    self._check("who misses messages is told of a gap", not missing, detail)
        self._published.clear()

    def _missing(self, messages: Messages, page: Page) -> list[int]:
        """List what a page should have heard."""
        if messages.pid is None or not messages.is_for(page):
            return []
        # An outage may have come in between, which the stream is told of.
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
        """List the pages that do not show the state."""
        states = self.states()
        return [
            f"{page} shows {page.shown}, not {states.get(page.topic, 0)}"
            for page in pages
            if page.kind == "show" and page.is_open and page.shown != states.get(page.topic, 0)
        ]
