"""Guards for the names of a request in a region's templates: each use of a guard is an error that names the region.

Without guards, ``{{ current_user.name }}`` would be empty, and ``{% if session %}`` silently false.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any, NoReturn

from flask import g

from ..errors import SetupError
from ..state.app import AppState
from ..state.detached import Detached, find_detached

_NAMES = ("request", "session", "current_user", "csrf_token")
_IDENTIFIER = re.compile(r"[a-z_A-Z]\w*")
#: Words that all of Flask's errors have in common where code needs a request and runs without one.
_OUTSIDE = "outside of request context"


def install_guards(app_state: AppState) -> None:
    """Change the context of templates that are rendered without a request."""
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


def is_outside_of_request(error: BaseException) -> bool:
    """Return whether an exception says that there is no request."""
    return isinstance(error, RuntimeError) and _OUTSIDE in str(error)


def _fill(app_state: AppState, place: Detached, context: dict[str, Any]) -> None:
    """Add the names of the app's context processors, then the guards. Names that the code itself passes win."""
    app, own = app_state.app, dict(context)
    for processor in app.template_context_processors.get(None, ()):
        try:
            names: dict[str, Any] = app.ensure_sync(processor)()
        except RuntimeError as error:
            if not is_outside_of_request(error):
                raise
            names = _left_out(app_state, place, processor)
        context.update(names)
    context["g"] = GuardedGlobals(place)
    for name in _NAMES:
        if name != "csrf_token" or name in app.jinja_env.globals or name in context:
            context[name] = Guard(name, place)
    context.update(own)


def _left_out(app_state: AppState, place: Detached, processor: Callable[..., Any]) -> dict[str, Any]:
    """Return guards for the names that the code of a context processor mentions."""
    app_state.warn_once(
        "Datastar: the context processor %s needs a request, so regions are rendered without its names, and a region's "
        "template that uses such a name fails; pass the value to the region as an argument",
        f"{getattr(processor, '__module__', '')}.{getattr(processor, '__qualname__', processor)}",
    )
    code = getattr(processor, "__code__", None)
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


def _refuse(name: str, place: Detached) -> NoReturn:
    raise SetupError(
        f"region {place.title} uses {name!r} in its template: a region is rendered without a request, because all "
        "viewers get the same HTML; give it as an argument"
    )


class Guard:
    """A name of a request in a region's template. Every use of it raises an exception."""

    __slots__ = ("_name", "_place")

    def __init__(self, name: str, place: Detached) -> None:
        self._name = name
        self._place = place

    def _fail(self, *arguments: object, **named: object) -> NoReturn:
        _refuse(self._name, self._place)

    def __getattr__(self, name: str) -> NoReturn:
        _refuse(f"{self._name}.{name}", self._place)

    def __getitem__(self, key: object) -> NoReturn:
        _refuse(f"{self._name}[{key!r}]", self._place)

    __call__ = __iter__ = __len__ = __bool__ = __str__ = __repr__ = __html__ = __contains__ = _fail
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __add__ = __radd__ = _fail
    __hash__ = _fail


class GuardedGlobals:
    """``g`` in a region's template: the attributes that the region itself has set. Any other attribute raises."""

    __slots__ = ("_place",)

    def __init__(self, place: Detached) -> None:
        self._place = place

    def __getattr__(self, name: str) -> Any:
        return getattr(g, name) if name in g else _refuse(f"g.{name}", self._place)

    def __getitem__(self, name: str) -> Any:
        return self.__getattr__(name)

    def __contains__(self, name: str) -> bool:
        return name in g or _refuse(f"g.{name}", self._place)

    def __iter__(self) -> Iterator[str]:
        return iter(g)

    def get(self, name: str, default: object = None) -> Any:
        """Return an attribute that the region has set."""
        return self.__getattr__(name)
