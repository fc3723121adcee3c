"""Clicks in a real browser: none is lost without a network, and none runs twice when the answer is cut."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.live.servers import wait_until

#: The errors by which the browser and the client report a network that is cut.
CUT = "Failed to (fetch|load resource)|Datastar failed to reach .* retrying in|FetchFailed"


@pytest.fixture
def server(servers, page):
    server = servers.start("tests.live.apps.clicks:app")
    page.request.post(f"{server.url}forget")
    return server


def state_of(page, server):
    return page.request.get(f"{server.url}runs").json()


def runs_of(page, server):
    return state_of(page, server)["runs"]


def cut_answers(page, path, times):
    """Let the server answer requests, and lose so many of the answers on the way."""
    keys = []

    def handle(route):
        keys.append(route.request.url.partition("_k=")[2].partition("&")[0])
        if len(keys) <= times:
            route.fetch()
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route(f"**/{path}*", handle)
    return keys


@pytest.mark.parametrize("buttons", [("#a", "#b"), ("#same", "#same")])
def test_clicks_without_a_network_all_arrive(server, page, noise, buttons):
    noise.expect_in_browser(CUT)
    page.goto(server.url)
    page.context.set_offline(True)
    for button in buttons:
        page.click(button)
    page.wait_for_function("window.fetchEvents.filter((type) => type == 'retrying').length >= 2")
    page.context.set_offline(False)

    expected = ["a", "b"] if buttons[0] == "#a" else ["count", "count"]
    wait_until(lambda: sorted(runs_of(page, server)) == expected, lambda: str(runs_of(page, server)))
    # The client waits for seconds between its tries: nothing comes after that.
    page.wait_for_function("window.fetchEvents.filter((type) => type == 'finished').length == 2")
    assert sorted(runs_of(page, server)) == expected


@pytest.mark.parametrize(
    ("button", "path", "run", "done"),
    [
        ("#a", "add", "a", "a"),
        ("#same", "count", "count", "1"),
        ("#remove", "remove", "remove", "removed"),
        ("#save", "save", "save", "saved"),
    ],
)
def test_answer_that_is_cut_runs_nothing_twice(server, page, noise, button, path, run, done):
    noise.expect_in_browser(CUT)
    page.goto(server.url)
    keys = cut_answers(page, path, times=2)
    page.click(button)

    expect(page.locator("#done")).to_have_text(done)
    assert len(keys) == 3
    assert len(set(keys)) == 1
    assert float(keys[0]) < 1
    assert runs_of(page, server) == [run]


def test_plain_http_and_a_strict_policy_are_no_hindrance(server, open_page, noise):
    noise.expect_in_browser(CUT)
    page = open_page()
    # As a browser has it on http:// that is not the machine itself.
    page.add_init_script("delete Crypto.prototype.randomUUID; delete Crypto.prototype.subtle")
    page.goto(f"{server.url}strict")
    assert page.evaluate("crypto.randomUUID") is None
    keys = cut_answers(page, "add", times=1)
    page.click("#a")

    expect(page.locator("#done")).to_have_text("a")
    assert len(keys) == 2
    assert len(set(keys)) == 1
    assert runs_of(page, server) == ["a"]


def test_policy_of_nonces_alone_is_no_hindrance(server, page, noise):
    noise.expect_in_browser(CUT)
    page.goto(f"{server.url}nonces")
    keys = cut_answers(page, "add", times=1)
    page.click("#a")

    expect(page.locator("#done")).to_have_text("a")
    page.click("#save")
    expect(page.locator("#done")).to_have_text("saved")
    assert len(keys) == 2
    assert len(set(keys)) == 1
    assert runs_of(page, server) == ["a", "save"]


def test_cookie_of_a_cut_answer_arrives_with_its_repeat(server, page, noise):
    noise.expect_in_browser(CUT)
    page.goto(server.url)
    cut_answers(page, "sign_in", times=1)
    page.click("#sign-in")

    expect(page.locator("#who")).to_have_text("user 1")
    assert state_of(page, server) == {"runs": ["sign in"], "user": "user 1"}


def test_two_clicks_have_two_keys(server, page):
    page.goto(server.url)
    keys = cut_answers(page, "count", times=0)
    page.click("#same")
    expect(page.locator("#done")).to_have_text("1")
    page.click("#same")
    expect(page.locator("#done")).to_have_text("2")

    assert len(set(keys)) == 2


def test_generator_handler_is_not_asked_for_again(server, page, noise):
    noise.expect_in_browser(CUT)
    page.goto(server.url)
    keys = cut_answers(page, "steps", times=1)
    page.click("#steps")
    page.wait_for_function("window.fetchEvents.includes('retries-failed')")

    assert len(keys) == 1
    assert runs_of(page, server) == ["steps"]


def test_button_rests_while_its_action_runs(server, page):
    page.goto(server.url)
    page.dblclick("#rests")

    expect(page.locator("#done")).to_have_text("paid")
    expect(page.locator("#rests")).to_be_enabled()
    assert runs_of(page, server) == ["pay"]


def test_foreign_browser_with_the_key_neither_reads_nor_blocks(server, page, open_page):
    page.goto(server.url)
    keys = cut_answers(page, "sign_in", times=0)
    page.click("#sign-in")
    expect(page.locator("#who")).to_have_text("user 1")
    send = """async ([path, tab]) => (await fetch(path, {
        method: 'POST', headers: {'Datastar-Request': 'true', 'Content-Type': 'application/json'},
        body: JSON.stringify({tabId: tab})})).text()"""
    with page.expect_request("**/count*") as sent:
        page.click("#same")
    tab = sent.value.post_data_json["tabId"]
    foreign = open_page()
    foreign.goto(server.url)
    path = f"/ds/tests-live-apps-clicks/sign_in?_k={keys[0]}"

    # In a session of its own it signs itself in.
    foreign.click("#sign-in")
    expect(foreign.locator("#who")).to_have_text("user 3")
    assert "user 1" not in foreign.evaluate(send, [path, tab])
    assert state_of(page, server)["user"] == "user 1"
