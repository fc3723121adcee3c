"""Generator handlers: each ``yield`` reaches the browser at once, and every end is a clean one."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import Any

from flask import Response

from ..errors import InvalidSignals
from ..state.request import EventQueue, RequestState
from .producer import KEEPALIVE, AddResult, Producer, close_events
from .response import BodyKind, detach, response_of


def stream_events(
    events: Iterator[Any], state: RequestState, add_result: AddResult, answer: Callable[[object], Response]
) -> Response:
    """Run a generator to its first ``yield`` and create the response that streams the rest.

    Until that ``yield`` it runs inside the view: its errors are the view's, and its changes to the session are saved.

    :param add_result: queues a value that was yielded or returned.
    :param answer: creates the response for a generator that ends before its first ``yield``, from its return value.
    """
    producer = Producer(events, state, add_result)
    try:
        goes_on = producer.run(producer.start)
        first = producer.run(producer.flush) if goes_on else b""
    except BaseException as error:
        producer.run(producer.close, error)
        raise
    if not goes_on:
        return answer(producer.returned)
    response = response_of(state)
    body = HandlerBody(producer, first or KEEPALIVE)
    response.response, response.body_kind = body, BodyKind.STREAM
    # Also where an after_request function wraps the body.
    response.call_on_close(body.close)
    state.stream_body = body
    return response


def explained(events: Any, explain: Callable[[InvalidSignals], object]) -> Generator[Any, None, object]:
    """Run a generator whose handler has an ``on_invalid``, which gets invalid signals up to the first ``yield``.

    :param events: a generator, or another iterator.
    :param explain: creates the value that is returned in the generator's place.
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
        close_events(events)


class HandlerBody:
    """The body of a generator handler's response.

    It is not a generator itself, because ``close()`` must work before the first step, too.

    :param first: the events that the generator sent up to its first ``yield``.
    """

    def __init__(self, producer: Producer, first: bytes) -> None:
        self._producer = producer
        self._first = first
        self.is_connected = False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        chunk, self._first = self._first, b""
        if not chunk and not self._producer.is_closed:
            chunk = self._producer.run(self._step)
        if not chunk:
            raise StopIteration
        return chunk

    def _step(self) -> bytes:
        """Run to the next ``yield`` and return the bytes to send; b"" at the end."""
        producer = self._producer
        try:
            goes_on = producer.advance()
            chunk = producer.flush()
        except Exception as error:
            # The status is sent already, and a broken body would make the browser repeat the request forever.
            overlay = producer.fail(error)
            producer.close(error)
            return overlay
        if goes_on:
            return chunk or KEEPALIVE
        producer.close(None)
        return chunk

    def go_on(self, state: RequestState, response: EventQueue) -> None:
        """Make the request's teardown wait for the end of the body; events sent since go out with the next step."""
        self.is_connected = True
        detach(state, response)
        self._producer.keep()

    def abandon(self) -> None:
        """Close the generator before its end.

        Teardown functions get the exception that the generator got, as in Flask's own streams.
        """
        self._first = b""
        if not self._producer.is_closed:
            self._producer.run(self._producer.close, GeneratorExit())

    def close(self) -> None:
        """Free everything; called by the server, also if the client is gone before the first byte."""
        self.abandon()

    def __del__(self) -> None:
        # A server that fails can drop the body without closing it.
        self.abandon()
