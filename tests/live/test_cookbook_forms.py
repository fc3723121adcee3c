"""The cookbook's recipes for forms, as a person uses them."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.live.recipes import check_page
from tests.live.servers import Server, wait_until


def test_suggestion_is_picked_with_keys_and_with_the_mouse(example, ann):
    ann.goto(f"{example.url}cookbook/typeahead")
    field, options = ann.get_by_role("combobox", name="City"), ann.get_by_role("option")
    field.press_sequentially("sao")
    expect(options).to_have_text(["São Paulo, Brazil"])
    expect(field).to_have_attribute("aria-expanded", "true")
    field.fill("be")
    expect(options).to_have_count(8)
    field.press("ArrowDown")
    field.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    expect(field).to_have_attribute("aria-activedescendant", "suggestion-1")
    check_page(ann)

    name = options.nth(1).inner_text().partition(",")[0]
    field.press("Enter")
    expect(field).to_have_value(name)
    expect(options).to_have_count(0)
    field.fill("lond")
    expect(options).to_have_count(1)
    field.press("Escape")
    expect(options).to_have_count(0)
    expect(field).to_have_attribute("aria-expanded", "false")
    field.fill("tok")
    options.first.click()
    expect(field).to_have_value("Tokyo")


def test_list_of_suggestions_stays_closed_after_a_pick(example: Server, open_page: Callable[..., Page]) -> None:
    asked: list[str] = []
    # A page of its own, whose clock stands still.
    ann = open_page()
    ann.on("request", lambda request: asked.append(request.url))
    ann.goto(f"{example.url}cookbook/typeahead")
    field, options, list_ = ann.get_by_role("combobox"), ann.get_by_role("option"), ann.locator("#suggestions")
    ann.clock.install()
    ann.clock.pause_at(time.time() + 3600)

    def type_text(text: str) -> None:
        field.fill(text)
        ann.clock.run_for(1000)
        expect(options).not_to_have_count(0)

    # Closed within the debounce of the last key: nothing is asked for any more.
    for close in ("Escape", "Enter", "Tab"):
        type_text("tok")
        field.press("ArrowDown")
        field.press("y")
        asked.clear()
        field.press(close)
        expect(list_).to_be_hidden()
        ann.clock.run_for(1000)
        assert asked == []
        expect(list_).to_be_hidden()
        expect(field).to_have_value("Tokyo" if close == "Enter" else "toky")

    # Closed while the answer is on its way, which comes to a list that stays closed.
    held: list[Route] = []
    ann.route("**/suggest*", lambda route: held.append(route))
    field.fill("lond")
    ann.clock.run_for(1000)
    wait_until(lambda: ann.wait_for_timeout(20) or held, "a request for suggestions")
    field.press("Escape")
    held[0].continue_()
    expect(ann.locator("#suggestions > li")).to_have_text(["London, United Kingdom"])
    expect(list_).to_be_hidden()
    expect(field).to_have_attribute("aria-expanded", "false")
    # Neither can a key pick what is not to be seen.
    field.press("ArrowDown")
    field.press("Enter")
    expect(field).to_have_value("lond")


def test_cities_follow_the_country(example, ann):
    ann.goto(f"{example.url}cookbook/selects")
    country, city = ann.get_by_label("Country"), ann.get_by_label("City")
    expect(city).to_be_disabled()
    country.select_option("Poland")
    expect(city).to_be_enabled()
    city.select_option("Warsaw")
    country.select_option("Brazil")
    expect(city.get_by_role("option", name="Warsaw")).to_have_count(0)
    expect(city).to_have_value("")
    city.select_option("Recife")
    ann.get_by_role("button", name="Send me").click()
    expect(ann.get_by_text("A postcard from Recife, Brazil is on its way.", exact=True)).to_be_visible()
    check_page(ann)


def test_wizard_keeps_its_step_and_its_values(example, ann):
    ann.goto(f"{example.url}cookbook/wizard")
    ann.get_by_role("button", name="Next").click()
    expect(ann.get_by_text("Who is coming?", exact=True)).to_be_visible()
    ann.get_by_label("Name").fill("Ada <b>")
    ann.get_by_label("E-mail").fill("ada@example.com")
    check_page(ann)
    ann.keyboard.press("Enter")
    expect(ann.get_by_role("heading", name="Step 2 of 3")).to_be_focused()

    ann.get_by_label("City").fill("Paris")
    ann.get_by_role("button", name="Next").click()
    expect(ann.get_by_text("Between 1 and 99.", exact=True)).to_be_visible()
    ann.get_by_role("button", name="Back").click()
    expect(ann.get_by_label("Name")).to_have_value("Ada <b>")
    ann.get_by_role("button", name="Next").click()
    expect(ann.get_by_role("heading", name="Step 2 of 3")).to_be_focused()
    ann.reload()
    expect(ann.get_by_role("heading", name="Step 2 of 3")).to_be_visible()
    ann.get_by_label("City").fill("Rome")
    ann.get_by_label("Nights").fill("3")
    ann.get_by_role("button", name="Next").click()
    expect(ann.get_by_text("Ada <b> (ada@example.com) stays in Rome for 3 nights.", exact=True)).to_be_visible()

    ann.get_by_role("button", name="Book").click()
    expect(ann.get_by_text("Booked. Have a nice journey!", exact=True)).to_be_visible()
    expect(ann.get_by_role("heading", name="Step 1 of 3")).to_be_visible()


def test_upload_shows_how_much_is_sent(example, ann, noise):
    ann.goto(f"{example.url}cookbook/upload")
    ann.get_by_label("File").set_input_files({"name": "<a>.txt", "mimeType": "text/plain", "buffer": b"x" * 100_000})
    ann.get_by_role("button", name="Upload").click()
    expect(ann.locator("#files > li")).to_have_text(["<a>.txt: 100,000 bytes"])
    expect(ann.locator("#progress")).to_have_js_property("value", 100)
    check_page(ann)

    noise.expect_in_browser("413")
    ann.get_by_label("File").set_input_files({"name": "b", "mimeType": "text/plain", "buffer": b"x" * 1_100_000})
    ann.get_by_role("button", name="Upload").click()
    expect(ann.get_by_text("This file is too large.", exact=True)).to_be_visible()
    expect(ann.get_by_role("button", name="Upload")).to_be_enabled()


@pytest.fixture
def uploading(servers, example):
    """The example with a bucket on another origin: that of the other example."""
    return servers.start(
        "example:create_app()",
        EXAMPLE_SECRET_KEY="only for tests",
        EXAMPLE_SQLALCHEMY_DATABASE_URI=f"sqlite:///{servers.folder / 'uploading.sqlite'}",
        EXAMPLE_BUCKET_URL=f"{example.url}cookbook/own_bucket",
    )


def test_file_goes_straight_to_the_bucket(uploading, ann, noise):
    ann.goto(f"{uploading.url}cookbook/bucket")
    ann.get_by_label("File").set_input_files({"name": "a.txt", "mimeType": "text/plain", "buffer": b"x" * 100_000})
    with ann.expect_request("**/own_bucket") as request:
        ann.get_by_role("button", name="Upload").click()
    expect(ann.get_by_text("The bucket has uploads/")).to_be_visible()
    expect(ann.locator("#progress")).to_have_js_property("value", 100)
    assert not request.value.url.startswith(uploading.url)
    check_page(ann)

    noise.expect_in_browser("403")
    ann.get_by_label("File").set_input_files({"name": "b.txt", "mimeType": "text/plain", "buffer": b""})
    ann.get_by_role("button", name="Upload").click()
    expect(ann.get_by_text("The bucket refused the file.", exact=True)).to_be_visible()
