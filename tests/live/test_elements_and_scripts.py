"""What one handler sends changes the page: elements in all modes and namespaces, scripts, console, custom events."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

PREFORMATTED = "one\n\n  three\n\u2028four\u2029five\x0bsix\x0cseven\x85eight\n"
ENDS = ["</script>", "</SCRIPT >", "<!--", "<script>", "</body></html>", "</head>", "-->"]
NESTED = {"list": [1, {"text": "a 'quoted' \"text\" </script>"}], "nothing": None, "yes": True}


@pytest.fixture
def elements_page(servers, page) -> Page:
    page.goto(servers.start("tests.live.apps.elements:app").url)
    return page


def click(page: Page, button: str) -> None:
    page.click(f"#{button}")
    expect(page.locator("#done")).to_have_text("done")


def test_all_patch_modes_arrive(elements_page):
    click(elements_page, "modes")

    def html(selector: str) -> str:
        return elements_page.eval_on_selector(selector, "(element) => element.outerHTML")

    assert html("#outer") == '<p id="outer">new outer</p>'
    assert html("#inner") == '<div id="inner"><b>new</b> inner</div>'
    assert html("#replace") == '<div id="replace">new replace</div>'
    assert html("#list") == '<ul id="list"><li>first</li><li>middle</li><li>last</li></ul>'
    assert elements_page.locator("p:has(+ #middle)").text_content() == "before"
    assert elements_page.locator("#middle + p").text_content() == "after"
    assert elements_page.locator(".gone").count() == 0
    assert elements_page.locator('[id="a.b:c d"]').text_content() == "escaped"


def test_lists_rows_and_white_space_arrive(elements_page):
    click(elements_page, "pieces")

    assert elements_page.locator("#first").text_content() == "<i>Ann</i> & 'Bob'"
    assert elements_page.locator("#second").text_content() == "new"
    assert elements_page.locator("#rows > tr > td").all_text_contents() == ["1", "2"]
    assert elements_page.locator("#preformatted").text_content() == PREFORMATTED
    assert elements_page.locator("#preformatted").get_attribute("title") == "a\nb\nc"
    assert elements_page.title() == "New title"


def test_all_siblings_of_other_namespaces_arrive(elements_page):
    click(elements_page, "namespaces")

    circles = elements_page.locator("#drawing > circle")
    assert circles.evaluate_all("(all) => all.map((circle) => circle.cx.baseVal.value)") == [15, 30, 45, 60, 75]
    letters = elements_page.locator("#formula > mi")
    assert letters.all_text_contents() == ["a", "b", "c", "d"]
    assert letters.first.evaluate("(element) => element.namespaceURI") == "http://www.w3.org/1998/Math/MathML"


def test_scripts_run_once_and_leave_the_page_whole(elements_page):
    count = elements_page.locator("body > *").count()

    click(elements_page, "scripts")

    assert elements_page.evaluate("window.ends") == ENDS
    assert elements_page.evaluate("window.runs") == 1
    assert elements_page.evaluate("window.kept") == "a \"b\" & 'c' <d>"
    assert elements_page.locator("#kept").get_attribute("async") == ""
    # The script that removes itself is gone, the other one is all that was added.
    expect(elements_page.locator("body > *")).to_have_count(count + 1)
    assert elements_page.locator("#outer").text_content() == "old"


def test_console_messages_keep_level_and_value(elements_page, noise):
    noise.expect_in_browser("be careful")
    messages = []
    elements_page.on("console", lambda message: messages.append(message))

    with elements_page.expect_console_message(lambda message: message.type == "info"):
        elements_page.click("#console")

    assert [message.type for message in messages] == ["log", "warning", "info"]
    assert [message.args[0].json_value() for message in messages] == [NESTED, "be careful", ENDS]


def test_dispatched_events_reach_page_code(elements_page):
    elements_page.click("#toast")

    expect(elements_page.locator("#toast-level")).to_have_text("3")
    assert elements_page.locator("#toast-text").text_content() == "Say 'hello' & \"bye\"\n</script>\u2028"


def test_urls_are_pushed_and_replaced_without_loading(elements_page):
    elements_page.evaluate("window.stillHere = true")

    click(elements_page, "history")

    assert elements_page.url.endswith("/?page=4#part")
    elements_page.evaluate("history.back()")
    elements_page.wait_for_url("**/?page=3")
    elements_page.evaluate("history.back()")
    elements_page.wait_for_function("location.search === ''")
    assert elements_page.evaluate("window.stillHere") is True
