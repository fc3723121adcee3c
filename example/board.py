"""A shared board: a change by one person appears in everybody's browser, and everybody sees who is there.

The columns, the people and each person's notices are regions. Handlers write to the database and commit; the regions of
all open pages follow by themselves, whole, so a browser that missed ten changes gets them all with the next one.
"""

from __future__ import annotations

import secrets
from typing import Any

from flask import Blueprint, Flask, abort, redirect, render_template, session, url_for
from flask.blueprints import BlueprintSetupState
from sqlalchemy.orm import Mapped, mapped_column
from werkzeug.wrappers import Response

from example.extensions import datastar, db
from flask_datastar import hooks
from flask_datastar.errors import BrokerError

bp = Blueprint("board", __name__)

COLUMNS = ["To do", "Doing", "Done"]
LONGEST_TEXT, LONGEST_NAME, MOST_NOTICES = 200, 30, 3


class Card(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]
    author: Mapped[str]
    # The author's id, because two people may have the same name.
    person: Mapped[str | None]
    column: Mapped[int] = mapped_column(default=0)


class Person(db.Model):
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]


class Notice(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    person: Mapped[str]
    text: Mapped[str]


@bp.get("/board")
def page() -> str:
    # The signal `text` is not set here, so that the field keeps what somebody types before the client has started.
    datastar.signal("editing", 0)
    return render_template("board.html", person=db.session.get(Person, session.get("person", "")))


@datastar.region(group="board")
def columns() -> str:
    """Show all cards. They are one region, so that a card that moves keeps the focus on its button."""
    cards = db.session.scalars(db.select(Card).order_by(Card.id)).all()
    shown = [(name, [card for card in cards if card.column == number]) for number, name in enumerate(COLUMNS)]
    return render_template("_columns.html", columns=shown)


@datastar.region(group="board")
def people() -> str:
    """Show the names of all people who have the board open, each once."""
    try:
        there = datastar.tabs.scopes(everywhere=True)
    except BrokerError:
        # Redis is down: show the people of this process, until everything is rendered again.
        there = datastar.tabs.scopes()
    names = db.session.scalars(db.select(Person.name).where(Person.id.in_(there)).order_by(Person.name)).all()
    return render_template("_people.html", people=names)


# Somebody's notices are rendered after a notice for this person, and not after one for others.
@datastar.region(group="board", tables={Notice: "person"})
def notices(person: str) -> str:
    found = db.session.scalars(db.select(Notice).where(Notice.person == person).order_by(Notice.id.desc())).all()
    return render_template("_notices.html", notices=found[:MOST_NOTICES], more=len(found) - MOST_NOTICES)


def person_id() -> str:
    """Return the id of the person whose request this is; somebody without a name is redirected to the page."""
    if "person" not in session:
        abort(redirect(url_for("board.page")))
    return str(session["person"])


@datastar.handler(group="board")
def join(name: str = "") -> Response | None:
    name = " ".join(name.split())[:LONGEST_NAME]
    if not name:
        return None
    session["person"] = session.get("person") or secrets.token_hex(8)
    db.session.merge(Person(id=session["person"], name=name))
    db.session.commit()
    return redirect(url_for("board.page"))


@datastar.handler(group="board")
def leave() -> Response:
    person = session.pop("person", None)
    if person:
        # The other tabs of this browser reconnect with the changed session, and are redirected to ask for a name.
        datastar.tabs.close(person, restart=True)
    return redirect(url_for("board.page"))


@datastar.handler(group="board")
def save(text: str = "", editing: int = 0) -> None:
    """Add a card or change a card's text; one form does both."""
    person = db.session.get(Person, person_id())
    text = " ".join(text.split())[:LONGEST_TEXT]
    if not text or person is None:
        return
    card = find_card(editing)
    if card is None:
        # Also if somebody has deleted the card meanwhile, so that the text is not lost.
        db.session.add(Card(text=text, author=person.name, person=person.id))
    else:
        card.text = text
    db.session.commit()
    datastar.signal("editing", 0)
    datastar.signal("text", "")


@datastar.handler(group="board")
def move(card: int, step: int) -> None:
    person = person_id()
    found = find_card(card)
    # Two people may click at the same moment, and the second click may come too late.
    if found and 0 <= found.column + step < len(COLUMNS):
        found.column += step
        add_notice(found, person, f"moved your card to “{COLUMNS[found.column]}”")
        db.session.commit()


@datastar.handler(group="board")
def delete(card: int) -> None:
    person = person_id()
    found = find_card(card)
    if found:
        db.session.delete(found)
        add_notice(found, person, "deleted your card")
        db.session.commit()


@datastar.handler(group="board")
def dismiss(notice: int) -> None:
    found = db.session.get(Notice, notice) if 0 < notice < 2**63 else None
    if found and found.person == person_id():
        db.session.delete(found)
        db.session.commit()


def find_card(number: int) -> Card | None:
    # The database refuses larger numbers, and no card has one.
    return db.session.get(Card, number) if 0 < number < 2**63 else None


def add_notice(card: Card, person: str, action: str) -> None:
    """Add a notice for a card's author about what somebody else has done with it."""
    who = db.session.get(Person, person)
    if who and card.person and card.person != person:
        db.session.add(Notice(person=card.person, text=f"{who.name} {action}: {card.text}"))


def people_changed(app: Flask, **details: Any) -> None:
    # Who is there is not in the database, so the region has to be told.
    if details["endpoint"] == "board.page":
        with app.app_context():
            people.changed()


@bp.record
def connect_hooks(state: BlueprintSetupState) -> None:
    # To this app alone: the hooks of others in the process are none of the board's business.
    hooks.stream_opened.connect(people_changed, state.app)
    hooks.stream_closed.connect(people_changed, state.app)
