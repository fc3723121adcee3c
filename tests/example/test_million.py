"""The million checkboxes of the example, without a browser: clicks, windows, limits, and what a stranger can send."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask

from example import create_app, million
from flask_datastar.testing import DatastarClient


@pytest.fixture
def config(tmp_path: Path) -> dict[str, object]:
    return {
        "TESTING": True,
        "SECRET_KEY": "only for tests",
        "SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path / 'million.sqlite'}",
    }


@pytest.fixture
def app(config) -> Flask:
    million._busy_until.clear()
    return create_app(config)


def open_window(app: Flask, at: int | str) -> tuple[str, list[int]]:
    """Return the HTML of a new window, and the boxes that are checked in it."""
    events = DatastarClient(app, {"at": at}).iter_events(million.window, method="GET")
    for event in events:
        if 'id="boxes"' in str(event):
            break
    html = str(event)
    events.close()
    return html, [int(box) for box in re.findall(r'id="b(\d+)"[^>]* checked', html)]


def test_clicks_survive_a_restart(app, config):
    tab = DatastarClient(app)
    for box in (1, 2, 50, 51, 501, 1_000_000):
        tab.post(million.check, box=box, on="true")
    tab.post(million.check, box=2, on="false")
    tab.post(million.check, box=3, on="false")

    restarted = create_app(config)

    assert open_window(restarted, 0)[1] == [1, 50, 51, 501]
    assert open_window(restarted, 1999)[1] == [1_000_000]
    with restarted.app_context():
        assert million.total().__html__() == '<strong id="total">5</strong>'


def test_click_reaches_those_who_show_its_chunk(app):
    near, far = (DatastarClient(app, {"at": at}).iter_events(million.window, method="GET") for at in (4, 9))
    for events in (near, far):
        while "shown" not in str(next(events)):
            pass

    DatastarClient(app).post(million.check, box=2_700, on="true")
    DatastarClient(app).post(million.check, box=4_700, on="true")

    assert 'id="b2700"' in next_box(near)
    assert 'id="b4700"' in next_box(far)
    near.close()
    far.close()


def next_box(events) -> str:
    """Return the next event of a box, past those of the total."""
    return next(data for event in events if 'id="b' in (data := str(event)))


@pytest.mark.parametrize(
    ("at", "first", "last"),
    [(0, 1, 1000), (7, 3001, 4500), (1999, 999_001, 1_000_000), (-5, 1, 1000), (10**30, 999_001, 1_000_000)],
)
def test_window_is_always_a_part_of_the_million(app, at, first, last):
    html, _ = open_window(app, at)

    boxes = [int(box) for box in re.findall(r'id="b(\d+)"', html)]
    assert boxes == list(range(first, last + 1))


@pytest.mark.parametrize(
    ("box", "status"), [("0", 404), ("-1", 404), ("1000001", 404), ("9" * 40, 404), ("x", 400), ("", 400)]
)
def test_stranger_cannot_check_what_is_no_box(app, box, status):
    client = app.test_client()
    headers = {"Datastar-Request": "true"}

    response = client.post(f"/ds/million/check?box={box}&on=true", json={}, headers=headers)

    assert response.status_code == status
    with app.app_context():
        assert million.total().__html__() == '<strong id="total">0</strong>'


def test_flood_is_refused_and_others_go_on(app, monkeypatch):
    monkeypatch.setattr(million.time, "monotonic", lambda: 1000.0)
    flooding, other = DatastarClient(app), DatastarClient(app)
    for tab in (flooding, other):
        tab.client.get("/million")

    for box in range(1, million.BURST + 1):
        flooding.post(million.check, box=box, on="true")
    refused = flooding.post(million.check, box=500, on="true")
    other.post(million.check, box=499, on="true")

    assert [("checked" in str(event)) for event in refused.events[:2]] == [True, False]
    assert flooding.signals["_isFast"] is True
    with app.app_context():
        assert million.total().__html__() == f'<strong id="total">{million.BURST + 1}</strong>'


def test_browsers_that_are_gone_are_forgotten(app, monkeypatch):
    monkeypatch.setattr(million, "MOST_BROWSERS", 3)
    for number in range(10):
        monkeypatch.setattr(million.time, "monotonic", lambda number=number: 1000.0 + number)
        tab = DatastarClient(app)
        tab.client.get("/million")
        tab.post(million.check, box=1, on="true")

    assert len(million._busy_until) <= 3
