"""An app in debug mode whose actions, streams and regions the timeline shows; a policy allows it its nonce alone."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from typing import Any

from flask import Flask, Response, abort, g, render_template_string
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Integer, String, select

from flask_datastar import Datastar
from tests.live.apps.base import STATIC

PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Cards</title><link rel="icon" href="data:,">{{ datastar.script() }}</head>
<body {{ datastar.tab_signal() }} data-signals="{{ datastar.init_signals() }}">
  <main id="main">
    <h1>Cards</h1>
    <label>Title <input id="title" data-bind="title"></label>
    <button data-on:click="{{ datastar.post('add') }}">Add a card</button>
    <button id="up" data-on:click="{{ datastar.post('count_up', by=2) }}">Count</button>
    <button id="crash" data-on:click="{{ datastar.post('crash') }}">Crash</button>
    <button id="taken" data-on:click="{{ datastar.post('taken') }}">Taken</button>
    <button id="ask" data-on:click="dialog.showModal()">Ask</button>
    <dialog id="dialog"><button id="sure" data-on:click="{{ datastar.post('count_up', by=3) }}">Sure</button></dialog>
    <form data-on:submit="{{ datastar.post('count_up', by=5) }}">
      <input id="word" aria-label="Word" required><button id="send">Send</button>
      <button id="post" type="button" data-on:click="@post('/nowhere', {contentType: 'form'})">Post</button>
    </form>
    <button id="renew" data-on:click="{{ datastar.post('renew') }}">Renew</button>
    <input id="search" aria-label="Search" data-bind="search"
      data-on:input__debounce.50ms="{{ datastar.get('find') }}">
    <p id="found" data-text="$found"></p>
    <p id="answer"></p>
    {{ cards }}
  </main>
  {{ datastar.live() }}
</body>
</html>"""


def create_app(*, is_broken: bool = False) -> Flask:
    """Create the app.

    :param is_broken: whether its handlers do nothing, as if somebody had broken them.
    """
    app = Flask("timeline", static_folder=STATIC, static_url_path="/static")
    app.secret_key = "only for tests"
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tempfile.mkdtemp()}/{os.getpid()}.db"
    app.config["SQLALCHEMY_RECORD_QUERIES"] = True
    datastar = Datastar(app, script_url="/static/datastar.js", csp_nonce=lambda: "bm9uY2U")
    db = SQLAlchemy(app)

    class Card(db.Model):  # type: ignore[name-defined, misc]
        id = db.mapped_column(Integer, primary_key=True)
        title = db.mapped_column(String)

    with app.app_context():
        db.create_all()

    @datastar.region(group="cards")
    def cards() -> str:
        found = db.session.scalars(select(Card).order_by(Card.id)).all()
        return render_template_string(
            "<ul id='cards'>{% for c in found %}<li>{{ c.title }}</li>{% endfor %}</ul>", found=found
        )

    @app.get("/")
    def page() -> str:
        g.is_page = True
        for name, value in (("title", ""), ("count", 0), ("search", ""), ("found", "")):
            datastar.signal(name, value)
        return render_template_string(PAGE, cards=cards())

    @app.after_request
    def add_policy(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = (
            "default-src 'self'; img-src data:; style-src 'none'; object-src 'none'; "
            # The client of the tests makes functions.
            "script-src 'nonce-bm9uY2U' 'strict-dynamic' 'unsafe-eval'"
        )
        return response

    @datastar.handler(group="cards")
    def add(title: str) -> None:
        if not is_broken:
            db.session.add(Card(title=title))
            db.session.commit()

    @datastar.handler(group="cards")
    def count_up(count: int = 0, by: int = 1) -> None:
        if not is_broken:
            datastar.signal("count", count + by)
            datastar.patch_elements("<p id='answer'>Counted <b>well</b></p>")

    @datastar.handler(group="cards", methods=["GET"])
    def find(search: str = "") -> None:
        if not is_broken:
            datastar.signal("found", f"found {search}")

    @datastar.handler(group="cards")
    def crash() -> None:
        raise RuntimeError("crashed on purpose")

    @datastar.handler(group="cards")
    def taken() -> None:
        abort(409, "The title is <taken>.")

    @datastar.handler(group="cards")
    def renew() -> Any:
        """Patch the whole document, which the timeline has to survive."""
        return render_template_string(PAGE, cards=cards())

    @datastar.handler(group="cards")
    def long() -> Iterator[None]:
        datastar.signal("count", 100)
        yield
        raise RuntimeError("late on purpose")

    app.debug = True
    return app


if os.environ.get("TIMELINE_SERVES"):
    app = create_app()
