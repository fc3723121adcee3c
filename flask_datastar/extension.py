"""``Datastar``, the extension object: it wires the parts together and holds none of their logic."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, Unpack, overload

from flask import Blueprint, Flask, Request, Response, request

from .actions.helpers import PageHelpers, TemplateHelpers, install_template_helpers
from .brokers.schemes import check_broker_url
from .config.settings import Arguments, check_arguments, key_title, read_settings
from .errors import SetupError
from .forms.validation import FormMethods
from .handlers.declarations import Declarations
from .handlers.endpoints import BLUEPRINT
from .handlers.methods import HandlerMethods
from .presence.methods import PresenceMethods, install_presence
from .reading import signals as reading
from .reading.tabs import read_tab
from .regions.methods import RegionHelpers, RegionMethods, install_regions
from .regions.registry import RegionRegistry
from .regions.runs import LIVE_KEY, find_live_run, finish_live_run, start_live_run
from .repeats.app import Repeats
from .repeats.methods import RepeatMethods
from .repeats.running import KEY_START, take_key
from .sansio.events import Event
from .security.origin import check_origin
from .security.renewal import install_renewal
from .security.tokens import carry_token
from .sending import SendingMethods
from .sending.overlay import install_overlay
from .sending.redirects import convert_redirect
from .sending.rendering import install_context_processor
from .sending.response import BodyKind, EventResponse, current_response, finish, response_of, start_response
from .state.app import AppState, current_app_state
from .state.contexts import install_contexts
from .state.request import REQUEST_KEY, RequestState, current_request_state, start_request_state
from .state.tracked import TrackedSignals
from .streams.commits import watch_transactions
from .streams.current import shared_broker
from .streams.methods import StreamMethods
from .streams.refusals import REFUSED, PlainStreams, asks_for_stream, end_stream, install_refusals, note_variants
from .streams.servers import warn_of_processes
from .views.methods import ViewMethods

M = TypeVar("M")


class Datastar(
    SendingMethods[EventResponse],
    HandlerMethods,
    RepeatMethods,
    ViewMethods,
    StreamMethods,
    RegionMethods,
    PresenceMethods,
    FormMethods,
    PageHelpers,
):
    """The Datastar extension for Flask.

    The sending methods act on the current request's response and return it; the first one creates it. Handlers belong
    to the instance and serve all of its apps.

    :param app: the app to initialise at once; without it, call :meth:`init_app` later.
    :param settings: the configuration's keys in lower case without ``DATASTAR_``; they win over ``app.config``.
    :raises ConfigError: if an argument is unknown, or a value is not accepted.

    >>> from flask import Flask
    >>> datastar = Datastar()
    >>> @datastar.handler(group="counter")
    ... def increment(count: int = 0):
    ...     datastar.signal("count", count + 1)
    >>> app = Flask("shop")
    >>> datastar.init_app(app)
    >>> with app.test_request_context():
    ...     print(datastar.post(increment).js)
    @post('/ds/counter/increment?_k=' + Math.random(), {requestCancellation: 'disabled'})
    """

    def __init__(self, app: Flask | None = None, **settings: Unpack[Arguments]) -> None:
        check_arguments(settings)
        self._declarations = Declarations()
        self._regions = RegionRegistry()
        self._before_wait = []
        self._arguments = settings
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Set an app up: configuration, dispatcher blueprint, request hooks, template names, handlers.

        It reads the configuration's keys once, so later changes have no effect, opens no socket and starts no thread.

        :raises ConfigError: if a key's value is not accepted.
        :raises SetupError: if the app has a Datastar or its blueprint, has handled a request, or lacks a package.
        """
        if "datastar" in app.extensions:
            raise SetupError(f"{app!r} has a Datastar already; use app.extensions['datastar']")
        if BLUEPRINT in app.blueprints:
            raise SetupError(f"{app!r} has a blueprint {BLUEPRINT!r} already, as the dispatcher is called; rename it")
        settings = read_settings(app.config, self._arguments)
        check_broker_url(settings.broker_url, key_title("broker_url", self._arguments), settings.brokers)
        try:
            app.register_blueprint(Blueprint(BLUEPRINT, __name__, url_prefix=settings.url_prefix))
        except AssertionError as error:
            raise SetupError(
                f"{app!r} has handled a request already; call init_app where the app is made, before its first request"
            ) from error
        app_state = AppState(app, self, settings)
        app_state.attach()
        app_state.part(Repeats).find_broker = partial(shared_broker, app_state)
        _install_request_hooks(app_state)
        install_renewal(app_state)
        install_refusals(app_state)
        install_contexts(app_state)
        install_overlay(app_state)
        watch_transactions(app_state)
        install_context_processor(app)
        install_regions(app_state, self._regions)
        install_presence(app_state)
        install_template_helpers(app, _TemplateHelpers(self._declarations, self, self._regions))
        _attach_commands(app_state)
        app_state.watch_requests = partial(_watch_requests, app_state)
        self._declarations.install_all(app_state)

    def start(self) -> EventResponse:
        """Create a fresh response with all sending methods, for plain views to return.

        It is not the current response, but takes over that one's events when it is returned.

        :raises SetupError: if there is no request.
        """
        return start_response(current_request_state(self))

    # typing would keep them, and so Flask, until it is itself torn down.
    if TYPE_CHECKING:

        @overload
        def read_signals(self, /) -> dict[str, Any]: ...
        @overload
        def read_signals(self, model: type[M], /) -> M: ...

    def read_signals(self, model: type[Any] | None = None, /) -> Any:
        """Return the request's signals.

        :param model: a dataclass, a TypedDict, a pydantic or msgspec model to create from them, without ``tabId`` and
            ``csrf``.
        :return: a dict, name → value, which is empty if the request has no signals, as in form posts; or the model.
        :raises InvalidSignals: if they are malformed, no object, too large or deep, or do not fit the model (400).
        """
        state = current_request_state(self)
        return reading.read_signals(request, state) if model is None else reading.read_model(request, state, model)

    @property
    def is_datastar_request(self) -> bool:
        """Whether the Datastar client sent the current request."""
        return reading.is_datastar_request(request)

    @property
    def tab_id(self) -> str | None:
        """The browser tab's id, from the signal ``tabId``; None if the page sent no valid one.

        Actions that do not send that signal, such as form posts, carry the id in a header.
        """
        return read_tab(request, self.read_signals())[0]

    @property
    def last_event_id(self) -> str | None:
        """The event id with which this action's last response ended; None on a first request."""
        return reading.read_last_event_id(request)

    def check_origin(self) -> None:
        """Refuse the request, as the dispatcher does, if another site made the browser send it; for plain views.

        :raises werkzeug.exceptions.Forbidden: if it comes from another site (403).
        """
        check_origin(request, current_app_state(self).settings.trusted_origins)

    def _emit(self, event: Event) -> EventResponse:
        return current_response(self)._emit(event)

    def _tracking(self) -> tuple[TrackedSignals, EventResponse]:
        state = current_request_state(self)
        return state.tracked, response_of(state)

    def _find_app_state(self) -> AppState:
        return current_app_state(self)


