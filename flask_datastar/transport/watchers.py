"""The watcher of all connections of a process: epoll where the platform has it, polling elsewhere."""

from __future__ import annotations

import _socket
import logging
import os
import select
import socket
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, Protocol

from .ticker import call_every
from .wakeups import PerProcess, is_gevent, make_lock, spawn

_logger = logging.getLogger(__name__)

#: The interval at which connections are checked where the platform has no suitable epoll.
PEEK_SECONDS: Final = 0.1

# Constants that only some platforms have; 0 stands for a missing one.
_POLLRDHUP: int = getattr(select, "POLLRDHUP", 0)
_EPOLL_EVENTS: int = getattr(select, "EPOLLRDHUP", 0) | getattr(select, "EPOLLONESHOT", 0)


class Connection(Protocol):
    """The part of a socket that a watch needs, whether the socket is Python's, gevent's or a TLS socket."""

    def fileno(self) -> int:
        """Return the descriptor; -1 for a closed socket."""


class Watch:
    """One watched connection."""

    __slots__ = ("_callback", "_connection", "_watcher", "descriptor")

    def __init__(self, connection: Connection, callback: Callable[[], object], watcher: Watcher) -> None:
        self._connection = connection
        self.descriptor = connection.fileno()
        self._callback: Callable[[], object] | None = callback
        self._watcher = watcher

    def cancel(self) -> None:
        """Stop watching. Must be called before the connection's next request, from any thread or greenlet.

        May be called more than once, and after the callback. It does not wait for a running callback.
        """
        self._callback = None
        self._watcher.remove(self)

    def is_over(self) -> bool:
        """Return whether this side closed the connection, so that its descriptor may belong to another one by now."""
        return self._connection.fileno() != self.descriptor

    def has_left(self) -> bool:
        """Return whether the peer has shut its side or the connection is broken, without reading any byte."""
        poll = _original("poll")()
        poll.register(self.descriptor, _POLLRDHUP or select.POLLIN)
        for _, events in poll.poll(0):
            return bool(events & ~select.POLLIN) or _is_at_end(self._connection)
        return False

    def fire(self) -> None:
        """Call the callback, unless it was called before or the watch was cancelled."""
        callback, self._callback = self._callback, None
        if callback is None:
            return
        try:
            callback()
        except Exception:
            _logger.exception("The callback for a client's disconnect failed: %r", callback)


def bare_socket(connection: Connection) -> Any:
    """Return the operating system's socket, for methods that TLS and gevent override.

    A duplicate of the descriptor would also do, but making one can switch the connection to non-blocking mode
    (``socket.setdefaulttimeout``).
    """
    return getattr(connection, "_sock", connection)


