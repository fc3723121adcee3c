"""A real gunicorn with gevent, and a real Chromium with the real client.

Nothing here is skipped: what is missing is an error that says how to get it. Whatever a test leaves behind in the
browser's console or in a server's log as an error fails that test, unless it said before that it expects it.

``DATASTAR_CLIENT=path`` runs all of them with another client's file.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect, sync_playwright

from tests.live.noise import Noise
from tests.live.recipes import WIDE
from tests.live.servers import DEADLINE_SECONDS, ROOT, Server, Servers
from tests.live.starting import wait_for_clients

CLIENT = ROOT / "example" / "static" / "datastar.js"

#: Another client than the one that is fetched; None for that one.
OWN_CLIENT = os.environ.get("DATASTAR_CLIENT")

DISABLED_FEATURES = [
    # Suggestions below the address bar, for which every window starts a process of its own: half of what a test costs.
    *["WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup"],
    # A process for a page that may come: most visitors of a test open one page.
    "SpareRendererForSitePerProcess",
    # Playwright's own, which Chromium would forget, because it goes by the last list.
    *["AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades", "PaintHolding"],
    *["HttpsFirstBalancedModeAutoEnable", "LensOverlay", "MediaRouter", "ThirdPartyStoragePartitioning"],
    *["AvoidCorsURLLoaderRestartOnRedirect", "OptimizationHints", "NetworkTimeServiceQuerying", "AimEnabled"],
    "PreconnectToSearch",
]

ARGUMENTS = [
    *["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
    *["--disable-sync", "--no-first-run", f"--disable-features={','.join(DISABLED_FEATURES)}"],
]

# What pages keep beside cookies.
FORGET = "() => { try { localStorage.clear(); sessionStorage.clear() } catch {} }"

# They are applications for the servers below; the test process itself does not import them.
collect_ignore = ["apps"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    folder = f"{Path(__file__).parent}/"
    for item in items:
        if str(item.path).startswith(folder):
            item.add_marker(pytest.mark.live)


# To the end of this package, not of the session: while Playwright runs, an event loop runs in this thread, in which
# async handlers cannot be tested.
@pytest.fixture(scope="package")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    if not CLIENT.exists():
        pytest.fail(f"{CLIENT} is missing: python example/fetch_client.py fetches it")
    servers = Servers(tmp_path_factory.mktemp("servers"))
    yield servers
    servers.stop()


@pytest.fixture(autouse=True)
def noise(servers: Servers) -> Iterator[Noise]:
    lengths = {id(server): len(server.log()) for server in servers.running.values()}
    noise = Noise()
    yield noise
    log = "".join(server.log()[lengths.get(id(server), 0) :] for server in servers.running.values())
    # Shown by pytest when the test has failed.
    print(log)
    noise.check(log)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    # The same engine without windows, which cost a third of what a page does. Not every system has it as a package.
    executable = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if executable is None:
        pytest.fail("chromium is missing: as root on Debian `make test` installs it, else: apt-get install chromium")
    expect.set_options(timeout=DEADLINE_SECONDS * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable,
            args=ARGUMENTS,
        )
        yield browser
        browser.close()


def route_client(context: BrowserContext) -> None:
    """Serve another client's file to a visitor, if the tests run with one."""
    if OWN_CLIENT is not None:
        context.route("**/static/datastar.js", lambda route: route.fulfill(path=OWN_CLIENT))


@pytest.fixture
def open_page(browser: Browser, noise: Noise) -> Iterator[Callable[..., Page]]:
    """Open pages as separate visitors; keyword arguments are those of Playwright's ``new_context``."""
    contexts = []

    def open_page(**options: object) -> Page:
        context = browser.new_context(**options)
        context.set_default_timeout(DEADLINE_SECONDS * 1000)
        noise.watch(context)
        route_client(context)
        if options.get("java_script_enabled", True):
            wait_for_clients(context)
        contexts.append(context)
        return context.new_page()

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="package")
def visitors(browser: Browser) -> Iterator[list[Page]]:
    """The pages of two visitors who stay from test to test: new ones would cost more than what most tests do."""
    contexts = [browser.new_context(viewport=WIDE) for _ in range(2)]
    for context in contexts:
        context.set_default_timeout(DEADLINE_SECONDS * 1000)
        route_client(context)
        wait_for_clients(context)
    yield [context.new_page() for context in contexts]
    for context in contexts:
        context.close()


def visit(page: Page, noise: Noise) -> Iterator[Page]:
    context = page.context
    context.clear_cookies()
    page.set_viewport_size(WIDE)
    listeners: list[tuple[str, Callable[..., object]]] = []
    listen = page.on

    def listen_for_now(event: str, call: Callable[..., object]) -> None:
        listen(event, call)
        listeners.append((event, call))

    page.on = listen_for_now  # type: ignore[assignment, method-assign]
    with noise.watching(context):
        yield page
        page.on = listen  # type: ignore[method-assign]
        for event, call in listeners:
            page.remove_listener(event, call)
        page.unroute_all()
        for other in context.pages:
            if other is not page:
                other.close()
        # A page that is just on its way to another one cannot be asked.
        with suppress(Error):
            page.evaluate(FORGET)
        page.goto("about:blank", wait_until="commit")
        # Now, when nobody asks for anything as soon as the network is back.
        context.set_offline(False)


@pytest.fixture
def page(visitors: list[Page], noise: Noise) -> Iterator[Page]:
    """A visitor without a past, at 1,200 pixels: what cannot be taken back needs ``open_page``.

    That is a clock, or a script that runs before those of each page.
    """
    yield from visit(visitors[0], noise)


@pytest.fixture
def ann(page: Page) -> Page:
    """The same, in tests with two visitors."""
    return page


@pytest.fixture
def bob(visitors: list[Page], noise: Noise) -> Iterator[Page]:
    """Another visitor."""
    yield from visit(visitors[1], noise)


@pytest.fixture(scope="package")
def caching_browser(browser: Browser) -> Iterator[Browser]:
    """A browser with the back-forward cache, which Playwright switches off."""
    caching_browser = browser.browser_type.launch(
        executable_path=shutil.which("chromium"),
        args=ARGUMENTS,
        ignore_default_args=["--disable-back-forward-cache"],
    )
    yield caching_browser
    caching_browser.close()


@pytest.fixture
def caching_page(caching_browser: Browser, noise: Noise) -> Iterator[Page]:
    context = caching_browser.new_context()
    noise.watch(context)
    route_client(context)
    yield context.new_page()
    context.close()


@pytest.fixture
def example(servers: Servers) -> Server:
    return servers.start(
        "example:create_app()",
        EXAMPLE_IMPORT_PAUSE_SECONDS="0.02",
        EXAMPLE_SECRET_KEY="only for tests",
        EXAMPLE_SQLALCHEMY_DATABASE_URI=f"sqlite:///{servers.folder / 'example.sqlite'}",
        EXAMPLE_DATASTAR_RESTART_SPREAD_SECONDS="2",
    )
