"""A shared board: a change by one person appears in everybody's browser, and everybody sees who is there.

Handlers write to the database, commit, and publish that something has changed. The stream of each tab then reads the
board again and sends it as a whole, so a browser that missed ten changes gets them all with the next one.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
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
LONGEST_TEXT, LONGEST_NAME = 200, 30


class Card(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]
    author: Mapped[str]
    column: Mapped[int] = mapped_column(default=0)


class Person(db.Model):
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]


@bp.get("/board")
def page() -> str:
    # The signal `text` is not set here, so that the field keeps what somebody types before the client has started.
    datastar.signal("editing", 0)
    show_cards()
    show_people()
    return render_template("board.html", person=db.session.get(Person, session.get("person", "")))


def person_id() -> str:
    """Return the id of the person whose request this is; somebody without a name is redirected to the page."""
    if "person" not in session:
        abort(redirect(url_for("board.page")))
    return str(session["person"])


@datastar.stream(group="board", scope=person_id)
def live() -> Iterator[None]:
    # The first step comes at once, because something may have changed between the page and its stream. While the loop
    # waits, it holds no connection to the database; objects that it keeps are loaded again after the wait.
    for changed in datastar.changes("board", "people"):
        if "board" in changed or not changed:
            show_cards()
            datastar.patch_template("board.html", block="cards")
        if "people" in changed or not changed:
            show_people()
            datastar.patch_template("board.html", block="people")
        yield


def show_cards() -> None:
    cards = db.session.scalars(db.select(Card).order_by(Card.id)).all()
    # Plain values, so that the template does not query the database.
    datastar.assign("columns", [(name, [card for card in cards if card.column == n]) for n, name in enumerate(COLUMNS)])


def show_people() -> None:
    """Assign the names of all people who have the board open, each once."""
    try:
        there = datastar.tabs.scopes(everywhere=True)
    except BrokerError:
        # Redis is down: show the people of this process, until all pages read everything again.
        there = datastar.tabs.scopes()
    names = db.session.scalars(db.select(Person.name).where(Person.id.in_(there)).order_by(Person.name)).all()
    datastar.assign("people", names)


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
        db.session.add(Card(text=text, author=person.name))
    else:
        card.text = text
    commit_and_publish()
    datastar.signal("editing", 0)
    datastar.signal("text", "")


@datastar.handler(group="board")
def move(card: int, step: int) -> None:
    person_id()
    found = find_card(card)
    # Two people may click at the same moment, and the second click may come too late.
    if found and 0 <= found.column + step < len(COLUMNS):
        found.column += step
        commit_and_publish()


@datastar.handler(group="board")
def delete(card: int) -> None:
    person_id()
    found = find_card(card)
    if found:
        db.session.delete(found)
        commit_and_publish()


def find_card(number: int) -> Card | None:
    # The database refuses larger numbers, and no card has one.
    return db.session.get(Card, number) if 0 < number < 2**63 else None


def commit_and_publish() -> None:
    # In this order, because the streams read as soon as they wake up.
    db.session.commit()
    datastar.publish("board")


def publish_people(app: Flask, **details: Any) -> None:
    if details["endpoint"] == "datastar.board:live":
        with app.app_context():
            datastar.publish("people")


@bp.record
def connect_hooks(state: BlueprintSetupState) -> None:
    # To this app alone: the hooks of others in the process are none of the board's business.
    hooks.stream_opened.connect(publish_people, state.app)
    hooks.stream_closed.connect(publish_people, state.app)
