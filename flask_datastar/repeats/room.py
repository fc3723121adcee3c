"""The room that the clicks of one process take: those that are too old, or too many, are forgotten."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from .clicks import MARK_BYTES, Click, Name, Share, Stage

#: The part of the bytes that clicks of one owner may take.
OWNER_SHARE = 4
#: The part of a full store, or of a full share, that is freed at once.
_SLACK = 16
#: The part of a full store, or of a full share, that is left to the newest answers: a click that is forgotten may run
#: twice, but without any answers no repeat would get one.
_ANSWERS = 8
_RAN = Stage.RAN


class KeptClicks:
    """The clicks that are remembered, and those that run. Whoever calls a method holds the lock.

    :param seconds: how long a click is remembered after its end.
    :param most_bytes: what all of them may take.
    :param clock: the time in seconds.
    """

    def __init__(self, seconds: float, most_bytes: int, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._most_bytes = most_bytes
        self._most_share = most_bytes // OWNER_SHARE
        # Room is made down to these marks, for many clicks at once, which costs each of them less.
        self._low_share = self._most_share - self._most_share // _SLACK
        self._low_bytes = most_bytes - most_bytes // _SLACK
        #: The size of the largest answer that can be kept, in bytes.
        self.largest_answer = self._most_share - MARK_BYTES
        self._clock = clock
        self._clicks: dict[Name, Click] = {}
        # In the order of their ends; those that left before their time have no size and are dropped in passing.
        self._ended: deque[Click] = deque()
        self._answered: deque[Click] = deque()
        self._left_early = 0
        self._shares: dict[str, Share] = {}
        self.size = 0
        #: Clicks, and answers, that went before their time, because there was no room.
        self.forgotten = 0
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._ended) - self._left_early

    def _expire(self) -> None:
        ended, oldest = self._ended, self._clock() - self._seconds
        while ended and ended[0].ended_at <= oldest:
            click = ended[0]
            self._forget(click, self._shares[click.owner.payer])
            self._tidy()

    def _make_room(self, share: Share) -> None:
        """Drop the oldest answers, then the oldest clicks: first those of an owner who takes more than a share.

        The newest answers keep a part of the room: they are those that a repeat may still ask for.
        """
        most, answered, clicks = self._most_share, share.answered, share.clicks
        if share.size > most:
            while share.size > self._low_share:
                if answered and _ANSWERS * (share.size - MARK_BYTES * len(clicks)) > most:
                    self._drop_answer(answered, share)
                else:
                    self._forget(clicks[0], share)
                    self.forgotten += 1
            self._tidy()
        if self.size > self._most_bytes:
            self._make_room_for_all()

    def _make_room_for_all(self) -> None:
        most, answered, shares = self._most_bytes, self._answered, self._shares
        while self.size > self._low_bytes:
            if answered and _ANSWERS * (self.size - MARK_BYTES * len(self)) > most:
                share = shares[answered[0].owner.payer]
                self._drop_answer(share.answered, share)
            else:
                oldest = self._ended[0]
                self._forget(oldest, shares[oldest.owner.payer])
                self.forgotten += 1
            self._tidy()

    def _drop_answer(self, answered: list[Click], share: Share) -> None:
        """Drop the oldest answer of an owner."""
        click = answered.pop(0)
        freed = click.size - MARK_BYTES
        share.size -= freed
        self.size -= freed
        click.answer, click.size, click.stage = None, MARK_BYTES, _RAN
        self.dropped += 1

    def _forget(self, click: Click, share: Share) -> None:
        """Forget the oldest click of an owner."""
        if click.answer is not None:
            # Answers go in the order in which they came.
            del share.answered[0]
            click.answer = None
        del share.clicks[0]
        size = click.size
        share.size -= size
        self.size -= size
        if not share.clicks:
            del self._shares[click.owner.payer]
        # Marked as gone for those that still hold it.
        click.stage, click.size = _RAN, 0
        self._left_early += 1
        if click.other is None and self._clicks[click.name] is click:
            del self._clicks[click.name]
        else:
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
