"""One timer for all recurring calls of a process, however many streams it has."""

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
    """A timer that calls functions at intervals, from one thread or greenlet that runs while any is registered.

    A ticker belongs to the process that created it; :func:`current_ticker` creates another one in a forked worker.
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
        """Call a function at intervals, for the first time after one interval.

        Missed calls are dropped. A function that raises is logged, and called again after the next interval.

        :param seconds: the interval in seconds, above 0.
        :param function: must be quick, because the other functions wait for it.
        :return: a function that stops the calls. It may be called more than once, from any thread or greenlet, and
            does not wait for a running call.
        :raises ValueError: if ``seconds`` is not above 0.
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
        # Drops the reference to the function at once; the task itself leaves the heap later.
        task.function = None
        if os.getpid() == self._process:
            with self._lock:
                self._drop_cancelled()
            self._changed.set()

    def _run(self) -> None:
        try:
            # gevent keeps greenlets across a fork; the child's copy of this one must stop.
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
            # Killed from outside; the next registration starts the timer again.
            self._is_running = False
            raise

    def _drop_cancelled(self) -> None:
        while self._tasks and self._tasks[0][2].function is None:
            heapq.heappop(self._tasks)

    def _call(self, task: _Task) -> None:
        # Read once, because another thread may cancel the task at any moment.
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
        #: The time of the next call, by the monotonic clock.
        self.due = time.monotonic() + seconds
        #: None after the task was cancelled.
        self.function: Callable[[], object] | None = function


_ticker = PerProcess(Ticker)


def current_ticker() -> Ticker:
    """Return the ticker of this process."""
    return _ticker.by_process[os.getpid()]


def call_every(seconds: float, function: Callable[[], object]) -> Callable[[], None]:
    """Call a function at intervals from the ticker of this process, as :meth:`Ticker.every` does."""
    return current_ticker().every(seconds, function)


def call_each(*timers: tuple[float, Callable[[], object]]) -> list[Callable[[], None]]:
    """Call several functions, each at intervals of so many seconds, as :func:`call_every` does."""
    ticker = current_ticker()
    return [ticker.every(seconds, function) for seconds, function in timers]
