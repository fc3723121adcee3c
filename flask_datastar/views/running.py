"""The execution of a view's page and events, with a new object of the class for each request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from flask import Flask, Request, abort, request
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.wrappers import Response

from ..handlers.dispatch import bear_names, make_call, note_guarded
from ..handlers.handler import EVENT_ARGUMENT, Handler, Run, is_event_name
from ..reading.bodies import read_query
from ..reading.signals import is_datastar_request, read_signals
from ..sansio.elements import gives_html, html_text
from ..sending.response import EventResponse
from ..state.app import AppState
from ..state.request import RequestState, current_request_state
from .starview import StarView, title_of
from .url import ViewUrls


def make_page(app_state: AppState, view_class: type[StarView], group: str, name: str) -> Callable[..., Any]:
    """Create the view function of a view's page: load, show, html.

    :param name: the name of the function; its module is that of the class, as for Flask's own views.
    """
    app = app_state.app
    load, show = app.ensure_sync(view_class.load), app.ensure_sync(view_class.show)
    html = app.ensure_sync(view_class.html)

    def render(**url_values: Any) -> Any:
        page = view_class()
        if (ended := load(page, **url_values)) is not None:
            return _check_page(view_class, "load", ended)
        if (ended := show(page, **url_values)) is not None:
            return _check_page(view_class, "show", ended)
        return _check_html(view_class, html(page))

    guarded = _decorate(app, view_class, _named(render, view_class, name))

    def answer_page(**url_values: Any) -> Any:
        current_request_state().running_view = (group, url_values)
        return guarded(**url_values)

    return _named(bear_names(answer_page, guarded), view_class, name)


def _check_page(view_class: type, method: str, result: object) -> object:
    # A browser that loads a page would show the events as text.
    if isinstance(result, EventResponse) and not is_datastar_request(request):
        raise TypeError(
            f"view {title_of(view_class)}: {method}() gave an event response when the page was loaded; return None, or "
            "a response for a browser, such as flask.redirect(…), which becomes a redirect event for the client"
        )
    return result


def _check_html(view_class: type, html: Any) -> Any:
    if gives_html(html):
        return html_text(html)
    if isinstance(html, str | Response | tuple | Iterator):
        return _check_page(view_class, "html", html)
    raise TypeError(
        f"view {title_of(view_class)}: html() gave {type(html).__name__}; accepted: str, Markup, an object with "
        "__html__, a response, or an iterator of str"
    )


def make_event_run(app_state: AppState, handler: Handler) -> Run:
    """Create the function that runs an event with a method of its own."""
    call = make_call(app_state, handler)
    return _make_run(app_state, handler, call)


def make_every_run(app_state: AppState, handler: Handler) -> Run:
    """Create the function that passes an event to ``handle_event``, unless the event has a method of its own."""
    call = app_state.app.ensure_sync(handler.function)

    def call_for_event(current: Request, state: RequestState, url_values: dict[str, Any], page: StarView) -> object:
        return call(page, (current.view_args or {})[EVENT_ARGUMENT], read_signals(current, state))

    run = _make_run(app_state, handler, call_for_event)

    def check_and_run(current: Request, state: RequestState, url_values: dict[str, Any]) -> object:
        event = url_values.pop(EVENT_ARGUMENT)
        if not is_event_name(event):
            raise NotFound
        if own := app_state.endpoints.get(f"{handler.group}:{event}"):
            rule = next(app_state.app.url_map.iter_rules(own[0]))
            raise MethodNotAllowed(valid_methods=sorted(rule.methods or ()))
        return run(current, state, url_values)

    # ``handle_event`` has the same guards as the other events.
    vars(check_and_run).update(vars(run))
    return check_and_run


def _make_run(app_state: AppState, handler: Handler, call: Callable[..., object]) -> Run:
    """Create the function that runs an event: the values of the view's URL, the decorators, ``load``, the event."""
    app, group = app_state.app, handler.group
    view_class: Any = handler.view
    load = app.ensure_sync(view_class.load) if view_class.load is not StarView.load else None
    view_url = app_state.part(ViewUrls)[group]

    def act(current: Request, state: RequestState, url_values: dict[str, Any]) -> object:
        page = view_class()
        if load is not None and (ended := load(page, **url_values)) is not None:
            # A body with a status is accepted here, because a page's ``load`` may return one, too.
            return app.make_response(ended) if isinstance(ended, tuple) else ended
        if load is not None and handler.stream_options is not None:
            state.before_turn = partial(_load_again, app, load, page, url_values)
        return call(current, state, url_values, page)

    def act_now(**url_values: Any) -> object:
        state = current_request_state()
        return act(request._get_current_object(), state, url_values)  # type: ignore[attr-defined]

    decorated = view_class.decorators
    guarded = _decorate(app, view_class, bear_names(act_now, handler.function)) if decorated else None

    def run(current: Request, state: RequestState, url_values: dict[str, Any]) -> object:
        if not view_url.is_fixed:
            rule = current.url_rule
            url_values = view_url.read(url_values, rule.arguments if rule is not None else (), read_query(current))
        state.running_view = (group, url_values)
        return guarded(**url_values) if guarded is not None else act(current, state, url_values)

    note_guarded(run, guarded if guarded is not None else handler.function)
    return run


def _load_again(app: Flask, load: Callable[..., Any], page: StarView, url_values: dict[str, Any]) -> None:
    """Prepare a turn of a stream; what ``load`` returns is raised, because it ends the stream."""
    if (ended := load(page, **url_values)) is not None:
        abort(app.make_response(ended))


def _decorate(app: Flask, view_class: type[StarView], function: Callable[..., Any]) -> Callable[..., Any]:
    for decorator in view_class.decorators:
        function = decorator(function)
    return app.ensure_sync(function)


def _named(function: Callable[..., Any], view_class: type, name: str) -> Callable[..., Any]:
    function.__name__ = function.__qualname__ = name
    function.__module__, function.__doc__ = view_class.__module__, view_class.__doc__
    function.__annotations__ = {}
    return function
