"""Calls in a thread or greenlet of their own, for which the current one waits."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from typing import Any, TypeVar

from ..transport.wakeups import make_wakeup, spawn

T = TypeVar("T")


def run_apart(function: Callable[[], T]) -> T:
    """Run a function in a thread or greenlet of its own, with empty context variables, and wait for it.

    The current one may serve a visitor, and have values of that visitor in a :class:`threading.local`.

    :return: the result of the function; an exception of it is raised here.
    """
    done = make_wakeup()
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(function())
        except BaseException as error:
            errors.append(error)
        finally:
            done.set()

    spawn(run, "datastar-region")
    while not done.wait():
        pass
    if errors:
        # Taken out of the list, because its traceback refers to the list.
        raise errors.pop()
    return results[0]


def run_outside_loop(function: Callable[[], T]) -> T:
    """Run a function that starts an event loop; in a thread of its own if the current one has a running loop."""
    asyncio: Any = sys.modules.get("asyncio")
    if asyncio is None or asyncio._get_running_loop() is None:
        return function()
    return run_apart(partial(copy_context().run, function))
