"""Checks of ``flask_datastar.transport.coroutines``."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from contextvars import ContextVar, copy_context

import pytest

from flask_datastar.testing.waiting import DEADLINE_SECONDS, run_all
from flask_datastar.transport.coroutines import Coroutine, has_coroutines
from flask_datastar.transport.wakeups import make_wakeup, spawn


def check_it_is_there() -> None:
    assert has_coroutines()


def check_it_gives_and_goes_on() -> None:
    def work(coroutine: Coroutine[str]) -> bytes:
        coroutine.give(b"one")
        coroutine.give(b"two")
        return b"three"

    coroutine: Coroutine[str] = Coroutine(work)

    assert [(coroutine.resume("a"), coroutine.has_ended) for _ in range(3)] == [
        (b"one", False),
        (b"two", False),
        (b"three", True),
    ]


def check_what_it_raises_is_raised_by_the_resume() -> None:
    def work(coroutine: Coroutine[str]) -> bytes:
        coroutine.give(b"one")
        raise LookupError("in the middle")

    coroutine: Coroutine[str] = Coroutine(work)
    coroutine.resume("a")

    with pytest.raises(LookupError, match="in the middle"):
        coroutine.resume("a")
    assert coroutine.has_ended


def check_it_refers_to_its_argument_only_while_it_runs() -> None:
    class Body:
        pass

    seen: list[type] = []

    def work(coroutine: Coroutine[Body]) -> bytes:
        for _ in range(2):
            seen.append(type(coroutine.argument))
            coroutine.give(b"one")
        return b""

    coroutine: Coroutine[Body] = Coroutine(work)
    body = Body()
    is_alive = weakref.ref(body)
    gc.disable()
    try:
        coroutine.resume(body)
        coroutine.resume(body)
        del body
        assert is_alive() is None
    finally:
        gc.enable()
    coroutine.resume(Body())

    assert coroutine.has_ended
    assert seen == [Body, Body]


def check_it_runs_in_the_thread_of_its_caller() -> None:
    threads: list[int] = []

    def work(coroutine: Coroutine[str]) -> bytes:
        threads.append(threading.get_native_id())
        coroutine.give(b"one")
        threads.append(threading.get_native_id())
        return b""

    coroutine: Coroutine[str] = Coroutine(work)
    coroutine.resume("a")
    coroutine.resume("a")

    assert threads == [threading.get_native_id()] * 2


def check_a_context_that_it_has_entered_stays_its_own() -> None:
    variable: ContextVar[str] = ContextVar("variable", default="unset")
    context = copy_context()
    seen: list[str] = []

    def work(coroutine: Coroutine[str]) -> bytes:
        token = variable.set("inside")
        coroutine.give(b"one")
        seen.append(variable.get())
        variable.reset(token)
        return b""

    coroutine: Coroutine[str] = Coroutine(lambda one: context.run(work, one))
    coroutine.resume("a")
    seen.append(variable.get())
    variable.set("outside")
    coroutine.resume("a")

    assert seen == ["unset", "inside"]
    assert variable.get() == "outside"


def check_it_may_wait_for_others() -> None:
    wakeup = make_wakeup()

    def work(coroutine: Coroutine[str]) -> bytes:
        spawn(wakeup.set, "setter")
        assert wakeup.wait(DEADLINE_SECONDS)
        coroutine.give(b"one")
        time.sleep(0.01)
        return b"two"

    coroutine: Coroutine[str] = Coroutine(work)

    assert (coroutine.resume("a"), coroutine.resume("a")) == (b"one", b"two")


def check_several_run_beside_each_other() -> None:
    found: dict[int, list[bytes]] = {}

    def run(number: int) -> None:
        def work(coroutine: Coroutine[str]) -> bytes:
            for step in range(20):
                time.sleep(0.001)
                coroutine.give(b"%d %d" % (number, step))
            return b""

        coroutine: Coroutine[str] = Coroutine(work)
        found[number] = [coroutine.resume("a") for _ in range(20)]

    run_all([lambda number=number: run(number) for number in range(5)])  # type: ignore[misc]

    assert found == {number: [b"%d %d" % (number, step) for step in range(20)] for number in range(5)}
