"""The context that a region's function runs in: an app context of its own, without a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import Context
from typing import Any, TypeVar

from flask import has_request_context, request
from werkzeug.routing import MapAdapter

from ..state.app import AppState
from ..state.detached import Detached, find_detached, rendering_detached
from ..streams.commits import scoped_session

T = TypeVar("T")


def current_mount(app_state: AppState) -> str:
    """Return the path that the app is mounted at in the current request or rendering, without a slash at the end."""
    if has_request_context():
        return request.root_path.rstrip("/")
    place = find_detached()
    root: str = place.root_path if place is not None else app_state.app.config["APPLICATION_ROOT"]
    return root.rstrip("/")


def lent_session(app_state: AppState) -> Any:
    """Return the current context's ``db.session``, which regions in its page share; None without a database.

    A second session would need a second connection while the request holds the first, and it would not show the rows
    that the request has flushed.
    """
    scoped = scoped_session(app_state.app)
    return scoped() if scoped is not None else None


def drop_connection(app_state: AppState) -> None:
    """Close the database connection of a rendering that has failed, instead of returning it to the pool.

    The exception keeps results that the region has not read to the end. In SQLite, an open cursor keeps the state that
    the database had then, so the next rendering on this connection would not see later writes.
    """
    scoped = scoped_session(app_state.app)
    if scoped is not None and scoped.registry.has():
        scoped().invalidate()


def run_detached(app_state: AppState, place: Detached, function: Callable[[], T], *, session: Any = None) -> T:
    """Call a function without a request, with empty context variables and a ``g`` of its own.

    :param session: the database session that the function uses; None for a new one.
    """

    def run() -> T:
        context = app_state.app.app_context()
        context.url_adapter = _path_adapter(app_state, place.root_path)
        scoped = scoped_session(app_state.app) if session is not None else None
        with rendering_detached(place), context:
            if scoped is not None:
                scoped.registry.set(session)
            try:
                return function()
            finally:
                if scoped is not None:
                    # The end of this context would close the session otherwise.
                    scoped.registry.clear()

    return Context().run(run)


class _PathAdapter(MapAdapter):
    """An adapter that builds paths, even where Flask asks for external URLs for want of a request."""

    def build(
        self,
        endpoint: str,
        values: Mapping[str, Any] | None = None,
        method: str | None = None,
        force_external: bool = False,
        append_unknown: bool = True,
        url_scheme: str | None = None,
    ) -> str:
        """Build the path of an endpoint."""
        return super().build(endpoint, values, method, append_unknown=append_unknown)


def _path_adapter(app_state: AppState, root_path: str) -> MapAdapter:
    config = app_state.app.config
    bound = app_state.app.url_map.bind(
        config["SERVER_NAME"] or "localhost", script_name=root_path or "/", url_scheme=config["PREFERRED_URL_SCHEME"]
    )
    return _PathAdapter(
        bound.map,
        bound.server_name,
        bound.script_name,
        bound.subdomain,
        bound.url_scheme,
        bound.path_info,
        bound.default_method,
    )
