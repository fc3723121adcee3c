"""Streams that the application refuses or fails to open: an expired login, a page that is gone, an exception.

The client repeats a stream's request forever if the response is an error, and its page never sees a redirect. So a
refusal becomes a response that the client understands: the redirect, if there is one, and the id of a stream that is
done. A response to an exception gets an ending as well: the page comes back, later each time.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any

from flask import Request, Response, request
from werkzeug.exceptions import HTTPException

from ..errors import SetupError
from ..reading.signals import is_datastar_request
from ..sansio.consts import RESERVED_ID_PREFIX, STREAM_REFUSAL_KEY
from ..sansio.endings import Ending, EndingKind, ending_block
from ..sending.flush import flush
from ..sending.redirects import REDIRECTS, convert_redirect, redirect_event
from ..sending.response import EventResponse, finish
from ..state.app import AppState, with_context
from ..state.request import RequestState, request_state_of
from .failures import answer_failure, as_events, is_repeated, start_with_cookies

_REFUSALS = frozenset({401, 403, 404, 405, 410})
#: The redirects that the client's ``fetch`` follows with the same method; before a stream they are left to it.
_FOLLOWED = frozenset({307, 308})
_DONE = ending_block(Ending(EndingKind.DONE), None)
#: Statuses of responses that refuse a stream.
REFUSED = _REFUSALS | REDIRECTS


def install_refusals(app_state: AppState) -> None:
    """Record the status of each request's exception, also if an error handler handles it."""
    app = app_state.app
    handle = app.handle_user_exception

    def note_and_handle(*arguments: Any) -> Any:
        # The last argument is the exception; newer versions of Flask pass the context, too.
        state = request_state_of(request._get_current_object())  # type: ignore[attr-defined]
        if state is not None:
            state.failed_with = _status_of(arguments[-1])
        return handle(*arguments)

    app.handle_user_exception = note_and_handle  # type: ignore[assignment, method-assign]


def _status_of(error: BaseException) -> int:
    """Return the status that an exception asks for; 0 for a failure.

    What is wrong with the server or with the setup is shown as a 500 to whoever sets the app up.
    """
    if isinstance(error, HTTPException):
        return error.code or 500
    return 500 if isinstance(error, SetupError) else 0


def asks_for_stream(current: Request, app_state: AppState) -> bool:
    """Return whether the client requests a stream: a declared one, or a plain view that calls ``start_stream()``."""
    endpoint = current.endpoint
    if endpoint is None or not is_datastar_request(current):
        return False
    if endpoint in app_state.stream_endpoints:
        return True
    if current.method != "GET":
        return False
    last_id = current.headers.get("Last-Event-ID", "")
    return last_id.startswith(RESERVED_ID_PREFIX) or app_state.parts[PlainStreams][endpoint]


def note_variants(app_state: AppState, response: Response) -> Response:
    """Mark a response for caches: the answer to another ``Accept-Encoding`` may differ."""
    if app_state.settings.compression:
        response.vary.add("Accept-Encoding")
    return response


class PlainStreams(dict[str, bool]):
    """Endpoint of a plain view → whether it opens streams: it has done so before, or its code can."""

    def __init__(self, app_state: AppState) -> None:
        super().__init__()
        self._app = app_state.app

    def __missing__(self, endpoint: str) -> bool:
        found = self[endpoint] = any(
            "start_stream" in code.co_names for code in _codes(self._app.view_functions.get(endpoint), set())
        )
        return found


def _codes(function: object, seen: set[int]) -> Iterator[CodeType]:
    """Yield the code of a view function, of the function that it decorates, and of the functions inside them."""
    if id(function) in seen:
        return
    seen.add(id(function))
    view_class = getattr(function, "view_class", None)
    if isinstance(view_class, type):
        yield from _codes(getattr(view_class, "get", None), seen)
        yield from _codes(getattr(view_class, "dispatch_request", None), seen)
    inner = getattr(function, "func", None) or getattr(function, "__func__", None)
    yield from _codes(inner, seen) if inner is not None else ()
    if isinstance(function, FunctionType):
        yield from _nested(function.__code__)
        for cell in function.__closure__ or ():
            try:
                yield from _codes(cell.cell_contents, seen)
            except ValueError:
                # Not assigned yet.
                continue


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _nested(constant)


def end_stream(response: Response, current: Request, state: RequestState) -> Response:
    """Convert a response in a stream's place to one with an ending that the client understands."""
    if response.status_code in REFUSED:
        return refuse_stream(response, current, state)
    if state.failed_with is not None and is_repeated(response, state):
        is_refused = state.failed_with in _REFUSALS
        return answer_failure(response, current, state, _DONE if is_refused else None)
    return finish(response, state) if isinstance(response, EventResponse) else response


def refuse_stream(response: Response, current: Request, state: RequestState) -> EventResponse:
    """Return a response with status 200, the redirect if there is one, and the id after which the client stays away."""
    current.environ[STREAM_REFUSAL_KEY] = response
    converted = convert_redirect(response, current, state)
    if not isinstance(converted, EventResponse):
        converted = start_with_cookies(response, state)
    converted.status_code = 200
    converted.event_queue.append(_DONE)
    return finish(converted, state)


# In the middle of a stream


def refusal_of(error: Exception, state: RequestState) -> Response | None:
    """Return the refusal that the application makes of an exception; None for a failure.

    Error handlers run, as they do before a stream opens, and what they make of a refusal is still one. Called while the
    exception is handled; what was queued before it is dropped.
    """
    app = state.app_state.app
    state.reset()
    try:
        response = app.make_response(app.handle_user_exception(*with_context(error)))
    except Exception:
        # No error handler takes the exception, or the handler itself fails.
        return None
    is_answered = response.status_code == 200 and state.failed_with in _REFUSALS
    return response if is_answered or is_refusal(response) else None


def is_refusal(result: object) -> bool:
    """Return whether the result of a generator, or of an error handler, refuses the stream.

    After the first byte, no redirect is left that the client could follow by itself.
    """
    return isinstance(result, Response) and result.status_code in REFUSED | _FOLLOWED


def refusal_events(response: Response, state: RequestState) -> bytes:
    """Return what is sent before the end of a refused stream: the redirect, or what an error handler responded."""
    request.environ[STREAM_REFUSAL_KEY] = response
    if response.status_code not in REDIRECTS | _FOLLOWED:
        is_shown = response.status_code == 200 or isinstance(response, EventResponse)
        answered = as_events(response, state) if is_shown else None
        return flush(state, answered) if answered is not None else b""
    current = request._get_current_object()  # type: ignore[attr-defined]
    try:
        event = redirect_event(response, current, state)
    except ValueError as error:
        state.app_state.app.logger.warning("Datastar: the redirect of stream %s is refused: %s", current.path, error)
        return b""
    return event.encode() if event is not None else b""
