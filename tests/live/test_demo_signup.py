"""Signing up: messages come and go while one types; who is signed in has an account, others are sent to sign in."""

from __future__ import annotations

import itertools
import json
import re
import time
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import quote

import pytest
from playwright.sync_api import APIResponse, Error, Page, Request, Route, expect

from tests.live.servers import Server, wait_until

PASSWORD = "correct horse battery"
addresses = (f"person{number}@example.org" for number in itertools.count())


def wait_for_client(page: Page) -> None:
    """Wait until the client has started: it is what gives inputs this attribute."""
    expect(page.locator("input[aria-invalid]").first).to_be_visible()


def goto(page: Page, url: str) -> None:
    page.goto(url)
    wait_for_client(page)


def message(page: Page, name: str) -> object:
    return page.locator(f"#{name}-problem")


def fill(page: Page, **values: str) -> None:
    for name, value in values.items():
        page.locator(f"#{name}").fill(value)


def sign_up(page: Page, server: Server, name: str = "Ada") -> str:
    email = next(addresses)
    goto(page, f"{server.url}signup")
    fill(page, name=name, email=email, password=PASSWORD, again=PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    page.wait_for_url("**/account")
    wait_for_client(page)
    expect(page.locator("#profile")).to_contain_text(f"Signed in as {name}, {email}.")
    return email


def sign_out(page: Page, server: Server) -> None:
    goto(page, f"{server.url}account")
    page.locator("#sign-out").click()
    page.wait_for_url("**/login")
    wait_for_client(page)


@pytest.fixture
def signup(example, page) -> Page:
    goto(page, f"{example.url}signup")
    return page


def test_messages_come_and_go_while_one_types(signup):
    for name in ("name", "email", "password", "again"):
        expect(message(signup, name)).to_have_text("")

    fill(signup, email="ada@")
    expect(message(signup, "email")).to_have_text("This is not an e-mail address.")
    expect(signup.locator("#email")).to_have_attribute("aria-invalid", "true")
    # Nobody is blamed for what is still to be filled in.
    for name in ("name", "password", "again"):
        expect(message(signup, name)).to_have_text("")

    fill(signup, email="ada@example.com")
    expect(message(signup, "email")).to_have_text("")
    expect(signup.locator("#email")).to_have_attribute("aria-invalid", "false")

    fill(signup, password="short", again="other")
    expect(message(signup, "password")).to_have_text("Use 10 characters or more.")
    expect(message(signup, "again")).to_have_text("The passwords differ.")
    fill(signup, password=PASSWORD, again=PASSWORD)
    expect(message(signup, "password")).to_have_text("")
    expect(message(signup, "again")).to_have_text("")


def test_one_question_is_asked_when_somebody_types_quickly(signup):
    asked: list[Request] = []
    signup.on("request", lambda request: asked.append(request))

    with signup.expect_response(lambda response: "/signup/check" in response.url):
        # As quickly as nobody types, because a busy machine makes pauses between keys.
        signup.locator("#name").evaluate(
            """(input) => {
              for (const key of 'Augusta Ada!') {
                input.value += key
                input.dispatchEvent(new InputEvent('input', {bubbles: true, data: key}))
              }
            }"""
        )

    assert [json.loads(request.post_data or "")["name"] for request in asked] == ["Augusta Ada!"]


def test_an_incomplete_form_says_all_at_once_and_keeps_what_was_typed(signup):
    # What is checked while one types is answered: of two answers on their way, the later one counts.
    with signup.expect_response("**/signup/check*"):
        fill(signup, email="nobody")
    signup.get_by_role("button", name="Sign up").click()

    expect(message(signup, "name")).to_have_text("What shall we call you?")
    expect(message(signup, "email")).to_have_text("This is not an e-mail address.")
    expect(message(signup, "password")).to_have_text("Use 10 characters or more.")
    expect(signup.locator("#email")).to_have_value("nobody")
    assert signup.url.endswith("/signup")


@pytest.mark.parametrize("is_corrected", [False, True], ids=["as it was checked", "corrected meanwhile"])
def test_late_check_replaces_no_message_of_the_form(signup: Page, is_corrected: bool) -> None:
    held: list[tuple[Route, APIResponse]] = []
    signup.route("**/signup/check*", lambda route: held.append((route, route.fetch())))
    fill(signup, email="nobody", password="short")
    wait_until(lambda: signup.wait_for_timeout(20) or len(held) == 1, "a check")
    if is_corrected:
        fill(signup, email="ada@example.com")
        wait_until(lambda: signup.wait_for_timeout(20) or len(held) == 2, "a second check")

    signup.get_by_role("button", name="Sign up").click()
    expect(message(signup, "name")).to_have_text("What shall we call you?")
    for route, response in held:
        # The client may have cancelled it.
        with suppress(Error):
            route.fulfill(response=response)
    signup.wait_for_timeout(500)

    expect(message(signup, "name")).to_have_text("What shall we call you?")
    expect(message(signup, "password")).to_have_text("Use 10 characters or more.")
    expect(message(signup, "email")).to_have_text("" if is_corrected else "This is not an e-mail address.")
    # The next check works as before.
    signup.unroute("**/signup/check*")
    fill(signup, name="Ada")
    expect(message(signup, "name")).to_have_text("")


def test_enter_soon_after_the_last_key_leaves_no_check_behind(example: Server, open_page: Callable[..., Page]) -> None:
    # A clock that is held once is held in all later pages, too.
    signup = open_page()
    goto(signup, f"{example.url}signup")
    asked: list[str] = []
    signup.on("request", lambda request: asked.append(request.url.rpartition("/")[2].partition("?")[0]))
    signup.clock.install()
    signup.clock.pause_at(time.time() + 3600)
    signup.locator("#email").press_sequentially("nobody")
    signup.keyboard.press("Enter")
    expect(message(signup, "name")).to_have_text("What shall we call you?")
    expect(message(signup, "email")).to_have_text("This is not an e-mail address.")

    signup.clock.run_for(1000)
    fill(signup, name="Ada")
    signup.clock.run_for(1000)

    expect(message(signup, "name")).to_have_text("")
    # Only what was typed since then is checked.
    assert asked == ["register", "check"]


def test_who_signs_up_is_signed_in(example, page):
    email = sign_up(page, example, "<b>Ada</b> & 'Co'")

    # Signed in already: there is nothing to sign up for.
    page.goto(f"{example.url}signup")
    page.wait_for_url("**/account")
    sign_out(page, example)
    expect(page.locator(".flash")).to_have_text("You are signed out.")

    goto(page, f"{example.url}signup")
    fill(page, email=email)
    expect(message(page, "email")).to_have_text("This address has an account already.")


def test_the_account_needs_signing_in_and_the_way_leads_back(example, page):
    email = sign_up(page, example)
    sign_out(page, example)

    page.goto(f"{example.url}account")
    page.wait_for_url(re.compile(r"/login\?next=%2Faccount"))
    expect(page.locator(".flash")).to_have_text("Please log in to access this page.")
    wait_for_client(page)
    fill(page, email=email, password="wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(message(page, "login")).to_have_text("There is no account with this address and password.")

    fill(page, password=PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/account")
    expect(page.locator("#profile")).to_contain_text("Signed in as Ada")


@pytest.mark.parametrize("elsewhere", ["//elsewhere.invalid", "/\\elsewhere.invalid", "/\t/elsewhere.invalid"])
def test_signing_in_never_leads_to_another_site(example, page, elsewhere):
    email = sign_up(page, example)
    sign_out(page, example)

    goto(page, f"{example.url}login?next={quote(elsewhere, safe='')}")
    fill(page, email=email, password=PASSWORD)
    page.get_by_role("button", name="Sign in").click()

    page.wait_for_url(f"{example.url}account")


def test_a_handler_that_needs_signing_in_sends_to_the_page_that_asks(example, open_page: Callable[..., Page]):
    page = open_page()
    sign_up(page, example)
    goto(page, f"{example.url}account")
    other = page.context.new_page()
    sign_out(other, example)

    page.get_by_role("button", name="Save").click()

    page.wait_for_url("**/login?**")


def test_typed_signals_have_messages_beside_their_inputs(example, page):
    sign_up(page, example)

    fill(page, name="  ", birthday="yesterday")
    page.get_by_role("button", name="Save").click()
    expect(message(page, "birthday")).to_have_text("expected a date such as 2026-11-21, got 'yesterday'")
    fill(page, birthday="1815-12-10")
    page.get_by_role("button", name="Save").click()
    expect(message(page, "birthday")).to_have_text("")
    expect(message(page, "name")).to_have_text("What shall we call you?")

    fill(page, name="Augusta")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#profile")).to_contain_text("Signed in as Augusta")
    expect(page.locator("#profile")).to_contain_text("born on 1815-12-10.")
    expect(message(page, "name")).to_have_text("")
    page.reload()
    expect(page.locator("#birthday")).to_have_value("1815-12-10")


def test_a_password_is_never_in_a_url(example, page):
    urls: list[str] = []
    page.on("request", lambda request: urls.append(request.url))

    sign_up(page, example)

    assert any("/signup/check" in url or "/signup/register" in url for url in urls)
    assert not [url for url in urls if "horse" in url]
