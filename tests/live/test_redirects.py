"""Redirects out of handlers take the browser to the page that was named, whatever stands in the URL."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

# What the page at the target finds in its parameter `q`, for each URL of the application's list.
FOUND = [
    """'""<x>""",
    "</script><script>window.hacked=1</script>",
    "a@get(c);b\\",
    "${x}`",
    "größe 漢字",
    "relative",
]


@pytest.fixture
def server(servers):
    return servers.start("tests.live.apps.redirects:app")


@pytest.mark.parametrize("way", ["datastar", "flask"])
@pytest.mark.parametrize("number", range(len(FOUND)))
def test_redirect_lands_with_the_url_unchanged(server, page, way, number):
    page.goto(server.url)
    page.click(f"#{way}-{number}")

    expect(page.locator("#q")).to_have_text(FOUND[number])
    assert urlsplit(page.url).path == "/target"
    assert page.evaluate("window.hacked") is None
    # The session that the handler changed has travelled with the event.
    expect(page.get_by_text("flashed before")).to_have_count(1 if way == "flask" else 0)


@pytest.mark.parametrize("guard", ["decorated", "blueprint"])
def test_guard_leads_to_the_login_page_and_back(server, page, guard):
    page.goto(f"{server.url}board/?page=2")
    page.click(f"#{guard}")

    page.wait_for_url("**/login?**")
    # Not the handler's URL, which would be of no use after the login, but the page's.
    assert parse_qs(urlsplit(page.url).query)["next"] == ["/board/?page=2"]
    page.get_by_label("Name").fill("ann")
    page.get_by_role("button", name="Log in").click()

    page.wait_for_url("**/board/?page=2")
    expect(page.locator("#user")).to_have_text("ann")
    page.click(f"#{guard}")
    expect(page.locator("#wrote")).to_have_text(guard)
