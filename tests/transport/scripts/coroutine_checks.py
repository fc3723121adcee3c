"""Checks of ``flask_datastar.transport.coroutines``."""

from __future__ import annotations

import threading
import time
from contextvars import ContextVar, copy_context

import pytest

from flask_datastar.testing.waiting import DEADLINE_SECONDS, run_all
from flask_datastar.transport.coroutines import Coroutine, has_coroutines
from flask_datastar.transport.wakeups import make_wakeup, spawn


def check_it_is_there() -> None:
    assert has_coroutines()


def check_it_gives_and_goes_on() -> None:
    def work() -> bytes:
        coroutine.give(b"one")
        coroutine.give(b"two")
        return b"three"

    coroutine = Coroutine(work)

    assert [(coroutine.resume(), coroutine.has_ended) for _ in range(3)] == [
        (b"one", False),
        (b"two", False),
        (b"three", True),
    ]


def check_what_it_raises_is_raised_by_the_resume() -> None:
    def work() -> bytes:
        coroutine.give(b"one")
        raise LookupError("in the middle")

    coroutine = Coroutine(work)
    coroutine.resume()

    with pytest.raises(LookupError, match="in the middle"):
        coroutine.resume()
    assert coroutine.has_ended


def check_it_runs_in_the_thread_of_its_caller() -> None:
    threads: list[int] = []

    def work() -> bytes:
        threads.append(threading.get_native_id())
        coroutine.give(b"one")
        threads.append(threading.get_native_id())
        return b""

    coroutine = Coroutine(work)
    coroutine.resume()
    coroutine.resume()

    assert threads == [threading.get_native_id()] * 2


def check_a_context_that_it_has_entered_stays_its_own() -> None:
    variable: ContextVar[str] = ContextVar("variable", default="unset")
    context = copy_context()
    seen: list[str] = []

    def work() -> bytes:
        token = variable.set("inside")
        coroutine.give(b"one")
        seen.append(variable.get())
        variable.reset(token)
        return b""

    coroutine = Coroutine(lambda: context.run(work))
    coroutine.resume()
    seen.append(variable.get())
    variable.set("outside")
    coroutine.resume()

    assert seen == ["unset", "inside"]
    assert variable.get() == "outside"


def check_it_may_wait_for_others() -> None:
    wakeup = make_wakeup()

    def work() -> bytes:
        spawn(wakeup.set, "setter")
        assert wakeup.wait(DEADLINE_SECONDS)
        coroutine.give(b"one")
        time.sleep(0.01)
        return b"two"

    coroutine = Coroutine(work)

    assert (coroutine.resume(), coroutine.resume()) == (b"one", b"two")


def check_several_run_beside_each_other() -> None:
    found: dict[int, list[bytes]] = {}

    def run(number: int) -> None:
        def work() -> bytes:
            for step in range(20):
                time.sleep(0.001)
                coroutine.give(b"%d %d" % (number, step))
            return b""

        coroutine = Coroutine(work)
        found[number] = [coroutine.resume() for _ in range(20)]

    run_all([lambda number=number: run(number) for number in range(5)])  # type: ignore[misc]

    assert found == {number: [b"%d %d" % (number, step) for step in range(20)] for number in range(5)}
