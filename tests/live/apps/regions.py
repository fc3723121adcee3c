"""A live list with a form, of regions of a database."""

from __future__ import annotations

import os
import tempfile
from typing import Any

from flask import render_template_string
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Integer, String, select

from tests.live.apps.base import make_app, render_page

app, datastar = make_app("regions")
app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tempfile.mkdtemp()}/{os.getpid()}.db"
db = SQLAlchemy(app)


class Card(db.Model):  # type: ignore[name-defined, misc]
    id = db.mapped_column(Integer, primary_key=True)
    title = db.mapped_column(String)


with app.app_context():
    db.create_all()


@datastar.region
def cards() -> str:
    return render_template_string(
        '<ul id="cards">{% for card in cards %}{{ datastar.show("card", number=card.id) }}{% endfor %}</ul>',
        cards=db.session.scalars(select(Card).order_by(Card.id)).all(),
    )


@datastar.region
def card(number: int) -> str:
    found = db.session.get(Card, number)
    return render_template_string('<li id="card-{{ card.id }}">{{ card.title }}</li>', card=found)


@app.get("/")
def page() -> str:
    return render_page(
        "<main {{ datastar.tab_signal() }}><input id='title' data-bind='title'>"
        "<button id='add' data-on:click=\"{{ datastar.post('add') }}\">Add</button>"
        "<details id='more'><summary>More</summary>text</details>{{ cards }}{{ datastar.live() }}</main>",
        cards=cards(),
    )


@datastar.handler
def add(title: str) -> Any:
    db.session.add(Card(title=title))
    db.session.commit()
