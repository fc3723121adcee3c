"""A clock for the streams of this process, which stands still until a test moves it."""

from __future__ import annotations

import time as real_time
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from flask import Flask

from ..hub import hub as hub_module
from ..hub import stream as stream_module
from ..state.app import app_state_of
from ..streams import body, changes, every, generator_body, subscribe
from ..streams.current import hub_of

#: The modules whose times are those of streams: ticks, keep-alives, maximum ages.
_MODULES: tuple[ModuleType, ...] = (*(every, changes, subscribe, body, generator_body, stream_module, hub_module),)


class FrozenClock:
    """The clock of streams: what ``every``, keep-alives and maximum ages go by.

    It takes the place of the module ``time`` in the modules of streams.
    """

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._now = real_time.monotonic()

    def monotonic(self) -> float:
        """Return the time in seconds, as ``time.monotonic()`` does."""
        return self._now

    def move(self, seconds: float) -> None:
        """Move the clock on, and wake all streams of the app: what is due by now is sent.

        :raises ValueError: if it is not a number above 0.
        """
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0:
            raise ValueError(f"seconds is {seconds!r}; accepted: numbers above 0")
        self._now += seconds
        hub = hub_of(app_state_of(self._app))
        hub._tick()
        for stream in hub._snapshot():
            stream.wakeup.set()

    def __getattr__(self, name: str) -> Any:
        return getattr(real_time, name)


@contextmanager
def frozen_clock(app: Flask) -> Iterator[FrozenClock]:
    """Freeze the time of the streams of this process, until the block ends.

    :param app: the app whose streams :meth:`FrozenClock.move` wakes.
    :return: a context manager with the clock.
    """
    clock = FrozenClock(app)
    before = [(module, module.__dict__["time"]) for module in _MODULES]
    for module, _ in before:
        module.__dict__["time"] = clock
    try:
        yield clock
    finally:
        for module, time in before:
            module.__dict__["time"] = time
