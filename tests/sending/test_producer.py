"""The producer: what both kinds of streamed bodies ask of a user's generator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, got_request_exception, request

from flask_datastar import Datastar, sse
from flask_datastar.sending.producer import Producer
from flask_datastar.sending.response import response_of
from flask_datastar.sending.results import queue_result
from flask_datastar.state.request import RequestState, current_request_state

pytestmark = pytest.mark.usefixtures("req_ctx")

ONE, TWO = (sse.patch_signals({"step": number}).encode() for number in (1, 2))


@pytest.fixture
def state(app: Flask) -> RequestState:
    return current_request_state()


def make(state: RequestState, events: Iterator[Any]) -> Producer:
    return Producer(events, state, lambda result: queue_result(response_of(state), result, lambda: "act"))


def steps(result: object = None) -> Iterator[Any]:
    yield {"step": 1}
    yield {"step": 2}
    return result


def test_steps_are_flushed_one_after_the_other(state: RequestState) -> None:
    producer = make(state, steps({"step": 3}))

    found = [(producer.advance(), producer.flush()) for _ in range(3)]

    assert found == [(True, ONE), (True, TWO), (False, sse.patch_signals({"step": 3}).encode())]


def test_generator_that_ends_at_once_keeps_its_value_for_the_caller(state: RequestState) -> None:
    producer = make(state, steps("done"))
    for _ in range(2):
        assert producer.start()
        producer.flush()

    assert not producer.start()
    assert producer.returned == "done"
    assert producer.flush() == b""


def test_everything_that_was_set_between_is_flushed(state: RequestState, datastar: Datastar) -> None:
    producer = make(state, iter([None]))
    datastar.signal("step", 2)
    datastar.patch_signals({"step": 1})

    assert producer.advance()
    assert producer.flush() == ONE + TWO


def test_steps_and_the_closing_run_in_the_contexts(app: Flask, state: RequestState) -> None:
    places: list[str] = []

    def act() -> Iterator[None]:
        try:
            places.append(request.path)
            yield
        finally:
            places.append(request.path)

    producer = make(state, act())
    with app.test_request_context("/other"):
        producer.run(producer.advance)
        producer.run(producer.close, None)

    assert places == ["/", "/"]
    assert producer.is_closed


def test_exception_while_closing_is_reported(app: Flask, state: RequestState, caplog: pytest.LogCaptureFixture) -> None:
    seen: list[Exception] = []

    def note(sender: Flask, exception: Exception) -> None:
        seen.append(exception)

    def act() -> Iterator[None]:
        try:
            yield
        finally:
            raise LookupError("while closing")

    producer = make(state, act())
    with got_request_exception.connected_to(note, app):
        producer.advance()
        producer.close(None)
        producer.close(None)

    assert [str(error) for error in seen] == ["while closing"]
    assert "while closing" in caplog.text


def test_iterator_without_a_close_is_let_go(state: RequestState) -> None:
    producer = make(state, iter([{"step": 1}]))
    producer.advance()

    producer.close(None)

    assert producer.is_closed


@pytest.mark.parametrize("is_debug", [True, False])
def test_failure_is_shown_in_debug_mode_alone(app: Flask, datastar: Datastar, is_debug: bool) -> None:
    app.config.update(TESTING=False, DEBUG=is_debug)
    with app.test_request_context("/", headers={"Datastar-Request": "true"}):
        producer = make(current_request_state(), steps())
        producer.advance()
        producer.flush()
        try:
            raise LookupError("in the middle")
        except LookupError as error:
            shown = producer.fail(error)

    assert (b"in the middle" in shown) is is_debug
    # What was sent before is part of it.
    assert (b"data: signals" in shown) is is_debug
