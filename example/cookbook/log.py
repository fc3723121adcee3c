"""A live log: each line goes to all pages that follow it, and the last lines are there when a page opens."""

from datetime import UTC, datetime

from flask import render_template
from sqlalchemy.orm import Mapped, mapped_column

from example.cookbook.bounds import keep_newest
from example.cookbook.pages import bp
from example.extensions import datastar, db

LINES = 20


class Line(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    text: Mapped[str]


@bp.get("/log")
def log() -> str:
    return render_template("cookbook/log.html")


@datastar.stream
def lines():
    def show_last(out) -> None:
        found = db.session.scalars(db.select(Line).order_by(Line.id.desc()).limit(LINES)).all()
        out.patch_template("cookbook/log.html", block="lines", context={"lines": found})

    # Followed first, so that no line is lost in between; and shown again if Redis was away.
    feed = datastar.follow("log", on_gap=show_last)
    show_last(datastar)
    return feed


def write(text: str) -> None:
    """Write a line. Any code can call this: a view, a job, a command."""
    line = Line(at=datetime.now(UTC), text=text)
    db.session.add(line)
    db.session.flush()
    keep_newest(Line, LINES)
    db.session.commit()
    datastar.broadcast("log").patch_template(
        "cookbook/log.html", macro="line", context={"line": line}, to="log", mode="prepend"
    )


@datastar.handler
def knock() -> None:
    write("Somebody knocked.")
