"""The state of one request: the signals that it received, and the response that it is about to send."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from flask import g, has_request_context, request

from ..errors import SetupError
from .app import AppState, current_app_state
from .tracked import TrackedSignals

if TYPE_CHECKING:
    from flask import Request

#: The key of the state in a request object's own dict, for hooks that run in each request; other code calls
#: :func:`request_state_of`. A request that is nested in another one has a state of its own.
REQUEST_KEY = "_flask_datastar"


class EventQueue(Protocol):
    """The part of a response that the request's state knows: the encoded events that wait for the next flush."""

    event_queue: list[bytes]


class OpenSubscription(Protocol):
    """A subscription of a stream's function, as the request's state knows it."""

    def close(self) -> None:
        """End the subscription; safe to call twice."""


class StepwiseBody(Protocol):
    """A body that the application's own code makes step by step, as the request's state knows it."""

    #: Whether it goes to a server, which will close it.
    is_connected: bool

    def go_on(self, state: RequestState, response: EventQueue) -> None:
        """Take over events sent since the body was created. Called when the response leaves the request's hooks."""

    def abandon(self) -> None:
        """Free the resources of the body, because it does not go to a server."""


class RequestState:
    """The signals that one request received, and the response that it is about to send."""

    __slots__ = (
        "_home",
        "app_state",
        "before_turn",
        "claim",
        "click_key",
        "failed_with",
        "finishes_itself",
        "opening",
        "received",
        "renders_for_others",
        "response",
        "running_view",
        "sent_body",
        "stream_body",
        "subscriptions",
        "tracked",
    )

    def __init__(self, app_state: AppState, context_globals: object) -> None:
        self.app_state = app_state
        #: The current response, an ``EventResponse``, once something was sent.
        self.response: EventQueue | None = None
        #: Whether the dispatcher finishes the response, so that no after-request function has to.
        self.finishes_itself = False
        #: The status that the request's exception asks for, 0 if it is a failure; None without an exception.
        self.failed_with: int | None = None
        #: The signals that the browser sent, once they were read.
        self.received: dict[str, Any] | None = None
        self.tracked = TrackedSignals(app_state)
        #: The group of the running view, and the values of its URL.
        self.running_view: tuple[str, dict[str, Any]] | None = None
        #: Whether the HTML that is rendered now goes to other users, so that it must not contain this user's data.
        self.renders_for_others = False
        #: Names the stream whose function is running, before the stream is open.
        self.opening: Callable[[], str] | None = None
        #: Prepares each turn of a stream's generator after a wait: a view's ``load``.
        self.before_turn: Callable[[], None] | None = None
        #: Subscriptions made before a stream is opened; they end with the request if it opens none.
        self.subscriptions: list[OpenSubscription] = []
        #: The key of the click that the request is, which its repeats keep.
        self.click_key: str | None = None
        #: The click, while this request runs it; its ``end`` is called with the request's exception, or None.
        self.claim: Any = None
        self._home = weakref.ref(context_globals)
        #: The response's body, if it is made step by step, until the end of the request.
        self.stream_body: StepwiseBody | None = None
        #: The same body after that: only the server keeps it alive, so that it ends if the server drops it.
        self.sent_body: weakref.ref[StepwiseBody] | None = None

    def is_at_home(self, context_globals: object) -> bool:
        """Return whether the request is handled in the context that it came in with, not in a copy."""
        return self._home() is context_globals

    def close(self, *, has_failed: bool = False) -> None:
        """Release subscriptions that have no stream, and a body that does not go to a server.

        :param has_failed: whether an exception has left the request, so that another response goes out.
        """
        subscriptions, self.subscriptions = self.subscriptions, []
        for subscription in subscriptions:
            subscription.close()
        body, self.stream_body = self.stream_body, None
        if body is None:
            return
        if body.is_connected and not has_failed:
            self.sent_body = weakref.ref(body)
        else:
            body.abandon()

    def reset(self) -> None:
        """Drop the response and the signals to send, after an error, so that nothing half-done is sent."""
        self.response = None
        self.tracked = TrackedSignals(self.app_state)


def start_request_state(app_state: AppState, current: Request) -> RequestState:
    """Return the current request's state; at the first call, bind a new one to the request and its ``g``.

    Called at the start of each request. The request has a state before that if a URL value preprocessor sent something.
    """
    app_state.has_served = True
    state: RequestState | None = current.__dict__.get(REQUEST_KEY)
    if state is None:
        state = current.__dict__[REQUEST_KEY] = RequestState(app_state, g._get_current_object())
    return state


def current_request_state(extension: object | None = None) -> RequestState:
    """Return the state of the current request; create it if it has no state yet.

    :param extension: the instance that the app must have; None for any.
    :raises SetupError: if there is no request, if it is handled in a copied context, or if :func:`current_app_state`
        raises it.
    """
    try:
        current: Request = request._get_current_object()  # type: ignore[attr-defined]
    except RuntimeError:
        current_app_state(extension)
        raise SetupError("nothing can be sent here: there is no request, so no browser waits for a response") from None
    state = current.__dict__.get(REQUEST_KEY) or start_request_state(current_app_state(extension), current)
    if extension is not None and state.app_state.extension is not extension:
        current_app_state(extension)
    if not state.is_at_home(g._get_current_object()):
        raise SetupError(
            "nothing can be sent here: this is a copied request context (copy_current_request_context), and what it "
            "would send has no way to the browser; send from the handler itself"
        )
    return state


def find_request_state() -> RequestState | None:
    """Return the state of the current request; None without a request or a state, and in a copied context."""
    if not has_request_context():
        return None
    state = request_state_of(request._get_current_object())  # type: ignore[attr-defined]
    return state if state is not None and state.is_at_home(g._get_current_object()) else None


def ensure_request_state() -> RequestState | None:
    """Return the current request's state, created at the first call; None without a request or in a copied context."""
    if has_request_context() and request_state_of(request._get_current_object()) is None:  # type: ignore[attr-defined]
        return current_request_state()
    return find_request_state()


def request_state_of(current: Request) -> RequestState | None:
    """Return the state that is bound to a request object, or None."""
    return current.__dict__.get(REQUEST_KEY)
