"""The dispatcher: view functions that check a request, bind parameters, call a handler and respond."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial, update_wrapper
from typing import Any, TypeVar

from flask import Request, Response, request

from ..errors import InvalidSignals
from ..forms.validation import is_show_errors, show_messages, shown_messages
from ..hooks import event_handled
from ..repeats.running import answer_has_run, claim, fail
from ..repeats.table import HasRun
from ..security.guards import GUARDED
from ..security.origin import check_request
from ..sending.generators import explained, stream_events
from ..sending.response import EventResponse, finish, finish_current, head_response, response_of
from ..sending.results import as_flask_response, queue_result
from ..state.app import AppState
from ..state.request import REQUEST_KEY, RequestState, current_request_state
from .handler import EVENT_ARGUMENT, Handler

F = TypeVar("F", bound=Callable[..., Any])


def make_call(app_state: AppState, handler: Handler) -> Callable[..., object]:
    """Create the function that binds the parameters and calls the handler, on a view's object if it has one."""
    call = app_state.app.ensure_sync(handler.function)
    bind = handler.binder.bind
    # Messages that were shown earlier disappear as soon as all signals fit.
    empties_messages = is_show_errors(handler.on_invalid)

    def bind_and_call(current: Request, state: RequestState, url_values: dict[str, Any], *view: object) -> object:
        arguments = bind(current, state, url_values)
        if empties_messages:
            show_messages(state, handler.binder.paths, {}, shown_messages(state))
        return call(*view, **arguments)

    if handler.on_invalid is None:
        return bind_and_call
    return _explaining(bind_and_call, app_state.app.ensure_sync(handler.on_invalid))


def _explaining(bind_and_call: Callable[..., object], on_invalid: Callable[..., object]) -> Callable[..., object]:
    """Create the function that passes invalid signals to ``on_invalid``, whether binding or the handler finds them."""

    def call_or_explain(current: Request, state: RequestState, *arguments: object) -> object:
        def explain(error: InvalidSignals) -> object:
            state.reset()
            return on_invalid(error)

        try:
            result = bind_and_call(current, state, *arguments)
        except InvalidSignals as error:
            return explain(error)
        return explained(result, explain) if isinstance(result, Iterator) else result

    return call_or_explain


def make_view_function(app_state: AppState, handler: Handler) -> Callable[..., Response]:
    """Create a handler's view function: check, bind, call, respond."""
    run = (handler.make_run or make_call)(app_state, handler)
    trusted_origins, runs_once = app_state.settings.trusted_origins, handler.once

    def view(**url_values: Any) -> Response:
        current = request._get_current_object()  # type: ignore[attr-defined]
        state = current.__dict__.get(REQUEST_KEY) or current_request_state()
        check_request(current, trusted_origins)
        if runs_once and state.click_key is not None:
            repeat = claim(state, current, handler.key)
            if repeat is not None:
                return repeat
        elif current.method == "HEAD":
            return head_response(app_state)
        state.finishes_itself = True
        try:
            if handler.stream_options is not None:
                return handler.stream_options.open(state, handler, partial(run, current, state, url_values))
            response = answer(state, handler, run(current, state, url_values))
            if event_handled.receivers:
                event = (current.view_args or {}).get(EVENT_ARGUMENT, handler.name)
                event_handled.send(app_state.app, group=handler.group, event=event, response=response)
        except HasRun:
            return answer_has_run(state)
        except BaseException as error:
            state.reset()
            repeat = fail(state, error) if state.claim is not None else None
            if repeat is not None:
                return repeat
            raise
        finally:
            state.finishes_itself = False
        return response

    bear_names(view, handler.function)
    note_guarded(view, getattr(run, GUARDED, handler.function))
    return view


def note_guarded(run: Callable[..., Any], guarded: object) -> None:
    """Record which function has the guards of the handler that ``run`` runs: a view's guards wrap its events."""
    setattr(run, GUARDED, guarded)


def bear_names(view: F, function: Callable[..., Any]) -> F:
    """Copy to a view function the names of a function, and the marks that other extensions have set on it.

    The view keeps its own signature, because Flask calls it with the values of the URL. Decorators and injectors of
    other packages look at annotations, and behind ``__wrapped__``, to decide what a view takes and returns.
    """
    update_wrapper(view, function)
    for name in ("__wrapped__", "__signature__"):
        view.__dict__.pop(name, None)
    view.__annotations__ = {}
    return view


def answer(state: RequestState, handler: Handler, result: object) -> Response:
    """Create the response from a handler's return value.

    :raises TypeError: if the value cannot be sent; the message names the handler and the type.
    """
    if result is None:
        return finish_current(state)
    result = as_flask_response(result, state)
    if isinstance(result, Response):
        # An event response other than the current one takes over the current one's events.
        return finish(result, state) if isinstance(result, EventResponse) else result
    if isinstance(result, Iterator):
        return stream_events(result, state, partial(_queue, state, handler), partial(answer, state, handler))
    _queue(state, handler, result)
    return finish_current(state)


def _queue(state: RequestState, handler: Handler, result: object) -> None:
    queue_result(response_of(state), result, handler.__str__)
