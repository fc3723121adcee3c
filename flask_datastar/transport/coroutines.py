"""Code that is left in the middle of its calls and entered there again, for servers that only iterate over a body.

Needs greenlet, which comes with gevent and mostly with SQLAlchemy. A generator can be left at its own ``yield`` only,
and a thread would not have what belongs to the server's.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import cache
from typing import Any, Generic, TypeVar

A = TypeVar("A")


@cache
def has_coroutines() -> bool:
    """Return whether :class:`Coroutine` can be used here."""
    return importlib.util.find_spec("greenlet") is not None


class Coroutine(Generic[A]):
    """Runs a function beside its caller, in the same thread; one of the two runs at a time.

    :param function: called with the coroutine; its result is the last that the coroutine gives.
    """

    __slots__ = ("_argument", "_greenlet", "has_ended")

    def __init__(self, function: Callable[[Coroutine[A]], bytes]) -> None:
        from greenlet import greenlet

        self.has_ended = False
        self._argument: A | None = None
        self._greenlet: Any = greenlet(function)

    @property
    def argument(self) -> A:
        """The object with which the function was resumed.

        The coroutine refers to it only while the function runs: an object that resumes its own coroutine, and is
        dropped in between, ends at once and not when garbage is collected.
        """
        assert self._argument is not None
        return self._argument

    def resume(self, argument: A) -> bytes:
        """Run the function until it gives something, and return that; an exception of the function is raised here."""
        from greenlet import getcurrent

        self._greenlet.parent = getcurrent()
        self._argument = argument
        try:
            # Only the first call has an argument; afterwards it is the result of give().
            given: bytes = self._greenlet.switch(self)
        finally:
            self._argument = None
            self.has_ended = bool(self._greenlet.dead)
        return given

    def give(self, data: bytes) -> None:
        """Hand data to whoever has resumed the function, and wait to be resumed. Called by the function."""
        self._greenlet.parent.switch(data)
