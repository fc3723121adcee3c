"""A board for people who have signed in, by Flask-Login: a page, handlers and a stream behind the same guard."""

from __future__ import annotations

from typing import Any

from flask import redirect, request, url_for
from flask_login import LoginManager, UserMixin, current_user, login_required, login_user, logout_user

from tests.live.apps.base import make_app, render_page

app, datastar = make_app(__name__)
login_manager = LoginManager(app)
login_manager.login_view = "login"
login_manager.login_message = None

LOGIN = """<form method="post"><h1>Sign in</h1><input name="name" value="ada"> <button>Sign in</button></form>"""
BOARD = """<main {{ datastar.tab_signal() }}>
  <h1>{{ title }} of {{ user.id }}</h1>
  {% if with_stream %}<p id="live" data-init="{{ datastar.open_stream('live') }}" data-text="$live"></p>{% endif %}
  <p id="ready" data-text="'ready'"></p>
  <p id="count" data-text="$count"></p>
  <button id="increment" data-on:click="{{ datastar.post('increment') }}">+</button>
  <button id="sign-out" data-on:click="{{ datastar.post('sign_out') }}">Sign out</button>
</main>"""


class User(UserMixin):
    def __init__(self, name: str) -> None:
        self.id = name


@login_manager.user_loader
def load_user(name: str) -> User:
    return User(name)


@app.route("/login", methods=["GET", "POST"])
def login() -> Any:
    if request.method == "POST":
        login_user(User(request.form["name"]))
        target = request.args.get("next", "")
        return redirect(target if target.startswith("/") and not target.startswith("//") else url_for("board"))
    return render_page(LOGIN)


@app.get("/board")
@login_required
def board() -> str:
    return render_page(BOARD, title="Board", user=current_user, with_stream=True)


@app.get("/quiet")
@login_required
def quiet() -> str:
    return render_page(BOARD, title="Quiet board", user=current_user, with_stream=False)


@datastar.stream(group="board", scope=lambda: current_user.get_id())
@login_required
def live() -> Any:
    news = datastar.follow("news")
    datastar.signal("live", f"live for {current_user.id}")
    return news


@datastar.handler(group="board")
@login_required
def increment(count: int = 0) -> None:
    datastar.signal("count", count + 1)


@datastar.handler(group="board")
@login_required
def sign_out() -> Any:
    name = current_user.id
    logout_user()
    datastar.tabs.close(name, restart=True)
    return redirect(url_for("login"))
