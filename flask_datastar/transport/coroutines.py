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
    """Runs functions beside its caller, in the same thread; one of the two runs at a time.

    :param function: the first function; its result is the last that it gives.
    """

    __slots__ = ("_function", "_greenlet", "has_ended")

    def __init__(self, function: Callable[[], bytes]) -> None:
        self._greenlet: Any = None
        self.restart(function)

    def restart(self, function: Callable[[], bytes]) -> None:
        """Set the function that runs next, in the same coroutine, once the last one has ended."""
        from greenlet import greenlet

        #: Whether the function has ended.
        self.has_ended = False
        self._function: Callable[[], bytes] | None = function
        if self._greenlet is None or self._greenlet.dead:
            self._greenlet = greenlet(_work)
            # To its first rest: what it is started with, it would keep as long as it lives.
            self._greenlet.switch()

    def resume(self) -> bytes:
        """Run the function until it gives something, and return that; an exception of the function is raised here."""
        from greenlet import getcurrent

        function, self._function = self._function, None
        self._greenlet.parent = getcurrent()
        is_end = True
        try:
            given: bytes
            is_end, given = self._greenlet.switch(function)
        finally:
            self.has_ended = is_end
        return given

    def give(self, data: bytes) -> None:
        """Hand data to whoever has resumed the function, and wait to be resumed. Called by the function."""
        self._greenlet.parent.switch((False, data))


def _work() -> None:
    """Run one function after the other; between two of them, nothing of theirs is kept."""
    from greenlet import getcurrent

    function: Callable[[], bytes] | None = getcurrent().parent.switch()
    while function is not None:
        given = [(True, function())]
        function = None
        function = getcurrent().parent.switch(given.pop())
