"""``Datastar``, the extension object: it wires the parts together and holds none of their logic."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast, overload

from flask import Blueprint, Flask, request
from flask.blueprints import BlueprintSetupState

from . import reading
from ._state import AppState, current_app_state, current_request_state, find_app_state
from .actions import PageHelpers, install_page_helpers
from .config import read_settings
from .csrf_renewal import install_renewal
from .dispatch import BLUEPRINT, install_handler, install_in_blueprint
from .errors import SetupError
from .handlers import DEFAULT_METHODS, Handler, HandlerRegistry, OnInvalid, make_handler
from .origin import check_origin
from .overlay import install_overlay
from .request_hooks import install_request_hooks
from .response import EventResponse, current_response, start_response
from .sansio.events import Event
from .sending import SendingMethods
from .streams.api import StreamMethods
from .templating import install_context_processor
from .tracking import TrackedSignals

F = TypeVar("F", bound=Callable[..., Any])


class Datastar(SendingMethods[EventResponse], StreamMethods, PageHelpers):
    """The Datastar extension for Flask.

    The sending methods act on the current request's response, which they make when there is none yet, and return it.
    Handlers belong to the instance and serve all of its apps.

    :param app: initialised at once; without it, call :meth:`init_app` later.
    :param settings: the configuration's keys in lower case without ``DATASTAR_``; they win over ``app.config``.

    >>> from flask import Flask
    >>> datastar = Datastar()
    >>> @datastar.handler(group="counter")
    ... def increment(count: int = 0):
    ...     datastar.signal("count", count + 1)
    >>> app = Flask("shop")
    >>> datastar.init_app(app)
    >>> with app.test_request_context():
    ...     print(datastar.post(increment).js)
    @post('/ds/counter/increment')
    """

    def __init__(self, app: Flask | None = None, **settings: Any) -> None:
        #: The allow-list of what the browser can call.
        self.handlers = HandlerRegistry()
        PageHelpers.__init__(self, self.handlers, self)
        self._arguments = settings
        self._before_wait: list[Callable[[], object]] = []
        self._apps: weakref.WeakSet[Flask] = weakref.WeakSet()
        # Registrations of users' blueprints with apps that are not initialised yet.
        self._waiting: weakref.WeakKeyDictionary[Flask, list[Callable[[AppState], None]]] = weakref.WeakKeyDictionary()
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Set an app up: configuration, dispatcher blueprint, request hooks, template names, handlers.

        Reads the keys of the configuration once: later changes have no effect. Opens no socket, starts no thread.

        :raises ConfigError: a key's value is not accepted.
        :raises SetupError: the app has a Datastar already.
        """
        if "datastar" in app.extensions:
            raise SetupError(f"{app!r} has a Datastar already; use app.extensions['datastar']")
        app_state = AppState(app, self, read_settings(app.config, self._arguments))
        app.register_blueprint(Blueprint(BLUEPRINT, __name__, url_prefix=app_state.settings.url_prefix))
        install_request_hooks(app_state)
        install_renewal(app_state)
        install_overlay(app_state)
        install_context_processor(app)
        install_page_helpers(app, PageHelpers(self.handlers))
        for handler in self.handlers:
            if handler.blueprint is None:
                install_handler(app_state, handler)
        self._apps.add(app)
        for install in self._waiting.pop(app, []):
            install(app_state)

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

    def start(self) -> EventResponse:
        """Make a fresh response with all sending methods, for plain views to return.

        It is not the current response, but takes its events along when it is returned.

        :raises SetupError: there is no request.
        """
        return start_response(current_request_state(self))

    def read_signals(self) -> dict[str, Any]:
        """Give the request's signals.

        :return: name → value; ``{}`` when there are none, as in form posts.
        :raises InvalidSignals: they are malformed, no object, too large or too deep (400).
        """
        return reading.read_signals(request, current_request_state(self))

    @property
    def is_datastar_request(self) -> bool:
        """Whether the Datastar client sent the current request."""
        return reading.is_datastar_request(request)

    @property
    def tab_id(self) -> str | None:
        """The browser tab's id, from the signal ``tabId``; None when the page sent none that is fit."""
        return reading.read_tab_id(self.read_signals())

    @property
    def last_event_id(self) -> str | None:
        """The event id that this action's last answer ended with; None on a first request."""
        return reading.read_last_event_id(request)

    def check_origin(self) -> None:
        """Refuse the request, as the dispatcher does, when another site made the browser send it; for plain views.

        :raises werkzeug.exceptions.Forbidden: it comes from elsewhere (403).
        """
        check_origin(request, current_app_state(self).settings.trusted_origins)

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

    def _emit(self, event: Event) -> EventResponse:
        return current_response(self)._emit(event)

    def _after_tracking(self) -> EventResponse:
        return current_response(self)

    def _tracking(self) -> TrackedSignals:
        return current_request_state(self).tracked

    def _find_app_state(self) -> AppState:
        return current_app_state(self)
