"""The names in a region's templates: those of the app as in every template, and guards for those of a request."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from inspect import unwrap
from types import CodeType
from typing import Any

from flask import Flask, g
from werkzeug.local import LocalProxy

from ..state.app import AppState
from ..state.detached import Detached, find_detached
from .guards import Guard, GuardedGlobals

_NAMES = ("request", "session", "current_user", "csrf_token")
#: Flask's own globals of templates, which templates get that are imported without context.
_GLOBALS: dict[str, Callable[[Detached], object]] = {
    "request": partial(Guard, "request"),
    "session": partial(Guard, "session"),
    "g": GuardedGlobals,
}
_IDENTIFIER = re.compile(r"[a-z_A-Z]\w*")
#: Words that Flask's errors have in common where code needs a request and runs without one.
_WITHOUT_REQUEST = ("outside of request context", "no request in this context")


def install_names(app_state: AppState) -> None:
    """Change the names of templates that are rendered without a request; all other templates keep theirs."""
    app = app_state.app
    update = app.update_template_context

    def update_template_context(*arguments: Any) -> None:
        place = find_detached()
        if place is None:
            update(*arguments)
        else:
            # The template's context is last: Flask 3.2 passes its own context before it.
            _fill(app_state, place, arguments[-1])

    app.update_template_context = update_template_context  # type: ignore[assignment, method-assign]
    _guard_environment(app)


def needs_request(error: BaseException) -> bool:
    """Return whether an exception says that code needs a request."""
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _WITHOUT_REQUEST)


def _guard_environment(app: Flask) -> None:
    environment = app.jinja_env
    for name, guard in _GLOBALS.items():
        usual = environment.globals.get(name)
        if isinstance(usual, LocalProxy):
            environment.globals[name] = LocalProxy(partial(_guard_or, guard, usual))
    is_none: Any = environment.tests["none"]

    def is_guarded_none(value: object) -> bool:
        # A comparison by identity is the only use of a value that cannot raise by itself.
        return bool(is_none(str(value) if type(value) is Guard else value))

    environment.tests["none"] = is_guarded_none


def _guard_or(guard: Callable[[Detached], object], usual: LocalProxy[Any]) -> object:
    """Return a guard in detached rendering, else the usual object. Without a request, that raises a RuntimeError."""
    place = find_detached()
    return guard(place) if place is not None else usual._get_current_object()


def _fill(app_state: AppState, place: Detached, context: dict[str, Any]) -> None:
    """Add the names of the app's context processors, then the guards. Values that the code itself passes win."""
    app, own = app_state.app, dict(context)
    for processor in app.template_context_processors.get(None, ()):
        try:
            names: dict[str, Any] = app.ensure_sync(processor)()
        except (RuntimeError, AttributeError) as error:
            if not (needs_request(error) or _finds_nobody(error)):
                raise
            names = _left_out(app_state, place, processor)
        context.update(names)
    for name, value in {**app.jinja_env.globals, **context}.items():
        if _is_unbound(value):
            context[name] = Guard(name, place)
    context["g"] = GuardedGlobals(place)
    for name in _NAMES:
        if name != "csrf_token" or name in app.jinja_env.globals or name in context:
            context[name] = Guard(name, place)
    context.update({name: Guard(name, place) if _is_unbound(value) else value for name, value in own.items()})


def _finds_nobody(error: BaseException) -> bool:
    """Return whether an exception is about an attribute of ``g`` that a request sets, or of a user who is None."""
    missing = object()
    owner = getattr(error, "obj", missing)
    return isinstance(error, AttributeError) and (owner is None or owner is g._get_current_object())


def _is_unbound(value: object) -> bool:
    """Return whether a value is a proxy that finds nothing without a request, as Flask-Login's user does."""
    if not issubclass(type(value), LocalProxy):
        return False
    proxy: Any = value
    try:
        return proxy._get_current_object() is None
    except RuntimeError:
        return True


def _left_out(app_state: AppState, place: Detached, processor: Callable[..., Any]) -> dict[str, Any]:
    """Return guards for the names that the code of a context processor mentions."""
    title = f"{getattr(processor, '__module__', '')}.{getattr(processor, '__qualname__', processor)}"
    app_state.warn_once(
        f"Datastar: the context processor {title} needs a request, so regions are rendered without its names, and a "
        "region's template that uses such a name fails; pass the value to the region as an argument"
    )
    function: Any = unwrap(processor)
    while isinstance(function, partial):
        function = function.func
    code = getattr(function, "__code__", None) or getattr(type(function).__call__, "__code__", None)
    known = app_state.app.jinja_env.globals
    return {name: Guard(name, place) for name in _texts_in(code) if name not in known} if code is not None else {}


def _texts_in(code: CodeType) -> Iterator[str]:
    """Yield the identifiers among the strings of a function's code, which include the keys of its dicts."""
    for constant in code.co_consts:
        for text in constant if isinstance(constant, tuple) else (constant,):
            if isinstance(text, str) and _IDENTIFIER.fullmatch(text):
                yield text
        if isinstance(constant, CodeType):
            yield from _texts_in(constant)
