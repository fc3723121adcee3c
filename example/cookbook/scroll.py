"""Infinite scroll: the next rows are there when the end of the list comes into view."""

from flask import render_template

from example.cookbook.pages import bp
from example.extensions import datastar
from example.search import CITIES

ROWS = 30


@bp.get("/scroll")
def scroll() -> str:
    return render_template("cookbook/scroll.html", cities=CITIES[:ROWS], next=ROWS)


@datastar.handler(methods=["GET"])
def more(start: int) -> None:
    cities = CITIES[max(start, 0) :][:ROWS]
    next = start + ROWS if start + ROWS < len(CITIES) else None
    datastar.patch_template(
        "cookbook/scroll.html", macro="rows", context={"cities": cities}, to="cities", mode="append"
    )
    datastar.patch_template("cookbook/scroll.html", block="more", context={"next": next})
