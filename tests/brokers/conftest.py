"""Fixtures for brokers: a Redis server for the tests that leave it whole."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from flask_datastar.brokers import redis
from tests.brokers.redis_server import RedisServer


@pytest.fixture(autouse=True)
def no_gevent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let threads be used, although another test of this process may have run gevent, without its patches."""
    monkeypatch.setattr(redis, "check_patched", lambda: None)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server
