"""The timers of presence in one process: the signs of life, and the ends of what lingers."""

from __future__ import annotations

from collections.abc import Callable

from ..hooks import Reason
from ..hub.endings import ending_kind
from ..sansio.endings import EndingKind
from ..transport.ticker import call_every

#: The period of the signs of life; a process without any for four periods counts as dead.
BEAT_SECONDS = 4.0
#: How late a lingering entry may end, and an answer may come.
STEP_SECONDS = 0.1


def linger_after(reason: Reason | None, linger: float, spread: float) -> float:
    """Return for how many seconds the entries of a stream that has ended linger.

    :param spread: how much later a page comes back that its server sends away, than one that is loaded again.
    """
    if reason is None or reason is Reason.LEFT:
        return linger
    kind = ending_kind(reason)
    return linger + spread if kind is EndingKind.RESTART else 0.0 if kind is EndingKind.DONE else linger


class Timers:
    """Two timers that run only while there is something to time. The caller of each method holds the lock.

    :param beat: sends a sign of life.
    :param step: ends what has lingered for long enough.
    """

    def __init__(self, beat: Callable[[], object], step: Callable[[], object]) -> None:
        self._beat, self._step = beat, step
        self._is_closed = False
        self._cancel_beat: Callable[[], None] | None = None
        self._cancel_step: Callable[[], None] | None = None

    def run(self, *, beats: bool, steps: bool) -> None:
        """Start and stop the timers as they are needed."""
        if (beats and not self._is_closed) != (self._cancel_beat is not None):
            self._cancel_beat = _toggle(self._cancel_beat, BEAT_SECONDS, self._beat)
        if (steps and not self._is_closed) != (self._cancel_step is not None):
            self._cancel_step = _toggle(self._cancel_step, STEP_SECONDS, self._step)

    def close(self) -> None:
        """Stop both timers for good."""
        self._is_closed = True
        self.run(beats=False, steps=False)


def _toggle(cancel: Callable[[], None] | None, seconds: float, call: Callable[[], object]) -> Callable[[], None] | None:
    """Stop the timer that runs, or start one."""
    if cancel is None:
        return call_every(seconds, call)
    cancel()
    return None
