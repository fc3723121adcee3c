"""What is done at the begin and at the end of each request of an app."""

from __future__ import annotations

from flask import Response, request

from .security.tokens import carry_token
from .sending.redirects import convert_redirect
from .sending.response import BodyKind, EventResponse, finish
from .state.app import AppState
from .state.request import REQUEST_KEY, RequestState, begin_request
from .streams.refusals import REFUSED, asks_for_stream, end_stream


def install_request_hooks(app_state: AppState) -> None:
    """Begin each request before, and end it after, what other extensions do in their hooks."""
    app = app_state.app

    def begin() -> None:
        current = request._get_current_object()  # type: ignore[attr-defined]
        state = begin_request(app_state, current)
        if "csrf" in app.extensions:
            carry_token(state, current)

    def end(response: Response) -> Response:
        current = request._get_current_object()  # type: ignore[attr-defined]
        state: RequestState | None = current.__dict__.get(REQUEST_KEY)
        if state is None:
            return response
        if (response.status_code in REFUSED or state.failed_with) and asks_for_stream(current, app_state):
            return end_stream(response, current, state)
        if isinstance(response, EventResponse) and response.body_kind is not BodyKind.UNDECIDED:
            if response.body_kind is BodyKind.STREAM:
                if state.stream_body is not None:
                    state.stream_body.go_on(state, response)
                return response
            if response is state.response and not state.tracked.is_pending:
                return response
        if isinstance(response, EventResponse):
            return finish(response, state)
        return convert_redirect(response, current, state)

    app.before_request_funcs.setdefault(None, []).insert(0, begin)
    # Called in reverse order: the first one is called last.
    app.after_request_funcs.setdefault(None, []).insert(0, end)
