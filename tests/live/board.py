"""What visitors of the shared board do."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

#: The board's stream: the page's own URL, with the signals of a Datastar request.
STREAM = re.compile(r"/board\?(.*&)?datastar=")


def join_board(page: Page, url: str, name: str) -> Page:
    """Open the board of a server as a visitor of that name."""
    page.goto(f"{url}board")
    page.get_by_label("Your name").fill(name)
    # The stream is asked for when the client has started: a click before that reaches nobody.
    with page.expect_request(STREAM):
        page.get_by_role("button", name="Join").click()
    expect(page.get_by_text(f"You are {name}")).to_be_visible()
    # Its own name is there as soon as its stream is.
    expect(page.locator("#people")).to_contain_text(name)
    return page


def add(page: Page, text: str) -> None:
    page.get_by_label("New card").fill(text)
    page.get_by_role("button", name="Add").click()
    # It is saved: what another visitor adds from here on comes after it.
    expect(page.get_by_label("New card")).to_have_value("")


def delete(page: Page, text: str) -> None:
    """Delete a card, and confirm it."""
    page.get_by_role("button", name=f"Delete: {text}").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()


def cards(page: Page, column: str) -> Locator:
    return page.get_by_role("region", name=column).get_by_role("listitem").locator("p:first-child")
