"""Dependent selects: the choices of the second one depend on the first."""

from flask import render_template

from example.cookbook.pages import bp
from example.extensions import datastar
from example.search import CITIES

COUNTRIES = sorted({city.country for city in CITIES})


@bp.get("/selects")
def selects() -> str:
    return render_template("cookbook/selects.html", countries=COUNTRIES)


@datastar.handler(methods=["GET"])
def choose(country: str) -> None:
    cities = [city.name for city in CITIES if city.country == country]
    datastar.patch_template("cookbook/selects.html", block="cities", context={"cities": cities})
    datastar.signal("city", "")  # what was chosen before is not in this country


@datastar.handler
def order(country: str, city: str) -> None:
    # Never trust that a browser sends one of the choices.
    if any((one.country, one.name) == (country, city) for one in CITIES):
        datastar.signal("message", f"A postcard from {city}, {country} is on its way.")
