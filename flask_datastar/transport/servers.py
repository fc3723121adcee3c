"""The server of a request: whether it can hold streams, and how many threads it has."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .unfit_servers import REFUSALS, calling_modules, is_wsgiref
from .wakeups import is_gevent

Environ = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Server:
    """The facts about a server that streams need."""

    name: str = "this server"
    #: Why it cannot hold streams, and what to use instead; None if it can.
    refusal: str | None = None
    #: How many requests it handles at a time, if each takes a thread of a fixed pool; None without such a limit, and
    #: where the number cannot be found.
    threads: int | None = None
    #: The option that sets the number of threads; "" if there is no such number.
    option: str = ""
    #: Whether it has such a pool, and its size cannot be found.
    hides_threads: bool = False
    #: The option for several processes, if the server runs them without a word to the application; "" otherwise.
    hidden_processes: str = ""


def find_server(environ: Environ) -> Server:
    """Find out what serves a request; called by the thread or greenlet that does.

    A server that nothing is known of is trusted, as a test client is.
    """
    for refuse in REFUSALS:
        if (found := refuse(environ)) is not None:
            name, reason = found
            return Server(name, f"{name} {reason}")
    for find in _FINDERS:
        if (server := find(environ)) is not None:
            return server
    return Server()


def _with_threads(name: str, threads: object, option: str) -> Server:
    """Return a server with a pool of threads, whose size is known if it is a number."""
    count = threads if isinstance(threads, int) and not isinstance(threads, bool) else None
    return Server(name, threads=count, option=option, hides_threads=count is None)


def _gunicorn(environ: Environ) -> Server | None:
    if "gunicorn.socket" not in environ or is_gevent():
        return None
    # The process itself knows the number, from the worker.
    return Server("gunicorn's gthread worker", option="--threads 20")


def _without_pool(environ: Environ) -> Server | None:
    """Find servers that start a thread or a greenlet for each request."""
    name = str(environ.get("SERVER_SOFTWARE", ""))
    return Server(name or "this server") if is_gevent() or "werkzeug.socket" in environ or not name else None


def _uwsgi(environ: Environ) -> Server | None:
    if "uwsgi.version" not in environ:
        return None
    options: Mapping[str, Any] = getattr(sys.modules.get("uwsgi"), "opt", {})
    # Its greenlets have a fixed number, too. Values are bytes.
    count = options.get("gevent" if is_gevent() else "threads")
    return _with_threads(
        "uWSGI",
        int(count) if count is not None and count.isdigit() else None,
        "--gevent 1000" if is_gevent() else "--threads 20",
    )


def _waitress(environ: Environ) -> Server | None:
    # The name can be configured.
    if environ.get("SERVER_SOFTWARE") != "waitress" and "waitress.client_disconnected" not in environ:
        return None
    channel = getattr(environ.get("waitress.client_disconnected"), "__self__", None)
    return _with_threads("waitress", getattr(getattr(channel, "adj", None), "threads", None), "--threads=20")


def _cheroot(environ: Environ) -> Server | None:
    current: Any = threading.current_thread()
    if not type(current).__module__.startswith("cheroot."):
        return None
    pool = getattr(getattr(current, "server", None), "requests", None)
    return _with_threads("cheroot", getattr(pool, "min", None), "numthreads=20")


def _mod_wsgi(environ: Environ) -> Server | None:
    if "mod_wsgi.version" not in environ:
        return None
    count = getattr(sys.modules.get("mod_wsgi"), "threads_per_process", None)
    return _with_threads("mod_wsgi", count, "WSGIDaemonProcess … threads=20")


def _granian(environ: Environ) -> Server | None:
    if environ.get("SERVER_SOFTWARE") != "Granian":
        return None
    return Server("Granian", option="--blocking-threads 20", hides_threads=True, hidden_processes="--workers")


def _twisted(environ: Environ) -> Server | None:
    if "SERVER_SOFTWARE" in environ or "twisted.web.wsgi" not in calling_modules():
        return None
    return _with_threads("Twisted", None, "ThreadPool(maxthreads=20)")


def _wsgiref(environ: Environ) -> Server | None:
    # With the standard library's mix-in for threads; without it, it is refused.
    return Server("wsgiref") if is_wsgiref(environ) else None


def _other(environ: Environ) -> Server | None:
    return _with_threads(str(environ["SERVER_SOFTWARE"]), None, "")


#: The first one that knows the server decides.
_FINDERS: tuple[Callable[[Environ], Server | None], ...] = (
    *(_gunicorn, _uwsgi, _waitress, _cheroot, _mod_wsgi, _granian, _twisted),
    *(_without_pool, _wsgiref, _other),
)
