"""Handlers that count their runs, for pages whose network is cut."""

from __future__ import annotations

import time
from collections.abc import Iterator

from flask import Response, jsonify, make_response, session

from tests.live.apps.base import make_app, render_page

app, datastar = make_app(__name__)
runs: list[str] = []


@app.get("/")
def index() -> str:
    body = """<main {{ datastar.tab_signal() }} data-signals="{done: ''}">
    <p id="done" data-text="$done"></p><p id="who" data-text="$who"></p><p id="step" data-text="$step"></p>
    <button id="a" data-on:click="{{ datastar.post('add', title='a') }}">add A</button>
    <button id="b" data-on:click="{{ datastar.post('add', title='b') }}">add B</button>
    <button id="same" data-on:click="{{ datastar.post('count') }}">count</button>
    <button id="remove" data-on:click="{{ datastar.delete('remove') }}">remove</button>
    <form data-on:submit="{{ datastar.post('save', _content_type='form') }}">
      <input name="title" value="form"><button id="save">save</button></form>
    <button id="sign-in" data-on:click="{{ datastar.post('sign_in') }}">sign in</button>
    <button id="steps" data-on:click="{{ datastar.post('steps') }}">steps</button>
    <button id="rests" data-indicator="_busy" data-attr:disabled="$_busy"
            data-on:click="{{ datastar.post('pay') }}">pay</button>
    </main>"""
    return render_page(body)


@app.get("/strict")
def strict() -> Response:
    """Answer the same page with a policy that allows what the tests' client needs, which has no nonces."""
    nonce = "abcdef"
    response = make_response(index().replace("<script>", f'<script nonce="{nonce}">'))
    response.headers["Content-Security-Policy"] = (
        f"default-src 'self'; img-src data:; script-src 'self' 'unsafe-eval' 'nonce-{nonce}'"
    )
    return response


#: The page's way to compile expressions where the policy allows nothing but nonces, as clients from v1.0.3 on do it.
COMPILE = """
    const nonce = document.currentScript.nonce
    window.Function = (...names) => {
      const body = names.pop(), script = document.createElement('script')
      script.nonce = nonce
      script.text = `window.compiled = function (${names.join(', ')}) { ${body} }`
      document.head.append(script)
      script.remove()
      return window.compiled
    }
"""


@app.get("/nonces")
def nonces() -> Response:
    """Answer the same page with a policy of nonces alone."""
    nonce = "abcdef"
    page = index().replace("<script>", f'<script nonce="{nonce}">{COMPILE}</script><script nonce="{nonce}">')
    response = make_response(page.replace('<script type="module"', f'<script nonce="{nonce}" type="module"'))
    response.headers["Content-Security-Policy"] = f"default-src 'self'; img-src data:; script-src 'nonce-{nonce}'"
    return response


@datastar.handler
def add(title: str) -> None:
    runs.append(title)
    datastar.signal("done", title)


@datastar.handler
def count() -> None:
    runs.append("count")
    datastar.signal("done", str(runs.count("count")))


@datastar.handler
def remove() -> None:
    runs.append("remove")
    datastar.signal("done", "removed")


@datastar.handler
def save() -> None:
    runs.append("save")
    datastar.signal("done", "saved")


@datastar.handler
def sign_in() -> None:
    runs.append("sign in")
    session["user"] = f"user {len(runs)}"
    datastar.signal("who", session["user"])


@datastar.handler
def steps() -> Iterator[None]:
    runs.append("steps")
    datastar.signal("step", "1")
    yield


@datastar.handler
def pay() -> None:
    runs.append("pay")
    time.sleep(0.5)
    datastar.signal("done", "paid")


@app.post("/forget")
def forget() -> str:
    runs.clear()
    return ""


@app.get("/runs")
def show_runs() -> Response:
    return jsonify(runs=runs, user=session.get("user"))
