"""A chart as server-rendered SVG: a region that follows the votes of all visitors."""

from typing import Literal, get_args

from flask import render_template
from sqlalchemy.orm import Mapped, mapped_column

from example.cookbook.bounds import keep_newest
from example.cookbook.pages import bp
from example.cookbook.visitors import visitor_id
from example.extensions import datastar, db

Drink = Literal["Coffee", "Tea", "Water"]


class Vote(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    voter: Mapped[str] = mapped_column(unique=True)
    drink: Mapped[str]


@bp.get("/chart")
def chart() -> str:
    return render_template("cookbook/chart.html", drinks=get_args(Drink))


@datastar.region
def votes() -> str:
    counts = dict(db.session.execute(db.select(Vote.drink, db.func.count()).group_by(Vote.drink)).all())
    bars = [(drink, counts.get(drink, 0)) for drink in get_args(Drink)]
    return render_template("cookbook/_votes.html", bars=bars, most=max([1, *counts.values()]))


@datastar.handler
def vote(drink: Drink) -> None:
    voter = visitor_id()
    vote = db.session.scalar(db.select(Vote).where(Vote.voter == voter))
    if vote:
        vote.drink = drink
    else:
        db.session.add(Vote(voter=voter, drink=drink))
        db.session.flush()
        keep_newest(Vote, 1000)
    db.session.commit()
