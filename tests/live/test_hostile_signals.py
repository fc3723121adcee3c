"""Whatever text a server sends as a signal, the browser has exactly that text, and sends exactly that back."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.live.hostile_texts import TEXTS, make_objects

BY_NAME = {f"t{number}": text for number, text in enumerate(TEXTS)}
VALUES = {"whole": 7, "negative": -1.5, "yes": True, "no": False, "list": [1, "a;b\\", {"deep": "@get(x)"}]}


@pytest.fixture
def server(servers):
    return servers.start("tests.live.apps.signals:app")


def echo(page: Page, server) -> dict[str, Any]:
    """Let the page send its signals, and return what the server received."""
    with page.expect_response("**/echo*") as response:
        page.click("#echo")
    assert response.value.status == 204
    (received,) = page.request.get(f"{server.url}received").json()
    return received


@pytest.mark.parametrize("query", ["", "?single"], ids=["double quotes", "single quotes"])
def test_initial_signals_arrive_unchanged(server, page, query):
    page.goto(server.url + query)

    assert echo(page, server) == {
        "texts": TEXTS,
        "byName": BY_NAME,
        "values": VALUES,
        "dotted": {"name": {"text": TEXTS[0]}},
    }
    assert page.evaluate("window.hacked") is None


def test_initial_signals_are_shown_unchanged(server, page):
    page.goto(server.url)
    expect(page.locator("#t0")).to_have_text(TEXTS[0])

    assert (
        page.evaluate("Object.fromEntries([...document.querySelectorAll('pre')].map(e => [e.id, e.textContent]))")
        == BY_NAME
    )


def test_patched_signals_arrive_unchanged(server, page):
    page.goto(f"{server.url}patches")
    page.click("#patch")
    expect(page.locator("#done")).to_have_text("done")

    assert echo(page, server) == {
        "texts": TEXTS,
        "byName": BY_NAME,
        "values": {**VALUES, "whole": 8},
        "dotted": {"name": {"text": TEXTS[0]}},
        "raw": {"line": "break"},
        "kept": "kept",
        "added": "new",
        "twice": 2,
        "done": "done",
    }


def test_literals_in_expressions_are_evaluated_to_the_same_texts(server, page):
    page.goto(f"{server.url}literals")

    assert echo(page, server)["picked"] == [text for text in TEXTS for _ in range(2)]
    assert page.evaluate("window.hacked") is None


def test_random_objects_survive_the_expression_rewriter(server, page):
    page.goto(f"{server.url}random")

    assert echo(page, server) == {f"o{number}": value for number, value in enumerate(make_objects(300))}


def test_action_parameters_arrive_unchanged(server, page):
    page.goto(f"{server.url}parameters")
    for button in page.get_by_role("button").all():
        with page.expect_response("**/take?**") as response:
            button.click()
        assert response.value.status == 204

    assert page.request.get(f"{server.url}received").json() == [text for text in TEXTS for _ in range(2)]


@pytest.mark.parametrize("verb", ["get", "post"])
def test_action_sends_the_signals_that_it_names(server, page, verb):
    page.goto(f"{server.url}chosen")
    for name in ("some", "below", "none"):
        with page.expect_response("**/take_any**") as response:
            page.click(f"#{verb}-{name}")
        assert response.value.status == 204

    some, below, none = page.request.get(f"{server.url}received").json()

    tab_ids = {some.pop("tabId"), below.pop("tabId")}
    assert (len(tab_ids), some, below) == (
        1,
        {"query": "tea", "user": {"name": "Ada"}},
        {"user": {"more": {"age": 36}}},
    )
    assert none == {}
