"""The life of live pages in browsers: tabs that come and go, rights that end, servers and networks that fail."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.live.forwarder import Forwarder
from tests.live.noise import NOBODY_THERE
from tests.live.servers import Server, wait_until

APP = "tests.live.apps.region_pages:app"
#: An outage of a minute is tried by hand.
SECONDS_WITHOUT_NETWORK = float(os.environ.get("SECONDS_WITHOUT_NETWORK", "0"))


@pytest.fixture
def server(servers: Any) -> Server:
    server: Server = servers.start(APP, ready="login", EXTRA_DATASTAR_RESTART_SPREAD_SECONDS="1")
    return server


class Board:
    """One board, with a writer who has no page."""

    def __init__(self, server: Server, open_page: Callable[..., Page], name: str, *, url: str | None = None) -> None:
        self.server, self.name, self.root = server, name, url or server.url
        self.url = f"{self.root}boards/{name}"
        self._writer = open_page()
        self._number = 0
        self.put("all")

    def put(self, owner: str, **more: str) -> None:
        answer = self._writer.request.post(f"{self.server.url}boards/{self.name}", form={"owner": owner, **more})
        assert answer.ok, answer.text()

    def sign_in(self, page: Page, name: str = "ann") -> Page:
        assert page.context.request.get(f"{self.root}sign-in/{name}").ok
        return page

    def write(self) -> str:
        """Add a card, and return its title."""
        self._number += 1
        title = f"card {self._number} of {self.name}"
        answer = self._writer.request.post(f"{self.server.url}boards/{self.name}/cards", form={"title": title})
        assert answer.ok, answer.text()
        return title

    def expect_live(self, *pages: Page) -> None:
        """Expect that pages show what is written from now on."""
        title = self.write()
        for page in pages:
            expect(page.locator("#cards li").last).to_contain_text(title)

    def open_streams(self) -> int:
        return int(self._writer.request.get(f"{self.server.url}state").json()["open"])

    def wait_open(self, count: int) -> None:
        wait_until(lambda: self.open_streams() == count, lambda: f"{count} streams: {self.open_streams()}")


def test_what_people_do_with_a_page_stays(server: Server, open_page: Callable[..., Page]) -> None:
    board = Board(server, open_page, "stays")
    one, other = board.sign_in(open_page()), board.sign_in(open_page(), "bob")
    for page in (one, other):
        page.goto(board.url)
    board.wait_open(2)
    board.expect_live(one, other)

    other.fill("#title", "typed beside")
    other.click("#beside summary")
    other.click("#more summary")
    other.fill("#inside", "typed inside")
    other.evaluate("document.getElementById('inside').setSelectionRange(2, 4)")
    one.fill("#title", "by a click")
    one.click("#add")
    for page in (one, other):
        expect(page.locator("#cards li").last).to_contain_text("by a click")
    board.expect_live(one, other)
    one.click("#cards li:first-of-type .drop")
    for page in (one, other):
        expect(page.locator("#cards li")).to_have_count(2)

    assert other.input_value("#title") == "typed beside"
    assert other.input_value("#inside") == "typed inside"
    assert other.evaluate("document.activeElement.id") == "inside"
    assert other.evaluate("[document.activeElement.selectionStart, document.activeElement.selectionEnd]") == [2, 4]
    assert other.evaluate("document.getElementById('beside').open") is True
    assert other.evaluate("document.getElementById('more').open") is True
    expect(other.locator("#more")).to_contain_text("2 cards")

    other.reload()
    board.expect_live(one, other)
    # A duplicated tab: the copy has the session storage, and so the id of the tab.
    with other.expect_popup() as opening:
        other.evaluate("void window.open(location.href)")
    twin = opening.value
    board.wait_open(3)
    board.expect_live(one, other, twin)
    twin.close()
    board.wait_open(2)
    board.expect_live(one, other)


def test_going_back_and_forward_leads_to_live_pages(
    server: Server, open_page: Callable[..., Page], caching_page: Page
) -> None:
    board = Board(server, open_page, "back")
    # With a page from the server, from the HTTP cache, and from the back-forward cache.
    for page, query in ((open_page(), "no-store"), (open_page(), "max-age=600"), (caching_page, "max-age=0")):
        board.sign_in(page).goto(f"{board.url}?cache={query}&who=%C3%BC'%22%3C#part")
        board.wait_open(1)
        board.expect_live(page)
        page.evaluate("window.isOld = true")
        page.goto(f"{server.url}other")
        board.wait_open(0)
        missed = board.write()
        page.go_back(wait_until="commit")
        expect(page.locator("#cards li").last).to_contain_text(missed)
        assert page.evaluate("window.isOld === true") is (page is caching_page)
        board.wait_open(1)
        board.expect_live(page)
        page.go_forward(wait_until="commit")
        expect(page.get_by_role("heading", name="Other page")).to_be_visible()
        page.go_back(wait_until="commit")
        board.wait_open(1)
        board.expect_live(page)
        page.goto("about:blank")
        board.wait_open(0)


def test_who_may_not_see_a_page_any_more_loses_it(server: Server, open_page: Callable[..., Page], noise: Any) -> None:
    board = Board(server, open_page, "rights")
    ann, bob = board.sign_in(open_page()), board.sign_in(open_page(), "bob")
    twin = ann.context.new_page()
    for page in (ann, twin, bob):
        page.goto(board.url)
    board.wait_open(3)
    board.expect_live(ann, twin, bob)

    # Ann signs out elsewhere.
    assert ann.context.request.post(f"{server.url}sign-out").ok
    for page in (ann, twin):
        expect(page).to_have_url(re.compile(r"/login\?next=(/|%2F)boards(/|%2F)rights$"))
    board.wait_open(1)
    board.expect_live(bob)

    # Bob's rights are withdrawn: he keeps what he has seen, and gets nothing new.
    board.put("cid", restart="bob")
    board.wait_open(0)
    bob.wait_for_function("window.fetchEvents.includes('finished')")
    secret = board.write()
    expect(bob.locator("#cards")).to_be_visible()
    assert secret not in bob.content()

    # The board is deleted.
    cid = board.sign_in(open_page(), "cid")
    cid.goto(board.url)
    board.wait_open(1)
    board.expect_live(cid)
    board.put("", restart="cid")
    board.wait_open(0)
    cid.wait_for_function("window.fetchEvents.includes('finished')")
    cid.evaluate("dispatchEvent(new Event('online'))")
    # A request would have started at once.
    assert cid.evaluate("window.fetchEvents.at(-1)") == "finished"


def test_servers_and_networks_that_fail_below_a_mount(
    servers: Any, open_page: Callable[..., Page], noise: Any, tmp_path: Any
) -> None:
    noise.accept_in_browser(rf"{NOBODY_THERE}|ERR_SOCKET_NOT_CONNECTED|ERR_INTERNET_DISCONNECTED")
    server: Server = servers.start(
        APP,
        mount="/some/mount",
        ready="login",
        EXTRA_DATASTAR_RESTART_SPREAD_SECONDS="1",
        REGION_PAGES_DATABASE=f"sqlite:///{tmp_path}/kept.db",
    )
    with Forwarder(urlsplit(server.url).port) as line:
        board, direct = (
            Board(server, open_page, "fails", url=f"{line.url}some/mount/"),
            Board(server, open_page, "fails"),
        )
        one, other = board.sign_in(open_page()), direct.sign_in(open_page(), "bob")
        # A policy for its scripts, and a parameter of the app that is named as the client's.
        one.goto(f"{board.url}?policy&datastar=own")
        other.goto(direct.url)
        board.wait_open(2)
        board.expect_live(one, other)
        assert one.locator("#cards .link").last.get_attribute("href") == "/some/mount/boards/fails"
        one.locator("#cards li .drop").last.click()
        expect(other.locator("#cards li")).to_have_count(0)
        for page in (one, other):
            page.fill("#title", "typed before")

        line.cut()
        one.context.set_offline(True)
        board.wait_open(1)
        one.wait_for_timeout(SECONDS_WITHOUT_NETWORK * 1000)
        missed = [board.write() for _ in range(3)]
        expect(other.locator("#cards li").last).to_contain_text(missed[-1])
        line.mend()
        one.context.set_offline(False)
        for title in missed:
            expect(one.locator("#cards")).to_contain_text(title)
        board.expect_live(one, other)

        server.restart()
        board.wait_open(2)
        board.expect_live(one, other)
        assert one.input_value("#title") == other.input_value("#title") == "typed before"


def test_tab_that_is_hidden_catches_up(server: Server, open_page: Callable[..., Page]) -> None:
    board = Board(server, open_page, "hidden")
    page = board.sign_in(open_page())
    page.goto(board.url)
    board.wait_open(1)
    board.expect_live(page)
    turn(page, is_hidden=True)
    board.wait_open(0)
    missed = board.write()
    assert missed not in page.content()
    turn(page, is_hidden=False)
    expect(page.locator("#cards li").last).to_contain_text(missed)
    board.wait_open(1)
    board.expect_live(page)


def turn(page: Page, *, is_hidden: bool) -> None:
    """Hide or show a page, as far as its scripts can tell: a headless browser has no tabs that cover each other."""
    page.evaluate(
        """(isHidden) => {
          Object.defineProperty(document, 'hidden', {configurable: true, get: () => isHidden})
          const state = isHidden ? 'hidden' : 'visible'
          Object.defineProperty(document, 'visibilityState', {configurable: true, get: () => state})
          document.dispatchEvent(new Event('visibilitychange'))
        }""",
        is_hidden,
    )
