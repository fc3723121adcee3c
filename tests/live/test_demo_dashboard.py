"""The dashboard: its figures and its chart follow what the other demos commit."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.live.board import STREAM, add, join_board


def figure(page: Page, name: str) -> int:
    return int(page.locator("#figures div", has_text=name).locator("dd").inner_text())


def expect_figure(page: Page, name: str, value: int) -> None:
    expect(page.locator("#figures div", has_text=name).locator("dd")).to_have_text(str(value))


def test_dashboard_follows_the_other_demos(example, open_page):
    dashboard, board = open_page(), join_board(open_page(), example.url, "Dora")
    with dashboard.expect_request(lambda request: "/dashboard?datastar=" in request.url):
        dashboard.goto(f"{example.url}dashboard")
    expect(dashboard.locator("#people")).to_contain_text("Dora")
    number, done, left = (figure(dashboard, name) for name in ("on the board", "done", "left to do"))
    to_do = int(dashboard.locator("#chart text").first.text_content())
    dashboard.locator("#bar-0").evaluate("bar => { bar.isKept = true }")

    add(board, "A card for the chart")
    expect_figure(dashboard, "on the board", number + 1)
    expect(dashboard.locator("#chart text").first).to_have_text(str(to_do + 1))
    # The image was morphed, and the browser draws it.
    assert dashboard.locator("#bar-0").evaluate("bar => bar.isKept && bar.getBBox().height > 0")

    card = board.locator("#column-0 li", has_text="A card for the chart").last
    card.get_by_role("button", name="Move on").click()
    card = board.locator("#column-1 li", has_text="A card for the chart").last
    card.get_by_role("button", name="Move on").click()
    expect_figure(dashboard, "done", done + 1)
    expect(dashboard.locator("#chart text").first).to_have_text(str(to_do))

    board.goto(f"{example.url}todo")
    board.get_by_label("New entry").fill("An entry for the figures")
    board.get_by_role("button", name="Add").click()
    expect_figure(dashboard, "left to do", left + 1)
    # Dora has left the board.
    expect(dashboard.locator("#people")).not_to_contain_text("Dora")


def test_people_who_look_at_the_dashboard_are_not_on_the_board(example, open_page):
    dashboard = open_page()
    with dashboard.expect_request(lambda request: "/dashboard?datastar=" in request.url):
        dashboard.goto(f"{example.url}dashboard")
    board = join_board(open_page(), example.url, "Emil")

    expect(dashboard.locator("#people")).to_have_text("Here now: Emil")
    with board.expect_request(STREAM):
        board.reload()
    expect(dashboard.locator("#people")).to_have_text("Here now: Emil")
