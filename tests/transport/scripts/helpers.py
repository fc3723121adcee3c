"""What the checks share."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable

from flask_datastar.transport.wakeups import make_wakeup

DEADLINE_SECONDS = 10


def wait_until(holds: Callable[[], object], seconds: float = DEADLINE_SECONDS) -> None:
    """Return as soon as it holds; fail when it does not in time."""
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
        assert not thread.is_alive()
    if errors:
        raise errors[0]


def run_in_child(function: Callable[[], object]) -> None:
    """Run a function in a forked child and fail if it fails there."""
    finish_child(start_child(function))


def start_child(function: Callable[[], object]) -> int:
    """Fork, run the function in the child, give the child's id."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            function()
            code = 0
        except BaseException:
            logging.getLogger(__name__).exception("the child failed")
        finally:
            os._exit(code)
    return child


def finish_child(child: int) -> None:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


class Counter:
    """Counts calls, and can be waited for."""

    def __init__(self, wanted: int = 1) -> None:
        self.calls: list[float] = []
        self._wanted = wanted
        self._reached = make_wakeup()

    def __call__(self) -> None:
        self.calls.append(time.monotonic())
        if len(self.calls) >= self._wanted:
            self._reached.set()

    def wait(self, seconds: float = DEADLINE_SECONDS) -> bool:
        return self._reached.wait(seconds)


class Records(logging.Handler):
    """Keeps what is logged, instead of printing it; a context manager."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())
        assert record.exc_info is not None

    def __enter__(self) -> Records:
        logging.getLogger("flask_datastar").addHandler(self)
        return self

    def __exit__(self, *error: object) -> None:
        logging.getLogger("flask_datastar").removeHandler(self)
