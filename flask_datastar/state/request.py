"""What one request received, and what it is about to send."""

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

#: Where a request object's own dict has its state, for hooks that run in each request; others ask :func:`state_of`. A
#: request that another one nests inside itself has its own.
REQUEST_KEY = "_flask_datastar"


class EventQueue(Protocol):
    """The part of a response that the request's state knows: the encoded events that wait for the next flush."""

    event_queue: list[bytes]


class OpenSubscription(Protocol):
    """What a stream's function listens to, as the request's state knows it."""

    def close(self) -> None:
        """Listen no more; safe to call twice."""


class StepwiseBody(Protocol):
    """A body that the application's own code makes step by step, as the request's state knows it."""

    #: Whether it goes to a server, which will close it.
    is_connected: bool

    def go_on(self, state: RequestState, response: EventQueue) -> None:
        """Take what was sent since the body was made. Called when the response leaves the hooks of the request."""

    def abandon(self) -> None:
        """Free what the body holds, because no server will have it."""


class RequestState:
    """What one request received and is about to send."""

    __slots__ = (
        "_home",
        "app_state",
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
        #: The status of the exception that the request has met, 500 for one of another kind than HTTP's; None for none.
        self.failed_with: int | None = None
        #: The signals that the browser sent, once they were read.
        self.received: dict[str, Any] | None = None
        self.tracked = TrackedSignals(app_state)
        #: The group of the view that answers, and the values of its URL.
        self.running_view: tuple[str, dict[str, Any]] | None = None
        #: Whether what is rendered now goes to other people: nothing that is this user's may stand in it.
        self.renders_for_others = False
        #: Names the stream whose function is running, before the stream is open.
        self.opening: Callable[[], str] | None = None
        #: Subscriptions made before a stream is opened; they end with the request if it opens none.
        self.subscriptions: list[OpenSubscription] = []
        #: The key of the click that the request is, which its repeats keep.
        self.click_key: str | None = None
        #: The click, while this request runs it.
        self.claim: Any = None
        self._home = weakref.ref(context_globals)
        #: The response's body, if it is made step by step, until the end of the request.
        self.stream_body: StepwiseBody | None = None
        #: The same, from then on: the server alone holds it, so that a server that drops it ends it.
        self.sent_body: weakref.ref[StepwiseBody] | None = None

    def is_at_home(self, context_globals: object) -> bool:
        """Whether the request is handled in the context that it came in with, not in a copy."""
        return self._home() is context_globals

    def close(self, *, has_failed: bool = False) -> None:
        """Drop what no body will have: subscriptions without a stream, a body that goes to no server.

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
        """Drop what was to be sent, after an error: nothing half-done goes out."""
        self.response = None
        self.tracked = TrackedSignals(self.app_state)


def begin_request(app_state: AppState, current: Request) -> RequestState:
    """Return the current request's state; bind a new one to the request and its ``g`` if it has none yet.

    Called at the start of each request. What set something before that, a URL value preprocessor, was earlier.
    """
    app_state.has_served = True
    state: RequestState | None = current.__dict__.get(REQUEST_KEY)
    if state is None:
        state = current.__dict__[REQUEST_KEY] = RequestState(app_state, g._get_current_object())
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
    state = current.__dict__.get(REQUEST_KEY) or begin_request(current_app_state(extension), current)
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
    return current.__dict__.get(REQUEST_KEY)
