"""Sign-in in a browser: who is not signed in is sent to the login page, and from there back to the page."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.live.servers import Server

LIVE = "live for ada"


@pytest.fixture
def server(servers) -> Server:
    # When a worker stops its pages come back within this time. Those of one person do not take so long.
    return servers.start("tests.live.apps.sign_in:app", ready="login", EXTRA_DATASTAR_RESTART_SPREAD_SECONDS="86400")


def sign_in(page: Page, server: Server, path: str) -> None:
    page.goto(server.url + path)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**/{path}")
    wait_for_client(page)


def wait_for_client(page: Page) -> None:
    """Wait until a click reaches somebody."""
    expect(page.locator("#ready")).to_have_text("ready")


def wait_for_stream(page: Page) -> None:
    expect(page.locator("#live")).to_have_text(LIVE)


def expect_login_page(page: Page, leading_to: str) -> None:
    expect(page).to_have_url(re.compile(rf"/login\?next={leading_to}$"))


def test_signing_out_sends_the_other_tabs_to_the_login_page(server, page):
    other = page.context.new_page()
    sign_in(page, server, "board")
    wait_for_stream(page)
    other.goto(f"{server.url}board?list=2")
    wait_for_stream(other)

    page.click("#sign-out")

    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    # By its stream, which comes back: nobody touches that tab. Spread like a stop's, it would come hours later.
    expect_login_page(other, "%2Fboard%3Flist%3D2")
    other.get_by_role("button", name="Sign in").click()
    expect(other).to_have_url(re.compile(r"/board\?list=2$"))
    wait_for_stream(other)


def test_action_after_signing_out_elsewhere_leads_to_the_login_page_and_back(server, page):
    sign_in(page, server, "quiet")
    page.click("#increment")
    expect(page.locator("#count")).to_have_text("1")
    other = page.context.new_page()
    other.goto(f"{server.url}quiet")
    wait_for_client(other)
    other.click("#sign-out")
    expect(other.get_by_role("heading", name="Sign in")).to_be_visible()

    page.click("#increment")

    expect_login_page(page, "%2Fquiet")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Quiet board of ada")).to_be_visible()


def test_signing_out_leaves_other_people_alone(server, open_page):
    ada, bob = open_page(), open_page()
    sign_in(ada, server, "board")
    wait_for_stream(ada)
    bob.goto(f"{server.url}board")
    bob.get_by_role("textbox").fill("bob")
    bob.get_by_role("button", name="Sign in").click()
    expect(bob.locator("#live")).to_have_text("live for bob")

    ada.click("#sign-out")
    expect(ada.get_by_role("heading", name="Sign in")).to_be_visible()

    bob.click("#increment")
    expect(bob.locator("#count")).to_have_text("1")
    expect(bob.locator("#live")).to_have_text("live for bob")
