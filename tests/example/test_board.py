from __future__ import annotations

import pytest
from flask import Flask

from example import cards
from example.extensions import db
from flask_datastar.testing import DatastarClient
from tests.example.conftest import Visit


@pytest.fixture
def ada(visit: Visit) -> DatastarClient:
    return joined(visit, "Ada")


@pytest.fixture
def bob(visit: Visit) -> DatastarClient:
    return joined(visit, "Bob")


def joined(visit: Visit, name: str) -> DatastarClient:
    visitor = visit("/board")
    visitor.fill(label="Your name", value=name)
    visitor.click(text="Join")
    assert f"You are {name}." in visitor.text("main")
    return visitor


def add(visitor: DatastarClient, *texts: str) -> None:
    for text in texts:
        visitor.fill(label="New card", value=text)
        visitor.click(text="Add")


def wait_for_cards(visitor: DatastarClient, column: int, *cards: int) -> None:
    """Wait until cards are below one another in a column."""
    visitor.wait_for(f"#column-{column}-cards > {' + '.join(f'#card-{card}' for card in cards)}")


def number_of(visitor: DatastarClient, text: str) -> int:
    return int(visitor.find(f"button[aria-label='Edit: {text}']").attributes["id"].split("-")[1])


def confirm(visitor: DatastarClient, text: str, answer: str = "Delete") -> None:
    visitor.click(f"button[aria-label='Delete: {text}']")
    assert f"Delete “{text}”?" in visitor.text("#delete")
    visitor.click("#delete button:first-child" if answer == "Keep it" else "#delete button:last-child")


def test_card_appears_in_all_browsers(ada: DatastarClient, bob: DatastarClient) -> None:
    add(ada, "Shared card")

    bob.wait_for(text="Shared card")
    assert ada.value(label="New card") == ""


def test_cards_move_and_their_author_is_told(ada: DatastarClient, bob: DatastarClient) -> None:
    add(ada, "Moving card")
    bob.wait_for(text="Moving card")

    bob.click("button[aria-label='Move on: Moving card']")

    ada.wait_for("#column-1-cards", text="Moving card")
    ada.wait_for("#notices", text="Bob moved your card to “Doing”: Moving card")
    assert "Moving card" not in bob.text("#notices")
    ada.click("#notices button")
    assert ada.text("#notices") == ""


def test_first_and_last_column_are_ends(ada: DatastarClient) -> None:
    add(ada, "Restless card")
    card = ada.find(text="Restless card")
    assert card.is_visible
    for _ in range(2):
        ada.click("button[aria-label='Move on: Restless card']")
    assert "Restless card" in ada.text("#column-2-cards")

    # The button keeps the focus, and does nothing.
    assert ada.find("button[aria-label='Move on: Restless card']").attributes["aria-disabled"] == "true"
    assert ada.find("button[aria-label='Move on: Restless card']").has_focus
    assert ada.click("button[aria-label='Move on: Restless card']") is None
    # One's own notices would be noise.
    assert ada.text("#notices") == ""


def test_cards_are_sorted(ada: DatastarClient, bob: DatastarClient) -> None:
    add(ada, "First", "Second", "Third")
    first, second, third = (number_of(ada, name) for name in ("First", "Second", "Third"))

    ada.click("button[aria-label='Move up: Third']")
    wait_for_cards(ada, 0, first, third, second)
    ada.click("button[aria-label='Move down: First']")
    wait_for_cards(bob, 0, third, first, second)
    ada.post("board.drop", card=second, column=0, before=third)
    wait_for_cards(bob, 0, second, third, first)

    # Between two columns: last, then above a card.
    ada.post("board.drop", card=first, column=1)
    ada.post("board.drop", card=third, column=1, before=first)
    wait_for_cards(bob, 1, third, first)
    # On itself, and into columns that do not exist: nothing happens. Above a card that has gone elsewhere: last.
    ada.post("board.drop", card=third, column=1, before=third)
    ada.post("board.drop", card=third, column=3)
    ada.post("board.drop", card=third, column=-1)
    wait_for_cards(bob, 1, third, first)
    ada.post("board.drop", card=third, column=1, before=second)
    wait_for_cards(bob, 1, first, third)


def test_card_moves_while_another_process_moves_it(ada: DatastarClient, app: Flask) -> None:
    add(ada, "Wanted card")
    with app.app_context():
        card = cards.find_card(number_of(ada, "Wanted card"))
        assert card is not None
        with db.engine.begin() as other:
            other.execute(db.update(cards.Card).where(cards.Card.id == card.id).values(column=1))
        cards.put(card, cards.Person("x", "X"), cards.Place(2))
        db.session.commit()

    ada.wait_for("#column-2-cards", text="Wanted card")


