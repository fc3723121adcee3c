"""Streams that the application refuses or fails to open: an expired login, a page that is gone, an exception.

The client repeats a stream's request forever if the response is an error, and its page never sees a redirect. So a
refusal becomes a response that the client understands: the redirect, if there is one, and the id of a stream that is
done. A response with status 200, made by an error handler after an exception, gets an ending as well: the page comes
back, later each time.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import chain
from types import CodeType, FunctionType
from typing import Any

from flask import Request, Response, request
from werkzeug.exceptions import HTTPException

from ..reading.signals import is_datastar_request
from ..sansio import elements, signals
from ..sansio.consts import RESERVED_ID_PREFIX
from ..sansio.endings import Ending, EndingKind, ending_block
from ..sending.flush import flush
from ..sending.redirects import REDIRECTS, convert_redirect, redirect_event
from ..sending.response import EventResponse, finish, start_response
from ..sending.restarts import restart_block
from ..state.app import AppState, with_context
from ..state.request import RequestState, request_state_of

_REFUSALS = frozenset({401, 403, 404, 405, 410})
#: The redirects that the client's ``fetch`` follows with the same method; before a stream they are left to it.
_FOLLOWED = frozenset({307, 308})
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
            error = arguments[-1]
            state.failed_with = (error.code if isinstance(error, HTTPException) else None) or 500
        return handle(*arguments)

    app.handle_user_exception = note_and_handle  # type: ignore[assignment, method-assign]


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
    if response.status_code == 200 and state.failed_with is not None:
        is_own = isinstance(response, EventResponse)
        if response.is_streamed and response.mimetype == "text/event-stream" and not is_own:
            return _append(response, _ending_after(current, state))
        answered = _as_events(response, state)
        if answered is not None:
            answered.event_queue.append(_ending_after(current, state))
            return finish(answered, state)
    return finish(response, state) if isinstance(response, EventResponse) else response


def _ending_after(current: Request, state: RequestState) -> bytes:
    """Return the ending after a response that an error handler made of an exception."""
    if state.failed_with in _REFUSALS:
        return ending_block(Ending(EndingKind.DONE), None)
    return restart_block(current, state.app_state.settings.restart_spread_seconds, random.random)


def _append(response: Response, block: bytes) -> Response:
    """Append a block to events that the application's own generator makes.

    The blank lines end an event that the generator has left open.
    """
    events: Any = response.response
    if hasattr(events, "close"):
        response.call_on_close(events.close)
    response.response = chain(events, [b"\n\n" + block])
    return response


def refuse_stream(response: Response, current: Request, state: RequestState) -> EventResponse:
    """Return a response with status 200, the redirect if there is one, and the id after which the client stays away."""
    converted = convert_redirect(response, current, state)
    if not isinstance(converted, EventResponse):
        converted = _start_with_cookies(response, state)
    converted.status_code = 200
    converted.event_queue.append(ending_block(Ending(EndingKind.DONE), None))
    return finish(converted, state)


def _as_events(response: Response, state: RequestState) -> EventResponse | None:
    """Return a response as events. The client patches HTML and JSON as well, but they cannot carry an ending.

    :return: the response; None for other types, and for events that have an ending already.
    """
    if isinstance(response, EventResponse):
        return response
    if response.is_streamed:
        return None
    if response.mimetype == "text/event-stream":
        # Events that the application has written by hand.
        data = response.get_data()
        if f"\nid: {RESERVED_ID_PREFIX}".encode() in b"\n" + data:
            return None
        answered = _start_with_cookies(response, state)
        answered.event_queue.append(data)
        return answered
    try:
        if response.mimetype == "text/html":
            options: Any = {
                name: response.headers[f"datastar-{name}"]
                for name in ("selector", "mode", "namespace")
                if f"datastar-{name}" in response.headers
            }
            event = elements.patch_elements(response.get_data(as_text=True), **options)
        elif response.mimetype == "application/json":
            event = signals.patch_signals_raw(response.get_data(as_text=True))
        else:
            return None
    except (TypeError, ValueError):
        return None
    return _start_with_cookies(response, state)._emit(event)


def _start_with_cookies(response: Response, state: RequestState) -> EventResponse:
    """Create a response with the cookies of another one, and close that one."""
    started = start_response(state)
    for cookie in response.headers.getlist("Set-Cookie"):
        started.headers.add("Set-Cookie", cookie)
    response.close()
    return started


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
    if response.status_code not in REDIRECTS | _FOLLOWED:
        is_shown = response.status_code == 200 or isinstance(response, EventResponse)
        answered = _as_events(response, state) if is_shown else None
        return flush(state, answered) if answered is not None else b""
    current = request._get_current_object()  # type: ignore[attr-defined]
    try:
        event = redirect_event(response, current, state)
    except ValueError as error:
        state.app_state.app.logger.warning("Datastar: the redirect of stream %s is refused: %s", current.path, error)
        return b""
    return event.encode() if event is not None else b""