def _is_at_end(connection: Connection) -> bool:
    """Return whether the next read of a readable connection would meet the end of input or an error."""
    try:
        return not _socket.socket.recv(bare_socket(connection), 1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True


class Watcher:
    """A watcher for every platform, which polls all connections every :data:`PEEK_SECONDS`.

    Where the platform does not tell the end of input from input, the end is noticed only after all bytes before it
    were read.
    """

    def __init__(self) -> None:
        self.process = os.getpid()
        self._lock = make_lock()
        self._watches: dict[int, Watch] = {}
        self._stop: Callable[[], None] | None = None

    def add(self, connection: Connection, callback: Callable[[], object]) -> Watch:
        """Watch a connection.

        :raises OSError: if the connection cannot be watched.
        :raises ValueError: if the connection is closed; some watchers raise :exc:`OSError` for it.
        """
        watch = Watch(connection, callback, self)
        with self._lock:
            self._begin(watch.descriptor)
            # An older watch here means that its connection was closed unnoticed, and this one got its descriptor.
            self._watches[watch.descriptor] = watch
        return watch

    def remove(self, watch: Watch) -> None:
        """Forget a watch, unless a newer connection has its descriptor or the watch belongs to another process."""
        if os.getpid() != self.process:
            return  # the connections are shared with the parent, which goes on watching
        with self._lock:
            if self._watches.get(watch.descriptor) is watch:
                del self._watches[watch.descriptor]
                self._end(watch.descriptor)

    def report(self, descriptors: Iterable[int]) -> None:
        """Call the callbacks of the descriptors whose peer has left."""
        for descriptor in descriptors:
            with self._lock:
                watch = self._watches.get(descriptor)
                if watch is None:
                    continue
                # Checked again, because the event may belong to an earlier connection with this descriptor.
                is_over = watch.is_over()
                if not is_over and not watch.has_left():
                    self._again(descriptor)
                    continue
                self.remove(watch)
            if not is_over:
                watch.fire()

    def _begin(self, descriptor: int) -> None:
        if not hasattr(select, "poll") or not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            raise OSError("no socket, or no select.poll")
        if descriptor in self._watches and not self._watches[descriptor].is_over():
            raise OSError("watched already")
        if self._stop is None:
            self._stop = call_every(PEEK_SECONDS, self._look)

    def _again(self, descriptor: int) -> None:
        """Go on watching after a report without a disconnect."""

    def _end(self, descriptor: int) -> None:
        if not self._watches and self._stop is not None:
            self._stop()
            self._stop = None

    def _look(self) -> None:
        poll = _original("poll")()
        for descriptor in list(self._watches):
            poll.register(descriptor, _POLLRDHUP or select.POLLIN)
        self.report(descriptor for descriptor, _ in poll.poll(0))


class EpollWatcher(Watcher):
    """A watcher with one epoll, whose ``EPOLLRDHUP`` reports the end of input even behind unread bytes.

    Without ``EPOLLIN`` unread bytes do not wake the watcher, and with ``EPOLLONESHOT`` a connection wakes it once.
    """

    def __init__(self) -> None:
        super().__init__()
        self._epoll: Any = None

    def _begin(self, descriptor: int) -> None:
        if self._epoll is None:
            epoll = _original("epoll")()
            spawn(lambda: self._run(epoll), "datastar-watcher")
            self._epoll = epoll
        self._epoll.register(descriptor, _EPOLL_EVENTS)

    def _again(self, descriptor: int) -> None:
        with suppress(OSError):
            self._epoll.modify(descriptor, _EPOLL_EVENTS)

    def _end(self, descriptor: int) -> None:
        # A connection that was closed has left the epoll already.
        with suppress(OSError):
            self._epoll.unregister(descriptor)

    def _run(self, epoll: Any) -> None:
        with _waiting_for(epoll) as (wait, timeout):
            while True:
                wait()
                # gevent keeps greenlets across a fork; the child's copy must not take the parent's events.
                if os.getpid() != self.process:
                    return
                self.report([descriptor for descriptor, _ in epoll.poll(timeout)])


@contextmanager
def _waiting_for(epoll: Any) -> Iterator[tuple[Callable[[], object], int]]:
    """Yield a function that waits for an epoll, and the timeout for the poll that follows."""
    if is_gevent():
        from gevent import get_hub

        hub = get_hub()
        # ref=False lets a program exit that waits for nothing else.
        readable = hub.loop.io(epoll.fileno(), 1, ref=False)
        try:
            yield lambda: hub.wait(readable), 0
        finally:
            readable.close()
    else:
        yield lambda: None, -1


def _original(name: str) -> Any:
    """Return an object of :mod:`select` as it is without gevent, which removes ``epoll`` and replaces ``poll``."""
    monkey = sys.modules.get("gevent.monkey")
    return getattr(select, name) if monkey is None else monkey.get_original("select", name)


def _make_watcher() -> Watcher:
    """Create the watcher that fits the platform; gevent leaves the constants of epoll in place."""
    return EpollWatcher() if _EPOLL_EVENTS else Watcher()


_watcher = PerProcess(_make_watcher)


def current_watcher() -> Watcher:
    """Return the watcher of this process."""
    return _watcher.get()
