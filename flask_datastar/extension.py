"""``Datastar``, the extension object: it wires the parts together and holds none of their logic."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast, overload

from flask import Blueprint, Flask, Response, request
from flask.blueprints import BlueprintSetupState

from . import reading
from ._state import (
    AppState,
    begin_request,
    current_app_state,
    current_request_state,
    find_app_state,
    state_of,
)
from .actions import PageHelpers, install_page_helpers
from .config import read_settings
from .dispatch import BLUEPRINT, install_handler, install_in_blueprint
from .errors import SetupError
from .handlers import DEFAULT_METHODS, Handler, HandlerRegistry, OnInvalid, make_handler
from .origin import check_origin
from .redirects import convert_redirect
from .response import (
    EventResponse,
    current_response,
    finish,
    is_decided,
    is_event_response,
    start_response,
)
from .sansio.events import Event
from .sending import SendingMethods
from .streams.api import StreamMethods
from .streams.refusals import is_refusal, refuse_stream
from .templating import install_context_processor
from .tracking import TrackedSignals
from .validation import ValidationMethods

F = TypeVar("F", bound=Callable[..., Any])
M = TypeVar("M")


class Datastar(SendingMethods[EventResponse], StreamMethods, ValidationMethods, PageHelpers):
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

        Reads ``DATASTAR_URL_PREFIX``, ``DATASTAR_SCRIPT_URL``, ``DATASTAR_SCRIPT_INTEGRITY``,
        ``DATASTAR_TRUSTED_ORIGINS`` and ``DATASTAR_MAX_SIGNALS_BYTES``, once: later changes have no effect. Opens no
        socket, starts no thread.

        :raises ConfigError: a key's value is not accepted.
        :raises SetupError: the app has a Datastar already.
        """
        if "datastar" in app.extensions:
            raise SetupError(f"{app!r} has a Datastar already; use app.extensions['datastar']")
        app_state = AppState(app, self, read_settings(app.config, self._arguments))
        app.register_blueprint(Blueprint(BLUEPRINT, __name__, url_prefix=app_state.settings.url_prefix))
        _install_request_hooks(app_state)
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

    @overload
    def read_signals(self, /) -> dict[str, Any]: ...
    @overload
    def read_signals(self, model: type[M], /) -> M: ...
    def read_signals(self, model: type[Any] | None = None, /) -> Any:
        """Give the request's signals.

        :param model: a dataclass, a TypedDict, a pydantic or msgspec model to make of them, without ``tabId`` and
            ``csrf``.
        :return: name → value, ``{}`` when there are none, as in form posts; or the model.
        :raises InvalidSignals: they are malformed, no object, too large or too deep, or do not fit the model (400).
        """
        state = current_request_state(self)
        return reading.read_signals(request, state) if model is None else reading.read_model(request, state, model)

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


def _install_request_hooks(app_state: AppState) -> None:
    """Begin each request before, and end it after, what other extensions do in their hooks."""

    def begin() -> None:
        current = request._get_current_object()  # type: ignore[attr-defined]
        # A URL value preprocessor that set something was earlier.
        if state_of(current) is None:
            begin_request(app_state, current)

    def end(response: Response) -> Response:
        current = request._get_current_object()  # type: ignore[attr-defined]
        state = state_of(current)
        if state is None:
            return response
        if response is state.response and not state.tracked.is_pending and is_decided(response):
            return response
        if current.endpoint in app_state.stream_endpoints and is_refusal(response, current):
            return refuse_stream(response, current, state)
        if is_event_response(response):
            return finish(response, state)
        return convert_redirect(response, current, state)

    def drop_subscriptions(error: BaseException | None = None) -> None:
        # Made in a request that opened no stream; without this they would collect messages for ever.
        state = state_of(request._get_current_object())  # type: ignore[attr-defined]
        if state is None:
            return
        for subscription in state.subscriptions:
            subscription.close()
        if state.stream is not None and not state.stream.is_connected:
            # Its response was not sent: something raised after the view.
            state.stream.abandon()

    app = app_state.app
    app.teardown_request(drop_subscriptions)
    app.before_request_funcs.setdefault(None, []).insert(0, begin)
    # Called in reverse order: the first one is called last.
    app.after_request_funcs.setdefault(None, []).insert(0, end)
