"""Type-ahead: suggestions below a field, picked with the mouse or with the arrow keys."""

from flask import render_template

from example.cookbook.pages import bp
from example.extensions import datastar
from example.search import find_cities


@bp.get("/typeahead")
def typeahead() -> str:
    return render_template("cookbook/typeahead.html")


@datastar.handler(methods=["GET"])
def suggest(query: str = "") -> None:
    cities = find_cities(query)[:8] if query.strip() else []
    datastar.patch_template("cookbook/typeahead.html", block="suggestions", context={"cities": cities})
    datastar.signal("_at", -1)
    datastar.signal("_count", len(cities))
