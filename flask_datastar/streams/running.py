"""The body of the current request's stream, as wait points and subscriptions use it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from ..errors import SetupError
from ..hub.stream import Stream
from ..state.request import RequestState, current_request_state
from .subscriptions import Subscription


class RunningBody(ABC):
    """A stream's body, as wait points and subscriptions know it."""

    __slots__ = ()

    stream: Stream

    @abstractmethod
    def adopt(self, subscription: Subscription) -> None:
        """Bind a subscription to the stream, and close it with the stream."""

    def wait(
        self, is_ready: Callable[[], bool], deadline: float | None, ready_at: Callable[[], float | None] | None
    ) -> bool:
        """Wait inside the user's generator.

        :param is_ready: called each time the stream is woken.
        :param deadline: ``time.monotonic()``; None to wait forever.
        :param ready_at: returns the time at which to call ``is_ready`` again, or None.
        :return: the last result of ``is_ready``; False at the deadline.
        :raises SetupError: if the stream runs no generator.
        """
        raise SetupError(
            "a wait point was reached after the stream was opened with datastar.follow(…), which runs no generator; "
            "pass a generator to start_stream() instead, and wait in that"
        )

    def wait_for_turn(
        self, is_ready: Callable[[], bool], deadline: float | None, ready_at: Callable[[], float | None] | None
    ) -> bool:
        """Wait as :meth:`wait` does, for something that the user's code handles next.

        A stream of a view loads its data again: it may be hours old, and so may be the permissions.
        """
        is_there = self.wait(is_ready, deadline, ready_at)
        before_turn = current_request_state().before_turn
        if before_turn is not None:
            before_turn()
        return is_there


def running_body(state: RequestState) -> RunningBody | None:
    """Return the body of the stream that a request has opened; None without one, also in a generator handler."""
    body = state.stream_body
    if body is None and state.sent_body is not None:
        body = state.sent_body()
    return body if isinstance(body, RunningBody) else None


def current_body() -> RunningBody:
    """Return the body of the stream whose generator is running.

    :raises SetupError: if no stream is running.
    """
    state = current_request_state()
    body = running_body(state)
    if body is None:
        raise _outside(state)
    return body


def add_subscription(state: RequestState, subscription: Subscription) -> None:
    """Add a subscription to its request: it ends with the stream of the request, or with the request itself."""
    body = running_body(state)
    if body is not None:
        body.adopt(subscription)
    else:
        state.subscriptions.append(subscription)


def _outside(state: RequestState) -> SetupError:
    if state.opening is not None:
        return SetupError(
            f"stream {state.opening()} waits before it is open, because its function has no 'yield'; write 'yield' in "
            "its loop, which makes it a generator, or return datastar.follow(…)"
        )
    return SetupError(
        "a wait point was reached outside of a stream; use it in a generator, a function with 'yield', under "
        "@datastar.stream or given to start_stream()"
    )
