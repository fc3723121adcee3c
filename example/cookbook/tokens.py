"""A stream of tokens, as a language model writes them: coalesced on the way, and still there after a reload."""

import time
from collections.abc import Iterator

from flask import render_template
from markupsafe import escape
from sqlalchemy.orm import Mapped, mapped_column

from example.cookbook.background import run
from example.cookbook.bounds import keep_newest
from example.cookbook.pages import bp
from example.cookbook.visitors import visitor_id
from example.extensions import datastar, db

SAYING = "a model would now say something that is long enough for you to reload this page in the middle of it. " * 2


class Answer(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    asker: Mapped[str]
    text: Mapped[str] = mapped_column(default="")
    is_done: Mapped[bool] = mapped_column(default=False)


@bp.get("/tokens")
def tokens() -> str:
    visitor_id()
    return render_template("cookbook/tokens.html")


@datastar.handler
def ask(question: str = "") -> None:
    answer = Answer(asker=visitor_id())
    db.session.add(answer)
    db.session.flush()
    keep_newest(Answer, 1000)
    db.session.commit()
    run(write, answer.id, question[:100])


def write(number: int, question: str) -> None:
    """Store each token as it comes, and tell the page that there is more."""
    answer = db.session.get_one(Answer, number)
    for token in ask_model(question):
        answer.text += token
        db.session.commit()
        datastar.publish(f"answer-{answer.asker}")
    answer.is_done = True
    datastar.publish(f"answer-{answer.asker}")
    db.session.commit()


def ask_model(question: str) -> Iterator[str]:
    """Yield the tokens of an answer. Yours would ask a model, whose clients are iterators like this one."""
    for word in f"To “{question}” {SAYING}".split():
        time.sleep(0.03)
        yield f"{word} "


@datastar.stream(scope=visitor_id)
def answer() -> Iterator[None]:
    asker, shown = visitor_id(), (0, 0)  # the answer that the page has, and how much of it
    newest = db.select(Answer).where(Answer.asker == asker).order_by(Answer.id.desc()).limit(1)
    # However fast the tokens come, the page gets what is new ten times a second.
    for _ in datastar.changes(f"answer-{asker}", at_most_every=0.1):
        if found := db.session.scalar(newest):
            number, length = shown
            if found.id == number:
                datastar.patch_elements(escape(found.text[length:]), to="answer", mode="append")
            else:
                datastar.patch_elements(escape(found.text), to="answer", mode="inner")
            shown = (found.id, len(found.text))
            datastar.signal("_writing", not found.is_done)
        yield
