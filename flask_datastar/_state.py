"""What belongs to one app and to one request, and the one guarded way to reach it."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from flask import Flask, current_app, g, has_app_context, has_request_context, request
from flask.json.provider import DefaultJSONProvider, JSONProvider

from .config.settings import Settings
from .errors import SetupError
from .sansio import strictjson
from .sansio.strictjson import Dumps
from .tracking import TrackedSignals

if TYPE_CHECKING:
    from flask import Request, Response

EXTENSION_KEY = "datastar"
_STATE_KEY = "datastar.state"
# In the request object's own dict: a request that another one nests inside itself has its own.
_REQUEST_KEY = "_flask_datastar"


P = TypeVar("P", bound="AppPart")


class AppPart(Protocol):
    """What a higher module keeps for one app: an object made of the app's state at first use."""

    def __init__(self, app_state: AppState, /) -> None: ...


class AppState:
    """What the extension keeps for one app."""

    def __init__(self, app: Flask, extension: object, settings: Settings) -> None:
        self.app = app
        #: The ``Datastar`` instance; several apps may have the same.
        self.extension = extension
        self.settings = settings
        #: Handler key → its endpoints in this app.
        self.endpoints: dict[str, list[str]] = {}
        #: The endpoints that are streams.
        self.stream_endpoints: set[str] = set()
        #: Whether a request has come here: without one, this is hardly the process that has the streams.
        self.has_served = False
        self._provider: JSONProvider | None = None
        self._dumps: Dumps = strictjson.dumps
        self._said: set[str] = set()
        self._parts: dict[type, object] = {}
        app.extensions[EXTENSION_KEY] = extension
        app.extensions[_STATE_KEY] = self

    def part(self, kind: type[P]) -> P:
        """Return the app's only object of a class, made at the first call.

        Higher modules keep their own state of an app here, so that this module knows none of them.
        """
        found = self._parts.get(kind)
        if found is None:
            # Of two threads that come first at the same moment one wins.
            found = self._parts.setdefault(kind, kind(self))
        return cast(P, found)

    @property
    def dumps(self) -> Dumps:
        """Make strict JSON by the app's provider.

        Chosen at first use, because ``app.json.sort_keys`` and ``app.json`` itself are often set after ``init_app``.
        """
        provider = self.app.json
        if provider is not self._provider:
            self._dumps = _provider_dumps(provider)
            self._provider = provider
        return self._dumps

    def warn_of_null(self, name: str) -> None:
        """Say once, in debug mode, what a signal of None does in the browser."""
        if self.app.debug:
            self.warn_once(
                "Datastar: signal %r is None, which deletes it in the browser; what displays it keeps the old text. "
                "Send '' to blank it, or use remove_signals().",
                name,
            )

    def warn_once(self, text: str, *arguments: object) -> None:
        """Log a warning, the first time only."""
        if text not in self._said:
            self._said.add(text)
            self.app.logger.warning(text, *arguments)


class RequestState:
    """What one request received and is about to send."""

    __slots__ = (
        "_home",
        "app_state",
        "finishes_itself",
        "received",
        "renders_for_others",
        "response",
        "running_view",
        "stream",
        "subscriptions",
        "tracked",
    )

    def __init__(self, app_state: AppState, context_globals: object) -> None:
        self.app_state = app_state
        #: The current response, an ``EventResponse``, once something was sent.
        self.response: Response | None = None
        #: Whether the dispatcher finishes the response, so that no after-request function has to.
        self.finishes_itself = False
        #: The signals that the browser sent, once they were read.
        self.received: dict[str, Any] | None = None
        self.tracked = TrackedSignals()
        #: The group of the view that answers, and the values of its URL.
        self.running_view: tuple[str, dict[str, Any]] | None = None
        #: Whether what is rendered now goes to other people: nothing that is this user's may stand in it.
        self.renders_for_others = False
        #: The body of the stream that the request opened, with its wait points.
        self.stream: Any = None
        #: Subscriptions made before that; they end with the request if it opens none.
        self.subscriptions: list[Any] = []
        self._home = weakref.ref(context_globals)

    def is_at_home(self, context_globals: object) -> bool:
        """Whether the request is handled in the context that it came in with, not in a copy."""
        return self._home() is context_globals

    def reset(self) -> None:
        """Drop what was to be sent, after an error: nothing half-done goes out."""
        self.response = None
        self.tracked = TrackedSignals()


