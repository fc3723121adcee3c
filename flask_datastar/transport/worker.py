"""The process that serves: whether it is about to stop, and whether it can hold streams at all."""

from __future__ import annotations

import atexit
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .wakeups import PerProcess, is_gevent

# gunicorn's workers handle these by methods of their own. The application may have taken some of them, rarely all.
_WORKER_SIGNALS = [
    getattr(signal, name) for name in ("SIGTERM", "SIGQUIT", "SIGWINCH", "SIGABRT", "SIGUSR1") if hasattr(signal, name)
]

# The processes, by their ids, that have begun to stop and that will say so at their end: a forked child is neither.
_stopping: set[int] = set()
_hooked: set[int] = set()


def is_stopping() -> bool:
    """Whether this process is about to stop, for a deploy, a reload or ``max_requests``.

    Cheap enough to be asked twenty times a second, which is how it is meant: ``max_requests`` sends no signal, and no
    signal handler has to be taken from anybody.
    """
    process = os.getpid()
    if process not in _hooked:
        _hooked.add(process)
        atexit.register(begin_stop)
    return process in _stopping or _is_worker_stopping()


def begin_stop() -> None:
    """Say that this process is about to stop, where it cannot be seen.

    For a server's hook that is called in the worker, and for tests.
    """
    _stopping.add(os.getpid())


def before_exit(function: Callable[[], Callable[[], object] | None]) -> None:
    """Call what a weak reference gives when this process ends, while its daemon threads still run.

    For the development server, which stops without a word. Not under gevent, whose greenlets end with the main one.
    """
    process = os.getpid()

    def call() -> None:
        if os.getpid() == process and not is_gevent() and (found := function()) is not None:
            found()

    atexit.register(call)


def holds_streams(environ: Mapping[str, Any]) -> bool:
    """Whether the server of a request can hold a stream and still serve others.

    gunicorn's sync worker and a development server without threads cannot. Of a server that hands out no socket nothing
    is known, so it is trusted.
    """
    has_socket = "gunicorn.socket" in environ or "werkzeug.socket" in environ
    return not has_socket or bool(environ.get("wsgi.multithread"))


def thread_count() -> int | None:
    """Give how many requests this process handles at a time, where each takes a thread of a fixed number.

    Looked up once, so not before the worker handles requests.

    :return: None where there is no such number, or it cannot be known.
    """
    return _threads.by_process[os.getpid()]


def _count_threads() -> int | None:
    for found in _workers():
        if type(found).__module__ == "gunicorn.workers.gthread":
            return int(found.cfg.threads)
    return None


# Asked for with every stream that opens; to look at signal handlers takes a tenth of that time.
_threads = PerProcess(_count_threads)


def _is_worker_stopping() -> bool:
    return any(getattr(found, "alive", None) is False for found in _workers())


def _workers() -> Iterator[Any]:
    # A bound method's __self__ is the worker, a function of C's its module: that has nothing of a worker's.
    for number in _WORKER_SIGNALS:
        if (found := getattr(signal.getsignal(number), "__self__", None)) is not None:
            yield found
