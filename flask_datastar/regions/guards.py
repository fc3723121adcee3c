"""The names in a region's templates that belong to a request: each use of one is an error that names the region.

Without this, ``{{ current_user.name }}`` would be empty, and ``{% if session %}`` silently false.
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
#: What Flask's errors have in common where there is no request.
_OUTSIDE = "outside of request context"


def install_guards(app_state: AppState) -> None:
    """Change the context of templates that are rendered without a request for several pages."""
    app = app_state.app
    update = app.update_template_context

    def update_template_context(*arguments: Any) -> None:
        place = find_detached()
        if place is None:
            update(*arguments)
        else:
            # The last one is the context; newer versions of Flask pass their own before.
            _fill(app_state, place, arguments[-1])

    app.update_template_context = update_template_context  # type: ignore[assignment, method-assign]


def is_outside_of_request(error: BaseException) -> bool:
    """Return whether an exception says that there is no request."""
    return isinstance(error, RuntimeError) and _OUTSIDE in str(error)


def _fill(app_state: AppState, place: Detached, context: dict[str, Any]) -> None:
    """Add what the app's context processors give, then the guards; names that the code itself gives win."""
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
    """Return guards for the names of a context processor that needs a request, as far as its code tells them."""
    app_state.warn_once(
        "Datastar: the context processor %s needs a request, so regions are rendered without its names; each use of "
        "one in a region's template is an error. Give what they need as an argument",
        f"{getattr(processor, '__module__', '')}.{getattr(processor, '__qualname__', processor)}",
    )
    code = getattr(processor, "__code__", None)
    known = app_state.app.jinja_env.globals
    return {name: Guard(name, place) for name in _texts_in(code) if name not in known} if code is not None else {}


def _texts_in(code: CodeType) -> Iterator[str]:
    """Yield the identifiers among the texts of a function's code, the keys of its dicts among them."""
    for constant in code.co_consts:
        for text in constant if isinstance(constant, tuple) else (constant,):
            if isinstance(text, str) and _IDENTIFIER.fullmatch(text):
                yield text
        if isinstance(constant, CodeType):
            yield from _texts_in(constant)


def _refuse(name: str, place: Detached) -> NoReturn:
    raise SetupError(
        f"region {place.title} uses {name!r} in its template: a region is rendered without a request, because "
        "everybody who looks gets the same; give what it needs as an argument"
    )


class Guard:
    """A name of a request in a region's template: whatever is done with it raises an exception."""

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
    """``g`` in a region's template: what the region itself has set. The request's own attributes raise."""

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
