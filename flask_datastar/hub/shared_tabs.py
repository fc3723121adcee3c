"""One live stream per tab over all processes: each tells the others what it opens, and all see it in one order.

Of two streams of a tab that are opened at the same moment, the one whose announcement comes later stays: a process
ends its own stream when it sees another one's announcement after its own. Nothing else has to be agreed on.

After an outage every process announces again what it has, since announcements were lost. A process that has a newer
stream answers with an announcement of its own, so that the newer one stays. Until it comes, that stream is not ended:
it would still end others, and nothing would be left of the tab.
"""

from __future__ import annotations

import itertools
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..brokers.payload import Payload
from ..hooks import Reason
from ..transport.wakeups import Wakeup, make_lock, make_wakeup
from .exchange import TABS, Exchange
from .scopes import scope_topic
from .tabs import TabEntry, TabRegistry

#: How long a process may take to say that it has a stream.
_ANSWER_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class _Opened:
    """What an announcement says."""

    key: str
    number: int
    scope: str
    tab: str
    page: str | None
    url: str
    opened_at: float
    is_again: bool


class SharedTabs:
    """The registry of one process, in agreement with those of the others."""

    def __init__(self, registry: TabRegistry, exchange: Exchange, restore: Callable[..., bool]) -> None:
        self._registry = registry
        self._exchange = exchange
        #: Lets the live stream of a scope, tab, page and URL take back its last id, if it is in this process.
        self._restore = restore
        # What was asked → what is set by the answer.
        self._questions: dict[str, Wakeup] = {}
        self._process = uuid.uuid4().hex[:16]
        self._numbers = itertools.count(1)
        # Held while a stream is registered and announced, so that both happen in the same order, and none is announced
        # that has ended here; and from the count of a tab's streams until it is noted, so that the newest stays.
        self._order = make_lock()
        if exchange.is_shared:
            exchange.on_tabs = self._take
            exchange.on_restored = self._announce_again

    def register(self, entry: TabEntry, *, limit_per_scope: int) -> bool:
        """Make a stream the live one of its tab, here and everywhere.

        :return: False, with nothing changed, when its scope has too many in this process already.
        """
        if not self._exchange.is_shared:
            return self._registry.register(entry, limit_per_scope=limit_per_scope)
        with self._order:
            entry.key = f"{self._process}:{next(self._numbers)}"
            if not self._registry.register(entry, limit_per_scope=limit_per_scope):
                return False
            self._note(entry)
            if entry.tab is not None:
                self._announce(entry, is_again=False)
        return True

    def released(self, entry: TabEntry) -> None:
        """Tell the others of a stream that is no more."""
        if self._exchange.is_shared:
            with self._order:
                self._note(entry)

    def close(self, scope: str, tab: str | None, reason: Reason) -> None:
        """Let the others end the streams of a scope, or of one of its tabs."""
        if self._exchange.is_shared:
            message = {"close": self._process, "scope": scope, "tab": tab, "reason": reason}
            self._exchange.publish(scope_topic(scope), TABS, _payload(message))

    def restore_elsewhere(self, scope: str, tab: str, page: str | None, url: str) -> bool:
        """Let the live stream of a page take back its last id, if another process has it.

        :return: whether one has; False, too, when it does not say so soon.
        """
        broker = self._exchange.broker
        if not self._exchange.is_shared or broker.count_elsewhere(scope, None) == broker.count_elsewhere(scope, tab):
            return False
        question, answered = f"{self._process}:{next(self._numbers)}", make_wakeup()
        topic, listener = scope_topic(scope), _Listener()
        self._questions[question] = answered
        self._exchange.subscribe(topic, listener)
        try:
            message = {"wanted": question, "scope": scope, "tab": tab, "page": page, "url": url}
            self._exchange.post(topic, TABS, _payload(message))
            deadline = time.monotonic() + _ANSWER_SECONDS
            while (left := deadline - time.monotonic()) > 0:
                if answered.wait(left):
                    return True
            return False
        finally:
            self._exchange.unsubscribe(topic, listener)
            del self._questions[question]

    def is_full(self, scope: str, tab: str | None, limit: int) -> bool:
        """Whether a scope has so many streams in all processes that one more of a tab would be too much."""
        here = self._registry.count_others(scope, tab)
        if here >= limit or not self._exchange.is_shared:
            return here >= limit
        return here + self._exchange.broker.count_elsewhere(scope, tab) >= limit

    def count_everywhere(self) -> int:
        """Count the tabs of all processes; one that has streams in two counts twice.

        :raises BrokerError: the broker does not answer.
        """
        return self._registry.count() + self._exchange.broker.count_tabs_elsewhere()

    def scopes_everywhere(self) -> set[str]:
        """Give the scopes that have streams in any process.

        :raises BrokerError: the broker does not answer.
        """
        return self._registry.scopes() | self._exchange.broker.scopes_elsewhere()

    def _note(self, entry: TabEntry) -> None:
        """Tell the others how many streams a tab has here; the lock is held."""
        streams = self._registry.count_of(entry.scope, entry.tab)
        self._exchange.broker.note_streams(entry.scope, entry.tab, streams)

    def _announce(self, entry: TabEntry, *, is_again: bool) -> None:
        """Tell the others of a stream that is in the registry; the lock is held."""
        entry.is_announced, entry.announcement = False, next(self._numbers)
        message = {
            "opened": entry.key,
            "number": entry.announcement,
            "scope": entry.scope,
            "tab": entry.tab,
            "page": entry.page,
            "url": entry.url,
            "at": entry.opened_at,
            "again": is_again,
        }
        self._exchange.post(scope_topic(entry.scope), TABS, _payload(message))

    def _announce_again(self) -> None:
        with self._order:
            for entry in self._registry.entries():
                if entry.tab is not None:
                    self._announce(entry, is_again=True)

    def _take(self, payload: Payload) -> None:
        message: dict[str, Any] = json.loads(payload.data)
        if "close" in message:
            if message["close"] != self._process:
                self._registry.close(message["scope"], message["tab"], reason=Reason(message["reason"]))
        elif "wanted" in message:
            place = message["scope"], message["tab"], message["page"], message["url"]
            if message["wanted"] not in self._questions and self._restore(*place):
                self._exchange.post(scope_topic(message["scope"]), TABS, _payload({"found": message["wanted"]}))
        elif "found" in message:
            if answered := self._questions.get(message["found"]):
                answered.set()
        else:
            place = message["scope"], message["tab"], message["page"], message["url"]
            self._take_opened(_Opened(message["opened"], message["number"], *place, message["at"], message["again"]))

    def _take_opened(self, opened: _Opened) -> None:
        newcomer = TabEntry(opened.scope, opened.tab, opened.page, opened.url, "", opened.opened_at, _end_nothing)
        with self._order:
            for entry in self._registry.rivals(newcomer):
                self._compare(entry, opened)

    def _compare(self, entry: TabEntry, opened: _Opened) -> None:
        """Find what an announcement means to a stream that is here; the lock is held."""
        if entry.key == opened.key:
            # Not an earlier one of several.
            entry.is_announced = entry.announcement == opened.number
        elif entry.is_announced:
            if opened.is_again and (entry.opened_at, entry.key) > (opened.opened_at, opened.key):
                # Its process ends it, as soon as it hears of this one.
                self._announce(entry, is_again=True)
            else:
                self._registry.release(entry)
                entry.end(Reason.REPLACED, opened.page)
                self._note(entry)


class _Listener:
    """Keeps a channel subscribed; what comes on it goes to the registries."""

    def deliver(self, topic: str, kind: str, payload: Payload) -> None:
        """Leave it to others."""

    def catch_up(self) -> None:
        """Miss nothing."""


def _payload(message: dict[str, Any]) -> Payload:
    return Payload(json.dumps(message, separators=(",", ":")).encode())


def _end_nothing(reason: Reason, page: str | None) -> None:
    """Stand for a stream of another process."""
