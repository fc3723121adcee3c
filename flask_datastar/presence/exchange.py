"""The talk of a process with the others about presence: what it sends, and when it knows everything.

A difference is one message of its own. A process that may have missed some asks for all entries of the process that
they come from; it notices by the numbers in the beats. So nothing has to be kept by the broker, and an empty broker has
lost nothing.
"""

from __future__ import annotations

from collections import deque
from math import inf

from .entries import Difference, Joined, Left, PageKey, Whole
from .messages import Beat, Hello, Message, PageIsBack, PageKeeps, Part, Wanted, parts_of
from .state import PresenceState

#: The shortest time between two answers, or two questions, of one kind.
_PAUSE_SECONDS = 0.2
#: How long after its start a process may get pages of a process that had died before: until all others take that one
#: for dead, too.
_YOUNG_SECONDS = 20.0
#: The longest waits for the first word, and for all entries, when a process starts; an answer may come after a pause.
_FIRST_WORD_SECONDS, _ALL_SECONDS = 0.5, 1.5


class Exchange:
    """The messages of one process. It has no lock, and times ``now`` are those of its state."""

    def __init__(self, state: PresenceState) -> None:
        self._state = state
        #: The messages that wait to be sent.
        self.outbox: deque[Message] = deque()
        #: Whether everything is known that was to be known when the process started.
        self.is_complete = False
        self.sent = self.received = 0
        self._asked_all_at: float | None = None
        # Since then: the number of processes that others know.
        self._peers = -1
        self._is_tick_due = False
        # Process → when it was asked for its entries.
        self._asked_at: dict[str, float] = {}
        # Process → the parts of its entries that have come.
        self._parts: dict[str, list[Part]] = {}
        # When beats and entries were last sent as answers, and whether another answer is owed.
        self._answered_at = {Beat: -inf, Whole: -inf}
        self._owed: set[type[Beat] | type[Whole]] = set()
        # The pages that came to a young process.
        self._arrived: set[PageKey] = set()

    def send(self, message: Message | None) -> None:
        """Add a message to those that wait to be sent."""
        if message is not None:
            self.sent += 1
            self.outbox.append(message)

    def start(self, now: float) -> None:
        """Ask all processes for a beat, because this process is new, or may have missed messages."""
        self._asked_all_at = now
        self.send(Hello(self._state.process))
        self._send_beat()

    def arrive(self, page: PageKey, now: float) -> None:
        """Record a page that was opened: others may know of entries that it keeps, and this process may not."""
        if self._asked_all_at is not None and now < self._asked_all_at + _YOUNG_SECONDS:
            self._arrived.add(page)
        else:
            self._arrived.clear()

    def beat(self) -> None:
        """Send a sign of life. When it comes back, one more period has passed for all others."""
        self._is_tick_due = True
        self._send_beat()

    def take(self, message: Message, now: float) -> None:
        """Take a message of any process."""
        if message.process == self._state.process:
            # While the broker is away, no beat comes back, and so nobody is taken for dead.
            if isinstance(message, Beat) and self._is_tick_due:
                self._is_tick_due = False
                self._state.tick()
            return
        self.received += 1
        match message:
            case Joined() | Left():
                self._merge(message, now)
            case Part():
                self._take_part(message, now)
            case Beat(process, seq, peers):
                self._state.hear(process, seq)
                self._peers = max(self._peers, peers)
                self._ask_for_pages(peers)
            case Hello():
                self._answer(Beat, now)
            case Wanted(_, of) if of == self._state.process:
                self._answer(Whole, now)
            case PageIsBack(_, scope, tab, page):
                for entry in self._state.kept_for((scope, tab, page)).values():
                    self.send(PageKeeps(self._state.process, entry))
        self._ask(now)

    def wait_until(self) -> float:
        """Return the time until which it is worth waiting for the entries of all processes; in the past if not."""
        if self._asked_all_at is None:
            return inf
        if self._peers >= 0 and not self._state.behind() and self._state.peers() >= self._peers:
            return -inf
        return self._asked_all_at + (_FIRST_WORD_SECONDS if self._peers < 0 else _ALL_SECONDS)

    def next_due(self) -> float | None:
        """Return when an owed answer is due; None if none is owed."""
        return min((self._answered_at[kind] + _PAUSE_SECONDS for kind in self._owed), default=None)

    def advance(self, now: float) -> None:
        """Send the answers that are due."""
        for kind in list(self._owed):
            self._answer(kind, now)

    def _answer(self, kind: type[Beat] | type[Whole], now: float) -> None:
        """Answer all processes at once; those that ask a moment later share the next answer."""
        if now < self._answered_at[kind] + _PAUSE_SECONDS:
            self._owed.add(kind)
            return
        self._owed.discard(kind)
        self._answered_at[kind] = now
        if kind is Beat:
            self._send_beat()
        else:
            for part in parts_of(self._state.whole(now)):
                self.send(part)

    def _send_beat(self) -> None:
        self.send(Beat(self._state.process, self._state.seq, self._state.peers()))

    def _merge(self, difference: Difference, now: float) -> None:
        self._state.merge(difference, now)

    def _take_part(self, part: Part, now: float) -> None:
        """Apply all entries of a process once all parts have come, one after the other."""
        parts = self._parts.pop(part.process, [])
        if part.number and (len(parts) != part.number or (parts[0].seq, parts[0].count) != (part.seq, part.count)):
            return
        parts = [*parts, part] if part.number else [part]
        self._state.hear(part.process, part.seq)
        if len(parts) < part.count:
            self._parts[part.process] = parts
            return
        held = tuple(one for found in parts for one in found.held)
        self._merge(Whole(part.process, part.seq, held), now)

    def _ask_for_pages(self, peers: int) -> None:
        """Ask what pages keep, once others know of a process that this one does not know, though it knows the rest."""
        if peers > self._state.peers() and not self._state.behind():
            for page in self._arrived:
                self.send(PageIsBack(self._state.process, *page))
            self._arrived.clear()

    def _ask(self, now: float) -> None:
        """Ask the processes of which differences are missing for all of their entries."""
        behind = self._state.behind()
        for process in behind:
            if now >= self._asked_at.get(process, -inf) + _PAUSE_SECONDS:
                self._asked_at[process] = now
                self.send(Wanted(self._state.process, process))
        if len(self._asked_at) > len(behind):
            self._asked_at = {process: at for process, at in self._asked_at.items() if process in behind}
            self._parts = {process: parts for process, parts in self._parts.items() if process in behind}
