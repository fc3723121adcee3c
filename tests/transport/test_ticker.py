"""``ticker``, with threads and with gevent, each check in a process of its own."""

from __future__ import annotations

from tests.transport.checks import all_checks, run_check
from tests.transport.scripts import ticker_checks


@all_checks(ticker_checks, "threads", "gevent")
def test_ticker_holds(kind: str, name: str) -> None:
    run_check(ticker_checks, kind, name)
