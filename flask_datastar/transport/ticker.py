"""One timer for everything that recurs in a process, however many streams it has."""

from __future__ import annotations

import heapq
import itertools
import logging
import os
import time
from collections.abc import Callable

from .wakeups import PerProcess, make_lock, make_wakeup, spawn

_logger = logging.getLogger(__name__)


class Ticker:
    """Calls functions at intervals, from one thread or greenlet that runs while any is registered.

    It belongs to the process that made it: :func:`current_ticker` gives a forked worker its own.
    """

    def __init__(self) -> None:
        self._process = os.getpid()
        self._lock = make_lock()
        self._changed = make_wakeup()
        self._is_running = False
        # (due, number, task): the number keeps the heap from comparing tasks.
        self._tasks: list[tuple[float, int, _Task]] = []
        self._numbers = itertools.count()

    def every(self, seconds: float, function: Callable[[], object]) -> Callable[[], None]:
        """Call a function at intervals, the first time after one.

        Calls that were missed are dropped. One that raises is logged and called again the next time.

        :param seconds: above 0.
        :param function: must be quick, because the others wait for it.
        :return: ends it; may be called twice and from anywhere. A call that has begun is not waited for.
        """
        if not seconds > 0:
            raise ValueError(f"seconds is {seconds!r}; accepted: numbers above 0")
        task = _Task(seconds, function)
        with self._lock:
            if not self._is_running:
                spawn(self._run, "datastar-ticker")
                self._is_running = True
            self._push(task)
        self._changed.set()
        return lambda: self._cancel(task)

    def _push(self, task: _Task) -> None:
        heapq.heappush(self._tasks, (task.due, next(self._numbers), task))

    def _cancel(self, task: _Task) -> None:
        # What it calls is let go of here; the rest of the task leaves when it would be due.
        task.function = None
        if os.getpid() == self._process:
            with self._lock:
                self._drop_cancelled()
            self._changed.set()

    def _run(self) -> None:
        try:
            # gevent keeps the greenlets over a fork: the child's copy of this one has nothing to do.
            while os.getpid() == self._process:
                with self._lock:
                    self._changed.clear()
                    self._drop_cancelled()
                    if not self._tasks:
                        self._is_running = False
                        return
                    wait = self._tasks[0][0] - time.monotonic()
                    task = heapq.heappop(self._tasks)[2] if wait <= 0 else None
                if task is None:
                    self._changed.wait(wait)
                else:
                    self._call(task)
        except BaseException:
            # Killed from outside: the next one that registers something starts it again.
            self._is_running = False
            raise

    def _drop_cancelled(self) -> None:
        while self._tasks and self._tasks[0][2].function is None:
            heapq.heappop(self._tasks)

    def _call(self, task: _Task) -> None:
        # Read once: it may be cancelled from another thread at any moment.
        if (function := task.function) is None:
            return
        try:
            function()
        except Exception:
            _logger.exception("The recurring call of %r failed", function)
        task.due += task.seconds
        if task.due <= (now := time.monotonic()):
            task.due = now + task.seconds
        with self._lock:
            self._push(task)


class _Task:
    __slots__ = ("due", "function", "seconds")

    def __init__(self, seconds: float, function: Callable[[], object]) -> None:
        self.seconds = seconds
        #: By the monotonic clock.
        self.due = time.monotonic() + seconds
        #: None once it is cancelled.
        self.function: Callable[[], object] | None = function


_ticker = PerProcess(Ticker)


def current_ticker() -> Ticker:
    """Give the ticker of this process."""
    return _ticker.by_process[os.getpid()]
