"""CSRF tokens in a browser: actions send them, and a page that is older than its token heals."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

RENEWED = "window.fetchEvents.includes('datastar-csrf-renewed')"


@pytest.fixture
def server(servers):
    return servers.start("tests.live.apps.tokens:app")


def open_page(page: Page, url: str) -> str:
    """Open a page, and give its token once the client has it."""
    page.goto(url)
    expect(page.locator("#token")).not_to_be_empty()
    return page.locator("#token").inner_text()


def grow_old(page: Page) -> None:
    page.click("#grow-old")
    expect(page.locator("#note")).to_have_text("old")


def test_action_is_accepted(server, page):
    open_page(page, server.url)

    page.click("#act")

    expect(page.locator("#done")).to_have_text("1")


def test_old_token_heals_and_the_next_click_works(server, page):
    open_page(page, server.url)
    grow_old(page)
    old = page.locator("#token").inner_text()

    page.click("#act")
    page.wait_for_function(RENEWED)
    assert page.locator("#done").inner_text() == "0"
    # Perhaps the page's first token: two of one second are the same.
    assert page.locator("#token").inner_text() not in (old, "")
    page.click("#act")

    expect(page.locator("#done")).to_have_text("1")


def test_page_can_repeat_the_click(server, page):
    open_page(page, f"{server.url}repeating")
    grow_old(page)

    page.click("#act")

    expect(page.locator("#done")).to_have_text("1")


def test_old_field_of_a_form_heals(server, page):
    open_page(page, server.url)

    page.click("#submit")
    page.wait_for_function(RENEWED)
    assert page.locator("#done").inner_text() == "0"
    page.click("#submit")

    expect(page.locator("#done")).to_have_text("1")


def test_page_whose_session_has_ended_heals_and_the_next_click_works(server, page):
    open_page(page, server.url)
    page.context.clear_cookies()

    page.click("#act")
    page.wait_for_function(RENEWED)
    assert page.locator("#done").inner_text() == "0"
    page.click("#act")

    expect(page.locator("#done")).to_have_text("1")


def test_token_outlives_a_page_that_is_patched_into_this_one(server, page):
    token = open_page(page, server.url)
    page.click("#morph")
    page.wait_for_function("window.fetchEvents.includes('finished')")
    assert page.locator("#token").inner_text() == token

    page.click("#act")

    expect(page.locator("#done")).to_have_text("1")


def test_stream_renews_the_token_of_its_page(servers, page):
    server = servers.start("tests.live.apps.tokens:app", EXTRA_WTF_CSRF_TIME_LIMIT="8")
    token = open_page(page, f"{server.url}live")

    for _ in range(2):
        expect(page.locator("#token")).not_to_have_text(token)
        token = page.locator("#token").inner_text()
    page.click("#act")

    expect(page.locator("#done")).to_have_text("1")
