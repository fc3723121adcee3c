"""Checks of ``flask_datastar.transport.ticker``."""

from __future__ import annotations

import os
import threading
import time

from flask_datastar.testing.waiting import DEADLINE_SECONDS, wait_until
from flask_datastar.transport.ticker import Ticker, current_ticker
from flask_datastar.transport.wakeups import is_gevent, make_wakeup
from tests.support.checks import Counter, Records, held, run_in_child


def ticker_is_running() -> bool:
    if is_gevent():
        return current_ticker()._is_running
    return any(thread.name == "datastar-ticker" for thread in threading.enumerate())


def check_calls_come_at_their_interval() -> None:
    counter = Counter(5)
    begin = time.monotonic()
    cancel = current_ticker().every(0.04, counter)

    assert counter.wait()
    cancel()
    for number, at in enumerate(counter.calls, 1):
        assert at - begin >= number * 0.04 - 0.005


def check_shorter_interval_is_not_late_behind_a_longer_one() -> None:
    long, short = Counter(), Counter(3)
    cancel_long = current_ticker().every(3600, long)
    time.sleep(0)  # under gevent the ticker waits an hour from here on
    cancel_short = current_ticker().every(0.02, short)

    assert short.wait()
    cancel_short()
    cancel_long()
    assert long.calls == []
    wait_until(lambda: not ticker_is_running())


def check_missed_calls_are_dropped() -> None:
    calls: list[float] = []
    done = make_wakeup()

    def call() -> None:
        calls.append(time.monotonic())
        if len(calls) == 1:
            time.sleep(0.25)
        if len(calls) == 4:
            done.set()

    cancel = current_ticker().every(0.05, call)

    assert done.wait(DEADLINE_SECONDS)
    cancel()
    # Together they would come at once after the first. Single ones may be late, on a machine with much else to do.
    assert calls[3] - calls[0] >= 0.25 + 0.05


def check_error_is_logged_and_the_next_call_comes() -> None:
    counter = Counter(3)

    def fail() -> None:
        counter()
        raise LookupError

    with Records() as records:
        cancel = current_ticker().every(0.01, fail)
        assert counter.wait()
        cancel()
        wait_until(lambda: not ticker_is_running())
    assert len(records.texts) >= 3
    assert "fail" in records.texts[0]


def check_it_runs_only_while_something_is_registered() -> None:
    ticker = current_ticker()
    for _ in range(3):
        counter, other = Counter(), Counter()
        cancel, cancel_other = ticker.every(0.01, counter), ticker.every(3600, other)
        assert counter.wait()
        cancel()
        assert ticker_is_running()
        cancel_other()
        cancel_other()
        wait_until(lambda: not ticker_is_running())
        assert ticker._tasks == []
        called = len(counter.calls)
        fence = Counter(3)
        cancel = ticker.every(0.01, fence)
        assert fence.wait()
        cancel()
        assert len(counter.calls) == called
        wait_until(lambda: not ticker_is_running())


def check_function_may_end_itself() -> None:
    counter = Counter()

    def once() -> None:
        counter()
        cancel()

    cancel = current_ticker().every(0.01, once)

    assert counter.wait()
    wait_until(lambda: not ticker_is_running())
    assert len(counter.calls) == 1


def check_cancelled_function_is_let_go_of() -> None:
    class Big:
        def call(self) -> None: ...

    import gc
    import weakref

    big = Big()
    reference = weakref.ref(big)
    keep = current_ticker().every(1800, lambda: None)
    cancel = current_ticker().every(3600, big.call)
    cancel()
    del big
    gc.collect()

    assert reference() is None
    keep()


def check_one_that_is_killed_is_started_again() -> None:
    if is_gevent():
        from gevent import GreenletExit as Killed
    else:
        Killed = SystemExit

    def die() -> None:
        raise Killed

    ticker = current_ticker()
    cancel = ticker.every(0.01, die)
    wait_until(lambda: not ticker_is_running() and not ticker._is_running)
    cancel()
    counter = Counter()
    cancel = ticker.every(0.01, counter)

    assert counter.wait()
    cancel()


def check_forked_child_has_its_own() -> None:
    callers: list[int] = []
    counter = Counter(2)
    ticker = current_ticker()

    def call() -> None:
        callers.append(os.getpid())
        counter()

    cancel = ticker.every(0.01, call)
    assert counter.wait()
    callers.clear()

    def child() -> None:
        callers.clear()
        assert current_ticker() is not ticker
        own = Counter(5)
        current_ticker().every(0.02, own)
        assert own.wait()
        assert callers == []
        # The lock was held by a thread that is not here: it must not be waited for.
        cancel()

    with held(ticker._lock):
        run_in_child(child)
    counter = Counter(2)
    cancel()
    cancel = ticker.every(0.01, counter)
    assert counter.wait()
    cancel()
    assert set(callers) <= {os.getpid()}


def check_interval_has_to_be_above_zero() -> None:
    for seconds in (0, -1, float("nan")):
        text = ""
        try:
            Ticker().every(seconds, print)
        except ValueError as error:
            text = str(error)
        assert "accepted: numbers above 0" in text
