"""The cookbook's recipes for messages, as a person uses them."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.live.recipes import check_page


def test_toast_appears_and_leaves_by_itself(example, page):
    page.clock.install()
    page.goto(f"{example.url}cookbook/toast")
    page.get_by_label("Name").fill("<b>Plan</b>")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="Save", exact=True).press("Enter")
    toasts = page.locator("#toasts .toast")
    expect(toasts).to_contain_text(["“<b>Plan</b>” is saved."] * 2)
    check_page(page)

    page.get_by_role("button", name="Dismiss").first.click()
    expect(toasts).to_have_count(1)
    page.clock.run_for(6_000)
    expect(toasts).to_have_count(0)
