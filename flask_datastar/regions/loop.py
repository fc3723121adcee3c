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
    :param is_slow: returns whether a view takes long; one place is kept free of such views, however many there are.
    """

    def __init__(
        self,
        render: Callable[[V], object],
        is_slow: Callable[[V], bool] = lambda view: False,
        side_by_side: int = SIDE_BY_SIDE,
    ) -> None:
        self._render = render
        self._is_slow = is_slow
        self._side_by_side = side_by_side
        self._process = os.getpid()
        self._lock = make_short_lock()
        self._changed = make_wakeup()
        #: View → its due time. An entry of a heap with another time is out of date.
        self._due: dict[V, float] = {}
        self._quick: list[tuple[float, int, V]] = []
        self._slow: list[tuple[float, int, V]] = []
        self._numbers = itertools.count()
        #: How many are being rendered, and how many of these are slow.
        self._running = self._running_slow = 0
        self._is_awake = False

    def schedule(self, view: V, due_at: float) -> None:
        """Schedule a view for a time of ``time.monotonic()``. Of two times, the earlier one counts."""
        with self._lock:
            if self._due.get(view, due_at + 1) <= due_at:
                return
            self._due[view] = due_at
            heap = self._slow if self._is_slow(view) else self._quick
            heapq.heappush(heap, (due_at, next(self._numbers), view))
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
                    view, is_slow, wait = self._next(time.monotonic())
                    if view is None and wait is None and not self._due:
                        self._is_awake = False
                        return
                if view is None:
                    self._changed.wait(wait)
                else:
                    spawn(partial(self._render_one, view, is_slow), "datastar-region")
        except BaseException:
            # The greenlet was killed from outside. The next scheduled view starts another one.
            self._is_awake = False
            raise

    def _next(self, now: float) -> tuple[V | None, bool, float | None]:
        """Return a view to render now and whether it is slow, or the seconds to wait for it.

        Both are None if the loop waits for other things.
        """
        for heap in (self._quick, self._slow):
            while heap and self._due.get(heap[0][2]) != heap[0][0]:
                heapq.heappop(heap)
        if self._running >= self._side_by_side:
            return None, False, None
        heaps = [self._quick] if self._running_slow >= max(1, self._side_by_side - 1) else [self._quick, self._slow]
        heap = min((heap for heap in heaps if heap), key=lambda heap: heap[0][0], default=[])
        if not heap:
            return None, False, None
        due_at, _, view = heap[0]
        if due_at > now:
            return None, False, due_at - now
        heapq.heappop(heap)
        del self._due[view]
        self._running += 1
        self._running_slow += heap is self._slow
        return view, heap is self._slow, None

    def _render_one(self, view: V, is_slow: bool) -> None:
        try:
            self._render(view)
        finally:
            with self._lock:
                self._running -= 1
                self._running_slow -= is_slow
            self._changed.set()
            pause()
