"""``coroutines``, with threads and with gevent, each check in a process of its own."""

from __future__ import annotations

from tests.transport.checks import all_checks, run_check
from tests.transport.scripts import coroutine_checks


@all_checks(coroutine_checks, "threads", "gevent")
def test_coroutines_hold(kind: str, name: str) -> None:
    run_check(coroutine_checks, kind, name)
