"""Drag and drop: a shared list whose order everybody can change, also by keys and on a telephone."""

from flask import render_template
from sqlalchemy.orm import Mapped, mapped_column

from example.cookbook.pages import bp
from example.extensions import datastar, db

DISHES = ["Soup", "Salad", "Pasta", "Curry", "Cake"]


class Place(db.Model):
    dish: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int]


@bp.get("/drag")
def drag() -> str:
    return render_template("cookbook/drag.html")


@datastar.region
def menu() -> str:
    return render_template("cookbook/_menu.html", dishes=read_dishes())


@datastar.handler
def move(dish: str, to: int | None = None, by: int = 0) -> None:
    """Move a dish to a place, counted from 0, or by some places."""
    dishes = read_dishes()
    if dish in dishes:
        place = dishes.index(dish) + by if to is None else to
        dishes.remove(dish)
        dishes.insert(min(max(place, 0), len(dishes)), dish)
        for number, name in enumerate(dishes):
            db.session.merge(Place(dish=name, number=number))
        db.session.commit()


def read_dishes() -> list[str]:
    numbers = {place.dish: place.number for place in db.session.scalars(db.select(Place))}
    return sorted(DISHES, key=lambda dish: numbers.get(dish, len(DISHES)))
