"""Groups of checkboxes and rows arrive as lists, and an action knows its tab whatever it sends."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page


@pytest.fixture
def server(servers, page: Page):
    server = servers.start("tests.live.apps.groups:app")
    page.goto(server.url)
    return server


def press(page: Page, server, name: str) -> Any:
    """Press a button, and return what its handler received."""
    with page.expect_response("**/ds/**") as response:
        page.click(f"#{name}")
    assert response.value.status in (200, 204)
    found = page.request.get(f"{server.url}received").json()
    return found[0] if found else None


def test_boxes_and_rows_are_lists(server, page: Page) -> None:
    rows = [{"name": "c"}, {"name": "d"}]
    assert press(page, server, "take") == {"ids": [], "rows": rows}

    page.check("#box2")
    assert press(page, server, "take") == {"ids": [2], "rows": rows}


def test_the_server_sets_boxes_by_one_text_a_box(server, page: Page) -> None:
    press(page, server, "three")
    page.wait_for_function("document.querySelector('#box3').checked")
    page.check("#box1")
    assert press(page, server, "take")["ids"] == [1, 3]

    press(page, server, "nothing")
    page.wait_for_function("!document.querySelector('#box3').checked")
    page.check("#box2")
    assert press(page, server, "take")["ids"] == [2]

    # What the documentation warns of: the text belongs to the first box, whose value it is not.
    press(page, server, "short")
    page.wait_for_function("!document.querySelector('#box2').checked")
    assert [page.is_checked(f"#box{number}") for number in (1, 2, 3)] == [False, False, False]


def test_every_action_knows_its_tab(server, page: Page) -> None:
    tab = press(page, server, "plain")

    assert tab
    assert [press(page, server, name) for name in ("form", "multipart", "payload", "filter")] == [tab] * 4
