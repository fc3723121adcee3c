"""Code that is left in the middle of its calls and entered there again, for servers that only iterate over a body.

Needs greenlet, which comes with gevent and mostly with SQLAlchemy. A generator can be left at its own ``yield`` only,
and a thread would not have what belongs to the server's.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import cache
from typing import Any


@cache
def has_coroutines() -> bool:
    """Return whether :class:`Coroutine` can be used here."""
    return importlib.util.find_spec("greenlet") is not None


class Coroutine:
    """Runs a function beside its caller, in the same thread; one of the two runs at a time.

    :param function: its result is the last that the coroutine gives.
    """

    __slots__ = ("_greenlet", "has_ended")

    def __init__(self, function: Callable[[], bytes]) -> None:
        from greenlet import greenlet

        self.has_ended = False
        self._greenlet: Any = greenlet(function)

    def resume(self) -> bytes:
        """Run the function until it gives something, and return that; an exception of the function is raised here."""
        from greenlet import getcurrent

        self._greenlet.parent = getcurrent()
        try:
            given: bytes = self._greenlet.switch()
        finally:
            self.has_ended = bool(self._greenlet.dead)
        return given

    def give(self, data: bytes) -> None:
        """Hand data to whoever has resumed the function, and wait to be resumed. Called by the function."""
        self._greenlet.parent.switch(data)
