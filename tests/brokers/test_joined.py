"""The broker that other tests use in the place of a server keeps what every broker promises."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from flask_datastar.testing import Brokers, SharedBrokerContract
from tests.brokers.joined import BROKERS, URL, JoinedBroker


class TestJoinedBroker(SharedBrokerContract):
    @pytest.fixture
    def brokers(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Brokers]:
        monkeypatch.setattr(JoinedBroker, "lines", {})
        with Brokers(URL, BROKERS) as brokers:
            yield brokers
