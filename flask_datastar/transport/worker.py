"""The process that serves: whether it is about to stop, and whether it can hold streams at all."""

from __future__ import annotations

import atexit
import os
import signal
from collections.abc import Mapping
from typing import Any

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


def holds_streams(environ: Mapping[str, Any]) -> bool:
    """Whether the server of a request can hold a stream and still serve others.

    gunicorn's sync worker and a development server without threads cannot. Of a server that hands out no socket nothing
    is known, so it is trusted.
    """
    has_socket = "gunicorn.socket" in environ or "werkzeug.socket" in environ
    return not has_socket or bool(environ.get("wsgi.multithread"))


def _is_worker_stopping() -> bool:
    # A bound method's __self__ is the worker, a function of C's its module: that has no such attribute.
    workers = (getattr(signal.getsignal(number), "__self__", None) for number in _WORKER_SIGNALS)
    return any(getattr(worker, "alive", None) is False for worker in workers)
