"""The panel's URLs: what they answer, and to whom."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_datastar import Datastar
from flask_datastar.devtools import panel, records
from flask_datastar.devtools.timeline import Timeline
from flask_datastar.state.app import app_state_of
from flask_datastar.transport import worker
from tests.devtools.conftest import HEADERS, PANEL, Items, new_browser

URL = "/ds/-timeline/"


@pytest.mark.parametrize("name", ["panel.js", "entries.js", "gestures.js", "style.js"])
def test_scripts_are_served_to_everybody(app: Flask, datastar: Datastar, name: str) -> None:
    response = app.test_client().get(f"{URL}{name}")

    assert response.mimetype == "text/javascript"
    assert len(response.data) > 1000
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_page_gives_a_name_and_cannot_be_framed(app: Flask, datastar: Datastar) -> None:
    client = app.test_client()
    response = client.get(URL)

    assert client.get_cookie("datastar_timeline") is not None
    assert "Set-Cookie" not in client.get(URL).headers
    assert response.headers["X-Frame-Options"] == "DENY"
    assert "script-src 'self'" in response.headers["Content-Security-Policy"]
    assert 'src="panel.js"' in response.text


@pytest.mark.parametrize("path", ["secret.py", "../records.py", "items.json/x", "panel.js/", "%00", "copy.txt"])
def test_other_files_are_not(browser: FlaskClient, path: str) -> None:
    assert browser.get(f"{URL}{path}", headers=PANEL).status_code == 404


@pytest.mark.parametrize(("method", "name"), [("GET", "items.json"), ("POST", "clear.json"), ("POST", "copy.txt")])
def test_strangers_get_nothing(app: Flask, browser: FlaskClient, method: str, name: str) -> None:
    refused = [
        app.test_client().open(f"{URL}{name}", method=method, headers=PANEL),
        browser.open(f"{URL}{name}", method=method),
        browser.open(f"{URL}{name}", method=method, headers={**PANEL, "Sec-Fetch-Site": "same-site"}),
    ]

    assert [response.status_code for response in refused] == [403] * 3
    assert all("Access-Control-Allow-Origin" not in response.headers for response in refused)


def test_another_browser_sees_what_is_its_own(app: Flask, browser: FlaskClient, items: Items) -> None:
    stranger = new_browser(app)
    browser.post("/ds/g/mine", json={}, headers=HEADERS)
    stranger.post("/ds/g/yours", json={}, headers=HEADERS)

    assert [entry["path"] for entry in items()] == ["/ds/g/mine"]
    assert [entry["path"] for entry in items(stranger)] == ["/ds/g/yours"]
    number = items()[0]["id"]
    copied = stranger.post(f"{URL}copy.txt", json={"id": number, "as": "curl"}, headers=PANEL)
    assert (copied.status_code, copied.text) == (404, "the timeline has dropped this request")
    stranger.post(f"{URL}clear.json", headers=PANEL)
    assert len(items()) == 1


def test_items_come_after_a_number_of_the_same_process(browser: FlaskClient) -> None:
    browser.post("/ds/g/none", json={}, headers=HEADERS).get_data()
    first = browser.get(f"{URL}items.json", headers=PANEL).json

    def ask(query: str) -> Any:
        return browser.get(f"{URL}items.json?{query}", headers=PANEL).json

    assert ask(f"after={first['last']}&boot={first['boot']}")["items"] == []
    assert ask(f"after={first['last']}&boot=another") == first
    assert ask(f"after=x&boot={first['boot']}") == first
    assert ask(f"after={'9' * 99}&boot={first['boot']}") == first
    assert first["waits"] is False


def test_an_item_is_waited_for_where_the_server_has_threads(
    app: Flask, browser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    timeline = app_state_of(app).part(Timeline)
    records = timeline.records_of(browser.get_cookie("datastar_timeline").value)
    monkeypatch.setattr(panel, "_STEP_SECONDS", 60)
    found: list[Any] = []

    def ask() -> None:
        query = f"after=0&boot={timeline.boot}&wait=1"
        environ = {"wsgi.multithread": True}
        found.append(browser.get(f"{URL}items.json?{query}", headers=PANEL, environ_overrides=environ).json)

    thread = threading.Thread(target=ask)
    thread.start()
    while not records._waiting:
        time.sleep(0.001)
    records.add(1, {"kind": "action"})
    thread.join(20)

    assert found[0]["items"] == [{"id": 1, "kind": "action"}]
    assert found[0]["waits"] is True


def test_a_panel_asks_at_intervals_where_too_many_wait(browser: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "MOST_WAITING", 0)

    response = browser.get(f"{URL}items.json?wait=1", headers=PANEL, environ_overrides={"wsgi.multithread": True})

    assert (response.json["items"], response.json["waits"]) == ([], False)


def test_a_stopping_worker_is_not_waited_for(browser: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "is_stopping", lambda: True)

    response = browser.get(f"{URL}items.json?wait=1", headers=PANEL, environ_overrides={"wsgi.multithread": True})

    assert response.json["items"] == []


def test_cleared_items_are_gone(browser: FlaskClient, items: Items) -> None:
    browser.post("/ds/g/none", json={}, headers=HEADERS).get_data()
    assert browser.post(f"{URL}clear.json", headers=PANEL).status_code == 204
    assert items() == []


def test_a_request_is_copied(browser: FlaskClient, items: Items) -> None:
    browser.post("/ds/g/none", json={"a": 1}, headers=HEADERS).get_data()
    number = items()[0]["id"]

    curl = browser.post(f"{URL}copy.txt", json={"id": number, "as": "curl"}, headers=PANEL)
    test = browser.post(f"{URL}copy.txt", json={"id": number, "as": "test"}, headers=PANEL)

    assert curl.text.startswith("curl --no-buffer --request POST http://localhost/ds/g/none")
    assert "def test_ds_g_none(app):" in test.text


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"id": "x", "as": "curl"}', b'{"as": "test"}', b"\xff", b'{"id": 1e999, "as": ""}']
)
def test_odd_questions_are_refused(browser: FlaskClient, body: bytes) -> None:
    assert browser.post(f"{URL}copy.txt", data=body, headers=PANEL).status_code == 400


def test_odd_gestures_are_refused(browser: FlaskClient, items: Items) -> None:
    browser.post("/ds/g/none", json={"a": 1}, headers=HEADERS).get_data()
    asked = {"id": items()[0]["id"], "as": "test", "gestures": {"path": "/", "steps": [{"do": "__import__('os')"}]}}

    response = browser.post(f"{URL}copy.txt", json=asked, headers=PANEL)

    assert (response.status_code, "a gesture is" in response.text) == (400, True)
