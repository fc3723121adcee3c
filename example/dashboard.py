"""A dashboard over the other demos: figures and a chart that follow the database.

The board, the lists and the sign-up form know nothing of it. They commit, and the regions that have read their tables
are rendered again.
"""

from __future__ import annotations

from flask import Blueprint, render_template

from example.cards import COLUMNS, TRASH, Card
from example.extensions import datastar, db
from example.signup import Account
from example.todo import Item

bp = Blueprint("dashboard", __name__)


@bp.get("/dashboard")
def page() -> str:
    return render_template("dashboard.html")


@datastar.region(group="dashboard", at_most_every=0.5)
def figures() -> str:
    """Show how much there is of everything; half a second between two renderings is enough for figures."""
    done = len(COLUMNS) - 1
    counts = {
        "Cards on the board": db.select(db.func.count(Card.id)).where(Card.column != TRASH),
        "Cards done": db.select(db.func.count(Card.id)).where(Card.column == done),
        "Authors": db.select(db.func.count(Card.author.distinct())).where(Card.column != TRASH),
        "Entries left to do": db.select(db.func.count(Item.id)).where(Item.done.is_(False)),
        "Accounts": db.select(db.func.count(Account.id)),
    }
    return render_template("_figures.html", figures={name: db.session.scalar(query) for name, query in counts.items()})


@datastar.region(group="dashboard", at_most_every=0.5)
def chart() -> str:
    """Draw a bar for each column of the board. The element of a region may be an SVG image."""
    rows = db.session.execute(db.select(Card.column, db.func.count().label("number")).group_by(Card.column))
    counts = {row.column: row.number for row in rows}
    bars = [(name, counts.get(number, 0)) for number, name in enumerate(COLUMNS)]
    return render_template("_chart.html", bars=bars, most=max(1, *(count for _, count in bars)))
