"""Pages with Flask-WTF's tokens, which can be made as old as those of yesterday."""

from __future__ import annotations

import time
from typing import Any

from flask import session
from flask_wtf import CSRFProtect
from flask_wtf.csrf import generate_csrf
from itsdangerous import TimestampSigner, URLSafeTimedSerializer

from tests.live.apps.base import make_app, render_page

app, datastar = make_app(__name__)
CSRFProtect(app)

PAGE = """<main {{ datastar.tab_signal() }} data-signals="{{ datastar.init_signals() }}" id="main">
  <p id="token" data-text="$_csrf"></p>
  <p id="note" data-text="$note"></p>
  <p id="done" data-text="$done">0</p>
  <button id="grow-old" data-on:click="$_csrf = {{ old|js }}; $note = 'old'">Yesterday</button>
  <button id="act" data-on:click="{{ datastar.post('act') }}">Act</button>
  <button id="morph" data-on:click="@get('/{{ path }}')">Morph</button>
  <form data-on:submit="{{ datastar.post('act', _content_type='form') }}">
    <input type="hidden" name="csrf_token" value="{{ old }}"> <button id="submit">Submit</button>
  </form>
</main>"""
REPEAT = """<div data-on:datastar-fetch="evt.detail.type === 'datastar-csrf-renewed'
  && evt.detail.el.matches('button') && evt.detail.el.click()"></div>"""
STREAM = """<div data-init="{{ datastar.open_stream('feed') }}"></div>"""


class YesterdaysSigner(TimestampSigner):
    def get_timestamp(self) -> int:
        return int(time.time()) - 86_400


def render(path: str, more: str = "") -> str:
    generate_csrf()
    signer = URLSafeTimedSerializer(str(app.secret_key), salt="wtf-csrf-token", signer=YesterdaysSigner)
    datastar.signal("done", 0)
    datastar.signal("note", "")
    return render_page(PAGE + more, path=path, old=signer.dumps(session["csrf_token"]))


@app.get("/")
def index() -> str:
    return render("")


@app.get("/repeating")
def repeating() -> str:
    return render("repeating", REPEAT)


@app.get("/live")
def live() -> str:
    return render("live", STREAM)


@datastar.handler(group="tokens")
def act(done: int = 0) -> None:
    datastar.signal("done", done + 1)


@datastar.stream(group="tokens")
def feed() -> Any:
    return datastar.follow("news")
