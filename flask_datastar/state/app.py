"""The state that the extension keeps for one app.

The functions that return a state, here and in :mod:`.request`, differ in what they do without one: ``current_…``
raises an error with advice, ``find_…`` returns None, ``ensure_…`` creates the state, and ``…_of`` reads a given object
unchecked.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar, cast

from flask import Flask, Request, Response, current_app, has_app_context
from flask.globals import app_ctx
from flask.json.provider import DefaultJSONProvider, JSONProvider

from ..config.settings import Settings
from ..errors import SetupError
from ..sansio import strictjson
from ..sansio.strictjson import Dumps

EXTENSION_KEY = "datastar"
_STATE_KEY = "datastar.state"

_TAKES_CONTEXT = "ctx" in inspect.signature(Flask.log_exception).parameters

P = TypeVar("P", bound="AppPart")
#: An app as servers call it.
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class AppPart(Protocol):
    """The state that a higher module keeps for one app: an object created from the app's state at first use."""

    def __init__(self, app_state: AppState, /) -> None: ...


class AppState:
    """The state that the extension keeps for one app."""

    def __init__(self, app: Flask, extension: object, settings: Settings) -> None:
        self.app = app
        #: The ``Datastar`` instance; several apps may share one.
        self.extension = extension
        self.settings = settings
        #: Handler key → its endpoints in this app.
        self.endpoints: dict[str, list[str]] = {}
        #: The endpoints that are streams.
        self.stream_endpoints: set[str] = set()
        #: Whether it has regions, so that its pages may be streams.
        self.has_regions = False
        #: Whether this process has handled a request; if not, it hardly has the app's streams.
        self.has_served = False
        #: Creates the response to a request whose exception leaves the app; None passes the exception on to the server.
        self.answer_exception: Callable[[Request, Exception], Response | None] = _answer_nothing
        #: Called at the first request in debug mode, with the app's function for servers: its result takes that place.
        self.watch_requests: Callable[[Wsgi], Wsgi] = _leave
        #: Returns the URL of a further script for the page of the current request, "" for none.
        self.page_script: Callable[[], str] = str
        self._provider: JSONProvider | None = None
        self._dumps: Dumps = strictjson.dumps
        self._said: set[str] = set()
        #: Class → the app's only object of it, which the look-up creates. Higher modules keep their own state of an app
        #: here, so that this module does not need to know them.
        self.parts: dict[type[AppPart], Any] = _Parts(self)
        #: The servers on which streams are known to work.
        self.fit_servers: set[tuple[object, ...]] = set()

    def attach(self) -> None:
        """Store the state in the app's extensions."""
        self.app.extensions[EXTENSION_KEY] = self.extension
        self.app.extensions[_STATE_KEY] = self

    @property
    def has_streams(self) -> bool:
        """Whether the app has streams, or pages that may be streams."""
        return self.has_regions or bool(self.stream_endpoints)

    def part(self, kind: type[P]) -> P:
        """Return the app's only object of a class, created at the first call."""
        return cast(P, self.parts[kind])

    @property
    def dumps(self) -> Dumps:
        """The function that writes strict JSON by the app's provider.

        It is chosen at first use: ``app.json.sort_keys`` and ``app.json`` itself are often set after ``init_app``.
        """
        provider = self.app.json
        if provider is not self._provider:
            self._dumps = _provider_dumps(provider)
            self._provider = provider
        return self._dumps

    def warn_of_null(self, name: str) -> None:
        """Log once, in debug mode, a warning about what a signal of None does in the browser."""
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


class _Parts(dict[type[AppPart], Any]):
    def __init__(self, app_state: AppState) -> None:
        super().__init__()
        self._app_state = app_state

    def __missing__(self, kind: type[AppPart]) -> Any:
        # If two threads get here at the same moment, both use the object of the first.
        return self.setdefault(kind, kind(self._app_state))


def with_context(*arguments: object) -> tuple[Any, ...]:
    """Return arguments for a method of the app that takes the current context first since Flask 3.2."""
    return (app_ctx._get_current_object(), *arguments) if _TAKES_CONTEXT else arguments  # type: ignore[attr-defined]


def app_state_of(app: Flask) -> AppState:
    """Return the state of an app that is initialised."""
    state: AppState = app.extensions[_STATE_KEY]
    return state


def find_app_state() -> AppState | None:
    """Return the state of the current app; None without an app, and for an app that is not initialised."""
    return current_app.extensions.get(_STATE_KEY) if has_app_context() else None


def current_app_state(extension: object | None = None) -> AppState:
    """Return the state of the current app.

    :param extension: the instance that the app must have; None for any.
    :raises SetupError: if there is no app context, the app was not initialised, or it has another instance.
    """
    if not has_app_context():
        raise SetupError("Datastar needs an app context; wrap the call in 'with app.app_context():'")
    state = find_app_state()
    if state is None:
        raise SetupError(f"{current_app!r} has no Datastar; call Datastar(app), or init_app(app) on your instance")
    if extension is not None and state.extension is not extension:
        raise SetupError(
            f"{current_app!r} was initialised by another Datastar instance; import that one, "
            "or use app.extensions['datastar']"
        )
    return state


def _leave(inner: Wsgi) -> Wsgi:
    return inner


def _answer_nothing(current: Request, error: Exception) -> None:
    """Return None, which passes the exception on."""


def _provider_dumps(provider: JSONProvider) -> Dumps:
    """Return strict JSON by the settings of Flask's own provider; for any other, call it and check its result."""
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
