"""The board as a person uses it: with the mouse, by keys alone, on a telephone, and through a bad network."""

from __future__ import annotations

import sqlite3

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.live.board import STREAM, add, cards, delete, join_board
from tests.live.recipes import NARROW, WIDE, check_page, deliver_close, hold_close
from tests.live.servers import DEADLINE_SECONDS

# Stops the time of toasts while they are in view: a busy machine has all the time that it needs to look at them.
_HOLD = "#changes p { animation-delay: -4s; animation-play-state: paused }"
_FINISH = "document.getAnimations().forEach((one) => one.finish())"


@pytest.fixture
def pair(servers, example, ann, bob) -> tuple[Page, Page]:
    """Ann and Bob at an empty board."""
    with sqlite3.connect(servers.folder / "example.sqlite", timeout=DEADLINE_SECONDS) as connection:
        connection.executescript("delete from card; delete from change; delete from notice")
    for page, name in ((ann, "Ann"), (bob, "Bob")):
        join_board(page, example.url, name)
        page.add_style_tag(content=_HOLD)
        page.set_viewport_size({**WIDE, "height": 1100})
    return ann, bob


def card(page: Page, text: str) -> Locator:
    return page.locator("#board li", has_text=text)


def grab(page: Page, text: str) -> None:
    """Start to drag a card."""
    box = card(page, text).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 40, box["y"] + 15)
    page.mouse.down()
    page.mouse.move(box["x"] + 45, box["y"] + 20)


def carry(page: Page, place: Locator, height: float) -> None:
    """Carry the card to a place: a card or a column, and how far down in it, from 0 to 1."""
    box = place.bounding_box()
    assert box is not None
    for step in (0, 2):
        page.mouse.move(box["x"] + 60 + step, box["y"] + height * box["height"])


def expect_cards(pages: tuple[Page, ...], column: str, texts: list[str]) -> None:
    for page in pages:
        expect(cards(page, column)).to_have_text(texts)


def test_cards_are_dragged_and_everybody_sees_it(pair):
    ann, bob = pair
    for text in ("Milk", "Bread", "Tea"):
        add(ann, text)
    expect_cards(pair, "To do", ["Milk", "Bread", "Tea"])

    grab(ann, "Tea")
    carry(ann, card(ann, "Milk"), 0.2)
    expect(card(ann, "Milk")).to_have_class("below")
    expect(card(ann, "Tea")).to_have_class("dragged")
    ann.mouse.up()
    expect_cards(pair, "To do", ["Tea", "Milk", "Bread"])
    expect(ann.locator("#board :is(.dragged, .below, .over)")).to_have_count(0)

    # The lower half of a card means below it, and anywhere else in a column means last, whatever others do meanwhile.
    grab(ann, "Tea")
    carry(ann, card(ann, "Milk"), 0.8)
    ann.mouse.up()
    expect_cards(pair, "To do", ["Milk", "Tea", "Bread"])
    grab(ann, "Milk")
    carry(ann, ann.locator("#column-1"), 0.9)
    expect(ann.locator("#column-1")).to_have_class("over")
    add(bob, "Eggs")
    expect(cards(ann, "To do")).to_have_text(["Milk", "Tea", "Bread", "Eggs"])
    expect(ann.locator("#column-1")).to_have_class("over")
    ann.mouse.up()
    expect_cards(pair, "Doing", ["Milk"])
    expect_cards(pair, "To do", ["Tea", "Bread", "Eggs"])

    toast = ann.locator("#changes p", has_text="You moved “Milk” to “Doing”")
    expect(toast).to_be_visible()
    expect(bob.locator("#changes p", has_text="Ann moved “Milk” to “Doing”")).to_be_visible()
    expect(bob.locator("#changes").get_by_role("button")).to_have_count(0)
    check_page(ann)
    toast.get_by_role("button", name="Undo").click()
    expect_cards(pair, "To do", ["Milk", "Tea", "Bread", "Eggs"])

    # A card that is let go beside the board stays where it is, and so does one that comes back.
    ann.set_viewport_size({**WIDE, "height": 1100})
    grab(ann, "Tea")
    carry(ann, ann.locator("#column-1"), 0.5)
    carry(ann, ann.locator("h1"), 0.5)
    expect(ann.locator("#board :is(.below, .over)")).to_have_count(0)
    ann.mouse.up()
    grab(ann, "Tea")
    carry(ann, card(ann, "Bread"), 0.2)
    ann.mouse.up()
    add(ann, "Rice")
    expect_cards(pair, "To do", ["Milk", "Tea", "Bread", "Eggs", "Rice"])

    # A card that somebody deletes meanwhile is gone.
    grab(ann, "Rice")
    delete(bob, "Rice")
    expect_cards(pair, "To do", ["Milk", "Tea", "Bread", "Eggs"])
    carry(ann, ann.locator("#column-2"), 0.5)
    ann.mouse.up()
    expect(ann.locator("#board :is(.dragged, .below, .over)")).to_have_count(0)
    # Toasts leave by themselves, and a reload brings none back.
    ann.evaluate(_FINISH)
    expect(ann.locator("#changes p").filter(visible=True)).to_have_count(0)
    with ann.expect_response(STREAM):
        ann.reload()
    expect_cards(pair, "To do", ["Milk", "Tea", "Bread", "Eggs"])
    expect(ann.locator("#changes p").filter(visible=True)).to_have_count(0)


