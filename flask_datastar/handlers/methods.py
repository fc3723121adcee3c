"""The handler methods of ``Datastar``: the decorator that declares a handler, and the list of all handlers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar, overload

from flask import Blueprint

from .declarations import Declarations, DeclaredHandler
from .handler import DEFAULT_METHODS, OnInvalid, make_handler
from .listing import HandlerInfo, list_handlers

F = TypeVar("F", bound=Callable[..., Any])


class HandlerMethods:
    """The methods of ``Datastar`` for handlers."""

    _declarations: Declarations

    @property
    def handlers(self) -> tuple[HandlerInfo, ...]:
        """Everything that the browser can call, in the order of declaration: handlers, streams, and events of views.

        Each has ``group``, ``name``, ``kind`` (``handler``, ``view event`` or ``stream``), ``methods``, ``function``
        (its dotted name), ``source`` (file and line), and ``rules`` (Flask's endpoint → URL rule).
        """
        return list_handlers(self._declarations)

    # At run time, typing would keep the overloads, and with them Flask, until typing itself is torn down.
    if TYPE_CHECKING:

        @overload
        def handler(self, function: F, /) -> F: ...
        @overload
        def handler(
            self,
            /,
            *,
            name: str | None = None,
            group: str | None = None,
            methods: Iterable[str] = DEFAULT_METHODS,
            blueprint: Blueprint | None = None,
            on_invalid: OnInvalid | None = None,
            once: bool = True,
        ) -> Callable[[F], F]: ...

    def handler(
        self,
        function: Callable[..., Any] | None = None,
        /,
        *,
        name: str | None = None,
        group: str | None = None,
        methods: Iterable[str] = DEFAULT_METHODS,
        blueprint: Blueprint | None = None,
        on_invalid: OnInvalid | None = None,
        once: bool = True,
    ) -> Any:
        """Declare a function that the browser can call, at ``{prefix}/<group>/<name>``.

        Each parameter gets the query value of its name, else the signal of its name, converted by its annotation; a
        parameter ``signals`` gets all signals. The extension sends everything that the function returns (HTML, a dict
        of signals, an event, an iterator of events, a response) or yields; see the page on handlers.

        :param name: the last part of the URL; by default the function's name.
        :param group: the first part of the URL; by default the module's dotted name, snake-cased, with dashes for dots.
        :param methods: the accepted verbs; by default POST, PUT, PATCH and DELETE.
        :param blueprint: a blueprint whose guards protect the handler and whose URL prefix comes first in its URL.
        :param on_invalid: a function that gets the :class:`~flask_datastar.errors.InvalidSignals`; its return value is
            sent, like a handler's, in place of a 400.
        :param once: whether a click runs the handler once, and its repeats get the response of the first request;
            False for handlers that may run as often as they are called.
        :return: the function, unchanged.
        :raises SetupError: if the declaration cannot work, or the name is taken.
        """

        def declare(function: F) -> F:
            handler = make_handler(
                function,
                name=name,
                group=group,
                methods=methods,
                blueprint=blueprint,
                on_invalid=on_invalid,
                once=once,
            )
            self._declarations.add(DeclaredHandler(handler))
            return function

        return declare if function is None else declare(function)
