"""The open streams by scope and tab, of this process and of all: one live stream per tab.

Each process tells the others what it opens, and all see it in one order.

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
from dataclasses import dataclass
from typing import Any

from ..brokers.payload import MessageKind, Payload
from ..hooks import Reason
from ..transport.wakeups import Wakeup, make_lock, make_wakeup
from .bus import Bus
from .scopes import scope_topic
from .tabs import TabEntry, TabInfo, TabRegistry, may_live_beside

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
    """The tabs of one process, in agreement with those of the others. Whatever asks for tabs asks here."""

    def __init__(self, bus: Bus) -> None:
        self._registry = TabRegistry()
        self._bus = bus
        # What was asked → what is set by the answer.
        self._questions: dict[str, Wakeup] = {}
        self._process = uuid.uuid4().hex[:16]
        self._numbers = itertools.count(1)
        # Held while a stream is registered and announced, so that both happen in the same order, and none is announced
        # that has ended here; and from the count of a tab's streams until it is noted, so that the newest stays.
        self._order = make_lock()
        if bus.is_shared:
            bus.on_tabs = self._take
            bus.on_restored = self._announce_again

    def expect(self, entry: TabEntry, *, limit_per_scope: int) -> bool:
        """Note a stream that is about to be opened, for :meth:`close` alone; forgotten with it.

        Those of its tab in other processes do not count: the new stream may replace them.

        :return: False, with nothing noted, when its scope has as many in all processes as it may have beside it.
        """
        found = self._registry.expect(entry)
        if self._bus.is_shared and found < limit_per_scope:
            found += self._bus.broker.count_elsewhere(entry.scope, entry.tab)
        if found < limit_per_scope:
            return True
        self._registry.release(entry)
        return False

    def register(self, entry: TabEntry, *, limit_per_scope: int) -> bool:
        """Make a stream the live one of its tab, here and everywhere.

        :return: False, with nothing changed, when its scope has too many in this process already.
        """
        if not self._bus.is_shared:
            return self._registry.register(entry, limit_per_scope=limit_per_scope)
        with self._order:
            entry.key = f"{self._process}:{next(self._numbers)}"
            if not self._registry.register(entry, limit_per_scope=limit_per_scope):
                return False
            self._note(entry)
            if entry.tab is not None:
                self._announce(entry, is_again=False)
        return True

    def release(self, entry: TabEntry) -> None:
        """Take a stream out that has ended; one that is out already is no error."""
        self._registry.release(entry)
        if self._bus.is_shared:
            with self._order:
                self._note(entry)

    def close(self, scope: str, tab: str | None, reason: Reason) -> int:
        """End the streams of a scope, or of one of its tabs, in all processes; those too that are about to open.

        :return: how many of them were in this process.
        :raises BrokerError: if other processes may not have heard of it.
        """
        ended = self._registry.close(scope, tab, reason=reason)
        if self._bus.is_shared:
            message = {"close": self._process, "scope": scope, "tab": tab, "reason": reason}
            self._bus.publish(scope_topic(scope), MessageKind.TABS, _payload(message))
        return ended

    def restore(self, scope: str, tab: str, page: str | None, url: str) -> bool:
        """Let the live stream of a page take back the last id that the page's other request left in the browser.

        The client has one last id for both requests of its double retry, so the live stream, once its connection
        breaks, would come back as the one that was replaced, and be turned away.

        :return: whether a process has such a stream; False, too, when it does not say so soon.
        """
        return self._restore_here(scope, tab, page, url) or self._restore_elsewhere(scope, tab, page, url)

    def _restore_here(self, scope: str, tab: str, page: str | None, url: str) -> bool:
        entries = self._registry.of_tab(scope, tab)
        found = [entry for entry in entries if entry.page == page and (page is None or entry.url == url)]
        return any(entry.stream.restore_id() for entry in found)

    def _restore_elsewhere(self, scope: str, tab: str, page: str | None, url: str) -> bool:
        broker = self._bus.broker
        if not self._bus.is_shared or broker.count_elsewhere(scope, None) == broker.count_elsewhere(scope, tab):
            return False
        question, answered = f"{self._process}:{next(self._numbers)}", make_wakeup()
        topic, listener = scope_topic(scope), _Listener()
        self._questions[question] = answered
        self._bus.subscribe((topic,), listener)
        try:
            message = {"wanted": question, "scope": scope, "tab": tab, "page": page, "url": url}
            self._bus.post(topic, MessageKind.TABS, _payload(message))
            deadline = time.monotonic() + _ANSWER_SECONDS
            while (left := deadline - time.monotonic()) > 0:
                if answered.wait(left):
                    return True
            return False
        finally:
            self._bus.unsubscribe((topic,), listener)
            del self._questions[question]

    def count(self, *, everywhere: bool = False) -> int:
        """Count the tabs of this process, or of all; one that has streams in two of them counts twice.

        :raises BrokerError: if the broker does not answer.
        """
        return self._registry.count() + (self._bus.broker.count_tabs_elsewhere() if everywhere else 0)

    def scopes(self, *, everywhere: bool = False) -> set[str]:
        """Return the scopes that have streams in this process, or in any.

        :raises BrokerError: if the broker does not answer.
        """
        return self._registry.scopes() | (self._bus.broker.scopes_elsewhere() if everywhere else set())

    def snapshot(self) -> list[TabInfo]:
        """List the open streams of this process, as seen from outside."""
        return self._registry.snapshot()

    def _note(self, entry: TabEntry) -> None:
        """Tell the others how many streams a tab has here; the lock is held."""
        streams = self._registry.count_of(entry.scope, entry.tab)
        self._bus.broker.note_streams(entry.scope, entry.tab, streams)

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
        self._bus.post(scope_topic(entry.scope), MessageKind.TABS, _payload(message))

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
            if message["wanted"] not in self._questions and self._restore_here(*place):
                self._bus.post(scope_topic(message["scope"]), MessageKind.TABS, _payload({"found": message["wanted"]}))
        elif "found" in message:
            if answered := self._questions.get(message["found"]):
                answered.set()
        else:
            place = message["scope"], message["tab"], message["page"], message["url"]
            self._take_opened(_Opened(message["opened"], message["number"], *place, message["at"], message["again"]))

    def _take_opened(self, opened: _Opened) -> None:
        with self._order:
            for entry in self._registry.of_tab(opened.scope, opened.tab):
                if not may_live_beside(entry, opened):
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
                entry.stream.end_as(Reason.REPLACED, opened.page)
                self._note(entry)


class _Listener:
    """Keeps a channel subscribed; what comes on it goes to the registries."""

    def deliver(self, topic: str, kind: MessageKind, payload: Payload) -> None:
        """Leave it to others."""

    def catch_up(self) -> None:
        """Miss nothing."""


def _payload(message: dict[str, Any]) -> Payload:
    return Payload(json.dumps(message, separators=(",", ":")).encode())
