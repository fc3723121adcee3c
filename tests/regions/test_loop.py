"""Live views under threads and under gevent."""

from __future__ import annotations

from tests.regions.scripts import live_checks
from tests.transport.checks import all_checks, run_check


@all_checks(live_checks, "threads", "gevent")
def test_live_views(kind: str, name: str) -> None:
    run_check(live_checks, kind, name)
