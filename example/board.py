"""A shared board: a change by one person appears in everybody's browser, and everybody sees who is there.

The columns, the people, the newest changes and each person's notices are regions. Handlers write to the database and
commit; the regions of all open pages follow by themselves, whole, so a browser that missed ten changes gets them all
with the next one. Who is there, and who edits which card, is presence: no table has it, and nothing has to be cleaned
up. The module ``cards`` has the tables, and knows nothing of pages.
"""

from __future__ import annotations

import secrets
import zlib

from flask import Blueprint, abort, redirect, render_template, session, url_for
from werkzeug.wrappers import Response

from example.cards import COLUMNS, TRASH, Card, Change, Notice, Person, Place, find_card, put, read_cards
from example.extensions import datastar, db
from flask_datastar import Present

bp = Blueprint("board", __name__)

LONGEST_TEXT, LONGEST_NAME, MOST_NOTICES, MOST_TOASTS = 200, 30, 3, 3
#: The topics of those who have the board open, and of those who write; card 0 is a new one.
HERE, WRITING = "board", "board-writing"


@bp.get("/board")
def page() -> str:
    # The signal `text` is not set here, so that the field keeps what somebody types before the client has started.
    datastar.signal("editing", 0)
    person = find_person()
    if person:
        # Which toasts are this person's, and which ones are old.
        datastar.signal("_me", person.id)
        datastar.signal("_seen", db.session.scalar(db.select(db.func.max(Change.id))) or 0)
        # As long as this page is open. Others see a page that is loaded again, or hidden for a moment, stay.
        datastar.join(HERE, name=person.name)
    return render_template("board.html", person=person)


@datastar.region(group="board")
def columns() -> str:
    """Show all cards. They are one region, so that a card that moves keeps the focus on its button."""
    cards = read_cards()
    shown = [(name, [card for card in cards if card.column == number]) for number, name in enumerate(COLUMNS)]
    return render_template("_columns.html", columns=shown, writers=find_writers())


@datastar.region(group="board")
def people() -> str:
    """Show all people who have the board open, each once, and who of them writes a new card."""
    return render_template("_people.html", people=datastar.presence(HERE), writers=find_writers().get(0, []))


def find_writers() -> dict[int, list[Present]]:
    """Return those who write, by card."""
    found: dict[int, list[Present]] = {}
    for one in datastar.presence(WRITING):
        found.setdefault(one.data["card"], []).append(one)
    return found


@bp.app_template_filter()
def hue(person: str) -> int:
    """Return the colour of somebody's face, which is the same in all browsers."""
    return zlib.crc32(person.encode()) % 360


# Somebody's notices are rendered after a notice for this person, and not after one for others. They are not compressed
# together with the cards, which everybody writes.
@datastar.region(group="board", tables={Notice: "person"}, compress=False)
def notices(person: str) -> str:
    found = db.session.scalars(db.select(Notice).where(Notice.person == person).order_by(Notice.id.desc())).all()
    return render_template("_notices.html", notices=found[:MOST_NOTICES], more=len(found) - MOST_NOTICES)


@datastar.region(group="board")
def changes() -> str:
    """Show the newest changes as toasts. The page knows which ones it has not shown yet, and leaves out the others."""
    newest = db.session.scalars(db.select(Change).order_by(Change.id.desc()).limit(MOST_TOASTS)).all()
    return render_template("_changes.html", changes=newest[::-1])


def find_person() -> Person | None:
    return Person(session["person"], session["name"]) if {"person", "name"} <= session.keys() else None


def this_person() -> Person:
    """Return the person whose request this is; somebody without a name is redirected to the page."""
    return find_person() or abort(redirect(url_for("board.page")))


@datastar.handler(group="board")
def join(name: str = "") -> Response | None:
    name = " ".join(name.split())[:LONGEST_NAME]
    if not name:
        return None
    session["person"] = session.get("person") or secrets.token_hex(8)
    session["name"] = name
    return redirect(url_for("board.page"))


@datastar.handler(group="board")
def leave() -> Response:
    person = session.pop("person", None)
    if person:
        # The other tabs of this browser reconnect with the changed session, and are redirected to ask for a name.
        datastar.tabs.close(person, restart=True)
    return redirect(url_for("board.page"))


@datastar.handler(group="board")
def write(editing: int = 0) -> None:
    """Show others which card this page writes, until it saves or stops, or is closed."""
    datastar.join(WRITING, name=this_person().name, card=editing)


@datastar.handler(group="board")
def stop() -> None:
    datastar.leave(WRITING)


@datastar.handler(group="board")
def save(text: str = "", editing: int = 0) -> None:
    """Add a card or change a card's text; one form does both."""
    person = this_person()
    text = " ".join(text.split())[:LONGEST_TEXT]
    if not text:
        return
    card = find_card(editing)
    if card is None:
        # Also if somebody has deleted the card meanwhile, so that the text is not lost.
        db.session.add(Card(text=text, author=person.name, person=person.id))
    else:
        card.text = text
    db.session.commit()
    datastar.leave(WRITING)
    datastar.signal("editing", 0)
    datastar.signal("text", "")


@datastar.handler(group="board")
def move(card: int, step: int) -> None:
    """Move a card to a column beside its own."""
    person, found = this_person(), find_card(card)
    # Two people may click at the same moment, and the second click may come too late.
    if found and 0 <= found.column + step < len(COLUMNS):
        put(found, person, Place(found.column + step))
        db.session.commit()


@datastar.handler(group="board")
def shift(card: int, by: int) -> None:
    """Move a card up or down in its column."""
    person, found = this_person(), find_card(card)
    cards = read_cards(found.column) if found else []
    if found in cards:
        index = max(cards.index(found) + by, 0)
        cards.remove(found)
        below = cards[index : index + 1]
        put(found, person, Place(found.column, below[0].id if below else 0))
        db.session.commit()


@datastar.handler(group="board")
def drop(card: int, column: int, before: int = 0) -> None:
    """Put a card that was dragged above another one, which says where: others may have moved cards meanwhile."""
    person, found = this_person(), find_card(card)
    if found and 0 <= column < len(COLUMNS):
        put(found, person, Place(column, before))
        db.session.commit()


@datastar.handler(group="board")
def delete(card: int) -> None:
    person, found = this_person(), find_card(card)
    if found:
        put(found, person, Place(TRASH))
        db.session.commit()


@datastar.handler(group="board")
def undo(change: int) -> None:
    """Put a card back to where it was before a change of this person. This is a change as well, so it can be undone."""
    person, found = this_person(), db.session.get(Change, change) if 0 < change < 2**63 else None
    if found and found.person == person.id:
        # It can be undone once, also by a click that comes twice.
        db.session.delete(found)
        put(db.session.get_one(Card, found.card), person, Place(found.column, found.before))
        db.session.commit()


@datastar.handler(group="board")
def dismiss(notice: int) -> None:
    found = db.session.get(Notice, notice) if 0 < notice < 2**63 else None
    if found and found.person == this_person().id:
        db.session.delete(found)
        db.session.commit()
