"""Declaring what the browser can call: into the allow-list, and from there into every app of the instance."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast, overload

from flask import Blueprint, Flask
from flask.blueprints import BlueprintSetupState

from ._state import AppState, find_app_state
from .dispatch import install_handler, install_in_blueprint
from .errors import SetupError
from .handlers import DEFAULT_METHODS, Handler, HandlerRegistry, OnInvalid, make_handler

F = TypeVar("F", bound=Callable[..., Any])


class DeclaringMethods:
    """What ``Datastar`` has for declarations. They belong to the instance and serve all of its apps."""

    def __init__(self) -> None:
        #: The allow-list of what the browser can call.
        self.handlers = HandlerRegistry()
        self._apps: weakref.WeakSet[Flask] = weakref.WeakSet()
        # Registrations of users' blueprints with apps that are not initialised yet.
        self._waiting: weakref.WeakKeyDictionary[Flask, list[Callable[[AppState], None]]] = weakref.WeakKeyDictionary()

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
    ) -> Any:
        """Declare a function that the browser can call, at ``{prefix}/<group>/<name>``.

        A parameter is the query's value, else the signal, of its name, converted by its annotation; ``signals`` gets
        all of them. What it returns (HTML, a dict of signals, an event, an iterator of events, a response) or yields is
        sent; see the page on handlers.

        :param name: the event's name; the function's by default.
        :param group: the module's dotted name, snake-cased, with dashes for dots, by default.
        :param methods: verbs; POST, PUT, PATCH and DELETE by default.
        :param blueprint: put it behind this blueprint's guards and below its URL prefix.
        :param on_invalid: called with the :class:`~flask_datastar.errors.InvalidSignals` in place of a 400; its return
            value is sent as a handler's.
        :return: the function, unchanged.
        :raises SetupError: the declaration cannot work, or the name is taken.
        """

        def declare(function: F) -> F:
            handler = make_handler(
                function, name=name, group=group, methods=methods, blueprint=blueprint, on_invalid=on_invalid
            )
            self._declare(handler)
            return function

        return declare if function is None else declare(function)

    def _install_declared(self, app_state: AppState) -> None:
        """Install what was declared before the app was initialised."""
        for handler in self.handlers:
            if handler.blueprint is None:
                install_handler(app_state, handler)
        self._apps.add(app_state.app)
        for install in self._waiting.pop(app_state.app, []):
            install(app_state)

    def _declare(self, handler: Handler) -> None:
        earlier = self.handlers.add(handler)
        if handler.blueprint is None or (earlier is not None and earlier.blueprint is handler.blueprint):
            for app in self._apps:
                install_handler(find_app_state(app), handler)
            return
        try:
            handler.blueprint.record(lambda setup: self._install_in_blueprint(handler, setup))
        except AssertionError as error:
            self.handlers.remove(handler)
            if earlier is not None:
                self.handlers.add(earlier)
            raise SetupError(
                f"handler {handler} is declared after its blueprint {handler.blueprint.name!r} was registered; declare "
                "it before, in a module that is imported earlier"
            ) from error

    def _install_in_blueprint(self, handler: Handler, setup: BlueprintSetupState) -> None:
        """Install a handler, or what was declared anew in its place, at once or as soon as the app is initialised."""

        def install(app_state: AppState) -> None:
            latest = self.handlers.get(handler.key)
            install_in_blueprint(app_state, latest if latest.blueprint is handler.blueprint else handler, setup)

        app = cast(Flask, setup.app)
        if app in self._apps:
            install(find_app_state(app))
        else:
            self._waiting.setdefault(app, []).append(install)
