"""Servers that streams cannot work on, refused before messages are lost silently."""

from __future__ import annotations

from collections.abc import Mapping
from os import getpid
from typing import Any

from flask import has_request_context, request

from ..errors import SetupError
from ..hub.limits import SPARE_THREADS, max_streams
from ..state.app import AppState
from ..transport import worker


def check_server(app_state: AppState, environ: Mapping[str, Any]) -> None:
    """Check that a server can hold streams, and that its processes get each other's messages.

    :raises SetupError: if not; the message says what to use.
    """
    has_socket = "gunicorn.socket" in environ or "werkzeug.socket" in environ
    server = getpid(), has_socket, environ.get("wsgi.multithread"), environ.get("wsgi.multiprocess")
    if server in app_state.fit_servers:
        return
    if not worker.holds_streams(environ):
        raise SetupError(
            "this server handles one request at a time, and a stream would block it; use gunicorn's gevent worker "
            "(gunicorn -k gevent), its gthread worker, or flask run"
        )
    if max_streams(app_state.settings) < 1:
        raise SetupError(
            f"gunicorn's gthread worker has {worker.thread_count()} threads here, and streams leave "
            f"{SPARE_THREADS} to other requests; use more (--threads 20), or the gevent worker (gunicorn -k gevent)"
        )
    check_processes(app_state, environ)
    app_state.fit_servers.add(server)


def check_publisher(app_state: AppState) -> None:
    """Refuse to publish where most streams would not get the message; warn where that is likely.

    :raises SetupError: if :func:`check_processes` raises it.
    """
    if has_request_context():
        check_processes(app_state, request.environ)
    elif app_state.settings.broker_url is None and not app_state.has_served:
        app_state.warn_once(
            "Datastar: a process that has served no request (a command, a background job) publishes: the streams of "
            "other processes do not get the message; set DATASTAR_BROKER_URL"
        )


def warn_of_processes(app_state: AppState, environ: Mapping[str, Any]) -> None:
    """Warn of several processes without a broker when a worker serves its first request.

    :func:`check_processes` refuses only when a request publishes, perhaps after it has committed a row.
    """
    if environ.get("wsgi.multiprocess") and app_state.settings.broker_url is None and app_state.stream_endpoints:
        app_state.warn_once(
            "Datastar: several processes serve streams here, which do not get each other's broadcasts: streams and "
            "publishing will be refused; run one worker (gunicorn -w 1), or set DATASTAR_BROKER_URL (redis://…, or "
            "memory:// if each process may keep to itself)"
        )


def check_processes(app_state: AppState, environ: Mapping[str, Any]) -> None:
    """Refuse several processes without a broker: messages would not reach most streams.

    :raises SetupError: if no broker is configured; for an explicit ``memory://`` a warning is logged once.
    """
    url = app_state.settings.broker_url
    if environ.get("wsgi.multiprocess") and (url is None or url.startswith("memory:")):
        if url is None:
            raise SetupError(
                "this server runs several processes, which do not get each other's broadcasts; run one worker "
                "(gunicorn -w 1), or set DATASTAR_BROKER_URL (redis://…, or memory:// if each process may "
                "keep to itself)"
            )
        app_state.warn_once(
            "Datastar: several processes with DATASTAR_BROKER_URL = 'memory://': a broadcast reaches the streams of "
            "its own process only"
        )
