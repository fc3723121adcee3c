"""What is checked on every page of the cookbook: at both widths, whatever its test has done before."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page

WIDE, NARROW = {"width": 1200, "height": 800}, {"width": 360, "height": 740}
_RUN_AXE = """axe.run({resultTypes: ['violations']}).then(
  ({violations}) => violations.map(({id, nodes}) => [id, ...nodes.map(({html}) => html)]))"""

_HOLD_CLOSE = """dialog => document.addEventListener('close', event => {
  event.stopImmediatePropagation()
  window.deliverClose = () => dialog.dispatchEvent(new Event('close'))
}, {capture: true, once: true})"""


def hold_close(dialog: Locator) -> None:
    """Hold back a dialog's next event `close`, as a late frame does, until :func:`deliver_close`."""
    dialog.evaluate(_HOLD_CLOSE)


def deliver_close(page: Page) -> None:
    """Deliver the event that :func:`hold_close` holds back, once it is there."""
    page.wait_for_function("window.deliverClose", polling=20)
    page.evaluate("deliverClose()")


def load_axe(page: Page) -> None:
    """Load axe-core into a document, which costs about as much as it costs to run it."""
    page.evaluate(Axe().axe_script + "; 0")


def expect_accessible(page: Page, how: str) -> None:
    """Check that axe-core has no objection to a document into which it has been loaded.

    :param how: the state of the page, for the message of a failure.
    """
    violations = page.evaluate(_RUN_AXE)
    assert not violations, f"{how}: {violations}"


def check_page(page: Page) -> None:
    """Check a page at 1,200 px and 360 px: it fits, and axe-core has no objection. The console is watched anyway."""
    load_axe(page)
    for size in (WIDE, NARROW):
        page.set_viewport_size(size)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= size["width"], f"the page is {width} pixels wide"
        expect_accessible(page, f"at {size['width']} pixels")
