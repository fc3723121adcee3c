"""The client shows nothing of a failed request; the element in the example's layout does."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect


@pytest.fixture
def failing_page(servers, page) -> Page:
    page.goto(f"{servers.start('tests.live.apps.failing:app').url}failing")
    return page


@pytest.mark.parametrize(("button", "status"), [("403", 403), ("404", 404), ("500", 500), ("missing parameter", 400)])
def test_error_status_is_shown_and_can_be_dismissed(failing_page, noise, button, status):
    noise.expect_in_browser(f"status of {status}")
    alert = failing_page.get_by_role("alert")
    expect(alert.get_by_role("button")).to_be_hidden()
    failing_page.get_by_role("button", name=button).click()

    expect(alert).to_contain_text(f"(status {status}).")
    alert.get_by_role("button", name="Dismiss").click()
    expect(alert.get_by_role("button")).to_be_hidden()


@pytest.mark.parametrize("status", [502, 503, 504])
def test_status_that_leaves_open_what_was_done_is_not_called_a_failure(failing_page, noise, status):
    """A proxy without a response, or a repeat whose click nobody knows the end of."""
    noise.expect_in_browser(f"status of {status}")
    failing_page.route("**/ds/**", lambda route: route.fulfill(status=status))
    failing_page.get_by_role("button", name="500").click()

    expect(failing_page.get_by_role("alert")).to_contain_text(f"this may be done or not (status {status}).")


def test_crash_is_shown_until_the_next_action(failing_page, noise):
    noise.expect_in_browser("status of 500")
    noise.expect_in_log("RuntimeError: crashed on purpose")
    alert = failing_page.get_by_role("alert")
    failing_page.get_by_role("button", name="crash").click()
    expect(alert).to_contain_text("The server could not do this (status 500).")

    failing_page.get_by_role("button", name="work with retries").click()

    expect(failing_page.locator("#worked")).to_have_text("worked")
    expect(alert.get_by_role("button")).to_be_hidden()


def test_unreachable_server_is_shown(failing_page, noise):
    noise.expect_in_browser("ERR_CONNECTION_REFUSED|Failed to fetch")
    noise.expect_in_browser("FetchFailed")
    failing_page.route("**/succeed*", lambda route: route.abort("connectionrefused"))
    failing_page.get_by_role("button", name="work without retries").click()

    expect(failing_page.get_by_role("alert")).to_contain_text("cannot be reached")


def test_interruption_is_shown_until_the_server_is_back(failing_page, noise):
    noise.expect_in_browser("ERR_CONNECTION_REFUSED|Failed to fetch|failed to reach")
    alert = failing_page.get_by_role("alert")
    failing_page.route("**/succeed*", lambda route: route.abort("connectionrefused"))
    failing_page.get_by_role("button", name="work with retries").click()
    expect(alert).to_contain_text("trying again")

    failing_page.unroute("**/succeed*")

    expect(failing_page.locator("#worked")).to_have_text("worked")
    expect(alert.get_by_role("button")).to_be_hidden()
