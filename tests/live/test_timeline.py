"""The timeline in a browser: whoever wonders why a click did nothing finds what went between the page and the app."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Locator, Page, expect

from tests.live.apps.timeline import create_app
from tests.live.servers import Server


@pytest.fixture
def server(servers: Any) -> Server:
    return servers.start("tests.live.apps.timeline:app", TIMELINE_SERVES="1")


@pytest.fixture
def opened(server: Server, page: Page) -> Page:
    """A page whose browser has a name, with its panel open."""
    page.goto(server.url)
    page.keyboard.press("Alt+Shift+D")
    expect(panel(page)).to_be_visible()
    return page


def panel(page: Page) -> Locator:
    return page.get_by_role("region", name="Timeline")


def entry(page: Page, text: str) -> Locator:
    """Return the newest entry with a text in its line."""
    return panel(page).locator("li", has=page.locator(".entry > summary", has_text=text)).first


def unfold(page: Page, text: str) -> Locator:
    found = entry(page, text)
    expect(found).to_be_visible()
    found.locator("> details > summary").click()
    return found


def copied(page: Page, text: str, how: str) -> str:
    found = entry(page, text)
    if found.locator("> details[open]").count() == 0:
        found.locator("> details > summary").click()
    found.get_by_role("button", name=f"Copy as {how}").click()
    area = found.get_by_label("The copied text")
    word = "curl" if how == "curl" else "def test_"
    expect(area).to_have_value(re.compile(word))
    return area.input_value()


def run_test(text: str, app: Flask) -> None:
    """Run a copied test as pytest would; in a thread, because an event loop runs in this one."""
    app.debug, app.testing = False, True
    names: dict[str, Any] = {}
    exec(compile(text, "<copied>", "exec"), names)
    (test,) = [value for name, value in names.items() if name.startswith("test_")]
    with ThreadPoolExecutor(1) as pool:
        pool.submit(test, app).result()


def test_what_a_click_did_is_found(opened: Page, server: Server, noise: Any) -> None:
    noise.expect_in_log("RuntimeError: crashed on purpose")
    noise.expect_in_browser(r"console: Traceback \(most recent call last\):[^$]*RuntimeError: crashed on purpose")
    noise.expect_in_browser("409")
    page = opened
    sent: list[Any] = []
    page.on("request", lambda request: sent.append(request.post_data_json) if request.method == "POST" else None)

    # An action: handler, source, parameters, signals, events, duration.
    page.click("#up")
    expect(page.locator("#answer")).to_have_text("Counted well")
    found = unfold(page, "cards.count_up")
    expect(found).to_contain_text("200 · 2 events")
    expect(found).to_contain_text("tests/live/apps/timeline.py:")
    expect(found.locator("h2", has_text="Parameters").locator("+ pre")).to_contain_text('"by": "2"')
    expect(found.locator("h2", has_text="Signals sent").locator("+ pre")).to_contain_text('"count": 0')
    event = found.locator(".events details", has_text="#answer")
    expect(event.locator("pre")).to_be_hidden()
    event.locator("summary").click()
    expect(event.locator("pre")).to_contain_text("elements: <p id='answer'>Counted <b>well</b></p>")
    # The page's own signals are what they were.
    assert set(sent[0]) == {"title", "count", "search", "tabId"} | ({"found"} & set(sent[0]))

    # An action that answers nothing, its query, and the region that its commit renders.
    page.fill("#title", "Tea")
    page.get_by_text("Add a card").click()
    expect(page.locator("#cards")).to_have_text("Tea")
    found = unfold(page, "cards.add")
    expect(found).to_contain_text("204")
    expect(found).to_contain_text("Events: none")
    expect(found.locator("h2", has_text="Queries").locator("+ pre")).to_contain_text("INSERT INTO card")
    rendering = entry(page, "card written")
    expect(rendering).to_contain_text("cards:cards()")
    expect(rendering).to_contain_text("1 viewer")
    stream = unfold(page, "open")
    expect(stream.locator("dt", has_text="Follows").locator("+ dd")).to_have_text("region cards:cards()")
    expect(stream.locator(".events")).to_contain_text("#cards")

    # What fails, and what is refused.
    page.click("#crash")
    page.get_by_role("button", name="Dismiss").click()
    found = unfold(page, "cards.crash")
    expect(found.locator(".bad").first).to_have_text("RuntimeError: crashed on purpose")
    expect(found.locator("h2", has_text="Error").locator("+ pre")).to_contain_text("in crash")
    page.click("#taken")
    expect(entry(page, "cards.taken").locator(".bad")).to_contain_text("with 409: Conflict The title is <taken>.")
    noise.expect_in_browser("403")
    page.evaluate("fetch('/ds/cards/add', {method: 'POST'})")
    expect(entry(page, "refused with 403")).to_contain_text("cards.add")

    # The ends of streams.
    page.reload()
    page.wait_for_function("window.clientHasStarted")
    expect(entry(page, "ended: left")).to_be_visible()


def test_the_panel_is_used(opened: Page, noise: Any, open_page: Callable[..., Page], server: Server) -> None:
    page = opened
    page.click("#up")
    expect(entry(page, "cards.count_up")).to_be_visible()

    # Filter.
    page.fill("#search", "tea")
    expect(page.locator("#found")).to_have_text("found tea")
    expect(entry(page, "cards.find")).to_be_visible()
    panel(page).get_by_label("Filter by any text").fill("found tea")
    expect(entry(page, "cards.find")).to_be_visible()
    expect(entry(page, "cards.count_up")).to_be_hidden()
    panel(page).get_by_label("Filter by any text").fill("")
    panel(page).get_by_label("Kinds").select_option("stream")
    expect(entry(page, "cards.find")).to_be_hidden()
    panel(page).get_by_label("Kinds").select_option("")

    # Another tab of the browser is here, and can be left out; another browser is not.
    other = page.context.new_page()
    other.goto(server.url)
    other.click("#up")
    expect(panel(page).locator(".entry > summary", has_text="cards.count_up")).to_have_count(2)
    panel(page).get_by_label("Tabs").select_option("own")
    expect(panel(page).locator(".entry > summary", has_text="cards.count_up").locator("visible=true")).to_have_count(1)
    other.close()
    stranger = open_page()
    stranger.goto(server.url)
    stranger.get_by_role("button", name="Timeline").click()
    expect(entry(stranger, "open")).to_be_visible()
    expect(panel(stranger)).not_to_contain_text("count_up")
    assert "datastar_timeline" not in stranger.evaluate("document.cookie")

    # Pause, and go on.
    panel(page).get_by_role("button", name="Pause").click()
    page.click("#renew")
    expect(page.locator("#answer")).to_have_text("")
    assert entry(page, "cards.renew").count() == 0
    panel(page).get_by_role("button", name="Pause").click()
    expect(entry(page, "cards.renew")).to_be_visible()
    # That patch was the whole document.
    expect(page.locator("#datastar-timeline")).to_have_count(1)
    panel(page).get_by_role("button", name="Clear").click()
    expect(panel(page).locator("li:not(:has-text('open'))")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(panel(page)).to_be_hidden()


def test_the_panel_is_used_above_a_modal_dialog(opened: Page, noise: Any) -> None:
    opened.locator("#ask").click()
    opened.locator("#sure").click()
    # It is open, and inert: the same key brings it up instead of closing it.
    opened.keyboard.press("Alt+Shift+D")
    panel(opened).get_by_label("Filter by any text").fill("count_up")
    expect(unfold(opened, "cards.count_up")).to_contain_text("count_up")
    opened.keyboard.press("Escape")
    expect(panel(opened)).to_be_hidden()
    expect(opened.locator("#sure")).to_be_visible()
    opened.locator("#sure").click()

    opened.keyboard.press("Alt+Shift+D")
    panel(opened).get_by_label("Filter by any text").fill("")
    expect(panel(opened).locator(".entry > summary", has_text="cards.count_up")).to_have_count(2)
    opened.evaluate("document.querySelector('#dialog').close()")
    opened.locator("#title").fill("Tea")
    expect(panel(opened)).to_be_visible()
    panel(opened).get_by_role("button", name="Close").click()
    expect(panel(opened)).to_be_hidden()


@pytest.mark.parametrize("width", [360, 1200])
def test_it_can_be_read_by_everybody(server: Server, open_page: Callable[..., Page], width: int) -> None:
    page = open_page(viewport={"width": width, "height": 700}, color_scheme="dark" if width == 360 else "light")
    page.goto(server.url)
    opener = page.get_by_role("button", name="Timeline")
    opener.focus()
    page.keyboard.press("Enter")
    page.click("#up")
    found = unfold(page, "cards.count_up")
    found.locator(".events summary").first.click()
    copied(page, "cards.count_up", "curl")

    report = Axe().run(page)

    assert report.violations_count == 0, report.generate_report()
    assert panel(page).evaluate("(el) => el.scrollWidth <= el.clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_copied_test_passes_and_fails_when_the_handler_is_broken(opened: Page) -> None:
    page = opened
    # A browser sends no form with an empty field, and the kit fails at it.
    page.click("#send")
    page.click("#post")
    # Twice, so that the count does not start where the page starts.
    page.click("#up")
    expect(entry(page, "cards.count_up")).to_be_visible()
    page.click("#up")
    page.fill("#title", "Tea & milk")
    page.get_by_text("Add a card").click()
    expect(page.locator("#cards")).to_contain_text("Tea & milk")
    page.fill("#search", "tea")
    expect(page.locator("#found")).to_have_text("found tea")
    expect(entry(page, "cards.find")).to_contain_text("1 event")

    texts = {name: copied(page, f"cards.{name}", "test") for name in ("count_up", "add", "find")}

    assert 'answer = tab.click(text="Add a card")' in texts["add"]
    assert 'tab.signals["count"] == 4' in texts["count_up"]
    assert 'answer = tab.fill("#search", "tea")' in texts["find"]
    for name, text in texts.items():
        run_test(text, create_app())
        with pytest.raises((AssertionError, TimeoutError)):
            # What does not come need not be waited for.
            run_test(text.replace("Client(app)", "Client(app, within=0.2)"), create_app(is_broken=True))
        assert f"def test_{name}(app):" in text
    assert json.dumps("Tea & milk") in copied(page, "cards.add", "curl")
