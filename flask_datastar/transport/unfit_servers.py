"""Servers that cannot hold streams: how each is recognised, and why."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

from .event_loops import EventLoop, find_blocked_loop
from .wakeups import is_gevent
from .worker import holds_streams

Environ = Mapping[str, Any]

#: The name of a server, and the rest of the sentence that refuses it; None for all others.
Refusal = tuple[str, str] | None

_USE = "use gunicorn's gevent worker (gunicorn -k gevent), its gthread worker, or flask run"
_ONE_AT_A_TIME = f"handles one request at a time, and a stream would block it; {_USE}"
#: Module that runs a WSGI application for an ASGI server → its name.
_BRIDGES = {
    "a2wsgi.wsgi": "a2wsgi",
    "asgiref.wsgi": "asgiref",
    "hypercorn.app_wrappers": "Hypercorn",
    "starlette.middleware.wsgi": "Starlette's WSGIMiddleware",
    "uvicorn.middleware.wsgi": "uvicorn's WSGIMiddleware",
}
#: Modules that call a WSGI application in an event loop, or in the threads of one.
_EVENT_LOOPS = {"anyio._backends._asyncio", "asyncio.events", "concurrent.futures.thread"}


def _event_loop(environ: Environ) -> Refusal:
    """Recognise an event loop on which streams cannot wait."""
    loop = find_blocked_loop()
    if loop is EventLoop.GEVENT:
        return "gevent", (
            "serves here, but threads are not patched, so that one stream would stop all requests; call "
            "gevent.monkey.patch_all() first of all, before anything else is imported (gunicorn -k gevent does it by "
            "itself)"
        )
    if loop is EventLoop.EVENTLET and "gunicorn.socket" in environ:
        return "gunicorn's eventlet worker", f"removes what tells streams that a client leaves (select.epoll); {_USE}"
    if loop is EventLoop.EVENTLET:
        return "eventlet", f"sends nothing before it has 4096 bytes, and does not say when a client leaves; {_USE}"
    return None


def _uwsgi(environ: Environ) -> Refusal:
    if "uwsgi.version" not in environ or environ.get("wsgi.multithread") or is_gevent():
        return None
    return "uWSGI", (
        "handles one request at a time in each process here, and a stream would block it; give it threads "
        "(--threads 20), gevent (--gevent 1000 --gevent-monkey-patch), or use gunicorn -k gevent"
    )


def _bridge(environ: Environ) -> Refusal:
    """Recognise what runs WSGI applications for another kind of server, by the modules that call."""
    # All of these say that there are several processes, and leave their name out.
    if "asgi.scope" not in environ and ("SERVER_SOFTWARE" in environ or not environ.get("wsgi.multiprocess")):
        return None
    callers = calling_modules()
    if "bjoern" in callers:
        return "bjoern", _ONE_AT_A_TIME
    name = next((name for module, name in _BRIDGES.items() if module in callers), "")
    if not name and "tornado.wsgi" in (sys.modules if callers & _EVENT_LOOPS else callers):
        return "Tornado", f"collects a response before it sends any of it, and a stream has no end; {_USE}"
    if not (name or "asgi.scope" in environ or callers & _EVENT_LOOPS):
        return None
    return name or "a bridge", (
        "runs this application for an ASGI server and does not say when a client leaves, so that each page would hold "
        f"one of its few threads forever; {_USE}"
    )


def calling_modules() -> set[str]:
    """Return the names of all modules whose functions are running, up to the server's."""
    frame, names = sys._getframe(), set()
    while frame is not None:
        names.add(str(frame.f_globals.get("__name__")))
        frame = frame.f_back  # type: ignore[assignment]
    return names


def is_wsgiref(environ: Environ) -> bool:
    """Return whether the standard library's server serves a request."""
    return str(environ.get("SERVER_SOFTWARE", "")).startswith("WSGIServer/")


def _process_for_each(environ: Environ) -> Refusal:
    is_forking = "werkzeug.socket" in environ and environ.get("wsgi.multiprocess") and not holds_streams(environ)
    if not (is_forking or environ.get("wsgi.run_once")):
        return None
    name = "Werkzeug's server with processes" if is_forking else "this server"
    return name, f"starts a process for each request, and streams need a process that stays; {_USE}"


def _one_at_a_time(environ: Environ) -> Refusal:
    name = str(environ.get("SERVER_SOFTWARE", ""))
    if holds_streams(environ) and (environ.get("wsgi.multithread") or not name or is_gevent()):
        return None
    if "gunicorn.socket" in environ:
        return "gunicorn's sync worker", _ONE_AT_A_TIME
    if "werkzeug.socket" in environ:
        return "Werkzeug's server without threads", _ONE_AT_A_TIME
    if not is_wsgiref(environ):
        return name, _ONE_AT_A_TIME
    # With the standard library's mix-in for threads, it still says that it has no threads.
    return None if "process_request_thread" in threading.current_thread().name else ("wsgiref's server", _ONE_AT_A_TIME)


#: The first one that recognises the server decides.
REFUSALS: tuple[Callable[[Environ], Refusal], ...] = (
    *(_event_loop, _uwsgi, _bridge, _process_for_each, _one_at_a_time),
)
