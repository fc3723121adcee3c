"""An optimistic update: the page shows the result at once, and the server's answer confirms or corrects it."""

import time

from flask import render_template, session

from example.cookbook.pages import bp
from example.extensions import datastar


@bp.get("/optimistic")
def optimistic() -> str:
    datastar.signal("liked", session.get("liked", False))
    return render_template("cookbook/optimistic.html")


@datastar.handler
def like(liked: bool, refuse: bool = False) -> None:
    time.sleep(0.5)  # a slow server, so that there is something to see
    if not refuse:
        session["liked"] = liked
    # Always the truth: after a refusal it takes back what the page has shown.
    datastar.signal("liked", session.get("liked", False))
    datastar.signal("message", "The server refused." if refuse else "")
