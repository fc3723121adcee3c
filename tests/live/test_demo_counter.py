"""The counter, used as a person would: every click changes a signal, an element, the title and the console."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect


@pytest.fixture
def counter(example, page) -> Page:
    page.goto(example.url)
    page.get_by_role("main").get_by_role("link", name="Counter").click()
    page.wait_for_url("**/counter")
    return page


def test_clicks_change_count_and_history(counter):
    expect(counter.locator("#count")).to_have_text("0")
    expect(counter.locator("#history > li")).to_have_count(0)

    counter.click("#increment")
    expect(counter.locator("#count")).to_have_text("1")
    counter.click("#increment")
    expect(counter.locator("#count")).to_have_text("2")
    counter.click("#decrement")
    expect(counter.locator("#count")).to_have_text("1")

    expect(counter.locator("#history > li")).to_have_text(["2 → 1", "1 → 2", "0 → 1"])


def test_one_click_runs_a_script_and_writes_to_the_console(counter):
    with counter.expect_console_message() as message:
        counter.click("#decrement")

    assert message.value.type == "log"
    assert message.value.args[0].json_value() == {"event": "count changed", "from": 0, "to": -1}
    expect(counter).to_have_title("Counter: -1")


def test_reset_empties_everything(counter):
    counter.click("#increment")
    expect(counter).to_have_title("Counter: 1")

    counter.click("#reset")

    expect(counter.locator("#count")).to_have_text("0")
    expect(counter.locator("#history > li")).to_have_count(0)
    expect(counter).to_have_title("Counter")


def test_finish_redirects_with_a_flashed_message(counter, example):
    counter.click("#increment")
    expect(counter.locator("#count")).to_have_text("1")

    counter.click("#finish")

    counter.wait_for_url(example.url)
    expect(counter.get_by_text("You counted to 1.")).to_be_visible()
    counter.reload()
    expect(counter.get_by_text("You counted to 1.")).to_have_count(0)


def test_keyboard_alone_is_enough(counter):
    counter.keyboard.press("Tab")
    expect(counter.get_by_role("link", name="Skip to the content")).to_be_focused()
    counter.keyboard.press("Enter")
    counter.keyboard.press("Tab")
    expect(counter.locator("#decrement")).to_be_focused()
    counter.keyboard.press("Tab")
    counter.keyboard.press("Enter")
    expect(counter.locator("#count")).to_have_text("1")
    counter.keyboard.press("Space")

    expect(counter.locator("#count")).to_have_text("2")
