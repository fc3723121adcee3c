"""Views in a browser: what their URLs say reaches the events, and where elements go."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

NAME = "a/b c'd\"e;f&g=h+i%j#k?l\\@get(m)é"
PATH = "shelf/a/b%20c'd%22e;f&g=h+i%25j%23k%3Fl%5C@get(m)%C3%A9/-5"


@pytest.fixture
def shelf(servers, page) -> Page:
    page.goto(servers.start("tests.live.apps.views:app", ready="shelf/x/1").url + PATH)
    expect(page.locator("b")).to_have_text("-5")
    return page


def test_events_get_what_the_url_of_the_page_says(shelf):
    shelf.click("#add")
    expect(shelf.locator("#title")).to_have_text(f"{NAME} -5")
    expect(shelf.locator("b")).to_have_text("-4")

    shelf.click("#steps")
    expect(shelf.locator("#title")).to_have_text(f"{NAME} -5 after -1")
    expect(shelf.locator("b")).to_have_text("-1")

    shelf.click("#sort")
    expect(shelf.locator("#title")).to_have_text(f"sort-by_name of {NAME} -5")


@pytest.mark.parametrize("library", ["htpy", "dominate"])
def test_elements_of_libraries_act_and_escape(shelf, library):
    shelf.click("#libraries")
    expect(shelf.locator(f"#{library}")).to_have_text(f"{library} <b>")

    shelf.click(f"#{library}")

    expect(shelf.locator("#title")).to_have_text(f"{NAME} -5")
    expect(shelf.locator("b")).to_have_text("-4")


def test_client_skips_an_element_without_an_id_in_production(shelf, noise):
    noise.expect_in_browser(r"PatchElementsNoTargetsFound")

    shelf.click("#lost")

    expect(shelf.locator("#placed")).to_have_text("placed")
    expect(shelf.locator(".lost")).to_have_count(0)