def test_board_works_by_keys_alone(pair):
    ann, bob = pair
    for text in ("Milk", "Bread"):
        add(ann, text)
    expect_cards(pair, "To do", ["Milk", "Bread"])
    for page in pair:
        page.set_viewport_size(NARROW)
    down = ann.get_by_role("button", name="Move down: Milk")
    down.press("Enter")
    expect_cards(pair, "To do", ["Bread", "Milk"])
    expect(down).to_be_focused()
    expect(down).to_be_disabled()

    # Faces say who edits a card.
    bob.get_by_role("button", name="Edit: Bread").press("Enter")
    face = card(ann, "Bread").locator(".face")
    expect(face).to_have_text("Bob")
    # In the colour that it has above; the Bob of an earlier test may still be there.
    colours = "faces => faces.map((face) => face.getAttribute('style'))"
    assert face.get_attribute("style") in ann.locator("#people .face", has_text="Bob").evaluate_all(colours)

    cross, dialog = ann.get_by_role("button", name="Delete: Milk"), ann.get_by_role("alertdialog")
    cross.press("Enter")
    expect(dialog.get_by_role("button", name="Keep it")).to_be_focused()
    check_page(ann)
    # The event comes with the next frame; who presses the button before that opens the dialog, and it stays open.
    hold_close(dialog)
    ann.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(cross).to_be_focused()
    ann.keyboard.press("Enter")
    expect(dialog).to_be_visible()
    deliver_close(ann)
    expect(dialog).to_have_accessible_name("Delete “Milk”?")
    ann.keyboard.press("Tab")
    ann.keyboard.press("Enter")
    expect_cards(pair, "To do", ["Bread"])
    expect(ann.locator("#column-0")).to_be_focused()
    expect(bob.locator("#changes p", has_text="Ann deleted “Milk”")).to_be_visible()

    # In a field, Ctrl+Z is the field's; elsewhere it takes back the last change, and this as well.
    ann.get_by_label("New card").press("Control+z")
    ann.get_by_role("button", name="Edit: Bread").focus()
    ann.keyboard.press("Control+z")
    expect_cards(pair, "To do", ["Bread", "Milk"])
    expect(ann.locator("#changes p", has_text="You put “Milk” back")).to_be_visible()
    ann.keyboard.press("Control+z")
    expect_cards(pair, "To do", ["Bread"])
    ann.emulate_media(color_scheme="dark")
    check_page(ann)
    ann.emulate_media(color_scheme="light")


def test_lost_network_loses_and_doubles_nothing(pair, noise):
    ann, bob = pair
    for text in ("Milk", "Bread"):
        add(ann, text)
    expect_cards(pair, "To do", ["Milk", "Bread"])
    noise.accept_in_browser("ERR_INTERNET_DISCONNECTED|Failed to fetch|failed to reach|network error")

    ann.context.set_offline(True)
    grab(ann, "Bread")
    carry(ann, card(ann, "Milk"), 0.2)
    ann.mouse.up()
    ann.get_by_role("button", name="Move on: Milk").click()
    expect(ann.get_by_role("alert")).to_contain_text("The connection is lost")
    bob.get_by_role("button", name="Move down: Milk").click()
    expect(cards(bob, "To do")).to_have_text(["Bread", "Milk"])
    ann.context.set_offline(False)

    expect_cards(pair, "To do", ["Bread"])
    expect_cards(pair, "Doing", ["Milk"])
    expect(ann.get_by_role("alert")).not_to_contain_text("The connection is lost")
    assert ann.locator("#changes p", has_text="You moved “Milk” to “Doing”").count() == 1
