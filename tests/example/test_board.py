from __future__ import annotations

import pytest

from flask_datastar.testing import DatastarClient
from tests.example.conftest import Visit

# Coverage would double the time, and other tests measure the same lines.
pytestmark = pytest.mark.no_cover


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


def add(visitor: DatastarClient, text: str) -> None:
    visitor.fill(label="New card", value=text)
    visitor.click(text="Add")


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
    assert ada.find_all("button[aria-label='Move on: Restless card']") == []
    # One's own notices would be noise.
    assert ada.text("#notices") == ""


def test_card_is_edited_and_deleted(ada: DatastarClient, bob: DatastarClient) -> None:
    add(ada, "Typo cadr")
    ada.click("button[aria-label='Edit: Typo cadr']")
    ada.fill(label="Change the card", value="No typo")
    ada.click(text="Save")
    bob.wait_for(text="No typo")

    bob.click("button[aria-label='Delete: No typo']")

    ada.wait_for("#notices", text="Bob deleted your card: No typo")
    assert ada.find_all(text="No typo") == []


def test_people_are_those_who_look(ada: DatastarClient, bob: DatastarClient) -> None:
    ada.wait_for("#people", text="Ada, Bob")

    bob.close()

    ada.wait_for("#people", text="Here now: Ada")


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
