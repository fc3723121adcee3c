"""Active search: the browser filters the list at once, and the server's list replaces it a moment later."""

from __future__ import annotations

import csv
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from flask import Blueprint, render_template, request, url_for

from example.extensions import datastar

bp = Blueprint("search", __name__)


def fold(text: str) -> str:
    """Normalise a text for comparison: without case, accents and surrounding spaces."""
    decomposed = unicodedata.normalize("NFKD", text.strip().casefold())
    bare = "".join(character for character in decomposed if not unicodedata.combining(character))
    # Unicode does not decompose these letters.
    return bare.translate(str.maketrans("łøđ", "lod"))


@dataclass(frozen=True)
class City:
    number: int
    name: str
    country: str
    population: int

    @property
    def title(self) -> str:
        return f"{self.name}, {self.country}"


def load_cities() -> list[City]:
    """Read the cities, largest first."""
    with Path(__file__).with_name("cities.csv").open(encoding="utf-8", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: -int(row["population"]))
    return [
        City(number, row["city"], row["country"], int(row["population"])) for number, row in enumerate(rows, start=1)
    ]


CITIES = load_cities()
FOLDED = {city: fold(city.title) for city in CITIES}


def find_cities(query: str) -> list[City]:
    """Return the cities whose name or country contains the query; cities that start with it come first."""
    folded = fold(query)
    found = [city for city in CITIES if folded in FOLDED[city]]
    return sorted(found, key=lambda city: not FOLDED[city].startswith(folded))


def show(query: str) -> None:
    # Assigns are for templates only. The browser gets one signal, the query of this list. The signal `query` itself is
    # not sent back, because it would overwrite what the user has typed in the meantime.
    datastar.assign("cities", find_cities(query))
    datastar.assign("total", len(CITIES))
    datastar.signal("answered", query)


@bp.get("/search")
def page() -> str:
    query = request.args.get("q", "")
    datastar.signal("query", query)
    show(query)
    return render_template("search.html")


@datastar.handler(group="search", methods=["GET"])
def find(query: str = "") -> None:
    show(query)
    datastar.patch_template("search.html", block="results")
    # Makes a reload, a bookmark and the back button show the same list.
    datastar.replace_url(url_for("search.page", q=query or None))
