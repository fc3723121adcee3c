"""``Datastar``, the extension object: it wires the parts together and holds none of their logic."""

from __future__ import annotations

from typing import Any, TypeVar, overload

from flask import Blueprint, Flask, request

from .actions.helpers import PageHelpers, install_page_helpers
from .config.settings import read_settings
from .errors import SetupError
from .forms.validation import ValidationMethods
from .handlers.dispatch import BLUEPRINT
from .reading import signals as reading
from .request_hooks import install_request_hooks
from .sansio.events import Event
from .security.origin import check_origin
from .security.renewal import install_renewal
from .sending import SendingMethods
from .sending.overlay import install_overlay
from .sending.rendering import install_context_processor
from .sending.response import EventResponse, current_response, response_of, start_response
from .state.app import AppState, current_app_state
from .state.contexts import install_contexts
from .state.request import current_request_state
from .state.tracked import TrackedSignals
from .streams.commits import watch_transactions
from .streams.methods import StreamMethods
from .streams.refusals import install_refusals

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
        StreamMethods.__init__(self)
        PageHelpers.__init__(self, self.handlers, self)
        self._arguments = settings
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Set an app up: configuration, dispatcher blueprint, request hooks, template names, handlers.

        Reads the keys of the configuration once: later changes have no effect. Opens no socket, starts no thread.

        :raises ConfigError: a key's value is not accepted.
        :raises SetupError: the app has a Datastar already, or a blueprint of that name.
        """
        if "datastar" in app.extensions:
            raise SetupError(f"{app!r} has a Datastar already; use app.extensions['datastar']")
        if BLUEPRINT in app.blueprints:
            raise SetupError(f"{app!r} has a blueprint {BLUEPRINT!r} already, as the dispatcher is called; rename it")
        app_state = AppState(app, self, read_settings(app.config, self._arguments))
        app.register_blueprint(Blueprint(BLUEPRINT, __name__, url_prefix=app_state.settings.url_prefix))
        install_request_hooks(app_state)
        install_renewal(app_state)
        install_refusals(app_state)
        install_contexts(app_state)
        install_overlay(app_state)
        watch_transactions(app_state)
        install_context_processor(app)
        install_page_helpers(app, PageHelpers(self.handlers))
        _attach_commands(app)
        self._install_declared(app_state)

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

    def _emit(self, event: Event) -> EventResponse:
        return current_response(self)._emit(event)

    def _tracking(self) -> tuple[TrackedSignals, EventResponse]:
        state = current_request_state(self)
        return state.tracked, response_of(state)

    def _find_app_state(self) -> AppState:
        return current_app_state(self)


def _attach_commands(app: Flask) -> None:
    """Add ``flask datastar ...``; the commands lie above the extension, so nothing imports them earlier."""
    from .cli import datastar_commands

    app.cli.add_command(datastar_commands)
