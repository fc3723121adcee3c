"""Servers that streams cannot work on, refused before messages are lost silently."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from os import getpid
from typing import Any

from flask import has_request_context, request

from ..errors import SetupError
from ..hub.limits import SPARE_THREADS, has_own_limit, max_streams
from ..state.app import AppState
from ..transport import worker
from ..transport.event_loops import find_blocked_loop
from ..transport.servers import Server, find_server


def check_server(app_state: AppState, environ: Mapping[str, Any]) -> None:
    """Check that a server can hold streams, and that its processes get each other's messages.

    :raises SetupError: if not; the message says what to use.
    """
    name, is_one_of_many = environ.get("SERVER_SOFTWARE"), environ.get("wsgi.multiprocess")
    has_socket = "gunicorn.socket" in environ or "werkzeug.socket" in environ
    # A process without greenlets is spared the call.
    loop = find_blocked_loop() if "greenlet" in sys.modules else None
    known = getpid(), name, has_socket, environ.get("wsgi.multithread"), is_one_of_many, loop
    if known in app_state.fit_servers:
        return
    server = find_server(environ)
    if server.refusal is not None:
        raise SetupError(server.refusal)
    if server.threads is not None:
        worker.note_threads(server.threads)
    if max_streams(app_state.settings) < 1:
        option = f" ({server.option})" if server.option else ""
        raise SetupError(
            f"{server.name} has {worker.thread_count()} threads here, and streams leave {SPARE_THREADS} to other "
            f"requests; use more{option}, or gunicorn's gevent worker (gunicorn -k gevent)"
        )
    check_processes(app_state, environ)
    _warn_of_unknowns(app_state, server)
    if name or not is_one_of_many:
        # Only the modules that call tell the other ones from bridges to ASGI.
        app_state.fit_servers.add(known)


def _warn_of_unknowns(app_state: AppState, server: Server) -> None:
    """Warn once of what a server does not tell, unless the application has set the keys for it."""
    settings = app_state.settings
    unknown: list[str] = []
    advice: list[str] = []
    if server.hides_threads and not has_own_limit(settings):
        option = f" ({server.option})" if server.option else ""
        unknown.append("threads")
        advice.append(
            f"set DATASTAR_MAX_STREAMS to {SPARE_THREADS} less than that{option}, or streams leave no thread to other "
            "requests"
        )
    if server.hidden_processes and settings.broker_url is None:
        unknown.append("processes")
        advice.append(
            f"set DATASTAR_BROKER_URL if there are several ({server.hidden_processes}), or most tabs miss what is "
            "broadcast"
        )
    if unknown:
        app_state.warn_once(
            f"Datastar: {server.name} does not say how many {' and '.join(unknown)} it has; {'; '.join(advice)}"
        )


def check_publisher(app_state: AppState) -> None:
    """Refuse to publish where most streams would not get the message; warn where that is likely.

    :raises SetupError: if :func:`check_processes` raises it.
    """
    if has_request_context():
        check_processes(app_state, request.environ, is_publishing=True)
    elif app_state.settings.broker_url is None and not app_state.has_served:
        app_state.warn_once(
            "Datastar: a process that has served no request (a command, a background job) publishes: the streams of "
            "other processes do not get the message; set DATASTAR_BROKER_URL"
        )


def warn_of_processes(app_state: AppState, environ: Mapping[str, Any]) -> None:
    """Warn of several processes without a broker when a worker serves its first request.

    :func:`check_processes` refuses only when a request publishes, perhaps after it has committed a row.
    """
    if not environ.get("wsgi.multiprocess") or app_state.settings.broker_url is not None:
        return
    if not app_state.has_streams:
        return
    if (refusal := find_server(environ).refusal) is not None:
        app_state.warn_once(f"Datastar: streams and publishing will be refused here, because {refusal}")
        return
    app_state.warn_once(
        "Datastar: several processes serve streams here, which do not get each other's broadcasts: streams and "
        "publishing will be refused; run one worker (gunicorn -w 1), or set DATASTAR_BROKER_URL (redis://…, or "
        "memory:// if each process may keep to itself)"
    )


def check_processes(app_state: AppState, environ: Mapping[str, Any], *, is_publishing: bool = False) -> None:
    """Refuse several processes without a broker: messages would not reach most streams.

    :param is_publishing: whether a server that cannot hold streams may be the reason.
    :raises SetupError: if no broker is configured; for an explicit ``memory://`` a warning is logged once.
    """
    url = app_state.settings.broker_url
    if not environ.get("wsgi.multiprocess") or not (url is None or url.startswith("memory:")):
        return
    if url is not None:
        app_state.warn_once(
            "Datastar: several processes with DATASTAR_BROKER_URL = 'memory://': a broadcast reaches the streams of "
            "its own process only"
        )
        return
    if is_publishing and (refusal := find_server(environ).refusal) is not None:
        raise SetupError(f"no stream gets what is published here, without DATASTAR_BROKER_URL: {refusal}")
    raise SetupError(
        "this server runs several processes, which do not get each other's broadcasts; run one worker "
        "(gunicorn -w 1), or set DATASTAR_BROKER_URL (redis://…, or memory:// if each process may keep to itself)"
    )
