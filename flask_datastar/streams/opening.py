"""Opening a stream: what the last ending means, whose stream it is, whether there is room, and the response."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from typing import Any
from uuid import UUID

from flask import Request, Response, session
from werkzeug.exceptions import ServiceUnavailable

from .._state import AppState, RequestState
from ..errors import SetupError
from ..generators import queue_result
from ..reading import read_page_id, read_signals, read_tab_id
from ..response import EventResponse, response_of, take_queue, take_tracked
from ..sansio.consts import QUERY_KEY
from ..sansio.endings import Ending, Reason, parse_ending
from ..sansio.signals import patch_signals
from ..tabs import TabEntry
from ..transport import worker
from .body import FollowBody, GeneratorBody, StreamBody
from .broadcasts import scope_topic
from .hub import StreamHub, hub_of
from .waiting import Follow

Scope = str | int | UUID | None
#: Sent first on a stream that came back: the client keeps the interval that the last ending gave it.
_USUAL_RETRY = b"retry: 1000\n\n"


class StreamResponse(EventResponse):
    """The response of a stream. Called by the server, it hands out the body itself, and keeps nothing."""

    body: StreamBody
    #: The name of the cookie that Flask must not send again only because a session is permanent; None to let it.
    session_cookie: str | None = None

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Start the response and connect the body with the server."""
        headers = [
            (name, value)
            for name, value in self.get_wsgi_headers(environ).to_wsgi_list()
            if not (name == "Set-Cookie" and self.session_cookie and value.startswith(f"{self.session_cookie}="))
        ]
        write = start_response(self.status, headers)
        # What holds the request: a stream that only follows lives for hours without it.
        environ.pop("werkzeug.request", None)
        self.body.connect(environ, start_response, write)
        return self.body


def open_stream(
    state: RequestState,
    request: Request,
    run: Callable[[], object],
    *,
    scope: Scope | Callable[[], Scope],
    endpoint: str,
    describe: Callable[[], str],
    before_wait: Iterable[Callable[[], object]],
) -> Response:
    """Open a stream for the current request.

    :param run: calls the user's function; it gives a generator, a :class:`Follow`, or a response that is sent instead.
    :param scope: whose stream it is; None and "" mean that it does not replace another one.
    :raises SetupError: the server cannot hold streams, or other processes would not hear of anything.
    :raises werkzeug.exceptions.ServiceUnavailable: there is no room (503).
    """
    app_state = state.app_state
    check_server(app_state, request)
    before = parse_ending(request.headers.get("Last-Event-ID"))
    if before is not None and before.reason is Reason.DONE:
        return Response(status=204)
    signals = read_signals(request, state)
    tab, page = read_tab_id(signals), read_page_id(signals)
    prelude = _USUAL_RETRY if before is not None else b""
    hub = hub_of(app_state)
    owner = _scope_text(scope() if callable(scope) else scope)
    url = _own_url(request)
    if before is not None and before.reason is Reason.REPLACED:
        prelude += b"id: \n\n"
        if page is not None and page != before.page:
            # A duplicated tab: it gets an id of its own, the same for all its streams, and lives on beside the first.
            tab = sha256(page.encode()).hexdigest()[:16]
            prelude += patch_signals({"tabId": f"{tab}.{page}"}).encode()
        elif not (owner and tab) or hub.restore_id(owner, tab, page, url):
            app_state.warn_once(
                "Datastar: stream %s was asked for twice by one page; the second request is answered 204. The browser "
                "can do so by itself when it is shown again; otherwise use tab_signal() for the tab id",
                endpoint,
            )
            return Response(status=204)
        # Else the stream that took the place has gone meanwhile, and the page has none.
    stream = hub.new_stream()
    if owner and tab:
        stream.entry = TabEntry(owner, tab, page, url, endpoint, time.time(), stream.end_as)
    _check_room(hub, owner, tab)
    result = run()
    if isinstance(result, Response):
        return result
    if owner:
        state.subscriptions.append(
            Follow.of_stream(hub, scope_topic(owner), *([scope_topic(owner, tab)] if tab else []))
        )
    details = (owner, tab, endpoint)
    common = (hub, stream, prelude, details, before or Ending(Reason.RESTART))
    body: StreamBody
    if isinstance(result, Follow):
        # What was set before goes out first.
        queued = take_queue(response_of(state)) + (take_tracked(state) if state.tracked.is_pending else b"")
        body = FollowBody(hub, stream, prelude + queued, *common[3:], subscriptions=state.subscriptions)
        state.subscriptions = []
    elif isinstance(result, Iterator):

        def add_result(item: object) -> None:
            queue_result(response_of(state), item, describe)

        callbacks = (*before_wait, *_release_database(app_state))
        body = GeneratorBody(*common, events=result, state=state, add_result=add_result, before_wait=callbacks)
    else:
        raise TypeError(
            f"stream {describe()} gave {type(result).__name__}; accepted: a generator, datastar.follow(…), "
            "or a flask.Response"
        )
    if worker.is_stopping():
        hub.end_restarting(stream, "stopping")
    return _response(state, body)


