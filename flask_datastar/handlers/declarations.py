"""The declarations of one instance's decorators, and their installation in every app of that instance."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, Self, cast

from flask import Blueprint, Flask
from flask.blueprints import BlueprintSetupState

from ..errors import SetupError
from ..state.app import AppState, app_state_of
from .endpoints import install_handler, install_in_blueprint, retire_handler
from .handler import Handler
from .registry import HandlerRegistry, check_same_function

# The key under which an app that is not initialised yet keeps the registrations of users' blueprints. They refer to the
# app, so keeping them here would keep an app alive that is never initialised.
_WAITING = "datastar.waiting"


class Declaration(Protocol):
    """A handler, a stream or a view whose declaration was checked."""

    @property
    def key(self) -> str:
        """The unique key. A later declaration with the same key takes the place of this one."""

    @property
    def blueprint(self) -> Blueprint | None:
        """The user's blueprint that it belongs to; None for the dispatcher blueprint."""

    @property
    def handlers(self) -> tuple[Handler, ...]:
        """Everything that the browser can call because of it."""

    def check_replaces(self, earlier: Self, /) -> None:
        """Check that it declares the same function or class as an earlier declaration with its key.

        :raises SetupError: if it declares another function or class, or the same one with other options.
        """

    def install(self, app_state: AppState, /) -> None:
        """Make it reachable in an app, or put it in the place of an earlier declaration."""

    def install_in_blueprint(self, app_state: AppState, setup: BlueprintSetupState, /) -> None:
        """Make it reachable below a user's blueprint, behind its guards and below its URL prefix."""


@dataclass(frozen=True, slots=True)
class DeclaredHandler:
    """The declaration of one handler, or of one stream."""

    handler: Handler

    def __str__(self) -> str:
        return f"handler {self.handler}"

    @property
    def key(self) -> str:
        """The handler's own part of its endpoints."""
        return self.handler.key

    @property
    def blueprint(self) -> Blueprint | None:
        """The user's blueprint that it belongs to."""
        return self.handler.blueprint

    @property
    def handlers(self) -> tuple[Handler, ...]:
        """The handler alone."""
        return (self.handler,)

    def check_replaces(self, earlier: DeclaredHandler) -> None:
        """Check that the same function is declared again: by a reload, or by a factory.

        :raises SetupError: if it is another function, or comes back with other options.
        """
        check_same_function(earlier.handler, self.handler)

    def install(self, app_state: AppState) -> None:
        """Make the handler reachable in an app, below the dispatcher blueprint; also after the first request."""
        install_handler(app_state, self.handler)

    def install_in_blueprint(self, app_state: AppState, setup: BlueprintSetupState) -> None:
        """Make the handler reachable as an endpoint of a user's blueprint."""
        install_in_blueprint(app_state, self.handler, setup)


class Declarations:
    """The declarations of one ``Datastar`` instance. They serve all of its apps."""

    def __init__(self) -> None:
        #: The allow-list of what the browser can call.
        self.handlers = HandlerRegistry()
        self._declared: dict[str, Declaration] = {}
        self._apps: weakref.WeakSet[Flask] = weakref.WeakSet()

    def add(self, declared: Declaration) -> None:
        """Add a declaration, and install it in every app: now, or when its blueprint is registered.

        :raises SetupError: if one of its names is taken, or it cannot be installed; then everything stays as it was.
        """
        key, blueprint = declared.key, declared.blueprint
        earlier = self._declared.get(key)
        if earlier is not None:
            declared.check_replaces(earlier)
        handlers_before = earlier.handlers if earlier is not None else ()
        self.handlers.replace_all(handlers_before, declared.handlers)
        self._declared[key] = declared
        try:
            if blueprint is None or (earlier is not None and earlier.blueprint is blueprint):
                self._install_everywhere(declared, handlers_before)
            else:
                self._record(declared, key, blueprint)
        except Exception:
            self.handlers.replace_all(declared.handlers, handlers_before)
            del self._declared[key]
            if earlier is not None:
                self._declared[key] = earlier
            raise

    def install_all(self, app_state: AppState) -> None:
        """Install what was declared before the app was initialised."""
        for declared in self._declared.values():
            if declared.blueprint is None:
                declared.install(app_state)
        self._apps.add(app_state.app)
        for owner, install in app_state.app.extensions.pop(_WAITING, []):
            if owner is self:
                install(app_state)

    def app_state_of(self, app: Flask | None) -> AppState | None:
        """Return the state of an app of this instance, or None; without an app, the state of the only one."""
        if app is not None and app in self._apps:
            return app_state_of(app)
        apps = list(self._apps)
        return app_state_of(apps[0]) if app is None and len(apps) == 1 else None

    def _install_everywhere(self, declared: Declaration, handlers_before: tuple[Handler, ...]) -> None:
        kept = {handler.key for handler in declared.handlers}
        gone = [handler for handler in handlers_before if handler.key not in kept]
        for app in self._apps:
            app_state = app_state_of(app)
            declared.install(app_state)
            for handler in gone:
                retire_handler(app_state, handler)

    def _record(self, declared: Declaration, key: str, blueprint: Blueprint) -> None:
        """Install a declaration when its blueprint is registered, or as soon as the blueprint's app is initialised."""

        def install(app_state: AppState, setup: BlueprintSetupState) -> None:
            # If it was declared again since, the later declaration counts.
            latest = self._declared[key]
            (latest if latest.blueprint is blueprint else declared).install_in_blueprint(app_state, setup)

        def on_register(setup: BlueprintSetupState) -> None:
            app = cast(Flask, setup.app)
            if app in self._apps:
                install(app_state_of(app), setup)
            else:
                waiting: list[tuple[Declarations, Callable[[AppState], None]]]
                waiting = app.extensions.setdefault(_WAITING, [])
                waiting.append((self, lambda app_state: install(app_state, setup)))

        try:
            blueprint.record(on_register)
        except AssertionError as error:
            raise SetupError(
                f"{declared} is declared after its blueprint {blueprint.name!r} was registered; declare it before, in "
                "a module that is imported earlier"
            ) from error
