"""Groups of checkboxes, rows that are bound where there is no list, and actions that do not send the tab's id."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify

from tests.live.apps.base import make_app, render_page

app, datastar = make_app(__name__)
received: list[Any] = []
SETS: dict[str, list[Any]] = {"three": ["", "", "3"], "short": ["3"], "nothing": ["", "", ""]}


@app.get("/")
def page() -> str:
    body = """<main {{ datastar.tab_signal() }}>
    <fieldset data-signals="{ids: []}">
      {% for number in range(1, 4) %}<input id="box{{ number }}" type="checkbox" data-bind="ids" value="{{ number }}">
      {% endfor %}
    </fieldset>
    <input data-bind="rows.0.name" value="c"> <input data-bind="rows.1.name" value="d">
    <button id="take" data-on:click="{{ datastar.post('take') }}">Take</button>
    {% for name in sets %}
    <button id="{{ name }}" data-on:click="{{ datastar.post('set_boxes', name=name) }}">Set</button>
    {% endfor %}
    <form><button id="form" data-on:click="{{ datastar.post('tell', _content_type='form') }}">Form</button></form>
    <form enctype="multipart/form-data">
      <button id="multipart" data-on:click="{{ datastar.post('tell', _content_type='form') }}">Multipart</button>
    </form>
    <button id="payload" data-on:click="{{ datastar.post('tell', _payload={'a': 1}) }}">Payload</button>
    <button id="filter" data-on:click="{{ datastar.post('tell', _filter_signals={'include': 'ids'}) }}">Filter</button>
    <button id="plain" data-on:click="{{ datastar.post('tell') }}">Plain</button></main>"""
    return render_page(body, sets=SETS)


@datastar.handler
def take(ids: list[int], rows: list[dict[str, str]]) -> None:
    received.append({"ids": ids, "rows": rows})


@datastar.handler
def set_boxes(name: str) -> None:
    datastar.signal("ids", SETS[name])


@datastar.handler
def tell() -> None:
    received.append(datastar.tab_id)


@app.get("/received")
def take_received() -> Response:
    """Give what the handlers have received since the last call."""
    taken, received[:] = received[:], []
    return jsonify(taken)
