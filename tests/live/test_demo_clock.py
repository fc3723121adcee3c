"""The clock: it ticks while it is looked at, and its stream ends when it is left."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.live.noise import NOBODY_THERE


@pytest.fixture
def clock(example, page) -> Page:
    page.goto(f"{example.url}clock")
    expect(page.locator("#streams")).to_have_text("1")
    return page


def expect_ticks(page: Page) -> None:
    for _ in range(2):
        expect(page.locator("#time")).not_to_have_text(page.locator("#time").inner_text())


def test_clock_ticks(clock):
    expect_ticks(clock)


def test_stream_ends_with_its_page(example, clock):
    second = clock.context.new_page()
    second.goto(clock.url)
    expect(clock.locator("#streams")).to_have_text("2")

    second.goto(f"{example.url}counter")

    expect(clock.locator("#streams")).to_have_text("1")


def test_clock_goes_on_after_the_server_was_restarted(example, clock, noise):
    noise.accept_in_browser(NOBODY_THERE)

    example.restart()

    expect(clock.locator("#streams")).to_have_text("1")
    expect_ticks(clock)
    # What was said of the pause is gone.
    expect(clock.get_by_role("alert")).to_be_hidden()
