"""Inline edit on a live list: a text becomes a field, and everybody sees what was saved."""

from flask import render_template
from sqlalchemy.orm import Mapped, mapped_column

from example.cookbook.pages import bp
from example.extensions import datastar, db

TITLES = {1: "Buy bread", 2: "Water the plants", 3: "Call the bank", 4: "Sort the photos"}


class Task(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]


@bp.get("/inline_edit")
def inline_edit() -> str:
    datastar.signal("editing", 0)
    datastar.signal("title", "")
    return render_template("cookbook/inline_edit.html")


@datastar.region
def tasks() -> str:
    changed = {task.id: task.title for task in db.session.scalars(db.select(Task))}
    return render_template("cookbook/_tasks.html", tasks=TITLES | changed)


@datastar.handler
def rename(editing: int, title: str) -> None:
    title = title.strip()[:60]
    if title and editing in TITLES:
        db.session.merge(Task(id=editing, title=title))
        db.session.commit()  # the region follows, in every browser
    datastar.signal("editing", 0)
