"""Locks, wake-ups and background tasks, for threads or greenlets, whichever this process uses."""

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
from weakref import WeakSet

T = TypeVar("T")


class Wakeup(Protocol):
    """A flag for which one thread or greenlet waits. Any thread or greenlet may set it."""

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the flag is set; may return earlier, so check the awaited condition again.

        :param timeout: the longest wait in seconds; None waits forever.
        :return: whether the flag is set.
        """

    def set(self) -> None:
        """Set the flag: wake the waiting thread or greenlet and make later waits return at once."""

    def clear(self) -> None:
        """Clear the flag, so that later waits block again."""


def is_gevent() -> bool:
    """Return whether gevent has patched threading in this process; gunicorn's worker patches after the fork."""
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("threading"))


def make_wakeup() -> Wakeup:
    """Create a wake-up that is not set."""
    if is_gevent():
        from .gevent_wakeup import GreenletWakeup

        return GreenletWakeup()
    return threading.Event()


def make_lock() -> AbstractContextManager[object]:
    """Create a reentrant lock whose holder may switch to other greenlets."""
    return _GreenletLock() if is_gevent() else threading.RLock()


class _GreenletLock:
    """A reentrant lock for the greenlets of all threads of a process.

    gevent's own lock can lose the wake-up of a greenlet in another thread, such as a thread of gevent's pool, because
    the thread that releases the lock may never return to its event loop. So a waiting greenlet polls this lock.
    """

    __slots__ = ("_depth", "_lock", "_owner")

    def __init__(self) -> None:
        # Not reentrant by itself: a native RLock takes all greenlets of a thread for one holder.
        self._lock = _native("allocate_lock")
        #: The greenlet that holds the lock, by its ident; no other greenlet can find its own ident here.
        self._owner: int | None = None
        self._depth = 0

    def __enter__(self) -> None:
        own = threading.get_ident()
        if self._owner != own:
            wait = 0.0
            while not self._lock.acquire(False):
                # Switch to other greenlets of this thread first: usually one of them holds the lock for a moment.
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
    """Create a native reentrant lock, to be held for a few instructions without a wait.

    Under gevent it only keeps out other threads, which is enough, because its holder does not switch to other
    greenlets.
    """
    return _native("RLock")


def _native(name: str) -> Any:
    """Create an object of :mod:`_thread` as it is without gevent."""
    monkey = sys.modules.get("gevent.monkey")
    return (getattr(_thread, name) if monkey is None else monkey.get_original("_thread", name))()


def pause() -> None:
    """Switch to the other greenlets that are ready to run; threads need no such help."""
    if is_gevent():
        time.sleep(0)


def spawn(function: Callable[[], object], name: str) -> None:
    """Run a function in the background, in a daemon thread or a greenlet.

    The function runs in an empty context, because a task of the whole process must not keep the request that started
    it.

    :param name: the name of the thread or greenlet, for lists of them.
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


#: All objects of the class below, for forks.
_all: WeakSet[Any] = WeakSet()


def _forget_parent() -> None:
    for one in _all:
        one.value = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_parent)


class PerProcess(Generic[T]):
    """An object that each process creates for itself, at first use.

    A forked worker cannot use the object of its parent: threads that the worker does not have may hold its locks, and
    its streams and descriptors belong to the parent.

    :param make: creates the object. If two threads ask for it at the same moment, it may run twice and one result is
        dropped, so it must not acquire anything that has to be released.
    """

    __slots__ = ("__weakref__", "by_process", "value")

    def __init__(self, make: Callable[[], T]) -> None:
        #: Process id → the object of that process, which the look-up creates. Ask it directly, as
        #: ``by_process[getpid()]``, where every event asks.
        self.by_process: dict[int, T] = _ByProcess(make)
        #: The object of this process once :meth:`get` was called in it, else None: costs no system call.
        self.value: T | None = None
        _all.add(self)

    def get(self) -> T:
        """Return the object of this process."""
        value = self.value = self.by_process[os.getpid()]
        return value


class _ByProcess(dict[int, T]):
    def __init__(self, make: Callable[[], T]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, process: int) -> T:
        # If two threads create one, setdefault keeps the first.
        made = self.setdefault(process, self._make())
        for other in [other for other in list(self) if other != process]:
            self.pop(other, None)
        return made
