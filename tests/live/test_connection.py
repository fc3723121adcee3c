"""What the example's layout says of a page's connection: nothing false, and nothing too little.

Clients from v1.0.2 on dispatch ``retrying`` after every end of a stream and after every status that they repeat. The
tests' own client is older, so each test also runs with a page that dispatches what newer ones do.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Error, Page, expect

from example.cluster import Cluster, free_port, start_nginx, wait_for_answer
from tests.live.conftest import OWN_CLIENT
from tests.live.forwarder import Forwarder
from tests.live.noise import NOBODY_THERE
from tests.live.servers import Server, wait_until

NO_CONNECTION = f"{NOBODY_THERE}|ERR_SOCKET_NOT_CONNECTED"
LOST = "The connection is lost, trying again …"
APP = "tests.live.apps.connection:app"

# Every text that the layout's element shows, however shortly, and how many streams have opened.
NOTE_WORDS = """
window.words = []
window.opened = 0
document.addEventListener('datastar-fetch', ({detail: {type}}) => opened += type === 'datastar-stream-opened')
document.addEventListener('datastar-ready', () => {
  const box = document.querySelector('#errors .error')
  const note = () => {
    const shown = box.style.display === 'none' ? '' : box.querySelector('p').textContent
    if (shown !== (words.at(-1) ?? '')) words.push(shown)
  }
  new MutationObserver(note).observe(box, {subtree: true, childList: true, characterData: true, attributes: true})
})
"""
# The layout waits for 15 seconds by this clock. A busy machine may take as long to start a server.
SLOW_CLOCK = "const now = Date.now, start = now(); Date.now = () => start + (now() - start) / 20"
# Streams alone are asked for again after a status: their elements have an id and no click.
DISPATCH_AS_NEWER_CLIENTS = """
document.addEventListener('datastar-fetch', ({detail: {type, el}}) => {
  if (type === 'datastar-stream-ending' || type === 'error' && el.dataset.init)
    setTimeout(() => document.dispatchEvent(new CustomEvent('datastar-fetch', {
      detail: {type: 'retrying', el, argsRaw: {}},
    })))
})
"""
# Waits of more than 1.5 s do not end before releaseWaits() is called: only what comes at once comes, however busy the
# machine is.
HOLD_LONG_WAITS = """
{
  const start = window.setTimeout, clear = window.clearTimeout, held = new Map()
  let last = 0
  window.setTimeout = (call, milliseconds, ...rest) => {
    if (!(milliseconds > 1500)) return start(call, milliseconds, ...rest)
    held.set(--last, () => call(...rest))
    return last
  }
  window.clearTimeout = id => held.delete(id) || clear(id)
  window.heldWaits = held
  window.releaseWaits = () => { for (const [id, call] of [...held]) held.delete(id) && call() }
}
"""
# A restart may take longer than the page waits before it calls a connection lost. What is lost at once is seen.
STOP_CLOCK = "{ const now = Date.now(); Date.now = () => now }"


@pytest.fixture(params=["this client", "newer clients"])
def page(request: pytest.FixtureRequest, open_page: Callable[..., Page]) -> Page:
    page = open_page()
    page.add_init_script(NOTE_WORDS)
    if request.param == "newer clients" and OWN_CLIENT is None:
        page.add_init_script(DISPATCH_AS_NEWER_CLIENTS)
    return page


@pytest.fixture
def server(servers: Any) -> Server:
    server: Server = servers.start(
        APP,
        EXAMPLE_SECRET_KEY="only for tests",
        EXAMPLE_DATASTAR_RESTART_SPREAD_SECONDS="2",
        EXAMPLE_DATASTAR_KEEPALIVE_SECONDS="1",
        # A busy worker needs some seconds to end its streams.
        TESTS_GRACEFUL_SECONDS="30",
    )
    return server


@pytest.fixture
def line(server: Server) -> Iterator[Forwarder]:
    with Forwarder(port_of(server.url)) as line:
        yield line


def port_of(url: str) -> int:
    return int(url.rstrip("/").rpartition(":")[2])


def ask(page: Page, server: Server) -> Any:
    """Ask the server for its state, without a page taking part."""
    return page.request.get(f"{server.url}state").json()


def open_live(page: Page, server: Server, url: str, query: str = "") -> None:
    page.goto(f"{url}connection{query}")
    expect(page.locator("#news")).to_have_text("open")
    wait_until(lambda: ask(page, server)["open"] == 2, lambda: f"two streams: {ask(page, server)}")


def expect_live(page: Page, server: Server, text: str) -> None:
    """Expect that what is broadcast from now on arrives; what was broadcast before may be lost."""

    def arrives() -> bool:
        # A server that has just been killed answers nobody.
        with suppress(Error):
            assert page.request.post(f"{server.url}say/{text}").ok
        page.wait_for_timeout(50)
        return page.locator("#news").inner_text() == text

    wait_until(arrives, lambda: f"{text!r}: {ask(page, server)}")


def expect_open_again(page: Page, opened: int) -> None:
    """Expect that both streams have opened; the page has to hold long waits.

    :param opened: how many had opened before.
    """
    wait_until(lambda: page.evaluate("opened") >= opened + 2, lambda: f"{page.evaluate('opened')} of {opened + 2}")


def words(page: Page) -> list[str]:
    return list(page.evaluate("words"))


def expect_words(page: Page, *expected: str) -> None:
    """Expect these words so far, and that none is shown now."""
    # The last of them may be taken back in this moment.
    wait_until(lambda: words(page) == list(expected), lambda: f"{words(page)} for {expected}", 5)
    expect(page.locator("#errors .error")).to_be_hidden()


def expect_shown(page: Page, text: str) -> None:
    expect(page.locator("#errors .error")).to_be_visible()
    expect(page.locator("#errors .error p")).to_have_text(text)


# The server planned it


@pytest.mark.parametrize("times", [1, 3])
def test_restarted_stream_is_no_lost_connection(server: Server, page: Page, times: int) -> None:
    open_live(page, server, server.url)
    for number in range(times):
        page.request.post(f"{server.url}end/restart")
        wait_until(lambda: ask(page, server)["open"] == 0, "no stream")
        expect_live(page, server, f"again-{number}")

    wait_until(lambda: ask(page, server)["open"] == 2, "two streams")
    expect_words(page)


def test_finished_stream_is_no_lost_connection(server: Server, page: Page) -> None:
    open_live(page, server, server.url, "?short")
    expect(page.locator("#short")).to_have_text("done")
    # As long as the client takes to ask once more, and longer.
    page.wait_for_timeout(2500)
    expect_words(page)

    page.request.post(f"{server.url}end/done")
    page.wait_for_timeout(2500)
    assert ask(page, server)["open"] == 0
    expect_words(page)


def test_maximum_age_is_no_lost_connection(servers: Any, page: Page) -> None:
    server = servers.start(
        APP,
        EXAMPLE_SECRET_KEY="only for tests",
        EXAMPLE_DATASTAR_RESTART_SPREAD_SECONDS="2",
        EXAMPLE_DATASTAR_KEEPALIVE_SECONDS="0.2",
        EXAMPLE_DATASTAR_STREAM_MAX_AGE_SECONDS="1",
    )
    page.goto(f"{server.url}connection")
    wait_until(lambda: ask(page, server)["ended"].get("age", 0) > 5, lambda: str(ask(page, server)))

    expect_live(page, server, "again")
    expect_words(page)


@pytest.mark.parametrize("how", ["reload", "restart"])
def test_deploy_is_no_lost_connection(server: Server, page: Page, noise: Any, how: str) -> None:
    noise.accept_in_browser(NO_CONNECTION)
    page.add_init_script(SLOW_CLOCK)
    open_live(page, server, server.url)
    worker = ask(page, server)["pid"]
    page.evaluate(STOP_CLOCK)
    getattr(server, how)()

    wait_until(lambda: is_another(page, server, worker), "another worker")
    expect_live(page, server, "after-it")
    expect_words(page)


def is_another(page: Page, server: Server, worker: int) -> bool:
    try:
        return bool(ask(page, server)["pid"] != worker)
    except Exception:
        return False


@pytest.fixture
def nginx(line: Forwarder, tmp_path: Path) -> Iterator[str]:
    """nginx in front of the line to the server, as it is configured in the example."""
    cluster, address = Cluster(tmp_path), f"127.0.0.1:{free_port()}"
    port = port_of(line.url)
    start_nginx(cluster, address, [port, port])
    try:
        wait_for_answer(cluster, f"http://{address}/")
        yield f"http://{address}/"
    finally:
        cluster.stop()


def test_deploy_behind_nginx_is_no_lost_connection(
    server: Server, page: Page, noise: Any, nginx: str, line: Forwarder
) -> None:
    noise.accept_in_browser(f"{NO_CONNECTION}|status of 502")
    page.add_init_script(SLOW_CLOCK)
    open_live(page, server, nginx)
    worker = ask(page, server)["pid"]
    # Streams end when their worker stops; then the page asks, at a time when nginx has nobody to pass it on to.
    line.refuse()
    server.reload()
    with page.expect_response(lambda response: response.status == 502):
        pass
    line.mend()

    wait_until(lambda: is_another(page, server, worker), "another worker")
    expect_live(page, server, "after-it")
    wait_until(lambda: ask(page, server)["open"] == 2, "two streams")
    expect_words(page)


# The connection is lost


def test_server_that_does_not_come_back_is_a_lost_connection(
    server: Server, page: Page, noise: Any, nginx: str
) -> None:
    noise.accept_in_browser(f"{NO_CONNECTION}|status of 502")
    open_live(page, server, nginx)
    server.stop()

    expect_shown(page, LOST)
    server.start_again()

    expect_live(page, server, "after-it")
    wait_until(lambda: ask(page, server)["open"] == 2, "two streams")
    expect_words(page, LOST, "")


@pytest.mark.parametrize("is_behind_nginx", [False, True], ids=["alone", "behind nginx"])
def test_killed_worker_is_a_lost_connection(
    server: Server, page: Page, noise: Any, nginx: str, is_behind_nginx: bool
) -> None:
    noise.accept_in_browser(f"{NO_CONNECTION}|status of 502")
    open_live(page, server, nginx if is_behind_nginx else server.url)
    os.kill(ask(page, server)["pid"], signal.SIGKILL)

    expect_live(page, server, "after-it")
    wait_until(lambda: ask(page, server)["open"] == 2, "two streams")
    expect_words(page, LOST, "")


def test_lost_line_is_a_lost_connection_until_it_is_mended(
    server: Server, page: Page, noise: Any, line: Forwarder
) -> None:
    noise.accept_in_browser(NO_CONNECTION)
    open_live(page, server, line.url)
    line.cut()
    expect_shown(page, LOST)

    line.mend()

    # The stream that never sends anything is open again, too.
    wait_until(lambda: ask(page, server)["open"] == 2, "two streams")
    expect_words(page, LOST, "")


@pytest.mark.parametrize("is_cut", [True, False], ids=["cut", "silent"])
def test_page_whose_network_returns_asks_at_once(
    server: Server, page: Page, noise: Any, line: Forwarder, is_cut: bool
) -> None:
    noise.accept_in_browser(f"{NO_CONNECTION}|ERR_INTERNET_DISCONNECTED")
    page.add_init_script(HOLD_LONG_WAITS)
    open_live(page, server, line.url)
    expect_live(page, server, "row-7")
    page.context.set_offline(True)
    if is_cut:
        line.cut()
    expect_shown(page, LOST)
    # Long enough for a wait of many seconds.
    page.wait_for_timeout(12_000)
    before, opened = len(ask(page, server)["asked"]), page.evaluate("opened")
    line.mend()
    page.context.set_offline(False)

    expect_open_again(page, opened)
    wait_until(lambda: ask(page, server)["open"] == 2, "two streams")
    expect_live(page, server, "after-it")
    expect_words(page, LOST, "")
    asked = ask(page, server)["asked"][before:]
    # An attempt of the client's own brings the last id along. (Chromium's cache may send another one twice.)
    assert set(asked) == ({"row-7"} if is_cut else {""})


def test_page_that_has_waited_for_long_asks_at_once_when_the_network_returns(
    server: Server, page: Page, noise: Any, line: Forwarder
) -> None:
    noise.accept_in_browser(NO_CONNECTION)
    page.add_init_script(HOLD_LONG_WAITS)
    open_live(page, server, line.url)
    # Nothing says to the browser that it is offline; so the client waits longer and longer.
    line.cut()
    wait_until(lambda: page.evaluate("heldWaits.size") >= 2, "a long wait of each stream")
    before, opened = len(ask(page, server)["asked"]), page.evaluate("opened")
    line.mend()
    page.evaluate("dispatchEvent(new Event('online'))")

    expect_open_again(page, opened)
    wait_until(lambda: ask(page, server)["open"] == 2, "two streams")
    # What had waited before does not ask as well.
    page.evaluate("releaseWaits()")
    page.wait_for_timeout(1000)
    assert set(ask(page, server)["asked"][before:]) == {""}
    assert ask(page, server)["open"] == 2
    expect_words(page, LOST, "")


def test_stream_that_is_done_is_not_asked_for_when_the_network_returns(server: Server, page: Page) -> None:
    open_live(page, server, server.url)
    page.request.post(f"{server.url}end/done")
    page.wait_for_timeout(2500)
    asked = ask(page, server)["asked"]

    page.evaluate("dispatchEvent(new Event('online'))")
    page.wait_for_timeout(1000)

    assert ask(page, server)["asked"] == asked
    assert ask(page, server)["open"] == 0


def test_stream_whose_element_is_gone_is_not_asked_for_when_the_network_returns(server: Server, page: Page) -> None:
    open_live(page, server, server.url)
    asked = ask(page, server)["asked"]
    page.evaluate("document.querySelectorAll('[data-init]').forEach((one) => one.remove())")
    wait_until(lambda: ask(page, server)["open"] == 0, "no stream")

    page.evaluate("dispatchEvent(new Event('online'))")
    page.wait_for_timeout(1000)

    assert ask(page, server)["asked"] == asked


# A stream that never sends anything


@pytest.mark.parametrize(
    ("how", "expected"), [("restart", ()), ("reload", ()), ("kill", (LOST, "")), ("cut", (LOST, ""))]
)
def test_page_whose_only_stream_is_quiet(
    server: Server, page: Page, noise: Any, line: Forwarder, how: str, expected: tuple[str, ...]
) -> None:
    noise.accept_in_browser(NO_CONNECTION)
    page.goto(f"{line.url}connection?alone")
    wait_until(lambda: page.evaluate("opened") == 1, "a stream")
    if how == "restart":
        page.request.post(f"{server.url}end/restart")
    elif how == "reload":
        server.reload()
    elif how == "kill":
        os.kill(ask(page, server)["pid"], signal.SIGKILL)
    else:
        line.cut()
        expect_shown(page, LOST)
        line.mend()

    wait_until(lambda: page.evaluate("opened") == 2, "the stream again")
    expect_words(page, *expected)
    # Longer than a keep-alive, which is all that follows.
    page.wait_for_timeout(1500)
    expect_words(page, *expected)


# Others than streams


def test_action_that_asks_again_and_again_is_no_lost_connection(server: Server, page: Page) -> None:
    open_live(page, server, server.url)
    page.click("#poll")
    wait_until(lambda: page.locator("#polls").inner_text() >= "4", "several answers")

    expect_words(page)


def test_error_of_an_action_is_shown_beside_a_living_stream(server: Server, page: Page, noise: Any) -> None:
    noise.expect_in_browser("status of 500")
    noise.expect_in_log("ZeroDivisionError")
    open_live(page, server, server.url)
    page.click("#fail")
    expect_shown(page, "The server could not do this (status 500).")

    expect_live(page, server, "still-live")

    assert words(page) == ["The server could not do this (status 500)."]


def test_stream_that_cannot_be_opened_is_an_error_until_it_can(server: Server, page: Page, noise: Any) -> None:
    noise.expect_in_browser("status of 503")
    is_full = {"yes": True}
    page.route(
        "**/connection/news**",
        lambda route: route.fulfill(status=503) if is_full["yes"] else route.continue_(),
    )
    page.goto(f"{server.url}connection")
    expect_shown(page, "The server is busy or away; this may be done or not (status 503).")
    is_full["yes"] = False

    expect_live(page, server, "open-at-last")
    expect(page.locator("#errors .error")).to_be_hidden()


def test_page_of_a_stream_that_fails_asks_later_and_of_one_that_is_refused_as_its_client_does(
    server: Server, open_page: Callable[..., Page], noise: Any
) -> None:
    noise.expect_in_browser("status of 503")
    page = open_page()

    def asked() -> dict[str, list[str]]:
        found: dict[str, list[str]] = page.request.get(f"{server.url}failed").json()
        return found

    page.goto(f"{server.url}connection/failing?name=fails")
    expect_shown(page, LOST)
    wait_until(lambda: len(asked()["fails"]) == 2, lambda: f"a second request: {asked()}")
    # After two seconds, which the end of the first response asks for; the next wait is twice as long.
    assert asked()["fails"] == ["", "ds:restart:1:"]
    expect_shown(page, LOST)

    page.goto(f"{server.url}connection/failing?name=refuses")
    expect_shown(page, "The server is busy or away; this may be done or not (status 503).")
    # A status is repeated by the client itself: version 1.0.1 does so each second.
    wait_until(lambda: len(asked()["refuses"]) == 2, lambda: f"requests for a 503: {asked()}")
    assert set(asked()["refuses"]) == {""}
