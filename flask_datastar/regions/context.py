"""The context that a region's function runs in: an app context of its own, without a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import Context
from typing import Any, NamedTuple, TypeVar

from flask import has_request_context, request
from flask.ctx import AppContext
from werkzeug.routing import MapAdapter

from ..state.app import AppState
from ..state.detached import Detached, find_detached, rendering_detached
from ..streams.commits import scoped_session

T = TypeVar("T")


class Mount(NamedTuple):
    """The part of an app that a page belongs to, on which the URLs in a view depend."""

    #: The path that the app is mounted at, without a slash at the end.
    root_path: str
    #: The name of the page's blueprint if that blueprint is registered several times, else None.
    blueprint: str | None = None

    def __str__(self) -> str:
        return self.root_path if self.blueprint is None else f"{self.root_path}#{self.blueprint}"


def current_mount(app_state: AppState) -> Mount:
    """Return the mount of the current request or rendering."""
    if has_request_context():
        return Mount(request.root_path.rstrip("/"), _registration(app_state.app.blueprints, request.blueprint))
    place = find_detached()
    if place is not None:
        return Mount(place.root_path, place.blueprint)
    return Mount(app_state.app.config["APPLICATION_ROOT"].rstrip("/"))


def _registration(blueprints: Mapping[str, object], name: str | None) -> str | None:
    own = blueprints.get(name) if name is not None else None
    is_repeated = own is not None and sum(one is own for one in blueprints.values()) > 1
    return name if is_repeated else None


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


def run_detached(app_state: AppState, place: Detached, function: Callable[[], T]) -> T:
    """Call a function without a request, with empty context variables and a ``g`` of its own."""

    def run() -> T:
        with rendering_detached(place), _app_context(app_state, place):
            return function()

    return Context().run(run)


def run_in_page(app_state: AppState, place: Detached, function: Callable[[], T], session: Any) -> T:
    """Call a function as :func:`run_detached` does, with a database session of the page, which stays open.

    :param session: the page's session; None without Flask-SQLAlchemy.
    """
    scoped = scoped_session(app_state.app) if session is not None else None

    def run() -> T:
        context = _app_context(app_state, place)
        error: BaseException | None = None
        with rendering_detached(place):
            context.push()
            try:
                if scoped is not None:
                    scoped.registry.set(session)
                return function()
            except BaseException as raised:
                error = raised
                raise
            finally:
                if scoped is not None:
                    # The end of this context would close the session otherwise.
                    scoped.registry.clear()
                # Teardown functions may also close what the page still uses, such as the session of its thread.
                # Without anything in g, they have nothing of this context to close.
                if any(True for _ in context.g):
                    context.pop(error)

    return Context().run(run)


def _app_context(app_state: AppState, place: Detached) -> AppContext:
    context = app_state.app.app_context()
    context.url_adapter = _path_adapter(app_state, place.root_path)
    return context


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
