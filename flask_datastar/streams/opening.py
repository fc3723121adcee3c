"""The opening of streams: refusals, the owner, the page's last ending, a place for the stream, and its body."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from flask import Request, Response, request
from werkzeug.exceptions import ServiceUnavailable

from ..errors import SetupError
from ..handlers.handler import Handler
from ..hooks import Reason
from ..hub.hub import Details, StreamHub
from ..hub.places import NoRoom
from ..hub.scopes import Scope, scope_text
from ..hub.stream import Stream
from ..reading.signals import read_signals
from ..reading.tabs import read_tab
from ..sansio.consts import QUERY_KEY, TAB_ID_SIGNAL
from ..sansio.endings import Ending, EndingKind, parse_ending
from ..sansio.signals import patch_signals
from ..sansio.stream_events import OPENED
from ..security.stream_renewal import renewal_for
from ..security.tokens import holds_token
from ..sending.flush import flush
from ..sending.producer import Producer
from ..sending.response import head_response, response_of
from ..sending.results import as_flask_response, queue_result
from ..state.app import AppState
from ..state.request import RequestState
from ..transport import worker
from ..transport.addresses import client_address
from .body import Opening, StreamBody
from .browsers import count_for_browser
from .current import hub_of
from .follow import Addressed, Follow
from .follow_body import FollowBody
from .generator_body import GeneratorBody
from .response import stream_response
from .servers import check_server
from .subscriptions import Subscription

#: Sent first on a stream that came back, because the client still has the interval of the last ending.
_USUAL_RETRY = b"retry: 1000\n\n"
#: Clears the client's last event id.
_NO_ID = b"id: \n\n"

_NO_YIELD = "; its function has no 'yield', which would make it a generator, and returns nothing"

ScopeSource = Scope | Callable[[], Scope]


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """The options of a declared stream.

    :param scope: whose stream it is; None for ``DATASTAR_SCOPE``. With "" it replaces no other stream.
    :param before_wait: functions that are called before a generator waits.
    """

    scope: ScopeSource
    before_wait: list[Callable[[], object]]

    def open(self, state: RequestState, handler: Handler, run: Callable[[], object]) -> Response:
        """Open the stream of a handler for the current request."""
        return open_response(state, run, self, handler.__str__)


@dataclass(slots=True)
class _Visit:
    """The facts about a request for a stream."""

    options: StreamOptions
    endpoint: str
    #: Names the stream, for errors.
    describe: Callable[[], str]
    #: The ending of the page's last stream; None for a first request.
    before: Ending | None
    owner: str
    tab: str | None
    page: str | None
    #: Path and query without the signals: the streams of a page differ by it.
    url: str
    #: Sent before everything else.
    prelude: bytes = b""

    @property
    def details(self) -> Details:
        return self.owner, self.tab, self.endpoint


def open_response(
    state: RequestState,
    run: Callable[[], object],
    options: StreamOptions,
    describe: Callable[[], str],
) -> Response:
    """Open a stream for the current request.

    :param run: calls the user's function, which returns a generator, a :class:`Follow`, or a response that is sent
        instead.
    :param describe: names the stream, for errors.
    :raises SetupError: if the server cannot hold streams, if messages would not reach other processes, or if the
        request has a stream already.
    :raises werkzeug.exceptions.ServiceUnavailable: if there is no room (503).
    """
    current: Request = request._get_current_object()  # type: ignore[attr-defined]
    last_id = current.headers.get("Last-Event-ID")
    before = parse_ending(last_id) if last_id else None
    answer = _refuse_or_answer(state, current, before)
    if answer is not None:
        return answer
    hub = hub_of(state.app_state)
    visit = _Visit(options, str(current.endpoint), describe, before, *_whose(state, current, options.scope))
    if before is not None and not _resolve_ending(visit, before, hub, state.app_state):
        return Response(status=204)
    stream, own = _reserve(visit, hub, state, current)
    state.opening = describe
    try:
        result = as_flask_response(run(), state)
    finally:
        state.opening = None
    if isinstance(result, Response):
        if own is not None:
            # The response may be a stream that the function opened itself, with a subscription of its own.
            own.close()
        return result
    body = _make_body(result, visit, hub, stream, state)
    state.stream_body = body
    if worker.is_stopping():
        hub.stop()
        stream.end(Reason.STOPPING)
    response = stream_response(state, body)
    count_for_browser(state.app_state, current, response)
    return response


def _refuse_or_answer(state: RequestState, current: Request, before: Ending | None) -> Response | None:
    """Return the response to a request that gets no stream, or raise; None if it may get a stream."""
    check_server(state.app_state, current.environ)
    if state.stream_body is not None:
        raise SetupError("this request has opened a stream already, and has one response; open one, and return it")
    if current.method == "HEAD":
        return head_response(state.app_state)
    if before is not None and before.kind is EndingKind.DONE:
        return Response(status=204)
    return None


def _whose(state: RequestState, current: Request, scope: ScopeSource) -> tuple[str, str | None, str | None, str]:
    """Return the owner, tab, page and URL of a :class:`_Visit`."""
    signals = read_signals(current, state)
    query = "&".join(
        part for part in current.query_string.decode("latin-1").split("&") if not part.startswith(f"{QUERY_KEY}=")
    )
    return (
        find_owner(state.app_state, scope),
        *read_tab(current, signals),
        f"{current.root_path}{current.path}?{query}",
    )


def find_owner(app_state: AppState, scope: ScopeSource) -> str:
    """Return the scope of a stream as text, by ``DATASTAR_SCOPE`` where the stream names no scope; "" for nobody.

    :raises TypeError: if the scope does not have an accepted type.
    """
    if scope is None and (default := app_state.settings.scope) is not None:
        return scope_text(default(), "the result of DATASTAR_SCOPE")
    return scope_text(scope() if callable(scope) else scope)


def _resolve_ending(visit: _Visit, before: Ending, hub: StreamHub, app_state: AppState) -> bool:
    """Prepare a visit for the ending of the page's last stream.

    :return: whether the page needs a stream; False if another stream of it is open.
    """
    visit.prelude = _USUAL_RETRY
    if before.kind is not EndingKind.REPLACED:
        return True
    visit.prelude += _NO_ID
    if visit.page is not None and visit.page != before.page:
        # A duplicated tab: it gets an id of its own, the same for all its streams, and stays beside the first tab.
        visit.tab = sha256(visit.page.encode()).hexdigest()[:16]
        visit.prelude += patch_signals({TAB_ID_SIGNAL: f"{visit.tab}.{visit.page}"}).encode()
        return True
    if visit.owner and visit.tab and not hub.tabs.restore(visit.owner, visit.tab, visit.page, visit.url):
        # The stream that replaced it is gone meanwhile, so the page has no stream.
        return True
    app_state.warn_once(
        "Datastar: stream %s was requested twice by one page; the second request gets a 204. The browser may send it "
        "by itself when the page is shown again; otherwise use tab_signal() for the tab id",
        visit.endpoint,
    )
    return False


def _reserve(visit: _Visit, hub: StreamHub, state: RequestState, current: Request) -> tuple[Stream, Follow | None]:
    """Reserve a place for the stream, and subscribe to the events for its owner.

    :return: the stream, and the subscription; None in its place for a stream without an owner.
    :raises werkzeug.exceptions.ServiceUnavailable: if there is no room (503).
    """
    try:
        accepted = current.headers.get("Accept-Encoding")
        stream = hub.new_stream(hub.compression.choose(accepted) if accepted else None)
        hub.reserve(stream, visit.details, visit.page, visit.url, client_address(current.environ))
    except NoRoom as error:
        raise ServiceUnavailable(str(error)) from error
    if stream.entry is None:
        return stream, None
    # Before the function reads its data, so that no event for the owner is lost in between.
    own = Addressed(hub, stream.entry)
    state.subscriptions.append(own)
    return stream, own


def _make_body(result: object, visit: _Visit, hub: StreamHub, stream: Stream, state: RequestState) -> StreamBody:
    """Create the body for the function's result; events and signals that the function has sent go out first.

    :raises TypeError: if the result is not a stream.
    """
    if not isinstance(result, Follow | Iterator):
        raise TypeError(
            f"stream {visit.describe()} gave {type(result).__name__}; accepted: a generator, datastar.follow(…), "
            f"or a flask.Response{_NO_YIELD if result is None else ''}"
        )
    queued = flush(state, state.response)
    stream.last_id = visit.before.last_id if visit.before is not None else ""
    stream.note_ids(queued)
    stream.renewal = renewal_for(state.app_state) if "csrf" in state.app_state.app.extensions else None
    failures = visit.before.failures if visit.before is not None else 0
    subscriptions = [found for found in state.subscriptions if isinstance(found, Subscription)]
    state.subscriptions = []
    has_secret = stream.coding is not None and holds_token(state.app_state, queued)
    opening = Opening(hub, stream, visit.prelude + OPENED + queued, has_secret, visit.details, failures, subscriptions)
    if isinstance(result, Follow):
        return FollowBody(opening)

    def add_result(item: object) -> None:
        queue_result(response_of(state), item, visit.describe)

    return GeneratorBody(opening, Producer(result, state, add_result), state, visit.options.before_wait)
