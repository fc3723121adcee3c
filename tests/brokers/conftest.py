"""Fixtures for brokers: a Redis server for the tests that leave it whole."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.brokers.redis_server import RedisServer


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server
