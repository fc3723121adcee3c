"""What one request received, and what it is about to send."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, Protocol

from flask import g, has_request_context, request

from ..errors import SetupError
from .app import AppState, current_app_state
from .tracked import TrackedSignals

if TYPE_CHECKING:
    from flask import Request

# In the request object's own dict: a request that another one nests inside itself has its own.
_REQUEST_KEY = "_flask_datastar"


class EventQueue(Protocol):
    """The part of a response that the request's state knows: the encoded events that wait for the next flush."""

    event_queue: list[bytes]


class OpenSubscription(Protocol):
    """What a stream's function listens to, as the request's state knows it."""

    def close(self) -> None:
        """Listen no more; safe to call twice."""


class StepwiseBody(Protocol):
    """A body that the application's own code makes step by step, as the request's state knows it."""

    #: Whether a server has taken it, and will close it.
    is_connected: bool

    def abandon(self) -> None:
        """Free what the body holds, because no server will have it."""


class RequestState:
    """What one request received and is about to send."""

    __slots__ = (
        "_body",
        "_home",
        "_unsent_body",
        "app_state",
        "finishes_itself",
        "received",
        "renders_for_others",
        "response",
        "running_view",
        "subscriptions",
        "tracked",
    )

    def __init__(self, app_state: AppState, context_globals: object) -> None:
        self.app_state = app_state
        #: The current response, an ``EventResponse``, once something was sent.
        self.response: EventQueue | None = None
        #: Whether the dispatcher finishes the response, so that no after-request function has to.
        self.finishes_itself = False
        #: The signals that the browser sent, once they were read.
        self.received: dict[str, Any] | None = None
        self.tracked = TrackedSignals()
        #: The group of the view that answers, and the values of its URL.
        self.running_view: tuple[str, dict[str, Any]] | None = None
        #: Whether what is rendered now goes to other people: nothing that is this user's may stand in it.
        self.renders_for_others = False
        #: Subscriptions made before a stream is opened; they end with the request if it opens none.
        self.subscriptions: list[OpenSubscription] = []
        self._home = weakref.ref(context_globals)
        # Held until the end of the request only: later the server alone holds it, and a server that drops it ends it.
        self._unsent_body: StepwiseBody | None = None
        self._body: weakref.ref[StepwiseBody] | None = None

    def is_at_home(self, context_globals: object) -> bool:
        """Whether the request is handled in the context that it came in with, not in a copy."""
        return self._home() is context_globals

    @property
    def stream_body(self) -> StepwiseBody | None:
        """The body of the response, if it is made step by step."""
        return self._body() if self._body is not None else None

    @stream_body.setter
    def stream_body(self, body: StepwiseBody) -> None:
        self._unsent_body, self._body = body, weakref.ref(body)

    def take_subscriptions(self) -> list[OpenSubscription]:
        """Return the subscriptions, for a stream to take them over."""
        taken, self.subscriptions = self.subscriptions, []
        return taken

    def close(self) -> None:
        """Drop what no body will have: subscriptions without a stream, a body that no server has taken."""
        for subscription in self.take_subscriptions():
            subscription.close()
        body, self._unsent_body = self._unsent_body, None
        if body is not None and not body.is_connected:
            body.abandon()

    def reset(self) -> None:
        """Drop what was to be sent, after an error: nothing half-done goes out."""
        self.response = None
        self.tracked = TrackedSignals()


def begin_request(app_state: AppState, current: Request) -> RequestState:
    """Bind a new state to the current request and to its ``g``; at the begin of each request."""
    app_state.has_served = True
    state = current.__dict__[_REQUEST_KEY] = RequestState(app_state, g._get_current_object())
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
