"""Errors you can see, in a browser: the page and its console show an exception, and the page lives on."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, Request, expect


@pytest.fixture
def server(servers):
    return servers.start("tests.live.apps.overlay:app")


@pytest.fixture
def expect_error(noise):
    """Expect a traceback that ends so, in the server's log and in the browser's console."""

    def expect_error(text: str) -> None:
        noise.expect_in_log(text)
        noise.expect_in_browser(rf"console: Traceback \(most recent call last\):[^$]*{text}")

    return expect_error


def fail(page: Page, server, button: str, query: str = "") -> Locator:
    page.goto(server.url + query)
    # A click before the client has started reaches nobody.
    expect(page.locator("#ready")).to_have_text("ready")
    page.click(f"#{button}")
    overlay = page.get_by_role("alertdialog")
    expect(overlay).to_be_visible()
    return overlay


@pytest.mark.parametrize(
    ("button", "error", "more"),
    [
        ("crash", "RuntimeError: crashed on purpose", 'raise RuntimeError("crashed on purpose")'),
        ("late", "RuntimeError: late on purpose", 'data: signals {"step":"one"}'),
        ("template", "ZeroDivisionError: division by zero", "<template>, line 2"),
    ],
)
def test_exception_is_shown_and_can_be_dismissed(server, page, expect_error, button, error, more):
    expect_error(error)

    overlay = fail(page, server, button)

    expect(overlay.get_by_role("heading", level=1)).to_contain_text(error)
    expect(overlay).to_contain_text(more)
    expect(overlay).to_contain_text('"text": "</script>')
    overlay.get_by_role("button", name="Dismiss").click()
    expect(overlay).to_have_count(0)
    page.click("#work")
    expect(page.locator("#step")).to_have_text("worked")


def test_exception_of_a_stream_is_shown_and_the_page_comes_back(server, page, expect_error):
    expect_error("RuntimeError: stream on purpose")
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request) if "/feed?" in request.url else None)

    overlay = fail(page, server, "open")

    expect(overlay).to_contain_text("RuntimeError: stream on purpose (GET /ds/overlay/feed)")
    expect(overlay).to_contain_text('data: signals {"step":"streaming"}')
    page.wait_for_function("window.fetchEvents.filter((type) => type === 'datastar-patch-elements').length > 1")
    assert asked[1].headers["last-event-id"].startswith("ds:restart:1")
    # The one that came with it has taken the place of the first.
    expect(overlay).to_have_count(1)


def test_escape_dismisses(server, page, expect_error):
    expect_error("RuntimeError: crashed on purpose")
    overlay = fail(page, server, "crash")

    page.keyboard.press("Escape")

    expect(overlay).to_have_count(0)


def test_escape_dismisses_whoever_has_the_focus(server, page, expect_error):
    expect_error("RuntimeError: crashed on purpose")
    overlay = fail(page, server, "crash")

    # Keeps all keys to itself, as editors do.
    page.locator("#typed").press("Escape")

    expect(overlay).to_have_count(0)


def test_own_frames_are_shown_and_others_after_a_click(server, page, expect_error):
    expect_error("ZeroDivisionError: division by zero")

    overlay = fail(page, server, "template")

    frames = overlay.locator("pre").first
    expect(frames).to_contain_text("apps/overlay.py")
    expect(frames).not_to_contain_text("site-packages")
    expect(overlay.locator("details pre")).to_be_hidden()
    overlay.locator("summary").click()
    expect(overlay.locator("details pre")).to_contain_text("site-packages")


def test_page_above_the_overlay_can_be_seen_and_used(server, page, expect_error):
    expect_error("RuntimeError: crashed on purpose")
    overlay = fail(page, server, "crash")

    assert overlay.bounding_box()["y"] >= 0.35 * page.viewport_size["height"]
    page.click("#work")
    expect(page.locator("#step")).to_have_text("worked")


def test_invalid_signals_are_shown(server, page, noise):
    noise.expect_in_browser(r"console: Traceback \(most recent call last\):[^$]*InvalidSignals")

    overlay = fail(page, server, "invalid")

    expect(overlay).to_contain_text("text: expected a whole number")


def test_overlay_is_styled_under_a_strict_policy(server, page, expect_error):
    expect_error("RuntimeError: crashed on purpose")

    # Nothing of it is refused: that would be an error in the console.
    overlay = fail(page, server, "crash", "?policy=1")

    assert overlay.evaluate("(el) => getComputedStyle(el).position") == "fixed"
    assert overlay.locator("pre").first.evaluate("(el) => getComputedStyle(el).whiteSpace") == "pre-wrap"
    overlay.get_by_role("button", name="Dismiss").click()
    expect(overlay).to_have_count(0)


def test_hostile_texts_stay_text(server, page, expect_error):
    expect_error("RuntimeError: </script><img id='hostile'")

    overlay = fail(page, server, "hostile")

    expect(overlay.get_by_role("heading", level=1)).to_contain_text("</script><img id='hostile' src=x onerror=")
    expect(page.locator("#hostile")).to_have_count(1)
    expect(page.locator("img")).to_have_count(0)


def test_one_overlay_at_a_time(server, page, expect_error):
    expect_error("RuntimeError: crashed on purpose")
    overlay = fail(page, server, "crash")

    page.evaluate("document.querySelector('#crash').click()")

    page.wait_for_function("window.fetchEvents.filter((type) => type === 'datastar-patch-elements').length > 1")
    expect(overlay).to_have_count(1)
