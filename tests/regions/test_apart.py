"""Functions that run apart from the thread of a visitor, or outside of a running event loop."""

from __future__ import annotations

import asyncio
import threading

import pytest

from flask_datastar.regions import apart
from flask_datastar.regions.apart import run_apart, run_outside_loop


def test_a_function_runs_in_another_thread() -> None:
    assert run_apart(threading.get_ident) != threading.get_ident()


def test_its_exception_is_raised_to_the_caller() -> None:
    with pytest.raises(ZeroDivisionError):
        run_apart(lambda: 1 // 0)


def test_a_wakeup_that_comes_early_is_waited_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    class Early:
        def __init__(self) -> None:
            self.waits, self._event = 0, threading.Event()
            self.set = self._event.set

        def wait(self) -> bool:
            self.waits += 1
            return self.waits > 1 and self._event.wait(60)

    early = Early()
    monkeypatch.setattr(apart, "make_wakeup", lambda: early)

    assert run_apart(lambda: 3) == 3
    assert early.waits == 2


def test_a_loop_is_started_where_another_one_runs() -> None:
    async def answer() -> int:
        return 3

    async def outer() -> int:
        return run_outside_loop(lambda: asyncio.run(answer()))

    # In other threads, because asyncio.run() drops the loop that the current one may have kept since an earlier test.
    assert run_apart(lambda: asyncio.run(outer())) == 3
    assert run_apart(lambda: run_outside_loop(lambda: asyncio.run(answer()))) == 3
