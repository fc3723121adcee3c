"""A counter: one handler sends a signal, an element, a script and a console message."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from example.extensions import datastar

bp = Blueprint("counter", __name__)


@bp.get("/counter")
def page() -> str:
    datastar.signal("count", 0)
    return render_template("counter.html")


@datastar.handler(group="counter")
def increment(count: int = 0) -> None:
    change(count, count + 1)


@datastar.handler(group="counter")
def decrement(count: int = 0) -> None:
    change(count, count - 1)


@datastar.handler(group="counter")
def reset() -> None:
    datastar.signal("count", 0)
    datastar.patch_template("counter.html", block="history")
    datastar.execute_script("document.title = 'Counter'")


@datastar.handler(group="counter")
def finish(count: int = 0) -> Response:
    # A redirect as in any Flask view; for a request of the client it becomes a navigation of the page.
    flash(f"You counted to {count}.")
    return redirect(url_for("index"))


def change(old: int, new: int) -> None:
    """Show the new count in four ways; nothing has to be flushed or returned."""
    # A tracked signal, which is sent once, after everything else, with its last value.
    datastar.signal("count", new)
    # Markup.format() escapes its arguments, as needed for values from a browser.
    datastar.patch_elements(Markup("<li>{} → {}</li>").format(old, new), to="history", mode="prepend")
    # An integer is safe in a script; datastar.js(value) makes any other value safe.
    datastar.execute_script(f"document.title = 'Counter: {new}'")
    datastar.console_log({"event": "count changed", "from": old, "to": new})
