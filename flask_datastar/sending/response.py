"""The response that collects events and becomes one finite body, or the head of a streamed one."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import cast

from flask import Response, after_this_request
from werkzeug.datastructures import Headers

from ..sansio.consts import SSE_HEADERS
from ..sansio.events import Event
from ..state.app import AppState
from ..state.request import RequestState, current_request_state
from ..state.tracked import TrackedSignals
from . import SendingMethods

_HEADERS = tuple(SSE_HEADERS.items())
# In the response's own dict, which is quicker to ask than its class.
_QUEUE = "_datastar_queue"


class EventResponse(SendingMethods["EventResponse"], Response):
    """A Flask response made of events, with a method for each thing that can be sent; the methods can be chained.

    Views get one from ``datastar.start()``, or from any sending method, and return it. It is finished (status, body,
    ``Content-Length``) when the view has returned, before other extensions' ``after_request`` functions see it; what is
    sent in those is added to it. Without anything to send it is a 204.
    """

    default_mimetype = None

    def __init__(self, app_state: AppState | None = None) -> None:
        headers = Headers()
        # The checks of Headers.add() would cost as much as all the rest here, for three lines that nobody sent.
        headers._list.extend(_HEADERS)
        super().__init__(headers=headers)
        if headers._list[0] is not _HEADERS[0]:
            # The app's own class of responses has put its usual type in the place of this one.
            headers["Content-Type"] = SSE_HEADERS["Content-Type"]
        self._app_state = app_state
        self._datastar_queue: list[bytes] = []
        # None until the body is decided, then whether it is a stream, which takes the queue itself.
        self._datastar_streams: bool | None = None

    def _emit(self, event: Event) -> EventResponse:
        self._datastar_queue.append(event.encode())
        if self._datastar_streams is False:
            _add_body(self, take_queue(self))
        return self

    def _send_first(self, events: bytes) -> None:
        """Take what was sent since a stream was made; the answer to HEAD has no body for it."""

    def _after_tracking(self) -> EventResponse:
        return self

    def _tracking(self) -> TrackedSignals:
        return current_request_state().tracked

    def _find_app_state(self) -> AppState | None:
        return self._app_state


def is_event_response(response: Response) -> bool:
    """Whether a response is an :class:`EventResponse`."""
    return _QUEUE in response.__dict__


def is_decided(response: Response) -> bool:
    """Whether an event response has its body already, finite or streamed."""
    return response.__dict__["_datastar_streams"] is not None


def current_response(extension: object | None = None) -> EventResponse:
    """Give the current request's response; make it when there is none yet.

    :raises SetupError: there is no request, or another reason that says so.
    """
    return response_of(current_request_state(extension))


def response_of(state: RequestState) -> EventResponse:
    """Give a request's response; make it when there is none yet."""
    if state.response is None:
        state.response = start_response(state)
    return cast(EventResponse, state.response)


def start_response(state: RequestState) -> EventResponse:
    """Make a fresh response and see to it that it is finished once the view has returned it."""
    response = _new_response(state.app_state)
    if not state.finishes_itself:
        after_this_request(finish_returned)
    return response


def _new_response(app_state: AppState) -> EventResponse:
    # mypy takes the hash of the class for that of its instances.
    return _class_for(app_state.app.response_class)(app_state)  # type: ignore[arg-type]


@cache
def _class_for(response_class: type[Response]) -> type[EventResponse]:
    """Give an event response of the app's own ``response_class``: Flask refuses to convert one to it."""
    if issubclass(EventResponse, response_class):
        return EventResponse
    return type(response_class.__name__, (EventResponse, response_class), {})


def finish_returned(response: Response) -> Response:
    """Finish the response that a view returned, if it is made of events."""
    if is_event_response(response):
        state = current_request_state()
        finish(response, state)
    return response


def finish(response: Response, state: RequestState) -> Response:
    """Turn the queue into the body: what the request's current response holds, then this one's own events, then the
    tracked signals. A response that is finished already, and a stream, get only what came since; a generator handler's
    sends for itself."""
    streams = response.__dict__["_datastar_streams"]
    if streams and response is state.response:
        return response
    body = take_queue(response)
    if state.response is not None and state.response is not response:
        body = take_queue(state.response) + body
    if state.tracked.is_pending:
        try:
            body += take_tracked(state)
        except Exception:
            # The errorhandler's own answer must not meet the same value again.
            state.reset()
            raise
    if streams:
        cast(EventResponse, response)._send_first(body)
        return response
    if streams is False:
        _add_body(response, body)
        return response
    response.__dict__["_datastar_streams"] = False
    if body:
        response.set_data(body)
    elif response.status_code == 200:
        response.status_code = 204
        del response.headers["Content-Type"]
    return response


def become_stream(response: EventResponse, chunks: Iterable[bytes]) -> None:
    """Give a response a body that is sent as it is made."""
    response.response = chunks
    response._datastar_streams = True


def head_response(app_state: AppState) -> EventResponse:
    """Answer HEAD: the headers of an event stream, and nothing is run."""
    response = _new_response(app_state)
    become_stream(response, ())
    return response


def _add_body(response: Response, body: bytes) -> None:
    """Add events to a finished response; a 204 becomes the 200 that it would have been."""
    if not body:
        return
    if response.status_code == 204:
        response.status_code = 200
        response.headers["Content-Type"] = SSE_HEADERS["Content-Type"]
    response.set_data(response.get_data() + body)


def take_queue(response: Response) -> bytes:
    """Empty a response's queue."""
    queue: list[bytes] = response.__dict__[_QUEUE]
    body = b"".join(queue)
    queue.clear()
    return body


def take_tracked(state: RequestState) -> bytes:
    """Give the events of the signals that were set since the last flush."""
    return b"".join(event.encode() for event in state.tracked.take_events(state.app_state.dumps))
