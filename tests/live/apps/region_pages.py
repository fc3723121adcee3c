"""Boards of cards as regions, for people who have signed in and may see them."""

from __future__ import annotations

import os
import secrets
import tempfile
from typing import Any

from flask import abort, g, redirect, render_template_string, request, session, url_for
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import String, select

from tests.live.apps.base import LAYOUT, make_app

app, datastar = make_app("region_pages")
app.config["SQLALCHEMY_DATABASE_URI"] = os.environ.get(
    "REGION_PAGES_DATABASE", f"sqlite:///{tempfile.mkdtemp()}/{os.getpid()}.db"
)
db = SQLAlchemy(app)


class Board(db.Model):  # type: ignore[name-defined, misc]
    name = db.mapped_column(String, primary_key=True)
    owner = db.mapped_column(String)


class Card(db.Model):  # type: ignore[name-defined, misc]
    id = db.mapped_column(db.Integer, primary_key=True)
    board = db.mapped_column(String)
    title = db.mapped_column(String)


with app.app_context():
    db.create_all()


@datastar.region
def cards(board: str) -> str:
    found = db.session.scalars(select(Card).where(Card.board == board).order_by(Card.id)).all()
    return render_template_string(
        """<section id="cards">
        <details id="more" data-preserve-attr="open"><summary>More</summary>{{ cards|length }} cards</details>
        <input id="inside" aria-label="inside">
        <ul>{% for card in cards %}<li id="card-{{ card.id }}">{{ card.title }}
        <a class="link" href="{{ url_for('board_page', name=board) }}">to the board</a>
        <button class="drop" data-on:click="{{ datastar.post('drop', number=card.id) }}">x</button></li>{% endfor %}
        </ul></section>""",
        board=board,
        cards=found,
    )


BODY = """<main {{ datastar.tab_signal() }}><h1>Board of {{ board.owner }}</h1>
<input id="title" data-bind:title>
<button id="add" data-on:click="{{ datastar.post('add', board=board.name) }}">+</button>
<details id="beside"><summary>Beside</summary>text</details>
<a id="other" href="{{ url_for('other') }}">Other page</a>
{{ cards }}{{ datastar.live(scope=session.get('name', 'nobody')) }}</main>"""


@app.before_request
def make_nonce() -> None:
    g.nonce = secrets.token_urlsafe(16)


@app.get("/boards/<name>")
def board_page(name: str) -> Any:
    if "name" not in session:
        return redirect(url_for("login", next=request.full_path.rstrip("?")))
    board = db.session.get(Board, name) or abort(404)
    if board.owner not in ("all", session["name"]):
        abort(403)
    layout = LAYOUT.replace("BODY", BODY).replace("<script>", '<script nonce="{{ g.nonce }}">')
    response = app.make_response(render_template_string(layout, board=board, cards=cards(name)))
    how = request.args.get("cache")
    if how is not None:
        response.headers["Cache-Control"] = how
    if "policy" in request.args:
        response.headers["Content-Security-Policy"] = (
            f"default-src 'none'; connect-src 'self'; img-src data:; script-src 'nonce-{g.nonce}' 'unsafe-eval' 'self'"
        )
    return response


@app.get("/other")
def other() -> str:
    return "<!doctype html><title>Other</title><link rel=icon href=data:,><h1>Other page</h1>"


@app.get("/login")
def login() -> str:
    return "<!doctype html><title>Sign in</title><link rel=icon href=data:,><h1>Sign in</h1>"


@app.get("/sign-in/<name>")
def sign_in(name: str) -> str:
    session["name"] = name
    return "<link rel=icon href=data:,>signed in"


@app.post("/sign-out")
def sign_out() -> str:
    datastar.tabs.close(session.pop("name"), restart=True)
    return "signed out"


@app.post("/boards/<name>")
def put_board(name: str) -> str:
    """Make a board, give it to another owner, or delete it."""
    board = db.session.merge(Board(name=name, owner=request.form["owner"]))
    if not board.owner:
        db.session.delete(board)
    db.session.commit()
    if "restart" in request.form:
        datastar.tabs.close(request.form["restart"], restart=True)
    return "done"


@app.post("/boards/<board>/cards")
def put_card(board: str) -> str:
    add(title=request.form["title"], board=board)
    return "done"


@app.get("/state")
def state() -> Any:
    return {"open": datastar.stats()["open"], "opened": datastar.stats()["opened"]}


@datastar.handler
def add(title: str, board: str) -> None:
    db.session.add(Card(title=title, board=board))
    db.session.commit()


@datastar.handler
def drop(number: int) -> None:
    db.session.delete(db.session.get(Card, number))
    db.session.commit()
