"""Generator handlers: each ``yield`` reaches the browser at once, and every end is a clean one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterator
from typing import Any

from flask import Response, got_request_exception, request

from ..errors import InvalidSignals
from ..sansio.elements import gives_html
from ..sansio.events import Event
from ..state.app import with_context
from ..state.contexts import KeptContexts
from ..state.request import RequestState
from .flush import flush
from .overlay import late_overlay, sent_events
from .response import EventResponse, become_stream, response_of

#: Sent for a ``yield`` that has nothing to send, so that the loop notices a client that left.
_KEEPALIVE = b":\n\n"

AddResult = Callable[[object], None]


def stream_events(
    events: Iterator[Any], state: RequestState, add_result: AddResult, answer: Callable[[object], Response]
) -> Response:
    """Run a generator to its first ``yield`` and make the response that streams the rest.

    Until that ``yield`` it runs inside the view: its errors are the view's, what it does to the session is saved.

    :param add_result: queues what was yielded or returned.
    :param answer: makes the response of one that ends before, as if it had returned.
    """
    contexts = KeptContexts(state.app_state.app, request._get_current_object())  # type: ignore[attr-defined]
    body = _StreamedEvents(events, state, add_result, contexts)
    try:
        item = contexts.run(next, events)
    except StopIteration as stop:
        return answer(stop.value)
    try:
        add_result(item)
        body.first = body.flush()
    except BaseException:
        body.abandon()
        raise
    response = response_of(state)
    become_stream(response, body)
    state.stream_body = body
    return response


def explained(events: Any, explain: Callable[[InvalidSignals], object]) -> Generator[Any, None, object]:
    """Run a generator whose handler has an ``on_invalid``, which gets what is invalid up to the first ``yield``.

    :param events: a generator, or another iterator.
    :param explain: gives what is returned in the generator's place.
    """
    try:
        first = next(events)
    except StopIteration as stop:
        return stop.value
    except InvalidSignals as error:
        return explain(error)
    try:
        yield first
        return (yield from events)
    finally:
        _close(events)


class _StreamedEvents:
    """The body of a generator handler's response.

    No generator itself, because ``close()`` must work before the first step, too.
    """

    def __init__(
        self, events: Iterator[Any], state: RequestState, add_result: AddResult, contexts: KeptContexts
    ) -> None:
        self._events = events
        self._state = state
        self._add_result = add_result
        self._contexts = contexts
        self.first = b""
        self.is_done = False
        self.is_connected = False
        self._sent = sent_events(state.app_state.app)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self.first:
            chunk, self.first = self.first, b""
            return chunk
        if self.is_done or not (chunk := self._contexts.run(self._step)):
            raise StopIteration
        return chunk

    def _step(self) -> bytes:
        """Run to the next ``yield`` and give what is to be sent; b"" at the end."""
        try:
            goes_on = self.advance()
            chunk = self.flush()
        except Exception as error:
            # The status is out, and a broken body would make the browser ask again, forever.
            report(self._state, error)
            self._end(error)
            return late_overlay(self._state, request._get_current_object(), error, self._sent)  # type: ignore[attr-defined]
        if not goes_on:
            self._end(None)
            return chunk if chunk != _KEEPALIVE else b""
        return chunk

    def advance(self) -> bool:
        """Run to the next ``yield`` and queue what it gave; False when the generator has ended."""
        try:
            item = next(self._events)
        except StopIteration as stop:
            self._add_result(stop.value)
            return False
        self._add_result(item)
        return True

    def flush(self) -> bytes:
        """Give what was queued or set since the last time."""
        body = flush(self._state, response_of(self._state))
        if self._sent is not None and body:
            self._sent.note(body)
        return body or _KEEPALIVE

    def connect(self, environ: dict[str, Any], start_response: object, write: object) -> None:
        """Be taken by the server: the request's teardown waits for the end of the body."""
        self.is_connected = True
        self._contexts.keep()

    def abandon(self) -> None:
        """Close the generator before its end, so that its ``finally`` runs, and what it read from.

        Teardown functions get the exception that the generator got, as in a stream of Flask's own.
        """
        if not self.is_done:
            self._contexts.run(self._end, GeneratorExit())

    def close(self) -> None:
        """Free everything; called by the server, also of a client that left before the first byte."""
        self.abandon()

    def _end(self, error: BaseException | None) -> None:
        self.first = b""
        self.is_done = True
        try:
            _close(self._events)
        except Exception as closing:
            report(self._state, closing)
            error = error if isinstance(error, Exception) else closing
        finally:
            self._contexts.end(error)

    def __del__(self) -> None:
        # A server that fails itself may drop the body without closing it.
        self.close()


def queue_result(response: EventResponse, result: object, describe: Callable[[], str]) -> None:
    """Queue what a handler returned or yielded; an empty string or dict is nothing, as in ``return ""``.

    :param describe: names the handler, for the error.
    :raises TypeError: it is nothing that can be sent.
    """
    if result is None or result is response or (isinstance(result, str | dict) and not result):
        return
    if isinstance(result, Event):
        response._emit_elements(result)
    elif isinstance(result, EventResponse):
        response.event_queue += result.event_queue
        result.event_queue.clear()
    elif isinstance(result, list):
        for item in result:
            queue_result(response, item, describe)
    elif isinstance(result, dict):
        response.patch_signals(result)
    elif isinstance(result, str) or gives_html(result):
        response.patch_elements(result)
    else:
        raise TypeError(
            f"handler {describe()} gave {type(result).__name__}; accepted: None, the current response, an HTML string, "
            "a dict of signals, an Event, a list or an iterator of those, or a flask.Response"
        )


def report(state: RequestState, error: Exception) -> None:
    """Log an exception and tell error trackers, as Flask does for one that leaves a view."""
    app = state.app_state.app
    got_request_exception.send(app, _async_wrapper=app.ensure_sync, exception=error)
    app.log_exception(*with_context(sys.exc_info()))


def _close(events: Iterator[Any]) -> None:
    """Close a generator; other iterators may have nothing to close."""
    close = getattr(events, "close", None)
    if close is not None:
        close()