def begin_request(app_state: AppState, current: Request) -> RequestState:
    """Bind a new state to the current request and to its ``g``; at the begin of each request."""
    app_state.has_served = True
    state = current.__dict__[_REQUEST_KEY] = RequestState(app_state, g._get_current_object())
    return state


def find_app_state(app: Flask) -> AppState:
    """Give the state of an app that is initialised."""
    state: AppState = app.extensions[_STATE_KEY]
    return state


def current_app_state(extension: object | None = None) -> AppState:
    """Give the state of the current app.

    :param extension: the instance that asks; None for any.
    :raises SetupError: there is no app context, the app was not initialised, or it has another instance.
    """
    if not has_app_context():
        raise SetupError("Datastar needs an app context; wrap the call in 'with app.app_context():'")
    state: AppState | None = current_app.extensions.get(_STATE_KEY)
    if state is None:
        raise SetupError(f"{current_app!r} has no Datastar; call Datastar(app), or init_app(app) on your instance")
    if extension is not None and state.extension is not extension:
        raise SetupError(
            f"{current_app!r} was initialised by another Datastar instance; import that one, "
            "or use app.extensions['datastar']"
        )
    return state


def current_request_state(extension: object | None = None) -> RequestState:
    """Give the state of the current request.

    :param extension: the instance that asks; None for any.
    :raises SetupError: there is no request, it is handled in a copied context, or as :func:`current_app_state`.
    """
    try:
        current: Request = request._get_current_object()  # type: ignore[attr-defined]
    except RuntimeError:
        current_app_state(extension)
        raise SetupError("nothing can be sent here: there is no request, so no browser waits for an answer") from None
    state = state_of(current) or begin_request(current_app_state(extension), current)
    if extension is not None and state.app_state.extension is not extension:
        current_app_state(extension)
    if not state.is_at_home(g._get_current_object()):
        raise SetupError(
            "nothing can be sent here: this is a copied request context (copy_current_request_context), and what it "
            "would send has no way to the browser; send from the handler itself"
        )
    return state


def find_request_state() -> RequestState | None:
    """Give the state of the current request, None when there is none or it is in a copied context."""
    if not has_request_context():
        return None
    state = state_of(request._get_current_object())  # type: ignore[attr-defined]
    return state if state is not None and state.is_at_home(g._get_current_object()) else None


def own_request_state() -> RequestState | None:
    """Give the state of the current request, a new one if it has none yet; None as in :func:`find_request_state`."""
    if has_request_context() and state_of(request._get_current_object()) is None:  # type: ignore[attr-defined]
        return current_request_state()
    return find_request_state()


def state_of(current: Request) -> RequestState | None:
    """Give the state that is bound to a request object."""
    return current.__dict__.get(_REQUEST_KEY)


def _provider_dumps(provider: JSONProvider) -> Dumps:
    """Use Flask's own provider by its settings, strictly; call any other as it is and check what it gives."""
    if isinstance(provider, DefaultJSONProvider) and type(provider).dumps is DefaultJSONProvider.dumps:
        return strictjson.make_dumps(provider.default, ensure_ascii=provider.ensure_ascii, sort_keys=provider.sort_keys)

    def dumps(value: object) -> str:
        text = provider.dumps(value)
        try:
            strictjson.loads(text)
        except ValueError as error:
            raise ValueError(f"{type(provider).__name__}.dumps() gave text that is not strict JSON: {error}") from error
        return text

    return dumps
