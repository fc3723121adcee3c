"""A chat: the newest messages are a region, which is the same for everybody in the room."""

from flask import render_template, session
from sqlalchemy.orm import Mapped, mapped_column

from example.cookbook.bounds import keep_newest
from example.cookbook.pages import bp
from example.extensions import datastar, db


class Message(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    author: Mapped[str]
    text: Mapped[str]


@bp.get("/chat")
def chat() -> str:
    datastar.signal("author", session.get("author", ""))
    return render_template("cookbook/chat.html")


@datastar.region
def messages() -> str:
    return render_template("cookbook/_messages.html", messages=db.session.scalars(db.select(Message)).all())


@datastar.handler
def send(author: str, text: str = "") -> None:
    author, text = author.strip()[:20], text.strip()[:200]
    if author and text:
        session["author"] = author
        db.session.add(Message(author=author, text=text))
        db.session.flush()
        keep_newest(Message, 50)
        db.session.commit()
        datastar.signal("text", "")
