"""Presence over Redis, with threads and with greenlets."""

from __future__ import annotations

import pytest

from tests.presence.scripts import redis_checks
from tests.transport.checks import all_checks, run_check

pytestmark = pytest.mark.redis


@all_checks(redis_checks, "threads", "gevent")
def test_presence_holds_over_redis(kind: str, name: str) -> None:
    run_check(redis_checks, kind, name)
