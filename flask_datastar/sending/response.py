"""The response that collects events and becomes one finite body, or the head of a streamed one."""

from __future__ import annotations

from enum import Enum
from functools import cache
from typing import Any, SupportsIndex

from flask import Response, after_this_request
from werkzeug.datastructures import Headers

from ..sansio.consts import SSE_HEADERS
from ..sansio.events import Event
from ..state.app import AppState, find_app_state
from ..state.request import EventQueue, RequestState, current_request_state, find_request_state
from ..state.tracked import TrackedSignals
from . import SendingMethods
from .flush import flush

_HEADERS = tuple(SSE_HEADERS.items())


class BodyKind(Enum):
    """The kinds of bodies of an event response."""

    #: Not known yet: events are collected.
    UNDECIDED = "undecided"
    #: Complete, with a length; events that are sent later are added to it.
    FINITE = "finite"
    #: Sent while it is being made.
    STREAM = "stream"


class EventResponse(SendingMethods["EventResponse"], Response):
    """A Flask response made of events, with a method for each thing that can be sent; the methods can be chained.

    Views get one from ``datastar.start()``, or from any sending method, and return it. It is finished (status, body,
    ``Content-Length``) when the view has returned, before other extensions' ``after_request`` functions see it; events
    sent in those are added to it. A response without events is a 204.
    """

    default_mimetype = None

    def __init__(self, app_state: AppState | None = None) -> None:
        headers = Headers()
        # The checks of Headers.add() would cost as much as all the rest here, for three constant lines.
        headers._list.extend(_HEADERS)
        super().__init__(headers=headers)
        if headers._list[0] is not _HEADERS[0]:
            # The app's own response class has replaced the type by its usual one.
            headers["Content-Type"] = SSE_HEADERS["Content-Type"]
        self._app_state = app_state
        #: The encoded events that wait for the next flush.
        self.event_queue: list[bytes] = []
        self.body_kind = BodyKind.UNDECIDED

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        """Support caches: pickle the response with all events and signals that the request has queued and set so far.

        :raises TypeError: if the body is a stream.
        """
        if self.body_kind is BodyKind.STREAM:
            raise TypeError(
                "the response of a stream, or of a generator handler, cannot be kept: its body is made for one client; "
                "leave it out of caches"
            )
        state = find_request_state()
        if state is not None and self.body_kind is BodyKind.UNDECIDED:
            self.event_queue.append(flush(state, self))
        body = self.get_data() if self.body_kind is BodyKind.FINITE else None
        return _restore, (self.status, list(self.headers), list(self.event_queue), body)

    def _emit(self, event: Event) -> EventResponse:
        if self.body_kind is BodyKind.FINITE:
            _add_body(self, event.encode())
        else:
            self.event_queue.append(event.encode())
        return self

    def _tracking(self) -> tuple[TrackedSignals, EventResponse]:
        return current_request_state().tracked, self

    def _find_app_state(self) -> AppState | None:
        return self._app_state


def _restore(status: str, headers: list[tuple[str, str]], queue: list[bytes], body: bytes | None) -> EventResponse:
    """Create a response from a pickled one: a response of the current app, if there is one."""
    app_state = find_app_state()
    response = EventResponse() if app_state is None else _new_response(app_state)
    response.headers = Headers(headers)
    response.event_queue = queue
    if body is not None:
        response.set_data(body)
        response.body_kind = BodyKind.FINITE
    response.status = status
    return response


def current_response(extension: object | None = None) -> EventResponse:
    """Return the current request's response; create it at the first call.

    :raises SetupError: if nothing can be sent, for a reason that the message names, such as a missing request.
    """
    return response_of(current_request_state(extension))


def response_of(state: RequestState) -> EventResponse:
    """Return a request's response; create it at the first call."""
    response = state.response
    if not isinstance(response, EventResponse):
        response = state.response = start_response(state)
    return response


def start_response(state: RequestState) -> EventResponse:
    """Create a fresh response that is finished once the view has returned it."""
    response = _new_response(state.app_state)
    if not state.finishes_itself:
        after_this_request(finish_returned)
    return response


def _new_response(app_state: AppState) -> EventResponse:
    # mypy takes the hash of the class for that of its instances.
    return _class_for(app_state.app.response_class)(app_state)  # type: ignore[arg-type]


@cache
def _class_for(response_class: type[Response]) -> type[EventResponse]:
    """Return a class of event responses that also inherits the app's ``response_class``: Flask converts others."""
    if issubclass(EventResponse, response_class):
        return EventResponse
    return type(response_class.__name__, (EventResponse, response_class), {})


def finish_returned(response: Response) -> Response:
    """Finish the response that a view returned, if it is made of events."""
    return finish(response, current_request_state()) if isinstance(response, EventResponse) else response


def finish_current(state: RequestState) -> EventResponse:
    """Finish a request's own response; create it if the request has not sent anything."""
    return finish(response_of(state), state)


def finish(response: EventResponse, state: RequestState) -> EventResponse:
    """Create a finite body from the events and signals that a request has queued and set.

    Later events are added to a body that exists already. A stream takes its events itself.
    """
    if response.body_kind is BodyKind.STREAM:
        return response
    body = flush(state, response)
    if response.body_kind is BodyKind.FINITE:
        _add_body(response, body)
        return response
    response.body_kind = BodyKind.FINITE
    if body:
        response.set_data(body)
    elif response.status_code == 200:
        response.status_code = 204
        del response.headers["Content-Type"]
    return response


def _add_body(response: EventResponse, body: bytes) -> None:
    """Add events to a finished response; a 204 becomes the 200 that it would have been."""
    if not body:
        return
    if response.status_code == 204:
        response.status_code = 200
        response.headers["Content-Type"] = SSE_HEADERS["Content-Type"]
    response.set_data(response.get_data() + body)


def detach(state: RequestState, response: EventQueue) -> None:
    """Collect the later events of a request apart from its response.

    The response holds the body, and the body the request: without this, they would keep each other from being freed.
    """
    later = _new_response(state.app_state)
    later.event_queue, later.body_kind = response.event_queue, BodyKind.STREAM
    state.response = later


def head_response(app_state: AppState) -> EventResponse:
    """Return the response to HEAD: the headers of an event stream. No handler runs, and events are dropped."""
    response = _new_response(app_state)
    response.body_kind = BodyKind.STREAM
    return response
