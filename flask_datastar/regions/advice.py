"""Warnings of debug mode about regions that work, but not as their author may expect."""

from __future__ import annotations

from functools import partial

from flask import Response, after_this_request, has_request_context, request
from werkzeug.exceptions import BadRequest

from ..reading.signals import is_datastar_request, read_signals
from ..reading.tabs import read_tab
from ..state.app import AppState
from ..state.request import find_request_state
from .live import LiveViews
from .region import RegionView
from .shown import find_shown_views
from .view import Rendered, ViewSpec

#: A page in a browser: the two parts of its tab id.
Page = tuple[str | None, str | None]


class Followed:
    """The views that each page follows in this process. In debug mode only."""

    def __init__(self, app_state: AppState) -> None:
        self._app = app_state.app
        #: The source of one stream → its page, and the identity of its view.
        self._pages: dict[object, tuple[Page, str]] = {}
        #: The keys of regions that streams of the app's own have followed.
        self.by_own_streams: set[str] = set()
        #: The endpoints of pages that may open such streams, and were loaded.
        self.loaded: set[str | None] = set()

    def add(self, source: object, spec: ViewSpec) -> None:
        """Add a view that the page of the current request follows from now on."""
        page = _current_page() if self._app.debug else None
        if page is not None:
            self._pages[source] = page, spec.identity

    def drop(self, source: object) -> None:
        """Drop a view that is not followed any longer."""
        self._pages.pop(source, None)

    def has(self, page: Page, identities: set[str]) -> bool:
        """Return whether a page follows one of several views."""
        return any(found == page and identity in identities for found, identity in list(self._pages.values()))


def advise_of_sending(app_state: AppState, views: LiveViews, spec: ViewSpec) -> None:
    """Warn of a response that sends a view to a page whose stream brings the view as well."""
    if not has_request_context() or not is_datastar_request(request):
        return
    page = _current_page()
    if page is not None and app_state.part(Followed).has(page, views.holders_of(spec.identity)):
        app_state.warn_once(
            f"Datastar: {request.endpoint} sends region {spec} to a page that follows it: its response and the stream "
            "have no order, so the page may keep an older state; commit, and let the stream bring the region"
        )


def advise_of_page(app_state: AppState) -> None:
    """Warn, at the end of the request, of a page that shows a region and does not stay current."""
    # With the first region of the page. The run for its stream has noted the page before, and gets no warning.
    if has_request_context() and not is_datastar_request(request) and find_shown_views(request) is None:
        after_this_request(partial(_advise_at_end, app_state))


def _advise_at_end(app_state: AppState, response: Response) -> Response:
    shown = find_shown_views(request)
    if shown is None or not shown.top or response.mimetype != "text/html" or response.status_code >= 400:
        return response
    followed = app_state.part(Followed)
    views = [view for view, _, _ in shown.top.values()]
    view = next((view for view in views if view.region.key not in followed.by_own_streams), views[0])
    if request.method == "POST" and shown.is_live:
        app_state.warn_once(
            f"Datastar: {request.endpoint} responds to a POST with a page that shows region {view}: a page is live at "
            "the URL of a GET, so this one is not; respond with a redirect to it"
        )
    elif request.method == "GET" and not shown.is_live and view.region.key not in followed.by_own_streams:
        if request.endpoint not in followed.loaded and _may_open_stream(response):
            # Whether its own stream follows the region is known when the page is loaded next.
            followed.loaded.add(request.endpoint)
            return response
        app_state.warn_once(
            f"Datastar: the page of {request.endpoint} shows region {view} and has no datastar.live(), and no stream "
            "has followed it, so nothing keeps it current; write {{ datastar.live() }} at its end, or let the page's "
            f"own stream return datastar.follow({view.region.name}(…))"
        )
    return response


def _may_open_stream(response: Response) -> bool:
    """Return whether a page has an action that may open a stream of the app's own."""
    return not response.is_sequence or b"@get(" in response.get_data()


def advise_of_reads(app_state: AppState, view: RegionView, rendered: Rendered) -> None:
    """Warn, in debug mode, of a region that nothing but ``changed()`` renders again."""
    region = view.region
    is_outer = any(not isinstance(part, str) for part in rendered.parts)
    has_read = bool(rendered.reads or rendered.topics or is_outer)
    if app_state.app.debug and region.tables is None and region.topics is None and not has_read:
        app_state.warn_once(
            f"Datastar: region {region.key} has read no table and has no topic, so that only changed() renders it "
            "again; name its topics= or tables=, or write tables=() if this is meant"
        )


def _current_page() -> Page | None:
    """Return the page of the current request; None if it is unknown."""
    state = find_request_state()
    if state is None:
        return None
    try:
        page = read_tab(request, read_signals(request, state))
    except BadRequest:
        return None
    return page if page[1] is not None else None
