"""The facts that ``flask datastar doctor`` judges: of an app's configuration, of its server, and of a request."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from flask import Flask, Request

from ..errors import SetupError
from ..state.app import AppState
from ..streams.servers import check_server
from ..transport.servers import find_server
from ..transport.wakeups import PerProcess
from ..transport.worker import gunicorn_settings
from .client import find_version
from .doctor_origin import is_checked
from .findings import Facts

_UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}
#: How many views a finding names.
_MOST_NAMED = 3

_process_names: PerProcess[str] = PerProcess(lambda: secrets.token_hex(4))


def config_facts(app_state: AppState) -> Facts:
    """Return what the app's configuration and its URL rules say."""
    app, settings = app_state.app, app_state.settings
    return {
        "has_secret_key": bool(app.secret_key),
        "is_debug": app.debug,
        "has_csrf": "csrf" in app.extensions and bool(app.config.get("WTF_CSRF_ENABLED", True)),
        "plain_views": sorted(_plain_views(app_state))[:_MOST_NAMED],
        "cookies": _cookies(app),
        "has_nonce": settings.csp_nonce is not None,
        "script_url": settings.script_url,
        "client": _client_version(app, settings.script_url),
        "query_handlers": sorted(_query_handlers(app_state))[:_MOST_NAMED],
        "broker": settings.broker_url.partition(":")[0] if settings.broker_url is not None else None,
        "keepalive": settings.keepalive_seconds,
        "max_streams": settings.max_streams,
        "has_streams": app_state.has_streams,
    }


def server_facts(app_state: AppState, environ: Mapping[str, Any]) -> Facts:
    """Return what a request's server is, and whether it can hold streams."""
    gunicorn = gunicorn_settings()
    refusal = None
    try:
        check_server(app_state, environ)
    except SetupError as error:
        refusal = str(error)
    return {
        "process": process_name(),
        "name": find_server(environ).name,
        "refusal": refusal,
        "is_one_of_many": bool(environ.get("wsgi.multiprocess")),
        "open_files": _open_files(),
        "gunicorn": None
        if gunicorn is None
        else {
            "limit_request_line": gunicorn.limit_request_line,
            "worker_connections": gunicorn.worker_connections,
            "worker_class": gunicorn.worker_class_str,
            "has_http2": _has_http2(gunicorn),
        },
    }


def request_facts(request: Request) -> Facts:
    """Return what has arrived of a request of the doctor."""
    environ, headers = request.environ, request.headers
    original = environ.get("werkzeug.proxy_fix.orig")
    return {
        "address": request.remote_addr,
        "scheme": request.scheme,
        "host": request.host,
        "protocol": environ.get("SERVER_PROTOCOL"),
        "connection": headers.get("Connection"),
        "forwarded_for": headers.get("X-Forwarded-For"),
        "has_proxy_fix": original is not None,
        "datastar_request": headers.get("Datastar-Request"),
        "last_event_id": headers.get("Last-Event-ID"),
    }


def process_name() -> str:
    """Return a name for this process, which tells the processes of a cluster apart."""
    return _process_names.by_process[os.getpid()]


def _plain_views(app_state: AppState) -> Iterator[str]:
    """Return the endpoints that change something and check no origin; handlers do that themselves."""
    own = {endpoint for endpoints in app_state.endpoints.values() for endpoint in endpoints}
    for rule in app_state.app.url_map.iter_rules():
        methods = (rule.methods or set()) & _UNSAFE
        if methods and rule.endpoint not in own and not is_checked(app_state, rule.endpoint, methods):
            yield rule.endpoint


def _cookies(app: Flask) -> list[Facts]:
    """Return the attributes of the cookies that the app sets for people who sign in."""
    found = []
    if app.secret_key:
        found.append(_cookie(app, "SESSION_COOKIE"))
    if hasattr(app, "login_manager"):
        found.append(_cookie(app, "REMEMBER_COOKIE"))
    return found


def _cookie(app: Flask, prefix: str) -> Facts:
    return {
        "prefix": prefix,
        "name": app.config.get(f"{prefix}_NAME"),
        "secure": bool(app.config.get(f"{prefix}_SECURE")),
        "samesite": app.config.get(f"{prefix}_SAMESITE"),
    }


def _client_version(app: Flask, script_url: str) -> str | None:
    """Return the version of the client, by its URL or by the file that the app serves; None if neither tells."""
    static, folder = app.static_url_path, app.static_folder
    if static is None or folder is None or not script_url.startswith(f"{static}/"):
        return find_version(script_url)
    path = Path(folder, script_url.partition("?")[0].removeprefix(f"{static}/"))
    try:
        return find_version(path.read_bytes()[:200].decode(errors="replace"))
    except OSError:
        return None


def _query_handlers(app_state: AppState) -> Iterator[str]:
    own = {endpoint for endpoints in app_state.endpoints.values() for endpoint in endpoints}
    for rule in app_state.app.url_map.iter_rules():
        if rule.endpoint in own and rule.methods and "QUERY" in rule.methods:
            yield rule.endpoint


def _has_http2(gunicorn: Any) -> bool:
    if "h2" not in getattr(gunicorn, "http_protocols", ()):
        return False
    return bool(gunicorn.is_ssl) or getattr(gunicorn, "http2_cleartext", "off") != "off"


def _open_files() -> int | None:
    """Return how many files and connections this process may have open; None where that is not known."""
    try:
        import resource
    except ImportError:
        return None
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
