"""The producer: a user's generator runs step by step in the contexts of its request, and what it sends is taken.

It stands behind the bodies of generator handlers and of generator streams, which differ in when they run a step and in
what an end means.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from flask import got_request_exception, request

from ..state.app import with_context
from ..state.contexts import KeptContexts
from ..state.request import RequestState
from .flush import flush
from .overlay import late_overlay, sent_events
from .results import as_flask_response

#: Sent for a ``yield`` that has nothing to send, so that a client that has left is noticed.
KEEPALIVE = b":\n\n"

AddResult = Callable[[object], None]
T = TypeVar("T")


class Producer:
    """Runs a generator, or another iterator, for one response; created in the view.

    Everything but :meth:`run` and :meth:`keep` is called in the contexts.

    :param add_result: queues what was yielded or returned.
    """

    __slots__ = ("_add_result", "_contexts", "_events", "_sent", "_state", "is_closed", "returned")

    def __init__(self, events: Iterator[Any], state: RequestState, add_result: AddResult) -> None:
        app = state.app_state.app
        self._events = events
        self._state = state
        self._add_result = add_result
        self._contexts = KeptContexts(app, request._get_current_object())  # type: ignore[attr-defined]
        self._sent = sent_events(app)
        #: The value that the generator returned.
        self.returned: object = None
        self.is_closed = False

    def run(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call a function in the contexts of the request."""
        return self._contexts.run(function, *arguments)

    def keep(self) -> None:
        """Delay the teardown of the request until :meth:`close`. Called as the server takes the response."""
        self._contexts.keep()

    def start(self) -> bool:
        """Run to the first ``yield`` and queue what it gave.

        :return: False if the generator has ended before that; :attr:`returned` is not queued then.
        """
        try:
            item = next(self._events)
        except StopIteration as stop:
            self.returned = as_flask_response(stop.value, self._state)
            return False
        self._add_result(item)
        return True

    def advance(self) -> bool:
        """Run to the next ``yield`` and queue what it gave, or what the generator returned.

        :return: False if the generator has ended.
        """
        goes_on = self.start()
        if not goes_on:
            self.add(self.returned)
        return goes_on

    def add(self, result: object) -> None:
        """Queue what the generator returned."""
        self._add_result(result)

    def flush(self) -> bytes:
        """Return what was queued or set since the last flush."""
        body = flush(self._state, self._state.response)
        if self._sent is not None and body:
            self._sent.note(body)
        return body

    def fail(self, error: Exception) -> bytes:
        """Report an exception that ended the generator.

        :return: the bytes that show it in the page, b"" outside of debug mode.
        """
        report(self._state, error)
        current = request._get_current_object()  # type: ignore[attr-defined]
        return late_overlay(self._state, current, error, self._sent)

    def close(self, error: BaseException | None) -> None:
        """Close the generator, so that its ``finally`` runs, and tear the request down.

        :param error: the exception that ended the body, for teardown functions.
        """
        self.is_closed = True
        try:
            close_events(self._events)
        except Exception as closing:
            report(self._state, closing)
            error = error if isinstance(error, Exception) else closing
        finally:
            self._contexts.end(error)


def close_events(events: Iterator[Any]) -> None:
    """Close a generator; other iterators may have nothing to close."""
    close = getattr(events, "close", None)
    if close is not None:
        close()


def report(state: RequestState, error: Exception) -> None:
    """Log an exception and tell error trackers, as Flask does for one that leaves a view."""
    app = state.app_state.app
    got_request_exception.send(app, _async_wrapper=app.ensure_sync, exception=error)
    app.log_exception(*with_context(sys.exc_info()))
