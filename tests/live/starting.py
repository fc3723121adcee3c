"""A page is there when its client has started: a click or a key before that reaches nobody.

The client starts a moment after the page has been loaded, on a busy machine a longer one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import BrowserContext, Page

_NOTE_START = "document.addEventListener('datastar-ready', () => { window.clientHasStarted = true })"
_HAS_STARTED = "() => !document.querySelector('script[type=module]') || window.clientHasStarted === true"


def wait_for_client(page: Page) -> None:
    """Wait until the client of a page has started, if it has one."""
    # Not with every frame that is painted: a page in the background is not.
    page.wait_for_function(_HAS_STARTED, polling=20)


def wait_for_clients(context: BrowserContext) -> None:
    """Let all ways to another page that tests take end when its client has started."""
    context.add_init_script(_NOTE_START)
    context.on("page", _wait_after_navigations)


def _wait_after_navigations(page: Page) -> None:
    for name in ("goto", "reload", "wait_for_url"):
        setattr(page, name, _waiting(page, getattr(page, name)))


def _waiting(page: Page, navigate: Callable[..., Any]) -> Callable[..., Any]:
    def navigate_and_wait(*arguments: Any, **options: Any) -> Any:
        result = navigate(*arguments, **options)
        # Who asks for less than a loaded page has another one in mind.
        if "wait_until" not in options:
            wait_for_client(page)
        return result

    return navigate_and_wait
