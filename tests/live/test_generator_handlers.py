"""Generator handlers: each ``yield`` arrives at once, failures end cleanly, a client that leaves is noticed."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.live.servers import wait_until

FINISHED = "window.fetchEvents.includes('finished')"


@pytest.fixture
def server(servers):
    return servers.start("tests.live.apps.generators:app")


def get_counts(page, server) -> dict[str, int]:
    return page.request.get(f"{server.url}counts").json()


def test_each_yield_arrives_before_the_next_step_is_begun(server, page):
    page.goto(server.url)
    page.click("#steps")

    # The handler now waits for the click below: what is seen here cannot be the end of the answer.
    expect(page.locator("#step")).to_have_text("first")
    expect(page.locator("#list > li")).to_have_text(["one"])
    assert not page.evaluate(FINISHED)
    page.click("#release")

    expect(page.locator("#step")).to_have_text("second")
    expect(page.locator("#total")).to_have_text("2")
    expect(page.locator("#list > li")).to_have_text(["two"])


def test_leaving_the_page_closes_the_generator(server, page):
    page.goto(server.url)
    page.click("#endless")
    expect(page.locator("#total")).not_to_have_text("0")
    assert get_counts(page, server) == {"runs": 1, "closed": 0}

    page.goto("about:blank")

    wait_until(lambda: get_counts(page, server)["closed"] == 1, "the generator's finally")


def test_late_failure_ends_the_answer_and_is_not_repeated(server, page, noise):
    noise.expect_in_log("RuntimeError: late failure")
    page.goto(server.url)
    page.click("#late")

    # The client tells that it has settled the action; a broken answer would be asked for again before that.
    page.wait_for_function(FINISHED)
    assert page.locator("#step").text_content() == "before the failure"
    assert page.evaluate("window.fetchEvents") == ["started", "datastar-patch-signals", "finished"]
    assert get_counts(page, server)["runs"] == 1


def test_early_failure_is_an_ordinary_error(server, page, noise):
    noise.expect_in_log("RuntimeError: early failure")
    noise.expect_in_browser("status of 500")
    page.goto(server.url)
    with page.expect_response("**/fail_early*") as response:
        page.click("#early")

    assert response.value.status == 500
    page.wait_for_function(FINISHED)
    assert page.evaluate("window.fetchEvents") == ["started", "error", "finished"]
    assert get_counts(page, server)["runs"] == 1
