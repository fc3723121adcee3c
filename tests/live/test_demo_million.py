"""The million checkboxes: scrolled, clicked and reached by keyboard, and shown to others."""

from __future__ import annotations

from playwright.sync_api import Page, expect


def box(page: Page, number: int):
    return page.locator(f"#b{number}")


def test_two_browsers_share_a_million_boxes(example, open_page):
    ann, bob = open_page(viewport={"width": 1200, "height": 800}), open_page(viewport={"width": 360, "height": 740})
    for page in (ann, bob):
        page.goto(f"{example.url}million")
        expect(box(page, 1)).to_be_visible()

    # What one checks and clears, the other one sees.
    box(ann, 27).check()
    expect(box(bob, 27)).to_be_checked()
    box(bob, 27).uncheck()
    expect(box(ann, 27)).not_to_be_checked()

    # Scrolling shows other boxes, and as few as before.
    ann.locator("#view").evaluate("view => view.scrollTop = view.scrollHeight / 2")
    expect(box(ann, 500_001)).to_be_visible()
    expect(box(ann, 1)).to_have_count(0)
    expect(ann.locator("#boxes input")).to_have_count(1500)

    # Somebody who goes to a box by its number gets the focus there, and clicks meet.
    bob.get_by_label("Go to box").fill("500030")
    bob.get_by_role("button", name="Go", exact=True).click()
    expect(box(bob, 500_030)).to_be_focused()
    bob.keyboard.press("Space")
    expect(box(ann, 500_030)).to_be_checked()

    # The arrow keys go along the rows of each width, past the end of the first window.
    bob.keyboard.press("ArrowDown")
    expect(box(bob, 500_040)).to_be_focused()
    bob.keyboard.press("ArrowLeft")
    expect(box(bob, 500_039)).to_be_focused()
    bob.keyboard.press("Space")
    expect(box(ann, 500_039)).to_be_checked()
    expect(box(bob, 500_039)).to_be_focused()
    ann.get_by_label("Go to box").fill("1000000")
    ann.keyboard.press("Enter")
    expect(box(ann, 1_000_000)).to_be_focused()

    # What was clicked is there for whoever comes back.
    ann.reload()
    ann.get_by_label("Go to box").fill("500030")
    ann.keyboard.press("Enter")
    expect(box(ann, 500_030)).to_be_checked()
    for page in (ann, bob):
        expect(page.locator("#total")).to_have_text("2")
