"""All pages of the example, in all their states: readable on a telephone, accessible, in light and in dark."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, expect

from tests.live.board import STREAM
from tests.live.recipes import NARROW, WIDE, expect_accessible, load_axe
from tests.live.servers import Server


def open_index(page: Page, url: str) -> None:
    page.goto(url)


def open_index_with_flash(page: Page, url: str) -> None:
    page.goto(f"{url}counter")
    page.click("#finish")
    page.wait_for_url(url)
    expect(page.locator(".flash")).to_be_visible()


def open_counter(page: Page, url: str) -> None:
    page.goto(f"{url}counter")
    page.click("#increment")
    expect(page.locator("#history > li")).to_have_count(1)


def open_search(page: Page, url: str) -> None:
    page.goto(f"{url}search")


def open_search_without_results(page: Page, url: str) -> None:
    page.goto(f"{url}search")
    page.get_by_label("City or country").fill("a_very_long_word_that_nothing_matches" * 4)
    expect(page.locator("#no-results")).to_be_visible()


def open_import(page: Page, url: str) -> None:
    page.goto(f"{url}import")


def open_import_with_outcome(page: Page, url: str) -> None:
    page.goto(f"{url}import")
    content = f"date,shop,amount\n2026-01-01,{'x' * 200},1\n2026-01-01,x,{'9' * 200}\n"
    file = {"name": "own.csv", "mimeType": "text/csv", "buffer": content.encode()}
    page.get_by_label("CSV file").set_input_files(file)
    page.get_by_role("button", name="Import").click()
    expect(page.locator("#totals table")).to_be_visible()


def open_todo(page: Page, url: str) -> None:
    page.goto(f"{url}todo")


def open_todo_with_entries(page: Page, url: str) -> None:
    page.goto(f"{url}todo")
    for text in ("a_long_word" * 9, "short"):
        page.get_by_label("New entry").fill(text)
        page.get_by_role("button", name="Add").click()
        expect(page.get_by_label("New entry")).to_have_value("")
    page.get_by_role("checkbox", name="short").check()
    expect(page.locator("#left")).to_have_text("1 of 2 left to do")
    page.get_by_role("button", name="Rename: short").click()
    expect(page.get_by_label("Change the entry")).to_be_focused()


def open_board_without_name(page: Page, url: str) -> None:
    page.goto(f"{url}board")


def open_board(page: Page, url: str) -> None:
    page.goto(f"{url}board")
    page.get_by_label("Your name").fill("N" * 30)
    # The stream is asked for when the client has started: a click before that reaches nobody.
    with page.expect_request(STREAM):
        page.get_by_role("button", name="Join").click()
    for text in ("a_long_word" * 15, "short"):
        page.get_by_label("New card").fill(text)
        page.get_by_role("button", name="Add").click()
        # The board keeps what earlier tests added. And the answer empties the field, whatever is typed until then.
        expect(page.get_by_label("New card")).to_have_value("")
    new = page.locator("#column-0").get_by_role("button", name="Move on: short")
    new.click()
    expect(new).to_have_count(0)
    page.locator("#column-1").get_by_role("button", name="Edit: short").first.click()
    expect(page.get_by_label("Change the card")).to_be_focused()


def open_million(page: Page, url: str) -> None:
    page.goto(f"{url}million")
    expect(page.get_by_role("checkbox", name="1000", exact=True)).to_be_attached()


def open_dashboard(page: Page, url: str) -> None:
    page.goto(f"{url}dashboard")
    expect(page.locator("#chart rect")).to_have_count(3)


def open_clock(page: Page, url: str) -> None:
    page.goto(f"{url}clock")


def open_signup(page: Page, url: str) -> None:
    page.goto(f"{url}signup")
    expect(page.locator("#email")).to_have_attribute("aria-invalid", "false")


def open_signup_with_messages(page: Page, url: str) -> None:
    open_signup(page, url)
    page.get_by_label("E-mail").fill("a_very_long_word_that_is_no_address" * 4)
    page.get_by_role("button", name="Sign up").click()
    expect(page.locator("#password-problem")).to_have_text("Use 10 characters or more.")


def open_login_with_message(page: Page, url: str) -> None:
    page.goto(f"{url}account")
    expect(page.get_by_label("E-mail")).to_have_attribute("aria-invalid", "false")
    for label in ("E-mail", "Password"):
        page.get_by_label(label).fill("nobody's")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#login-problem")).to_contain_text("There is no account")


def open_account_with_message(page: Page, url: str) -> None:
    open_signup(page, url)
    page.get_by_label("Name").fill("N" * 30)
    page.get_by_label("E-mail").fill(f"{'long' * 20}{next(numbers)}@example.com")
    for label in ("Password", "The password again"):
        page.get_by_label(label, exact=True).fill("correct horse battery")
    page.get_by_role("button", name="Sign up").click()
    page.wait_for_url("**/account")
    expect(page.locator("#birthday")).to_have_attribute("aria-invalid", "false")
    page.get_by_label("Birthday").fill("b" * 90)
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#birthday-problem")).to_contain_text("expected a date")


def open_error(page: Page, url: str) -> None:
    page.goto(f"{url}counter")
    page.evaluate(
        """document.dispatchEvent(new CustomEvent('datastar-fetch',
             {detail: {type: 'error', el: document.body, argsRaw: {status: '500'}}}))"""
    )
    expect(page.get_by_role("alert")).to_contain_text("(status 500).")


@contextmanager
def dark(page: Page) -> Iterator[None]:
    """Show a page to somebody whose system is set to dark."""
    page.emulate_media(color_scheme="dark")
    try:
        yield
    finally:
        page.emulate_media(color_scheme="light")


# Each account has an address of its own.
numbers = itertools.count()

STATES = [
    open_index,
    open_index_with_flash,
    open_counter,
    open_search,
    open_search_without_results,
    open_import,
    open_import_with_outcome,
    open_todo,
    open_todo_with_entries,
    open_board_without_name,
    open_board,
    open_million,
    open_dashboard,
    open_clock,
    open_signup,
    open_signup_with_messages,
    open_login_with_message,
    open_account_with_message,
    open_error,
]


@pytest.mark.parametrize("open_state", STATES, ids=lambda state: state.__name__.removeprefix("open_"))
def test_page_fits_a_telephone_and_is_accessible_in_light_and_in_dark(
    example: Server, ann: Page, open_state: Callable[[Page, str], None]
) -> None:
    # What is done to come to a state is done at the width at which it is hardest.
    ann.set_viewport_size(NARROW)
    open_state(ann, example.url)
    widths = ann.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert widths == [360, 360]

    ann.set_viewport_size(WIDE)
    load_axe(ann)
    expect_accessible(ann, "light")
    with dark(ann):
        expect_accessible(ann, "dark")


def test_dark_scheme_is_dark(example: Server, ann: Page) -> None:
    def lightness() -> int:
        color = ann.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(int(part) for part in color.removeprefix("rgb(").removesuffix(")").split(","))

    ann.goto(example.url)
    assert lightness() > 700
    with dark(ann):
        assert lightness() < 100
