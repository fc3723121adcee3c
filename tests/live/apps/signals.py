"""Signals in all directions: into the page, by patches, and back."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify, request

from tests.live.apps.base import make_app, render_page
from tests.live.hostile_texts import TEXTS, make_objects

app, datastar = make_app(__name__)
BY_NAME = {f"t{number}": text for number, text in enumerate(TEXTS)}
VALUES = {"whole": 7, "negative": -1.5, "yes": True, "no": False, "list": [1, "a;b\\", {"deep": "@get(x)"}]}
received: list[Any] = []

ECHO = """<button id="echo" data-on:click="{{ datastar.post('echo') }}">Echo</button>"""


@app.get("/")
def index() -> str:
    datastar.signal("texts", TEXTS)
    datastar.signal("byName", BY_NAME)
    datastar.signal("values", VALUES)
    datastar.signal("dotted.name.text", TEXTS[0])
    quote = "'" if "single" in request.args else '"'
    body = f"<main data-signals={quote}{{{{ datastar.init_signals() }}}}{quote}>{ECHO}"
    body += """{% for name in names %}<pre id="{{ name }}" data-text="$byName.{{ name }}"></pre>{% endfor %}</main>"""
    return render_page(body, names=BY_NAME)


@app.get("/random")
def random_objects() -> str:
    # Each object stands in an attribute of its own, as a literal, so that one failure does not hide another.
    body = """{% for object in objects %}
    <p data-signals="{o{{ loop.index0 }}: {{ datastar.js(object) }} }"></p>{% endfor %}"""
    return render_page(body + ECHO, objects=make_objects(300))


@app.get("/literals")
def literals() -> str:
    body = """<main data-signals="{picked: []}">
    {% for text in texts %}
    <p data-init="$picked = [...$picked, {{ datastar.js(text) }}]"></p>
    <p data-init='$picked = [...$picked, {{ text|js }}]'></p>
    {% endfor %}</main>"""
    return render_page(body + ECHO, texts=TEXTS)


@app.get("/parameters")
def parameters() -> str:
    body = """{% for text in texts %}
    <button data-on:click="{{ datastar.post('take', text=text) }}">double</button>
    <button data-on:click='{{ datastar.post("take", text=text) }}'>single</button>
    {% endfor %}"""
    return render_page(body, texts=TEXTS)


@app.get("/patches")
def patches() -> str:
    datastar.signal("old", "old")
    datastar.signal("kept", "kept")
    datastar.signal("_private", "stays here")
    body = """<main data-signals="{{ datastar.init_signals() }}">
    <button id="patch" data-on:click="{{ datastar.post('patch') }}">Patch</button>
    <p id="done" data-text="$done"></p></main>"""
    return render_page(body + ECHO)


@datastar.handler
def patch() -> None:
    datastar.signal("byName", BY_NAME)
    datastar.signal("values", VALUES)
    datastar.signal("twice", 1)
    datastar.signal("twice", 2)
    datastar.patch_signals({"texts": TEXTS, "dotted": {"name": {"text": TEXTS[0]}}})
    datastar.patch_signals_raw('{"raw":\n {"line":\n  "break"}}')
    datastar.patch_signals({"kept": "overwritten", "added": "new"}, only_if_missing=True)
    datastar.signal("values.whole", 8)
    datastar.remove_signals(["old"])
    datastar.signal("done", "done")


@datastar.handler
def echo(signals: dict[str, Any]) -> None:
    received.append(signals)


@app.get("/chosen")
def chosen() -> str:
    datastar.signal("query", "tea")
    datastar.signal("queryLong", "no")
    datastar.signal("user", {"name": "Ada", "nameLong": "no", "more": {"age": 36}})
    body = """<main {{ datastar.tab_signal() }}><div data-signals="{{ datastar.init_signals() }}">
    {% for verb, act in (("get", datastar.get), ("post", datastar.post)) %}
    <button id="{{ verb }}-some" data-on:click="{{ act('take_any', _signals=('query', 'user.name')) }}"></button>
    <button id="{{ verb }}-below" data-on:click="{{ act('take_any', _signals=['user.more']) }}"></button>
    <button id="{{ verb }}-none" data-on:click="{{ act('take_any', _signals=()) }}"></button>
    {% endfor %}</div></main>"""
    return render_page(body)


@datastar.handler(methods=["GET", "POST"])
def take_any(signals: dict[str, Any]) -> None:
    received.append(signals)


@datastar.handler
def take(text: str) -> None:
    received.append(text)


@app.get("/received")
def take_received() -> Response:
    """Give what the handlers have received since the last call."""
    taken, received[:] = received[:], []
    return jsonify(taken)
