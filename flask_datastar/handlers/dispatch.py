"""The dispatcher: each handler becomes an endpoint with its own rule, verbs and view function."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial, update_wrapper
from typing import Any

from flask import Flask, Request, Response, request
from flask.blueprints import BlueprintSetupState

from ..errors import InvalidSignals
from ..forms.validation import is_show_errors, show_messages
from ..hooks import event_handled
from ..security.guards import GUARDED
from ..security.origin import SAFE_METHODS, check_header, check_origin
from ..sending.generators import explained, queue_result, stream_events
from ..sending.response import current_response, finish, head_response, is_event_response, response_of
from ..state.app import AppState
from ..state.request import RequestState, current_request_state, state_of
from .handler import EVENT_ARGUMENT, EVERY_EVENT, Handler

#: The dispatcher blueprint's name.
BLUEPRINT = "datastar"


def install_handler(app_state: AppState, handler: Handler) -> None:
    """Make a handler reachable in an app, below the dispatcher blueprint; also after the first request.

    Where an earlier declaration of the same function has endpoints, they get the new one.
    """
    app = app_state.app
    view = make_view(app_state, handler)
    endpoints = app_state.endpoints.setdefault(handler.key, [])
    for endpoint in endpoints:
        app.view_functions[endpoint] = view
    if not endpoints and handler.blueprint is None:
        endpoint = f"{BLUEPRINT}.{handler.key}"
        add_rule(app, _path(app_state, handler), endpoint, view, handler.methods)
        endpoints.append(endpoint)
    if handler.open_stream is not None:
        app_state.stream_endpoints.update(endpoints)


def add_rule(
    app: Flask, path: str, endpoint: str, view: Callable[..., Any], methods: Iterable[str], **options: Any
) -> None:
    """Add a rule, also after the first request, when Flask's own ``add_url_rule`` refuses to."""
    rule = app.url_rule_class(path, methods={*methods, "OPTIONS"}, endpoint=endpoint, **options)
    rule.provide_automatic_options = True  # type: ignore[attr-defined]
    app.url_map.add(rule)
    app.view_functions[endpoint] = view


def install_in_blueprint(app_state: AppState, handler: Handler, setup: BlueprintSetupState) -> None:
    """Make a handler reachable as an endpoint of a user's blueprint, behind its guards and below its URL prefix."""
    view = make_view(app_state, handler)
    setup.add_url_rule(_path(app_state, handler), handler.key, view, methods=list(handler.methods))
    endpoint = f"{setup.name_prefix}.{setup.name}.{handler.key}".lstrip(".")
    app_state.endpoints.setdefault(handler.key, []).append(endpoint)
    if handler.open_stream is not None:
        app_state.stream_endpoints.add(endpoint)


def _path(app_state: AppState, handler: Handler) -> str:
    event = f"<{EVENT_ARGUMENT}>" if handler.event == EVERY_EVENT else handler.event
    return f"{app_state.settings.url_prefix}/{handler.group}/{event}"


def make_call(app_state: AppState, handler: Handler) -> Callable[..., object]:
    """Make what binds the parameters and calls the function, with a view's object in front if there is one."""
    call = app_state.app.ensure_sync(handler.function)
    bind = handler.binder.bind
    # What was shown before goes away as soon as all fits.
    empties_messages = is_show_errors(handler.on_invalid)

    def bind_and_call(current: Request, state: RequestState, url_values: dict[str, Any], *view: object) -> object:
        arguments = bind(current, state, url_values)
        if empties_messages:
            show_messages(state, handler.binder.paths, {})
        return call(*view, **arguments)

    if handler.on_invalid is None:
        return bind_and_call
    return _explaining(bind_and_call, app_state.app.ensure_sync(handler.on_invalid))


def _explaining(bind_and_call: Callable[..., object], on_invalid: Callable[..., object]) -> Callable[..., object]:
    """Make what gives invalid signals to the handler's ``on_invalid``, whoever finds them to be that."""

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


def make_view(app_state: AppState, handler: Handler) -> Callable[..., Response]:
    """Make the view function: check, bind, call, answer. It bears the handler's names."""
    run = (handler.make_run or make_call)(app_state, handler)
    trusted_origins = app_state.settings.trusted_origins

    def view(**url_values: Any) -> Response:
        current = request._get_current_object()  # type: ignore[attr-defined]
        state = state_of(current) or current_request_state()
        check_header(current)
        if current.method not in SAFE_METHODS:
            check_origin(current, trusted_origins)
        elif current.method == "HEAD":
            return head_response(app_state)
        state.finishes_itself = True
        try:
            if handler.open_stream is not None:
                return handler.open_stream(state, handler, partial(run, current, state, url_values))
            response = answer(state, handler, run(current, state, url_values))
            if event_handled.receivers:
                event = (current.view_args or {}).get(EVENT_ARGUMENT, handler.event)
                event_handled.send(app_state.app, group=handler.group, event=event, response=response)
        except BaseException:
            state.reset()
            raise
        finally:
            state.finishes_itself = False
        return response

    update_wrapper(view, handler.function)
    note_guarded(view, getattr(run, GUARDED, handler.function))
    return view


def note_guarded(run: Callable[..., Any], guarded: object) -> None:
    """Note on what runs a handler the function with its guards: those of a view stand around its events."""
    setattr(run, GUARDED, guarded)


def answer(state: RequestState, handler: Handler, result: object) -> Response:
    """Make the response of what a handler returned.

    :raises TypeError: it is nothing that can be sent; handler and type are named.
    """
    if result is None:
        return finish(response_of(state), state)
    if isinstance(result, Response):
        # An event response that is not the current one takes the current one's events along.
        return finish(result, state) if is_event_response(result) else result
    if isinstance(result, Iterator):
        return stream_events(result, state, partial(_queue, handler), partial(answer, state, handler))
    _queue(handler, result)
    return finish(response_of(state), state)


def _queue(handler: Handler, result: object) -> None:
    queue_result(current_response(), result, handler.__str__)
