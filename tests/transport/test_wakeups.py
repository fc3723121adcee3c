"""``wakeups``, with threads and with gevent, each check in a process of its own."""

from __future__ import annotations

from tests.transport.checks import all_checks, run_check
from tests.transport.scripts import wakeup_checks


@all_checks(wakeup_checks, "threads", "gevent")
def test_wakeups_hold(kind: str, name: str) -> None:
    run_check(wakeup_checks, kind, name)
