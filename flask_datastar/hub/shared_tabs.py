"""The open streams of all processes by scope and tab, with one live stream per tab.

Each process announces the streams that it opens, and all processes receive the announcements in the same order.

Of two streams of a tab the newer one stays (:mod:`.precedence`), or without a known order the one that is announced
later: a process ends its own stream when it receives another process's announcement after its own.

A busy process may announce its stream after a newer one, and after an outage every process announces its streams again.
The process with the newer stream responds by announcing that stream once more. Until this has come back, the process
does not end the newer stream: the announcement would still end the others, and the tab would have no stream.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable
from functools import partial

from ..brokers.payload import MessageKind, Payload
from ..hooks import Reason
from ..transport.wakeups import make_lock
from .bus import Bus
from .held import Give
from .holding import Holding, expect_answers, note_answer, note_change, note_taken
from .orders import Orders
from .precedence import is_ended_by, may_live_beside, outlasts
from .questions import Questions
from .scopes import scope_topic
from .tab_messages import Beside, Closed, Found, Gone, Opened, Wanted, decode
from .tabs import TabEntry, TabInfo, TabRegistry


class SharedTabs:
    """The tabs of one process, in agreement with the other processes. All other code reaches the tabs through it."""

    def __init__(self, bus: Bus) -> None:
        self._registry = TabRegistry()
        self._bus = bus
        self._questions = Questions(bus)
        self._holding = Holding(bus, self._registry)
        self._orders = Orders(bus)
        #: Called in the process that signs a scope, or one of its tabs, out; with the number of the order, if any.
        self.on_signed_out: Callable[[str, str | None, int | None], object] | None = None
        self._process = uuid.uuid4().hex[:16]
        self._numbers = itertools.count(1)
        # Held while a stream is registered and announced: both happen in the same order, and no stream is announced
        # after its end. Also held from the count of a tab's streams to its publication, so that the newest count stays.
        self._order = make_lock()
        if bus.is_shared:
            bus.on_tabs = self._take
            bus.on_restored = self._announce_again

    def expect(self, entry: TabEntry, *, limit_per_scope: int) -> bool:
        """Record a stream that is about to be opened, for :meth:`close` only. The record is dropped with the entry.

        Its tab's streams in other processes do not count, because the new stream may replace them.

        :return: False, with nothing recorded, if its scope has as many other streams in all processes as it may have.
        """
        found = self._registry.expect(entry)
        if not self._bus.is_shared:
            entry.sequence = next(self._numbers)
        elif found < limit_per_scope:
            elsewhere, entry.sequence = self._bus.broker.count_and_number(entry.scope, entry.tab)
            found += elsewhere
        if found < limit_per_scope:
            return True
        self._registry.release(entry)
        return False

    def register(self, entry: TabEntry, *, limit_per_scope: int) -> bool:
        """Make a stream the live one of its tab, here and everywhere, unless a newer one is.

        :return: False, with nothing changed, if its scope has too many streams in this process already.
        """
        if not self._bus.is_shared:
            return self._registry.register(entry, limit_per_scope=limit_per_scope) is not None
        with self._order:
            entry.key = f"{self._process}:{next(self._numbers)}"
            winner = self._registry.register(entry, limit_per_scope=limit_per_scope)
            if winner is not entry:
                return winner is not None
            self._note(entry)
            if entry.tab is not None:
                self._announce(entry, is_again=False)
        self._holding.watch(entry)
        return True

    def release(self, entry: TabEntry) -> None:
        """Remove a stream that has ended; safe to call twice."""
        self._registry.release(entry)
        if self._bus.is_shared:
            with self._order:
                self._drop(entry)

    def close(self, scope: str, tab: str | None, reason: Reason) -> int:
        """End the streams of a scope, or of one of its tabs, in all processes, including those that are about to open.

        Those whose requests come after the order stay, however late a process receives it.

        :return: the number of those in this process.
        :raises BrokerError: if other processes may not have received the order.
        """
        sequence = self._bus.broker.count_and_number(scope, tab)[1] if self._bus.is_shared else None
        ended = self._registry.close(scope, tab, reason=reason)
        if self.on_signed_out is not None:
            # Also if the pages come back: only their views know whether the person is still let in, and joins then.
            self.on_signed_out(scope, tab, sequence)
        if self._bus.is_shared:
            self._orders.publish(Closed(self._process, scope, tab, reason, sequence=sequence))
        return ended

    def restore(self, scope: str, tab: str, page: str | None, url: str) -> bool:
        """Make the live stream of a page send its last id again, because the page's other request changed it.

        The client has one last id for both requests of its double retry. After a broken connection, the live stream
        would come back with the id of the stream that was replaced, and be refused.

        :return: whether a process has such a stream; False also if the answer does not come in time.
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
        return self._questions.ask(Wanted(f"{self._process}:{next(self._numbers)}", scope, tab, page, url))

    def count(self, *, everywhere: bool = False) -> int:
        """Count the tabs of this process, or of all; a tab that has streams in two processes counts twice.

        :raises BrokerError: if the broker does not respond.
        """
        return self._registry.count() + (self._bus.broker.count_tabs_elsewhere() if everywhere else 0)

    def scopes(self, *, everywhere: bool = False) -> set[str]:
        """Return the scopes that have streams in this process, or in all.

        :raises BrokerError: if the broker does not respond.
        """
        return self._registry.scopes() | (self._bus.broker.scopes_elsewhere() if everywhere else set())

    def snapshot(self) -> list[TabInfo]:
        """Return the open streams of this process, as seen from outside."""
        return self._registry.snapshot()

    def speaks(self, entry: TabEntry) -> bool:
        """Return whether a stream is the one of its page that gets what is sent to one person, or to one tab."""
        return self._registry.speaks(entry)

    def take_event(self, entry: TabEntry, limits: tuple[int, int], payload: Payload, give: Give) -> None:
        """Pass an event to a stream of its page, now or after its announcement, unless another stream takes it.

        :param limits: the most events and the most bytes that may wait for the announcement.
        """
        if self._bus.is_shared and entry.tab is not None and entry.page is not None:
            self._holding.take(entry, limits, payload, give)
        elif self._registry.speaks(entry):
            give(payload)

    def _drop(self, entry: TabEntry) -> None:
        """Announce that a stream was removed from the registry. The caller holds the lock."""
        self._note(entry)
        if entry.tab is not None:
            self._forget(entry.scope, entry.tab, entry.key)
            if entry.has_others:
                entry.has_others = False
                self._tell(Gone(entry.key, entry.scope, entry.tab))

    def _forget(self, scope: str, tab: str, key: str) -> None:
        """Forget a stream that has ended, so that an older stream of its page can speak. The caller holds the lock."""
        for entry in self._registry.of_tab(scope, tab):
            if entry.newer is not None:
                entry.newer = {url: other for url, other in entry.newer.items() if other != key} or None

    def _tell(self, message: Opened | Beside | Gone) -> None:
        self._bus.post(scope_topic(message.scope), MessageKind.TABS, message.encode())

    def _note(self, entry: TabEntry) -> None:
        """Publish how many streams a tab has in this process. The caller holds the lock."""
        self._bus.broker.note_streams(entry.scope, entry.tab, self._registry.count_of(entry.scope, entry.tab))

    def _announce(self, entry: TabEntry, *, is_again: bool) -> None:
        """Announce a registered stream that has a tab. The caller holds the lock."""
        assert entry.tab is not None
        number = next(self._numbers)
        entry.is_announced, entry.announcement = False, number
        expect_answers(entry)
        place = entry.scope, entry.tab, entry.page, entry.url
        self._tell(Opened(entry.key, number, *place, entry.opened_at, is_again, entry.sequence))

    def _announce_again(self) -> None:
        self._orders.repeat()
        with self._order:
            for entry in self._registry.entries():
                if entry.tab is not None:
                    self._announce(entry, is_again=True)

    def _take(self, payload: Payload) -> None:
        try:
            message = decode(payload.data)
        except ValueError as error:
            self._bus.skip(f"about tabs: {error}")
            return
        if isinstance(message, Closed):
            if message.process != self._process:
                target = message.scope, message.tab
                self._registry.close(*target, reason=message.reason, is_meant=partial(is_ended_by, order=message))
        elif isinstance(message, Wanted):
            place = message.scope, message.tab, message.page, message.url
            if not self._questions.is_own(message) and self._restore_here(*place):
                self._bus.post(scope_topic(message.scope), MessageKind.TABS, Found(message.question).encode())
        elif isinstance(message, Found):
            self._questions.take(message)
        else:
            with self._order:
                self._take_of_page(message)

    def _take_of_page(self, message: Opened | Beside | Gone) -> None:
        """Take a message about one stream of a page. The caller holds the lock."""
        if isinstance(message, Gone):
            self._forget(message.scope, message.tab, message.key)
            return
        entries = self._registry.of_tab(message.scope, message.tab)
        is_own = message.key.startswith(f"{self._process}:")
        found = next((entry for entry in entries if entry.key == message.key), None)
        if isinstance(message, Opened):
            for entry in entries:
                if not may_live_beside(entry, message):
                    self._compare(entry, message)
                elif found is not None or not is_own:
                    # All processes receive the newest announcement last, so they agree on the stream that speaks.
                    entry.newer = {**(entry.newer or {}), message.url: message.key}
                    marks = entry.marks if entry.was_announced else b""
                    if found is not None:
                        note_taken(found, marks)
                    else:
                        self._tell(Beside(message.key, message.scope, message.tab, marks))
            if found is not None:
                # After the marks of all other streams are known.
                found.was_announced = True
                note_change(found)
        elif found is not None:
            found.has_others = True
            note_answer(found, message.marks)
        elif is_own:
            # The stream has ended meanwhile.
            self._tell(Gone(message.key, message.scope, message.tab))

    def _compare(self, entry: TabEntry, opened: Opened) -> None:
        """Apply an announcement to a stream of this process. The caller holds the lock."""
        if entry.key == opened.key:
            # An earlier announcement does not count.
            entry.is_announced = entry.announcement == opened.number
            if entry.is_announced:
                entry.newer = None
        elif entry.is_announced:
            if outlasts(entry, opened, is_again=opened.is_again) and not entry.stream.must_end:
                # The other process ends its stream when it receives this announcement.
                self._announce(entry, is_again=True)
            else:
                self._registry.release(entry)
                entry.stream.end_as(Reason.REPLACED, opened.page)
                self._drop(entry)
