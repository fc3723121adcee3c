"""Recurring warnings, each logged at most once an hour."""

from __future__ import annotations

import logging
import time

_AGAIN_SECONDS = 3600.0
#: The most texts that are remembered: clients choose parts of them, so their number must be bounded.
_MOST_REMEMBERED = 1000


class Notices:
    """The recurring warnings of one hub."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        # Text → when it may be logged again.
        self._again_at: dict[str, float] = {}

    def warn(self, text: str, *arguments: object) -> None:
        """Log a warning, unless it was logged within the last hour."""
        now, key = time.monotonic(), text % arguments
        if now < self._again_at.get(key, 0.0):
            return
        if len(self._again_at) >= _MOST_REMEMBERED:
            self._again_at.clear()
        self._again_at[key] = now + _AGAIN_SECONDS
        self._logger.warning(text, *arguments)
