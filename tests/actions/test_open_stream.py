"""The action that opens a stream: a constant text that begins as every action does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from flask_datastar import Datastar
from flask_datastar.sansio.javascript import Expression

START = (
    "@get('/ds/g/feed', {filterSignals: {include: /^tabId$/}, retry: 'always', retryMaxCount: Infinity, "
    "requestCancellation: 'cleanup'"
)


@pytest.fixture(autouse=True)
def feed(datastar: Datastar, app: Flask) -> Iterator[None]:
    @datastar.stream(group="g")
    def feed() -> Iterator[None]:
        yield

    with app.test_request_context():
        yield


def test_action_is_the_same_at_each_render(datastar: Datastar, app: Flask) -> None:
    first = datastar.open_stream("feed")
    with app.test_request_context("/elsewhere?a=1"):
        second = datastar.open_stream("feed")

    assert first == second
    assert first.js.startswith(f"{START}, retryMaxWait: {{valueOf: ")


def test_page_asks_soon_while_it_is_offline_and_at_once_when_its_network_returns(datastar: Datastar) -> None:
    js = datastar.open_stream("feed").js

    assert "navigator.onLine" in js
    assert "window.addEventListener('online', ask)" in js
    # A statement's end would be one for the client, too; a double quote would end a script's string.
    assert ";" not in js
    assert '"' not in js


def test_action_is_safe_in_an_attribute(datastar: Datastar) -> None:
    action = datastar.open_stream("feed")

    assert isinstance(action, Expression)
    assert not set("\"'<>") & set(str(action))


@pytest.mark.parametrize(
    ("options", "there", "missing"),
    [
        ({"_retry_max_wait_ms": 5000}, ["retryMaxWait: 5000", "'online'"], ["valueOf"]),
        ({"_retry_max_wait_ms": None}, ["valueOf", "'online'"], []),
        # The client would not stop the first request for a second one.
        ({"_request_cancellation": "disabled"}, ["requestCancellation: 'disabled'", "valueOf"], ["'online'"]),
        ({"_request_cancellation": "auto"}, ["requestCancellation: 'auto'"], ["'online'"]),
        ({"_open_when_hidden": True}, ["openWhenHidden: true", "valueOf", "'online'"], []),
        ({"_signals": ("page",)}, ["/^(tabId|page)", "valueOf", "'online'"], []),
    ],
)
def test_options_replace_what_the_action_has(
    datastar: Datastar, options: dict[str, Any], there: list[str], missing: list[str]
) -> None:
    js = datastar.open_stream("feed", **options).js

    assert [text for text in there if text not in js] == []
    assert [text for text in missing if text in js] == []
    assert js.count("retryMaxWait") == 1


def test_other_actions_are_as_they_were(datastar: Datastar) -> None:
    assert datastar.get("feed").js == "@get('/ds/g/feed', {retryMaxCount: 0})"