def check_server(app_state: AppState, request: Request) -> None:
    """Refuse servers that cannot hold streams, and processes that would not hear of each other.

    :raises SetupError: it is one; the text says what to use.
    """
    environ = request.environ
    if not worker.holds_streams(environ):
        raise SetupError(
            "this server answers one request at a time, and a stream would block it; use gunicorn's gevent worker "
            "(gunicorn -k gevent), its gthread worker, or flask run"
        )
    check_processes(app_state, environ)


def check_processes(app_state: AppState, environ: dict[str, Any]) -> None:
    """Refuse several processes without a broker: most tabs would hear nothing.

    :raises SetupError: nothing is configured; an explicit ``memory://`` is warned of, once.
    """
    if environ.get("wsgi.multiprocess"):
        if app_state.settings.broker_url is None:
            raise SetupError(
                "this server runs several processes, which do not hear of each other's broadcasts; run one worker "
                "(gunicorn -w 1), or set DATASTAR_BROKER_URL ('memory://' if each process may keep to itself)"
            )
        app_state.warn_once(
            "Datastar: several processes with DATASTAR_BROKER_URL = 'memory://': a broadcast reaches the streams of "
            "its own process only"
        )


def _response(state: RequestState, body: StreamBody) -> Response:
    response = StreamResponse(state.app_state)
    response._datastar_streams = True
    response.body = body
    response.response = body
    response.session_cookie = None if session.modified else state.app_state.app.config["SESSION_COOKIE_NAME"]
    # Headers and cookies that the function set on its response so far.
    current = state.response
    if current is not None:
        for name, value in current.headers:
            if name not in response.headers:
                response.headers.add(name, value)
    return response


def _release_database(app_state: AppState) -> list[Callable[[], object]]:
    """Give Flask-SQLAlchemy's session back while a stream waits: thousands of streams share a pool of a few."""
    database = app_state.app.extensions.get("sqlalchemy")
    session = getattr(database, "session", None)
    return [session.remove] if session is not None else []


def _check_room(hub: StreamHub, owner: str, tab: str | None) -> None:
    settings = hub.app_state.settings
    if hub.open_count >= settings.max_streams:
        hub.app_state.app.logger.warning("Datastar: %d streams are open (DATASTAR_MAX_STREAMS)", hub.open_count)
        raise ServiceUnavailable("too many streams are open here; try again later")
    if owner and hub.registry.is_full(owner, tab, settings.max_streams_per_scope):
        hub.app_state.app.logger.warning(
            "Datastar: scope %r has %d streams already (DATASTAR_MAX_STREAMS_PER_SCOPE)",
            owner,
            settings.max_streams_per_scope,
        )
        raise ServiceUnavailable("too many streams are open for one user; close a tab")


def _scope_text(scope: Scope) -> str:
    if scope is None:
        return ""
    if isinstance(scope, bool) or not isinstance(scope, str | int | UUID):
        raise TypeError(f"scope is {type(scope).__name__}; accepted: str, int, UUID or None")
    return str(scope)


def _own_url(request: Request) -> str:
    """Give path and query without the signals: what tells a page's streams from each other."""
    query = "&".join(
        part for part in request.query_string.decode("latin-1").split("&") if not part.startswith(f"{QUERY_KEY}=")
    )
    return f"{request.root_path}{request.path}?{query}"
