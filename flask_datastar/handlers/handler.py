"""Handlers: functions that the browser can call, and the checks of their declarations."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any, Protocol

from flask import Blueprint, Request, Response

from ..errors import InvalidSignals, SetupError
from ..reading.parameters import Binder
from ..state.app import AppState
from ..state.request import RequestState

#: The verbs that the client has actions for.
VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE", "QUERY")
DEFAULT_METHODS = ("POST", "PUT", "PATCH", "DELETE")

_NAME = re.compile(r"[A-Za-z0-9_~-]+")
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_EVERY_NAME = re.compile(r"[A-Za-z0-9_-]+")
_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")

OnInvalid = Callable[[InvalidSignals], Any]
#: Runs a handler's function: called with the request, its state, and the values of the handler's URL.
Run = Callable[[Request, RequestState, dict[str, Any]], object]

#: The name under which a view's ``handle_event`` is in the allow-list. No event can have this name.
EVERY_EVENT = "*"
#: The name of the URL parameter that holds the event in the URL of ``handle_event``.
EVENT_ARGUMENT = "datastar_event"


class Kind(StrEnum):
    """The kinds of handlers."""

    HANDLER = "handler"
    EVENT = "view event"
    STREAM = "stream"


class StreamOptions(Protocol):
    """The options of a stream's declaration; the streams, a layer above, implement them."""

    def open(self, state: RequestState, handler: Handler, run: Callable[[], object], /) -> Response:
        """Open the stream for a request.

        :param run: calls the stream's function.
        """


@dataclass(frozen=True, slots=True, eq=False)
class Handler:
    """One function that the browser can call."""

    function: Callable[..., Any]
    group: str
    name: str
    methods: tuple[str, ...]
    blueprint: Blueprint | None
    on_invalid: OnInvalid | None
    binder: Binder
    #: Whether it is a generator function, whose response is streamed.
    is_generator: bool
    #: Whether a click runs it once, and the repeats of its request get the first response.
    once: bool = True
    #: The options of a stream's declaration; None for other handlers.
    stream_options: StreamOptions | None = None
    #: The view class whose event it is.
    view: type | None = None
    #: Creates the function that runs the handler in an app, if more is needed than a call of the handler's function.
    make_run: Callable[[AppState, Handler], Run] | None = None
    #: The name of the event that is called, if the function is a view's ``handle_event``.
    meant: str = ""
    #: The handler's own part of its endpoint: ``<group>:<name>``.
    key: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", f"{self.group}:{self.name}")

    @property
    def kind(self) -> Kind:
        """The kind of handler, as it was declared."""
        if self.stream_options is not None:
            return Kind.STREAM
        return Kind.HANDLER if self.view is None else Kind.EVENT

    @property
    def source(self) -> tuple[str, str]:
        """Module and qualified name: they identify a function that a reload or a factory declares again."""
        if self.view is not None:
            # An event may be inherited.
            return self.view.__module__, f"{self.view.__qualname__}.{self.function.__name__}"
        return self.function.__module__, self.function.__qualname__

    def __str__(self) -> str:
        return f"{self.key} ({'.'.join(self.source)})"

    def of_every_event(self) -> Handler:
        """Return the handler under the name that stands for every event."""
        return replace(self, name=EVERY_EVENT)


