"""Targets of actions: the search for the handler that an action names."""

from __future__ import annotations

from functools import partial
from inspect import unwrap
from types import ModuleType
from typing import Any

from flask import has_request_context, request

from ..errors import SetupError
from ..handlers.handler import Handler, default_group
from ..handlers.registry import HandlerRegistry
from ..state.app import AppState
from ..state.detached import find_detached
from ..state.request import find_request_state


def find_handler(registry: HandlerRegistry, app_state: AppState, target: object, event: str | None) -> Handler:
    """Find the handler that an action names.

    :param target: a handler function; a view class, a module, or the dotted name of either, with ``event``;
        ``"shop.cart.add"``; or a handler name alone, which is looked for around the running view first.
    :raises SetupError: if no handler fits, or several do; the message lists the candidates.
    """
    if isinstance(target, str):
        candidates = _by_name(registry, app_state, target, event)
    elif isinstance(target, type):
        if event is None:
            raise SetupError(f"the action names the view {target.__qualname__}, but no event; give its name, too")
        candidates = registry.of_view(target, event)
    elif isinstance(target, ModuleType):
        if event is None:
            raise SetupError(f"the action names the module {target.__name__!r}, but no handler; give its name, too")
        own = registry.find(default_group(target.__name__), event)
        candidates = [own] if own is not None else registry.of_module(target.__name__, event)
    else:
        candidates = [found for found in registry.of_function(target) if event in (None, found.name)]
    if len(candidates) == 1:
        return candidates[0]
    wanted = repr(target) if event is None else f"{target!r}, {event!r}"
    if candidates:
        raise SetupError(f"several handlers fit {wanted}: {', '.join(map(str, candidates))}; name the group, too")
    known = ", ".join(sorted(str(handler) for handler in registry)) or "none"
    raise SetupError(f"no handler fits {wanted}; declare it with @datastar.handler. Known handlers: {known}")


def _by_name(registry: HandlerRegistry, app_state: AppState, target: str, event: str | None) -> list[Handler]:
    if event is None and "." in target:
        target, _, event = target.rpartition(".")
    if event is None:
        return _by_event(registry, app_state, target)
    found = registry.find(target, event) or registry.find(default_group(target), event)
    return [found] if found is not None else []


def _by_event(registry: HandlerRegistry, app_state: AppState, event: str) -> list[Handler]:
    """Return the handlers of a name: in the running group, else in its module, else in the whole app."""
    group = _running_group(app_state)
    if group is not None and (own := registry.find(group, event)) is not None:
        return [own]
    named = registry.named(event)
    if len(named) > 1:
        # The instance may serve other apps, with blueprints that this one does not have.
        named = [handler for handler in named if handler.key in app_state.endpoints] or named
    if len(named) > 1 and (module := _running_module(registry, app_state)) is not None:
        beside = [handler for handler in named if handler.source[0] == module]
        if len(beside) == 1:
            return beside
    return named


def _running_group(app_state: AppState) -> str | None:
    """Return the group of the region that is rendered, or of the view or handler that the current request runs."""
    state = find_request_state()
    if state is not None and state.running_view is not None:
        return state.running_view[0]
    endpoint = _running_endpoint()
    if endpoint is None:
        place = find_detached()
        return place.group if place is not None else None
    key = _handler_key(app_state, endpoint)
    if key is not None:
        return key.partition(":")[0]
    module = _view_module(app_state, endpoint)
    return default_group(module) if module else None


def _running_module(registry: HandlerRegistry, app_state: AppState) -> str | None:
    """Return the name of the Python module that declares that region, view or handler."""
    endpoint = _running_endpoint()
    if endpoint is None:
        place = find_detached()
        return place.module if place is not None else None
    key = _handler_key(app_state, endpoint)
    return registry.get(key).source[0] if key is not None else _view_module(app_state, endpoint)


def _running_endpoint() -> str | None:
    return request.endpoint if has_request_context() else None


def _handler_key(app_state: AppState, endpoint: str) -> str | None:
    """Return the key of the handler behind an endpoint; None for the endpoint of a page or of a plain Flask view."""
    key = endpoint.rpartition(".")[2]
    return key if endpoint in app_state.endpoints.get(key, ()) else None


def _view_module(app_state: AppState, endpoint: str) -> str | None:
    """Return the name of the module that declares a view function, even if a decorator hides it."""
    view: Any = app_state.app.view_functions.get(endpoint)
    while hasattr(view, "__wrapped__") or isinstance(view, partial):
        view = view.func if isinstance(view, partial) else unwrap(view)
    return getattr(view, "__module__", None)
