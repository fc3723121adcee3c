"""An app in debug mode with handlers and streams that fail."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256

from flask import Response, request
from jinja2 import DictLoader

from tests.live.apps.base import make_app, render_page

app, datastar = make_app(__name__)
app.debug = True
app.jinja_loader = DictLoader({"broken.html": "<p>fine</p>\n{{ 1 / zero }}"})  # type: ignore[assignment]

HOSTILE = "</script><img id='hostile' src=x onerror=\"alert(1)\"></body>"
PAGE = """<main {{ datastar.tab_signal() }} data-signals="{{ datastar.init_signals() }}">
  <p id="ready" data-text="'ready'"></p>
  <p id="step" data-text="$step"></p>
  <input id="typed" data-on:keydown="evt.stopPropagation()">
  {% for name in ['crash', 'late', 'template', 'hostile', 'invalid', 'work'] %}
  <button id="{{ name }}" data-on:click="{{ datastar.post(name) }}">{{ name }}</button>
  {% endfor %}
  <button id="open" data-on:click="{{ datastar.open_stream('feed') }}">open</button>
</main>"""


@app.get("/")
def index() -> str:
    datastar.signal("step", "")
    datastar.signal("text", HOSTILE)
    return render_page(PAGE)


@datastar.handler(group="overlay")
def crash() -> None:
    raise RuntimeError("crashed on purpose")


@datastar.handler(group="overlay")
def hostile() -> None:
    raise RuntimeError(HOSTILE)


@datastar.handler(group="overlay")
def late() -> Iterator[None]:
    datastar.signal("step", "one")
    yield
    raise RuntimeError("late on purpose")


@datastar.handler(group="overlay")
def template() -> None:
    datastar.assign("zero", 0)
    datastar.patch_template("broken.html", to="step")


@datastar.handler(group="overlay")
def invalid(text: int) -> None:
    datastar.signal("step", "never")


@app.after_request
def add_policy(response: Response) -> Response:
    """Allow as little as the tests' client can live with: it has no nonces, so it needs to make functions."""
    if request.args.get("policy"):
        response.headers["Content-Security-Policy"] = (
            "default-src 'self'; img-src data:; object-src 'none'; style-src 'self'; "
            f"script-src 'self' 'unsafe-eval' {inline_script_hashes(response.get_data(as_text=True))}"
        )
    return response


def inline_script_hashes(page: str) -> str:
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    return " ".join(f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" for script in scripts)


@datastar.handler(group="overlay")
def work() -> None:
    datastar.signal("step", "worked")


@datastar.stream(group="overlay")
def feed() -> Iterator[None]:
    datastar.signal("step", "streaming")
    yield
    raise RuntimeError("stream on purpose")
