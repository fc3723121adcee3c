"""The active search: the browser narrows the list at once, the server's list follows."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

TOTAL = 216


@pytest.fixture
def search(example, page) -> Page:
    page.goto(f"{example.url}search")
    expect(page.locator("#cities > li")).to_have_count(TOTAL)
    return page


def visible_rows(page: Page) -> Locator:
    return page.locator("#cities > li").filter(visible=True)


def test_browser_narrows_the_list_before_the_server_answers(search):
    # The request is held back for as long as the test looks at what the browser does alone.
    held = []
    search.route("**/find?*", lambda route: held.append(route))

    with search.expect_request("**/find?*"):
        search.get_by_label("City or country").fill("germ")

    expect(visible_rows(search)).to_have_count(7)
    expect(search.locator("#cities > li")).to_have_count(TOTAL)
    expect(search.locator("#results")).to_have_attribute("aria-busy", "true")

    for route in held:
        route.continue_()
    expect(search.locator("#cities > li")).to_have_count(7)
    expect(search.locator("#summary")).to_have_text(f"7 of {TOTAL} cities")
    expect(search.locator("#results")).to_have_attribute("aria-busy", "false")


def test_server_finds_what_the_browser_cannot_compare(search):
    search.get_by_label("City or country").press_sequentially("sao p")

    expect(visible_rows(search)).to_have_count(1)
    expect(visible_rows(search)).to_contain_text("São Paulo")


def test_names_that_begin_with_the_text_come_first(search):
    search.get_by_label("City or country").press_sequentially("lond")
    expect(visible_rows(search)).to_have_count(1)
    search.get_by_label("City or country").fill("per")

    # Perth is smaller than Lima, whose country is Peru.
    expect(visible_rows(search).first).to_contain_text("Perth")
    expect(search.locator("#summary")).to_have_text(f"2 of {TOTAL} cities")


def test_no_results_are_said_with_the_text_as_it_was_typed(search):
    hostile = "<b>'x' & \"y\"; a@get(c)\\"
    search.get_by_label("City or country").fill(hostile)

    expect(search.locator("#no-results")).to_have_text(f"No city matches “{hostile}”.")
    expect(visible_rows(search)).to_have_count(0)
    search.get_by_label("City or country").fill("")
    expect(visible_rows(search)).to_have_count(TOTAL)


def test_address_keeps_the_search_over_a_reload(search):
    search.get_by_label("City or country").fill("'djam;")
    expect(search.locator("#no-results")).to_be_visible()
    search.get_by_label("City or country").fill("n'djam")
    expect(visible_rows(search)).to_have_count(1)
    search.wait_for_function("new URLSearchParams(location.search).get('q') === \"n'djam\"")
    assert parse_qs(urlsplit(search.url).query) == {"q": ["n'djam"]}

    search.reload()

    expect(search.get_by_label("City or country")).to_have_value("n'djam")
    expect(visible_rows(search)).to_have_text("N'Djamena Chad 1,600,000")


def test_answer_does_not_overwrite_what_was_typed_meanwhile(search):
    field = search.get_by_label("City or country")
    held = []
    search.route("**/find?*", lambda route: held.append(route))
    with search.expect_request("**/find?*"):
        field.fill("be")
    search.unroute("**/find?*")

    field.fill("berl")
    for route in held:
        route.continue_()

    expect(search.locator("#summary")).to_have_text(f"1 of {TOTAL} cities")
    expect(field).to_have_value("berl")
    expect(visible_rows(search)).to_contain_text("Berlin")


def test_page_works_as_a_plain_form_without_javascript(example, open_page):
    page = open_page(java_script_enabled=False)
    page.goto(f"{example.url}search")
    page.get_by_label("City or country").fill("zurich")
    page.keyboard.press("Enter")

    expect(page.locator("#cities > li")).to_have_text("Zürich Switzerland 1,400,000")
