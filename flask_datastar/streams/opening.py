"""Opening a stream: what the last ending means, whose stream it is, whether there is room, and the response."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256

from flask import Request, Response
from werkzeug.exceptions import ServiceUnavailable

from ..errors import SetupError
from ..hooks import Reason
from ..hub.scopes import Scope, scope_text, scope_topic
from ..hub.tabs import TabEntry
from ..reading.signals import read_page_id, read_signals, read_tab_id
from ..sansio.consts import QUERY_KEY, TAB_ID_SIGNAL
from ..sansio.endings import EndingKind, parse_ending
from ..sansio.signals import patch_signals
from ..security.stream_renewal import renewal_for
from ..sending.flush import flush
from ..sending.producer import Producer
from ..sending.response import head_response, response_of
from ..sending.results import queue_result
from ..state.request import RequestState
from ..transport import worker
from ..transport.addresses import client_address
from .body import FollowBody, StreamBody
from .browsers import count_for_browser
from .current import hub_of
from .follow import Follow
from .generator_body import GeneratorBody
from .response import stream_response
from .servers import check_server

#: Sent first on a stream that came back: the client keeps the interval that the last ending gave it.
_USUAL_RETRY = b"retry: 1000\n\n"


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
    :raises SetupError: the server cannot hold streams, other processes would not hear of anything, or the request has
        one already.
    :raises werkzeug.exceptions.ServiceUnavailable: there is no room (503).
    """
    app_state = state.app_state
    check_server(app_state, request)
    if state.stream_body is not None:
        raise SetupError("this request has opened a stream already, and has one answer; open one, and return it")
    if request.method == "HEAD":
        return head_response(app_state)
    before = parse_ending(request.headers.get("Last-Event-ID"))
    if before is not None and before.kind is EndingKind.DONE:
        return Response(status=204)
    signals = read_signals(request, state)
    tab, page = read_tab_id(signals), read_page_id(signals)
    prelude = _USUAL_RETRY if before is not None else b""
    hub = hub_of(app_state)
    owner = scope_text(scope() if callable(scope) else scope)
    url = _own_url(request)
    if before is not None and before.kind is EndingKind.REPLACED:
        prelude += b"id: \n\n"
        if page is not None and page != before.page:
            # A duplicated tab: it gets an id of its own, the same for all its streams, and lives on beside the first.
            tab = sha256(page.encode()).hexdigest()[:16]
            prelude += patch_signals({TAB_ID_SIGNAL: f"{tab}.{page}"}).encode()
        elif not (owner and tab) or hub.tabs.restore(owner, tab, page, url):
            app_state.warn_once(
                "Datastar: stream %s was asked for twice by one page; the second request is answered 204. The browser "
                "can do so by itself when it is shown again; otherwise use tab_signal() for the tab id",
                endpoint,
            )
            return Response(status=204)
        # Else the stream that took the place has gone meanwhile, and the page has none.
    stream = hub.new_stream()
    if owner:
        stream.entry = TabEntry(owner, tab, page, url, endpoint, time.time(), stream)
    stream.address = client_address(request.environ)
    refusal = hub.refusal(stream.entry, stream.address)
    if refusal is not None:
        raise ServiceUnavailable(refusal)
    own = None
    if stream.entry is not None:
        # Whoever signs its owner out meanwhile means this one, too.
        hub.tabs.expect(stream.entry)
        # Before the function reads what it sends, so that nothing that is sent to its owner falls between.
        own = Follow.of_stream(hub, scope_topic(owner), *([scope_topic(owner, tab)] if tab else []))
        state.subscriptions.append(own)
    result = run()
    if isinstance(result, Response):
        if own is not None:
            # It may be a stream that the function opened itself, with its own.
            own.close()
        return result
    if not isinstance(result, Follow | Iterator):
        raise TypeError(
            f"stream {describe()} gave {type(result).__name__}; accepted: a generator, datastar.follow(…), "
            "or a flask.Response"
        )
    # What was set before goes out first.
    queued = flush(state, response_of(state))
    stream.last_id = before.last_id if before is not None else ""
    stream.note_ids(queued)
    stream.renewal = renewal_for(app_state)
    failures = before.failures if before is not None else 0
    common = (hub, stream, prelude + queued, (owner, tab, endpoint), failures, state.subscriptions)
    if isinstance(result, Follow):
        body: StreamBody = FollowBody(*common)
    else:

        def add_result(item: object) -> None:
            queue_result(response_of(state), item, describe)

        producer = Producer(result, state, add_result)
        body = GeneratorBody(*common, producer=producer, app_state=app_state, before_wait=before_wait)
    state.subscriptions = []
    state.stream_body = body
    if worker.is_stopping():
        hub.stop()
        stream.end(Reason.STOPPING)
    response = stream_response(state, body)
    count_for_browser(app_state, request, response)
    return response


def _own_url(request: Request) -> str:
    """Give path and query without the signals: what tells a page's streams from each other."""
    query = "&".join(
        part for part in request.query_string.decode("latin-1").split("&") if not part.startswith(f"{QUERY_KEY}=")
    )
    return f"{request.root_path}{request.path}?{query}"
