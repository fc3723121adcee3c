"""The watcher of all connections of a process, of the kind that the system allows."""

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

from .ticker import current_ticker
from .wakeups import PerProcess, is_gevent, make_lock, spawn

_logger = logging.getLogger(__name__)

#: How often connections are looked at where the platform cannot report the peer's end of input.
PEEK_SECONDS: Final = 0.1

# What only one of the systems has: 0 asks poll for nothing.
_POLLRDHUP: int = getattr(select, "POLLRDHUP", 0)
_EPOLL_EVENTS: int = getattr(select, "EPOLLRDHUP", 0) | getattr(select, "EPOLLONESHOT", 0)


class Connection(Protocol):
    """What is needed of a socket, be it Python's, gevent's or one of TLS."""

    def fileno(self) -> int:
        """Give the descriptor, -1 when it is closed."""


class Watch:
    """One watched connection."""

    __slots__ = ("_callback", "_connection", "_watcher", "descriptor")

    def __init__(self, connection: Connection, callback: Callable[[], object], watcher: Watcher) -> None:
        self._connection = connection
        self.descriptor = connection.fileno()
        self._callback: Callable[[], object] | None = callback
        self._watcher = watcher

    def cancel(self) -> None:
        """Stop watching, at the latest before the connection's next request; from any thread or greenlet.

        May be called twice and after the callback. A callback that has begun is not waited for.
        """
        self._callback = None
        self._watcher.remove(self)

    def is_over(self) -> bool:
        """Whether the connection was closed on this side, so that its descriptor may be another one's by now."""
        return self._connection.fileno() != self.descriptor

    def has_left(self) -> bool:
        """Whether the peer has shut its side or the connection is broken; takes no byte from it."""
        poll = _original("poll")()
        poll.register(self.descriptor, _POLLRDHUP or select.POLLIN)
        for _, events in poll.poll(0):
            return bool(events & ~select.POLLIN) or _is_at_end(self._connection)
        return False

    def fire(self) -> None:
        """Call the callback, once."""
        callback, self._callback = self._callback, None
        if callback is None:
            return
        try:
            callback()
        except Exception:
            _logger.exception("What was to be done when a client left failed: %r", callback)


def bare_socket(connection: Connection) -> Any:
    """Give the operating system's socket, for methods that TLS and gevent put others in front of.

    A duplicate would do for any object with a descriptor, but making one can change the connection to non-blocking
    (``socket.setdefaulttimeout``).
    """
    return getattr(connection, "_sock", connection)


def _is_at_end(connection: Connection) -> bool:
    """Whether the next read of a readable connection would find the end of input or an error."""
    try:
        return not _socket.socket.recv(bare_socket(connection), 1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True


class Watcher:
    """Watches by asking for all connections every :data:`PEEK_SECONDS`: works everywhere.

    Where the system does not tell the end of input from input, it is seen only once nothing unread is before it.
    """

    def __init__(self) -> None:
        self.process = os.getpid()
        self._lock = make_lock()
        self._watches: dict[int, Watch] = {}
        self._stop: Callable[[], None] | None = None

    def add(self, connection: Connection, callback: Callable[[], object]) -> Watch:
        """Watch a connection.

        :raises OSError: it cannot be watched (or :exc:`ValueError`).
        """
        watch = Watch(connection, callback, self)
        with self._lock:
            self._begin(watch.descriptor)
            # One that is there already was closed without a word: this connection has got its descriptor.
            self._watches[watch.descriptor] = watch
        return watch

    def remove(self, watch: Watch) -> None:
        """Forget a watch, unless a newer connection has its descriptor or it is another process's."""
        if os.getpid() != self.process:
            return  # what is watched is shared with the parent, which goes on watching
        with self._lock:
            if self._watches.get(watch.descriptor) is watch:
                del self._watches[watch.descriptor]
                self._end(watch.descriptor)

    def report(self, descriptors: Iterable[int]) -> None:
        """Call back for those of the descriptors whose peer has left."""
        for descriptor in descriptors:
            with self._lock:
                watch = self._watches.get(descriptor)
                if watch is None:
                    continue
                # Asked again, because it may have been an earlier connection with this descriptor.
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
            self._stop = current_ticker().every(PEEK_SECONDS, self._look)

    def _again(self, descriptor: int) -> None:
        """Go on watching after a report that was none."""

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
    """Watches by one epoll, whose ``EPOLLRDHUP`` tells the end of input although unread bytes are before it.

    Without ``EPOLLIN`` those bytes wake nobody, and with ``EPOLLONESHOT`` a connection wakes the watcher once.
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
        # It may be closed by now, which took it out.
        with suppress(OSError):
            self._epoll.unregister(descriptor)

    def _run(self, epoll: Any) -> None:
        with _waiting_for(epoll) as (wait, timeout):
            while True:
                wait()
                # gevent keeps the greenlets over a fork: the child's copy must not take what is its parent's.
                if os.getpid() != self.process:
                    return
                self.report([descriptor for descriptor, _ in epoll.poll(timeout)])


@contextmanager
def _waiting_for(epoll: Any) -> Iterator[tuple[Callable[[], object], int]]:
    """Give how to wait for an epoll, and with which timeout to poll it then."""
    if is_gevent():
        from gevent import get_hub

        hub = get_hub()
        # ref=False: a program that has nothing else to wait for may end.
        readable = hub.loop.io(epoll.fileno(), 1, ref=False)
        try:
            yield lambda: hub.wait(readable), 0
        finally:
            readable.close()
    else:
        yield lambda: None, -1


def _original(name: str) -> Any:
    """Give what is in :mod:`select` without gevent, which removes ``epoll`` and replaces ``poll``."""
    monkey = sys.modules.get("gevent.monkey")
    return getattr(select, name) if monkey is None else monkey.get_original("select", name)


def _make_watcher() -> Watcher:
    """Choose by what the system has; gevent leaves the constants of epoll where they are."""
    return EpollWatcher() if _EPOLL_EVENTS else Watcher()


_watcher = PerProcess(_make_watcher)


def current_watcher() -> Watcher:
    """Give the watcher of this process."""
    return _watcher.get()
