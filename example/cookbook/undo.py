"""Undo: an entry is removed at once, and a button brings it back."""

from flask import render_template, session

from example.cookbook.pages import bp
from example.extensions import datastar

MAILS = {1: "Lunch on Friday?", 2: "Your invoice", 3: "Minutes of the meeting", 4: "Photos", 5: "New keys"}


@bp.get("/undo")
def undo() -> str:
    return render_template("cookbook/undo.html", mails=left())


@datastar.handler
def archive(mail: int) -> None:
    if mail in left():
        session["archived"] = [*session.get("archived", []), mail]
    show(undoable=mail)


@datastar.handler
def restore(mail: int) -> None:
    session["archived"] = [one for one in session.get("archived", []) if one != mail]
    show()


def left() -> dict[int, str]:
    return {mail: title for mail, title in MAILS.items() if mail not in session.get("archived", [])}


def show(undoable: int | None = None) -> None:
    context = {"mails": left(), "undoable": undoable, "title": MAILS.get(undoable)}
    datastar.patch_template("cookbook/undo.html", block="mails", context=context)
