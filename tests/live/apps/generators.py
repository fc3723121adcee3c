"""Generator handlers that wait for what the test does next."""

from __future__ import annotations

import time
from collections.abc import Iterator
from threading import Event
from typing import Any

from flask import Response, jsonify

from tests.live.apps.base import make_app, render_page

app, datastar = make_app(__name__)
DEADLINE_SECONDS = 60
counts = {"runs": 0, "closed": 0}
# Made on the first request, when gevent has patched the class's locks.
released: list[Event] = []


@app.get("/")
def index() -> str:
    released[:] = [Event()]
    counts.update(runs=0, closed=0)
    body = """<main data-signals="{step: '', total: 0}">
    <p id="step" data-text="$step"></p><p id="total" data-text="$total"></p><ul id="list"></ul>
    <button id="steps" data-on:click="{{ datastar.post('steps') }}">steps</button>
    <button id="release" data-on:click="{{ datastar.post('release') }}">release</button>
    <button id="endless" data-on:click="{{ datastar.post('endless') }}">endless</button>
    <button id="late" data-on:click="{{ datastar.post('fail_late') }}">fail late</button>
    <button id="early" data-on:click="{{ datastar.post('fail_early') }}">fail early</button>
    </main>"""
    return render_page(body)


@datastar.handler
def steps() -> Iterator[Any]:
    datastar.signal("step", "first")
    datastar.signal("total", 1)
    yield datastar.patch_elements("<li>one</li>", to="list", mode="append")
    if not released[0].wait(DEADLINE_SECONDS):
        raise TimeoutError("nobody has clicked on release")
    datastar.signal("step", "second")
    datastar.signal("total", 2)
    yield '<ul id="list"><li>two</li></ul>'


@datastar.handler
def release() -> None:
    released[0].set()


@datastar.handler
def endless() -> Iterator[None]:
    counts["runs"] += 1
    number = 0
    try:
        while True:
            number += 1
            datastar.signal("total", number)
            yield
            time.sleep(0.02)
    finally:
        counts["closed"] += 1


@datastar.handler
def fail_late() -> Iterator[None]:
    counts["runs"] += 1
    datastar.signal("step", "before the failure")
    yield
    raise RuntimeError("late failure")


@datastar.handler
def fail_early() -> Iterator[None]:
    counts["runs"] += 1
    raise RuntimeError("early failure")
    yield


@app.get("/counts")
def show_counts() -> Response:
    return jsonify(counts)
