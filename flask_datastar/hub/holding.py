"""The events for a page that come before its new stream is announced, until it is known which stream takes them.

The announcements and the events have one order in all processes. An event that comes before the announcement of a
stream belongs to the older streams of its page. The process of the new stream may not know of any; but the processes
of the older streams receive the announcement, and answer with marks of the events that came to them. So the new stream
takes what no answer names, once the answers are there or nobody else has a stream of the tab.
"""

from __future__ import annotations

import time
from functools import partial

from ..brokers.payload import Payload
from ..transport.wakeups import spawn
from .bus import Bus
from .held import MARK_BYTES, Give, Held, mark_of
from .tabs import TabEntry, TabRegistry

#: The most events that a stream remembers. Of more, which come while another stream opens, the page gets some twice.
_MOST_MARKS = 16
#: How often the counts of the broker are read while answers may come.
_LOOK_SECONDS = 0.1


class Holding:
    """The streams of one process that hold events."""

    def __init__(self, bus: Bus, registry: TabRegistry) -> None:
        self._bus = bus
        self._registry = registry

    def take(self, entry: TabEntry, limits: tuple[int, int], payload: Payload, give: Give) -> None:
        """Take an event for the page of a stream: give, hold or leave it to another stream."""
        mark = mark_of(payload)
        if not entry.stream.must_end:
            entry.marks = (entry.marks + mark)[-_MOST_MARKS * MARK_BYTES :]
        is_sure = entry.was_announced
        if entry.held is None and not is_sure:
            if self._registry.has_announced_beside(entry):
                return
            entry.held = Held(limits)
            if entry.key:
                self.watch(entry)
        if is_sure and not self._registry.speaks(entry):
            return
        held = entry.held
        if held is not None and held.add(None if is_sure else mark, payload, give):
            return
        if is_sure or self._registry.speaks(entry):
            give(payload)

    def watch(self, entry: TabEntry) -> None:
        """Wait in the background for the answers to the announcement of a stream, if it holds events."""
        held = entry.held
        if held is not None and not held.is_watched:
            held.is_watched = True
            spawn(partial(self._settle, entry, held), "datastar-held")

    def _settle(self, entry: TabEntry, held: Held) -> None:
        deadline = time.monotonic() + self._bus.broker.options.timeout_seconds
        while not self._is_known(entry, held) and (left := deadline - time.monotonic()) > 0:
            held.changed.wait(min(left, _LOOK_SECONDS))
            held.changed.clear()
        held.settle(entry.taken)
        if entry.was_announced:
            entry.held = None

    def _is_known(self, entry: TabEntry, held: Held) -> bool:
        """Return whether no more answers are needed."""
        if not entry.was_announced:
            return entry.stream.must_end
        if held.takes_nothing(entry.taken):
            return True
        broker = self._bus.broker
        others = broker.count_elsewhere(entry.scope, None) - broker.count_elsewhere(entry.scope, entry.tab)
        return entry.answers >= others


def expect_answers(entry: TabEntry) -> None:
    """Forget the answers to an earlier announcement of a stream."""
    entry.answers, entry.taken = 0, b""


def note_answer(entry: TabEntry, marks: bytes) -> None:
    """Record the answer of one stream of another process."""
    entry.answers += 1
    note_taken(entry, marks)


def note_taken(entry: TabEntry, marks: bytes) -> None:
    """Record which events for the page of a stream came to another stream of it."""
    if len(marks) > len(entry.taken):
        # Not more, because others may be able to write to the broker.
        entry.taken = marks[-_MOST_MARKS * MARK_BYTES :]
    note_change(entry)


def note_change(entry: TabEntry) -> None:
    """Make the task that waits for answers look again."""
    if entry.held is not None:
        entry.held.changed.set()
