"""The wait point ``every``, for streams that wait for time alone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from math import isfinite

from .running import current_body


class Ticks:
    """The result of ``datastar.every()``: a tick at once, then one each period; missed ticks are dropped."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next: float | None = None

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        """Wait for the next tick.

        :return: the number of the tick, from 0; missed ticks count.
        """
        now = time.monotonic()
        if self._next is None:
            current_body()
            self._start, self._next = now, now + self._seconds
            return 0
        current_body().wait_for_turn(lambda: False, self._next, None)
        number = int((time.monotonic() - self._start) / self._seconds + 1e-6)
        self._next = self._start + (number + 1) * self._seconds
        return number


def check_seconds(seconds: float, what: str, *, or_zero: bool = False) -> float:
    """Check a time to wait, and return it.

    :param what: the argument's name, for the error.
    :param or_zero: whether 0 is accepted.
    :raises ValueError: if it is too small, or not finite.
    :raises TypeError: if it is not a number.
    """
    accepted = "numbers above 0" if not or_zero else "0 and numbers above it"
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise TypeError(f"{what} is {seconds!r}; accepted: {accepted}, in seconds")
    if not (seconds > 0 or (or_zero and seconds == 0)) or not isfinite(seconds):
        raise ValueError(f"{what} is {seconds!r}; accepted: {accepted}, in seconds")
    return seconds
