"""The server process: whether it is stopping, how many threads it has, and whether it can hold streams."""

from __future__ import annotations

import atexit
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .wakeups import PerProcess, is_gevent

# Signals that methods of gunicorn's workers handle. An application may replace some of these handlers, rarely all.
_WORKER_SIGNALS = [
    getattr(signal, name) for name in ("SIGTERM", "SIGQUIT", "SIGWINCH", "SIGABRT", "SIGUSR1") if hasattr(signal, name)
]

# The ids of processes that are stopping, and of those with an exit hook. Ids, because a forked child is in neither set.
_stopping: set[int] = set()
_hooked: set[int] = set()


def is_stopping() -> bool:
    """Return whether this process is stopping, for a deploy, a reload or ``max_requests``.

    The check is cheap, for calls twenty times a second. Polling is needed because ``max_requests`` sends no signal, and
    it leaves all signal handlers in place.
    """
    process = os.getpid()
    if process not in _hooked:
        _hooked.add(process)
        atexit.register(begin_stop)
    return process in _stopping or _is_worker_stopping()


def begin_stop() -> None:
    """Mark this process as stopping, where it cannot be detected.

    For a hook that a server calls in the worker, and for tests.
    """
    _stopping.add(os.getpid())


def before_exit(function: Callable[[], Callable[[], object] | None]) -> None:
    """Call the function behind a weak reference when this process exits, while its daemon threads still run.

    For the development server, which stops without notice. Under gevent nothing is called, because the greenlets end
    with the main one.

    :param function: a weak reference; returns the function, or None if it is gone.
    """
    process = os.getpid()

    def call() -> None:
        if os.getpid() == process and not is_gevent() and (found := function()) is not None:
            found()

    atexit.register(call)


def holds_streams(environ: Mapping[str, Any]) -> bool:
    """Return whether the server of a request can hold a stream and still serve other requests.

    gunicorn's sync worker and a development server without threads cannot. A server that does not expose its socket is
    trusted.
    """
    has_socket = "gunicorn.socket" in environ or "werkzeug.socket" in environ
    return not has_socket or bool(environ.get("wsgi.multithread"))


def thread_count() -> int | None:
    """Return how many requests this process can handle at a time, if each takes a thread of a fixed pool.

    The number is looked up once, so call this only while the worker handles requests.

    :return: the number of threads, or None if the server has no such limit or the limit cannot be found.
    """
    return _threads.by_process[os.getpid()]


def note_threads(count: int) -> None:
    """Keep how many threads this process has, as the server of a request shows it."""
    _threads.by_process[os.getpid()] = count


def gunicorn_settings() -> Any:
    """Return the settings of gunicorn in this process, as its worker has them; None on another server."""
    return next((found.cfg for found in _workers() if hasattr(found, "cfg")), None)


def _count_threads() -> int | None:
    for found in _workers():
        if type(found).__module__ == "gunicorn.workers.gthread":
            return int(found.cfg.threads)
    return None


# Kept, because every new stream needs it, and the look at signal handlers would take a tenth of the opening time.
_threads = PerProcess(_count_threads)


def _is_worker_stopping() -> bool:
    return any(getattr(found, "alive", None) is False for found in _workers())


def _workers() -> Iterator[Any]:
    # __self__ is the worker for a bound method; for a C function it is a module, which lacks a worker's attributes.
    for number in _WORKER_SIGNALS:
        if (found := getattr(signal.getsignal(number), "__self__", None)) is not None:
            yield found
