"""Clicks on real servers: cut anywhere, killed, without Redis, none is lost and none is doubled."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.brokers.redis_server import RedisServer
from tests.soak.clicks import run

CLICKS = 160


def test_no_click_is_lost_or_doubled_in_one_worker(tmp_path: Path) -> None:
    counts, lost, doubled = run(tmp_path, CLICKS, 1, workers=1)

    assert (lost, doubled) == (0, 0), counts
    assert counts["told"] == CLICKS
    assert counts["cut"] > CLICKS // 4


@pytest.mark.redis
def test_no_click_is_lost_or_doubled_in_two_workers_on_redis(tmp_path: Path) -> None:
    with RedisServer() as redis:
        counts, lost, doubled = run(tmp_path, CLICKS, 2, workers=2, redis=redis)

    assert (lost, doubled) == (0, 0), counts
    assert counts["told"] == CLICKS


@pytest.mark.redis
def test_no_click_is_lost_or_doubled_where_workers_and_redis_are_killed(tmp_path: Path) -> None:
    with RedisServer() as redis:
        counts, lost, doubled = run(tmp_path, CLICKS, 3, workers=2, redis=redis, has_table=True)

    assert (lost, doubled) == (0, 0), counts
    assert counts["redis killed"]
    assert counts["cut"] > CLICKS // 4


def test_oracle_sees_what_happens_without(tmp_path: Path) -> None:
    _, lost, doubled = run(tmp_path, CLICKS, 1, workers=1, seconds=0)

    assert lost == 0
    assert doubled > CLICKS // 20
