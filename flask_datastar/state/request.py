"""What one request received, and what it is about to send."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from flask import g, has_request_context, request

from ..errors import SetupError
from .app import AppState, current_app_state
from .tracked import TrackedSignals

if TYPE_CHECKING:
    from flask import Request, Response

# In the request object's own dict: a request that another one nests inside itself has its own.
_REQUEST_KEY = "_flask_datastar"


class RequestState:
    """What one request received and is about to send."""

    __slots__ = (
        "_home",
        "app_state",
        "claim",
        "click_key",
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
        self.tracked = TrackedSignals(app_state)
        #: The group of the view that answers, and the values of its URL.
        self.running_view: tuple[str, dict[str, Any]] | None = None
        #: Whether what is rendered now goes to other people: nothing that is this user's may stand in it.
        self.renders_for_others = False
        #: The body of the stream that the request opened, with its wait points.
        self.stream: Any = None
        #: Subscriptions made before that; they end with the request if it opens none.
        self.subscriptions: list[Any] = []
        #: The key of the click that the request is, which its repeats keep.
        self.click_key: str | None = None
        #: The click, while this request runs it.
        self.claim: Any = None
        self._home = weakref.ref(context_globals)

    def is_at_home(self, context_globals: object) -> bool:
        """Whether the request is handled in the context that it came in with, not in a copy."""
        return self._home() is context_globals

    def reset(self) -> None:
        """Drop what was to be sent, after an error: nothing half-done goes out."""
        self.response = None
        self.tracked = TrackedSignals(self.app_state)


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
