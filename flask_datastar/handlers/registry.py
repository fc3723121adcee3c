"""The allow-list: the handlers of one ``Datastar`` instance, by group and name."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

from ..errors import SetupError
from .handler import EVERY_EVENT, Handler, is_event_name


class HandlerRegistry:
    """The handlers of one ``Datastar`` instance. They serve all of its apps."""

    def __init__(self) -> None:
        self._handlers: dict[str, Handler] = {}

    def __iter__(self) -> Iterator[Handler]:
        return iter(tuple(self._handlers.values()))

    def replace_all(self, before: Iterable[Handler], after: Iterable[Handler]) -> None:
        """Replace some handlers by others. If one of the new handlers is refused, change nothing.

        :raises SetupError: if another handler has one of the names.
        """
        gone = {handler.key for handler in before}
        handlers = {key: handler for key, handler in self._handlers.items() if key not in gone}
        for handler in after:
            if handler.key in handlers:
                raise _two_handlers(handlers[handler.key], handler)
            handlers[handler.key] = handler
        self._handlers = handlers

    def get(self, key: str) -> Handler:
        """Return the handler of a key that :meth:`replace_all` has added."""
        return self._handlers[key]

    def find(self, group: str, name: str) -> Handler | None:
        """Return the handler of that name, else the handler for every event of the group's view, else None."""
        every = self._handlers.get(f"{group}:{EVERY_EVENT}")
        fallback = replace(every, meant=name) if every is not None and is_event_name(name) else None
        return self._handlers.get(f"{group}:{name}", fallback)

    def named(self, name: str) -> list[Handler]:
        """Return all handlers of that name, whatever their group."""
        return [handler for handler in self if handler.name == name]

    def of_function(self, function: object) -> list[Handler]:
        """Return the handlers that a function was declared as."""
        own = [handler for handler in self if handler.function is function]
        # A function that was declared again since, or that a decorator has wrapped, is recognised by its names.
        return own or [handler for handler in self if _source(function) == handler.source]

    def of_view(self, view_class: type, name: str) -> list[Handler]:
        """Return the handlers of that name that a view declares."""
        source = _source(view_class)
        groups = {handler.group for handler in self if _source(handler.view) == source}
        found = [handler for group in groups if (handler := self.find(group, name)) is not None]
        return [handler for handler in found if _source(handler.view) == source]

    def of_module(self, module: str, name: str) -> list[Handler]:
        """Return the handlers of that name that a module declares, in whatever group."""
        return [handler for handler in self.named(name) if handler.source[0] == module]


def check_same_function(earlier: Handler, handler: Handler) -> None:
    """Check that a handler is an earlier one declared again: by a reload, or by a factory that is called again.

    :raises SetupError: if it is another function, or the same one comes back with other options.
    """
    if earlier.source != handler.source:
        raise _two_handlers(earlier, handler)
    hidden = [_hidden_source(found.function) for found in (earlier, handler)]
    if hidden[0] != hidden[1]:
        raise SetupError(
            f"two handlers are called {handler.key}, because a decorator hides their names; use "
            f"functools.wraps in this decorator: {handler.source[0]}.{handler.source[1]}"
        )
    # A factory that is called again creates its blueprints again: only their names stay the same.
    if earlier.methods != handler.methods or _blueprint_name(earlier) != _blueprint_name(handler):
        raise SetupError(
            f"handler {handler} is declared again with another blueprint or other methods; restart the process, or "
            "give it a different name="
        )


def _two_handlers(earlier: Handler, handler: Handler) -> SetupError:
    return SetupError(
        f"two handlers are called {handler.key}: {earlier} and {handler}; give one of them a different name= or group="
    )


def _blueprint_name(handler: Handler) -> str | None:
    return handler.blueprint.name if handler.blueprint is not None else None


def _hidden_source(function: Any) -> tuple[object, object] | None:
    """Return the source of the function that a decorator without ``functools.wraps`` hides, None if it hides nothing.

    All functions that such a decorator wraps have the same name, so each would seem to declare the one before it again.
    """
    kinds = {parameter.kind for parameter in inspect.signature(function).parameters.values()}
    if not kinds or not kinds <= {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}:
        return None
    for cell in getattr(function, "__closure__", None) or ():
        # An empty cell is a variable that is not set yet.
        with suppress(ValueError):
            if inspect.isfunction(cell.cell_contents):
                return _source(cell.cell_contents)
    return None


def _source(function: object) -> tuple[object, object]:
    return getattr(function, "__module__", None), getattr(function, "__qualname__", None)
