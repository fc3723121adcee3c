"""Streams in a browser: one a tab, none left over, and a page that always comes back."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.live.noise import NOBODY_THERE
from tests.live.servers import Server, wait_until
from tests.live.starting import wait_for_client

HIDE_OR_SHOW = """(isHidden) => {
  Object.defineProperty(document, 'hidden', {configurable: true, get: () => isHidden})
  document.dispatchEvent(new Event('visibilitychange'))
}"""
# Hides and shows a page as soon as it has begun to wait before it comes back; nothing else waits for so long.
HIDE_AND_SHOW_WHEN_IT_WAITS = f"""() => {{
  const original = window.setTimeout
  window.setTimeout = (callback, milliseconds, ...rest) => {{
    if (milliseconds >= 1000) {{
      window.setTimeout = original
      queueMicrotask(() => [true, false].forEach({HIDE_OR_SHOW}))
    }}
    return original(callback, milliseconds, ...rest)
  }}
}}"""

#: How often a page is asked for a sign of life whose streams still take each other's place.
ATTEMPTS = 10


@pytest.fixture
def server(servers, page) -> Server:
    server = servers.start("tests.live.apps.streams:app", EXTRA_DATASTAR_RESTART_SPREAD_SECONDS="2")
    # Those of the test before have noticed that their browser is gone.
    wait_for_streams(page, server, 0)
    return server


def ask(page: Page, server: Server) -> dict[str, Any]:
    """Ask the server for its state, without a page taking part."""
    return page.request.get(f"{server.url}state").json()


def wait_for_streams(page: Page, server: Server, count: int) -> None:
    wait_until(lambda: ask(page, server)["stats"]["open"] == count, lambda: f"{count} streams: {ask(page, server)}")


def say(page: Page, server: Server, text: str) -> None:
    assert page.request.post(f"{server.url}say/{text}").ok


def open_page(page: Page, server: Server, path: str) -> Page:
    page.goto(server.url + path)
    expect_text(page, "open")
    return page


def expect_text(page: Page, text: str) -> None:
    """Expect a text wherever a stream writes."""
    for locator in page.locator("#feed, #news").all():
        expect(locator).to_have_text(text)


def tab_of(page: Page) -> str:
    return page.locator("#tab").inner_text().rpartition(".")[0]


def test_five_quick_navigations_leave_one_stream(server, page):
    opened_before = ask(page, server)["stats"]["opened"]
    for number in range(5):
        page.goto(f"{server.url}one?number={number}", wait_until="commit")
        if number % 2:
            # Some get as far as a stream, others do not.
            page.wait_for_function("window.fetchEvents?.includes('started')")

    page.wait_for_load_state()
    wait_for_client(page)
    expect_text(page, "open")
    wait_for_streams(page, server, 1)
    assert ask(page, server)["stats"]["opened"] > opened_before
    assert ask(page, server)["tabs"] == [[*page.locator("#tab").inner_text().split("."), "datastar.streams:feed"]]
    say(page, server, "hello")
    expect_text(page, "hello")


def test_tab_id_is_kept_over_navigations_and_pages_have_their_own(server, page):
    open_page(page, server, "one")
    first = page.locator("#tab").inner_text().split(".")
    open_page(page, server, "two")
    second = page.locator("#tab").inner_text().split(".")

    assert first[0] == second[0]
    assert first[1] != second[1]


def test_two_streams_of_one_page_live_beside_each_other(server, page):
    open_page(page, server, "two")
    wait_for_streams(page, server, 2)

    for text in ("first", "second"):
        say(page, server, text)
        expect_text(page, text)
    assert len(ask(page, server)["tabs"]) == 2


@pytest.mark.parametrize("how", ["reload", "restart", "kill"])
def test_page_is_live_again_after_the_server_was_restarted(server, page, noise, how):
    open_page(page, server, "two")
    worker = ask(page, server)["pid"]
    if how == "kill":
        # What a worker that runs out of memory gets: no stream is ended, the connections break.
        noise.accept_in_browser(NOBODY_THERE)
        os.kill(worker, signal.SIGKILL)
    elif how == "restart":
        noise.accept_in_browser(NOBODY_THERE)
        server.restart()
    else:
        server.reload()

    wait_until(lambda: is_another(page, server, worker), "another worker")
    wait_for_streams(page, server, 2)
    say(page, server, "after-it")
    expect_text(page, "after-it")


def is_another(page: Page, server: Server, worker: int) -> bool:
    """Whether another worker answers, and no longer the one before."""
    if os.path.exists(f"/proc/{worker}/exe"):
        return False
    try:
        return ask(page, server)["pid"] != worker
    except Exception:
        return False


@pytest.mark.parametrize("path", ["one", "two"])
def test_duplicated_tab_lives_beside_the_first(server, page, path):
    count = {"one": 1, "two": 2}[path]
    open_page(page, server, path)
    original_tab = tab_of(page)
    with page.context.expect_page() as opened:
        # A window that a page opens begins with a copy of its sessionStorage, as a duplicated tab does.
        page.evaluate("window.open(location.href)")
    twin = opened.value

    # The twin takes the place of the first, which comes back, and gets an id of its own.
    wait_until(lambda: tab_of(page) != original_tab, "an id of its own for the first")
    wait_for_streams(page, server, 2 * count)
    assert tab_of(twin) == original_tab
    tabs = {tuple(entry[:2]) for entry in ask(page, server)["tabs"]}
    assert tabs == {tuple(each.locator("#tab").inner_text().split(".")) for each in (page, twin)}
    for text in ("first", "second"):
        say(page, server, text)
        for each in (page, twin):
            expect_text(each, text)

    # The new id is kept, too.
    new_tab = tab_of(page)
    open_page(page, server, path)
    assert tab_of(page) == new_tab
    wait_for_streams(page, server, 2 * count)
    say(page, server, "third")
    for each in (page, twin):
        expect_text(each, "third")


def test_hidden_tab_rests_and_continues_when_it_is_shown(server, page):
    open_page(page, server, "two")
    page.evaluate(HIDE_OR_SHOW, True)
    wait_for_streams(page, server, 0)
    say(page, server, "unheard")

    page.evaluate(HIDE_OR_SHOW, False)

    wait_for_streams(page, server, 2)
    say(page, server, "heard")
    expect_text(page, "heard")


def test_finished_stream_is_asked_for_once_more(server, page):
    before = len(ask(page, server)["requests"].get("/ds/streams/short", []))
    page.goto(f"{server.url}short")
    expect(page.locator("#short")).to_have_text("two")

    # The client settles the action when it gives up: nothing of it can come later.
    page.wait_for_function("window.fetchEvents.includes('finished')")
    assert ask(page, server)["requests"]["/ds/streams/short"][before:] == ["", "ds:done"]
    wait_for_streams(page, server, 0)


def send_back(page: Page, server: Server) -> None:
    """End the stream of a page, which waits before it comes back; hide and show it meanwhile."""
    page.evaluate(HIDE_AND_SHOW_WHEN_IT_WAITS)
    assert page.request.post(f"{server.url}send-back").ok


def ids_of(page: Page, server: Server) -> list[str]:
    """Give what the requests for the feed brought as the last id."""
    return ask(page, server)["requests"]["/ds/streams/feed"]


def retry_twice(page: Page, server: Server) -> None:
    """Make the client retry twice at once, as it does when its tab is shown while it waits to retry."""
    before = len(ids_of(page, server))
    send_back(page, server)
    # One that was shown, one that waited, and the one of them that was replaced, which is told to stay away.
    page.wait_for_function("window.fetchEvents.includes('finished')")
    ids = ids_of(page, server)[before:]
    assert [text.split(":")[:2] for text in ids] == [["ds", "restart"], ["ds", "restart"], ["ds", "replaced"]]


def test_client_that_retries_twice_has_one_stream(server, page):
    open_page(page, server, "one")

    retry_twice(page, server)

    wait_for_streams(page, server, 1)
    say(page, server, "still-here")
    expect_text(page, "still-here")


def test_page_that_retries_twice_and_is_hidden_at_once_is_live_when_it_is_shown(server, page):
    open_page(page, server, "one")
    replaced_before = ask(page, server)["stats"]["ended"].get("replaced", 0)
    send_back(page, server)
    # The one that waited has taken the place of the one that was shown, which in its turn waits to come back.
    wait_until(lambda: ask(page, server)["stats"]["ended"].get("replaced", 0) > replaced_before, "a twin")
    page.evaluate(HIDE_OR_SHOW, True)
    wait_until(lambda: ids_of(page, server)[-1].startswith("ds:replaced:"), "the one that was replaced")
    page.evaluate(HIDE_OR_SHOW, False)

    wait_for_streams(page, server, 1)
    assert any(shows(page, server, f"still-here-{attempt}") for attempt in range(ATTEMPTS)), ask(page, server)


def shows(page: Page, server: Server, text: str) -> bool:
    """Say something, and wait until the page shows it; False when it has opened another stream meanwhile.

    Both of its requests open one. What comes to the first is overwritten by what the second begins with.
    """
    opened = ask(page, server)["stats"]["opened"]
    say(page, server, text)
    wait_until(
        lambda: page.locator("#feed").inner_text() == text or ask(page, server)["stats"]["opened"] > opened,
        lambda: f"{text}: {ask(page, server)}",
    )
    return bool(ask(page, server)["stats"]["opened"] == opened)


@pytest.mark.parametrize("how", ["reload", "kill"])
def test_page_that_retried_twice_comes_back_later(server, page, noise, how):
    open_page(page, server, "one")
    retry_twice(page, server)
    worker = ask(page, server)["pid"]
    if how == "kill":
        noise.accept_in_browser(NOBODY_THERE)
        os.kill(worker, signal.SIGKILL)
    else:
        server.reload()

    wait_until(lambda: is_another(page, server, worker), "another worker")
    wait_for_streams(page, server, 1)
    say(page, server, "after-it")
    expect_text(page, "after-it")
    # Not with the id of the request that was turned away, which would turn away this one, too.
    assert not any(text.startswith("ds:replaced") for text in ids_of(page, server))
