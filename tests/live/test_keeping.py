"""What a patch leaves alone, and what a page shows when somebody comes back to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.live.servers import Server, wait_until
from tests.live.starting import wait_for_client


@pytest.fixture
def server(servers) -> Server:
    return servers.start("tests.live.apps.keeping:app", ready="widgets")


@pytest.fixture
def open_part(server, page) -> Callable[[str], Page]:
    def open_part(name: str) -> Page:
        page.goto(f"{server.url}{name}")
        return page

    return open_part


def send(page: Page, button: str, count: int) -> None:
    # By a script: a modal dialog is in front of it.
    page.evaluate("(id) => document.getElementById(id).click()", button)
    expect(page.locator("#count")).to_have_text(str(count))


# Widgets.


def test_widget_is_kept_where_page_and_patch_say_so(open_part):
    page = open_part("widgets")

    send(page, "patch", 1)

    assert page.inner_html("#kept") == "<canvas></canvas>"
    assert page.inner_html("#bare") == ""
    assert page.inner_html("#once") == ""


def test_replacing_an_element_replaces_its_widgets(open_part):
    page = open_part("widgets")

    send(page, "replace", 2)

    assert page.inner_html("#kept") == ""


# Dialogs.


def dialog(page: Page, name: str) -> tuple[bool, bool]:
    """Whether a dialog is visible, and whether it makes the rest of the page inert."""
    visible, modal = page.eval_on_selector(f"#{name}", "(el) => [el.checkVisibility(), el.matches(':modal')]")
    return visible, modal


def test_dialog_that_loses_its_attribute_hides_and_keeps_the_page_inert(open_part):
    page = open_part("dialogs")
    page.click("#open-bare")
    assert dialog(page, "bare") == (True, True)

    send(page, "patch", 1)
    page.keyboard.press("Escape")

    assert dialog(page, "bare") == (False, True)


def test_dialog_that_keeps_its_attribute_stays_open_with_new_content(open_part):
    page = open_part("dialogs")
    page.click("#open-kept")

    send(page, "patch", 1)

    assert dialog(page, "kept") == (True, True)
    assert page.inner_text("#kept") == "1"


def test_dialog_of_a_signal_is_opened_and_closed_by_either_side(open_part):
    page = open_part("dialogs")
    page.click("#open-shown")
    expect(page.locator("#shown")).to_be_visible()
    send(page, "patch", 1)
    assert dialog(page, "shown") == (True, True)

    page.evaluate("document.getElementById('finish').click()")
    expect(page.locator("#shown")).to_be_hidden()
    page.click("#outside")
    expect(page.locator("#clicked")).to_have_text("yes")

    page.click("#open-shown")
    page.keyboard.press("Escape")
    expect(page.locator("#shown")).to_be_hidden()
    page.click("#open-shown")
    expect(page.locator("#shown")).to_be_visible()


# Signals.


def values(page: Page) -> dict[str, str]:
    return {name: page.input_value(f"#{name}") for name in ("same", "other", "missing")}


def test_signals_of_a_fragment_are_set_when_their_text_changes(open_part):
    page = open_part("signals")
    for name in values(page):
        page.fill(f"#{name}", "typed")

    send(page, "patch", 1)

    assert values(page) == {"same": "typed", "other": "rendered 1", "missing": "typed"}


def test_signals_of_a_fragment_are_set_when_it_is_replaced(open_part):
    page = open_part("signals")
    for name in values(page):
        page.fill(f"#{name}", "typed")

    send(page, "replace", 2)

    assert values(page) == {"same": "rendered", "other": "rendered 2", "missing": "typed"}


def test_signal_that_the_page_reads_is_not_missing(open_part):
    page = open_part("signals")

    page.click("#if-missing")

    expect(page.locator("#all")).to_contain_text('"fresh": "set"')
    assert '"read": ""' in page.inner_text("#all")
    assert '"declared": "here"' in page.inner_text("#all")


# History.


def test_back_changes_the_address_and_not_the_page(server, page):
    page.goto(f"{server.url}bare/1")
    page.click("#turn")
    page.wait_for_url("**/bare/2")

    page.evaluate("history.back()")

    page.wait_for_url("**/bare/1")
    assert page.inner_text("#number") == "2"


def test_back_and_forward_show_the_page_of_the_address_where_it_reloads(server, page):
    page.goto(f"{server.url}reloading/1")
    page.click("#turn")
    page.wait_for_url("**/reloading/2")
    expect(page.locator("#number")).to_have_text("2")

    page.evaluate("history.back()")
    expect(page.locator("#number")).to_have_text("1")
    wait_for_client(page)
    page.evaluate("history.forward()")
    expect(page.locator("#number")).to_have_text("2")
    assert page.url.endswith("/reloading/2")


def test_link_to_an_anchor_reloads_nothing(server, page):
    page.goto(f"{server.url}reloading/1")
    page.evaluate("window.stillHere = true")
    page.evaluate("addEventListener('popstate', () => { window.hasMoved = true })")

    page.click("#anchor")

    page.wait_for_function("window.hasMoved")
    page.click("#turn")
    expect(page.locator("#number")).to_have_text("2")
    assert page.evaluate("window.stillHere") is True


# The back-forward cache.


def stats(page: Page, server: Server) -> dict[str, Any]:
    return page.request.get(f"{server.url}state").json()


def wait_for_streams(page: Page, server: Server, count: int) -> None:
    """Wait until so many streams are open."""
    wait_until(lambda: stats(page, server)["open"] == count, f"{count} streams")


def go_back(page: Page) -> None:
    """Go back, and check that the page comes from the cache."""
    page.evaluate("history.back()")
    page.wait_for_function("window.wasKept === true")


def test_stream_of_a_page_that_was_left_is_closed_and_opens_again(server, caching_page):
    caching_page.goto(f"{server.url}stream/usual")
    expect(caching_page.locator("#turn")).to_have_text("turn 0")

    caching_page.goto(f"{server.url}stream/none")
    wait_for_streams(caching_page, server, 0)

    go_back(caching_page)
    wait_for_streams(caching_page, server, 1)


def test_stream_that_stays_open_when_hidden_stays_with_a_page_that_was_left(server, caching_page):
    caching_page.goto(f"{server.url}stream/hidden")
    expect(caching_page.locator("#turn")).to_have_text("turn 0")

    caching_page.goto(f"{server.url}stream/none")
    for _ in range(3):
        caching_page.request.post(f"{server.url}publish")
        # Changes that come faster than the stream's function runs are one turn.
        caching_page.wait_for_timeout(300)
    wait_for_streams(caching_page, server, 1)

    go_back(caching_page)
    # What was sent meanwhile is shown then.
    expect(caching_page.locator("#turn")).to_have_text("turn 3")


def test_next_page_of_the_tab_with_a_stream_ends_it(server, caching_page):
    caching_page.goto(f"{server.url}stream/hidden")
    expect(caching_page.locator("#turn")).to_have_text("turn 0")

    caching_page.goto(f"{server.url}stream/usual")
    expect(caching_page.locator("#turn")).to_have_text("turn 0")
    wait_for_streams(caching_page, server, 1)
    before = stats(caching_page, server)["opened"]

    go_back(caching_page)
    wait_until(lambda: stats(caching_page, server)["opened"] > before, "a stream for the page that is back")
    caching_page.request.post(f"{server.url}publish")
    expect(caching_page.locator("#turn")).to_have_text("turn 1")
