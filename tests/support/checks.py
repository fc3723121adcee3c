"""Helpers that the checks share: running in native threads, forking, counting calls, collecting logs."""

from __future__ import annotations

import atexit
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, NoReturn

# Light, because the children that load this module patch themselves first.
from flask_datastar.testing.waiting import DEADLINE_SECONDS, run_all, wait_until
from flask_datastar.transport.wakeups import is_gevent, make_wakeup, spawn


def run_natively(functions: list[Callable[[], object]], own: Callable[[], object]) -> None:
    """Run functions in native threads, even under gevent, and one more in this thread; raise an error of any."""
    if not is_gevent():
        run_all([*functions, own])
        return
    from gevent import get_hub

    # Makes the threads interleave. The process belongs to this check alone.
    sys.setswitchinterval(1e-6)
    jobs = [get_hub().threadpool.spawn(function) for function in functions]
    own()
    for job in jobs:
        job.get(timeout=DEADLINE_SECONDS)


@contextmanager
def held(*locks: AbstractContextManager[object]) -> Iterator[None]:
    """Make another thread or greenlet hold the locks during the block; a forked child does not have that thread."""
    holds, may_end = make_wakeup(), make_wakeup()

    def hold() -> None:
        with ExitStack() as stack:
            for lock in locks:
                stack.enter_context(lock)
            holds.set()
            assert may_end.wait(DEADLINE_SECONDS)

    spawn(hold, "holder")
    assert holds.wait(DEADLINE_SECONDS)
    try:
        yield
    finally:
        may_end.set()


def run_in_child(function: Callable[[], object]) -> None:
    """Run a function in a forked child, and fail if it fails there."""
    finish_child(start_child(function))


def start_child(function: Callable[[], object]) -> int:
    """Fork, run the function in the child, and return the child's process id."""
    child = _original("fork")()
    if child == 0:
        try:
            if is_gevent():
                from gevent import reinit

                reinit()
            function()
        except BaseException:
            traceback.print_exc()
            exit_child(1)
        exit_child(0)
    return child


def _original(name: str) -> Any:
    """Return a function of :mod:`os` as it is without gevent, whose ``waitpid`` can miss a child that exits at once."""
    if is_gevent():
        from gevent.monkey import get_original

        return get_original("os", name)
    return getattr(os, name)


def exit_child(code: int) -> NoReturn:
    """Exit from a forked child without a return to the code that forked it."""
    # Coverage saves its data here.
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def finish_child(child: int) -> None:
    """Wait for a child while other greenlets run, and fail if the child has failed."""
    status: list[int] = []

    def has_ended() -> bool:
        ended, code = _original("waitpid")(child, os.WNOHANG)
        status.append(code)
        return bool(ended)

    wait_until(has_ended)
    assert os.waitstatus_to_exitcode(status[-1]) == 0


class Counter:
    """A counter of calls that a test can wait for."""

    def __init__(self, wanted: int = 1) -> None:
        self.calls: list[float] = []
        self._wanted = wanted
        self._reached = make_wakeup()

    def __call__(self) -> None:
        self.calls.append(time.monotonic())
        if len(self.calls) >= self._wanted:
            self._reached.set()

    def wait(self, seconds: float = DEADLINE_SECONDS) -> bool:
        return self._reached.wait(seconds)


class Records(logging.Handler):
    """A handler that keeps log records instead of printing them; a context manager."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())
        assert record.exc_info is not None

    def __enter__(self) -> Records:
        logging.getLogger("flask_datastar").addHandler(self)
        return self

    def __exit__(self, *error: object) -> None:
        logging.getLogger("flask_datastar").removeHandler(self)
