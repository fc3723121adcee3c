"""The clicks that one process has run, is running, and keeps the answers of. It knows no request and no server."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

from ..transport.wakeups import make_short_lock, make_wakeup
from .clicks import MARK_BYTES, Click, Name, Share, Stage
from .owners import NO_SESSION, Owner, SessionChanges, is_same

#: The part of the bytes that clicks of one owner may take.
OWNER_SHARE = 4
#: Repeats of one click that wait at the same time; a browser sends one after another.
MOST_WAITING = 4

#: Owners of clicks of one name. There is one, unless somebody copies keys: further ones are not remembered.
MOST_OWNERS = 4


class ClickStore:
    """The clicks of one process.

    :param seconds: how long a click is remembered after its end.
    :param most_bytes: what all of them may take; the oldest answers go first, then the oldest clicks.
    :param clock: the time in seconds.
    """

    def __init__(self, seconds: float, most_bytes: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._most_bytes = most_bytes
        self._clock = clock
        self._lock = make_short_lock()
        self._clicks: dict[Name, Click] = {}
        # In the order of their ends; those that left before their time are None in ``_clicks`` and dropped in passing.
        self._ended: deque[Click] = deque()
        self._answered: deque[Click] = deque()
        self._left_early = 0
        self._shares: dict[str, Share] = {}
        self._changes = SessionChanges()
        self.size = 0
        #: Clicks, and answers, that went before their time, because there was no room.
        self.forgotten = 0
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._ended) - self._left_early

    @property
    def largest_answer(self) -> int:
        """The size of the largest answer that can be kept, in bytes."""
        return self._most_bytes // OWNER_SHARE - MARK_BYTES

    def claim(self, name: Name, owner: Owner) -> tuple[Click, bool]:
        """Return the click of a name and an owner, and whether it is new, so that the caller has to run it."""
        with self._lock:
            self._expire()
            first = click = self._clicks.get(name)
            owners = 0
            while click is not None:
                if is_same(click.owner, click.given, owner, self._changes):
                    return click, False
                click = click.other
                owners += 1
            click = Click(name, owner, first)
            if owners < MOST_OWNERS:
                self._clicks[name] = click
            else:
                click.is_loose = True
            return click, True

    def wait(self, click: Click, seconds: float) -> Stage:
        """Wait until a click has ended.

        :return: how far it is then; running after that time, or at once if others wait already.
        """
        deadline = self._clock() + seconds
        with self._lock:
            if click.stage is not Stage.RUNNING or len(click.waiting) >= MOST_WAITING:
                return click.stage
            wakeup = make_wakeup()
            click.waiting = (*click.waiting, wakeup)
        try:
            while click.stage is Stage.RUNNING and (left := deadline - self._clock()) > 0:
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
        :return: whether the answer is kept, and there was room for it.
        """
        with self._lock:
            if click.stage is not Stage.RUNNING:
                return False
            if click.is_loose:
                click.stage = Stage.RAN
                return False
            before = click.owner.origin
            if given and before is not None and given != before:
                self._changes.note(before, given)
            click.given = given if given != NO_SESSION or click.owner.session is not None else None
            click.ended_at = self._clock()
            share = self._shares.setdefault(click.owner.payer, Share())
            share.clicks.append(click)
            self._ended.append(click)
            if answer is not None and size <= self.largest_answer:
                click.answer, click.size, click.stage = answer, MARK_BYTES + size, Stage.ANSWERED
                share.answered.append(click)
                self._answered.append(click)
            else:
                click.stage = Stage.RAN
            share.size += click.size
            self.size += click.size
            has_room = share.size <= self._most_bytes // OWNER_SHARE and self.size <= self._most_bytes
            if not has_room:
                self._make_room(share)
        self._wake(click)
        return has_room and click.answer is not None

    def fail(self, click: Click) -> None:
        """Forget a click that failed; one of its repeats may run."""
        with self._lock:
            if click.stage is not Stage.RUNNING:
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

    def _expire(self) -> None:
        ended, oldest = self._ended, self._clock() - self._seconds
        while ended and ended[0].ended_at <= oldest:
            self._forget(ended[0])
            self._tidy()

    def _make_room(self, share: Share) -> None:
        """Drop the oldest answers, then the oldest clicks: first those of an owner who takes more than a share."""
        most = self._most_bytes // OWNER_SHARE
        while share.size > most and share.answered:
            self._drop_answer(share.answered[0])
        while share.size > most:
            self._forget_early(share.clicks[0])
        while self.size > self._most_bytes and self._answered:
            oldest = self._answered.popleft()
            if oldest.answer is not None:
                self._drop_answer(oldest)
        while self.size > self._most_bytes:
            self._tidy()
            self._forget_early(self._ended[0])
        self._tidy()

    def _drop_answer(self, click: Click) -> None:
        self._take_answer(click)
        click.stage = Stage.RAN
        self.dropped += 1

    def _take_answer(self, click: Click) -> None:
        share = self._shares[click.owner.payer]
        # Answers go in the order in which they came.
        assert share.answered[0] is click
        del share.answered[0]
        share.size -= click.size - MARK_BYTES
        self.size -= click.size - MARK_BYTES
        click.answer, click.size = None, MARK_BYTES

    def _forget_early(self, click: Click) -> None:
        self._forget(click)
        self.forgotten += 1

    def _forget(self, click: Click) -> None:
        if click.answer is not None:
            self._take_answer(click)
        payer = click.owner.payer
        share = self._shares[payer]
        assert share.clicks[0] is click
        del share.clicks[0]
        share.size -= MARK_BYTES
        self.size -= MARK_BYTES
        if not share.clicks:
            del self._shares[payer]
        # Marked as gone for those that still hold it.
        click.stage, click.size = Stage.RAN, 0
        self._left_early += 1
        self._unlink(click)

    def _tidy(self) -> None:
        """Take what left early out of the queues: at the front, and everywhere as soon as it is the larger part."""
        ended, answered = self._ended, self._answered
        while ended and not ended[0].size:
            ended.popleft()
            self._left_early -= 1
        while answered and answered[0].answer is None:
            answered.popleft()
        if self._left_early > len(ended) // 2:
            self._ended = deque(click for click in ended if click.size)
            self._answered = deque(click for click in answered if click.answer is not None)
            self._left_early = 0

    def _unlink(self, click: Click) -> None:
        found = self._clicks[click.name]
        if found is click:
            if click.other is None:
                del self._clicks[click.name]
            else:
                self._clicks[click.name] = click.other
            return
        while found.other is not click:
            assert found.other is not None
            found = found.other
        found.other = click.other
