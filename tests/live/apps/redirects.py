"""Redirects out of handlers, by the extension and by Flask, and a guard that sends strangers to a login page."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from flask import Blueprint, flash, redirect, request, session, url_for
from werkzeug.wrappers import Response

from tests.live.apps.base import make_app, render_page

app, datastar = make_app(__name__)
Parameters = ParamSpec("Parameters")

TARGETS = [
    """/target?q='"%22<x>""",
    "/target?q=</script><script>window.hacked=1</script>",
    "/target?q=a@get(c);b\\",
    "/target?q=${x}`&amp;%27",
    "/target?q=größe%20漢字",
    "target?q=relative#part'1",
]


@app.get("/")
def index() -> str:
    body = """{% for target in targets %}
    <button id="datastar-{{ loop.index0 }}" data-on:click="{{ datastar.post('go', number=loop.index0) }}">go</button>
    <button id="flask-{{ loop.index0 }}" data-on:click="{{ datastar.post('go_flask', number=loop.index0) }}">go</button>
    {% endfor %}"""
    return render_page(body, targets=TARGETS)


@app.get("/target")
def target() -> str:
    return render_page('<p id="q">{{ request.args.q }}</p>{{ get_flashed_messages()|join }}')


@datastar.handler(group="redirects")
def go(number: int) -> None:
    datastar.redirect(TARGETS[number])


@datastar.handler(group="redirects")
def go_flask(number: int) -> Response:
    flash("flashed before")
    return redirect(TARGETS[number])


@app.route("/login", methods=["GET", "POST"])
def login() -> str | Response:
    if request.method == "GET":
        return render_page(
            """<form method="post"><input name="user" aria-label="Name"><button>Log in</button></form>"""
        )
    session["user"] = request.form["user"]
    # A real application checks that it stays on its own site.
    return redirect(request.args["next"])


def login_required(view: Callable[Parameters, None]) -> Callable[Parameters, Response | None]:
    """Guard as Flask's documentation shows it, in complete ignorance of Datastar."""

    @wraps(view)
    def guarded(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Response | None:
        if "user" not in session:
            return redirect(url_for("login", next=request.path))
        return view(*args, **kwargs)

    return guarded


board = Blueprint("board", __name__, url_prefix="/board")


@board.before_request
def require_login_to_write() -> Response | None:
    if request.method != "GET" and "user" not in session:
        return redirect(url_for("login", next=request.full_path))
    return None


@board.get("/")
def show_board() -> str:
    body = """<p id="user">{{ session.user }}</p><p id="wrote"></p>
    <button id="decorated" data-on:click="{{ datastar.post('write') }}">decorated</button>
    <button id="blueprint" data-on:click="{{ datastar.post('write_board') }}">blueprint</button>"""
    return render_page(body)


@datastar.handler(group="board")
@login_required
def write() -> None:
    datastar.patch_elements("decorated", to="wrote", mode="inner")


@datastar.handler(group="board", blueprint=board)
def write_board() -> None:
    datastar.patch_elements("blueprint", to="wrote", mode="inner")


app.register_blueprint(board)
