"""The cards of the board, their order, and what happened to them: everything of the board that the database keeps."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy.orm import Mapped, mapped_column

from example.cookbook.bounds import keep_newest
from example.extensions import db

COLUMNS = ["To do", "Doing", "Done"]
#: The column of deleted cards, which no page shows. They stay, so that they can be put back, and keep their ids.
TRASH = -1
MOST_CHANGES = 200


class Person(NamedTuple):
    """Somebody who has given a name. It is in the session. The id is not secret: all pages have it."""

    id: str
    name: str


class Place(NamedTuple):
    """A column, and the id of the card below, or 0. It holds also after other cards were moved."""

    column: int
    before: int = 0


class Card(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]
    author: Mapped[str]
    # The author's id, because two people may have the same name.
    person: Mapped[str | None]
    column: Mapped[int] = mapped_column(default=0)
    # None: new, and so below all cards that have a position.
    position: Mapped[int | None]


class Change(db.Model):
    """A change that somebody made to a card, with the place where it was before."""

    # No id comes twice: pages remember which changes they have shown.
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    person: Mapped[str]
    name: Mapped[str]
    what: Mapped[str]
    # The id of the person who has a notice of it.
    told: Mapped[str | None]
    card: Mapped[int]
    column: Mapped[int]
    before: Mapped[int]


class Notice(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    person: Mapped[str]
    text: Mapped[str]


def read_cards(column: int | None = None) -> list[Card]:
    """Return the cards of a column, or of all columns that are shown, in their order."""
    chosen = Card.column != TRASH if column is None else Card.column == column
    return list(db.session.scalars(db.select(Card).where(chosen).order_by(Card.position.nulls_last(), Card.id)))


def find_card(number: int) -> Card | None:
    # The database refuses larger numbers, and no card has one.
    found = db.session.get(Card, number) if 0 < number < 2**63 else None
    return found if found and found.column != TRASH else None


def find_place(card: Card) -> Place:
    if card.column == TRASH:
        return Place(TRASH)
    cards = read_cards(card.column)
    # Another process may have moved it this moment.
    below = cards[cards.index(card) + 1 :] if card in cards else []
    return Place(card.column, below[0].id if below else 0)


def put(card: Card, person: Person, place: Place) -> None:
    """Put a card in its place, and tell everybody. If the card below is gone meanwhile, it is last."""
    was = find_place(card)
    if place.before == card.id:
        return
    if place.column != TRASH:
        cards = [one for one in read_cards(place.column) if one is not card]
        index = next((number for number, one in enumerate(cards) if one.id == place.before), len(cards))
        for position, one in enumerate([*cards[:index], card, *cards[index:]]):
            one.position = position
    card.column = place.column
    if find_place(card) != was:
        tell(card, person, was)


def tell(card: Card, person: Person, was: Place) -> None:
    """Add a change for everybody, and a notice for the author if somebody else took the card out of its column."""
    if card.column == TRASH:
        what = "deleted {}"
    elif was.column == TRASH:
        what = "put {} back"
    else:
        what = f"moved {{}} {'within' if card.column == was.column else 'to'} “{COLUMNS[card.column]}”"
    told = card.person if card.person != person.id and card.column != was.column else None
    if told:
        db.session.add(Notice(person=told, text=f"{person.name} {what.format('your card')}: {card.text}"))
    what = what.format(f"“{card.text}”")
    change = Change(person=person.id, name=person.name, what=what, told=told, card=card.id)
    change.column, change.before = was
    db.session.add(change)
    keep_newest(Change, MOST_CHANGES)
