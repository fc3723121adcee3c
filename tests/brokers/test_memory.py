"""``memory://`` keeps what every broker promises."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from flask_datastar.testing import BrokerContract, Brokers


class TestMemoryBroker(BrokerContract):
    @pytest.fixture
    def brokers(self) -> Iterator[Brokers]:
        with Brokers("memory://") as brokers:
            yield brokers

    def test_it_reaches_nobody_else(self, brokers: Brokers) -> None:
        broker, _ = brokers.make()

        assert not broker.is_shared
        assert broker.stats() == {}
