"""A to-do list for each visitor: a page and its events in one class, whose events send one block of the page again."""

from __future__ import annotations

import secrets
from typing import Literal, get_args

from flask import Blueprint, request, session, url_for
from sqlalchemy.orm import Mapped, mapped_column

from example.extensions import datastar, db
from flask_datastar import StarView, event

bp = Blueprint("todo", __name__)

Shown = Literal["all", "open", "done"]
LONGEST_TEXT, LONGEST_LIST = 100, 50


class Item(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    visitor: Mapped[str] = mapped_column(index=True)
    text: Mapped[str]
    done: Mapped[bool] = mapped_column(default=False)


@datastar.view("/todo", blueprint=bp, group="todo", endpoint="page")
class TodoView(StarView):
    template = "todo.html"

    def load(self) -> None:
        # Runs before the page and before every event, so that no event can reach the list of another visitor.
        self.visitor = session.get("visitor", "")
        found = db.session.scalars(db.select(Item).where(Item.visitor == self.visitor).order_by(Item.id))
        self.items = {item.id: item for item in found}

    def show(self) -> None:
        shown = request.args.get("shown", "all")
        datastar.signal("editing", 0)
        self.assign_items(shown if shown in get_args(Shown) else "all")

    @event
    def add(self, text: str = "", shown: Shown = "all") -> None:
        text = " ".join(text.split())[:LONGEST_TEXT]
        if text and len(self.items) < LONGEST_LIST:
            # The cookie is set only here, so that a visitor who only looks gets none.
            self.visitor = session["visitor"] = self.visitor or secrets.token_hex(8)
            item = Item(visitor=self.visitor, text=text, done=False)
            db.session.add(item)
            db.session.flush()
            self.items[item.id] = item
            datastar.signal("text", "")
        self.save(shown)

    @event
    def check(self, item: int, done: bool, shown: Shown = "all") -> None:
        if item in self.items:
            self.items[item].done = done
        self.save(shown)

    @event
    def rename(self, editing: int, text: str = "", shown: Shown = "all") -> None:
        text = " ".join(text.split())[:LONGEST_TEXT]
        if text and editing in self.items:
            self.items[editing].text = text
        datastar.signal("editing", 0)
        datastar.signal("text", "")
        self.save(shown)

    @event
    def delete(self, item: int, editing: int = 0, shown: Shown = "all") -> None:
        if item in self.items:
            db.session.delete(self.items.pop(item))
        if item == editing:
            datastar.signal("editing", 0)
            datastar.signal("text", "")
        self.save(shown)

    @event
    def filter(self, shown: Shown) -> None:
        datastar.replace_url(url_for("todo.page", shown=shown))
        self.save(shown)

    def save(self, shown: str) -> None:
        db.session.commit()
        self.assign_items(shown)
        datastar.patch_template(self.template, block="list")

    def assign_items(self, shown: str) -> None:
        # The signal comes back with the next event, which then sends the same choice of entries.
        datastar.signal("shown", shown)
        items = list(self.items.values())
        datastar.assign("items", [item for item in items if shown == "all" or item.done == (shown == "done")])
        datastar.assign("left", sum(not item.done for item in items))
        datastar.assign("total", len(items))
        datastar.assign("is_full", len(items) >= LONGEST_LIST)
