"""The run of a page's view for the page's stream, which decides the regions of the page and who may see them.

The view runs as for an ordinary visitor. Its HTML and its changes of the session are dropped, and the stream follows
the regions that it has shown; their functions are not called in the run. So a visitor who may not see the page any
longer does not get its stream, and a region that fails does not stop the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Request, Response, session
from werkzeug.exceptions import HTTPException

from ..reading.signals import REQUEST_HEADER_KEY, is_datastar_request
from ..sansio.consts import QUERY_KEY
from ..sansio.endings import Ending, EndingKind, ending_block, parse_ending
from ..sansio.scripts import execute_script
from ..sending.response import finish, response_of
from ..state.app import AppState
from ..state.request import RequestState
from ..streams.commits import scoped_session
from ..streams.current import hub_of
from ..streams.follow import Follow
from ..streams.opening import StreamOptions, find_owner, open_response
from ..streams.refusals import REFUSED, end_stream
from ..streams.running import add_subscription
from ..streams.servers import check_server
from .digests import Shown, read_shown
from .following import ViewSource
from .rendering import spec_of
from .shown import ShownViews, find_shown_views, start_run

LIVE_HEADER = "Datastar-Live"
#: The key of this header in an environ.
LIVE_KEY = "HTTP_DATASTAR_LIVE"
_KEY = "_flask_datastar_live_run"
#: The header ``Accept`` of a browser that opens a page.
_ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
#: An id by which the client's next request tells that the stream was open before: the page may have changed by then.
_OPEN_ID = b"id: live\n\n"


@dataclass(slots=True)
class LiveRun:
    """The parts of a stream's request that are hidden while the request looks like a visitor's."""

    environ: dict[str, Any]
    query: bytes
    shown: Shown
    #: Whether the page's stream had been open before.
    is_repeated: bool


def find_live_run(current: Request) -> LiveRun | None:
    """Return the live run of a request; None for any other request."""
    found: LiveRun | None = current.__dict__.get(_KEY)
    return found


def start_live_run(app_state: AppState, current: Request) -> Response | None:
    """Make the request for a page's stream look like a visitor's, before any other code reads it.

    :return: the response, if the view need not run; else None.
    """
    environ = current.environ
    if LIVE_KEY not in environ or current.method != "GET" or not is_datastar_request(current):
        return None
    last_id = environ.get("HTTP_LAST_EVENT_ID", "")
    ending = parse_ending(last_id) if last_id else None
    if ending is not None and ending.kind is EndingKind.DONE:
        return Response(status=204)
    check_server(app_state, environ)
    if not hub_of(app_state).has_place():
        return Response("too many streams are open here; try again later", status=503, mimetype="text/plain")
    names = (REQUEST_HEADER_KEY, "HTTP_ACCEPT", "HTTP_LAST_EVENT_ID", "QUERY_STRING")
    own = {name: environ[name] for name in names if name in environ}
    current.__dict__[_KEY] = LiveRun(own, current.query_string, read_shown(environ[LIVE_KEY]), bool(last_id))
    start_run(current)
    for name in own:
        del environ[name]
    query = without_signals(current.query_string.decode("latin-1"))
    _look_as(current, {"HTTP_ACCEPT": _ACCEPT, "QUERY_STRING": query}, query.encode("latin-1"))
    return None


def finish_live_run(run: LiveRun, response: Response, current: Request, state: RequestState) -> Response:
    """Replace the response of the view by the stream."""
    # A redirect's "next" becomes the Referer, and the client's request comes from this page.
    page = current.url
    _look_as(current, {**run.environ, "HTTP_REFERER": page}, run.query)
    session.modified = False
    if response.status_code in REFUSED:
        return end_stream(response, current, state)
    if response.status_code >= 400 or state.failed_with is not None:
        return response
    shown = find_shown_views(current)
    response.close()
    state.reset()
    if shown is None or not shown.is_live:
        return _without_live(run, current, state)
    # Before the session ends: a user whose row was committed meanwhile could not be read afterwards.
    owner = find_owner(state.app_state, shown.scope)
    scoped = scoped_session(state.app_state.app)
    if scoped is not None:
        # The stream stays open for hours, and its views have sessions of their own.
        scoped.remove()
    options = StreamOptions(owner, [])
    try:
        return open_response(state, lambda: _follow(run, shown, state), options, lambda: f"of page {current.path}")
    except HTTPException as error:
        # Flask would answer 500 if it were raised here.
        return state.app_state.app.make_response(error.get_response(current.environ))


def _follow(run: LiveRun, shown: ShownViews, state: RequestState) -> Follow:
    sources = []
    for view, mount, _ in shown.top.values():
        spec = spec_of(view, mount)
        # After the first connection the header is out of date: the stream has changed the page.
        known = None if run.is_repeated else run.shown.digest_of(spec.identity)
        # Where the page's digest is missing, it has called live() before it showed the region.
        sources.append(ViewSource(state.app_state, spec, known, is_back=run.is_repeated, is_hasty=True))
    feed = Follow(hub_of(state.app_state), (), sources=tuple(sources))
    add_subscription(state, feed)
    response_of(state).event_queue.append(_OPEN_ID)
    return feed


def _without_live(run: LiveRun, current: Request, state: RequestState) -> Response:
    """Answer a run that did not call ``datastar.live()``: the page came from a cache, or it has changed."""
    answer = response_of(state)
    if run.is_repeated:
        answer._emit(execute_script("window.location.reload()"))
    else:
        state.app_state.warn_once(
            "Datastar: the page %s is not live: its view did not call datastar.live() when the stream was opened; do "
            "not cache the page, and call datastar.live() for every visitor",
            current.path,
        )
    answer.event_queue.append(ending_block(Ending(EndingKind.DONE), None))
    return finish(answer, state)


def without_signals(query: str) -> str:
    """Return a query string without the parameter that carries signals."""
    return "&".join(part for part in query.split("&") if part.partition("=")[0] != QUERY_KEY)


def _look_as(current: Request, environ: dict[str, Any], query: bytes) -> None:
    current.environ.update(environ)
    current.query_string = query
    # Flask caches what was read of the query there.
    for name in ("args", "url", "full_path", "values"):
        current.__dict__.pop(name, None)
