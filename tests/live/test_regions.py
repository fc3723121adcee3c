"""Live regions in browsers: what one person writes is shown to everybody, and what they type stays."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.live.servers import Server
from tests.live.starting import wait_for_client


@pytest.fixture
def server(servers) -> Server:
    return servers.start("tests.live.apps.regions:app")


def test_two_people_see_one_list(server, open_page):
    one, other = open_page(), open_page()
    for page in (one, other):
        page.goto(server.url)
        wait_for_client(page)
    other.fill("#title", "typed here")
    other.evaluate("document.getElementById('more').open = true")
    for title in ("first", "second"):
        one.fill("#title", title)
        one.click("#add")

        for page in (one, other):
            expect(page.locator("#cards li").last).to_have_text(title)

    assert other.input_value("#title") == "typed here"
    assert other.evaluate("document.getElementById('more').open")
