"""The broker that other tests use in the place of a server keeps what every broker promises."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from flask_datastar.brokers import BROKERS
from tests.brokers.contract import Brokers, SharedBrokerContract
from tests.brokers.joined import ROW, URL, JoinedBroker


class TestJoinedBroker(SharedBrokerContract):
    @pytest.fixture
    def brokers(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Brokers]:
        monkeypatch.setitem(BROKERS, "joined", ROW)
        monkeypatch.setattr(JoinedBroker, "lines", {})
        with Brokers(URL) as brokers:
            yield brokers
