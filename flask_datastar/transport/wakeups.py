"""Waiting, locking and running beside the requests: of the kind, thread or greenlet, that this process runs on."""

from __future__ import annotations

import _thread
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import Context
from typing import Any, Generic, Protocol, TypeVar

T = TypeVar("T")


class Wakeup(Protocol):
    """What one waits for and somebody else sets, also from another thread."""

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is set; may return earlier, so ask again what it was waited for.

        :param timeout: seconds; None for ever.
        :return: whether it was set.
        """

    def set(self) -> None:
        """Wake whoever waits, and let later waits return at once."""

    def clear(self) -> None:
        """Let later waits wait again."""


def is_gevent() -> bool:
    """Whether gevent has patched threading in this process; gunicorn's worker does so after the fork."""
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("threading"))


def make_wakeup() -> Wakeup:
    """Make a wake-up that is not set."""
    if is_gevent():
        from .gevent_wakeup import GreenletWakeup

        return GreenletWakeup()
    return threading.Event()


def make_lock() -> AbstractContextManager[object]:
    """Make a lock that its holder may take again, and in which greenlets may switch."""
    return _GreenletLock() if is_gevent() else threading.RLock()


class _GreenletLock:
    """A lock for the greenlets of all threads of a process.

    gevent's own can lose the wake-up of a greenlet in another thread, of gevent's thread pool for example, because the
    thread that lets go of it may not come to its event loop any more. So whoever waits here asks again and again.
    """

    __slots__ = ("_depth", "_lock", "_owner")

    def __init__(self) -> None:
        # Not one that its holder may take again: to that, all greenlets of a thread are one.
        self._lock = _native("allocate_lock")
        #: The greenlet that has it; only that one ever finds itself here.
        self._owner: int | None = None
        self._depth = 0

    def __enter__(self) -> None:
        own = threading.get_ident()
        if self._owner != own:
            wait = 0.0
            while not self._lock.acquire(False):
                # The others of this thread first: mostly one of them has it, and is about to let go.
                time.sleep(wait)
                wait = min(wait + 0.001, 0.01)
            self._owner = own
        self._depth += 1

    def __exit__(self, *error: object) -> None:
        self._depth -= 1
        if not self._depth:
            self._owner = None
            self._lock.release()


def make_short_lock() -> Any:
    """Make a lock for a few instructions in which nothing waits; its holder may take it again.

    A native one, also under gevent, where it keeps out other threads alone: a greenlet that holds it does not switch.
    """
    return _native("RLock")


def _native(name: str) -> Any:
    """Make something of :mod:`_thread` as it is without gevent."""
    monkey = sys.modules.get("gevent.monkey")
    return (getattr(_thread, name) if monkey is None else monkey.get_original("_thread", name))()


def pause() -> None:
    """Let the other greenlets run that can; threads do so by themselves."""
    if is_gevent():
        time.sleep(0)


def spawn(function: Callable[[], object], name: str) -> None:
    """Run a function beside the requests, in a daemon thread or a greenlet.

    It runs in an empty context: one that serves the whole process must not keep the request that was there first.

    :param name: for lists of threads and greenlets.
    """
    Context().run(_start, function, name)


def _start(function: Callable[[], object], name: str) -> None:
    if is_gevent():
        from gevent import Greenlet

        greenlet: Any = Greenlet(function)
        greenlet.name = name
        greenlet.start()
    else:
        threading.Thread(target=function, name=name, daemon=True).start()


class PerProcess(Generic[T]):
    """Something that each process makes for itself, when it first asks for it.

    What a forked worker finds from before the fork is of no use to it: locks may be held by threads that it does not
    have, and streams and descriptors are its parent's.

    :param make: makes it. May run twice when two threads ask first at the same moment; one result is then dropped, so
        it takes nothing that has to be given back.
    """

    __slots__ = ("by_process",)

    def __init__(self, make: Callable[[], T]) -> None:
        #: Process id → what that process made, which the look-up makes. Asked directly, as ``by_process[getpid()]``,
        #: where it is asked with every event.
        self.by_process: dict[int, T] = _ByProcess(make)

    def get(self) -> T:
        """Return this process's own."""
        return self.by_process[os.getpid()]


class _ByProcess(dict[int, T]):
    def __init__(self, make: Callable[[], T]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, process: int) -> T:
        # Of two threads that make one, setdefault lets one win.
        made = self.setdefault(process, self._make())
        for other in [other for other in list(self) if other != process]:
            self.pop(other, None)
        return made
