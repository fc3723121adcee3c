"""The tab of ``flask_datastar.testing`` against the browser: pages in which both do the same and must come to the same.

After each gesture the signals, the document, what is entered in fields, the focus, title, URL and requests are
compared.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Error, Page

from flask_datastar.testing import DatastarClient
from tests.live.apps.corpus import CASES, app
from tests.live.corpus.case import Case
from tests.live.corpus.drivers import in_browser, in_tab
from tests.live.corpus.states import READ, WATCH, browser_state, tab_state
from tests.live.servers import Server, Servers


@pytest.fixture(scope="module")
def corpus(servers: Servers) -> Server:
    return servers.start("tests.live.apps.corpus:app", ready="elsewhere")


@pytest.fixture(scope="module")
def watched(browser: Browser, corpus: Server) -> Iterator[Page]:
    """A page that notes its requests, and says when nothing more is to come; it goes from case to case."""
    context = browser.new_context()
    context.add_init_script(WATCH)
    page = context.new_page()
    page.goto(f"{corpus.url}elsewhere")
    yield page
    context.close()


@pytest.fixture
def failures(watched: Page) -> Iterator[list[object]]:
    """What fails in a page that has no past."""
    # The page of the case before has nothing to do any more.
    watched.evaluate("localStorage.clear(); sessionStorage.clear()")
    watched.context.clear_cookies()
    watched.mouse.move(0, 0)
    failures: list[object] = []

    def note(error: Error) -> None:
        failures.append(error)

    watched.on("pageerror", note)
    yield failures
    watched.remove_listener("pageerror", note)


def test_corpus_is_large() -> None:
    assert sum(1 + len(case.steps) for case in CASES.values()) >= 350


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_tab_agrees_with_browser(case: Case, watched: Page, corpus: Server, failures: list[object]) -> None:
    watched.goto(f"{corpus.url}p/{case.name}")
    with DatastarClient(app) as tab:
        tab.load(f"/p/{case.name}")
        assert tab_state(tab) == browser_state(watched.evaluate(READ))
        for step in case.steps:
            failures.clear()
            in_browser(watched, *step)
            expected = browser_state(watched.evaluate(READ))
            has_failed = in_tab(tab, *step)
            assert (step, tab_state(tab)) == (step, expected)
            assert (step, has_failed) == (step, bool(failures))
