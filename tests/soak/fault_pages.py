"""Browser pages for the fault test: each has one stream, reconnects as a browser does, and records its messages."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from typing import Any

from tests.servers.clients import BreakableClient
from tests.soak.checks import Checks

#: The most messages of one request; the numbers of the next request start at the next multiple.
NUMBERS = 100


class Page:
    """One page. Its attributes about the stream belong to the current connection.

    :param kind: ``show`` (the state of the topic, read again at each change) or ``follow`` (all broadcasts).
    """

    def __init__(self, kind: str, topic: str, scope: str, tab: str, page: str) -> None:
        self.kind, self.topic, self.scope, self.tab, self.page = kind, topic, scope, tab, page
        self.client: BreakableClient | None = None
        #: The time of the next request; None while the page has a connection, and if it does not come back.
        self.return_at: float | None = None
        #: Whether another page has replaced this one in its tab.
        self.is_replaced = False
        #: The last event id, which the browser sends when it comes back.
        self.last_id: str | None = None
        self.asked_at = 0.0
        self._forget()

    def _forget(self) -> None:
        #: The worker, and the time of its first event.
        self.pid: int | None = None
        self.began_at: float | None = None
        #: The state that the page shows, and how often each message was received.
        self.shown: int | None = None
        self.heard: Counter[int] = Counter()
        #: The last time at which the page was told that messages may have been missed.
        self.gap_at = 0.0
        self._taken = 0
        self._last_of: dict[int, int] = {}

    def __str__(self) -> str:
        return f"{self.kind} {self.topic} {self.scope} {self.tab}.{self.page} of {self.pid}"

    @property
    def is_open(self) -> bool:
        """Whether the page has a stream that has sent its first event."""
        return self.client is not None and self.pid is not None

    @property
    def key(self) -> tuple[str, str]:
        """The page's scope and tab, which no other page may have at the same time."""
        return self.scope, self.tab

    def open(self, port: int) -> BreakableClient:
        """Request the page's stream."""
        self._forget()
        self.return_at = None
        self.asked_at = time.monotonic()
        self.client = BreakableClient(
            port,
            f"/ds/t/{self.kind}",
            last_id=self.last_id,
            tab=f"{self.tab}.{self.page}",
            topic=self.topic,
            scope=self.scope,
        )
        return self.client

    def take(self, check: Checks) -> None:
        """Record and check the events that have arrived."""
        assert self.client is not None
        blocks, self._taken = self.client.blocks[self._taken :], len(self.client.blocks)
        for block in blocks:
            for line in block.split(b"\n"):
                if line.startswith(b"data: signals "):
                    self._take_signals(json.loads(line[14:]), check)
                elif line.startswith(b"id: "):
                    self.last_id = line[4:].decode()

    def _take_signals(self, signals: dict[str, Any], check: Checks) -> None:
        if "pid" in signals:
            self.pid, self.began_at = signals["pid"], time.monotonic()
        if "state" in signals:
            is_forward = self.shown is None or signals["state"] >= self.shown
            check("a page never goes back to an older state", is_forward, f"{self}: {self.shown}, then {signals}")
            self.shown = signals["state"]
        if "gap" in signals:
            self.gap_at = time.monotonic()
        for name in ("n", "told"):
            if name in signals:
                self._take_number(int(signals[name]), signals.get("by"), check)

    def _take_number(self, number: int, publisher: object, check: Checks) -> None:
        self.heard[number] += 1
        check("a message comes at most once", self.heard[number] == 1, f"{self}: {number}")
        request, before = number // NUMBERS, self._last_of.get(number // NUMBERS, 0)
        detail = f"{self}: {number} after {before}, published by {publisher}"
        check("messages of one publisher come in their order", number >= before, detail)
        self._last_of[request] = number

    def end(self) -> str:
        """Record the end of the connection and the time of the next one, and return how the connection ended."""
        client, self.client = self.client, None
        assert client is not None
        client.socket.close()
        now = time.monotonic()
        if client.is_broken:
            # The client's own interval starts at one second.
            self.return_at = now + random.uniform(0.1, 1)
            return "broken"
        if client.status != 200:
            self.return_at = now + 1
            return str(client.status)
        reason = (self.last_id or "").removeprefix("ds:").partition(":")[0]
        if reason == "replaced":
            self.is_replaced = True
        else:
            self.return_at = now + (client.retries[-1] / 1000 if client.retries else 1)
        return reason
