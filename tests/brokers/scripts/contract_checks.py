"""The contract as checks, for where there is no pytest: one check for each test."""

from __future__ import annotations

from collections.abc import Callable

from flask_datastar.brokers import redis_own
from flask_datastar.testing import Brokers, SharedBrokerContract
from flask_datastar.testing.waiting import wait_until
from tests.brokers.redis_server import RedisServer


def _check(name: str) -> Callable[[], None]:
    def check() -> None:
        redis_own.PATIENCE_SECONDS = 30
        with RedisServer() as server:
            with Brokers(server.url) as brokers:
                getattr(SharedBrokerContract(), name)(brokers)
            assert server.keys() == []
            wait_until(lambda: server.channels() == [])

    return check


globals().update(
    {name.replace("test_", "check_", 1): _check(name) for name in dir(SharedBrokerContract) if name.startswith("test_")}
)
