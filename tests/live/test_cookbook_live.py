"""The cookbook's recipes for live pages and for state that the browser keeps, as a person uses them."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.live.recipes import check_page
from tests.live.servers import Server

#: The stream of a live page: its own URL, with the signals of a Datastar request.
STREAM = re.compile(r"/cookbook/\w+\?(.*&)?datastar=")


def open_live(page: Page, url: str) -> None:
    with page.expect_response(STREAM):
        page.goto(url)


def call_handler(page: Page, example: Server, name: str, **signals: str) -> None:
    """Do what a click of this visitor would do, without the browser, where it takes many."""
    url = f"{example.url}ds/example-cookbook-{name}"
    answer = page.request.post(url, data=signals, headers={"Datastar-Request": "true"})
    assert answer.ok, answer.status


def test_click_shows_its_result_before_the_server_answers(example, ann, noise):
    held = []
    ann.route("**/like?*", lambda route: held.append(route))
    ann.goto(f"{example.url}cookbook/optimistic")
    like = ann.get_by_role("button", name="Like")
    with ann.expect_request("**/like?*"):
        like.press("Enter")
    expect(like).to_have_attribute("aria-pressed", "true")
    expect(ann.get_by_text("saving …", exact=True)).to_be_visible()
    held.pop().continue_()
    expect(ann.get_by_text("saved: you like it", exact=True)).to_be_visible()

    ann.get_by_label("Let the server refuse").check()
    with ann.expect_request("**/like?*"):
        like.click()
    expect(like).to_have_attribute("aria-pressed", "false")
    held.pop().continue_()
    expect(ann.get_by_text("The server refused.", exact=True)).to_be_visible()
    expect(like).to_have_attribute("aria-pressed", "true")
    check_page(ann)

    noise.expect_in_browser("500")
    with ann.expect_request("**/like?*"):
        like.click()
    expect(like).to_have_attribute("aria-pressed", "false")
    held.pop().fulfill(status=500)
    expect(like).to_have_attribute("aria-pressed", "true")


def test_chosen_colours_are_there_on_the_next_page(example, ann):
    color = "getComputedStyle(document.body).backgroundColor"
    ann.goto(f"{example.url}cookbook/theme")
    assert ann.evaluate(color) == "rgb(251, 250, 247)"
    with ann.expect_response("**/choose?*"):
        ann.get_by_label("Dark").check()
    assert ann.evaluate(color) == "rgb(22, 24, 28)"
    check_page(ann)

    ann.goto(f"{example.url}counter")
    assert ann.evaluate(color) == "rgb(22, 24, 28)"
    ann.goto(f"{example.url}cookbook/theme")
    expect(ann.get_by_label("Dark")).to_be_checked()
    with ann.expect_response("**/choose?*"):
        ann.get_by_label("As my system").check()
    assert ann.evaluate(color) == "rgb(251, 250, 247)"


def test_chart_follows_the_votes(example, ann, bob):
    for page in (ann, bob):
        open_live(page, f"{example.url}cookbook/chart")
    ann.get_by_role("button", name="Tea").press("Enter")
    chart = bob.get_by_role("img", name="What do you drink?")
    expect(chart).to_have_accessible_name(re.compile("Coffee: 0, Tea: 1, Water: 0"))
    bob.get_by_role("button", name="Water").click()
    ann.get_by_role("button", name="Water").click()
    expect(chart).to_have_accessible_name(re.compile("Coffee: 0, Tea: 0, Water: 2"))
    expect(bob.locator("#votes-Water")).to_have_attribute("height", "130.0")
    check_page(bob)


def test_visitors_chat(example, ann, bob):
    for page in (ann, bob):
        open_live(page, f"{example.url}cookbook/chat")
    for page, name in ((ann, "Ann"), (bob, "<b>Bob</b>")):
        page.get_by_label("Your name").fill(name)
        page.get_by_label("Message", exact=True).fill(f"Hello from {name}")
        page.get_by_label("Message", exact=True).press("Enter")
        expect(page.get_by_label("Message", exact=True)).to_have_value("")
    for page in (ann, bob):
        expect(page.locator("#messages > li")).to_have_text(["Ann Hello from Ann", "<b>Bob</b> Hello from <b>Bob</b>"])
    for number in range(12):
        call_handler(ann, example, "chat/send", author="Ann", text=f"Number {number}")
    # The newest message is in view.
    expect(bob.get_by_text("Number 11")).to_be_in_viewport(ratio=0.9)
    check_page(bob)


def test_log_shows_its_last_lines_and_each_new_one(example, ann, bob):
    with ann.expect_response("**/lines?*"):
        ann.goto(f"{example.url}cookbook/log")
    lines = ann.locator("#log > li")
    for number in range(1, 4):
        ann.get_by_role("button", name="Write a line").click()
        expect(lines).to_have_count(number)

    bob.goto(f"{example.url}cookbook/log")
    expect(bob.locator("#log > li")).to_have_count(3)
    for _ in range(18):
        call_handler(bob, example, "log/knock")
    expect(bob.locator("#log > li")).to_have_count(20)
    expect(bob.locator("#line-21")).to_be_attached()
    expect(lines).to_have_count(20)
    check_page(ann)


def test_job_shows_its_progress_over_a_reload(example, ann):
    open_live(ann, f"{example.url}cookbook/job")
    ann.get_by_role("button", name="Make the report").click()
    progress = ann.get_by_role("progressbar")
    expect(progress).to_be_visible()
    ann.reload()
    expect(progress).to_be_visible()
    check_page(ann)
    expect(ann.get_by_text("The report is ready.", exact=True)).to_be_visible()
    expect(progress).to_have_js_property("value", 100)


def test_tokens_come_in_few_patches_and_survive_a_reload(example, ann):
    with ann.expect_response("**/answer?*"):
        ann.goto(f"{example.url}cookbook/tokens")
    ann.get_by_label("Question").fill("<b>Why</b> & 'how'?")
    ann.keyboard.press("Enter")
    answer, ask = ann.locator("#answer"), ann.get_by_role("button", name="Ask")
    expect(answer).to_contain_text("To “<b>Why</b> & 'how'?” a model would now")
    ann.reload()
    expect(answer).to_contain_text("To “<b>Why</b> & 'how'?” a model would now")
    check_page(ann)
    expect(ask).to_be_enabled()
    expect(answer).to_have_text(re.compile(r"how'\?”( a model .+? middle of it\.){2}\s*$"))
    ann.evaluate(
        """window.patches = 0; document.addEventListener('datastar-fetch',
             (event) => window.patches += event.detail.type === 'datastar-patch-elements')"""
    )
    ann.get_by_label("Question").fill("Again?")
    ann.keyboard.press("Enter")
    expect(answer).to_have_text(re.compile(r"^To “Again\?”( a model .+? middle of it\.){2}\s*$"))
    assert ann.evaluate("window.patches") < len(answer.inner_text().split())
