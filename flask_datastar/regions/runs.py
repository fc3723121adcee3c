"""The run of a page's view for its stream: the view says which regions the page shows, and who may see them.

The view runs as for an ordinary visitor. What it renders is dropped, and so are its changes of the session; the regions
that it has shown are not rendered for it, but followed. So whoever may not see the page any longer does not get its
stream, and a region that fails does not keep the others from it.
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
from ..streams.opening import StreamOptions, open_response
from ..streams.refusals import REFUSED, end_stream
from ..streams.running import add_subscription
from ..streams.servers import check_server
from .digests import Shown, read_shown
from .following import ViewSource
from .rendering import spec_of
from .shown import ShownViews, find_shown_views, start_run

LIVE_HEADER = "Datastar-Live"
#: Where an environ has it.
LIVE_KEY = "HTTP_DATASTAR_LIVE"
_KEY = "_flask_datastar_live_run"
#: What a browser asks for when somebody opens a page.
_ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
#: After it the client's next request says that the stream was open before; its page may show something else by then.
_OPEN_ID = b"id: live\n\n"


@dataclass(slots=True)
class LiveRun:
    """What a stream's request had of its own, while it looks like a visitor's."""

    environ: dict[str, Any]
    query: bytes
    shown: Shown
    #: Whether the page's stream had been open before.
    is_repeated: bool


def find_live_run(current: Request) -> LiveRun | None:
    """Return the run that a request is; None for any other request."""
    found: LiveRun | None = current.__dict__.get(_KEY)
    return found


def start_live_run(app_state: AppState, current: Request) -> Response | None:
    """Make the request for a page's stream look like a visitor's, before anything else sees it.

    :return: the response to a request that needs no run.
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
    """Put the stream in the place of what the view has rendered."""
    # A login page's "next" leads to where the client's request came from, which is this page.
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
    scoped = scoped_session(state.app_state.app)
    if scoped is not None:
        # The stream lives for hours; what it follows has sessions of its own.
        scoped.remove()
    options = StreamOptions(shown.scope, [])
    try:
        return open_response(state, lambda: _follow(run, shown, state), options, lambda: f"of page {current.path}")
    except HTTPException as error:
        # Raised here, Flask would make 500 of it.
        return state.app_state.app.make_response(error.get_response(current.environ))


def _follow(run: LiveRun, shown: ShownViews, state: RequestState) -> Follow:
    sources = []
    for view, mount, _ in shown.top.values():
        spec = spec_of(view, mount)
        # What the page had at first says nothing of what its stream has brought since.
        known = None if run.is_repeated else run.shown.digest_of(spec.identity)
        sources.append(ViewSource(state.app_state, spec, known))
    feed = Follow(hub_of(state.app_state), (), sources=tuple(sources))
    add_subscription(state, feed)
    response_of(state).event_queue.append(_OPEN_ID)
    return feed


def _without_live(run: LiveRun, current: Request, state: RequestState) -> Response:
    """Answer a run that came to no ``datastar.live()``: from a cache, or because the page has changed."""
    answer = response_of(state)
    if run.is_repeated:
        answer._emit(execute_script("window.location.reload()"))
    else:
        state.app_state.warn_once(
            "Datastar: the page %s is not live: its view came to no datastar.live() when its stream was opened; a "
            "page from a cache cannot be live, nor one that only some requests get",
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
    # What was read of the query is kept there.
    for name in ("args", "url", "full_path", "values"):
        current.__dict__.pop(name, None)
