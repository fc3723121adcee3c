"""The flush: the order of what it takes, and that a failure leaves nothing half-done."""

from __future__ import annotations

import pytest
from flask import Flask

from flask_datastar import Datastar, sse
from flask_datastar.sending.flush import flush
from flask_datastar.sending.response import BodyKind, finish, response_of
from flask_datastar.state.request import RequestState, current_request_state

pytestmark = pytest.mark.usefixtures("req_ctx")

COUNT, THEME = sse.patch_signals({"count": 1}), sse.patch_signals({"theme": "dark"})


@pytest.fixture
def state(app: Flask) -> RequestState:
    return current_request_state()


def test_queued_events_come_before_tracked_signals(datastar: Datastar, state: RequestState) -> None:
    datastar.signal("count", 1)
    datastar.patch_signals({"theme": "dark"})

    assert flush(state, response_of(state)) == THEME.encode() + COUNT.encode()


def test_events_of_the_current_response_come_before_those_of_another(datastar: Datastar, state: RequestState) -> None:
    other = datastar.start().patch_signals({"count": 1})
    datastar.patch_signals({"theme": "dark"})

    assert flush(state, other) == THEME.encode() + COUNT.encode()


def test_second_flush_takes_only_what_came_since(datastar: Datastar, state: RequestState) -> None:
    datastar.signal("count", 1).patch_signals({"theme": "dark"})
    flush(state, response_of(state))

    assert flush(state, response_of(state)) == b""
    datastar.signal("count", 1)
    assert flush(state, response_of(state)) == COUNT.encode()


@pytest.mark.parametrize(("bad", "error"), [(float("nan"), ValueError), (object(), TypeError)])
def test_unfit_signal_is_not_met_again(
    datastar: Datastar, state: RequestState, bad: object, error: type[Exception]
) -> None:
    datastar.signal("count", bad).patch_signals({"half": 1})

    with pytest.raises(error, match="'count'"):
        flush(state, response_of(state))

    datastar.signal("theme", "dark")
    assert flush(state, response_of(state)) == THEME.encode()


def test_body_is_decided_by_the_first_finish(datastar: Datastar, state: RequestState) -> None:
    response = datastar.signal("count", 1)
    assert response.body_kind is BodyKind.UNDECIDED

    assert finish(response, state).body_kind is BodyKind.FINITE
    assert response.data == COUNT.encode()
    response.patch_signals({"theme": "dark"})
    assert (response.data, response.event_queue) == (COUNT.encode() + THEME.encode(), [])