def test_card_is_edited_and_deleted(ada: DatastarClient, bob: DatastarClient) -> None:
    add(ada, "Typo cadr")
    ada.click("button[aria-label='Edit: Typo cadr']")
    ada.fill(label="Change the card", value="No typo")
    ada.click(text="Save")
    bob.wait_for(text="No typo")

    confirm(bob, "No typo", "Keep it")
    assert not bob.is_visible("#delete")
    confirm(bob, "No typo")

    ada.wait_for("#notices", text="Bob deleted your card: No typo")
    assert ada.find_all(text="No typo") == []
    assert not bob.is_visible("#delete")


def test_deletion_is_undone(ada: DatastarClient, bob: DatastarClient) -> None:
    add(ada, "Above", "Between", "Below")
    above, between, below = (number_of(ada, name) for name in ("Above", "Between", "Below"))
    confirm(ada, "Between")
    wait_for_cards(bob, 0, above, below)
    # Clicks of others that are late do not bring it back.
    bob.post("board.move", card=between, step=1)
    bob.post("board.shift", card=between, by=1)
    bob.post("board.drop", card=between, column=1)
    assert "Between" not in bob.text("#board")

    ada.click("button[aria-label='Undo: deleted “Between”']")

    wait_for_cards(bob, 0, above, between, below)
    bob.wait_for("#changes", text="Ada put “Between” back")


def test_changes_are_shown_once_and_undone_by_their_person(ada: DatastarClient, bob: DatastarClient) -> None:
    add(ada, "Of Ada")
    add(bob, "Of Bob")
    ada.wait_for("#board", text="Of Bob")
    ada.click("button[aria-label='Move on: Of Bob']")
    ada.click("button[aria-label='Move on: Of Ada']")

    ada.wait_for("#changes", text="You moved “Of Ada” to “Doing”")
    bob.wait_for("#changes", text="Ada moved “Of Ada” to “Doing”")
    # Who has a notice of a change needs no toast of it, and nobody undoes what somebody else has done.
    assert "Of Bob" not in bob.text("#changes")
    assert "Of Bob" in bob.text("#notices")
    assert not any(one.is_visible for one in bob.find_all("#changes button"))
    change = int(bob.find_all("#changes p")[-1].attributes["id"].split("-")[1])
    bob.post("board.undo", change=change)
    assert "Of Ada" in ada.text("#column-1-cards")

    ada.reload()
    assert ada.text("#changes") == ""
    for _ in range(2):
        ada.post("board.undo", change=change)
    ada.wait_for("#changes", text="You moved “Of Ada” to “To do”")
    bob.wait_for("#changes", text="Ada moved “Of Ada” to “To do”")
    assert ada.text("#changes").count("Of Ada") == 1


def test_lost_connection_loses_and_doubles_nothing(ada: DatastarClient, bob: DatastarClient) -> None:
    add(ada, "Patient card")
    ada.lose_network()
    ada.click("button[aria-label='Move on: Patient card']")
    assert "Patient card" in ada.text("#column-0-cards")

    ada.regain_network()
    ada.wait(5)

    bob.wait_for("#changes", text="Ada moved “Patient card” to “Doing”")
    ada.wait_for("#column-1-cards", text="Patient card")
    assert ada.text("#changes").count("Patient card") == 1


def test_people_are_those_who_look(ada: DatastarClient, bob: DatastarClient) -> None:
    ada.wait_for("#people", text="Ada, Bob")

    bob.close()

    ada.wait_for("#people", text="Here now: Ada")


def test_faces_show_who_edits_a_card(ada: DatastarClient, bob: DatastarClient) -> None:
    add(ada, "Edited card")
    bob.wait_for(text="Edited card")
    bob.click("button[aria-label='Edit: Edited card']")

    ada.wait_for("#board .writers", text="Bob is editing")
    face, other = ada.find("#board .face"), ada.find("#people .face:last-of-type")
    assert face.attributes["style"] == other.attributes["style"]

    bob.click("#cancel")
    ada.wait_for("#board:not(:has(.writers))")


def test_person_leaves_the_board(ada: DatastarClient) -> None:
    ada.click(text="Leave the board")

    assert ada.is_visible("#name")


def test_dashboard_follows_the_board(ada: DatastarClient, visit: Visit) -> None:
    viewer = visit("/dashboard")
    before = figures(viewer)

    add(ada, "Counted card")

    viewer.wait_for("#figures div:first-child dd", text=f"{before['Cards on the board'] + 1}")
    assert figures(viewer)["Cards done"] == before["Cards done"]
    assert f"To do: {len(ada.find_all('#column-0-cards li'))}, " in viewer.html("#chart-text")


def figures(viewer: DatastarClient) -> dict[str, int]:
    names, counts = viewer.find_all("#figures dt"), viewer.find_all("#figures dd")
    return {name.text: int(count.text) for name, count in zip(names, counts, strict=True)}
