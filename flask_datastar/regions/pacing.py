"""The times at which a view may be rendered: spaced while it changes often, and tried again after a failure."""

from __future__ import annotations

#: A slow view is rendered for at most one eleventh of the time.
_REST_FACTOR = 10
#: A rendering that takes longer leaves one place for others.
_SLOW_SECONDS = 0.1
_FIRST_RETRY_SECONDS, _LONGEST_RETRY_SECONDS = 1.0, 60.0


class Pacing:
    """The times of one view. All times are of one clock, such as ``time.monotonic()``.

    :param at_most_every: seconds between the starts of two renderings, 0 or more.
    """

    __slots__ = ("_at_most_every", "_failures", "_not_before", "is_slow")

    def __init__(self, at_most_every: float) -> None:
        self._at_most_every = at_most_every
        self._not_before = float("-inf")
        self._failures = 0
        #: Whether the last rendering took long.
        self.is_slow = False

    @property
    def is_failing(self) -> bool:
        """Whether the last rendering has failed."""
        return self._failures > 0

    def due_at(self, changed_at: float) -> float:
        """Return the time at which to render a view that has changed: at once, if it has rested long enough."""
        return max(changed_at, self._not_before)

    def note_success(self, started_at: float, ended_at: float) -> None:
        """Record that the view was rendered."""
        self._failures = 0
        self._rest(started_at, ended_at)

    def note_failure(self, started_at: float, ended_at: float) -> float:
        """Record that the view failed.

        :return: the time of the next attempt, unless the view changes before: after a second, then later each time.
        """
        self._rest(started_at, ended_at)
        wait = min(_FIRST_RETRY_SECONDS * (1 << min(self._failures, 16)), _LONGEST_RETRY_SECONDS)
        self._failures += 1
        return max(ended_at + wait, self._not_before)

    def _rest(self, started_at: float, ended_at: float) -> None:
        self.is_slow = ended_at - started_at > _SLOW_SECONDS
        rest = (ended_at - started_at) * _REST_FACTOR
        self._not_before = max(started_at + self._at_most_every, ended_at + rest)
