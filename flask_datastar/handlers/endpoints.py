"""The endpoints of a handler in an app, and their URL rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from flask import Flask
from flask.blueprints import BlueprintSetupState
from werkzeug.exceptions import NotFound

from ..state.app import AppState
from .dispatch import make_view_function
from .handler import EVENT_ARGUMENT, EVERY_EVENT, Handler, Kind

#: The dispatcher blueprint's name.
BLUEPRINT = "datastar"


def install_handler(app_state: AppState, handler: Handler) -> None:
    """Make a handler reachable in an app, below the dispatcher blueprint; also after the first request.

    If an earlier declaration of the same function has endpoints, they get the new handler.
    """
    app = app_state.app
    view = make_view_function(app_state, handler)
    endpoints = app_state.endpoints.setdefault(handler.key, [])
    for endpoint in endpoints:
        app.view_functions[endpoint] = view
    if not endpoints and handler.blueprint is None:
        endpoint = f"{BLUEPRINT}.{handler.key}"
        add_rule(app, _path(app_state, handler), endpoint, view, handler.methods)
        endpoints.append(endpoint)
    if handler.kind is Kind.STREAM:
        app_state.stream_endpoints.update(endpoints)


def install_in_blueprint(app_state: AppState, handler: Handler, setup: BlueprintSetupState) -> None:
    """Make a handler reachable as an endpoint of a user's blueprint, behind its guards and below its URL prefix."""
    view = make_view_function(app_state, handler)
    setup.add_url_rule(_path(app_state, handler), handler.key, view, methods=list(handler.methods))
    endpoint = f"{setup.name_prefix}.{setup.name}.{handler.key}".lstrip(".")
    app_state.endpoints.setdefault(handler.key, []).append(endpoint)
    if handler.kind is Kind.STREAM:
        app_state.stream_endpoints.add(endpoint)


def retire_handler(app_state: AppState, handler: Handler) -> None:
    """Make a handler unreachable in an app. Its rules stay, because a URL map cannot drop rules."""

    def gone(**url_values: Any) -> NoReturn:
        raise NotFound

    for endpoint in app_state.endpoints.pop(handler.key, []):
        app_state.app.view_functions[endpoint] = gone


def add_rule(
    app: Flask, path: str, endpoint: str, view: Callable[..., Any], methods: Iterable[str], **options: Any
) -> None:
    """Add a URL rule, even after the first request, when Flask's own ``add_url_rule`` refuses to."""
    rule = app.url_rule_class(path, methods={*methods, "OPTIONS"}, endpoint=endpoint, **options)
    rule.provide_automatic_options = True  # type: ignore[attr-defined]
    app.url_map.add(rule)
    app.view_functions[endpoint] = view


def _path(app_state: AppState, handler: Handler) -> str:
    name = f"<{EVENT_ARGUMENT}>" if handler.name == EVERY_EVENT else handler.name
    return f"{app_state.settings.url_prefix}/{handler.group}/{name}"
