"""Waits before the next attempt to reach a server: longer each time, and different in each process."""

from __future__ import annotations

import random

_FIRST_SECONDS, _LONGEST_SECONDS = 0.1, 3.0


class Backoff:
    """The waits of one connection."""

    def __init__(self) -> None:
        self._failures = 0

    def next_wait(self) -> float:
        """Return the seconds to wait after one more failure."""
        wait = min(_FIRST_SECONDS * (1 << self._failures), _LONGEST_SECONDS)
        self._failures = min(self._failures + 1, 16)
        return wait * (0.5 + random.random() / 2)

    def reset(self) -> None:
        """Start again with the shortest wait, because the server has responded."""
        self._failures = 0