class _TemplateHelpers(TemplateHelpers, RegionHelpers):
    """The object that templates know as ``datastar``, with the helpers for regions."""

    def __init__(self, declarations: Declarations, extension: object, regions: RegionRegistry) -> None:
        super().__init__(declarations, extension)
        self._regions = regions


def _install_request_hooks(app_state: AppState) -> None:
    """Add hooks that start each request before, and end it after, the hooks of other extensions."""
    app = app_state.app
    is_first = True

    def begin() -> Response | None:
        nonlocal is_first
        current = request._get_current_object()  # type: ignore[attr-defined]
        if is_first:
            is_first = False
            warn_of_processes(app_state, current.environ)
        state = start_request_state(app_state, current)
        answer = start_live_run(app_state, current) if LIVE_KEY in current.environ else None
        if KEY_START in current.query_string:
            take_key(state, current)
        if "csrf" in app.extensions:
            carry_token(state, current)
        return answer

    def end(response: Response) -> Response:
        current = request._get_current_object()  # type: ignore[attr-defined]
        state: RequestState | None = current.__dict__.get(REQUEST_KEY)
        if state is None:
            return response
        if LIVE_KEY in current.environ and (run := find_live_run(current)) is not None:
            return note_variants(app_state, finish_live_run(run, response, current, state))
        response = _finish(app_state, response, current, state)
        endpoint = current.endpoint or ""
        if endpoint in app_state.stream_endpoints or app_state.parts[PlainStreams].get(endpoint):
            note_variants(app_state, response)
        if (click := state.claim) is not None:
            # Its session is saved later.
            click.response = response
            if type(response.response) is not list:
                click.note_streamed()
        return response

    app.before_request_funcs.setdefault(None, []).insert(0, begin)
    # Flask calls these in reverse order, so the first one is called last.
    app.after_request_funcs.setdefault(None, []).insert(0, end)


def _finish(app_state: AppState, response: Response, current: Request, state: RequestState) -> Response:
    """Make of the response of a view what the browser gets."""
    is_stream = isinstance(response, EventResponse) and response.body_kind is BodyKind.STREAM
    is_refused = response.status_code in REFUSED or state.failed_with is not None
    if is_refused and not is_stream and asks_for_stream(current, app_state):
        return end_stream(response, current, state)
    if not isinstance(response, EventResponse):
        return convert_redirect(response, current, state)
    if is_stream:
        if state.stream_body is not None:
            state.stream_body.go_on(state, response)
        return response
    if response.body_kind is not BodyKind.UNDECIDED and response is state.response and not state.tracked.is_pending:
        return response
    return finish(response, state)


def _attach_commands(app_state: AppState) -> None:
    """Add ``flask datastar ...``; the commands are a layer above the extension, so nothing imports them earlier."""
    from .cli import attach

    attach(app_state)


def _watch_requests(app_state: AppState, bare: Any) -> Any:
    """Start the timeline, of which nothing is imported outside of debug mode."""
    from .devtools.watching import watch_requests

    return watch_requests(app_state, bare)
