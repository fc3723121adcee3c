"""The to-do list: a view whose events send a block of its page, for each visitor alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect


@pytest.fixture
def todo(example, page) -> Page:
    page.goto(f"{example.url}todo")
    return page


def add(page: Page, *texts: str) -> None:
    for text in texts:
        page.get_by_label("New entry").fill(text)
        page.get_by_role("button", name="Add").click()
        expect(page.get_by_label("New entry")).to_have_value("")


def entries(page: Page) -> Locator:
    return page.locator("#items label")


def test_entries_are_added_checked_renamed_and_deleted(todo):
    expect(todo.locator("#left")).to_have_text("Nothing to do yet")

    add(todo, "Milk", "<b>Bread</b> & 'butter'; @get(x)\\")
    expect(entries(todo)).to_have_text(["Milk", "<b>Bread</b> & 'butter'; @get(x)\\"])
    expect(todo.locator("#left")).to_have_text("2 of 2 left to do")

    todo.get_by_role("checkbox", name="Milk").check()
    expect(todo.locator("#left")).to_have_text("1 of 2 left to do")
    todo.get_by_role("checkbox", name="Milk").uncheck()
    expect(todo.locator("#left")).to_have_text("2 of 2 left to do")

    todo.get_by_role("button", name="Rename: <b>Bread</b>").click()
    expect(todo.get_by_label("Change the entry")).to_be_focused()
    expect(todo.get_by_label("Change the entry")).to_have_value("<b>Bread</b> & 'butter'; @get(x)\\")
    todo.get_by_label("Change the entry").fill("Bread")
    todo.get_by_role("button", name="Save").click()
    expect(entries(todo)).to_have_text(["Milk", "Bread"])
    expect(todo.get_by_label("New entry")).to_have_value("")

    todo.get_by_role("button", name="Delete: Milk").click()
    expect(entries(todo)).to_have_text(["Bread"])
    expect(todo.locator("#left")).to_have_text("1 of 1 left to do")

    todo.reload()
    expect(entries(todo)).to_have_text(["Bread"])


def test_filter_holds_for_what_follows_and_over_a_reload(todo):
    add(todo, "Milk", "Bread")
    todo.get_by_role("checkbox", name="Milk").check()
    expect(todo.locator("#left")).to_have_text("1 of 2 left to do")

    todo.get_by_role("button", name="Open").click()
    expect(entries(todo)).to_have_text(["Bread"])
    expect(todo.get_by_role("button", name="Open")).to_have_attribute("aria-pressed", "true")
    # The next events answer by the same filter.
    add(todo, "Tea")
    expect(entries(todo)).to_have_text(["Bread", "Tea"])
    # It may be gone before anybody could see that it is ticked.
    todo.get_by_role("checkbox", name="Bread").click()
    expect(entries(todo)).to_have_text(["Tea"])

    todo.reload()
    expect(entries(todo)).to_have_text(["Tea"])
    todo.get_by_role("button", name="Done").click()
    expect(entries(todo)).to_have_text(["Milk", "Bread"])
    todo.get_by_role("button", name="All").click()
    expect(entries(todo)).to_have_text(["Milk", "Bread", "Tea"])


def test_what_is_typed_stays_while_the_list_changes(todo):
    add(todo, "Milk")
    todo.get_by_label("New entry").fill("half a sent")

    todo.get_by_role("checkbox", name="Milk").check()

    expect(todo.locator("#left")).to_have_text("0 of 1 left to do")
    expect(todo.get_by_label("New entry")).to_have_value("half a sent")
    expect(todo.get_by_role("checkbox", name="Milk")).to_be_focused()


def test_entry_deleted_while_it_is_renamed_ends_the_renaming(todo):
    add(todo, "Milk")
    todo.get_by_role("button", name="Rename: Milk").click()
    expect(todo.get_by_label("Change the entry")).to_be_focused()

    todo.get_by_role("button", name="Delete: Milk").click()

    expect(todo.get_by_label("New entry")).to_have_value("")
    expect(todo.locator("#left")).to_have_text("Nothing to do yet")


def test_each_visitor_has_a_list(example, open_page: Callable[..., Page]):
    ann, bob = open_page(), open_page()
    for page in (ann, bob):
        page.goto(f"{example.url}todo")
    add(ann, "Milk")
    expect(entries(ann)).to_have_text(["Milk"])
    (number,) = ann.locator("#items li").evaluate_all("items => items.map(item => item.id.split('-')[1])")

    # With the number of an entry of another visitor, as no page would send it.
    add(bob, "Bread")
    status = bob.evaluate(
        """number => fetch(`/ds/todo/delete?item=${number}`, {method: 'DELETE', headers: {'Datastar-Request': 'true'}})
             .then(response => response.status)""",
        number,
    )

    assert status == 200
    bob.reload()
    expect(entries(bob)).to_have_text(["Bread"])
    ann.reload()
    expect(entries(ann)).to_have_text(["Milk"])
