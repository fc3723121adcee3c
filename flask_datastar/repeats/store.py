"""The clicks that one process has run, is running, and keeps the answers of. It knows no request and no server."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ..transport.wakeups import make_short_lock, make_wakeup
from .clicks import MARK_BYTES, Click, Name, Share, Stage
from .owners import NO_SESSION, Owner, SessionChanges, is_same
from .room import KeptClicks

#: Repeats of one click that wait at the same time; a browser sends one after another.
MOST_WAITING = 4
#: Owners of clicks of one name. There is one, unless somebody copies keys: further ones are not remembered.
MOST_OWNERS = 4

# A look-up in an enum's class costs more than one in the module.
_RUNNING, _RAN, _ANSWERED = Stage.RUNNING, Stage.RAN, Stage.ANSWERED


class ClickStore(KeptClicks):
    """The clicks of one process.

    :param seconds: how long a click is remembered after its end.
    :param most_bytes: what all of them may take; the oldest answers go first, then the oldest clicks.
    :param clock: the time in seconds.
    """

    def __init__(self, seconds: float, most_bytes: int, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(seconds, most_bytes, clock)
        self._lock = make_short_lock()
        self._changes = SessionChanges()

    def claim(self, name: Name, owner: Owner) -> tuple[Click, bool]:
        """Return the click of a name and an owner, and whether it is new, so that the caller has to run it."""
        click = Click(name, owner)
        found = self.add(click)
        return found, found is click

    def add(self, click: Click) -> Click:
        """Add a click, unless it is known.

        :return: the click that is known; this one if it is new, so that the caller has to run it.
        """
        # Atomic, so that a click that is new needs no lock.
        if self._clicks.setdefault(click.name, click) is click:
            return click
        with self._lock:
            self._expire()
            found: Click | None = self._clicks.setdefault(click.name, click)
            if found is click:
                return click
            first, owners = found, 0
            while found is not None:
                if is_same(found.owner, found.given, click.owner, self._changes):
                    return found
                found = found.other
                owners += 1
            if owners < MOST_OWNERS:
                click.other = first
                self._clicks[click.name] = click
            else:
                click.is_loose = True
            return click

    def wait(self, click: Click, seconds: float) -> Stage:
        """Wait until a click has ended.

        :return: how far it is then; running after that time, or at once if others wait already.
        """
        deadline = self._clock() + seconds
        with self._lock:
            if click.stage is not _RUNNING or len(click.waiting) >= MOST_WAITING:
                return click.stage
            wakeup = make_wakeup()
            click.waiting = (*click.waiting, wakeup)
        try:
            while click.stage is _RUNNING and (left := deadline - self._clock()) > 0:
                wakeup.wait(left)
        finally:
            with self._lock:
                click.waiting = tuple(found for found in click.waiting if found is not wakeup)
        return click.stage

    def finish(self, click: Click, answer: Any = None, size: int = 0, given: str | None = None) -> bool:
        """Record that a click ran; once.

        :param answer: what its repeats get; None for nothing.
        :param size: the answer's, in bytes.
        :param given: the session that the answer set, :data:`~.owners.NO_SESSION` if it ended one; None if it set none.
        :return: whether the answer is kept, and there was room for it without dropping others.
        """
        with self._lock:
            if click.stage is not _RUNNING:
                return False
            if click.is_loose:
                click.stage = _RAN
                return False
            if given is not None:
                self._note_session(click, given)
            now = click.ended_at = self._clock()
            ended, owner = self._ended, click.owner
            payer = owner.session or owner.address
            share = self._shares.get(payer)
            if share is None:
                share = self._shares[payer] = Share(owner)
            elif share.owner == owner:
                # Equal owners are kept once: memory that is new costs more than the look.
                click.owner = share.owner
            else:
                share.owner = owner
            share.clicks.append(click)
            ended.append(click)
            if answer is not None and size <= self.largest_answer:
                click.answer, click.stage = answer, _ANSWERED
                size += MARK_BYTES
                share.answered.append(click)
                self._answered.append(click)
            else:
                click.stage, size = _RAN, MARK_BYTES
            click.size = size
            share.size += size
            self.size += size
            if ended[0].ended_at <= now - self._seconds:
                self._expire()
            has_room = share.size <= self._low_share and self.size <= self._low_bytes
            if not has_room and (share.size > self._most_share or self.size > self._most_bytes):
                self._make_room(share)
        if click.waiting:
            self._wake(click)
        return has_room and click.answer is not None

    def _note_session(self, click: Click, given: str) -> None:
        before, session = click.owner.origin, click.owner.session
        if given and before is not None and given != before:
            self._changes.note(before, given)
        if given != NO_SESSION or session is not None:
            click.given = session if given == session else given

    def fail(self, click: Click) -> None:
        """Forget a click that failed; one of its repeats may run."""
        with self._lock:
            if click.stage is not _RUNNING:
                return
            click.stage = Stage.FAILED
            if not click.is_loose:
                self._unlink(click)
        self._wake(click)

    def note_change(self, before: str, after: str) -> None:
        """Record that a session has become another one, in another process."""
        with self._lock:
            self._changes.note(before, after)

    def _wake(self, click: Click) -> None:
        for wakeup in click.waiting:
            wakeup.set()
