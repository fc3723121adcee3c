"""What is checked on every page of the cookbook: at both widths, whatever its test has done before."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

WIDE, NARROW = {"width": 1200, "height": 800}, {"width": 360, "height": 740}
_RUN_AXE = """axe.run({resultTypes: ['violations']}).then(
  ({violations}) => violations.map(({id, nodes}) => [id, ...nodes.map(({html}) => html)]))"""


def check_page(page: Page) -> None:
    """Check a page at 1,200 px and 360 px: it fits, and axe-core has no objection. The console is watched anyway."""
    page.evaluate(Axe().axe_script + "; 0")
    for size in (WIDE, NARROW):
        page.set_viewport_size(size)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= size["width"], f"the page is {width} pixels wide"
        violations = page.evaluate(_RUN_AXE)
        assert not violations, f"at {size['width']} pixels: {violations}"
