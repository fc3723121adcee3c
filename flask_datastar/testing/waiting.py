"""Waits for what other threads or greenlets do, with a deadline."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

#: For what comes within milliseconds, however slow the machine is: no measure of anything.
DEADLINE_SECONDS = 60


def wait_until(holds: Callable[[], object], seconds: float = DEADLINE_SECONDS) -> None:
    """Return as soon as a condition holds.

    :raises AssertionError: if it does not within ``seconds``.
    """
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.002)


def run_all(functions: list[Callable[[], object]]) -> None:
    """Run functions beside each other, in threads or greenlets, and raise the first of their errors."""
    errors: list[BaseException] = []

    def run(function: Callable[[], object]) -> None:
        try:
            function()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(function,)) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_SECONDS)
        assert not thread.is_alive(), f"a function has not returned within {DEADLINE_SECONDS} s"
    if errors:
        raise errors[0]
