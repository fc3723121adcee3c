"""A deadline: a stream that sends nothing would keep its test waiting for ever."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import NoReturn

import pytest

DEADLINE_SECONDS = 120


@pytest.fixture(autouse=True)
def deadline() -> Iterator[None]:
    def give_up(*_: object) -> NoReturn:
        # No Exception, which a stream would take for one of its own.
        pytest.fail(f"nothing came for {DEADLINE_SECONDS} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(DEADLINE_SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
