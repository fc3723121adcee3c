"""The example with handlers that fail, for the element of its layout that shows it."""

from __future__ import annotations

from flask import abort, render_template_string

from example import create_app
from example.extensions import datastar

app = create_app()

PAGE = """{% extends "base.html" %}
{% block main %}
<h1>Failing</h1>
{% for status in [403, 404, 500] %}
<button type="button" data-on:click="{{ datastar.post('fail', status=status) }}">{{ status }}</button>
{% endfor %}
<button type="button" data-on:click="{{ datastar.post('fail') }}">missing parameter</button>
<button type="button" data-on:click="{{ datastar.post('crash') }}">crash</button>
<button type="button" data-on:click="{{ datastar.post('succeed') }}">work with retries</button>
<button type="button" data-on:click="{{ datastar.post('succeed', _retry_max_count=0) }}">work without retries</button>
<p id="worked"></p>
{% endblock %}"""


@app.get("/failing")
def failing() -> str:
    return render_template_string(PAGE)


@datastar.handler(group="failing")
def fail(status: int) -> None:
    abort(status)


@datastar.handler(group="failing")
def crash() -> None:
    raise RuntimeError("crashed on purpose")


@datastar.handler(group="failing")
def succeed() -> None:
    datastar.patch_elements("worked", to="worked", mode="inner")
