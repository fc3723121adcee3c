"""Declaring what the browser can call: into the allow-list, and from there into every app of the instance."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeVar, cast, overload

from flask import Blueprint, Flask
from flask.blueprints import BlueprintSetupState

from .errors import SetupError
from .handlers.dispatch import install_handler, install_in_blueprint
from .handlers.handler import DEFAULT_METHODS, Handler, OnInvalid, make_handler
from .handlers.registry import HandlerRegistry
from .state.app import AppState, find_app_state
from .views.declaring import View, check_declared_again, install_view, install_view_in_blueprint, make_declared_view
from .views.starview import StarView

F = TypeVar("F", bound=Callable[..., Any])
V = TypeVar("V", bound=type[StarView])

# Registrations of users' blueprints with an app that is not initialised yet, and may never be. They hold the app, so it
# keeps them itself: in here they would keep it for ever.
_WAITING = "datastar.waiting"


class DeclaringMethods:
    """What ``Datastar`` has for declarations. They belong to the instance and serve all of its apps."""

    def __init__(self) -> None:
        #: The allow-list of what the browser can call.
        self.handlers = HandlerRegistry()
        self._views: dict[str, View] = {}
        self._apps: weakref.WeakSet[Flask] = weakref.WeakSet()

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

    def view(
        self, rule: str, blueprint: Blueprint | None = None, *, group: str | None = None, **options: Any
    ) -> Callable[[V], V]:
        """Declare a :class:`~flask_datastar.StarView`: its page at ``rule``, its events at ``{prefix}/<group>/<name>``.

        :param rule: a URL rule, as Flask's routes have it. Its parameters go to ``load`` and ``show``, actions carry
            them, and so events get them, too.
        :param blueprint: put the page and the events behind this blueprint's guards and below its URL prefix.
        :param group: the dotted name of the class, snake-cased, with dashes for dots, by default.
        :param options: of the page's route, as Flask's routes take them; ``endpoint`` is by default the name of the
            class, snake-cased.
        :return: the class, unchanged.
        :raises SetupError: the declaration cannot work, or a name is taken.
        """
        # Below a blueprint's prefix the rule may be empty, as Flask's.
        if not isinstance(rule, str) or not (rule.startswith("/") or (blueprint is not None and not rule)):
            raise SetupError(f"@datastar.view takes a URL rule, not {rule!r}; write @datastar.view('/…')")

        def declare(view_class: V) -> V:
            self._declare_view(make_declared_view(view_class, rule, blueprint, group, dict(options)))
            return view_class

        return declare

    def _install_declared(self, app_state: AppState) -> None:
        """Install what was declared before the app was initialised."""
        for view in self._views.values():
            if view.blueprint is None:
                install_view(app_state, view)
        for handler in self.handlers:
            if handler.blueprint is None and handler.view is None:
                install_handler(app_state, handler)
        self._apps.add(app_state.app)
        for extension, install in app_state.app.extensions.pop(_WAITING, []):
            if extension is self:
                install(app_state)

    def _declare(self, handler: Handler) -> None:
        earlier = self.handlers.add(handler)
        if handler.blueprint is None or (earlier is not None and earlier.blueprint is handler.blueprint):
            for app in self._apps:
                install_handler(find_app_state(app), handler)
            return
        try:
            self._record(handler.blueprint, f"handler {handler}", partial(self._install_latest, handler))
        except SetupError:
            self.handlers.remove(handler)
            if earlier is not None:
                self.handlers.add(earlier)
            raise

    def _install_latest(self, handler: Handler, app_state: AppState, setup: BlueprintSetupState) -> None:
        """Install a handler, or what was declared anew in its place."""
        latest = self.handlers.get(handler.key)
        install_in_blueprint(app_state, latest if latest.blueprint is handler.blueprint else handler, setup)

    def _declare_view(self, view: View) -> None:
        earlier = self._views.get(view.group)
        if earlier is not None:
            check_declared_again(earlier, view)
        events_before = earlier.events if earlier is not None else ()
        self.handlers.exchange(events_before, view.events)
        self._views[view.group] = view
        try:
            if view.blueprint is None or (earlier is not None and earlier.blueprint is view.blueprint):
                for app in self._apps:
                    install_view(find_app_state(app), view, events_before)
            else:
                self._record(view.blueprint, f"view {view}", partial(self._install_latest_view, view))
        except Exception:
            self.handlers.exchange(view.events, events_before)
            del self._views[view.group]
            if earlier is not None:
                self._views[view.group] = earlier
            raise

    def _install_latest_view(self, view: View, app_state: AppState, setup: BlueprintSetupState) -> None:
        latest = self._views[view.group]
        install_view_in_blueprint(app_state, latest if latest.blueprint is view.blueprint else view, setup)

    def _record(
        self, blueprint: Blueprint, title: str, install: Callable[[AppState, BlueprintSetupState], None]
    ) -> None:
        """Install something when a blueprint is registered, or as soon as the app of that is initialised."""

        def on_register(setup: BlueprintSetupState) -> None:
            app = cast(Flask, setup.app)
            if app in self._apps:
                install(find_app_state(app), setup)
            else:
                app.extensions.setdefault(_WAITING, []).append((self, lambda app_state: install(app_state, setup)))

        try:
            blueprint.record(on_register)
        except AssertionError as error:
            raise SetupError(
                f"{title} is declared after its blueprint {blueprint.name!r} was registered; declare it before, in a "
                "module that is imported earlier"
            ) from error
