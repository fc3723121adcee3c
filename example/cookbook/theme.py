"""A dark mode that persists: in a cookie, so that the next page is dark before anything is drawn."""

from typing import Literal

from flask import render_template, request
from werkzeug.wrappers import Response

from example.cookbook.pages import bp
from example.extensions import datastar


@bp.get("/theme")
def theme() -> str:
    datastar.signal("theme", request.cookies.get("theme", "system"))
    return render_template("cookbook/theme.html")


@datastar.handler
def choose(theme: Literal["system", "light", "dark"]) -> Response:
    response = datastar.start()
    response.set_cookie("theme", theme, max_age=365 * 24 * 3600, samesite="Lax")
    return response