def make_handler(
    function: Callable[..., Any],
    *,
    name: str | None,
    group: str | None,
    methods: Iterable[str],
    blueprint: Blueprint | None,
    on_invalid: OnInvalid | None,
    stream_options: StreamOptions | None = None,
    view: type | None = None,
    make_run: Callable[[AppState, Handler], Run] | None = None,
    once: bool = True,
) -> Handler:
    """Check a declaration and create its handler.

    :param view: the class that the function is a method of.
    :raises SetupError: if the declaration cannot work; the message says why.
    """
    if not callable(function):
        decorator = "@datastar.handler" if stream_options is None else "@datastar.stream"
        raise SetupError(f"{decorator} decorates a function, not {function!r}; write {decorator}(name=...)")
    innermost = inspect.unwrap(function)
    title = getattr(function, "__qualname__", repr(function))
    if not hasattr(function, "__qualname__"):
        raise SetupError(f"handler {title} has no name of its own; wrap it in a function")
    if inspect.isasyncgenfunction(innermost):
        raise SetupError(
            f"handler {title} is an async generator, which WSGI cannot stream; write a generator (def … yield), or an "
            "async def that returns"
        )
    if on_invalid is not None and not callable(on_invalid):
        raise SetupError(f"handler {title}: on_invalid is {on_invalid!r}; accepted: a function of the InvalidSignals")
    if view is None and is_method(function):
        raise SetupError(
            f"handler {title} is a method, which would be called without an object; in a StarView mark it with @event"
        )
    return Handler(
        function=function,
        group=check_name(group, "group", f"handler {title}")
        if group is not None
        else default_group(function.__module__),
        name=check_name(name if name is not None else function.__name__, "name", f"handler {title}"),
        methods=_check_methods(methods, title),
        blueprint=blueprint,
        on_invalid=on_invalid,
        binder=Binder(function if view is None else _without_self(function, title)),
        is_generator=inspect.isgeneratorfunction(innermost),
        stream_options=stream_options,
        view=view,
        make_run=make_run,
        once=_check_once(once, title),
    )


def default_group(module: str, class_name: str = "") -> str:
    """Return the default group of a module, or of a class in it.

    The module that a process was started with gets the name under which others import it, so that ``python shop.py``
    and ``gunicorn shop:app`` produce the same URLs.

    >>> default_group("shop.shoppingCart")
    'shop-shopping_cart'
    >>> default_group("shop.cart", "CartView")
    'shop-cart-cart_view'
    """
    if module == "__main__":
        module = _main_module()
    if class_name:
        module += f".{class_name}"
    return snake_case(module).replace(".", "-")


# Called for every action of a page, with the same few names.
@lru_cache(1024)
def snake_case(name: str) -> str:
    """Convert the name of a class to snake case."""
    return _WORD_START.sub("_", name).lower()


def is_event_name(name: str) -> bool:
    """Return whether ``handle_event`` can get an event of that name."""
    return _EVERY_NAME.fullmatch(name) is not None


def _without_self(method: Callable[..., Any], title: str) -> Callable[..., Any]:
    """Return a stand-in for a method, with the signature of the bound method."""
    parameters = list(inspect.signature(method).parameters.values())
    if not parameters or parameters[0].kind not in _POSITIONAL:
        raise SetupError(f"handler {title} is a method without 'self'; add it as the first parameter")

    @wraps(method)
    def bound() -> None: ...

    bound.__signature__ = inspect.Signature(parameters[1:])  # type: ignore[attr-defined]
    return bound


def is_method(function: Callable[..., Any]) -> bool:
    """Return whether a function is a method of a class that is being defined."""
    around = getattr(function, "__qualname__", "").rpartition(".")[0]
    is_in_class = bool(around) and not around.endswith("<locals>")
    return is_in_class and next(iter(inspect.signature(function).parameters), None) == "self"


def _main_module() -> str:
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        return str(spec.name).removesuffix(".__main__")
    return Path(getattr(main, "__file__", None) or "main").stem


def check_name(name: str, what: str, title: str) -> str:
    """Return a name or group if it can be part of a URL and of a dotted name.

    :param title: names what is declared, for the error.
    :raises SetupError: if it cannot.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise SetupError(f"{title}: {what} is {name!r}; accepted: letters, digits, '_', '-' and '~', no dot")
    return name


def _check_once(once: object, title: str) -> bool:
    if not isinstance(once, bool):
        raise SetupError(f"handler {title}: once is {once!r}; accepted: True or False")
    return once


def _check_methods(methods: Iterable[str], title: str) -> tuple[str, ...]:
    given = [] if isinstance(methods, str) else [str(method).upper() for method in methods]
    if not given or not set(given) <= set(VERBS):
        raise SetupError(f"handler {title}: methods is {methods!r}; accepted: a list of {', '.join(VERBS)}")
    return tuple(dict.fromkeys(given))
