"""The cookbook's recipes for lists, as a person uses them."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.live.recipes import check_page

#: The stream of a live page: its own URL, with the signals of a Datastar request.
STREAM = re.compile(r"/cookbook/\w+\?(.*&)?datastar=")


def test_text_is_edited_in_its_place_while_others_edit_theirs(example, ann, bob):
    for page in (ann, bob):
        with page.expect_response(STREAM):
            page.goto(f"{example.url}cookbook/inline_edit")
    bread = ann.get_by_role("button", name="Edit: Buy bread")
    bread.press("Enter")
    expect(ann.get_by_role("textbox", name="Title")).to_be_focused()
    expect(ann.get_by_role("textbox", name="Title")).to_have_value("Buy bread")
    ann.keyboard.type(" & butt")
    check_page(ann)

    bob.get_by_role("button", name="Edit: Call the bank").click()
    bob.get_by_role("textbox", name="Title").fill("<b>Call</b> 'Ann'")
    bob.get_by_role("button", name="Save").click()
    expect(ann.locator("#tasks button")).to_contain_text(["<b>Call</b> 'Ann'"])
    # The list was patched around the field.
    expect(ann.get_by_role("textbox", name="Title")).to_be_focused()
    ann.keyboard.type("er")
    ann.keyboard.press("Enter")
    expect(bob.get_by_role("button", name="Edit: Buy bread & butter")).to_be_visible()
    expect(ann.get_by_role("button", name="Edit: Buy bread & butter")).to_be_focused()

    ann.keyboard.press("Enter")
    ann.keyboard.type("?")
    ann.keyboard.press("Escape")
    expect(ann.get_by_role("textbox", name="Title")).to_have_count(0)
    expect(ann.get_by_role("button", name="Edit: Buy bread & butter")).to_be_focused()


def test_dishes_are_dragged_and_moved_by_keys(example, ann, bob):
    for page in (ann, bob):
        with page.expect_response(STREAM):
            page.goto(f"{example.url}cookbook/drag")
    dishes = bob.locator("#menu li > span")
    expect(dishes).to_have_text(["Soup", "Salad", "Pasta", "Curry", "Cake"])

    ann.locator("#dish-Cake").drag_to(ann.locator("#dish-Salad"))
    expect(dishes).to_have_text(["Soup", "Cake", "Salad", "Pasta", "Curry"])
    check_page(ann)
    for _ in range(2):
        ann.get_by_role("button", name="Move up: Pasta").press("Enter")
    expect(dishes).to_have_text(["Soup", "Pasta", "Cake", "Salad", "Curry"])
    expect(ann.get_by_role("button", name="Move up: Pasta")).to_be_focused()


def test_next_rows_come_at_the_end_of_the_list(example, ann):
    ann.goto(f"{example.url}cookbook/scroll")
    rows = ann.locator("#cities > li")
    show_end = "document.getElementById('more').scrollIntoView()"
    ann.evaluate(show_end)
    expect(ann.locator("#city-31")).to_be_attached()
    check_page(ann)
    while (before := rows.count()) < 216:
        ann.evaluate(show_end)
        expect(rows).not_to_have_count(before)
    expect(ann.locator("#more")).to_have_text("These are all.")
    assert rows.evaluate_all("rows => new Set(rows.map((row) => row.id)).size") == 216


def test_pages_are_turned_and_turned_back(example, ann):
    ann.goto(f"{example.url}cookbook/pagination")
    ann.evaluate("window.isSame = true")
    number, first = ann.get_by_role("navigation", name="Pages"), ann.locator("#rows li").first
    capital = first.inner_text()
    number.get_by_role("link", name="3", exact=True).press("Enter")
    expect(ann.get_by_role("status").filter(has_text="Page 3 of 9")).to_be_visible()
    expect(number.get_by_role("link", name="3", exact=True)).to_be_focused()
    assert ann.url.endswith("/cookbook/pagination?page=3")
    assert ann.evaluate("window.isSame")
    check_page(ann)

    ann.go_back()
    expect(first).to_have_text(capital, use_inner_text=True)


def test_back_and_forward_show_what_was_chosen(example, ann):
    ann.goto(f"{example.url}cookbook/history")
    country, cities = ann.get_by_label("Country"), ann.locator("#cities b")
    expect(country).to_have_value("Brazil")
    country.select_option("Germany")
    expect(cities.first).to_have_text("Berlin")
    ann.get_by_label("Sort by").select_option("Population")
    # A choice that is on its way gives way to the next one.
    expect(ann).to_have_url(re.compile("sort=population"))
    country.select_option("Poland")
    expect(cities.first).to_have_text("Warsaw")
    check_page(ann)

    ann.go_back()
    expect(cities.first).to_have_text("Berlin")
    expect(country).to_have_value("Germany")
    expect(ann.get_by_label("Sort by")).to_have_value("population")
    ann.go_forward()
    expect(cities.first).to_have_text("Warsaw")
    expect(country).to_have_value("Poland")
