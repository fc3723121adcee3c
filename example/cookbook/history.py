"""State in the URL: a reload, a bookmark, Back and Forward show the same list."""

from flask import render_template, request, url_for

from example.cookbook.pages import bp
from example.extensions import datastar
from example.search import CITIES, City

COUNTRIES = ["Brazil", "Canada", "Germany", "Poland"]


@bp.get("/history")
def history() -> str:
    # The page starts with what its URL says.
    country, sort = request.args.get("country", COUNTRIES[0]), request.args.get("sort", "name")
    datastar.signal("country", country)
    datastar.signal("sort", sort)
    return render_template("cookbook/history.html", countries=COUNTRIES, cities=find_cities(country, sort))


@datastar.handler(methods=["GET"])
def show(country: str, sort: str) -> None:
    context = {"cities": find_cities(country, sort)}
    datastar.patch_template("cookbook/history.html", block="cities", context=context)
    datastar.push_url(url_for("cookbook.history", country=country, sort=sort))


def find_cities(country: str, sort: str) -> list[City]:
    cities = [city for city in CITIES if city.country == country]
    return sorted(cities, key=lambda city: -city.population if sort == "population" else city.name)
