"""A page in debug mode says that its client was not loaded, whatever policy it has."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect


@pytest.mark.parametrize("path", ["", "strict"])
def test_page_says_that_its_client_was_not_loaded(servers, page, noise, path):
    noise.expect_in_browser("404")
    server = servers.start("tests.live.apps.unreachable:app")

    page.goto(server.url + path, wait_until="load")

    message = page.get_by_role("alert")
    expect(message).to_contain_text("the client was not loaded from /gone.js?a=1&b=2, so nothing on this page reacts")
    assert page.locator("body > *").first.get_attribute("id") == "datastar-missing"
    assert message.evaluate("(element) => getComputedStyle(element).borderTopWidth") == "2px"


def test_page_with_its_client_says_nothing(servers, page):
    page.goto(servers.start("tests.live.apps.overlay:app").url)

    assert "datastar-missing" in page.content()
    expect(page.get_by_role("alert")).to_have_count(0)
