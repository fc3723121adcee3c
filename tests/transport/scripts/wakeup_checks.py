"""Checks of ``flask_datastar.transport.wakeups``."""

from __future__ import annotations

import os
import sys
import threading
import time
from contextvars import ContextVar

from flask_datastar.testing.waiting import DEADLINE_SECONDS, run_all
from flask_datastar.transport.wakeups import PerProcess, is_gevent, make_lock, make_wakeup, pause, spawn
from tests.support.checks import run_in_child, run_natively


def check_kind_is_known() -> None:
    assert is_gevent() == (sys.argv[1] == "gevent")


def check_wait_ends_by_timeout() -> None:
    wakeup = make_wakeup()

    assert wakeup.wait(0) is False
    assert wakeup.wait(0.01) is False


def check_set_wakes_and_lasts_until_cleared() -> None:
    wakeup = make_wakeup()
    spawn(wakeup.set, "setter")

    assert wakeup.wait(DEADLINE_SECONDS) is True
    assert wakeup.wait() is True
    wakeup.clear()
    assert wakeup.wait(0) is False


def check_native_thread_wakes() -> None:
    # Under gevent, code can run in a real thread (its thread pool); what it publishes has to wake greenlets.
    wakeup = make_wakeup()
    if is_gevent():
        from gevent import get_hub, sleep

        get_hub().threadpool.spawn(lambda: (_native_sleep(), wakeup.set()))
        sleep(0)
    else:
        spawn(wakeup.set, "setter")

    begin = time.monotonic()
    assert wakeup.wait(DEADLINE_SECONDS) is True
    assert time.monotonic() - begin < DEADLINE_SECONDS / 2


def _native_sleep() -> None:
    from gevent.monkey import get_original

    get_original("time", "sleep")(0.05)


def check_lock_excludes_others_and_not_its_holder() -> None:
    lock = make_lock()
    inside: list[int] = []

    def enter(number: int) -> None:
        with lock, lock:
            inside.append(number)
            time.sleep(0.002)
            assert inside == [number]
            inside.remove(number)

    run_all([lambda number=number: enter(number) for number in range(20)])


def check_lock_is_handed_on_between_native_threads() -> None:
    # gevent's own locks can forget a greenlet of another thread that waits for them.
    lock = make_lock()
    inside: list[int] = []
    done: list[int] = []

    def enter(number: int) -> None:
        for _ in range(500):
            with lock, lock:
                inside.append(number)
                assert inside == [number]
                inside.remove(number)
        done.append(number)

    def enter_and_switch() -> None:
        for _ in range(20):
            with lock:
                pause()
                assert inside == []
        done.append(-1)

    run_natively([lambda number=number: enter(number) for number in range(4)], enter_and_switch)
    assert sorted(done) == [-1, 0, 1, 2, 3]


variable: ContextVar[str] = ContextVar("variable", default="empty")


def check_spawned_function_has_a_name_and_an_empty_context() -> None:
    seen: list[str] = []
    done = make_wakeup()

    def look() -> None:
        if is_gevent():
            from gevent import getcurrent

            name = getcurrent().name
        else:
            name = threading.current_thread().name
            assert threading.current_thread().daemon
        seen.extend([name, variable.get()])
        done.set()

    variable.set("of the request")
    spawn(look, "datastar-test")

    assert done.wait(DEADLINE_SECONDS)
    assert seen == ["datastar-test", "empty"]


def check_process_has_one_of_its_own() -> None:
    def make() -> list[int]:
        time.sleep(0.001)
        return [os.getpid()]

    own = PerProcess(make)
    found: list[list[int]] = []
    run_all([lambda: found.append(own.get())] * 20)

    assert len({id(one) for one in found}) == 1
    assert own.get() == [os.getpid()]
    # Without a system call, and not after a fork.
    assert own.value is found[0]

    def child() -> None:
        assert own.value is None
        assert own.get() is not found[0]
        assert own.get() == [os.getpid()]
        assert own.get() is own.get()
        assert len(own.by_process) == 1

    run_in_child(child)
    assert own.get() is found[0]


def check_pause_lets_others_run() -> None:
    wakeup = make_wakeup()
    spawn(wakeup.set, "setter")
    pause()

    assert wakeup.wait(0 if is_gevent() else DEADLINE_SECONDS)
