"""Applications for the doctor, side by side below paths: a good one, and one for each fault that is the app's own."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Flask, Response, g, render_template_string
from flask_wtf import CSRFProtect
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix

from flask_datastar import Datastar

PAGE = """<!doctype html>
<html {{ datastar.html_attrs() }}>
<head>{{ datastar.script() }}</head>
<body {{ datastar.tab_signal() }}></body>
</html>
"""


def make_nonce() -> str:
    if "nonce" not in g:
        g.nonce = secrets.token_urlsafe(16)
    return str(g.nonce)


def make_app(*, has_csrf: bool = True, has_proxy_fix: bool = False, policy: Any = None, **config: Any) -> Flask:
    app = Flask("doctored")
    app.config.update(
        SECRET_KEY="only for tests",
        SESSION_COOKIE_SAMESITE="Lax",
        DATASTAR_KEEPALIVE_SECONDS=1,
        DATASTAR_DOCTOR=True,
    )
    app.config.from_prefixed_env("EXTRA")
    app.config.update(config)
    if has_csrf:
        CSRFProtect(app)
    datastar = Datastar(app, csp_nonce=make_nonce)

    @app.get("/ready")
    def ready() -> str:
        return ""

    @app.get("/")
    def index() -> str:
        return render_template_string(PAGE)

    @app.post("/notes")
    def add_note() -> str:
        return ""

    @datastar.stream(group="t")
    def follow() -> Any:
        return datastar.follow("news")

    @app.after_request
    def add_policy(response: Response) -> Response:
        text = policy() if policy is not None else f"script-src 'nonce-{make_nonce()}'"
        response.headers["Content-Security-Policy"] = text
        return response

    if has_proxy_fix:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)  # type: ignore[method-assign]
    return app


def strict() -> str:
    return "default-src 'self'"


def proxied(**options: Any) -> Flask:
    return make_app(**{"has_proxy_fix": True, "SESSION_COOKIE_SECURE": True} | options)


#: Path → the app behind a proxy, and those with a fault.
MOUNTED = {
    "/proxied": proxied(),
    "/compressed": proxied(DATASTAR_COMPRESSION=["gzip"]),
    "/seldom-alive": proxied(DATASTAR_KEEPALIVE_SECONDS=8),
    "/without-csrf": proxied(has_csrf=False),
    "/strict": proxied(policy=strict),
    "/without-proxy-fix": proxied(has_proxy_fix=False),
    "/without-secure": proxied(SESSION_COOKIE_SECURE=False),
    "/without-samesite": proxied(SESSION_COOKIE_SAMESITE=None),
}

app = DispatcherMiddleware(make_app(), MOUNTED)
