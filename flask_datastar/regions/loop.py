"""The render loop of a process, which renders due views in the background, a bounded number side by side."""

from __future__ import annotations

import heapq
import itertools
import os
import time
from collections.abc import Callable, Hashable
from functools import partial
from typing import Generic, TypeVar

from ..transport.wakeups import make_short_lock, make_wakeup, pause, spawn

V = TypeVar("V", bound=Hashable)

#: The number of renderings side by side: one slow region does not delay others, and the connection pool is not used up.
SIDE_BY_SIDE = 4


class RenderLoop(Generic[V]):
    """A timer for views, which has a thread or greenlet of its own while any view is scheduled.

    :param render: renders a view; it must not raise. The loop never renders one view twice at the same time by itself.
    """

    def __init__(self, render: Callable[[V], object], side_by_side: int = SIDE_BY_SIDE) -> None:
        self._render = render
        self._side_by_side = side_by_side
        self._process = os.getpid()
        self._lock = make_short_lock()
        self._changed = make_wakeup()
        #: View → its due time. An entry of the heap with another time is out of date.
        self._due: dict[V, float] = {}
        self._heap: list[tuple[float, int, V]] = []
        self._numbers = itertools.count()
        self._running = 0
        self._is_awake = False

    def schedule(self, view: V, due_at: float) -> None:
        """Schedule a view for a time of ``time.monotonic()``. Of two times, the earlier one counts."""
        with self._lock:
            if self._due.get(view, due_at + 1) <= due_at:
                return
            self._due[view] = due_at
            heapq.heappush(self._heap, (due_at, next(self._numbers), view))
            was_awake, self._is_awake = self._is_awake, True
        if was_awake:
            self._changed.set()
        else:
            spawn(self._run, "datastar-regions")

    def cancel(self, view: V) -> None:
        """Cancel the schedule of a view. A rendering that has started continues."""
        with self._lock:
            if self._due.pop(view, None) is None:
                return
        self._changed.set()

    @property
    def is_rendering(self) -> bool:
        """Whether a rendering is under way."""
        return self._running > 0

    def is_idle(self, until: float) -> bool:
        """Return whether nothing is being rendered, and nothing is due before a time of ``time.monotonic()``."""
        with self._lock:
            return not self._running and all(due > until for due in self._due.values())

    def _run(self) -> None:
        try:
            # gevent keeps greenlets across a fork; the child's copy of this one must stop.
            while os.getpid() == self._process:
                self._changed.clear()
                with self._lock:
                    view, wait = self._next(time.monotonic())
                    if view is None and wait is None and not self._due:
                        self._is_awake = False
                        return
                if view is None:
                    self._changed.wait(wait)
                else:
                    spawn(partial(self._render_one, view), "datastar-region")
        except BaseException:
            # The greenlet was killed from outside. The next scheduled view starts another one.
            self._is_awake = False
            raise

    def _next(self, now: float) -> tuple[V | None, float | None]:
        """Return a view to render now, or the seconds to wait for it; None twice if the loop waits for other things."""
        while self._heap and self._due.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        if not self._heap or self._running >= self._side_by_side:
            return None, None
        due_at, _, view = self._heap[0]
        if due_at > now:
            return None, due_at - now
        heapq.heappop(self._heap)
        del self._due[view]
        self._running += 1
        return view, None

    def _render_one(self, view: V) -> None:
        try:
            self._render(view)
        finally:
            with self._lock:
                self._running -= 1
            self._changed.set()
            pause()
