"""The check of the server that a stream is opened on, or that publishes: refuse what would fail without a word."""

from __future__ import annotations

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
    """Refuse servers that cannot hold streams, and processes that would not get each other's broadcasts.

    :raises SetupError: if it is such a server; the message says what to use.
    """
    name, is_one_of_many = environ.get("SERVER_SOFTWARE"), environ.get("wsgi.multiprocess")
    has_socket = "gunicorn.socket" in environ or "werkzeug.socket" in environ
    known = getpid(), name, has_socket, environ.get("wsgi.multithread"), is_one_of_many, find_blocked_loop(environ)
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
    """Refuse to publish where most tabs would not get it; warn where that is likely.

    :raises SetupError: as :func:`check_processes`.
    """
    if has_request_context():
        check_processes(app_state, request.environ, is_publishing=True)
    elif app_state.settings.broker_url is None and not app_state.has_served:
        app_state.warn_once(
            "Datastar: published from a process that has served no request (a command, a background job): streams of "
            "other processes do not hear it without DATASTAR_BROKER_URL"
        )


def warn_of_processes(app_state: AppState, environ: Mapping[str, Any]) -> None:
    """Warn of several processes without a broker when a worker serves its first request.

    The refusal by :func:`check_processes` comes when somebody publishes, and may have committed a row already.
    """
    if not environ.get("wsgi.multiprocess") or app_state.settings.broker_url is not None:
        return
    if not app_state.stream_endpoints:
        return
    if (refusal := find_server(environ).refusal) is not None:
        app_state.warn_once(f"Datastar: streams and publishing will be refused here, because {refusal}")
        return
    app_state.warn_once(
        "Datastar: several processes serve streams here, which do not hear of each other's broadcasts: streams and "
        "publishing will be refused. Run one worker (gunicorn -w 1), or set DATASTAR_BROKER_URL (redis://…, or "
        "memory:// if each process may keep to itself)"
    )


def check_processes(app_state: AppState, environ: Mapping[str, Any], *, is_publishing: bool = False) -> None:
    """Refuse several processes without a broker: most tabs would not get what is broadcast.

    :param is_publishing: whether a server that cannot hold streams may be the reason.
    :raises SetupError: if no broker is configured; an explicit ``memory://`` is warned of, once.
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
        "this server runs several processes, which do not hear of each other's broadcasts; run one worker "
        "(gunicorn -w 1), or set DATASTAR_BROKER_URL (redis://…, or memory:// if each process may keep to itself)"
    )
