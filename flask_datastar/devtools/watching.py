"""The start of the timeline: at the first request of an app in debug mode, around the app's function for servers."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from flask import got_request_exception, has_request_context, request

from ..hooks import region_rendered
from ..state.app import AppState
from .browsers import find_browser, is_known_host, naming
from .panel import FOLDER, answer_panel
from .renders import Renders
from .timeline import Timeline
from .visit import VISIT, StartResponse, Visit, Wsgi, kind_of


def watch_requests(app_state: AppState, app: Wsgi) -> Wsgi:
    """Show all requests of a browser in its timeline from now on.

    :param app: the app's function for servers.
    :return: the function that takes its place.
    """
    timeline = app_state.part(Timeline)
    prefix = f"{app_state.settings.url_prefix}/"
    app_state.page_script = partial(_page_script, app_state)
    # Receivers are kept weakly otherwise. A second call connects the same part again.
    region_rendered.connect(app_state.part(Renders).note, app_state.app, weak=False)
    got_request_exception.connect(_note_exception, app_state.app, weak=False)

    def watched(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if not app_state.app.debug or not is_known_host(app_state.app, environ):
            return app(environ, start_response)
        if environ.get("PATH_INFO", "").startswith(f"{prefix}{FOLDER}/"):
            return answer_panel(timeline, environ)(environ, start_response)
        kind = kind_of(environ, prefix)
        browser = find_browser(environ)
        if kind is None or (browser is None and kind != "page"):
            return app(environ, start_response)
        if browser is None:
            return app(environ, naming(environ, start_response))
        visit = Visit(timeline, timeline.records_of(browser), kind, environ)
        if kind != "page":
            # Compressed events could not be read here, nor easily in the browser's own tools.
            environ.pop("HTTP_ACCEPT_ENCODING", None)
        return visit.run(app, environ, start_response)

    return watched


def _note_exception(sender: Any, exception: BaseException, **more: Any) -> None:
    visit = request.environ.get(VISIT) if has_request_context() else None
    if isinstance(visit, Visit):
        visit.fail(exception, request.environ)


def _page_script(app_state: AppState) -> str:
    """Return the URL of the panel's script for the page of the current request; "" for a page without a panel."""
    if not app_state.app.debug or app_state.app.testing or not has_request_context():
        return ""
    if not is_known_host(app_state.app, request.environ):
        app_state.warn_once(
            "Datastar: the timeline is not shown under the name %r, because another site may point a name of its own "
            "to this machine; use localhost or an address, or add the name to TRUSTED_HOSTS",
            request.host,
        )
        return ""
    return f"{request.root_path}{app_state.settings.url_prefix}/{FOLDER}/panel.js"
