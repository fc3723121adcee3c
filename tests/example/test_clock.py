from __future__ import annotations

from flask import Flask

from flask_datastar.testing import frozen_clock
from tests.example.conftest import Visit


def test_time_goes_on_while_somebody_looks(app: Flask, visit: Visit) -> None:
    with frozen_clock(app) as clock:
        visitor = visit("/clock")
        assert visitor.text("#streams") == "1"
        sent = len(visitor.events)

        clock.move(1)
        visitor.wait_for(signals={"streams": 1})
        assert len(visitor.events) > sent

        visitor.hide()
        second = visit("/clock")
        assert second.text("#streams") == "1"
        visitor.show()
        second.wait_for(signals={"streams": 1})
        clock.move(1)
        second.wait_for("#streams", text="2")
